/* SPDX-License-Identifier: Apache-2.0 */
/* EINIT's checks over hostile bytes: no overread, and nothing is accepted that a flipped byte of
 * the accepted structure would not break. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "device/sigstruct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_sigstruct sig = {0};
    struct sl_err err = {0};
    uint32_t error = 0;
    memcpy(&sig, data, size < sizeof(sig) ? size : sizeof(sig));
    sl_rc rc = sl_sigstruct_check(&sig, &error, &err);
    if ((rc == SL_OK) != (error == SL_SGX_SUCCESS)) {
        abort();
    }
    const struct sl_secs secs = {.attributes = sig.attributes, .misc_select = sig.misc_select};
    sl_rc einit = sl_sigstruct_einit(&sig, &secs, sig.mrenclave, &error, &err);
    if (rc != SL_OK && einit != rc) {
        abort(); /* a structure that does not check must never pass EINIT */
    }
    if (rc == SL_OK) {
        sig.mrenclave[0] ^= 1;
        if (sl_sigstruct_check(&sig, &error, &err) != SL_AUTH) {
            abort();
        }
    }
    return 0;
}
