/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The parts of `safelib attest`, and what they share.
 */
#ifndef SL_CMD_SAFELIB_ATTEST_H
#define SL_CMD_SAFELIB_ATTEST_H

#include "collateral/cache.h"
#include "command.h"
#include "safelib/attest.h"

int attest_verify(int argc, char **argv);
int attest_inspect(int argc, char **argv);
int attest_collateral(int argc, char **argv);
int attest_now(int argc, char **argv);

enum { ATTEST_EVIDENCE_MAX = 1 << 20, ATTEST_TIME_TEXT = 32 };

/** Reads a file of evidence and finds its type: by @p name ("sgx", "tdx", "snp"), or by its first
 * bytes where that is NULL.
 * @param[out] ret_data the caller's to free
 * @return OPTIONS_GO_ON, or the exit status to end with (the fault was told) */
int attest_evidence_read(const char *path, const char *name, enum sl_attest_type *ret_type,
                         uint8_t **ret_data, size_t *ret_size);
/** "sgx" */
const char *attest_type_name(enum sl_attest_type type);
/** RFC 3339 in UTC. */
void attest_time_text(int64_t time_s, char ret_text[ATTEST_TIME_TEXT]);
/** The clock, or what --time says. @return OPTIONS_GO_ON or CMD_USAGE (told) */
int attest_time_read(const char *text, int64_t *ret_time_s);

/** The folder of --cache, or the default. @return OPTIONS_GO_ON or CMD_USAGE (told) */
int attest_cache_folder(const char *given, char *ret_path, size_t size);

/** Shows any JSON to a person: names aligned, long hex in groups, objects as indented sections. */
void attest_show_json(FILE *out, const json_t *value);

#endif
