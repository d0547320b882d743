/* SPDX-License-Identifier: Apache-2.0 */
/* The 64 bytes that evidence for a monitor vouches for, computed alike by image, host and monitor.
 */
#include "control/monitor_binding.h"

#include "base/bytes.h"

/* With its terminating zero: no other use of SHA-512 in this product starts like this. */
static const char domain[] = "SafeLib monitor evidence 1";

sl_rc sl_monitor_binding_report_data(const struct sl_monitor_binding *binding,
                                     uint8_t ret_data[SL_BINDING_DATA_SIZE])
{
    uint8_t input[sizeof(domain) + sizeof(*binding)];
    struct sl_writer w;
    sl_writer_init(&w, input, sizeof(input));
    sl_writer_bytes(&w, domain, sizeof(domain));
    sl_writer_bytes(&w, binding->image_key, sizeof(binding->image_key));
    sl_writer_bytes(&w, binding->tenant_key, sizeof(binding->tenant_key));
    sl_writer_be64(&w, binding->policy_version);
    sl_writer_bytes(&w, binding->nonce, sizeof(binding->nonce));
    return sl_binding_hash(&w, ret_data);
}
