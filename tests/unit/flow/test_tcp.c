/* SPDX-License-Identifier: Apache-2.0 */
/* TCP as it goes by, told as conversations. tests/system/firewall_kernel compares many more of them
 * with the kernel's conntrack. */
#include "flow/table.h"
#include "no_burst.h"
#include "rig.h"
#include "unit.h"

static const struct sl_flow_spec spec = {.state_size = 8, .version = 1, .burst = no_burst};

enum { S = FLOW_SYN, A = FLOW_ACK, F = FLOW_FIN, R = FLOW_RST, THERE = 0, BACK = 1 };
enum { INV = SL_FLOW_INVALID, NEW = SL_FLOW_NEW, EST = SL_FLOW_ESTABLISHED };

struct step {
    uint8_t way;
    uint8_t flags;
    uint32_t seq, ack, payload;
    uint8_t relation[3]; /* compact, liberal, strict */
    uint8_t tcp;         /* where it is valid */
};

#define ALL(relation)                                                                              \
    {                                                                                              \
        relation, relation, relation                                                               \
    }
#define OPEN                                                                                       \
    {THERE, S, 1000, 0, 0, ALL(NEW), SL_FLOW_TCP_SYN_SENT},                                        \
        {BACK, S | A, 5000, 1001, 0, ALL(EST), SL_FLOW_TCP_SYN_RECEIVED},                          \
    {                                                                                              \
        THERE, A, 1001, 5001, 0, ALL(EST), SL_FLOW_TCP_ESTABLISHED                                 \
    }

static const struct step orderly[] = {
    OPEN,
    {THERE, A, 1001, 5001, 100, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
    {BACK, A, 5001, 1101, 900, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
    {THERE, F | A, 1101, 5901, 0, ALL(EST), SL_FLOW_TCP_FIN_WAIT},
    {BACK, A, 5901, 1102, 0, ALL(EST), SL_FLOW_TCP_CLOSE_WAIT},
    {BACK, F | A, 5901, 1102, 0, ALL(EST), SL_FLOW_TCP_LAST_ACK},
    {THERE, A, 1102, 5902, 0, ALL(EST), SL_FLOW_TCP_TIME_WAIT},
    /* and again, from the same port: RFC 9293 3.6.1 */
    {THERE, S, 9000, 0, 0, ALL(NEW), SL_FLOW_TCP_SYN_SENT},
};
static const struct step out_of_window[] = {
    OPEN,
    {BACK, A, 5001 + 200000, 1001, 10, {EST, EST, INV}, SL_FLOW_TCP_ESTABLISHED},
    {BACK, A, 5001, 1001 + 5000, 10, {EST, EST, INV}, SL_FLOW_TCP_ESTABLISHED},
    {BACK, A, 5001, 1001, 10, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
};
static const struct step resets[] = {
    OPEN,
    /* RFC 5961: behind what was acknowledged, ahead of it, exactly there */
    {BACK, R, 4000, 0, 0, {EST, INV, INV}, SL_FLOW_TCP_CLOSE},
};
static const struct step blind_reset[] = {
    OPEN,
    {THERE, A, 1001, 5001, 100, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
    {BACK, A, 5001, 1101, 0, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
    {THERE, R, 1101, 0, 0, ALL(EST), SL_FLOW_TCP_CLOSE},
};
static const struct step refused[] = {
    {THERE, S, 1000, 0, 0, ALL(NEW), SL_FLOW_TCP_SYN_SENT},
    {BACK, R | A, 0, 1001, 0, ALL(EST), SL_FLOW_TCP_CLOSE},
    {THERE, S, 1000, 0, 0, ALL(NEW), SL_FLOW_TCP_SYN_SENT},
};
static const struct step picked_up[] = {
    {THERE, A, 7000, 8000, 50, ALL(NEW), SL_FLOW_TCP_ESTABLISHED},
    {BACK, A, 8000, 7050, 500, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
    {THERE, A, 7050, 8500, 0, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
};
static const struct step impossible[] = {
    {THERE, S | A, 1, 1, 0, ALL(INV), 0}, {THERE, F | A, 1, 1, 0, ALL(INV), 0},
    {THERE, R, 1, 0, 0, ALL(INV), 0},     {THERE, 0, 1, 0, 0, ALL(INV), 0},
    {THERE, S | F, 1, 0, 0, ALL(INV), 0}, {THERE, S, 1000, 0, 0, ALL(NEW), SL_FLOW_TCP_SYN_SENT},
    {THERE, A, 1001, 1, 0, ALL(INV), 0},
};
static const struct step simultaneous[] = {
    {THERE, S, 1000, 0, 0, ALL(NEW), SL_FLOW_TCP_SYN_SENT},
    {BACK, S, 5000, 0, 0, ALL(EST), SL_FLOW_TCP_SYN_SENT2},
    {THERE, S | A, 1000, 5001, 0, ALL(EST), SL_FLOW_TCP_SYN_RECEIVED},
    {BACK, A, 5001, 1001, 0, ALL(EST), SL_FLOW_TCP_ESTABLISHED},
};

static void talk(const char *name, const struct step *steps, uint32_t count, uint32_t mode)
{
    static uint8_t buffer[FLOW_RIG_ROOM];
    struct sl_flow_table_params params = {.spec = &spec};
    struct sl_flow_table *table = NULL;
    sl_flow_options_default(&params.options);
    params.options.flows = 10;
    params.options.tcp_mode = mode;
    assert_ok(sl_flow_table_create(&params, &table, NULL));
    sl_flow_table_set_now(table, 1000);
    for (uint32_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        struct flow_spec packet_spec = {.src = "10.0.0.1",
                                        .sport = 4000,
                                        .dst = "192.0.2.1",
                                        .dport = 80,
                                        .proto = 6,
                                        .flags = step->flags,
                                        .seq = step->seq,
                                        .ack = step->ack,
                                        .payload = step->payload};
        struct sl_packet packet;
        struct sl_packet *list[1] = {&packet};
        struct sl_flow flow;
        if (step->way == BACK) {
            packet_spec = flow_spec_turn(&packet_spec);
        }
        flow_packet_make(&packet_spec, step->way, buffer, sizeof(buffer), &packet);
        assert_int_equal(sl_flow_table_begin(table, list, &flow, 1), 1);
        packet.verdict = SL_VERDICT_PASS;
        sl_flow_table_end(table, list, &flow, 1);
        if (flow.relation != step->relation[mode] ||
            (flow.relation != INV && flow.tcp != step->tcp)) {
            fail_msg("%s, mode %u, step %u: relation %u TCP %u, expected %u and %u", name, mode, i,
                     flow.relation, flow.tcp, step->relation[mode], step->tcp);
        }
    }
    sl_flow_table_free(table);
}

static void test_tcp_conversations(void **state)
{
    (void)state;
#define TALK(steps)                                                                                \
    {                                                                                              \
#steps, steps, sizeof(steps) / sizeof((steps)[0])                                          \
    }
    static const struct {
        const char *name;
        const struct step *steps;
        uint32_t count;
    } talks[] = {TALK(orderly), TALK(out_of_window), TALK(resets),     TALK(blind_reset),
                 TALK(refused), TALK(picked_up),     TALK(impossible), TALK(simultaneous)};
#undef TALK
    for (uint32_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
        for (uint32_t mode = SL_FLOW_TCP_COMPACT; mode <= SL_FLOW_TCP_STRICT; mode++) {
            talk(talks[i].name, talks[i].steps, talks[i].count, mode);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tcp_conversations)};
    return cmocka_run_group_tests_name("flow/tcp", tests, NULL, NULL);
}
