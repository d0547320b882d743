/* SPDX-License-Identifier: Apache-2.0 */
/* Policies from their text, and what must be wrong with bad ones. */
#ifndef SL_TESTS_NF_POLICIES_H
#define SL_TESTS_NF_POLICIES_H

#include "nf/packets.h"

#include <unistd.h>

#include "policy/kinds.h"

/* A policy of one of the languages of src/policy/kinds.c. */
static inline sl_rc policy_compile(const char *kind, const char *text, struct sl_policy *policy,
                                   struct sl_err *err)
{
    const char *path = policy_file(text);
    *err = (struct sl_err){0};
    sl_rc rc = sl_policy_compile(kind, path, policy, err);
    (void)unlink(path);
    return rc;
}

struct policy_fault {
    const char *text;
    sl_rc rc;
    const char *where, *what; /* both are in the sentence */
};

static inline void policy_fault_check(const struct policy_fault *fault, sl_rc rc,
                                      const struct sl_err *err)
{
    if (rc != fault->rc || strstr(err->text, fault->where) == NULL ||
        strstr(err->text, fault->what) == NULL) {
        fail_msg("\"%s\": %s: %s", fault->text, sl_rc_name(rc), err->text);
    }
}

static inline void policy_faults_check(const char *kind, const struct policy_fault *faults,
                                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sl_policy policy;
        struct sl_err err;
        policy_fault_check(&faults[i], policy_compile(kind, faults[i].text, &policy, &err), &err);
    }
}

#endif
