/* SPDX-License-Identifier: Apache-2.0 */
/* Container events: when they are believed, what they say of containers, and every way to lie. */
#include "../unit.h"

#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "monitor/tpm_state.h"
#include "rig.h"

static const char AGENT[] = "/usr/sbin/safelib-agent";
static const char CACHE[] = "docker.io/cache:1";

static void assert_subject(const struct sl_appraisal *appraisal, enum sl_subject_kind kind,
                           const char *id, enum sl_verdict verdict, const char *code)
{
    const struct sl_subject *subject = rig_subject(appraisal, kind, id);

    if (subject->verdict != verdict || (code != NULL && rig_reason(subject, code) == NULL)) {
        rig_show(appraisal);
        fail_msg("%s is %s, expected %s by %s", id, sl_verdict_text(subject->verdict),
                 sl_verdict_text(verdict), code);
    }
}
#define assert_host(appraisal, verdict, code)                                                      \
    assert_subject((appraisal), SL_SUBJECT_HOST, "host", (verdict), (code))
#define assert_container(appraisal, id, verdict, code)                                             \
    assert_subject((appraisal), SL_SUBJECT_CONTAINER, (id), (verdict), (code))

/* Host and agent measured, one round old. */
static struct rig *events_rig(void)
{
    struct rig *rig = rig_make();
    struct sl_policy_events *events = &rig->policy->events;

    events->pcr = 14;
    events->sets.count = 1;
    (void)snprintf(events->sets.texts[0], SL_POLICY_NAME_MAX, "agent");
    events->sets.names[0] = events->sets.texts[0];
    events->measured_count = 1;
    (void)snprintf(events->measured[0], SL_POLICY_TEXT_MAX, "*/safelib-agent");
    rig_measure(rig, 10, "/sbin/init");
    rig_measure(rig, 10, AGENT);
    rig_event(rig, (struct sl_node_event){.type = SL_NODE_AGENT});
    return rig;
}

static struct sl_node_event start_of(const char *id, uint8_t flags)
{
    struct sl_node_event event = {.type = SL_NODE_START, .flags = flags};

    (void)snprintf(event.id, sizeof(event.id), "%s", id);
    (void)snprintf(event.image, sizeof(event.image), "%s", CACHE);
    return event;
}

static struct sl_node_event exec_of(const char *id, const char *path)
{
    struct sl_node_event event = {.type = SL_NODE_EXEC};

    (void)snprintf(event.id, sizeof(event.id), "%s", id);
    (void)snprintf(event.path, sizeof(event.path), "%s", path);
    return event;
}

static struct sl_node_event stop_of(const char *id)
{
    struct sl_node_event event = {.type = SL_NODE_STOP};

    (void)snprintf(event.id, sizeof(event.id), "%s", id);
    return event;
}

static void round_of(struct rig *rig, struct sl_appraisal *appraisal)
{
    rig_round(rig, appraisal);
}

/* Two containers of one image, one round old and good. */
static struct rig *two_rig(void)
{
    struct rig *rig = events_rig();
    struct sl_appraisal appraisal;

    for (int i = 0; i < 2; i++) {
        rig_event(rig, start_of(i == 0 ? "red" : "blue", 0));
        rig_event(rig, exec_of(i == 0 ? "red" : "blue", "/bin/kv"));
        rig_container(rig, i == 0 ? "red" : "blue", CACHE, 0, "running");
    }
    rig_measure(rig, 10, "/bin/kv");
    round_of(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "red", SL_VERDICT_TRUSTED, "attribution");
    assert_container(&appraisal, "blue", SL_VERDICT_TRUSTED, "attribution");
    assert_string_equal(
        json_string_value(json_object_get(
            rig_reason(rig_subject(&appraisal, SL_SUBJECT_CONTAINER, "red"), "attribution"),
            "confidence")),
        "events");
    sl_appraisal_done(&appraisal);
    return rig;
}

static void test_bad_container_falls_alone_and_is_not_forgotten(void **state)
{
    struct rig *rig = two_rig();
    struct sl_appraisal appraisal;
    const json_t *reason;

    (void)state;
    rig_event(rig, exec_of("red", "/tmp/evil"));
    rig_measure(rig, 10, "/tmp/evil"); /* in the host's PCR: the kernel cannot tell whose it is */
    round_of(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "red", SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_container(&appraisal, "blue", SL_VERDICT_TRUSTED, "attribution");
    reason = rig_reason(rig_subject(&appraisal, SL_SUBJECT_CONTAINER, "red"), "digest-unknown");
    assert_string_equal(json_string_value(json_object_get(reason, "confidence")), "events");
    assert_string_equal(json_string_value(json_object_get(reason, "path")), "/tmp/evil");
    assert_int_equal(json_integer_value(json_object_get(reason, "entry")), 6);
    sl_appraisal_done(&appraisal);

    /* it stops and is no longer listed */
    rig_event(rig, stop_of("red"));
    json_array_remove(rig->containers, 0);
    round_of(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "red", SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);

    /* the neighbour runs the same file: the kernel lists it once, the agent tells it twice */
    rig_event(rig, exec_of("blue", "/tmp/evil"));
    round_of(rig, &appraisal);
    assert_container(&appraisal, "blue", SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_host_that_runs_the_same_elsewhere_or_first_falls(void **state)
{
    struct rig *rig = two_rig();
    struct sl_appraisal appraisal;

    (void)state;
    rig_event(rig, exec_of("red", "/tmp/evil"));
    rig_measure(rig, 10, "/tmp/evil2"); /* another file: nobody's but the host's */
    round_of(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_container(&appraisal, "blue", SL_VERDICT_UNTRUSTED, "host");
    sl_appraisal_done(&appraisal);

    /* an execution that comes after the entry was judged does not wash the host */
    rig_event(rig, exec_of("red", "/tmp/evil2"));
    round_of(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);
    rig_free(rig);

    rig = two_rig();
    rig_event(
        rig, exec_of("host", "/tmp/evil")); /* by a process of the host, in the container's files */
    round_of(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_list_and_events_that_differ_are_reasons(void **state)
{
    static const struct {
        const char *id, *image, *state, *code;
    } cases[] = {
        {"green", "docker.io/cache:1", "running", "container-unstarted"},
        {"red", "docker.io/cache:1", "stopped", "container-state"},
        {"red", "other", "running", "container-conflict"},
        {NULL, NULL, NULL, "container-unlisted"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig *rig = two_rig();
        struct sl_appraisal appraisal;

        if (cases[i].id == NULL || strcmp(cases[i].id, "red") == 0) {
            json_array_remove(rig->containers, 0);
        }
        if (cases[i].id != NULL) {
            rig_container(rig, cases[i].id, cases[i].image, 0, cases[i].state);
        }
        round_of(rig, &appraisal);
        assert_container(&appraisal, cases[i].id != NULL ? cases[i].id : "red",
                         SL_VERDICT_UNTRUSTED, cases[i].code);
        assert_host(&appraisal, SL_VERDICT_DEGRADED, cases[i].code);
        assert_container(&appraisal, "blue", SL_VERDICT_TRUSTED, NULL);
        sl_appraisal_done(&appraisal);
        rig_free(rig);
    }
}

static void test_events_are_believed_only_behind_a_measured_agent(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct rig *rig = rig_make();
        struct rig *good = events_rig();
        struct sl_appraisal appraisal;
        struct sl_node_event agent = {.type = SL_NODE_AGENT};

        rig->policy->events = good->policy->events;
        rig->policy->events.sets.names[0] = rig->policy->events.sets.texts[0];
        rig_free(good);
        rig_measure(rig, 10, "/sbin/init");
        if (i == 0) { /* never measured */
            rig_event(rig, agent);
        } else if (i == 1) { /* measured after it began */
            rig_event(rig, agent);
            rig_measure(rig, 10, AGENT);
        } else if (i == 2) { /* says that it began later than it did */
            rig_measure(rig, 10, AGENT);
            agent.ima_count = rig->entries;
            memcpy(agent.ima_pcr, rig->pcrs[1][10], 32);
            rig_event(rig, agent);
        } else if (i == 3) { /* no agent at all */
            rig_measure(rig, 10, AGENT);
        } else { /* an agent of the right name, allowed for the host, and another digest */
            rig_measure(rig, 10, AGENT);
            rig_event(rig, agent);
            rig->known[rig->known_count++] = "host:/opt/safelib-agent";
            rig_measure(rig, 10, "/opt/safelib-agent");
        }
        rig_event(rig, start_of("red", 0));
        rig_event(rig, exec_of("red", "/bin/kv"));
        rig_container(rig, "red", CACHE, 0, "running");
        round_of(rig, &appraisal);
        assert_host(&appraisal, SL_VERDICT_TRUSTED, "events-unbelieved");
        assert_container(&appraisal, "red", SL_VERDICT_UNKNOWN, "container-unattributed");
        sl_appraisal_done(&appraisal);
        /* and not in the next round either; what such events blame on a container, the host bears
         */
        rig_event(rig, exec_of("red", "/tmp/evil"));
        rig_measure(rig, 10, "/tmp/evil");
        round_of(rig, &appraisal);
        assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
        sl_appraisal_done(&appraisal);
        rig_free(rig);
    }
}

static void test_log_that_does_not_go_on_or_is_changed_is_refused(void **state)
{
    struct sl_appraisal appraisal;

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct rig *rig = two_rig();
        const char *code = "events-malformed";
        json_t *evidence, *events;

        rig->from = rig->entries;
        rig->events_from = rig->event_count;
        rig_event(rig, exec_of("red", "/tmp/evil"));
        if (i == 4) {
            rig->events[rig->event_ends[rig->events_from] + 40] ^= 1; /* a byte of the event */
            code = NULL;
        }
        evidence = rig_evidence(rig, rig->entries, rig->entries);
        events = json_object_get(evidence, "events");
        if (i == 0) { /* hidden */
            json_object_del(evidence, "events");
            code = "list-not-quoted";
        } else if (i == 1) {
            (void)json_object_set_new(events, "data", json_string(""));
            code = "list-not-quoted";
        } else if (i == 2) {
            (void)json_object_set_new(events, "from", json_integer(2));
            code = "events-discontinuous";
        } else if (i == 3) { /* "the whole log again", which ends too early */
            (void)json_object_set_new(events, "from", json_integer(0));
            code = "events-malformed";
        } else if (i == 5) {
            (void)json_object_set_new(events, "data", json_integer(1));
        }
        rig_judge(rig, evidence, true, &appraisal);
        assert_host(&appraisal, SL_VERDICT_UNTRUSTED, code);
        sl_appraisal_done(&appraisal);
        if (i == 4) {
            rig->events[rig->event_ends[rig->event_count - 1] + 40] ^= 1;
        }
        round_of(rig, &appraisal); /* the honest one is judged as if nothing had been */
        assert_container(&appraisal, "red", SL_VERDICT_UNTRUSTED, "digest-unknown");
        sl_appraisal_done(&appraisal);
        rig_free(rig);
    }
}

static void test_gaps_lower_the_confidence(void **state)
{
    struct sl_appraisal appraisal;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct rig *rig = two_rig();

        if (i == 0) {
            rig_event(rig, (struct sl_node_event){.type = SL_NODE_LOST, .lost = 3});
        } else if (i == 1) { /* started again: nobody looked between */
            rig_event(rig, (struct sl_node_event){.type = SL_NODE_AGENT});
        } else {
            rig_event(rig, start_of("red", SL_NODE_LATE));
            rig_event(rig, start_of("blue", SL_NODE_LATE));
        }
        round_of(rig, &appraisal);
        assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
        assert_container(&appraisal, "red", SL_VERDICT_DEGRADED, "container-gap");
        sl_appraisal_done(&appraisal);
        rig_event(rig, stop_of("red"));
        rig_event(rig, start_of("red", 0)); /* anew, under the agent's eyes */
        round_of(rig, &appraisal);
        assert_container(&appraisal, "red", SL_VERDICT_TRUSTED, "attribution");
        assert_container(&appraisal, "blue", SL_VERDICT_DEGRADED, "container-gap");
        sl_appraisal_done(&appraisal);
        rig_free(rig);
    }
}

static void test_reboot_and_whole_log_start_again(void **state)
{
    struct rig *rig = two_rig();
    struct sl_appraisal appraisal;

    (void)state;
    rig->events_from = 0; /* the whole log, though it was asked from its end */
    rig->from = 0;
    rig_event(rig, exec_of("red", "/bin/kv2"));
    rig_judge(rig, rig_evidence(rig, rig->entries, rig->entries), true, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "red", SL_VERDICT_TRUSTED, "attribution");
    sl_appraisal_done(&appraisal);

    rig_boot(rig);
    rig_measure(rig, 10, "/sbin/init");
    rig_measure(rig, 10, AGENT);
    rig_event(rig, (struct sl_node_event){.type = SL_NODE_AGENT});
    rig_event(rig, start_of("red", 0));
    json_array_remove(rig->containers, 1);
    round_of(rig, &appraisal);
    assert_true(appraisal.is_reboot);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "red", SL_VERDICT_TRUSTED, "attribution");
    assert_int_equal(appraisal.subject_count, 2); /* blue ran in another life */
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

/* More containers than a node's state holds: what has no memory is not trusted. */
static void test_more_containers_than_memory_are_unknown_not_trusted(void **state)
{
    struct rig *rig = events_rig();
    struct sl_appraisal appraisal;
    size_t trusted = 0, unknown = 0;
    char id[80];

    (void)state;
    for (int i = 0; i < 120; i++) {
        (void)snprintf(id, sizeof(id), "%04d000000000000000000000000000000000000000000000000", i);
        rig_event(rig, start_of(id, 0));
        rig_container(rig, id, CACHE, 0, "running");
    }
    round_of(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    for (size_t i = 0; i < appraisal.subject_count; i++) {
        const struct sl_subject *subject = &appraisal.subjects[i];

        trusted += subject->kind == SL_SUBJECT_CONTAINER && subject->verdict == SL_VERDICT_TRUSTED;
        unknown += subject->kind == SL_SUBJECT_CONTAINER && subject->verdict == SL_VERDICT_UNKNOWN;
    }
    assert_int_equal(trusted, SL_EVENT_CONTAINERS_MAX);
    assert_int_equal(unknown, 120 - SL_EVENT_CONTAINERS_MAX);
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_container_falls_alone_and_is_not_forgotten),
        cmocka_unit_test(test_host_that_runs_the_same_elsewhere_or_first_falls),
        cmocka_unit_test(test_list_and_events_that_differ_are_reasons),
        cmocka_unit_test(test_events_are_believed_only_behind_a_measured_agent),
        cmocka_unit_test(test_log_that_does_not_go_on_or_is_changed_is_refused),
        cmocka_unit_test(test_gaps_lower_the_confidence),
        cmocka_unit_test(test_reboot_and_whole_log_start_again),
        cmocka_unit_test(test_more_containers_than_memory_are_unknown_not_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
