/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of a SEV-SNP host, by GUID. */
#include "evidence/tsm_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { ENTRY_SIZE = 24, ENTRIES_MAX = 32, GUID_SIZE = 16 };

enum kind { KIND_VCEK, KIND_VLEK, KIND_ASK, KIND_ARK, KIND_CRL, KIND_COUNT };

/* The bytes are in the order of the text (RFC 9562), not Microsoft's mixed one. */
static const uint8_t guids[KIND_COUNT][GUID_SIZE] = {
    [KIND_VCEK] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b,
                   0xe8, 0xac, 0xcd},
    [KIND_VLEK] = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45,
                   0xa0, 0xb8, 0xa1},
    [KIND_ASK] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3,
                  0x27, 0xc7, 0x82},
    [KIND_ARK] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01,
                  0x4c, 0xd0, 0xae},
    [KIND_CRL] = {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88,
                  0xdc, 0x67, 0xea},
};

static int kind_of(const uint8_t *guid)
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (memcmp(guid, guids[kind], GUID_SIZE) == 0) {
            return kind;
        }
    }
    return KIND_COUNT; /* of the host's own */
}

/* @retval SL_OK, SL_MALFORMED */
static sl_rc entries_read(const uint8_t *data, size_t size, struct sl_blob found[KIND_COUNT + 1],
                          struct sl_err *err)
{
    static const uint8_t end[GUID_SIZE];
    for (size_t i = 0; i < ENTRIES_MAX && (i + 1) * ENTRY_SIZE <= size; i++) {
        const uint8_t *entry = data + i * ENTRY_SIZE;
        uint32_t off = sl_le32_get(entry + GUID_SIZE);
        uint32_t length = sl_le32_get(entry + GUID_SIZE + 4);
        if (memcmp(entry, end, GUID_SIZE) == 0) {
            return SL_OK;
        }
        if (off > size || length > size - off) {
            return sl_err_set(err, SL_MALFORMED,
                              "certificate table: entry %zu has %u bytes at %u of %zu", i, length,
                              off, size);
        }
        int kind = kind_of(entry);
        if (kind < KIND_COUNT && found[kind].data != NULL) {
            return sl_err_set(err, SL_MALFORMED, "certificate table: entry %zu comes twice", i);
        }
        found[kind] = (struct sl_blob){data + off, length};
    }
    return sl_err_set(err, SL_MALFORMED,
                      "certificate table: no end within %zu bytes and %d entries", size,
                      ENTRIES_MAX);
}

/* Intermediate and root in a row; readers tell PEM and DER by the first bytes, so only where both
 * are of one kind. Else the intermediate alone: verifiers have the root. */
static sl_rc chain_join(const struct sl_blob *ask, const struct sl_blob *ark,
                        struct sl_blob *ret_chain, uint8_t **ret_memory)
{
    bool is_same = ask->size > 0 && ark->size > 0 && ask->data[0] == ark->data[0];
    size_t size = ask->size + (is_same || ask->size == 0 ? ark->size : 0);
    *ret_memory = size > 0 ? malloc(size) : NULL;
    if (size == 0) {
        return SL_OK;
    }
    if (*ret_memory == NULL) {
        return SL_NO_MEMORY;
    }
    if (ask->size > 0) {
        memcpy(*ret_memory, ask->data, ask->size);
    }
    if (size > ask->size) {
        memcpy(*ret_memory + ask->size, ark->data, ark->size);
    }
    *ret_chain = (struct sl_blob){*ret_memory, size};
    return SL_OK;
}

static void put(struct sl_blob from, struct sl_blob *to)
{
    if (from.size > 0) {
        *to = from;
    }
}

sl_rc sl_tsm_table_read(const uint8_t *data, size_t size,
                        struct sl_attest_collateral *io_collateral, uint8_t **ret_chain,
                        struct sl_err *err)
{
    struct sl_blob found[KIND_COUNT + 1] = {{0}};
    *ret_chain = NULL;
    sl_rc rc = entries_read(data, size, found, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = chain_join(&found[KIND_ASK], &found[KIND_ARK], &io_collateral->cert_chain, ret_chain);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "certificate table: out of memory");
    }
    put(found[KIND_VCEK], &io_collateral->vcek);
    put(found[KIND_VLEK], &io_collateral->vlek);
    put(found[KIND_CRL], &io_collateral->amd_crl);
    return SL_OK;
}
