/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a boot event says, for a person: the name of its type, and its data as text where the type
 * has text in it. Also whether its digest is that of its data, where the type promises so.
 */
#ifndef SL_ATTEST_TCG_EVENT_H
#define SL_ATTEST_TCG_EVENT_H

#include <stdbool.h>

#include "attest/tcg_log.h"

enum { SL_TCG_TEXT_MAX = 512 };

/** "EV_EFI_VARIABLE_BOOT"; "unknown" for others (PFP table 27). */
const char *sl_tcg_event_name(uint32_t type);

/** Writes what the data says: a variable's name and size, an action, a command line, an image's
 * place. Printable characters only, terminated, cut at SL_TCG_TEXT_MAX; "" where there is nothing
 * to read. */
void sl_tcg_event_text(const struct sl_tcg_event *event, char out[SL_TCG_TEXT_MAX]);

/** Whether the digests of the event are hashes of its data, for types that promise so (PFP 10.4).
 * @param[out] ret_is_promised  false: this type's digest is of something else, nothing was compared
 * @retval SL_OK        equal, or not promised
 * @retval SL_MISMATCH  a bank's digest is of something else
 * @retval SL_CRYPTO */
sl_rc sl_tcg_event_digest_check(const struct sl_tcg_event *event,
                                bool *ret_is_promised) SL_MUST_CHECK;

#endif
