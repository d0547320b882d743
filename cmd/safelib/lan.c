/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN's side of a capture. */
#include "lan.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "safelib/packet.h"

static bool read_prefix(const char *text, struct lan_prefix *ret_prefix)
{
    char copy[64];
    (void)snprintf(copy, sizeof(copy), "%s", text);
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    ret_prefix->width = strchr(copy, ':') != NULL ? 16 : 4;
    char *end = NULL;
    unsigned long bits = slash != NULL ? strtoul(slash + 1, &end, 10) : 8u * ret_prefix->width;
    if ((end != NULL && (*end != '\0' || end == slash + 1)) || bits > 8u * ret_prefix->width) {
        return false;
    }
    ret_prefix->bits = (uint8_t)bits;
    return inet_pton(ret_prefix->width == 4 ? AF_INET : AF_INET6, copy, ret_prefix->addr) == 1;
}

int lan_read(const char *list, struct lan *ret_lan)
{
    char text[1024];
    char *save = NULL;
    *ret_lan = (struct lan){0};
    (void)snprintf(text, sizeof(text), "%s", list);
    for (char *item = strtok_r(text, ", ", &save); item != NULL;
         item = strtok_r(NULL, ", ", &save)) {
        if (ret_lan->count == LAN_PREFIXES_MAX ||
            !read_prefix(item, &ret_lan->prefixes[ret_lan->count])) {
            return complain(CMD_USAGE,
                            "--lan %s: expected prefixes such as 10.0.0.0/8,fd00::/8 "
                            "(at most %d)",
                            item, LAN_PREFIXES_MAX);
        }
        ret_lan->count++;
    }
    return CMD_GOOD;
}

uint8_t lan_port_of(const struct lan *lan, const uint8_t *ip, uint32_t size)
{
    uint8_t width = ip[0] >> 4 == 4 ? 4 : 16;
    const uint8_t *src = ip + (width == 4 ? 12 : 8);
    if (size < (width == 4 ? 16u : 24u)) {
        return SL_PORT_WAN;
    }
    for (uint32_t i = 0; i < lan->count; i++) {
        const struct lan_prefix *prefix = &lan->prefixes[i];
        uint32_t whole = prefix->bits / 8;
        uint8_t mask = (uint8_t)(0xff00 >> prefix->bits % 8);
        if (prefix->width == width && memcmp(src, prefix->addr, whole) == 0 &&
            (whole == width || ((src[whole] ^ prefix->addr[whole]) & mask) == 0)) {
            return SL_PORT_LAN;
        }
    }
    return SL_PORT_WAN;
}
