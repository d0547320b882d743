/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an audit log: written, hashed, taken apart. */
#include "audit/line.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"

#define SECOND 1000000000ull

static const char domain[] = "SafeLib audit 1"; /* with its terminating zero */
static const char hash_key[] = ",\"hash\":\"";
enum {
    HEX_SIZE = 2 * SL_AUDIT_HASH_SIZE,
    HASH_KEY_SIZE = sizeof(hash_key) - 1,
    TAIL_SIZE = HASH_KEY_SIZE + HEX_SIZE + 2, /* ,"hash":"..."} */
};

static sl_rc text_hash(const char *text, size_t size, uint8_t ret_hash[SL_AUDIT_HASH_SIZE])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned written = 0;
    bool is_good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(ctx, domain, sizeof(domain)) == 1 &&
                   EVP_DigestUpdate(ctx, text, size) == 1 &&
                   EVP_DigestFinal_ex(ctx, ret_hash, &written) == 1;
    EVP_MD_CTX_free(ctx);
    return is_good ? SL_OK : SL_CRYPTO;
}

static void time_write(uint64_t time_ns, char *out, size_t size)
{
    struct tm tm;
    time_t seconds = (time_t)(time_ns / SECOND);
    char whole[32] = "1970-01-01T00:00:00";
    if (gmtime_r(&seconds, &tm) != NULL) {
        (void)strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    (void)snprintf(out, size, "%s.%09lluZ", whole, (unsigned long long)(time_ns % SECOND));
}

/* The detail as text; what is too large for a line is named by its hash, never cut. */
static char *detail_dump(const json_t *detail)
{
    uint8_t hash[SL_AUDIT_HASH_SIZE];
    char hex[HEX_SIZE + 1];
    char *text = json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    size_t size = text != NULL ? strlen(text) : 0;
    if (size <= SL_AUDIT_DETAIL_MAX) {
        return text;
    }
    sl_rc rc = text_hash(text, size, hash);
    free(text);
    if (rc != SL_OK) {
        return NULL;
    }
    sl_hex_encode(hash, sizeof(hash), hex);
    json_t *instead =
        json_pack("{s:I, s:s}", "omitted_bytes", (json_int_t)size, "omitted_sha256", hex);
    text = instead != NULL ? json_dumps(instead, JSON_COMPACT) : NULL;
    json_decref(instead);
    return text;
}

sl_rc sl_audit_line_write(const struct sl_audit_head *head, uint64_t time_ns, const char *event,
                          const char *outcome, const json_t *detail,
                          char ret_line[SL_AUDIT_LINE_MAX], size_t *ret_size,
                          struct sl_audit_head *ret_head)
{
    char when[64];
    char prev[HEX_SIZE + 1];
    char hex[HEX_SIZE + 1];
    struct sl_audit_head next = {.seq = head->seq + 1};
    if (!json_is_object(detail)) {
        return SL_INVALID;
    }
    char *text = detail_dump(detail);
    if (text == NULL) {
        return SL_NO_MEMORY;
    }
    time_write(time_ns, when, sizeof(when));
    sl_hex_encode(head->hash, SL_AUDIT_HASH_SIZE, prev);
    int size = snprintf(ret_line, SL_AUDIT_LINE_MAX,
                        "{\"seq\":%llu,\"time\":\"%s\",\"event\":\"%s\",\"outcome\":\"%s\","
                        "\"detail\":%s,\"prev\":\"%s\"",
                        (unsigned long long)next.seq, when, event, outcome, text, prev);
    free(text);
    if (size <= 0 || (size_t)size + TAIL_SIZE + 2 > SL_AUDIT_LINE_MAX) {
        return SL_INVALID; /* names of that length do not exist */
    }
    sl_rc rc = text_hash(ret_line, (size_t)size, next.hash);
    if (rc != SL_OK) {
        return rc;
    }
    sl_hex_encode(next.hash, SL_AUDIT_HASH_SIZE, hex);
    (void)snprintf(ret_line + size, SL_AUDIT_LINE_MAX - (size_t)size, "%s%s\"}\n", hash_key, hex);
    *ret_size = (size_t)size + TAIL_SIZE + 1;
    *ret_head = next;
    return SL_OK;
}

static bool hex_member(const json_t *root, const char *name, uint8_t *out)
{
    const char *text = json_string_value(json_object_get(root, name));
    return text != NULL && strlen(text) == HEX_SIZE &&
           sl_hex_decode(text, out, SL_AUDIT_HASH_SIZE) == SL_OK;
}

static bool has_members(const json_t *root)
{
    return json_is_string(json_object_get(root, "time")) &&
           json_is_string(json_object_get(root, "event")) &&
           json_is_string(json_object_get(root, "outcome")) &&
           json_is_object(json_object_get(root, "detail"));
}

sl_rc sl_audit_line_read(const char *text, size_t size, struct sl_audit_line *ret_line)
{
    struct sl_audit_line line = {0};
    /* forbidden: waived, the name of a member */
    if (size <= TAIL_SIZE || memcmp(text + size - TAIL_SIZE, hash_key, HASH_KEY_SIZE) != 0) {
        return SL_MALFORMED;
    }
    line.root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    json_int_t seq = json_integer_value(json_object_get(line.root, "seq"));
    if (!json_is_object(line.root) || seq < 1 || !has_members(line.root) ||
        !hex_member(line.root, "prev", line.prev) ||
        !hex_member(line.root, "hash", line.stated.hash)) {
        json_decref(line.root);
        return SL_MALFORMED;
    }
    line.stated.seq = (uint64_t)seq;
    sl_rc rc = text_hash(text, size - TAIL_SIZE, line.hash);
    if (rc != SL_OK) {
        json_decref(line.root);
        return rc;
    }
    *ret_line = line;
    return SL_OK;
}
