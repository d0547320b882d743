/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: evidence on the wire (first byte even) and collateral in JSON (odd). What is read is
 * written back the same. */
#include <stdlib.h>
#include <string.h>

#include "collateral/platform.h"
#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static void fuzz_wire(const uint8_t *data, size_t size)
{
    static uint8_t again[SL_EVIDENCE_SIZE_MAX];
    struct sl_evidence evidence = {0};
    struct sl_platform_keys keys;
    struct sl_writer w;
    struct sl_err err = {0};
    if (sl_evidence_read(data, size, &evidence) != SL_OK) {
        return;
    }
    expect(evidence.evidence.data >= data &&
           evidence.evidence.data + evidence.evidence.size <= data + size);
    sl_writer_init(&w, again, sizeof(again));
    sl_evidence_write(&evidence, &w);
    expect(w.rc == SL_OK && w.off == size);
    if (sl_platform_of_evidence(evidence.type, evidence.evidence, &keys, &err) == SL_OK) {
        expect(keys.count >= 1 && keys.count <= SL_PLATFORM_KEYS_MAX);
    }
    sl_evidence_done(&evidence);
}

static void fuzz_json(const char *text, size_t size)
{
    struct sl_collateral_set set = {0};
    struct sl_collateral_set second = {0};
    struct sl_err err = {0};
    char key[SL_PLATFORM_KEY_SIZE];
    char *again = NULL;
    if (sl_collateral_bundle_read(text, size, &set, &err) == SL_OK) {
        sl_rc rc = sl_platform_of_set(&set, key, &err);
        expect(rc != SL_OK ||
               (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(key) &&
                key[0] != '.'));
        expect(sl_collateral_bundle_write(&set, "k", &again) == SL_OK);
        expect(sl_collateral_bundle_read(again, strlen(again), &second, &err) == SL_OK);
        free(again);
    } else {
        expect(err.text[0] != '\0');
    }
    sl_collateral_done(&second);
    sl_collateral_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        fuzz_wire(data + 1, size - 1);
    } else {
        fuzz_json((const char *)data + 1, size - 1);
    }
    return 0;
}
