/* SPDX-License-Identifier: Apache-2.0 */
/* The languages of policies. */
#include "policy/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "nf/chain.h"

static const struct sl_policy_kind kinds[] = {
    {"nftables", "firewall", "rules for the firewall", sl_policy_compile_nftables},
    {"classbench", "firewall", "filter sets for the firewall", sl_policy_compile_classbench},
    {"route", "router", "routes in iproute2's words", sl_policy_compile_route},
    {"limit", "limiter", "limits in nft's words", sl_policy_compile_limit},
    {"monitor", "flow_monitor", "the flow monitor's settings", sl_policy_compile_monitor},
    {"nat", "nat44", "NAT44 and NAT64, YAML", sl_policy_compile_nat},
    {"nat64", "nat64", "the same", sl_policy_compile_nat},
    {"balancer", "balancer", "services and backends in YAML", sl_policy_compile_balancer},
    {"chain", "", "NFs and their policies in YAML", sl_policy_compile_chain},
};

const struct sl_policy_kind *sl_policy_kind_at(uint32_t index)
{
    return index < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[index] : NULL;
}

const struct sl_policy_kind *sl_policy_kind_find(const char *name)
{
    const struct sl_policy_kind *kind;
    for (uint32_t i = 0; (kind = sl_policy_kind_at(i)) != NULL; i++) {
        if (strcmp(kind->name, name) == 0) {
            return kind;
        }
    }
    for (uint32_t i = 0; (kind = sl_policy_kind_at(i)) != NULL; i++) {
        if (strcmp(kind->nf, name) == 0) {
            return kind;
        }
    }
    return NULL;
}

sl_rc sl_policy_compile(const char *name, const char *path, struct sl_policy *ret_policy,
                        struct sl_err *err)
{
    const struct sl_policy_kind *kind = sl_policy_kind_find(name);
    if (kind != NULL) {
        return kind->compile(path, ret_policy, err);
    }
    char list[256];
    size_t used = 0;
    for (uint32_t i = 0; (kind = sl_policy_kind_at(i)) != NULL && used < sizeof(list); i++) {
        int more =
            snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", kind->name);
        used += more > 0 ? (size_t)more : 0;
    }
    return sl_err_set(err, SL_INVALID, "--kind %s: expected one of %s", name, list);
}

static bool has_end(const char *path, const char *end)
{
    size_t size = strlen(path);
    return size > strlen(end) && strcmp(path + size - strlen(end), end) == 0;
}

sl_rc sl_policy_load(const char *path, struct sl_policy *ret_policy, bool *ret_is_compiled,
                     struct sl_err *err)
{
    uint8_t magic[4] = {0};
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return sl_err_set(err, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", path,
                          strerror(errno));
    }
    size_t got = fread(magic, 1, sizeof(magic), file);
    (void)fclose(file);
    *ret_is_compiled = got == sizeof(magic) && sl_be32_get(magic) == SL_CHAIN_MAGIC;
    if (*ret_is_compiled) {
        return sl_policy_read(path, ret_policy, err);
    }
    return has_end(path, ".yaml") || has_end(path, ".yml")
               ? sl_policy_compile_chain(path, ret_policy, err)
               : sl_policy_compile_nftables(path, ret_policy, err);
}
