/* SPDX-License-Identifier: Apache-2.0 */
/* AESM played by a thread. One request per connection, as the real one. */
#include "fake_aesm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "evidence/protobuf.h"

enum { CALLS = 32, REQUEST_MAX = 2048, QUOTE_SIZE = 4600, SIGNATURE_SIZE = 4000 };

static struct fake_aesm_knobs fake_aesm; /* the service's own copy for one request */

static struct {
    pthread_mutex_t lock;
    struct fake_aesm_knobs knobs; /* under it, and so the requests */
    int fd;
    pthread_t thread;
    char folder[64];
    char path[96];
    struct {
        uint8_t bytes[REQUEST_MAX];
        size_t size;
    } requests[CALLS];
} service = {.lock = PTHREAD_MUTEX_INITIALIZER};

void fake_aesm_set(struct fake_aesm_knobs knobs)
{
    (void)pthread_mutex_lock(&service.lock);
    service.knobs = knobs;
    (void)pthread_mutex_unlock(&service.lock);
}

static bool all_read(int fd, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = recv(fd, (uint8_t *)data + done, size - done, 0);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

/* Two keys: EPID's and the one of the ECDSA quoting enclave. */
static void keys_put(struct sl_writer *w, bool is_short)
{
    uint8_t keys[512] = {0};
    keys[256] = 0xec;
    keys[256 + 154] = fake_aesm.has_no_ecdsa ? 0 : 2;
    sl_pb_put_bytes(w, 2, keys, is_short ? 511 : 512);
}

static void quote_put(struct sl_writer *w, const uint8_t *body, size_t body_size,
                      enum fake_aesm_fault fault)
{
    static uint8_t quote[QUOTE_SIZE];
    struct sl_reader r;
    struct sl_pb_field field;
    sl_reader_init(&r, body, body_size);
    memset(quote, 0, sizeof(quote));
    quote[0] = 3;
    while (sl_pb_next(&r, &field) == SL_OK && field.number != 0) {
        if (field.number == 1 && field.bytes.size == 432) {
            memcpy(quote + 48, field.bytes.data, 384);
        }
    }
    quote[48] ^= fault == FAULT_OTHER_REPORT;
    uint32_t signature = fault == FAULT_LIE ? QUOTE_SIZE : SIGNATURE_SIZE;
    memcpy(quote + 432, &signature, sizeof(signature));
    sl_pb_put_bytes(w, 2, quote, fault == FAULT_SHORT ? 300 : sizeof(quote));
}

static void body_make(struct sl_writer *w, int call, const uint8_t *body, size_t size,
                      enum fake_aesm_fault fault)
{
    uint8_t target[512];
    memset(target, 0xae, sizeof(target));
    sl_pb_put_number(w, 1, fault == FAULT_ERROR ? fake_aesm.code : 0);
    if (fault == FAULT_ERROR) {
        return;
    }
    switch (call) {
    case 15:
        sl_pb_put_bytes(w, 2, target, fault == FAULT_SHORT ? 511 : 512);
        sl_pb_put_number(w, 3, 32);
        break;
    case 16:
        sl_pb_put_number(w, 2, fault == FAULT_LIE ? 1 << 20 : QUOTE_SIZE);
        break;
    case 17:
        quote_put(w, body, size, fault);
        break;
    case 21:
        sl_pb_put_number(w, 2, fault == FAULT_LIE ? 1000 : 2);
        break;
    default:
        keys_put(w, fault == FAULT_SHORT);
        break;
    }
}

static void answer(int fd, int call, const uint8_t *body, size_t size)
{
    static uint8_t inner[8192];
    static uint8_t outer[8192 + 16];
    struct sl_writer in;
    struct sl_writer out;
    enum fake_aesm_fault fault = fake_aesm.call == call ? fake_aesm.fault : FAULT_NONE;
    uint32_t length;
    if (fault == FAULT_HANG) {
        char byte;
        (void)recv(fd, &byte, 1, 0); /* until the client has enough */
        return;
    }
    if (fault == FAULT_CLOSE) {
        return;
    }
    sl_writer_init(&in, inner, sizeof(inner));
    body_make(&in, call, body, size, fault);
    sl_writer_init(&out, outer, sizeof(outer));
    sl_pb_put_bytes(&out,
                    (uint32_t)(fault == FAULT_OTHER         ? call + 7
                               : fault == FAULT_UNSUPPORTED ? 20
                                                            : call),
                    inner, in.off);
    if (fault == FAULT_GARBAGE) {
        memset(outer, 0xff, out.off);
    }
    length = fault == FAULT_HUGE ? UINT32_MAX : fault == FAULT_EMPTY ? 0 : (uint32_t)out.off;
    (void)send(fd, &length, sizeof(length), MSG_NOSIGNAL);
    (void)send(fd, outer, fault == FAULT_CUT ? out.off / 2 : out.off, MSG_NOSIGNAL);
}

static void *serve(void *ctx)
{
    int fd;
    (void)ctx;
    while ((fd = accept(service.fd, NULL, NULL)) >= 0) {
        uint8_t request[REQUEST_MAX];
        uint32_t length = 0;
        struct sl_reader r;
        struct sl_pb_field field;
        if (all_read(fd, &length, 4) && length <= sizeof(request) &&
            all_read(fd, request, length)) {
            sl_reader_init(&r, request, length);
            if (sl_pb_next(&r, &field) == SL_OK && field.number < CALLS) {
                (void)pthread_mutex_lock(&service.lock);
                memcpy(service.requests[field.number].bytes, request, length);
                service.requests[field.number].size = length;
                fake_aesm = service.knobs;
                (void)pthread_mutex_unlock(&service.lock);
                answer(fd, (int)field.number, field.bytes.data, field.bytes.size);
            }
        }
        (void)close(fd);
    }
    return NULL;
}

const char *fake_aesm_start(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    (void)snprintf(service.folder, sizeof(service.folder), "/tmp/fake-aesm-XXXXXX");
    if (mkdtemp(service.folder) == NULL) {
        abort();
    }
    (void)snprintf(service.path, sizeof(service.path), "%s/aesm.socket", service.folder);
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", service.path);
    service.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (service.fd < 0 || bind(service.fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
        listen(service.fd, 8) != 0 || pthread_create(&service.thread, NULL, serve, NULL) != 0) {
        abort();
    }
    return service.path;
}

void fake_aesm_stop(void)
{
    (void)shutdown(service.fd, SHUT_RDWR);
    (void)pthread_join(service.thread, NULL);
    (void)close(service.fd);
    (void)unlink(service.path);
    (void)rmdir(service.folder);
}

size_t fake_aesm_request(int call, uint8_t *out, size_t size)
{
    (void)pthread_mutex_lock(&service.lock);
    size_t count = service.requests[call].size < size ? service.requests[call].size : size;
    memcpy(out, service.requests[call].bytes, count);
    (void)pthread_mutex_unlock(&service.lock);
    return count;
}
