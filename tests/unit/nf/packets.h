/* SPDX-License-Identifier: Apache-2.0 */
/* Whole packets for tests of NFs, with right checksums, and a check that they are right. */
#ifndef SL_TESTS_NF_PACKETS_H
#define SL_TESTS_NF_PACKETS_H

#include "unit.h"

#include <arpa/inet.h>

#include "base/bytes.h"
#include "safelib/checksum.h"
#include "safelib/packet.h"

enum { TEST_ROOM = 2048 };

struct test_packet {
    uint8_t data[TEST_ROOM];
    struct sl_packet packet;
};

/* Fills what the runtime fills, after the bytes changed. */
static inline void packet_parse(struct test_packet *p)
{
    p->packet.data = p->data;
    p->packet.room = TEST_ROOM;
    assert_ok(sl_packet_parse(&p->packet));
}

/* Puts right every checksum of a whole packet. */
static inline void packet_sums(struct test_packet *p)
{
    packet_parse(p);
    struct sl_packet *packet = &p->packet;
    bool is_v4 = packet->ip_version == 4;
    if (is_v4) {
        uint32_t header = (uint32_t)(p->data[0] & 15) * 4;
        sl_be16_put(p->data + 10, 0);
        sl_be16_put(p->data + 10, sl_checksum_fold(sl_checksum_add(0, p->data, header)));
    }
    uint8_t *l4 = p->data + packet->l4_off;
    uint32_t size = packet->size - packet->l4_off;
    uint32_t at = packet->proto == 6 ? 16 : packet->proto == 17 ? 6 : 2;
    if (packet->proto != 6 && packet->proto != 17 && packet->proto != 1 && packet->proto != 58) {
        return;
    }
    uint64_t sum = packet->proto == 1 ? 0
                                      : sl_checksum_pseudo(packet->src, packet->dst, is_v4 ? 4 : 16,
                                                           packet->proto, size);
    sl_be16_put(l4 + at, 0);
    uint16_t check = sl_checksum_fold(sl_checksum_add(sum, l4, size));
    sl_be16_put(l4 + at, check == 0 && packet->proto == 17 ? 0xffff : check);
}

/* True where every checksum of a whole packet is right. */
static inline bool packet_is_right(const struct test_packet *p)
{
    struct test_packet copy = *p;
    packet_sums(&copy);
    return memcmp(copy.data, p->data, copy.packet.size) == 0;
}

/* A packet of `proto` from text addresses, `size` bytes in total, TTL 64. */
static inline void packet_make(struct test_packet *p, const char *src, const char *dst,
                               uint8_t proto, uint16_t sport, uint16_t dport, uint32_t size)
{
    memset(p, 0, sizeof(*p));
    bool is_v4 = strchr(src, ':') == NULL;
    uint32_t header = is_v4 ? 20 : 40;
    if (is_v4) {
        p->data[0] = 0x45;
        sl_be16_put(p->data + 2, (uint16_t)size);
        p->data[8] = 64;
        p->data[9] = proto;
    } else {
        p->data[0] = 0x60;
        sl_be16_put(p->data + 4, (uint16_t)(size - 40));
        p->data[6] = proto;
        p->data[7] = 64;
    }
    uint8_t *at = p->data + (is_v4 ? 12 : 8);
    assert_int_equal(inet_pton(is_v4 ? AF_INET : AF_INET6, src, at), 1);
    assert_int_equal(inet_pton(is_v4 ? AF_INET : AF_INET6, dst, at + (is_v4 ? 4 : 16)), 1);
    uint8_t *l4 = p->data + header;
    if (proto == 1 || proto == 58) { /* an echo request; sport is its identifier */
        l4[0] = proto == 1 ? 8 : 128;
        sl_be16_put(l4 + 4, sport);
        sl_be16_put(l4 + 6, dport);
    } else {
        sl_be16_put(l4, sport);
        sl_be16_put(l4 + 2, dport);
    }
    if (proto == 6) {
        l4[12] = 0x50;
        l4[13] = 0x02;
    } else if (proto == 17) {
        sl_be16_put(l4 + 4, (uint16_t)(size - header));
    }
    for (uint32_t i = header + 20; i < size; i++) {
        p->data[i] = (uint8_t)i;
    }
    p->packet = (struct sl_packet){.size = size};
    packet_sums(p);
}

/* Writes a policy's text to a file in the build's folder for temporary things. */
static inline const char *policy_file(const char *text)
{
    static char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/sl-policy-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* The first example of a page of the documentation, as a file. */
static inline const char *doc_example(const char *page)
{
    static char text[16384];
    char line[1024];
    const char *root = getenv("SL_SOURCE_ROOT");
    (void)snprintf(line, sizeof(line), "%s/docs/%s", root != NULL ? root : ".", page);
    FILE *file = fopen(line, "r");
    bool is_in = false;
    size_t used = 0;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        bool is_fence = strncmp(line, "```", 3) == 0;
        if (is_fence && is_in) {
            break;
        }
        if (is_in) {
            assert_true(used + strlen(line) < sizeof(text));
            memcpy(text + used, line, strlen(line) + 1);
            used += strlen(line);
        }
        is_in |= is_fence;
    }
    (void)fclose(file);
    assert_true(used > 0);
    return policy_file(text);
}

/* An NF's own bytes out of a bundle of format 1 that holds it alone. */
static inline const uint8_t *bundle_policy(const uint8_t *bundle, size_t size, uint32_t *ret_size)
{
    char name[64];
    struct sl_reader r;
    sl_reader_init(&r, bundle, size);
    (void)sl_reader_bytes(&r, 16);
    sl_reader_string(&r, name, sizeof(name));
    *ret_size = sl_reader_be32(&r);
    const uint8_t *policy = sl_reader_bytes(&r, *ret_size);
    assert_ok(sl_reader_end(&r));
    return policy;
}

#endif
