/* SPDX-License-Identifier: Apache-2.0 */
/* NFs that their authors did not finish: refused with what is missing, when a chain wants them. */
#include "base/bytes.h"
#include "nf/chain.h"
#include "safelib/flow.h"
#include "unit.h"

static int something;

static sl_rc good_load(const void *policy, size_t size, void **ret_state, char *reason,
                       size_t reason_size)
{
    (void)policy;
    (void)size;
    (void)reason;
    (void)reason_size;
    *ret_state = &something;
    return SL_OK;
}

static void good_burst(void *state, struct sl_packet *const *packets, uint32_t count)
{
    (void)state;
    (void)packets;
    (void)count;
}

static void good_unload(void *state)
{
    assert_ptr_equal(state, &something);
}

static uint32_t good_count(const void *state)
{
    (void)state;
    return 1;
}

static bool never(const void *state)
{
    (void)state;
    return false;
}

static void flow_burst(void *state, struct sl_flow_table *table, struct sl_packet *const *packets,
                       struct sl_flow *flows, uint32_t count)
{
    (void)state;
    (void)table;
    (void)packets;
    (void)flows;
    (void)count;
}

static const struct sl_flow_spec empty_spec = {.version = 1};
static const struct sl_flow_spec good_spec = {.version = 1, .burst = flow_burst};
static const struct sl_flow_spec large_spec = {
    .version = 1, .burst = flow_burst, .state_size = 1 << 20};

#define NF(id, ...)                                                                                \
    static const struct sl_nf id = {.name = #id, __VA_ARGS__};                                     \
    SL_NF_REGISTER(id)
NF(whole, .load = good_load, .burst = good_burst, .unload = good_unload);
NF(no_load, .burst = good_burst, .unload = good_unload);
NF(no_unload, .load = good_load, .burst = good_burst);
NF(no_burst, .load = good_load, .unload = good_unload);
NF(no_flow_burst, .load = good_load, .flow = &empty_spec, .unload = good_unload);
NF(half_stateful, .load = good_load, .flow = &good_spec, .is_stateful = never,
   .unload = good_unload);
NF(large_state, .load = good_load, .flow = &large_spec, .unload = good_unload);
NF(no_get, .load = good_load, .burst = good_burst, .unload = good_unload,
   .counter_count = good_count);
static const struct sl_nf twice_a = {
    .name = "twice", .load = good_load, .burst = good_burst, .unload = good_unload};
static const struct sl_nf twice_b = {
    .name = "twice", .load = good_load, .burst = good_burst, .unload = good_unload};
static const struct sl_nf nameless = {
    .load = good_load, .burst = good_burst, .unload = good_unload};
SL_NF_REGISTER(nameless);
SL_NF_REGISTER(twice_a);
SL_NF_REGISTER(twice_b);

static sl_rc create(const char *nf, struct sl_err *err)
{
    uint8_t bundle[128];
    struct sl_writer w;
    struct sl_chain *chain = NULL;
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, SL_CHAIN_FORMAT_PLAIN);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, nf);
    sl_writer_be32(&w, 0);
    assert_ok(w.rc);
    sl_rc rc = sl_chain_create(bundle, w.off, &chain, err);
    sl_chain_free(chain);
    return rc;
}

static void test_create_of_nfs_that_are_not_whole(void **state)
{
    (void)state;
    static const struct {
        const char *nf, *said;
        sl_rc rc;
    } cases[] = {
        {"no_load", "NF 0 \"no_load\": it has no `load` or no `unload`", SL_INVALID},
        {"no_unload", "it has no `load` or no `unload`", SL_INVALID},
        {"no_burst", "it has neither `burst` nor `flow`", SL_INVALID},
        {"no_flow_burst", "its `flow` has no `burst`", SL_INVALID},
        {"half_stateful", "it has `is_stateful`, and no `burst`", SL_INVALID},
        {"no_get", "`counter_count` without `counter_get`", SL_INVALID},
        {"twice", "two NFs of the image are registered under this name", SL_INVALID},
        {"large_state", "1048576", SL_RANGE},
        {"nobody", "this image has no NF \"nobody\"", SL_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_err err = {0};
        sl_rc rc = create(cases[i].nf, &err);
        if (rc != cases[i].rc || strstr(err.text, cases[i].said) == NULL) {
            fail_msg("%s: %s: %s", cases[i].nf, sl_rc_name(rc), err.text);
        }
    }
    struct sl_err err = {0};
    assert_ok(create("whole", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_of_nfs_that_are_not_whole),
    };
    return cmocka_run_group_tests_name("nf/misuse", tests, NULL, NULL);
}
