/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Keys of SAs. They never travel: both ends derive them from the channel they have in common, so
 * that they inherit its key exchange (hybrid, where that was negotiated) and its binding to
 * evidence, and no record that somebody keeps holds one.
 *
 *   secret     = TLS exporter "EXPORTER-SafeLib-SA", no context, 48 bytes      (RFC 8446 7.5)
 *   key ‖ salt = HKDF-SHA-384(salt: seed, IKM: secret, info: "SafeLib SA 1" ‖ 0 ‖ shard (u16) ‖
 *                port (u8) ‖ is_inbound (u8) ‖ is_esn (u8) ‖ suite (u8) ‖ spi (u32))   (RFC 5869)
 *
 * The seed is 32 random bytes of the gateway, in the clear inside TLS. Everything that says where
 * and how the key is used is in `info`: a seed that came twice, with any of it changed, gives an
 * unrelated key. The same seed with the same coordinates gives the same key again, which the image
 * refuses (sl_provision_sa_set).
 */
#ifndef SL_CONTROL_SA_KEY_H
#define SL_CONTROL_SA_KEY_H

#include "control/message.h"
#include "control/tls.h"

enum { SL_SA_EXPORTER_SIZE = 48 };
#define SL_SA_EXPORTER_LABEL "EXPORTER-SafeLib-SA"

/** Fills in key and salt from the exported secret and everything else in @p sa.
 * @retval SL_OK
 * @retval SL_UNSUPPORTED  no suite of that number
 * @retval SL_CRYPTO       @p sa holds no key then
 * @spec RFC 5869 2.2, 2.3 */
sl_rc sl_sa_key_expand(const uint8_t secret[SL_SA_EXPORTER_SIZE],
                       struct sl_msg_sa *sa) SL_MUST_CHECK;

/** The same, from the channel that the SA belongs to.
 * @retval SL_OK, SL_UNSUPPORTED, SL_CRYPTO
 * @retval SL_STATE  handshake not done */
sl_rc sl_sa_key_derive(struct sl_tls *tls, struct sl_msg_sa *sa) SL_MUST_CHECK;

#endif
