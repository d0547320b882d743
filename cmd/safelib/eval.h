/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Runs packets through a chain inside an image: the image is loaded on a device in this process,
 * provisioned over its control channel, and asked to evaluate (SL_MSG_EVAL).
 */
#ifndef SL_CMD_SAFELIB_EVAL_H
#define SL_CMD_SAFELIB_EVAL_H

#include <stdint.h>

#include "base/err.h"
#include "policy/policy.h"

enum {
    EVAL_BATCH_MAX = 256,
    EVAL_PACKET_MAX = 9216, /**< SL_PACKET_MAX */
    EVAL_NO_NF = 255,       /**< nf of a packet that is malformed: no NF saw it */
};

struct eval_packet {
    const uint8_t *data; /**< in */
    uint32_t size;       /**< in */
    uint8_t port;        /**< in */
    uint64_t time_ms;    /**< in: the chain's clock; 0: it stands */
    uint8_t verdict;     /**< out: enum sl_verdict */
    uint8_t nf;          /**< out */
    uint32_t rule;       /**< out */
    const uint8_t
        *out; /**< out: what it became, or NULL where unchanged; valid until the next call */
    uint32_t out_size;
};

struct eval;

/** @param image   path, or NULL: safelib-nf beside this program
 * @param device  "emu", "bare" or "sgx"
 * @retval SL_OK, or the loader's, the channel's or the image's own code with a sentence */
sl_rc eval_start(const char *image, const char *device, const struct sl_policy *policy,
                 struct eval **ret_eval, struct sl_err *err) SL_MUST_CHECK;
/** At most EVAL_BATCH_MAX packets. */
sl_rc eval_run(struct eval *eval, struct eval_packet *packets, uint32_t count,
               struct sl_err *err) SL_MUST_CHECK;
/** Name of the NF with this index; "-" for EVAL_NO_NF. */
const char *eval_nf_name(const struct eval *eval, uint8_t nf);
/** What the device protects, one line. */
const char *eval_protection(const struct eval *eval);
/** Measurement, hex. */
void eval_measurement(const struct eval *eval, char ret_hex[65]);
void eval_stop(struct eval *eval);

/** sl_policy_load. */
sl_rc eval_policy(const char *path, struct sl_policy *ret_policy, struct sl_err *err) SL_MUST_CHECK;

#endif
