/* SPDX-License-Identifier: Apache-2.0 */
/* AESM's protocol: u32 little-endian length, one protobuf message, each way, once. */
#include "evidence/aesm.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "evidence/protobuf.h"

enum {
    MESSAGE_MAX = SL_AESM_QUOTE_MAX + 1024,
    REQUEST_MAX = 2048,
    KEYS_MAX = 16,
    REPORT_SIZE = 432,
    KEY_ALGORITHM_OFF = 154, /* sgx_ql_att_key_id_t, packed */
    ALGORITHM_ECDSA_P256 = 2,
    ERROR_PARAMETER = 3,
};

/* Field numbers of Request and Response: a reply has the number of its request. */
enum call {
    CALL_INIT_QUOTE = 15,
    CALL_QUOTE_SIZE = 16,
    CALL_QUOTE = 17,
    CALL_UNSUPPORTED = 20,
    CALL_KEY_COUNT = 21,
    CALL_KEYS = 22,
};

/* One exchange. The reply's fields point into `bytes`. */
struct exchange {
    const char *what;
    uint8_t bytes[MESSAGE_MAX];
    struct sl_blob data; /* field 2 where it is bytes */
    uint64_t number;     /* field 2 or 3 where it is a number */
};

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static sl_rc late(const struct sl_aesm *aesm, struct sl_err *err)
{
    return sl_err_set(err, SL_TIMEOUT, "AESM %s: no answer within %d ms", aesm->path,
                      aesm->timeout_ms);
}

static sl_rc broken(const struct sl_aesm *aesm, const struct exchange *x, const char *why,
                    struct sl_err *err)
{
    return sl_err_set(err, SL_IO, "AESM %s: %s: %s", aesm->path, x->what, why);
}

/* Moves all of it, one way or the other, before the deadline. */
static sl_rc transfer(const struct sl_aesm *aesm, int fd, const struct exchange *x, uint8_t *data,
                      size_t size, bool is_send, int64_t deadline_ms, struct sl_err *err)
{
    for (size_t done = 0; done < size;) {
        int64_t left_ms = deadline_ms - now_ms();
        struct pollfd p = {.fd = fd, .events = is_send ? POLLOUT : POLLIN};
        if (left_ms <= 0 || poll(&p, 1, (int)left_ms) == 0) {
            return late(aesm, err);
        }
        ssize_t count = is_send ? send(fd, data + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT)
                                : recv(fd, data + done, size - done, MSG_DONTWAIT);
        if (count == 0 && !is_send) {
            return broken(aesm, x, "the service closed the connection", err);
        }
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            return broken(aesm, x, strerror(errno), err);
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return SL_OK;
}

static sl_rc dial(const struct sl_aesm *aesm, int *ret_fd, struct sl_err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, aesm->path, sizeof(sa.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
        int error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return sl_err_set(err, SL_IO, "AESM %s: cannot connect: %s (is aesmd running?)", aesm->path,
                          strerror(error));
    }
    *ret_fd = fd;
    return SL_OK;
}

static const char *error_hint(uint64_t code)
{
    switch (code) {
    case 2:
        return "no SGX device";
    case ERROR_PARAMETER:
        return "wrong parameter";
    case 12:
        return "network: no way to Intel's or your caching service (PCCS)";
    case 13:
        return "network busy";
    case 17:
        return "service stopped";
    case 18:
        return "busy";
    default:
        return "see aesm_error.h of Intel's SGX platform software";
    }
}

/* The message inside the answer, which has the number of its call. */
static sl_rc reply_find(const struct sl_aesm *aesm, enum call call, size_t size,
                        const struct exchange *x, struct sl_blob *ret_body, struct sl_err *err)
{
    struct sl_reader r;
    struct sl_pb_field field;
    struct sl_blob body = {NULL, 0};
    sl_reader_init(&r, x->bytes, size);
    do {
        if (sl_pb_next(&r, &field) != SL_OK) {
            return broken(aesm, x, "an answer that is no protobuf message", err);
        }
        if (field.number == CALL_UNSUPPORTED) {
            return broken(aesm, x, "the service does not know this request", err);
        }
        if (field.number == call) {
            body = field.bytes;
        }
    } while (field.number != 0);
    if (body.data == NULL) {
        return broken(aesm, x, "an answer to something else", err);
    }
    *ret_body = body;
    return SL_OK;
}

/* { errorCode = 1, bytes or number = 2, number = 3 }, in every answer that is used here */
static sl_rc reply_read(const struct sl_aesm *aesm, enum call call, size_t size, struct exchange *x,
                        struct sl_err *err)
{
    struct sl_reader r;
    struct sl_pb_field field;
    struct sl_blob body;
    uint64_t code = 1; /* the .proto's default: "unexpected error" */
    sl_rc rc = reply_find(aesm, call, size, x, &body, err);
    if (rc != SL_OK) {
        return rc;
    }
    x->data = (struct sl_blob){NULL, 0};
    x->number = 0;
    sl_reader_init(&r, body.data, body.size);
    do {
        if (sl_pb_next(&r, &field) != SL_OK) {
            return broken(aesm, x, "an answer that is no protobuf message", err);
        }
        if (field.number == 1) {
            code = field.value;
        } else if (field.number == 2 && field.bytes.data != NULL) {
            x->data = field.bytes;
        } else if (field.number == 2 || field.number == 3) {
            x->number = field.value;
        }
    } while (field.number != 0);
    if (code != 0) {
        return sl_err_set(err, call == CALL_QUOTE && code == ERROR_PARAMETER ? SL_AUTH : SL_IO,
                          "AESM %s: %s: error %llu: %s", aesm->path, x->what,
                          (unsigned long long)code, error_hint(code));
    }
    return SL_OK;
}

static sl_rc exchange(const struct sl_aesm *aesm, enum call call, const struct sl_writer *body,
                      struct exchange *x, struct sl_err *err)
{
    uint8_t request[REQUEST_MAX];
    uint8_t length[4];
    struct sl_writer w;
    int fd = -1;
    int64_t deadline_ms = now_ms() + aesm->timeout_ms;
    sl_writer_init(&w, request + 4, sizeof(request) - 4);
    sl_pb_put_bytes(&w, call, body->data, body->off);
    if (body->rc != SL_OK || w.rc != SL_OK) {
        return sl_err_set(err, SL_IO, "AESM: %s: the request does not fit", x->what);
    }
    uint32_t size = (uint32_t)w.off;
    memcpy(request, &size, sizeof(size)); /* little-endian, as this processor */
    sl_rc rc = dial(aesm, &fd, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = transfer(aesm, fd, x, request, size + 4u, true, deadline_ms, err);
    rc = rc != SL_OK ? rc : transfer(aesm, fd, x, length, sizeof(length), false, deadline_ms, err);
    size = rc == SL_OK ? sl_le32_get(length) : 0;
    if (rc == SL_OK && (size == 0 || size > sizeof(x->bytes))) {
        rc = broken(aesm, x, "an answer of impossible length", err);
    }
    rc = rc != SL_OK ? rc : transfer(aesm, fd, x, x->bytes, size, false, deadline_ms, err);
    (void)close(fd);
    return rc != SL_OK ? rc : reply_read(aesm, call, size, x, err);
}

static struct sl_writer body_begin(uint8_t *bytes, size_t size, const struct sl_aesm *aesm)
{
    struct sl_writer w;
    sl_writer_init(&w, bytes, size);
    sl_pb_put_number(&w, 9, (uint64_t)aesm->timeout_ms * 1000); /* "timeout", microseconds */
    return w;
}

/* The service knows several attestation keys (EPID, other quoting enclaves): takes ECDSA P-256. */
static sl_rc key_choose(struct sl_aesm *aesm, struct exchange *x, struct sl_err *err)
{
    uint8_t body[32];
    if (aesm->has_key_id) {
        return SL_OK;
    }
    x->what = "number of attestation keys";
    struct sl_writer w = body_begin(body, sizeof(body), aesm);
    sl_rc rc = exchange(aesm, CALL_KEY_COUNT, &w, x, err);
    if (rc == SL_OK && x->number > KEYS_MAX) {
        rc = broken(aesm, x, "more than can be", err);
    }
    if (rc == SL_OK && x->number > 0) {
        uint64_t size = x->number * SL_AESM_KEY_ID_SIZE;
        x->what = "attestation keys";
        w = body_begin(body, sizeof(body), aesm);
        sl_pb_put_number(&w, 1, size);
        rc = exchange(aesm, CALL_KEYS, &w, x, err);
        if (rc == SL_OK && x->data.size != size) {
            rc = broken(aesm, x, "not as many as were promised", err);
        }
    }
    for (size_t i = 0; rc == SL_OK && i + SL_AESM_KEY_ID_SIZE <= x->data.size;
         i += SL_AESM_KEY_ID_SIZE) {
        if (sl_le32_get(x->data.data + i + KEY_ALGORITHM_OFF) == ALGORITHM_ECDSA_P256) {
            memcpy(aesm->key_id, x->data.data + i, sizeof(aesm->key_id));
            aesm->has_key_id = true;
            return SL_OK;
        }
    }
    return rc != SL_OK
               ? rc
               : sl_err_set(err, SL_UNSUPPORTED,
                            "AESM %s: no ECDSA P-256 attestation key: install its DCAP plug-in "
                            "(sgx-aesm-ecdsa-plugin, sgx-aesm-quote-ex-plugin)",
                            aesm->path);
}

sl_rc sl_aesm_target_info(struct sl_aesm *aesm, uint8_t ret_target[512], struct sl_err *err)
{
    static __thread struct exchange x;
    uint8_t body[SL_AESM_KEY_ID_SIZE + 64];
    sl_rc rc = key_choose(aesm, &x, err);
    if (rc != SL_OK) {
        return rc;
    }
    uint64_t key_size = 0;
    for (int i = 0; i < 2; i++) { /* first how long the key's name is, then everything */
        struct sl_writer w = body_begin(body, sizeof(body), aesm);
        sl_pb_put_bytes(&w, 1, aesm->key_id, sizeof(aesm->key_id));
        sl_pb_put_number(&w, 3, (uint64_t)i);
        if (i == 1) {
            sl_pb_put_number(&w, 4, key_size);
        }
        x.what = "target info of the quoting enclave";
        rc = exchange(aesm, CALL_INIT_QUOTE, &w, &x, err);
        if (rc != SL_OK) {
            aesm->has_key_id = false; /* the service may have changed */
            return rc;
        }
        key_size = x.number;
    }
    if (x.data.size != 512) {
        return broken(aesm, &x, "expected 512 bytes", err);
    }
    memcpy(ret_target, x.data.data, 512);
    return SL_OK;
}

sl_rc sl_aesm_quote(struct sl_aesm *aesm, const uint8_t report[432], uint8_t *ret_quote,
                    size_t *ret_size, struct sl_err *err)
{
    static __thread struct exchange x;
    uint8_t body[REPORT_SIZE + SL_AESM_KEY_ID_SIZE + 64];
    sl_rc rc = key_choose(aesm, &x, err);
    if (rc != SL_OK) {
        return rc;
    }
    x.what = "size of the quote";
    struct sl_writer w = body_begin(body, sizeof(body), aesm);
    sl_pb_put_bytes(&w, 1, aesm->key_id, sizeof(aesm->key_id));
    rc = exchange(aesm, CALL_QUOTE_SIZE, &w, &x, err);
    if (rc == SL_OK && (x.number == 0 || x.number > SL_AESM_QUOTE_MAX)) {
        rc = broken(aesm, &x, "out of bounds", err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    w = body_begin(body, sizeof(body), aesm);
    sl_pb_put_bytes(&w, 1, report, REPORT_SIZE);
    sl_pb_put_bytes(&w, 2, aesm->key_id, sizeof(aesm->key_id));
    sl_pb_put_number(&w, 4, x.number);
    x.what = "quote";
    rc = exchange(aesm, CALL_QUOTE, &w, &x, err);
    if (rc == SL_OK && (x.data.size == 0 || x.data.size > SL_AESM_QUOTE_MAX)) {
        rc = broken(aesm, &x, "no quote in it, or one too large", err);
    }
    if (rc == SL_OK) {
        memcpy(ret_quote, x.data.data, x.data.size);
        *ret_size = x.data.size;
    }
    return rc;
}
