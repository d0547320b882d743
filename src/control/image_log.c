/* SPDX-License-Identifier: Apache-2.0 */
/* Records of an image's log. */
#include "control/image_log.h"

#include <openssl/evp.h>

static const char domain[] = "SafeLib image log 1"; /* with its terminating zero */

const char *sl_image_event_word(uint16_t event)
{
    static const char *const words[] = {
#define WORD(name, word, number) word,
        SL_IMAGE_EVENT_TABLE(WORD)
#undef WORD
    };
    return event < SL_IMAGE_EVENT_COUNT ? words[event] : "unknown";
}

void sl_image_record_write(struct sl_writer *w, const struct sl_image_record *record)
{
    sl_writer_be64(w, record->seq);
    sl_writer_be64(w, record->time_ns);
    sl_writer_u8(w, record->is_time_authentic);
    sl_writer_be16(w, record->event);
    sl_writer_be16(w, record->rc);
    sl_writer_be64(w, record->number);
    sl_writer_string(w, record->text);
}

sl_rc sl_image_record_read(struct sl_reader *r, struct sl_image_record *ret_record)
{
    struct sl_image_record record = {0};
    record.seq = sl_reader_be64(r);
    record.time_ns = sl_reader_be64(r);
    uint8_t flag = sl_reader_u8(r);
    record.is_time_authentic = flag == 1;
    record.event = sl_reader_be16(r);
    record.rc = sl_reader_be16(r);
    record.number = sl_reader_be64(r);
    sl_reader_string(r, record.text, sizeof(record.text));
    if (r->rc == SL_OK && (flag > 1 || record.event >= SL_IMAGE_EVENT_COUNT ||
                           record.rc >= SL_RC_COUNT || record.seq == 0)) {
        sl_reader_fail(r, SL_RANGE);
    }
    sl_rc rc = sl_reader_end(r);
    if (rc == SL_OK) {
        *ret_record = record;
    }
    return rc;
}

sl_rc sl_image_record_hash(const uint8_t before[SL_IMAGE_LOG_HASH_SIZE], const uint8_t *bytes,
                           size_t size, uint8_t ret_hash[SL_IMAGE_LOG_HASH_SIZE])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(ctx, domain, sizeof(domain)) == 1 &&
                   EVP_DigestUpdate(ctx, before, SL_IMAGE_LOG_HASH_SIZE) == 1 &&
                   EVP_DigestUpdate(ctx, bytes, size) == 1 &&
                   EVP_DigestFinal_ex(ctx, ret_hash, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return is_good ? SL_OK : SL_CRYPTO;
}
