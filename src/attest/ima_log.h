/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Reads the kernel's runtime measurement list, binary or ASCII, entry by entry, with any template.
 * The list comes from a host that may lie: every length is checked; nothing in it is believed until
 * its replay meets a quoted PCR (ima_replay.h).
 *
 * Binary entry (Linux ima_fs.c, ima_measurements_show): u32 pcr | template hash | u32 size, name |
 * u32 size, data; integers little-endian, or the machine's where it is big-endian. The original
 * "ima" template has no size in front of its data. The template hash is SHA-1, but in the lists
 * named after an algorithm (binary_runtime_measurements_sha256).
 */
#ifndef SL_ATTEST_IMA_LOG_H
#define SL_ATTEST_IMA_LOG_H

#include "attest/ima_template.h"
#include "attest/tpm_alg.h"
#include "safelib/attest.h"

enum {
    SL_IMA_ENTRY_SIZE_MAX =
        4 << 20, /**< a key or module's signature is some KiB; ima-buf can be more */
};

enum sl_ima_log_format {
    SL_IMA_BINARY = 1,
    SL_IMA_ASCII = 2,
};

/** One field's bytes as the kernel holds them; strings without their terminator. */
struct sl_ima_value {
    enum sl_ima_field_id id;
    const uint8_t *data;
    size_t size;
};

/** A digest with its algorithm. */
struct sl_ima_digest {
    char type[16];                  /**< "ima" or "verity" (d-ngv2), else "" */
    char name[32];                  /**< algorithm as the log names it; "" in template ima */
    const struct sl_tpm_hash *hash; /**< NULL: an algorithm that we do not know */
    const uint8_t *data;
    size_t size;
};

/** One entry. Pointers last until the next call on the log. */
struct sl_ima_entry {
    uint64_t number; /**< from 1 */
    uint32_t pcr;
    uint8_t template_hash[SL_TPM_DIGEST_MAX];
    size_t template_hash_size;
    bool is_violation; /**< template hash of zeros: the PCR was extended with ff...ff */
    struct sl_ima_template template;
    struct sl_ima_value values[SL_IMA_FIELDS_MAX];
    const uint8_t *data; /**< what the template hash is made of */
    size_t data_size;
    struct sl_ima_digest digest;
    char path[4096]; /**< terminated; bytes as the kernel wrote them */
};

/** Position in a list. For a list that continues another, set `count` after sl_ima_log_init. */
struct sl_ima_log {
    const uint8_t *data;
    size_t size;
    size_t off; /**< of the next entry */
    enum sl_ima_log_format format;
    bool is_big_endian;
    bool is_unterminated; /**< ASCII: strings were hashed without their NUL (container patches) */
    size_t template_hash_size;
    uint64_t count;   /**< entries read */
    uint8_t *scratch; /**< an entry's bytes, where they are not in the list as they are hashed */
    size_t scratch_size;
    struct sl_ima_template last; /**< of the entry before: nearly always that of the next, too */
    size_t last_size;            /**< of its name; 0: none yet */
};

/** Looks at the first entries for byte order and size of the template hash.
 * @param data  must outlive @p log
 * @retval SL_OK         an empty list too
 * @retval SL_MALFORMED, SL_TRUNCATED  the first entry is none in any way: @p err
 * @retval SL_NO_MEMORY
 * @owner caller calls sl_ima_log_done */
sl_rc sl_ima_log_init(struct sl_ima_log *log, struct sl_blob data, enum sl_ima_log_format format,
                      struct sl_err *err) SL_MUST_CHECK;
void sl_ima_log_done(struct sl_ima_log *log);
bool sl_ima_log_is_end(const struct sl_ima_log *log);

/** Reads the next entry.
 * @retval SL_OK
 * @retval SL_CLOSED       no more
 * @retval SL_TRUNCATED    the list ends within an entry
 * @retval SL_MALFORMED, SL_RANGE, SL_UNSUPPORTED (template)  @p err names entry and field. An ASCII
 *                         list goes on behind the line; a binary one does not */
sl_rc sl_ima_log_next(struct sl_ima_log *log, struct sl_ima_entry *ret_entry,
                      struct sl_err *err) SL_MUST_CHECK;

/** First value of a field. @return NULL: the template has none */
const struct sl_ima_value *sl_ima_entry_value(const struct sl_ima_entry *entry,
                                              enum sl_ima_field_id id);

/* internal, between the files that read the two forms */
sl_rc sl_ima_ascii_next(struct sl_ima_log *log, struct sl_ima_entry *entry, struct sl_err *err);
void sl_ima_ascii_settings_find(struct sl_ima_log *log, struct sl_ima_entry *entry);
sl_rc sl_ima_entry_finish(struct sl_ima_entry *entry, struct sl_err *err);
sl_rc sl_ima_entry_template(struct sl_ima_log *log, struct sl_ima_entry *entry, const char *name,
                            size_t size, struct sl_err *err);

#endif
