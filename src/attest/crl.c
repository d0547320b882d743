/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of certificate revocation lists of Intel's and AMD's profiles (RFC 5280 5). */
#include <stdio.h>
#include <stdlib.h>

#include "attest/cert.h"
#include "attest/der.h"

enum { TAG_CRL_EXTENSIONS = 0xa0 };
enum { CE_CRL_NUMBER = 20, CE_AUTHORITY_KEY_ID = 35 };

/* One entry: serial, date, extensions, none of which may be critical: what is not understood could
 * say that the entry is about something else (RFC 5280 5.3). */
static struct sl_blob read_entry(struct sl_reader *list, int64_t *ret_when_s, bool *ret_is_critical)
{
    struct sl_reader entry;
    struct sl_reader extensions;
    sl_der_read(list, SL_DER_SEQUENCE, &entry);
    struct sl_blob serial = sl_der_read_serial(&entry);
    *ret_when_s = sl_der_read_time(&entry);
    *ret_is_critical = false;
    if (sl_reader_left(&entry) > 0) {
        sl_der_read(&entry, SL_DER_SEQUENCE, &extensions);
        while (extensions.rc == SL_OK && sl_reader_left(&extensions) > 0) {
            struct sl_blob oid;
            struct sl_blob value;
            if (sl_cert_read_extension(&extensions, &oid, &value)) {
                *ret_is_critical = true;
            }
        }
        sl_reader_fail(&entry, extensions.rc);
    }
    if (sl_reader_end(&entry) != SL_OK) {
        sl_reader_fail(list, SL_MALFORMED);
    }
    return serial;
}

/* AMD's profile goes on, so that it can be told whose CRL it is. */
static void refuse(struct sl_reader *r, struct sl_crl *crl, sl_rc rc, const char *why)
{
    if (crl->profile == SL_CERT_AMD) {
        sl_cert_amd_fault(&crl->amd, why);
    } else {
        sl_reader_fail(r, rc);
    }
}

static const char *const CRITICAL = "it has a critical extension that is not known here";

static void read_revoked(struct sl_reader *tbs, struct sl_crl *crl)
{
    struct sl_reader list;
    int64_t when_s;
    bool is_critical;
    if (sl_der_peek(tbs) != SL_DER_SEQUENCE) {
        return; /* RFC 5280 5.1.2.6: absent where nothing is revoked */
    }
    sl_der_read(tbs, SL_DER_SEQUENCE, &list);
    crl->revoked = (struct sl_blob){list.data, list.size};
    while (list.rc == SL_OK && sl_reader_left(&list) > 0) {
        (void)read_entry(&list, &when_s, &is_critical);
        if (is_critical) {
            refuse(&list, crl, SL_UNSUPPORTED, CRITICAL);
        }
    }
    sl_reader_fail(tbs, list.rc);
}

static void read_key_id(struct sl_blob value, struct sl_crl *crl, struct sl_reader *io)
{
    if (crl->profile == SL_CERT_AMD) {
        sl_cert_amd_read_authority(value, &crl->amd, &crl->authority_key_id, io);
    } else {
        crl->authority_key_id = sl_cert_key_id(value, io);
    }
}

static void read_extension(struct sl_reader *list, struct sl_crl *crl, unsigned int *io_numbers,
                           unsigned int *io_key_ids)
{
    struct sl_blob oid;
    struct sl_blob value;
    struct sl_reader r;
    bool is_critical = sl_cert_read_extension(list, &oid, &value);
    bool is_ce = oid.size == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d;
    uint8_t ce = is_ce ? oid.data[2] : 0;
    if (ce == CE_CRL_NUMBER) {
        sl_reader_init(&r, value.data, value.size);
        (void)sl_der_read_serial(&r);
        if (sl_reader_end(&r) != SL_OK) {
            refuse(list, crl, sl_reader_end(&r), "its CRL number breaks its format");
        }
        ++*io_numbers;
    } else if (ce == CE_AUTHORITY_KEY_ID) {
        sl_reader_init(&r, NULL, 0);
        read_key_id(value, crl, &r);
        if (r.rc != SL_OK) {
            refuse(list, crl, r.rc, "its authority key identifier breaks its format");
        }
        ++*io_key_ids;
    } else if (is_critical) {
        refuse(list, crl, SL_UNSUPPORTED, CRITICAL); /* such as a partial list's scope */
    }
}

static void read_extensions(struct sl_reader *tbs, struct sl_crl *crl)
{
    struct sl_reader outer;
    struct sl_reader list;
    unsigned int number_count = 0;
    unsigned int key_id_count = 0;
    if (crl->profile == SL_CERT_AMD && sl_der_peek(tbs) < 0) {
        return;
    }
    sl_der_read(tbs, TAG_CRL_EXTENSIONS, &outer);
    sl_der_read(&outer, SL_DER_SEQUENCE, &list);
    while (list.rc == SL_OK && sl_reader_left(&list) > 0) {
        read_extension(&list, crl, &number_count, &key_id_count);
    }
    crl->has_number = number_count != 0;
    /* RFC 5280 5.2.3: every CRL has a number; validation (6.3.3) does not need it, and of AMD's its
     * absence is told apart. */
    if (number_count > 1 || (number_count == 0 && crl->profile != SL_CERT_AMD)) {
        refuse(&list, crl, SL_MALFORMED, "its CRL number breaks its format");
    }
    if (key_id_count > 1) {
        refuse(&list, crl, SL_MALFORMED, "it has one extension twice");
    }
    sl_reader_fail(tbs, list.rc);
    sl_reader_fail(tbs, sl_reader_end(&outer));
}

/* Version (DEFAULT v1) and dates (nextUpdate is OPTIONAL) that are not as they must be are told. */
static const char *read_tbs_amd(struct sl_reader *r, struct sl_crl *crl)
{
    struct sl_reader content;
    bool has_version = sl_der_peek(r) == SL_DER_INTEGER;
    if (!has_version || sl_der_read_uint(r, SL_DER_INTEGER, 1) != 1) {
        sl_cert_amd_fault(&crl->amd, "it is not of version 2");
    }
    crl->amd.algorithm = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    crl->issuer = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    crl->this_update_s = sl_der_read_time(r);
    int tag = sl_der_peek(r);
    if (tag == SL_DER_UTC_TIME || tag == SL_DER_GENERALIZED_TIME) {
        crl->next_update_s = sl_der_read_time(r);
    } else {
        sl_cert_amd_fault(&crl->amd, "its dates are absent or not in the form of RFC 5280 5.1.2");
    }
    return r->rc != SL_OK ? "version, algorithm, issuer or dates" : NULL;
}

static const char *read_tbs_intel(struct sl_reader *r, struct sl_crl *crl)
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
    return NULL;
}

static const char *read_tbs(struct sl_reader *r, struct sl_crl *crl)
{
    const char *what = crl->profile == SL_CERT_AMD ? read_tbs_amd(r, crl) : read_tbs_intel(r, crl);
    if (what != NULL) {
        return what;
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
        if (crl->profile == SL_CERT_AMD) {
            sl_cert_amd_read_signature(&outer, &crl->amd);
        } else {
            sl_cert_read_algorithm(&outer);
            sl_der_read_ecdsa(&outer, crl->signature);
        }
        rc = sl_reader_end(&outer);
        rc = rc == SL_OK ? sl_reader_end(&r) : rc;
    }
    if (rc != SL_OK) {
        (void)snprintf(why, SL_CERT_WHY_SIZE, "its %s: %s", what, sl_rc_text(rc));
    }
    return rc;
}

static sl_rc read_as(enum sl_cert_profile profile, struct sl_blob in, struct sl_crl *ret_crl,
                     char ret_why[SL_CERT_WHY_SIZE])
{
    struct sl_blob der = in;
    bool is_text_allowed = profile == SL_CERT_AMD;
    uint8_t *memory = NULL;
    ret_why[0] = '\0';
    memset(ret_crl, 0, sizeof(*ret_crl));
    ret_crl->profile = profile;
    sl_rc rc = in.size > 0 ? SL_OK : SL_TRUNCATED;
    if (rc == SL_OK && in.data[0] != SL_DER_SEQUENCE) {
        struct sl_blob left = in;
        rc = sl_pem_next(&left, "X509 CRL", is_text_allowed, &der);
        if (rc == SL_OK) {
            struct sl_blob second;
            union {
                const uint8_t *in;
                uint8_t *out;
            } owned = {.in = der.data};
            memory = owned.out;
            /* one is expected: a second must not go unchecked */
            sl_rc more = sl_pem_next(&left, "X509 CRL", is_text_allowed, &second);
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

sl_rc sl_crl_read(struct sl_blob in, struct sl_crl *ret_crl, char ret_why[SL_CERT_WHY_SIZE])
{
    return read_as(SL_CERT_INTEL, in, ret_crl, ret_why);
}

sl_rc sl_crl_read_amd(struct sl_blob in, struct sl_crl *ret_crl, char ret_why[SL_CERT_WHY_SIZE])
{
    return read_as(SL_CERT_AMD, in, ret_crl, ret_why);
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
        bool is_critical;
        if (sl_blob_equal(read_entry(&list, &when_s, &is_critical), serial)) {
            *ret_when_s = when_s;
            return true;
        }
    }
    return false;
}
