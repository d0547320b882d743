/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that carries evidence. The few CBOR items it takes (RFC 8949) are written here;
 * none is read. */
#include "image/dice.h"

#include <string.h>

#include <openssl/evp.h>

#include "image/control_server.h"

enum {
    CBOR_UINT = 0 << 5,
    CBOR_BYTES = 2 << 5,
    CBOR_TEXT = 3 << 5,
    CBOR_ARRAY = 4 << 5,
    CBOR_MAP = 5 << 5,
    CBOR_TAG = 6 << 5,
    TAG_TEE_QUOTE = 60000, /* IANA: "TCG DICE tagged evidence ... TEE quote" */
    HASH_SHA256 = 1,       /* IANA named information hash algorithms */
    TYPE_SGX = 1,          /* of a bundle: evidence/evidence.h, enum sl_attest_type */
    TYPE_TDX = 2,
    ITEM_EVIDENCE = 1,
};

/* RFC 8949 3: major type, and the argument in as few bytes as hold it. */
static void head(struct sl_writer *w, uint8_t major, uint32_t argument)
{
    if (argument < 24) {
        sl_writer_u8(w, (uint8_t)(major | argument));
    } else if (argument <= UINT8_MAX) {
        sl_writer_u8(w, major | 24);
        sl_writer_u8(w, (uint8_t)argument);
    } else if (argument <= UINT16_MAX) {
        sl_writer_u8(w, major | 25);
        sl_writer_be16(w, (uint16_t)argument);
    } else {
        sl_writer_u8(w, major | 26);
        sl_writer_be32(w, argument);
    }
}

static void bytes(struct sl_writer *w, uint8_t major, const void *data, size_t size)
{
    head(w, major, (uint32_t)size);
    sl_writer_bytes(w, data, size);
}

static sl_rc claims_write(const uint8_t spki_hash[SL_SPKI_HASH_SIZE],
                          uint8_t ret_claims[SL_DICE_CLAIMS_SIZE])
{
    static const char name[] = "pubkey-hash";
    uint8_t hash_entry[1 + 1 + 2 + SL_SPKI_HASH_SIZE];
    struct sl_writer w;
    sl_writer_init(&w, hash_entry, sizeof(hash_entry));
    head(&w, CBOR_ARRAY, 2);
    head(&w, CBOR_UINT, HASH_SHA256);
    bytes(&w, CBOR_BYTES, spki_hash, SL_SPKI_HASH_SIZE);
    sl_rc rc = w.rc;
    sl_writer_init(&w, ret_claims, SL_DICE_CLAIMS_SIZE);
    head(&w, CBOR_MAP, 1);
    bytes(&w, CBOR_TEXT, name, sizeof(name) - 1);
    bytes(&w, CBOR_BYTES, hash_entry, sizeof(hash_entry));
    return rc == SL_OK && w.rc == SL_OK && w.off == SL_DICE_CLAIMS_SIZE ? SL_OK : SL_INTERNAL;
}

void sl_dice_start(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_dice *dice = &server->dice;
    uint8_t report_data[SL_BINDING_DATA_SIZE] = {0};
    if (server->params.certify == NULL ||
        claims_write(server->params.identity->spki_hash, dice->claims) != SL_OK ||
        EVP_Digest(dice->claims, sizeof(dice->claims), report_data, NULL, EVP_sha256(), NULL) !=
            1) {
        return;
    }
    sl_evidence_ask_start(&dice->ask, sl_control_evidence_number(server), report_data, now_ns);
}

/* The quote in a bundle of the host; NULL where it is none that the tag covers. */
static const uint8_t *quote_find(const uint8_t *bundle, size_t size, size_t *ret_size)
{
    struct sl_reader r;
    sl_reader_init(&r, bundle, size);
    uint16_t type = sl_reader_be16(&r);
    (void)sl_reader_be16(&r); /* binding */
    uint16_t count = sl_reader_be16(&r);
    for (uint16_t i = 0; i < count && r.rc == SL_OK; i++) {
        uint16_t kind = sl_reader_be16(&r);
        uint32_t item_size = sl_reader_be32(&r);
        const uint8_t *item = sl_reader_bytes(&r, item_size);
        if (r.rc == SL_OK && kind == ITEM_EVIDENCE && item_size > 0 &&
            item_size <= SL_DICE_QUOTE_MAX && (type == TYPE_SGX || type == TYPE_TDX)) {
            *ret_size = item_size;
            return item;
        }
    }
    return NULL;
}

static bool certify(struct sl_control_server *server)
{
    struct sl_dice *dice = &server->dice;
    uint8_t value[SL_DICE_QUOTE_MAX + SL_DICE_CLAIMS_SIZE + 32];
    struct sl_writer w;
    size_t size = 0;
    const uint8_t *quote = quote_find(dice->ask.bytes, dice->ask.have, &size);
    if (quote == NULL) {
        return false;
    }
    sl_writer_init(&w, value, sizeof(value));
    head(&w, CBOR_TAG, TAG_TEE_QUOTE);
    head(&w, CBOR_ARRAY, 2);
    bytes(&w, CBOR_BYTES, quote, size);
    bytes(&w, CBOR_BYTES, dice->claims, sizeof(dice->claims));
    return w.rc == SL_OK && sl_identity_extend(server->params.certify, "SafeLib NF image",
                                               SL_DICE_OID, value, w.off) == SL_OK;
}

uint64_t sl_dice_poll(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_evidence_ask *ask = &server->dice.ask;
    uint64_t at_ns = sl_evidence_ask_move(ask, &server->params.out, now_ns);
    if (ask->state == SL_ASK_DONE) {
        server->dice.is_certified = ask->err.rc == SL_OK && certify(server);
        sl_evidence_ask_reset(ask);
    }
    return at_ns;
}
