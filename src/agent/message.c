/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor is authenticated by its certificate; what it sends is read as if it were not. */
#include "agent/message.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* What a monitor takes that does not say; below the least, not even a quote would fit. */
enum { BODY_SIZE_USUAL = 16 << 20, BODY_SIZE_LEAST = 4096 };

json_t *sl_agent_base64(const void *data, size_t size)
{
    char *text = size < INT32_MAX / 2 ? malloc(4 * ((size + 2) / 3) + 1) : NULL;
    json_t *out = NULL;
    if (text != NULL) {
        int length = size > 0 ? EVP_EncodeBlock((unsigned char *)text, data, (int)size) : 0;
        out = json_stringn_nocheck(text, (size_t)length);
    }
    free(text);
    return out;
}

sl_rc sl_agent_base64_get(const json_t *object, const char *key, struct sl_agent_blob *ret_blob,
                          struct sl_err *err)
{
    const json_t *member = json_object_get(object, key);
    const char *text = json_string_value(member);
    size_t length = json_string_length(member);
    uint8_t room[SL_AGENT_BLOB_MAX + 3];
    ret_blob->size = 0;
    if (text == NULL || length == 0 || length % 4 != 0) {
        return sl_err_set(err, SL_MALFORMED, "%s: expected base64", key);
    }
    if (length / 4 * 3 > SL_AGENT_BLOB_MAX) {
        return sl_err_set(err, SL_RANGE, "%s: longer than %d bytes", key, SL_AGENT_BLOB_MAX);
    }
    int size = EVP_DecodeBlock(room, (const unsigned char *)text, (int)length);
    if (size < 0) {
        return sl_err_set(err, SL_MALFORMED, "%s: expected base64", key);
    }
    size -= text[length - 1] == '=' ? 1 : 0;
    size -= text[length - 2] == '=' ? 1 : 0;
    memcpy(ret_blob->data, room, (size_t)size);
    ret_blob->size = (size_t)size;
    return SL_OK;
}

sl_rc sl_agent_text_get(const json_t *object, const char *key, char *out, size_t size,
                        struct sl_err *err)
{
    const json_t *member = json_object_get(object, key);
    const char *text = json_string_value(member);
    size_t length = json_string_length(member);
    if (text == NULL || length == 0 || strlen(text) != length) {
        return sl_err_set(err, SL_MALFORMED, "%s: expected text", key);
    }
    if (length >= size) {
        return sl_err_set(err, SL_RANGE, "%s: longer than %zu bytes", key, size - 1);
    }
    memcpy(out, text, length + 1);
    return SL_OK;
}

static uint16_t bank_find(const char *name)
{
    static const struct {
        const char *name;
        uint16_t alg;
    } banks[] = {{"sha1", TPM2_ALG_SHA1},
                 {"sha256", TPM2_ALG_SHA256},
                 {"sha384", TPM2_ALG_SHA384},
                 {"sha512", TPM2_ALG_SHA512}};
    for (size_t i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
        if (strcmp(banks[i].name, name) == 0) {
            return banks[i].alg;
        }
    }
    return 0;
}

static sl_rc selections_read(json_t *pcrs, struct sl_agent_challenge *c, struct sl_err *err)
{
    const char *name;
    json_t *list, *number;
    size_t i;
    json_object_foreach(pcrs, name, list)
    {
        uint16_t alg = bank_find(name);
        uint32_t mask = 0;
        if (alg == 0) {
            return sl_err_set(err, SL_UNSUPPORTED, "tpm-ima.pcrs: no bank \"%.16s\"", name);
        }
        json_array_foreach(list, i, number)
        {
            if (!json_is_integer(number) || json_integer_value(number) < 0 ||
                json_integer_value(number) > 23) {
                return sl_err_set(err, SL_RANGE, "tpm-ima.pcrs.%s: expected 0 to 23", name);
            }
            mask |= 1u << json_integer_value(number);
        }
        if (mask == 0 || c->selection_count == SL_AGENT_SELECTIONS_MAX) {
            return sl_err_set(err, SL_RANGE, "tpm-ima.pcrs.%s: no PCRs, or too many banks", name);
        }
        c->selections[c->selection_count].alg = alg;
        c->selections[c->selection_count++].mask = mask;
    }
    return c->selection_count > 0 ? SL_OK
                                  : sl_err_set(err, SL_MALFORMED, "tpm-ima.pcrs: expected a bank");
}

sl_rc sl_agent_challenge_read(const json_t *message, struct sl_agent_challenge *ret_challenge,
                              struct sl_err *err)
{
    struct sl_agent_challenge *c = ret_challenge;
    const char *nonce = json_string_value(json_object_get(message, "nonce"));
    const json_t *part = json_object_get(message, "tpm-ima");
    const json_t *from = json_object_get(json_object_get(part, "ima"), "from");
    memset(c, 0, sizeof(*c));
    size_t length = nonce != NULL ? strlen(nonce) : 0;
    if (length < 32 || length > 2 * sizeof(c->nonce) || length % 2 != 0 ||
        sl_hex_decode(nonce, c->nonce, length / 2) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED, "nonce: expected 16 to 64 bytes in hex");
    }
    c->nonce_size = length / 2;
    c->body_size_max = BODY_SIZE_USUAL;
    const json_t *body = json_object_get(message, "body_bytes");
    if (body != NULL) {
        if (!json_is_integer(body) || json_integer_value(body) < BODY_SIZE_LEAST) {
            return sl_err_set(err, SL_RANGE, "body_bytes: expected %d or more", BODY_SIZE_LEAST);
        }
        c->body_size_max = (size_t)json_integer_value(body);
    }
    c->is_bootlog_wanted = json_is_true(json_object_get(part, "bootlog"));
    if (from != NULL && (!json_is_integer(from) || json_integer_value(from) < 0)) {
        return sl_err_set(err, SL_MALFORMED, "tpm-ima.ima.from: expected a number of entries");
    }
    c->ima_from = (uint64_t)json_integer_value(from);
    const json_t *events = json_object_get(part, "events");
    const json_t *event = json_object_get(events, "from");
    c->are_events_wanted = events != NULL;
    if (events != NULL && (!json_is_integer(event) || json_integer_value(event) < 0)) {
        return sl_err_set(err, SL_MALFORMED, "tpm-ima.events.from: expected a number of events");
    }
    c->events_from = (uint64_t)json_integer_value(event);
    return selections_read(json_object_get(part, "pcrs"), c, err);
}
