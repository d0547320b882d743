/* SPDX-License-Identifier: Apache-2.0 */
/* The 64 bytes that evidence vouches for, computed alike at both ends. */
#include "control/binding.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"

/* With its terminating zero: no other use of SHA-512 in this product starts like this. */
static const char domain[] = "SafeLib attested channel 1";

sl_rc sl_binding_hash(const struct sl_writer *input, uint8_t ret_data[SL_BINDING_DATA_SIZE])
{
    uint8_t data[SL_BINDING_DATA_SIZE];
    if (input->rc != SL_OK ||
        EVP_Digest(input->data, input->off, data, NULL, EVP_sha512(), NULL) != 1) {
        return SL_CRYPTO;
    }
    memcpy(ret_data, data, sizeof(data));
    return SL_OK;
}

sl_rc sl_binding_report_data(const struct sl_binding *binding,
                             uint8_t ret_data[SL_BINDING_DATA_SIZE])
{
    uint8_t input[sizeof(domain) + sizeof(*binding)];
    struct sl_writer w;
    sl_writer_init(&w, input, sizeof(input));
    sl_writer_bytes(&w, domain, sizeof(domain));
    sl_writer_bytes(&w, binding->exporter, sizeof(binding->exporter));
    sl_writer_bytes(&w, binding->image_key, sizeof(binding->image_key));
    sl_writer_bytes(&w, binding->tenant_key, sizeof(binding->tenant_key));
    sl_writer_be64(&w, binding->policy_version);
    sl_writer_bytes(&w, binding->policy_hash, sizeof(binding->policy_hash));
    sl_writer_bytes(&w, binding->nonce, sizeof(binding->nonce));
    return sl_binding_hash(&w, ret_data);
}
