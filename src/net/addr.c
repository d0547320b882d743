/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions of addresses: text, names, socket addresses. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool sl_net_addr_equal(const struct sl_net_addr *a, const struct sl_net_addr *b)
{
    return a->ip_version == b->ip_version && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

const char *sl_net_addr_text(const struct sl_net_addr *addr, char out[SL_NET_ADDR_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (addr->ip_version == 4) {
        (void)inet_ntop(AF_INET, addr->ip, ip, sizeof(ip));
        (void)snprintf(out, SL_NET_ADDR_TEXT_MAX, "%s:%u", ip, addr->port);
    } else if (addr->ip_version == 6) {
        (void)inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
        (void)snprintf(out, SL_NET_ADDR_TEXT_MAX, "[%s]:%u", ip, addr->port);
    } else {
        (void)snprintf(out, SL_NET_ADDR_TEXT_MAX, "none");
    }
    return out;
}

socklen_t sl_net_addr_to_sockaddr(const struct sl_net_addr *addr, struct sockaddr_storage *ret_sa)
{
    memset(ret_sa, 0, sizeof(*ret_sa));
    if (addr->ip_version == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret_sa;
        in->sin_family = AF_INET;
        in->sin_port = htons(addr->port);
        memcpy(&in->sin_addr, addr->ip, 4);
        return sizeof(*in);
    }
    if (addr->ip_version == 6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_sa;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(addr->port);
        in6->sin6_scope_id = addr->scope;
        memcpy(&in6->sin6_addr, addr->ip, 16);
        return sizeof(*in6);
    }
    return 0;
}

sl_rc sl_net_addr_from_sockaddr(const struct sockaddr_storage *sa, struct sl_net_addr *ret_addr)
{
    struct sl_net_addr addr = {0};
    if (sa->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        addr.ip_version = 4;
        addr.port = ntohs(in->sin_port);
        memcpy(addr.ip, &in->sin_addr, 4);
    } else if (sa->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        addr.ip_version = 6;
        addr.port = ntohs(in6->sin6_port);
        addr.scope = in6->sin6_scope_id;
        memcpy(addr.ip, &in6->sin6_addr, 16);
    } else {
        return SL_UNSUPPORTED;
    }
    *ret_addr = addr;
    return SL_OK;
}

sl_rc sl_net_addr_resolve(const char *host, uint16_t port, struct sl_net_addr *ret_addr,
                          struct sl_err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &list);
    if (failed != 0) {
        return sl_err_set(err, SL_NOT_FOUND, "\"%s\" is not an address and does not resolve: %s",
                          host, gai_strerror(failed));
    }
    struct sockaddr_storage sa = {0};
    memcpy(&sa, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    struct sl_net_addr addr;
    sl_rc rc = sl_net_addr_from_sockaddr(&sa, &addr);
    if (rc != SL_OK) {
        return sl_err_set(err, SL_NOT_FOUND, "\"%s\" has neither an IPv4 nor an IPv6 address",
                          host);
    }
    addr.port = port;
    *ret_addr = addr;
    return SL_OK;
}
