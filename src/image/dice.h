/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Evidence about the image's key in its certificate, for tools that know no more than certificates:
 * the extension "DICE tagged evidence" (2.23.133.5.4.9), as interoperable RA-TLS has it:
 *
 *   tag 60000 ([quote, claims])    claims = {"pubkey-hash": << [1, SHA-256 of the key's SPKI] >>}
 *   report_data = SHA-256(claims) and zeros
 *
 * It vouches for a key, never for a connection, so it proves nothing to our gateway, which does not
 * look at it. SGX and TDX quotes only: the tag says so. Asked for once, when the image starts.
 */
#ifndef SL_IMAGE_DICE_H
#define SL_IMAGE_DICE_H

#include "image/evidence.h"

#define SL_DICE_OID "2.23.133.5.4.9"

enum {
    /** A quote larger than this would make the certificate too large for the handshake. */
    SL_DICE_QUOTE_MAX = 6000,
    /** {"pubkey-hash": 37 bytes} */
    SL_DICE_CLAIMS_SIZE = 1 + 12 + 2 + 36,
};

struct sl_control_server;

struct sl_dice {
    struct sl_evidence_ask ask;
    uint8_t claims[SL_DICE_CLAIMS_SIZE];
    bool is_certified; /**< the certificate carries evidence */
};

/** Begins where the server's parameters want it; failures leave the certificate as it is. */
void sl_dice_start(struct sl_control_server *server, uint64_t now_ns);
/** @return when it wants to be called again; UINT64_MAX: not by time */
uint64_t sl_dice_poll(struct sl_control_server *server, uint64_t now_ns);

#endif
