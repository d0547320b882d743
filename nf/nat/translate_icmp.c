/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors between the families: the tables of RFC 7915 4.2 and 5.2. */
#include "nat/translate.h"

#include "safelib/bytes.h"

enum {
    UNREACHABLE4 = 3,
    TIME_EXCEEDED4 = 11,
    PARAMETER4 = 12,
    UNREACHABLE6 = 1,
    TOO_BIG6 = 2,
    TIME_EXCEEDED6 = 3,
    PARAMETER6 = 4,
    FRAGMENTATION_NEEDED = 4,
    GROWTH = 20, /* IPv6 header over IPv4 header */
    NONE = 0xff,
};

static bool put(uint8_t *icmp, uint8_t type, uint8_t code, uint32_t word)
{
    icmp[0] = type;
    icmp[1] = code;
    sl_be32_put(icmp + 4, word);
    return true;
}

/* RFC 7915 4.2, figure 3: offsets in the IPv4 header to offsets in the IPv6 header. */
static uint8_t pointer_4to6(uint8_t pointer)
{
    static const uint8_t table[20] = {0,    1,    4, 4, NONE, NONE, NONE, NONE, 7,  6,
                                      NONE, NONE, 8, 8, 8,    8,    24,   24,   24, 24};
    return pointer < sizeof(table) ? table[pointer] : NONE;
}

/* RFC 7915 5.2, figure 6. */
static uint8_t pointer_6to4(uint32_t pointer)
{
    static const uint8_t table[8] = {0, 1, NONE, NONE, 2, 2, 9, 8};
    if (pointer < sizeof(table)) {
        return table[pointer];
    }
    return pointer < 24 ? 12 : pointer < NAT_IP6_SIZE ? 16 : NONE;
}

/* RFC 7915 4.2, RFC 1191 5: a router that does not say its MTU has the next lower plateau. */
static uint32_t plateau_below(uint16_t size)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
    for (uint32_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++) {
        if (plateaus[i] < size) {
            return plateaus[i];
        }
    }
    return 68;
}

static bool too_big_4to6(uint8_t *icmp, uint16_t packet_size, uint16_t mtu6)
{
    uint32_t mtu = sl_be16_get(icmp + 6);
    mtu = (mtu != 0 ? mtu : plateau_below(packet_size)) + GROWTH;
    mtu = mtu < mtu6 ? mtu : mtu6;
    /* RFC 7915 4.2: no less than 1280; what then comes, routers may cut, as it has no DF (5.1) */
    return put(icmp, TOO_BIG6, 0, mtu < SL_NAT_MTU6_MIN ? SL_NAT_MTU6_MIN : mtu);
}

static bool unreachable_4to6(uint8_t *icmp, uint16_t packet_size, uint16_t mtu6)
{
    switch (icmp[1]) {
    case 0: /* net, host, source route failed, unknown, isolated, for this service */
    case 1:
    case 5:
    case 6:
    case 7:
    case 8:
    case 11:
    case 12:
        return put(icmp, UNREACHABLE6, 0, 0);
    case 2: /* protocol: points to the next header */
        return put(icmp, PARAMETER6, 1, 6);
    case 3:
        return put(icmp, UNREACHABLE6, 4, 0);
    case FRAGMENTATION_NEEDED:
        return too_big_4to6(icmp, packet_size, mtu6);
    case 9: /* prohibited, precedence cut-off */
    case 10:
    case 13:
    case 15:
        return put(icmp, UNREACHABLE6, 1, 0);
    default:
        return false;
    }
}

bool nat_icmp_error_4to6(uint8_t *icmp, uint16_t packet_size, uint16_t mtu6)
{
    switch (icmp[0]) {
    case UNREACHABLE4:
        return unreachable_4to6(icmp, packet_size, mtu6);
    case TIME_EXCEEDED4:
        return put(icmp, TIME_EXCEEDED6, icmp[1], 0);
    case PARAMETER4: {
        uint8_t pointer = pointer_4to6(icmp[4]);
        if ((icmp[1] != 0 && icmp[1] != 2) || pointer == NONE) {
            return false;
        }
        return put(icmp, PARAMETER6, 0, pointer);
    }
    default: /* source quench, redirect: "silently drop" */
        return false;
    }
}

static bool unreachable_6to4(uint8_t *icmp)
{
    static const uint8_t codes[] = {1, 10, 1, 1, 3};
    return icmp[1] < sizeof(codes) && put(icmp, UNREACHABLE4, codes[icmp[1]], 0);
}

static bool too_big_6to4(uint8_t *icmp, uint16_t mtu6)
{
    uint32_t mtu = sl_be32_get(icmp + 4);
    /* RFC 7915 5.2: no more than the next hop on the IPv6 side takes, less 20 */
    mtu = mtu < mtu6 ? mtu : mtu6;
    mtu = mtu < 68 + GROWTH ? 68 : mtu - GROWTH;
    return put(icmp, UNREACHABLE4, FRAGMENTATION_NEEDED, mtu);
}

bool nat_icmp_error_6to4(uint8_t *icmp, uint16_t mtu6)
{
    switch (icmp[0]) {
    case UNREACHABLE6:
        return unreachable_6to4(icmp);
    case TOO_BIG6:
        return too_big_6to4(icmp, mtu6);
    case TIME_EXCEEDED6:
        return put(icmp, TIME_EXCEEDED4, icmp[1], 0);
    case PARAMETER6: {
        if (icmp[1] == 1) { /* unrecognized next header: protocol unreachable */
            return put(icmp, UNREACHABLE4, 2, 0);
        }
        uint8_t pointer = pointer_6to4(sl_be32_get(icmp + 4));
        return icmp[1] == 0 && pointer != NONE && put(icmp, PARAMETER4, 0, (uint32_t)pointer << 24);
    }
    default:
        return false;
    }
}
