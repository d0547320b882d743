/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where packets that NFs make themselves go: a function of whoever runs the chain.
 */
#ifndef SL_NF_EMIT_H
#define SL_NF_EMIT_H

#include "safelib/packet.h"

struct sl_emit {
    void *ctx;
    /** @retval SL_OK, SL_AGAIN */
    sl_rc (*send)(void *ctx, enum sl_port port, const void *data, uint32_t size);
};

#endif
