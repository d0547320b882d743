/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Runs packets through a chain inside an image: the image is loaded on a device in this process,
 * provisioned over its control channel, and asked to evaluate (SL_MSG_EVAL).
 */
#ifndef SL_CMD_SAFELIB_EVAL_H
#define SL_CMD_SAFELIB_EVAL_H

#include <stdint.h>

#include "base/err.h"
#include "control/eval_message.h"
#include "nf/eval.h"
#include "policy/policy.h"

enum { EVAL_BATCH_MAX = 256 };

/** Is told of every answer; what lies in it is valid until the next call. */
typedef void eval_told(void *ctx, const struct sl_eval_answer *answer);

struct eval;

/** @param image   path, or NULL: safelib-nf beside this program
 * @param device  "emu", "bare" or "sgx"
 * @retval SL_OK, or the loader's, the channel's or the image's own code with a sentence */
sl_rc eval_start(const char *image, const char *device, const struct sl_policy *policy,
                 struct eval **ret_eval, struct sl_err *err) SL_MUST_CHECK;
/** At most EVAL_BATCH_MAX packets. Each has one answer, but fragments that wait: theirs follows,
 * now or in a later call, once it is known. */
sl_rc eval_run(struct eval *eval, const struct sl_eval_ask *packets, uint32_t count,
               eval_told *told, void *ctx, struct sl_err *err) SL_MUST_CHECK;
/** Name of the NF with this index; "-" for SL_EVAL_NO_NF. */
const char *eval_nf_name(const struct eval *eval, uint8_t nf);
/** What the device protects, one line. */
const char *eval_protection(const struct eval *eval);
/** Measurement, hex. */
void eval_measurement(const struct eval *eval, char ret_hex[65]);
void eval_stop(struct eval *eval);

/** What runs a policy's chain in this process, with the image's code, without the image.
 * @param[out] ret_policy, ret_eval  the caller's to end; as they were unless SL_OK */
sl_rc eval_here(const char *path, struct sl_policy *ret_policy, struct sl_eval **ret_eval,
                struct sl_err *err) SL_MUST_CHECK;
/** sl_policy_load. */
sl_rc eval_policy(const char *path, struct sl_policy *ret_policy, struct sl_err *err) SL_MUST_CHECK;

#endif
