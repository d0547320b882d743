/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of certificate revocation lists of Intel's profile (RFC 5280 5). */
#include <stdio.h>
#include <stdlib.h>

#include "attest/cert.h"
#include "attest/der.h"

enum { TAG_CRL_EXTENSIONS = 0xa0 };
enum { CE_CRL_NUMBER = 20, CE_AUTHORITY_KEY_ID = 35 };

/* One entry: serial, date, extensions, none of which may be critical: what is not understood could
 * say that the entry is about something else (RFC 5280 5.3). */
static struct sl_blob read_entry(struct sl_reader *list, int64_t *ret_when_s)
{
    struct sl_reader entry;
    struct sl_reader extensions;
    sl_der_read(list, SL_DER_SEQUENCE, &entry);
    struct sl_blob serial = sl_der_read_serial(&entry);
    *ret_when_s = sl_der_read_time(&entry);
    if (sl_reader_left(&entry) > 0) {
        sl_der_read(&entry, SL_DER_SEQUENCE, &extensions);
        while (extensions.rc == SL_OK && sl_reader_left(&extensions) > 0) {
            struct sl_blob oid;
            struct sl_blob value;
            if (sl_cert_read_extension(&extensions, &oid, &value)) {
                sl_reader_fail(list, SL_UNSUPPORTED);
            }
        }
        sl_reader_fail(&entry, extensions.rc);
    }
    if (sl_reader_end(&entry) != SL_OK) {
        sl_reader_fail(list, SL_MALFORMED);
    }
    return serial;
}

static void read_revoked(struct sl_reader *tbs, struct sl_crl *crl)
{
    struct sl_reader list;
    int64_t when_s;
    if (sl_der_peek(tbs) != SL_DER_SEQUENCE) {
        return; /* RFC 5280 5.1.2.6: absent where nothing is revoked */
    }
    sl_der_read(tbs, SL_DER_SEQUENCE, &list);
    crl->revoked = (struct sl_blob){list.data, list.size};
    while (list.rc == SL_OK && sl_reader_left(&list) > 0) {
        (void)read_entry(&list, &when_s);
    }
    sl_reader_fail(tbs, list.rc);
}

static void read_extensions(struct sl_reader *tbs, struct sl_crl *crl)
{
    struct sl_reader outer;
    struct sl_reader list;
    unsigned int number_count = 0;
    unsigned int key_id_count = 0;
    sl_der_read(tbs, TAG_CRL_EXTENSIONS, &outer);
    sl_der_read(&outer, SL_DER_SEQUENCE, &list);
    while (list.rc == SL_OK && sl_reader_left(&list) > 0) {
        struct sl_blob oid;
        struct sl_blob value;
        struct sl_reader number;
        bool is_critical = sl_cert_read_extension(&list, &oid, &value);
        bool is_ce = oid.size == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d;
        uint8_t ce = is_ce ? oid.data[2] : 0;
        if (ce == CE_CRL_NUMBER) {
            sl_reader_init(&number, value.data, value.size);
            (void)sl_der_read_serial(&number);
            sl_reader_fail(&list, sl_reader_end(&number));
            number_count++;
        } else if (ce == CE_AUTHORITY_KEY_ID) {
            crl->authority_key_id = sl_cert_key_id(value, &list);
            key_id_count++;
        } else if (is_critical) {
            sl_reader_fail(&list, SL_UNSUPPORTED); /* such as a partial list's scope */
        }
    }
    /* RFC 5280 5.2.3: every CRL has a number. */
    if (number_count != 1 || key_id_count > 1) {
        sl_reader_fail(&list, SL_MALFORMED);
    }
    sl_reader_fail(tbs, list.rc);
    sl_reader_fail(tbs, sl_reader_end(&outer));
}

static const char *read_tbs(struct sl_reader *r, struct sl_crl *crl)
{
    static const uint8_t VERSION_2[] = {SL_DER_INTEGER, 0x01, 0x01};
    struct sl_reader content;
    sl_der_read_exact(r, VERSION_2, sizeof(VERSION_2));
    if (r->rc != SL_OK) {
        return "version (2 is expected)";
    }
    sl_cert_read_algorithm(r);
    if (r->rc != SL_OK) {
        return "signature algorithm (ECDSA with SHA-256 is expected)";
    }
    crl->issuer = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    crl->this_update_s = sl_der_read_time(r);
    crl->next_update_s = sl_der_read_time(r);
    if (r->rc != SL_OK) {
        return "issuer or dates";
    }
    read_revoked(r, crl);
    if (r->rc != SL_OK) {
        return "list of revoked certificates";
    }
    read_extensions(r, crl);
    sl_reader_fail(r, sl_reader_end(r));
    return r->rc != SL_OK ? "extensions (a number is needed, nothing unknown may be critical)"
                          : NULL;
}

static sl_rc parse(struct sl_blob der, struct sl_crl *crl, char why[SL_CERT_WHY_SIZE])
{
    struct sl_reader r;
    struct sl_reader outer;
    struct sl_reader tbs;
    sl_reader_init(&r, der.data, der.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &outer);
    crl->tbs = sl_der_read_raw(&outer, SL_DER_SEQUENCE, &tbs);
    const char *what = outer.rc == SL_OK ? read_tbs(&tbs, crl) : "outer form";
    sl_rc rc = outer.rc != SL_OK ? outer.rc : tbs.rc;
    if (rc == SL_OK) {
        what = "signature";
        sl_cert_read_algorithm(&outer);
        sl_der_read_ecdsa(&outer, crl->signature);
        rc = sl_reader_end(&outer);
        rc = rc == SL_OK ? sl_reader_end(&r) : rc;
    }
    if (rc != SL_OK) {
        (void)snprintf(why, SL_CERT_WHY_SIZE, "its %s: %s", what, sl_rc_text(rc));
    }
    return rc;
}

sl_rc sl_crl_read(struct sl_blob in, struct sl_crl *ret_crl, char ret_why[SL_CERT_WHY_SIZE])
{
    struct sl_blob der = in;
    uint8_t *memory = NULL;
    ret_why[0] = '\0';
    memset(ret_crl, 0, sizeof(*ret_crl));
    sl_rc rc = in.size > 0 ? SL_OK : SL_TRUNCATED;
    if (rc == SL_OK && in.data[0] != SL_DER_SEQUENCE) {
        struct sl_blob left = in;
        rc = sl_pem_next(&left, "X509 CRL", false, &der);
        if (rc == SL_OK) {
            struct sl_blob second;
            union {
                const uint8_t *in;
                uint8_t *out;
            } owned = {.in = der.data};
            memory = owned.out;
            /* one is expected: a second must not go unchecked */
            sl_rc more = sl_pem_next(&left, "X509 CRL", false, &second);
            if (more == SL_OK) {
                owned.in = second.data;
                free(owned.out);
            }
            rc = more == SL_NOT_FOUND ? SL_OK : SL_MALFORMED;
        } else if (rc == SL_NOT_FOUND) {
            rc = SL_MALFORMED;
        }
    }
    if (rc == SL_OK) {
        rc = parse(der, ret_crl, ret_why);
    }
    if (rc != SL_OK) {
        if (ret_why[0] == '\0') {
            (void)snprintf(ret_why, SL_CERT_WHY_SIZE, "%s; one CRL in DER or PEM is expected",
                           sl_rc_text(rc));
        }
        free(memory);
        return rc;
    }
    ret_crl->memory = memory;
    return SL_OK;
}

void sl_crl_done(struct sl_crl *crl)
{
    free(crl->memory);
    crl->memory = NULL;
}

bool sl_crl_holds(const struct sl_crl *crl, struct sl_blob serial, int64_t *ret_when_s)
{
    struct sl_reader list;
    sl_reader_init(&list, crl->revoked.data, crl->revoked.size);
    while (sl_reader_left(&list) > 0) {
        int64_t when_s;
        if (sl_blob_equal(read_entry(&list, &when_s), serial)) {
            *ret_when_s = when_s;
            return true;
        }
    }
    return false;
}
