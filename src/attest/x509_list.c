/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and CRLs from PEM or DER. Only canonical DER is taken: what OpenSSL would read more
 * than one way is refused before anything else looks at it. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "attest/x509_internal.h"

/* One object in DER; takes what it can from the input. */
typedef sl_rc take_der(void *arg, const uint8_t *data, size_t size, size_t *ret_used);

/* PEM is text; a DER certificate or CRL is a SEQUENCE of more than 127 bytes. */
static bool is_der(struct sl_blob in)
{
    return in.size >= 2 && in.data[0] == 0x30 && (in.data[1] & 0x80) != 0;
}

static sl_rc read_der(struct sl_blob in, take_der *take, void *arg)
{
    for (size_t off = 0; off < in.size;) {
        size_t used = 0;
        sl_rc rc = take(arg, in.data + off, in.size - off, &used);
        if (rc != SL_OK) {
            return rc;
        }
        off += used;
    }
    return SL_OK;
}

/* The raw layer of OpenSSL's PEM reader: no password is ever asked for, nothing is decrypted. */
static sl_rc read_pem(struct sl_blob in, const char *const names[2], take_der *take, void *arg)
{
    BIO *bio = BIO_new_mem_buf(in.data, (int)in.size);
    if (bio == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = SL_OK;
    while (rc == SL_OK) {
        char *name = NULL, *header = NULL;
        unsigned char *data = NULL;
        long size = 0;
        if (PEM_read_bio(bio, &name, &header, &data, &size) != 1) {
            bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
            rc = is_end ? SL_OK : SL_MALFORMED;
            break;
        }
        if (strcmp(name, names[0]) == 0 || strcmp(name, names[1]) == 0) {
            size_t used = 0;
            rc = header[0] == '\0' ? take(arg, data, (size_t)size, &used) : SL_MALFORMED;
            if (rc == SL_OK && used != (size_t)size) {
                rc = SL_MALFORMED;
            }
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    BIO_free(bio);
    return rc;
}

static sl_rc read_any(struct sl_blob in, size_t size_max, const char *const names[2],
                      take_der *take, void *arg)
{
    if (in.data == NULL || in.size == 0) {
        return SL_TRUNCATED;
    }
    if (in.size > size_max) {
        return SL_RANGE;
    }
    ERR_set_mark();
    sl_rc rc = is_der(in) ? read_der(in, take, arg) : read_pem(in, names, take, arg);
    ERR_pop_to_mark();
    return rc;
}

/* X.690 10 and 11: one value has one encoding. OpenSSL keeps the signed part as it came, so what is
 * encoded again differs where the rest was not DER. */
static bool is_same_der(unsigned char *again, int again_size, const uint8_t *data, size_t size)
{
    bool is_same = again_size > 0 && (size_t)again_size == size && memcmp(again, data, size) == 0;
    OPENSSL_free(again);
    return is_same;
}

static sl_rc take_cert(void *arg, const uint8_t *data, size_t size, size_t *ret_used)
{
    struct sl_x509_list *list = arg;
    if (list->count == SL_X509_CHAIN_MAX) {
        return SL_RANGE;
    }
    const unsigned char *p = data;
    X509 *cert = sl_x509_empty();
    if (cert == NULL) {
        return SL_NO_MEMORY;
    }
    if (d2i_X509(&cert, &p, (long)size) == NULL) {
        return SL_MALFORMED; /* freed by d2i_X509 */
    }
    /* Its extensions are read now: the first time fails for want of a fingerprint (SHA-1, which
     * nothing here uses), and what is asked later finds them. */
    (void)X509_check_purpose(cert, -1, 0);
    unsigned char *again = NULL;
    int again_size = i2d_X509(cert, &again);
    if (!is_same_der(again, again_size, data, (size_t)(p - data))) {
        X509_free(cert);
        return SL_MALFORMED;
    }
    list->certs[list->count++] = cert;
    *ret_used = (size_t)(p - data);
    return SL_OK;
}

sl_rc sl_x509_list_read(struct sl_blob in, struct sl_x509_list *ret_list)
{
    static const char *const names[2] = {PEM_STRING_X509, PEM_STRING_X509_OLD};
    *ret_list = (struct sl_x509_list){.count = 0};
    struct sl_x509_list list = {.count = 0};
    sl_rc rc = read_any(in, SL_X509_SIZE_MAX, names, take_cert, &list);
    if (rc == SL_OK && list.count == 0) {
        rc = SL_TRUNCATED;
    }
    if (rc != SL_OK) {
        sl_x509_list_done(&list);
        return rc;
    }
    *ret_list = list;
    return SL_OK;
}

void sl_x509_list_done(struct sl_x509_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        X509_free(list->certs[i]);
    }
    *list = (struct sl_x509_list){.count = 0};
}

static sl_rc take_crl(void *arg, const uint8_t *data, size_t size, size_t *ret_used)
{
    X509_CRL **crl = arg;
    if (*crl != NULL) {
        return SL_MALFORMED; /* one is expected: a second must not go unchecked */
    }
    const unsigned char *p = data;
    *crl = d2i_X509_CRL(NULL, &p, (long)size);
    if (*crl == NULL) {
        return SL_MALFORMED;
    }
    unsigned char *again = NULL;
    int again_size = i2d_X509_CRL(*crl, &again);
    if (!is_same_der(again, again_size, data, (size_t)(p - data))) {
        return SL_MALFORMED;
    }
    *ret_used = (size_t)(p - data);
    return SL_OK;
}

sl_rc sl_x509_crl_read(struct sl_blob in, X509_CRL **ret_crl)
{
    static const char *const names[2] = {PEM_STRING_X509_CRL, PEM_STRING_X509_CRL};
    *ret_crl = NULL;
    X509_CRL *crl = NULL;
    sl_rc rc = read_any(in, SL_X509_CRL_SIZE_MAX, names, take_crl, &crl);
    if (rc == SL_OK && crl == NULL) {
        rc = SL_TRUNCATED;
    }
    if (rc != SL_OK) {
        X509_CRL_free(crl);
        return rc;
    }
    *ret_crl = crl;
    return SL_OK;
}

void sl_x509_validity(const struct sl_x509_list *list, int64_t *io_not_before,
                      int64_t *io_not_after)
{
    for (size_t i = 0; i < list->count; i++) {
        int64_t time_s;
        if (sl_x509_time_read(X509_get0_notBefore(list->certs[i]), &time_s) &&
            time_s > *io_not_before) {
            *io_not_before = time_s;
        }
        if (sl_x509_time_read(X509_get0_notAfter(list->certs[i]), &time_s) &&
            time_s < *io_not_after) {
            *io_not_after = time_s;
        }
    }
}
