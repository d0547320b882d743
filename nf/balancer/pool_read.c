/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a balancer's policy: hostile input, bounded. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "balancer/pool_index.h"
#include "safelib/bytes.h"

struct reading {
    struct sl_reader r;
    struct lb_pool *pool;
    char *reason;
    size_t reason_size;
};

__attribute__((format(printf, 3, 4))) static sl_rc refuse(struct reading *in, sl_rc rc,
                                                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(in->reason, in->reason_size, format, args);
    va_end(args);
    return in->r.rc != SL_OK ? in->r.rc : rc;
}

/* False where it is none. */
static bool read_addr(struct sl_reader *r, struct lb_addr *ret_addr)
{
    ret_addr->version = sl_reader_u8(r);
    sl_reader_copy(r, ret_addr->bytes, sizeof(ret_addr->bytes));
    static const uint8_t zero[12];
    bool is_v4 = ret_addr->version == 4 && memcmp(ret_addr->bytes + 4, zero, sizeof(zero)) == 0;
    return is_v4 || ret_addr->version == 6;
}

/* Names go into counters and commands: letters that need no care. */
static bool read_name(struct sl_reader *r, char *ret_name)
{
    sl_reader_string(r, ret_name, SL_LB_NAME_MAX);
    for (const char *at = ret_name; *at != '\0'; at++) {
        bool is_good = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                       (*at >= '0' && *at <= '9') || *at == '-' || *at == '_' || *at == '.';
        if (!is_good) {
            return false;
        }
    }
    return ret_name[0] != '\0';
}

static uint32_t id_of(const struct lb_service *service, const struct lb_backend *backend)
{
    uint8_t rest[4] = {(uint8_t)(backend->port >> 8), (uint8_t)backend->port, service->forward,
                       service->addr.version};
    uint64_t key = lb_name_key(backend->key, backend->addr.bytes, sizeof(backend->addr.bytes));
    key = lb_name_key(key, service->addr.bytes, sizeof(service->addr.bytes));
    key = lb_mix(lb_name_key(key, rest, sizeof(rest)));
    return (uint32_t)key | 1; /* 0 is no backend */
}

static sl_rc read_backend(struct reading *in, const struct lb_service *service, uint32_t index)
{
    struct lb_backend *backend = &in->pool->backends[index];
    uint32_t number = index - service->backend_first + 1;
    bool is_good = read_name(&in->r, backend->name);
    is_good &= read_addr(&in->r, &backend->addr);
    backend->port = sl_reader_be16(&in->r);
    backend->weight = sl_reader_be16(&in->r);
    backend->state = sl_reader_u8(&in->r);
    backend->side = sl_reader_u8(&in->r);
    if (in->r.rc != SL_OK || !is_good || backend->state >= SL_LB_STATE_COUNT ||
        backend->side >= SL_PORT_COUNT) {
        return refuse(in, SL_MALFORMED, "service %s: backend %u: bad name, address or state",
                      service->name, number);
    }
    if (service->forward != SL_LB_TUNNEL && backend->addr.version != service->addr.version) {
        return refuse(in, SL_MALFORMED, "service %s: backend %s is of the other family",
                      service->name, backend->name);
    }
    if (backend->port != 0 && (service->port == 0 || service->forward == SL_LB_TUNNEL)) {
        return refuse(in, SL_MALFORMED, "service %s: backend %s has a port where none can be set",
                      service->name, backend->name);
    }
    if (service->forward == SL_LB_TUNNEL &&
        (backend->addr.version == 4 ? in->pool->tunnel4.version : in->pool->tunnel6.version) == 0) {
        return refuse(in, SL_MALFORMED, "service %s: no tunnel address of the family of backend %s",
                      service->name, backend->name);
    }
    backend->service = (uint16_t)(service - in->pool->services);
    backend->key = lb_name_key(LB_NAME_KEY_START, service->name, strlen(service->name));
    backend->key = lb_name_key(backend->key, "/", 1);
    backend->key = lb_name_key(backend->key, backend->name, strlen(backend->name));
    backend->id = id_of(service, backend);
    return SL_OK;
}

/* Backends of one service; the list grows with each. */
static sl_rc read_backends(struct reading *in, struct lb_service *service)
{
    struct lb_pool *pool = in->pool;
    uint32_t count = sl_reader_be16(&in->r);
    service->backend_first = (uint16_t)pool->backend_count;
    service->backend_count = (uint16_t)count;
    if (count + pool->backend_count > SL_LB_BACKENDS_MAX) {
        return refuse(in, SL_RANGE, "service %s: more than %u backends in all", service->name,
                      SL_LB_BACKENDS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        sl_rc rc = read_backend(in, service, pool->backend_count);
        if (rc != SL_OK) {
            return rc;
        }
        const struct lb_backend *backend = &pool->backends[pool->backend_count];
        for (uint32_t k = 0; k < pool->backend_count; k++) {
            if (pool->backends[k].id == backend->id || pool->backends[k].key == backend->key) {
                return refuse(in, SL_MALFORMED, "service %s: backend %s is there twice",
                              service->name, backend->name);
            }
        }
        pool->backend_count++;
    }
    return SL_OK;
}

static sl_rc read_sources(struct reading *in, struct lb_service *service)
{
    service->source_count = sl_reader_u8(&in->r);
    if (service->source_count > SL_LB_SOURCES_MAX ||
        (service->source_count != 0) != (service->forward == SL_LB_FULLNAT)) {
        return refuse(in, SL_MALFORMED, "service %s: %u source addresses", service->name,
                      service->source_count);
    }
    for (uint32_t i = 0; i < service->source_count; i++) {
        if (!read_addr(&in->r, &service->sources[i]) ||
            service->sources[i].version != service->addr.version) {
            return refuse(in, SL_MALFORMED, "service %s: source address %u", service->name, i + 1);
        }
    }
    service->sport_first = sl_reader_be16(&in->r);
    service->sport_last = sl_reader_be16(&in->r);
    if (service->sport_first > service->sport_last ||
        (service->source_count != 0 && service->sport_last - service->sport_first < 255)) {
        return refuse(in, SL_MALFORMED, "service %s: fewer than 256 source ports", service->name);
    }
    return SL_OK;
}

/* The fixed part of a service; false where it means nothing. */
static bool read_service_head(struct sl_reader *r, struct lb_service *service)
{
    bool is_good = read_name(r, service->name);
    is_good &= read_addr(r, &service->addr);
    service->proto = sl_reader_u8(r);
    service->port = sl_reader_be16(r);
    service->forward = sl_reader_u8(r);
    service->hash = sl_reader_u8(r);
    service->when_down = sl_reader_u8(r);
    service->is_reset_when_marked_down = sl_reader_u8(r);
    is_good &= service->forward < SL_LB_FORWARD_COUNT && service->hash < SL_LB_HASH_COUNT &&
               service->when_down < SL_LB_DOWN_COUNT && service->is_reset_when_marked_down < 2;
    /* ports are known of TCP and UDP only; full NAT deals in ports */
    bool has_ports = service->proto == 6 || service->proto == 17;
    bool needs_ports = service->port != 0 || service->forward == SL_LB_FULLNAT;
    return r->rc == SL_OK && is_good && (has_ports || !needs_ports);
}

static bool is_same_service(const struct lb_service *a, const struct lb_service *b)
{
    bool is_same = a->addr.version == b->addr.version && a->proto == b->proto &&
                   a->port == b->port && memcmp(a->addr.bytes, b->addr.bytes, 16) == 0;
    return is_same || strcmp(a->name, b->name) == 0;
}

static sl_rc read_service(struct reading *in, struct lb_service *service)
{
    if (!read_service_head(&in->r, service)) {
        return refuse(in, SL_MALFORMED,
                      "service %u: bad name, address, protocol or way of forwarding",
                      (uint32_t)(service - in->pool->services) + 1);
    }
    for (const struct lb_service *other = in->pool->services; other < service; other++) {
        if (is_same_service(other, service)) {
            return refuse(in, SL_MALFORMED, "services %s and %s are the same", other->name,
                          service->name);
        }
    }
    sl_rc rc = read_sources(in, service);
    return rc == SL_OK ? read_backends(in, service) : rc;
}

static sl_rc read_header(struct reading *in)
{
    struct sl_reader *r = &in->r;
    struct lb_pool *pool = in->pool;
    uint32_t magic = sl_reader_be32(r);
    uint16_t format = sl_reader_be16(r);
    pool->other = sl_reader_u8(r);
    uint8_t zero = sl_reader_u8(r);
    sl_reader_copy(r, pool->key, sizeof(pool->key));
    pool->tunnel_mtu = sl_reader_be16(r);
    uint8_t has = sl_reader_u8(r);
    sl_reader_copy(r, pool->tunnel4.bytes, 4);
    sl_reader_copy(r, pool->tunnel6.bytes, 16);
    pool->service_count = sl_reader_be16(r);
    pool->tunnel4.version = (has & 1) != 0 ? 4 : 0;
    pool->tunnel6.version = (has & 2) != 0 ? 6 : 0;
    if (r->rc != SL_OK) {
        return refuse(in, r->rc, "the policy ends within its header");
    }
    if (magic != SL_LB_MAGIC || zero != 0 || pool->other > SL_LB_OTHER_DROP || has > 3) {
        return refuse(in, SL_MALFORMED, "no policy of a balancer");
    }
    if (format != SL_LB_FORMAT) {
        return refuse(in, SL_UNSUPPORTED, "a policy of another format");
    }
    if (pool->service_count > SL_LB_SERVICES_MAX) {
        return refuse(in, SL_RANGE, "more than %u services", SL_LB_SERVICES_MAX);
    }
    return SL_OK;
}

sl_rc lb_pool_read(const void *policy, size_t size, struct lb_pool **ret_pool, char *reason,
                   size_t reason_size)
{
    struct lb_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return SL_NO_MEMORY;
    }
    struct reading in = {.pool = pool, .reason = reason, .reason_size = reason_size};
    pool->references = 1;
    sl_reader_init(&in.r, policy, size);
    sl_rc rc = read_header(&in);
    uint32_t service_count = pool->service_count;
    if (rc == SL_OK) {
        pool->services = calloc((size_t)service_count + 1, sizeof(*pool->services));
        pool->backends = calloc(SL_LB_BACKENDS_MAX + 1, sizeof(*pool->backends));
        if (pool->services == NULL || pool->backends == NULL) {
            (void)refuse(&in, SL_NO_MEMORY, "out of memory");
            rc = SL_NO_MEMORY;
        }
    }
    for (uint32_t i = 0; i < service_count && rc == SL_OK; i++) {
        rc = read_service(&in, &pool->services[i]);
    }
    if (rc == SL_OK && sl_reader_end(&in.r) != SL_OK) {
        rc = refuse(&in, SL_MALFORMED, "%zu bytes after the last service", sl_reader_left(&in.r));
    }
    if (rc == SL_OK) {
        rc = lb_pool_index(pool) == SL_OK ? SL_OK : refuse(&in, SL_NO_MEMORY, "out of memory");
    }
    if (rc != SL_OK) {
        lb_pool_drop(pool);
        return rc;
    }
    *ret_pool = pool;
    return SL_OK;
}

void lb_pool_drop(struct lb_pool *pool)
{
    if (pool == NULL || --pool->references > 0) {
        return;
    }
    for (uint32_t i = 0; pool->services != NULL && i < pool->service_count; i++) {
        free(pool->services[i].table);
    }
    free(pool->services);
    free(pool->backends);
    free(pool->by_id);
    free(pool->known);
    free(pool);
}
