/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Lets nft(8) read a rule file: loaded into a network namespace that lives as long as the call, and
 * listed back as JSON (numeric) and as text (with handles).
 */
#ifndef SL_POLICY_NFT_READ_H
#define SL_POLICY_NFT_READ_H

#include <jansson.h>

#include "base/err.h"

struct nft_listing {
    json_t *json; /**< the array behind "nftables" */
    char *text;   /**< `nft -a list ruleset` */
};

/** @retval SL_OK, SL_IO (file, namespace or nft missing), SL_MALFORMED (nft's own message) */
sl_rc nft_read(const char *path, struct nft_listing *ret_listing, struct sl_err *err) SL_MUST_CHECK;
void nft_listing_done(struct nft_listing *listing);

#endif
