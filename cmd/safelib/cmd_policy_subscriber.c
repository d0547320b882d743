/* SPDX-License-Identifier: Apache-2.0 */
/* safelib policy subscriber: who had an outside endpoint of a deterministic NAT, and what a
 * subscriber has; by arithmetic, without the NAT (RFC 7422 2.1). */
#include "cmd_policy_chain.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "command.h"
#include "nat/policy.h"
#include "nf/chain.h"
#include "policy/policy.h"

enum { HEADER_SIZE = 16 };

/* The NAT's own part of a compiled policy. */
static sl_rc nat_read(const char *path, struct nat_policy *ret_nat, struct sl_err *err)
{
    struct sl_policy policy = {0};
    struct sl_reader r;
    char name[SL_NF_NAME_MAX];
    char reason[200] = "";
    sl_rc rc = sl_policy_read(path, &policy, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, policy.bundle, policy.size);
    (void)sl_reader_bytes(&r, HEADER_SIZE);
    sl_reader_string(&r, name, sizeof(name));
    uint32_t size = sl_reader_be32(&r);
    const uint8_t *bytes = sl_reader_bytes(&r, size);
    if (r.rc != SL_OK || strncmp(name, "nat", 3) != 0) {
        rc = sl_err_set(err, SL_INVALID, "%s: expected the compiled policy of one NAT", path);
    } else if ((rc = nat_policy_read(bytes, size, ret_nat, reason, sizeof(reason))) != SL_OK) {
        (void)sl_err_set(err, rc, "%s: %s", path, reason);
    } else if (ret_nat->allocation != SL_NAT_DETERMINISTIC) {
        nat_policy_done(ret_nat);
        rc = sl_err_set(err, SL_INVALID,
                        "%s: allocation is not deterministic: only the NAT's own counters and "
                        "logs know who had a port",
                        path);
    }
    sl_policy_done(&policy);
    return rc;
}

static void addr_text(const struct nat_addr *addr, char *out, size_t size)
{
    if (nat_addr_is4(addr)) {
        (void)inet_ntop(AF_INET, addr->b + 12, out, (socklen_t)size);
    } else {
        (void)inet_ntop(AF_INET6, addr->b, out, (socklen_t)size);
    }
}

static int show_outside(const struct nat_policy *nat, const char *who, const struct nat_addr *addr)
{
    uint32_t outside;
    uint16_t first;
    uint8_t outside4[4];
    char text[INET6_ADDRSTRLEN];
    if (!nat_deterministic(nat, addr, &outside, &first)) {
        return complain(CMD_BAD, "%s is no inside address of this NAT", who);
    }
    sl_be32_put(outside4, outside);
    printf("%s has %s ports %u-%u\n", who, inet_ntop(AF_INET, outside4, text, sizeof(text)), first,
           first + nat->block_size - 1);
    return CMD_GOOD;
}

static int show_inside(const struct nat_policy *nat, const char *who, const char *colon)
{
    char addr[INET_ADDRSTRLEN] = "";
    char text[INET6_ADDRSTRLEN];
    uint8_t outside4[4];
    struct nat_addr subscriber;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if ((size_t)(colon - who) < sizeof(addr)) {
        memcpy(addr, who, (size_t)(colon - who));
    }
    if (inet_pton(AF_INET, addr, outside4) != 1 || *end != '\0' || end == colon + 1 ||
        port > UINT16_MAX) {
        return complain(CMD_USAGE, "`%s`: expected an inside address, or ADDRESS:PORT outside",
                        who);
    }
    if (!nat_deterministic_subscriber(nat, sl_be32_get(outside4), (uint16_t)port, &subscriber)) {
        return complain(CMD_BAD, "%s is nobody's", who);
    }
    addr_text(&subscriber, text, sizeof(text));
    printf("%s is of %s/%u\n", who, text,
           nat_addr_is4(&subscriber) ? nat->subscriber4_bits : nat->subscriber6_bits);
    return CMD_GOOD;
}

static int show(const struct nat_policy *nat, const char *who)
{
    struct nat_addr addr;
    uint8_t addr4[4];
    const char *colon = strrchr(who, ':');
    if (inet_pton(AF_INET, who, addr4) == 1) {
        addr = nat_addr4(addr4);
        return show_outside(nat, who, &addr);
    }
    if (inet_pton(AF_INET6, who, addr.b) == 1) {
        return show_outside(nat, who, &addr);
    }
    return colon != NULL ? show_inside(nat, who, colon)
                         : complain(CMD_USAGE, "`%s`: expected an address, or ADDRESS:PORT", who);
}

int policy_subscriber(int argc, char **argv)
{
    const struct command_spec spec = {
        .usage = "safelib policy subscriber FILE INSIDE|OUTSIDE:PORT",
        .about =
            "With deterministic allocation, the outside ports of an inside address, and whose\n"
            "an outside port is: computed from the compiled policy alone (RFC 7422).",
        .examples = "  safelib policy subscriber nat.slp 10.1.0.7\n"
                    "  safelib policy subscriber nat.slp 192.0.2.1:5000\n",
        .min_args = 2,
        .max_args = 2,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct nat_policy nat;
    struct sl_err err = {0};
    if (nat_read(argv[first], &nat, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    status = show(&nat, argv[first + 1]);
    nat_policy_done(&nat);
    return status;
}
