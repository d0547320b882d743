/* SPDX-License-Identifier: Apache-2.0 */
/* A complete set of collateral without any vendor: the emulator's, made in the test. */
#ifndef SL_TESTS_COLLATERAL_SAMPLE_H
#define SL_TESTS_COLLATERAL_SAMPLE_H

#include "collateral/set.h"
#include "evidence/emu_pki.h"
#include "unit.h"

#define SAMPLE_KEY "sgx-534c454d5530-processor"
enum { SAMPLE_NOW = 1780000000 /* 2026-05-28 */ };

/* The caller: sl_collateral_done. */
void sample_make(struct sl_collateral_set *ret_set);
/* The PEM of the sample's PCK chain behind 64 bytes, as in a quote; free .data. */
struct sl_blob sample_quote(void);
/* A new folder, and its removal with the files in it. */
void sample_folder_make(char path[32]);
void sample_folder_remove(const char *path);
bool sample_is_same(const struct sl_collateral_set *a, const struct sl_collateral_set *b);

#endif
