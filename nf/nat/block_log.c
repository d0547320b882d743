/* SPDX-License-Identifier: Apache-2.0 */
/* The log of port blocks. */
#include "nat/block_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "safelib/bytes.h"

enum { LINE_MAX_SIZE = 160, LAST_LINE_SIZE = 32 };

void nat_log_add(struct nat_log *log, const struct nat_log_event *event)
{
    uint64_t words[NAT_LOG_WORDS];
    uint64_t number = log->count;
    memcpy(words, event, sizeof(words));
    for (uint32_t i = 0; i < NAT_LOG_WORDS; i++) {
        __atomic_store_n(&log->words[number % NAT_LOG_EVENTS][i], words[i], __ATOMIC_RELEASE);
    }
    __atomic_store_n(&log->count, number + 1, __ATOMIC_RELEASE);
}

/* False where it was overwritten meanwhile: the event that is being written has the number `count`,
 * and the place of the one NAT_LOG_EVENTS before it. */
static bool event_read(const struct nat_log *log, uint64_t number, struct nat_log_event *ret_event)
{
    uint64_t words[NAT_LOG_WORDS] = {0};
    for (uint32_t i = 0; i < NAT_LOG_WORDS; i++) {
        words[i] = __atomic_load_n(&log->words[number % NAT_LOG_EVENTS][i], __ATOMIC_ACQUIRE);
    }
    memcpy(ret_event, words, sizeof(words));
    return number + NAT_LOG_EVENTS > __atomic_load_n(&log->count, __ATOMIC_ACQUIRE);
}

static void addr4_text(const uint8_t *addr4, char *out, size_t size)
{
    (void)snprintf(out, size, "%u.%u.%u.%u", addr4[0], addr4[1], addr4[2], addr4[3]);
}

/* IPv6 as in RFC 4291 2.2 1, all eight groups: a subscriber is a prefix, whose zeros are many. */
static void addr_text(const struct nat_addr *addr, char *out, size_t size)
{
    size_t used = 0;
    if (nat_addr_is4(addr)) {
        addr4_text(addr->b + 12, out, size);
        return;
    }
    for (uint32_t i = 0; i < 16 && used < size; i += 2) {
        int put = snprintf(out + used, size - used, "%s%x", i > 0 ? ":" : "",
                           (unsigned)sl_be16_get(addr->b + i));
        used += put > 0 ? (size_t)put : size;
    }
}

static void event_text(const struct nat_log_event *event, uint64_t number, char out[LINE_MAX_SIZE])
{
    char inside[48];
    char outside[16];
    uint8_t outside4[4];
    addr_text(&event->subscriber, inside, sizeof(inside));
    sl_be32_put(outside4, event->outside);
    addr4_text(outside4, outside, sizeof(outside));
    (void)snprintf(out, LINE_MAX_SIZE, "%llu %llu.%03u %s %s %s %u-%u; ",
                   (unsigned long long)number, (unsigned long long)(event->unix_ms / 1000),
                   (unsigned)(event->unix_ms % 1000), event->is_taken != 0 ? "taken" : "given",
                   inside, outside, event->first, event->last);
}

void nat_log_text(const struct nat_log *log, uint64_t from, char *out, size_t size)
{
    uint64_t count = __atomic_load_n(&log->count, __ATOMIC_ACQUIRE);
    uint64_t oldest = count >= NAT_LOG_EVENTS ? count - NAT_LOG_EVENTS + 1 : 0;
    uint64_t number = from < oldest ? oldest : from;
    size_t used = 0;
    out[0] = '\0';
    for (; number < count; number++) {
        char line[LINE_MAX_SIZE];
        struct nat_log_event event;
        if (!event_read(log, number, &event)) {
            continue;
        }
        event_text(&event, number, line);
        size_t length = strlen(line);
        if (used + length + LAST_LINE_SIZE > size) {
            break;
        }
        memcpy(out + used, line, length + 1);
        used += length;
    }
    (void)snprintf(out + used, size - used, "next %llu", (unsigned long long)number);
}
