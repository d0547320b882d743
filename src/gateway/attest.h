/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Decides whether the image at the other end of a control connection may be given anything: asks it
 * for evidence over a fresh nonce, computes what that evidence has to vouch for from what the
 * gateway itself knows (this TLS connection, the key at its other end, its own key), and judges by
 * its own policy, its own clock and its own collateral. What came with the evidence is used only
 * where the cache on disk has nothing; it is signed and dated by the vendor.
 *
 * A certificate that carries evidence (DICE) decides nothing here: it vouches for a key, not for
 * this connection.
 */
#ifndef SL_GATEWAY_ATTEST_H
#define SL_GATEWAY_ATTEST_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/binding.h"
#include "control/client.h"
#include "policy/attest_file.h"

enum sl_gw_attest_state {
    SL_GW_ATTEST_NONE, /**< nothing judged yet */
    SL_GW_ATTEST_VERIFIED,
    SL_GW_ATTEST_REFUSED, /**< the last evidence was refused, or did not come */
};

/** The policy that the image should have; NULL where there is none to expect. */
struct sl_gw_attest_expected {
    uint64_t policy_version;
    const uint8_t *policy_hash; /**< 32 bytes */
};

struct sl_gw_attest {
    const struct sl_attest_file *policy;
    uint8_t tenant_key[SL_SPKI_HASH_SIZE];
    uint8_t *roots; /**< as read; NULL: the pinned ones */
    size_t roots_size;
    struct sl_attest_cache *cache; /**< chains that verified; the session's thread only */

    pthread_mutex_t lock; /**< guards everything below */
    enum sl_gw_attest_state state;
    char reason[480];   /**< of the last refusal */
    json_t *result;     /**< of the last evidence that could be judged, or NULL */
    int64_t judged_s;   /**< UNIX time of the last outcome; 0: none */
    uint64_t judged_ns; /**< the same by the monotonic clock */
    uint64_t took_ns;   /**< from nonce to verdict */
    uint64_t verified, refused;
};

/** Reads what the policy names.
 * @param[in] policy      must outlive @p attest
 * @param[in] tenant_key  SPKI hash of the gateway's own key
 * @retval SL_OK
 * @retval SL_NOT_FOUND, SL_IO, SL_RANGE  the roots, or the collateral's folder: @p err names it
 * @retval SL_NO_MEMORY
 * @owner caller: sl_gw_attest_done */
sl_rc sl_gw_attest_init(struct sl_gw_attest *attest, const struct sl_attest_file *policy,
                        const uint8_t tenant_key[SL_SPKI_HASH_SIZE],
                        struct sl_err *err) SL_MUST_CHECK;
void sl_gw_attest_done(struct sl_gw_attest *attest);

/** Attests the image on @p client, blocking.
 * @retval SL_OK      the evidence is accepted: this connection may be given keys
 * @retval SL_DENIED  it is refused: @p err says why, sl_gw_attest_status all of it
 * @retval SL_TIMEOUT it did not come in time
 * @retval other      the image or its host gave none, or the connection failed
 * On everything but SL_OK nothing may be given, and what was given is to be taken back. */
sl_rc sl_gw_attest_image(struct sl_gw_attest *attest, struct sl_client *client,
                         const struct sl_gw_attest_expected *expected, int timeout_ms,
                         struct sl_err *err) SL_MUST_CHECK;

/** The judgement alone.
 * @param[in] binding  what the evidence has to vouch for
 * @param[in] time_s   UNIX time
 * @retval SL_OK, SL_DENIED, SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_gw_attest_judge(struct sl_gw_attest *attest, const struct sl_binding *binding,
                         const uint8_t *bundle, size_t size, int64_t time_s,
                         struct sl_err *err) SL_MUST_CHECK;

/** @return {"state":...,"reason":...,...}, a new reference; any thread */
json_t *sl_gw_attest_status(struct sl_gw_attest *attest);

/** Every failed check of the last result as "code: sentence", one line each; any thread. */
void sl_gw_attest_explain(struct sl_gw_attest *attest, void (*line)(const char *text));

#endif
