/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral from the gateway's cache, and from the bundle where that has none. */
#include "gateway/attest_collateral.h"

#include <string.h>

#include "collateral/cache.h"
#include "collateral/platform.h"

static sl_rc cache_read(const char *folder, const struct sl_evidence *evidence,
                        struct sl_collateral_set *set, struct sl_err *err)
{
    struct sl_platform_keys keys = {0};
    if (folder[0] == '\0' ||
        sl_platform_of_evidence(evidence->type, evidence->evidence, &keys, NULL) != SL_OK) {
        return SL_OK; /* what is no evidence at all, the verifier will say */
    }
    for (unsigned i = 0; i < keys.count; i++) {
        char key[SL_PLATFORM_KEY_SIZE];
        sl_rc rc = sl_collateral_cache_get(folder, keys.key[i], set, key, err);
        if (rc != SL_NOT_FOUND) {
            return rc == SL_OK ? rc : sl_err_prefix(err, "collateral");
        }
    }
    return SL_OK;
}

sl_rc sl_gw_collateral_find(const char *folder, const struct sl_evidence *evidence,
                            struct sl_gw_collateral *ret_collateral, struct sl_err *err)
{
    struct sl_gw_collateral found = {.parts = evidence->collateral};
    struct sl_err why = {0};
    sl_rc rc = cache_read(folder, evidence, &found.cached, &why);
    if (rc != SL_OK) {
        sl_collateral_done(&found.cached);
        return sl_err_set(err, rc, "%s", why.text);
    }
#define TAKE_CACHED(name, kind, text)                                                              \
    if (found.cached.parts.name.data != NULL) {                                                    \
        found.parts.name = found.cached.parts.name;                                                \
        found.cached_count++;                                                                      \
    }
    SL_COLLATERAL_TABLE(TAKE_CACHED)
#undef TAKE_CACHED
    *ret_collateral = found;
    return SL_OK;
}

void sl_gw_collateral_done(struct sl_gw_collateral *collateral)
{
    sl_collateral_done(&collateral->cached);
    memset(collateral, 0, sizeof(*collateral));
}
