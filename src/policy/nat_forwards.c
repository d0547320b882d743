/* SPDX-License-Identifier: Apache-2.0 */
/* The forwards of the NAT's policy: ports and hosts that are open from outside. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "policy/nat_values.h"

enum { PROTO_TCP = 6, PROTO_UDP = 17 };

struct forward {
    uint8_t proto;
    uint32_t outside;
    uint16_t outside_port, inside_port, count;
    uint8_t inside[16];
    uint32_t index; /* in the file */
};

static bool address_parse(const char *text, size_t size, uint8_t *ret_addr)
{
    char addr[INET6_ADDRSTRLEN];
    uint8_t addr4[4];
    if (size >= sizeof(addr)) {
        return false;
    }
    memcpy(addr, text, size);
    addr[size] = '\0';
    if (inet_pton(AF_INET, addr, addr4) == 1) {
        pol_nat_put_mapped(ret_addr, addr4);
        return true;
    }
    return inet_pton(AF_INET6, addr, ret_addr) == 1;
}

/* "192.0.2.1:80", "192.0.2.1:8000-8010", "[2001:db8::1]:80", "10.0.0.1", "2001:db8::1" */
static bool endpoint_parse(const char *text, uint8_t *ret_addr, uint16_t *ret_first,
                           uint16_t *ret_last, bool *ret_has_port)
{
    bool is_bracketed = text[0] == '[';
    const char *begin = text + is_bracketed;
    const char *end = strchr(begin, is_bracketed ? ']' : ':');
    *ret_has_port = false;
    if (is_bracketed && end == NULL) {
        return false;
    }
    if (!is_bracketed && (end == NULL || strchr(end + 1, ':') != NULL)) {
        return address_parse(begin, strlen(begin), ret_addr);
    }
    const char *rest = end + is_bracketed;
    *ret_has_port = *rest != '\0';
    return address_parse(begin, (size_t)(end - begin), ret_addr) &&
           (*rest == '\0' || (*rest == ':' && pol_nat_ports_parse(rest + 1, ret_first, ret_last)));
}

/* Whether an address is one of the pool, or one of those that are translated. */
static bool is_pooled(const struct pol_nat_job *job, uint32_t outside)
{
    struct pol_nat_range range;
    for (uint32_t i = 0; i < job->yaml->outside.addresses_count; i++) {
        if (pol_nat_range_parse(job->yaml->outside.addresses[i], &range) == NULL &&
            outside >= range.first && outside <= range.last) {
            return true;
        }
    }
    return false;
}

static bool is_inside(const struct pol_nat_job *job, const uint8_t *addr)
{
    struct pol_nat_prefix prefix;
    for (uint32_t i = 0; i < job->yaml->inside_count; i++) {
        if (pol_nat_inside_parse(job->yaml->inside[i], &prefix) == NULL &&
            pol_nat_prefix_has(&prefix, addr)) {
            return true;
        }
    }
    return false;
}

/* The ends of a forward must be ends of this NAT. */
static sl_rc forward_check(const struct pol_nat_job *job, const char *path,
                           const struct forward *forward)
{
    const struct sl_nat_yaml_forward *y = &job->yaml->forwards[forward->index];
    char key[POL_NAT_KEY_MAX + 16];
    bool has_ports = forward->proto != 0;
    if (is_pooled(job, forward->outside) != has_ports) {
        (void)snprintf(key, sizeof(key), "%s.outside", path);
        return pol_nat_fault(
            job, SL_MALFORMED, key, y->outside, "%s",
            has_ports ? "is none of outside.addresses, whose ports are forwarded"
                      : "is one of outside.addresses, which all share: say a protocol and "
                        "ports, or take another address");
    }
    if (!is_inside(job, forward->inside)) {
        (void)snprintf(key, sizeof(key), "%s.inside", path);
        return pol_nat_fault(job, SL_MALFORMED, key, y->inside,
                             "is in none of the prefixes of `inside`");
    }
    return SL_OK;
}

static sl_rc protocol_parse(const struct pol_nat_job *job, const char *path, const char *text,
                            struct forward *forward)
{
    char key[POL_NAT_KEY_MAX + 16];
    if (text == NULL || strcmp(text, "tcp") == 0 || strcmp(text, "udp") == 0) {
        forward->proto = text == NULL ? 0 : text[0] == 't' ? PROTO_TCP : PROTO_UDP;
        return SL_OK;
    }
    (void)snprintf(key, sizeof(key), "%s.protocol", path);
    return pol_nat_fault(job, SL_MALFORMED, key, text, "expected tcp or udp");
}

static sl_rc forward_parse(const struct pol_nat_job *job, uint32_t index,
                           struct forward *ret_forward)
{
    const struct sl_nat_yaml_forward *y = &job->yaml->forwards[index];
    char path[POL_NAT_KEY_MAX];
    char key[POL_NAT_KEY_MAX + 16];
    struct forward f = {.index = index};
    uint8_t outside[16];
    uint16_t out_last = 0;
    uint16_t in_last = 0;
    bool has_out;
    bool has_in;
    (void)snprintf(path, sizeof(path), "forwards[%u]", index);
    sl_rc rc = protocol_parse(job, path, y->protocol, &f);
    if (rc != SL_OK) {
        return rc;
    }
    (void)snprintf(key, sizeof(key), "%s.outside", path);
    if (!endpoint_parse(y->outside, outside, &f.outside_port, &out_last, &has_out) ||
        outside[10] != 0xff || has_out != (f.proto != 0)) {
        return pol_nat_fault(job, SL_MALFORMED, key, y->outside, "%s",
                             f.proto != 0
                                 ? "expected an IPv4 address with ports, as 192.0.2.1:80 or "
                                   "192.0.2.1:8000-8010"
                                 : "expected an IPv4 address; for ports say a protocol");
    }
    f.outside = sl_be32_get(outside + 12);
    (void)snprintf(key, sizeof(key), "%s.inside", path);
    if (!endpoint_parse(y->inside, f.inside, &f.inside_port, &in_last, &has_in) ||
        has_in != has_out) {
        return pol_nat_fault(job, SL_MALFORMED, key, y->inside, "expected an address%s",
                             has_out ? " with ports, as 10.0.0.5:8080 or \"[2001:db8::5]:8080\""
                                     : "");
    }
    if (has_out && out_last - f.outside_port != in_last - f.inside_port) {
        return pol_nat_fault(job, SL_MALFORMED, key, y->inside,
                             "expected as many ports as outside (%u)",
                             out_last - f.outside_port + 1);
    }
    f.count = has_out ? (uint16_t)(out_last - f.outside_port + 1) : 0;
    *ret_forward = f;
    return forward_check(job, path, &f);
}

static int forward_order(const void *a, const void *b)
{
    const struct forward *x = a;
    const struct forward *y = b;
    if (x->outside != y->outside) {
        return x->outside < y->outside ? -1 : 1;
    }
    int order = (int)x->proto - (int)y->proto;
    return order != 0 ? order : (int)x->outside_port - (int)y->outside_port;
}

static bool is_overlapping(uint16_t a, uint16_t b, const struct forward *x, const struct forward *y)
{
    return x->proto == y->proto && (x->proto == 0 || (a < b + y->count && b < a + x->count));
}

/* Each end of a forward is its own. @param list  forwards, of which those before @p index are good
 */
static sl_rc forward_apart(const struct pol_nat_job *job, const struct forward *list,
                           uint32_t index)
{
    const struct forward *f = &list[index];
    for (uint32_t k = 0; k < index; k++) {
        const struct forward *other = &list[k];
        bool is_outside = f->outside == other->outside &&
                          is_overlapping(f->outside_port, other->outside_port, f, other);
        bool is_same = is_outside || (memcmp(f->inside, other->inside, 16) == 0 &&
                                      is_overlapping(f->inside_port, other->inside_port, f, other));
        if (is_same) {
            const struct sl_nat_yaml_forward *y = &job->yaml->forwards[index];
            char key[POL_NAT_KEY_MAX];
            (void)snprintf(key, sizeof(key), "forwards[%u].%s", index,
                           is_outside ? "outside" : "inside");
            return pol_nat_fault(job, SL_MALFORMED, key, is_outside ? y->outside : y->inside,
                                 "is %s already, by number %u of the list",
                                 is_outside ? "forwarded" : "led to", k + 1);
        }
    }
    return SL_OK;
}

sl_rc pol_nat_put_forwards(const struct pol_nat_job *job)
{
    uint32_t count = job->yaml->forwards_count;
    struct forward *list = calloc(count + 1, sizeof(*list));
    sl_rc rc = list != NULL ? SL_OK : sl_err_set(job->err, SL_NO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < count && rc == SL_OK; i++) {
        rc = forward_parse(job, i, &list[i]);
        rc = rc == SL_OK ? forward_apart(job, list, i) : rc;
    }
    if (rc == SL_OK) {
        qsort(list, count, sizeof(*list), forward_order);
        sl_writer_be16(job->w, (uint16_t)count);
    }
    for (uint32_t i = 0; i < count && rc == SL_OK; i++) {
        const struct forward *f = &list[i];
        sl_writer_u8(job->w, f->proto);
        sl_writer_be32(job->w, f->outside);
        sl_writer_be16(job->w, f->outside_port);
        sl_writer_be16(job->w, f->count);
        sl_writer_bytes(job->w, f->inside, 16);
        sl_writer_be16(job->w, f->inside_port);
    }
    free(list);
    return rc;
}
