/* SPDX-License-Identifier: Apache-2.0 */
/* What a host hands to a starting image as its sealed state: bytes of its own, a genuine state that
 * it changed, and a state that another image of the same signer sealed.
 *
 * Input: u8 kind; 0: the blob; 1: changes of the genuine blob, each u8 offset and u8 turned bits;
 * 2: plaintext, sealed to the signer. */
#include <stdlib.h>
#include <string.h>

#include "../unit/image/machine_runtime.h"
#include "image/life.h"
#include "image/provision.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_life life;
static struct sl_provision provision;
static uint8_t genuine[SL_SEALED_MAX];
static size_t genuine_size;

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static void once(void)
{
    struct sl_err err = {0};
    if (genuine_size != 0) {
        return;
    }
    machine_new();
    machine_enclave(1, 2, 10, 3);
    expect(sl_life_init(&life, NULL, 0, SL_SEAL_MRENCLAVE, &provision, 1) == SL_OK);
    expect(sl_life_epoch_set(&life, &provision, life.instance, 5, 2, &err) == SL_OK);
    memcpy(genuine, life.sealed, life.sealed_size);
    genuine_size = life.sealed_size;
}

static enum sl_instance_origin start(const uint8_t *blob, size_t size)
{
    memset(&provision, 0, sizeof(provision));
    expect(sl_life_init(&life, blob, size, SL_SEAL_MRENCLAVE, &provision, 1) == SL_OK);
    expect(life.origin == SL_ORIGIN_RESTORED || life.origin == SL_ORIGIN_REFUSED);
    if (life.origin == SL_ORIGIN_REFUSED) { /* nothing of it has stayed */
        expect(life.epoch == 0 && !provision.has_floor && provision.floor_version == 0);
        expect(life.refusal[0] != '\0');
    }
    return life.origin;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t blob[SL_SEALED_MAX];
    size_t blob_size = 0;
    struct sl_err err = {0};
    once();
    if (size < 1) {
        return 0;
    }
    const uint8_t *rest = data + 1;
    size--;
    switch (data[0] % 3) {
    case 0:
        expect(start(rest, size) == SL_ORIGIN_REFUSED);
        break;
    case 1:
        memcpy(blob, genuine, genuine_size);
        for (size_t i = 0; i + 1 < size; i += 2) {
            blob[rest[i] % genuine_size] ^= rest[i + 1];
        }
        expect((start(blob, genuine_size) == SL_ORIGIN_RESTORED) ==
               (memcmp(blob, genuine, genuine_size) == 0));
        break;
    default:
        if (size <= sizeof(blob) - SL_SEAL_OVERHEAD) {
            expect(sl_seal(SL_SEAL_MRSIGNER, "image state", rest, size, blob, sizeof(blob),
                           &blob_size, &err) == SL_OK);
            (void)start(blob, blob_size);
        }
    }
    return 0;
}
