/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SL_MSG_EVAL in the image: packets that are asked about. Inside of image/control_handlers.c.
 */
#ifndef SL_IMAGE_CONTROL_EVAL_H
#define SL_IMAGE_CONTROL_EVAL_H

#include "control/stream.h"
#include "image/provision.h"

/** @param[out] ret_is_fatal  the request breaks the protocol
 * @retval SL_OK         @p reply has a body
 * @retval SL_STATE      no chain is set
 * @retval SL_TRUNCATED, SL_MALFORMED, SL_RANGE  the request
 * @retval SL_NO_MEMORY  or as sl_provision_eval */
sl_rc sl_control_eval(struct sl_provision *provision, const struct sl_msg *request,
                      struct sl_msg *reply, bool *ret_is_fatal, struct sl_err *err) SL_MUST_CHECK;

#endif
