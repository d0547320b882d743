/* SPDX-License-Identifier: Apache-2.0 */
/* A case of the table with all its files read. */
#ifndef SL_TESTS_VECTORS_LOAD_H
#define SL_TESTS_VECTORS_LOAD_H

#include "cases.h"
#include "unit.h"

struct loaded {
    struct sl_attest_input input;
    struct sl_attest_policy policy;
    struct sl_attest_roots roots;
    struct sl_collateral_set collateral;
    uint8_t *evidence; /* the caller may change it */
    size_t evidence_size;
    uint8_t *root_memory, *ccel;
};

/* Skips the test where the vectors are absent. */
void vector_load(const struct vector_case *c, struct loaded *ret);
void vector_done(struct loaded *l);
/* A file below the vectors; free it. Skips the test where it is absent. */
struct sl_blob vector_read(const char *name);
/* Never fails: aborts the test. */
struct sl_attest_result *vector_judge(const struct loaded *l);
bool vector_is_accepted(const struct loaded *l);
bool vector_has(const struct sl_attest_result *result, const char *code);

#endif
