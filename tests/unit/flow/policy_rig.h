/* SPDX-License-Identifier: Apache-2.0 */
/* A rig whose NF has a policy in the words of its operators. */
#ifndef SL_TESTS_FLOW_POLICY_RIG_H
#define SL_TESTS_FLOW_POLICY_RIG_H

#include "nf/policies.h"
#include "rig.h"

struct policy_nf {
    struct sl_policy compiled; /* nf.policy lies in it: sl_policy_done, when the chain is made */
    struct flow_rig_nf nf;
};

static inline struct policy_nf policy_nf_make(const char *kind, const char *options,
                                              const char *text)
{
    struct policy_nf made = {.nf = {.name = sl_policy_kind_find(kind)->nf, .options = options}};
    struct sl_err err;
    if (policy_compile(kind, text, &made.compiled, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    made.nf.policy = bundle_policy(made.compiled.bundle, made.compiled.size, &made.nf.size);
    return made;
}

static inline void policy_rig_start(struct flow_rig *rig, const char *kind, const char *options,
                                    const char *text)
{
    struct policy_nf made = policy_nf_make(kind, options, text);
    flow_rig_init_chain(rig, &made.nf, 1);
    sl_policy_done(&made.compiled);
}

static inline void policy_rig_reload(struct flow_rig *rig, const char *kind, const char *options,
                                     const char *text)
{
    struct policy_nf made = policy_nf_make(kind, options, text);
    flow_rig_reload(rig, &made.nf, 1);
    sl_policy_done(&made.compiled);
}

#endif
