/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled policy of one NF under construction. */
#include "policy/single.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nf/chain.h"

enum { HEADER_MAX = 16 + 2 + SL_NF_NAME_MAX + 4 };

sl_rc pol_single_init(struct pol_single *single, const char *nf, const char *kind,
                      const char *source, size_t size_max, struct sl_err *err)
{
    struct timespec now;
    *single = (struct pol_single){0};
    struct sl_policy *policy = &single->policy;
    policy->bundle = malloc(size_max + HEADER_MAX);
    policy->kind = strdup(kind);
    policy->source = strdup(source);
    if (policy->bundle == NULL || policy->kind == NULL || policy->source == NULL) {
        pol_single_done(single);
        return sl_err_set(err, SL_NO_MEMORY, "%s: out of memory", source);
    }
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        pol_single_done(single);
        return sl_err_set(err, SL_IO, "%s: the clock cannot be read", source);
    }
    policy->version = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    sl_writer_init(&single->w, policy->bundle, size_max + HEADER_MAX);
    sl_writer_be32(&single->w, SL_CHAIN_MAGIC);
    sl_writer_be16(&single->w, 1);
    sl_writer_be16(&single->w, 1);
    sl_writer_be64(&single->w, policy->version);
    sl_writer_string(&single->w, nf);
    single->size_off = single->w.off;
    sl_writer_be32(&single->w, 0);
    return SL_OK;
}

sl_rc pol_single_rule(struct pol_single *single, uint32_t line, const char *text,
                      const char *action, struct sl_err *err)
{
    struct sl_policy *policy = &single->policy;
    if (policy->count == single->rule_room) {
        uint32_t room = single->rule_room * 2 + 64;
        void *moved = realloc(policy->rules, room * sizeof(*policy->rules));
        if (moved == NULL) {
            return sl_err_set(err, SL_NO_MEMORY, "%s: out of memory", policy->source);
        }
        policy->rules = moved;
        single->rule_room = room;
    }
    struct sl_policy_rule *rule = &policy->rules[policy->count++];
    *rule = (struct sl_policy_rule){.line = line, .text = strdup(text), .action = strdup(action)};
    if (rule->text == NULL || rule->action == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "%s: out of memory", policy->source);
    }
    return SL_OK;
}

sl_rc pol_single_finish(struct pol_single *single, const char *default_action,
                        struct sl_policy *ret_policy, struct sl_err *err)
{
    struct sl_policy *policy = &single->policy;
    if (single->w.rc != SL_OK) {
        return sl_err_set(err, SL_RANGE, "%s: compiles to more than %zu bytes", policy->source,
                          single->w.size);
    }
    policy->default_action = strdup(default_action);
    if (policy->default_action == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "%s: out of memory", policy->source);
    }
    sl_be32_put(policy->bundle + single->size_off,
                (uint32_t)(single->w.off - single->size_off - 4));
    policy->size = single->w.off;
    *ret_policy = *policy;
    *single = (struct pol_single){0};
    return SL_OK;
}

void pol_single_done(struct pol_single *single)
{
    sl_policy_done(&single->policy);
    *single = (struct pol_single){0};
}
