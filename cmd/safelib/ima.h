/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What `safelib ima show|replay|verify` share: a measurement list read through once.
 */
#ifndef SL_CMD_SAFELIB_IMA_H
#define SL_CMD_SAFELIB_IMA_H

#include <jansson.h>
#include <stdio.h>

#include "attest/ima_replay.h"
#include "attest/ima_sig.h"
#include "base/err.h"

struct ima_request {
    const char *log;
    const char *wanted;  /**< "BANK:HEX" of PCR 10, or NULL */
    const char *policy;  /**< file of a node's class, or NULL */
    const char *refvals; /**< folder of reference digests */
    const char *keys;    /**< file or folder of keys that signed files, or NULL */
    bool is_ascii;
    bool is_json;
};

/** A list, replayed to its end. */
struct ima_reading {
    uint8_t *data;
    struct sl_ima_log log;
    struct sl_ima_replay replay; /**< banks extended by their own hash */
    struct sl_ima_replay padded; /**< as kernels before 5.8 extended them */
    uint64_t refused;            /**< lines that are no entries */
    bool is_cut;                 /**< ends within an entry */
    size_t tail_size;            /**< bytes at its end that are too few to begin an entry */
    struct sl_err cut;
    json_t *templates;  /**< name: entries */
    json_t *containers; /**< where a template names them: {kind, entries, bad_hashes, violations} */
    json_t *bad;        /**< at most IMA_BAD_MAX entries with a reason */
    struct sl_ima_keyring *keyring;   /**< of request.keys, or NULL */
    uint64_t good_sigs, refused_sigs; /**< refused: bad, or by a key that is not there */
    bool has_wanted;
    uint16_t wanted_alg;
    uint8_t wanted[SL_TPM_DIGEST_MAX];
    uint64_t reached; /**< entry after which PCR 10 has the wanted value; 0: never */
    bool is_reached_padded;
};
enum { IMA_BAD_MAX = 1000, IMA_CONTAINERS_MAX = 4096 };

/** Calls for each entry, with whether its template hash is good. */
typedef void (*ima_visit)(void *ctx, const struct sl_ima_entry *entry, bool is_hash_good);

/** Reads all of it.
 * @return OPTIONS_GO_ON, or the exit status (the fault was told) */
int ima_read(const struct ima_request *request, struct ima_reading *reading, ima_visit visit,
             void *ctx);
void ima_done(struct ima_reading *reading);

/** Judges the list by a policy, with the code of the daemon: the quote that the daemon would demand
 * is taken for granted, as --pcr10 or the list's end, which is said.
 * @param[out] ret_subjects  host and containers with verdicts and reasons; new reference
 * @return OPTIONS_GO_ON, or the exit status (the fault was told) */
int ima_policy_judge(const struct ima_request *request, const struct ima_reading *reading,
                     json_t **ret_subjects, bool *ret_is_good);
void ima_policy_show(const json_t *subjects);

/** Bytes of the host as a JSON string: what is not UTF-8 as \\xNN. */
json_t *ima_text_json(const void *data, size_t size);
/** The same for a terminal, control characters too: nothing in it may speak to the terminal. */
void ima_text_print(FILE *out, const char *text);
json_t *ima_entry_json(const struct sl_ima_entry *entry, bool is_hash_good);
void ima_entry_show(const struct sl_ima_entry *entry, bool is_hash_good);
/** The summary, and PCR values per bank. */
json_t *ima_reading_json(const struct ima_reading *reading);
void ima_reading_show(const struct ima_reading *reading);

#endif
