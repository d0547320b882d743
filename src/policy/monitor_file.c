/* SPDX-License-Identifier: Apache-2.0 */
/* The flow monitor's policy: one setting a line. docs/policy-monitor.md has the language. */
#include <string.h>

#include "flow_monitor/format.h"
#include "policy/single.h"
#include "policy/words.h"
#include "safelib/packet.h"

enum {
    IPFIX_PORT = 4739, /* RFC 7011 10.1 */
    ACTIVE_DEFAULT_MS = 60 * 1000,
    IDLE_DEFAULT_MS = 15 * 1000,
    TEMPLATE_DEFAULT_MS = 60 * 1000,
    PACKET_DEFAULT = 1280, /* what every IPv6 path takes */
    TALKERS_DEFAULT = 10,
};

struct monitor {
    struct pol_prefix collector, exporter;
    uint64_t collector_port, source_port;
    uint8_t port;
    uint64_t domain, active_ms, idle_ms, template_ms, packet_max, talkers;
    bool has_collector;
};

static sl_rc read_address(const struct pol_words *words, uint32_t at,
                          struct pol_prefix *ret_address, struct sl_err *err)
{
    sl_rc rc = pol_words_prefix(words, at, ret_address, err);
    if (rc == SL_OK && ret_address->length != (ret_address->version == 4 ? 32 : 128)) {
        rc = pol_words_fault(words, at, SL_MALFORMED, err, "expected one address, not a network");
    }
    return rc;
}

static sl_rc read_port(const struct pol_words *words, uint32_t at, uint64_t *ret_port,
                       struct sl_err *err)
{
    sl_rc rc = pol_words_number(words, at, UINT16_MAX, ret_port, err);
    if (rc == SL_OK && *ret_port == 0) {
        rc = pol_words_fault(words, at, SL_RANGE, err, "expected a port from 1 to 65535");
    }
    return rc;
}

/* The options of `collector`: port N, from ADDRESS, source-port N, dev lan|wan. */
static sl_rc read_collector_option(const struct pol_words *words, uint32_t at,
                                   struct monitor *monitor, struct sl_err *err)
{
    if (pol_words_is(words, at, "port")) {
        return read_port(words, at + 1, &monitor->collector_port, err);
    }
    if (pol_words_is(words, at, "source-port")) {
        return read_port(words, at + 1, &monitor->source_port, err);
    }
    if (pol_words_is(words, at, "from")) {
        return read_address(words, at + 1, &monitor->exporter, err);
    }
    if (pol_words_is(words, at, "dev")) {
        bool is_lan = pol_words_is(words, at + 1, "lan");
        if (!is_lan && !pol_words_is(words, at + 1, "wan")) {
            return pol_words_fault(words, at + 1, SL_MALFORMED, err, "expected lan or wan");
        }
        monitor->port = is_lan ? SL_PORT_LAN : SL_PORT_WAN;
        return SL_OK;
    }
    return pol_words_fault(words, at, SL_MALFORMED, err, "expected port, source-port, from or dev");
}

static sl_rc read_collector(const struct pol_words *words, struct monitor *monitor,
                            struct sl_err *err)
{
    if (monitor->has_collector) {
        return pol_words_fault(words, 0, SL_MALFORMED, err, "is there already");
    }
    monitor->has_collector = true;
    sl_rc rc = read_address(words, 1, &monitor->collector, err);
    for (uint32_t at = 2; rc == SL_OK && at < words->count; at += 2) {
        rc = read_collector_option(words, at, monitor, err);
    }
    if (rc == SL_OK && monitor->exporter.version != monitor->collector.version) {
        rc =
            pol_words_fault(words, words->count, SL_MALFORMED, err,
                            "expected `from ADDRESS` of the collector's family: the monitor's own");
    }
    return rc;
}

/* 90, 90s, 5m, 1h: milliseconds. */
static sl_rc read_time(const struct pol_words *words, uint32_t at, uint64_t *ret_ms,
                       struct sl_err *err)
{
    uint64_t factor = 1000;
    uint64_t number = 0;
    const char *text = at < words->count ? words->words[at] : "";
    size_t digits = strspn(text, "0123456789");
    bool is_short = digits > 0 && digits <= 6;
    for (size_t i = 0; i < digits && is_short; i++) {
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    const char *unit = text + digits;
    if (strcmp(unit, "m") == 0) {
        factor = 60000;
    } else if (strcmp(unit, "h") == 0) {
        factor = 3600000;
    } else if (strcmp(unit, "ms") == 0) {
        factor = 1;
    } else if (unit[0] != '\0' && strcmp(unit, "s") != 0) {
        is_short = false;
    }
    if (!is_short) {
        return pol_words_fault(words, at, SL_MALFORMED, err,
                               "expected a time, as in 60s, 5m or 1h");
    }
    *ret_ms = number * factor;
    if (*ret_ms < SL_FM_TIMEOUT_MIN_MS || *ret_ms > SL_FM_TIMEOUT_MAX_MS) {
        return pol_words_fault(words, at, SL_RANGE, err, "expected 1 s to 24 h");
    }
    return SL_OK;
}

static sl_rc read_number(const struct pol_words *words, uint64_t least, uint64_t most,
                         uint64_t *ret_number, struct sl_err *err)
{
    sl_rc rc = pol_words_number(words, 1, most, ret_number, err);
    if (rc == SL_OK && *ret_number < least) {
        rc = pol_words_fault(words, 1, SL_RANGE, err, "expected %u or more", (unsigned)least);
    }
    return rc;
}

static sl_rc read_line(const struct pol_words *words, struct monitor *monitor, struct sl_err *err)
{
    sl_rc rc;
    if (pol_words_is(words, 0, "collector")) {
        return read_collector(words, monitor, err);
    }
    if (pol_words_is(words, 0, "observation-domain")) {
        rc = read_number(words, 0, UINT32_MAX - 64, &monitor->domain, err);
    } else if (pol_words_is(words, 0, "active-timeout")) {
        rc = read_time(words, 1, &monitor->active_ms, err);
    } else if (pol_words_is(words, 0, "idle-timeout")) {
        rc = read_time(words, 1, &monitor->idle_ms, err);
    } else if (pol_words_is(words, 0, "template-refresh")) {
        rc = read_time(words, 1, &monitor->template_ms, err);
    } else if (pol_words_is(words, 0, "packet-max")) {
        rc = read_number(words, SL_FM_PACKET_MIN, SL_FM_PACKET_MAX, &monitor->packet_max, err);
    } else if (pol_words_is(words, 0, "talkers")) {
        rc = read_number(words, 0, SL_FM_TALKERS_MAX, &monitor->talkers, err);
    } else {
        return pol_words_fault(
            words, 0, SL_MALFORMED, err,
            "expected collector, observation-domain, active-timeout, idle-timeout, "
            "template-refresh, packet-max or talkers");
    }
    if (rc == SL_OK && words->count > 2) {
        rc = pol_words_fault(words, 2, SL_MALFORMED, err, "expected the end of the line");
    }
    return rc;
}

static sl_rc read_all(struct pol_words *words, struct monitor *monitor, struct sl_err *err)
{
    for (;;) {
        bool has;
        sl_rc rc = pol_words_next(words, &has, err);
        if (rc != SL_OK || !has) {
            return rc;
        }
        rc = read_line(words, monitor, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
}

static sl_rc put_policy(const struct monitor *monitor, const char *path,
                        struct sl_policy *ret_policy, struct sl_err *err)
{
    struct pol_single single;
    sl_rc rc = pol_single_init(&single, "flow_monitor", "monitor", path, SL_FM_SIZE, err);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_writer *w = &single.w;
    sl_writer_be32(w, SL_FM_MAGIC);
    sl_writer_be16(w, SL_FM_FORMAT);
    sl_writer_u8(w, monitor->collector.version);
    sl_writer_u8(w, monitor->port);
    sl_writer_bytes(w, monitor->exporter.addr, 16);
    sl_writer_bytes(w, monitor->collector.addr, 16);
    sl_writer_be16(w, (uint16_t)monitor->source_port);
    sl_writer_be16(w, (uint16_t)monitor->collector_port);
    sl_writer_be32(w, (uint32_t)monitor->domain);
    sl_writer_be32(w, (uint32_t)monitor->active_ms);
    sl_writer_be32(w, (uint32_t)monitor->idle_ms);
    sl_writer_be32(w, (uint32_t)monitor->template_ms);
    sl_writer_be16(w, (uint16_t)monitor->packet_max);
    sl_writer_u8(w, (uint8_t)monitor->talkers);
    sl_writer_u8(w, 0);
    rc = pol_single_finish(&single, "accept", ret_policy, err);
    pol_single_done(&single);
    return rc;
}

sl_rc sl_policy_compile_monitor(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct pol_words words;
    struct monitor monitor = {.collector_port = IPFIX_PORT,
                              .source_port = IPFIX_PORT,
                              .port = SL_PORT_LAN,
                              .active_ms = ACTIVE_DEFAULT_MS,
                              .idle_ms = IDLE_DEFAULT_MS,
                              .template_ms = TEMPLATE_DEFAULT_MS,
                              .packet_max = PACKET_DEFAULT,
                              .talkers = TALKERS_DEFAULT};
    sl_rc rc = pol_words_open(&words, path, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = read_all(&words, &monitor, err);
    pol_words_close(&words);
    if (rc == SL_OK && !monitor.has_collector) {
        rc =
            sl_err_set(err, SL_MALFORMED,
                       "%s: no collector: expected `collector ADDRESS from ADDRESS dev lan`", path);
    }
    return rc == SL_OK ? put_policy(&monitor, path, ret_policy, err) : rc;
}
