/* SPDX-License-Identifier: Apache-2.0 */
/* PCR selections and values as tpm2-tools write them. */
#include "tpm_pcrs_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "files/files.h"
#include "safelib/bytes.h"

enum { FILE_MAX = 64 << 10 };
/* sizeof of TPML_PCR_SELECTION, TPML_DIGEST in tss2_tpm2_types.h, little-endian */
enum { SELECTIONS = 16, SELECTION_SIZE = 8, DIGESTS = 8, DIGEST_SIZE = 66 };

static sl_rc bank_parse(char *text, struct sl_tpm_selection *selection)
{
    char *save = NULL, *colon = strchr(text, ':');
    const struct sl_tpm_hash *hash =
        colon != NULL ? sl_tpm_hash_by_name(text, (size_t)(colon - text)) : NULL;
    uint32_t mask = 0;

    if (hash == NULL || hash->alg == 0 || selection->count >= SL_TPM_BANKS_MAX) {
        return SL_MALFORMED;
    }
    for (char *at = strtok_r(colon + 1, ",", &save); at != NULL; at = strtok_r(NULL, ",", &save)) {
        char *end;
        const unsigned long pcr = strtoul(at, &end, 10);

        if (!isdigit((unsigned char)*at) || *end != '\0' || pcr >= SL_TPM_PCR_COUNT) {
            return SL_MALFORMED;
        }
        mask |= 1u << pcr;
    }
    selection->banks[selection->count].alg = hash->alg;
    selection->banks[selection->count].mask = mask;
    selection->count++;
    return mask != 0 ? SL_OK : SL_MALFORMED;
}

sl_rc tpm_selection_parse(const char *text, struct sl_tpm_selection *ret_selection)
{
    struct sl_tpm_selection selection = {0};
    char *copy = strdup(text), *save = NULL;
    sl_rc rc = copy != NULL && *copy != '\0' ? SL_OK : SL_MALFORMED;

    for (char *at = copy != NULL ? strtok_r(copy, "+", &save) : NULL; rc == SL_OK && at != NULL;
         at = strtok_r(NULL, "+", &save)) {
        rc = bank_parse(at, &selection);
    }
    free(copy);
    if (rc == SL_OK && selection.count > 0) {
        *ret_selection = selection;
        return SL_OK;
    }
    return SL_MALFORMED;
}

/* Puts the next digest into the next selected PCR of a selection. */
struct cursor {
    const struct sl_tpm_selection *selection;
    uint32_t bank, pcr;
};

static sl_rc digest_put(struct cursor *at, const uint8_t *digest, size_t size,
                        struct sl_tpm_pcrs *pcrs)
{
    for (; at->bank < at->selection->count; at->bank++, at->pcr = 0) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(at->selection->banks[at->bank].alg);

        while (at->pcr < SL_TPM_PCR_COUNT) {
            const uint32_t pcr = at->pcr++;

            if ((at->selection->banks[at->bank].mask >> pcr & 1) != 0) {
                return hash != NULL && hash->size == size
                           ? sl_tpm_pcrs_put(pcrs, hash->alg, pcr, digest)
                           : SL_MALFORMED;
            }
        }
    }
    return SL_MALFORMED; /* more digests than were selected */
}

static uint32_t le32(struct sl_reader *r)
{
    const uint8_t *at = sl_reader_bytes(r, 4);

    return at != NULL ? sl_le32_get(at) : 0;
}

/* TPML_PCR_SELECTION | u32 count | TPML_DIGEST... as they lie in the memory of an x86 machine */
static sl_rc tools_read(const uint8_t *data, size_t size, struct sl_tpm_pcrs *pcrs)
{
    struct sl_tpm_selection selection = {0};
    struct cursor cursor = {.selection = &selection};
    struct sl_reader r;
    uint32_t lists, count;

    sl_reader_init(&r, data, size);
    count = le32(&r);
    for (uint32_t i = 0; i < SELECTIONS; i++) {
        const uint8_t *at = sl_reader_bytes(&r, SELECTION_SIZE);

        if (at != NULL && i < count) {
            selection.banks[i].alg = sl_le16_get(at);
            selection.banks[i].mask = (uint32_t)(at[3] | at[4] << 8 | at[5] << 16);
        }
    }
    selection.count = count <= SELECTIONS ? count : 0;
    lists = le32(&r);
    for (uint32_t i = 0; r.rc == SL_OK && i < lists; i++) {
        count = le32(&r);
        for (uint32_t d = 0; d < DIGESTS; d++) {
            const uint8_t *at = sl_reader_bytes(&r, DIGEST_SIZE);

            if (at != NULL && d < count &&
                (sl_le16_get(at) > SL_TPM_DIGEST_MAX ||
                 digest_put(&cursor, at + 2, sl_le16_get(at), pcrs) != SL_OK)) {
                return SL_MALFORMED;
            }
        }
    }
    return sl_reader_end(&r);
}

/* "sha256:" and lines of "10: 0x..." or "10: ..." (tpm2_pcrread, /sys's pcr-sha256 are like it) */
static sl_rc text_read(char *text, struct sl_tpm_pcrs *pcrs)
{
    const struct sl_tpm_hash *hash = NULL;
    char *save = NULL;
    uint32_t found = 0;

    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char name[16], hex[2 * SL_TPM_DIGEST_MAX + 3], number[4];
        uint8_t value[SL_TPM_DIGEST_MAX];
        const char *digits = hex;

        if (sscanf(line, " %3[0-9] : %130s", number, hex) == 2 && hash != NULL) {
            unsigned pcr = (unsigned)strtoul(number, NULL, 10);
            digits += strncmp(hex, "0x", 2) == 0 || strncmp(hex, "0X", 2) == 0 ? 2 : 0;
            if (strlen(digits) != 2 * hash->size ||
                sl_hex_decode(digits, value, hash->size) != SL_OK ||
                sl_tpm_pcrs_put(pcrs, hash->alg, pcr, value) != SL_OK) {
                return SL_MALFORMED;
            }
            found++;
        } else if (sscanf(line, " %15[a-z0-9_-]", name) == 1) {
            hash = sl_tpm_hash_by_name(name, strlen(name));
        }
    }
    return found > 0 ? SL_OK : SL_MALFORMED;
}

static sl_rc values_read(const uint8_t *data, size_t size, const struct sl_tpm_selection *selection,
                         struct sl_tpm_pcrs *pcrs)
{
    struct cursor cursor = {.selection = selection};
    size_t off = 0;

    for (uint32_t i = 0; i < selection->count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(selection->banks[i].alg);
        const int count = __builtin_popcount(selection->banks[i].mask);

        for (int d = 0; d < count; d++) {
            if (hash == NULL || size - off < hash->size ||
                digest_put(&cursor, data + off, hash->size, pcrs) != SL_OK) {
                return SL_MALFORMED;
            }
            off += hash->size;
        }
    }
    return off == size && size > 0 ? SL_OK : SL_MALFORMED;
}

sl_rc tpm_pcrs_load(const char *path, const struct sl_tpm_selection *selection,
                    struct sl_tpm_pcrs *ret_pcrs, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, FILE_MAX, &data, &size, err);

    if (rc != SL_OK) {
        return rc;
    }
    rc = values_read(data, size, selection, ret_pcrs);
    if (rc != SL_OK) {
        memset(ret_pcrs, 0, sizeof(*ret_pcrs));
        rc = tools_read(data, size, ret_pcrs);
    }
    if (rc != SL_OK) {
        memset(ret_pcrs, 0, sizeof(*ret_pcrs));
        rc = text_read((char *)data, ret_pcrs);
    }
    free(data);
    return rc == SL_OK
               ? SL_OK
               : sl_err_set(err, SL_MALFORMED,
                            "%s: expected a list like sha256:0,1,2, or a file of PCR values "
                            "(of tpm2_quote -o or tpm2_pcrread)",
                            path);
}
