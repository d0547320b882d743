/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of certificates; what is Intel's profile alone, and what it shares with AMD's
 * (cert_amd.c). */
#include "attest/cert.h"

#include <stdio.h>
#include <stdlib.h>

#include "attest/der.h"

/* AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758 3.2: parameters are absent). */
static const uint8_t ECDSA_SHA256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
/* AlgorithmIdentifier of an EC key on P-256 (RFC 5480 2.1.1), and the head of an uncompressed
 * point in its BIT STRING. */
static const uint8_t EC_P256[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                  0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t POINT_HEAD[] = {0x03, 0x42, 0x00, 0x04};

static const uint8_t OID_COMMON_NAME[] = {0x55, 0x04, 0x03};
static const uint8_t OID_SGX[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

enum { TAG_VERSION = 0xa0, TAG_EXTENSIONS = 0xa3, TAG_KEY_ID = 0x80 };
enum { EXTENSIONS_MAX = 64 };

/* Last octet of id-ce extensions (2.5.29.n). */
enum { CE_SUBJECT_KEY_ID = 14, CE_KEY_USAGE = 15, CE_BASIC = 19, CE_AUTHORITY_KEY_ID = 35 };

bool sl_blob_equal(struct sl_blob a, struct sl_blob b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

void sl_cert_read_algorithm(struct sl_reader *r)
{
    sl_der_read_exact(r, ECDSA_SHA256, sizeof(ECDSA_SHA256));
}

/* X.690 8.19.2: the last byte of each number has bit 8 clear, the first is not 0x80. */
static bool oid_is_sound(const struct sl_reader *oid)
{
    size_t size = sl_reader_left(oid);
    bool is_first = true;
    for (size_t i = 0; i < size; i++) {
        if (is_first && oid->data[i] == 0x80) {
            return false;
        }
        is_first = oid->data[i] < 0x80;
    }
    return size > 0 && is_first;
}

bool sl_cert_read_extension(struct sl_reader *list, struct sl_blob *ret_oid,
                            struct sl_blob *ret_value)
{
    struct sl_reader extension;
    struct sl_reader oid;
    struct sl_reader value;
    bool is_critical = false;
    sl_der_read(list, SL_DER_SEQUENCE, &extension);
    sl_der_read(&extension, SL_DER_OID, &oid);
    sl_reader_fail(&extension, oid_is_sound(&oid) ? SL_OK : SL_MALFORMED);
    if (sl_der_peek(&extension) == SL_DER_BOOLEAN) {
        is_critical = sl_der_read_bool(&extension);
        if (!is_critical) {
            sl_reader_fail(list, SL_MALFORMED); /* X.690 11.5: a default value is left out */
        }
    }
    sl_der_read(&extension, SL_DER_OCTET_STRING, &value);
    if (sl_reader_end(&extension) != SL_OK) {
        sl_reader_fail(list, SL_MALFORMED);
    }
    *ret_oid = (struct sl_blob){oid.data, oid.size};
    *ret_value = (struct sl_blob){value.data, value.size};
    return is_critical;
}

struct sl_blob sl_cert_key_id(struct sl_blob value, struct sl_reader *io_errors)
{
    struct sl_reader r;
    struct sl_reader content;
    struct sl_reader id = {0};
    sl_reader_init(&r, value.data, value.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &content);
    if (sl_der_peek(&content) == TAG_KEY_ID) {
        sl_der_read(&content, TAG_KEY_ID, &id);
    }
    if (sl_reader_end(&r) != SL_OK || content.rc != SL_OK) {
        sl_reader_fail(io_errors, SL_MALFORMED);
    }
    return (struct sl_blob){id.data, id.size};
}

static void read_basic_constraints(struct sl_blob value, struct sl_cert *cert, struct sl_reader *io)
{
    struct sl_reader r;
    struct sl_reader content;
    sl_reader_init(&r, value.data, value.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &content);
    if (sl_der_peek(&content) == SL_DER_BOOLEAN) {
        cert->is_ca = sl_der_read_bool(&content);
        if (!cert->is_ca) {
            sl_reader_fail(&content, SL_MALFORMED); /* default value */
        }
    }
    if (sl_der_peek(&content) == SL_DER_INTEGER) {
        cert->path_length = (int)sl_der_read_uint(&content, SL_DER_INTEGER, 100);
    }
    cert->has_basic_constraints = true;
    /* RFC 5280 4.2.1.9: "CAs MUST NOT include the pathLenConstraint field unless the cA boolean is
     * asserted" */
    if ((cert->path_length >= 0 && !cert->is_ca) || sl_reader_end(&content) != SL_OK ||
        sl_reader_end(&r) != SL_OK) {
        sl_reader_fail(io, SL_MALFORMED);
    }
}

static void read_key_usage(struct sl_blob value, struct sl_cert *cert, struct sl_reader *io)
{
    struct sl_reader r;
    struct sl_reader bits;
    sl_reader_init(&r, value.data, value.size);
    sl_der_read(&r, SL_DER_BIT_STRING, &bits);
    uint8_t unused = sl_reader_u8(&bits);
    size_t size = sl_reader_left(&bits);
    if (unused > 7 || size < 1 || size > 2 || sl_reader_end(&r) != SL_OK) {
        sl_reader_fail(io, SL_MALFORMED);
        return;
    }
    cert->has_key_usage = true;
    cert->key_usage = (uint16_t)(sl_reader_u8(&bits) << 8);
    if (size == 2) {
        cert->key_usage |= sl_reader_u8(&bits);
    }
    if (cert->key_usage == 0) {
        sl_reader_fail(io, SL_MALFORMED); /* RFC 5280 4.2.1.3: "at least one of the bits" */
    }
}

static void read_known(uint8_t ce, struct sl_blob value, struct sl_cert *cert, struct sl_reader *io)
{
    struct sl_reader r;
    struct sl_reader content;
    switch (ce) {
    case CE_BASIC:
        read_basic_constraints(value, cert, io);
        break;
    case CE_KEY_USAGE:
        read_key_usage(value, cert, io);
        break;
    case CE_AUTHORITY_KEY_ID:
        if (cert->profile == SL_CERT_AMD) {
            sl_cert_amd_read_authority(value, &cert->amd, &cert->authority_key_id, io);
        } else {
            cert->authority_key_id = sl_cert_key_id(value, io);
        }
        break;
    case CE_SUBJECT_KEY_ID:
        sl_reader_init(&r, value.data, value.size);
        sl_der_read(&r, SL_DER_OCTET_STRING, &content);
        cert->subject_key_id = (struct sl_blob){content.data, content.size};
        if (sl_reader_end(&r) != SL_OK) {
            sl_reader_fail(io, SL_MALFORMED);
        }
        break;
    default:
        break;
    }
}

/* AMD's profile goes on, so that the path can tell which certificate it was. */
static void refuse(struct sl_reader *list, struct sl_cert *cert, sl_rc rc, const char *why)
{
    if (cert->profile == SL_CERT_AMD) {
        sl_cert_amd_fault(&cert->amd, why);
    } else {
        sl_reader_fail(list, rc);
    }
}

static void read_extension(struct sl_reader *list, struct sl_cert *cert, bool is_critical,
                           struct sl_blob oid, struct sl_blob value)
{
    struct sl_reader errors;
    bool is_ce = oid.size == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d;
    uint8_t ce = is_ce ? oid.data[2] : 0;
    sl_reader_init(&errors, NULL, 0);
    read_known(ce, value, cert, &errors);
    if (errors.rc != SL_OK) {
        refuse(list, cert, errors.rc, "an extension breaks its format");
    }
    if (is_critical && ce != CE_BASIC && ce != CE_KEY_USAGE) {
        refuse(list, cert, SL_UNSUPPORTED,
               "it has a critical extension that is not known here (RFC 5280 4.2)");
    }
    if (oid.size == sizeof(OID_SGX) && memcmp(oid.data, OID_SGX, sizeof(OID_SGX)) == 0) {
        cert->sgx_extension = value;
    }
}

void sl_cert_read_extensions(struct sl_reader *tbs, struct sl_cert *cert)
{
    struct sl_reader outer;
    struct sl_reader list;
    struct sl_blob seen[EXTENSIONS_MAX];
    size_t count = 0;
    sl_der_read(tbs, TAG_EXTENSIONS, &outer);
    sl_der_read(&outer, SL_DER_SEQUENCE, &list);
    cert->amd.extensions = (struct sl_blob){list.data, list.size};
    while (list.rc == SL_OK && sl_reader_left(&list) > 0) {
        struct sl_blob oid;
        struct sl_blob value;
        bool is_critical = sl_cert_read_extension(&list, &oid, &value);
        if (list.rc != SL_OK || count == EXTENSIONS_MAX) {
            sl_reader_fail(&list, SL_MALFORMED);
            break;
        }
        /* RFC 5280 4.2: "A certificate MUST NOT include more than one instance of a particular
         * extension." */
        for (size_t i = 0; i < count; i++) {
            if (sl_blob_equal(seen[i], oid)) {
                refuse(&list, cert, SL_MALFORMED, "it has one extension twice (RFC 5280 4.2)");
            }
        }
        seen[count++] = oid;
        read_extension(&list, cert, is_critical, oid, value);
    }
    sl_reader_fail(tbs, list.rc);
    sl_reader_fail(tbs, sl_reader_end(&outer));
}

/* One SET of one AttributeTypeAndValue in printable ASCII, which is all that Intel writes.
 * @return whether it is the common name */
static bool read_attribute(struct sl_reader *names, struct sl_blob *ret_value)
{
    struct sl_reader set;
    struct sl_reader pair;
    struct sl_reader type;
    struct sl_reader value;
    sl_der_read(names, SL_DER_SET, &set);
    sl_der_read(&set, SL_DER_SEQUENCE, &pair);
    sl_der_read(&pair, SL_DER_OID, &type);
    int tag = sl_der_peek(&pair);
    bool is_text = tag == 0x0c || tag == 0x13 || tag == 0x16; /* UTF8, Printable, IA5String */
    sl_der_read(&pair, is_text ? (uint8_t)tag : 0x0c, &value);
    sl_rc rc = sl_reader_end(&set);
    rc = rc == SL_OK ? sl_reader_end(&pair) : rc;
    *ret_value = (struct sl_blob){value.data, sl_reader_left(&value)};
    for (size_t i = 0; rc == SL_OK && i < ret_value->size; i++) {
        rc = value.data[i] >= 0x20 && value.data[i] < 0x7f ? SL_OK : SL_MALFORMED;
    }
    if (rc != SL_OK || !oid_is_sound(&type)) {
        sl_reader_fail(names, rc != SL_OK ? rc : SL_MALFORMED);
        return false;
    }
    return sl_reader_left(&type) == sizeof(OID_COMMON_NAME) &&
           memcmp(type.data, OID_COMMON_NAME, sizeof(OID_COMMON_NAME)) == 0;
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }; the last common name counts. */
sl_rc sl_cert_read_name(struct sl_reader names, char out[SL_CERT_NAME_SIZE])
{
    (void)snprintf(out, SL_CERT_NAME_SIZE, "(no name)");
    while (names.rc == SL_OK && sl_reader_left(&names) > 0) {
        struct sl_blob value;
        if (read_attribute(&names, &value) && value.size < SL_CERT_NAME_SIZE) {
            memcpy(out, value.data, value.size);
            out[value.size] = '\0';
        }
    }
    return sl_reader_end(&names);
}

const char *sl_cert_read_names(struct sl_reader *r, struct sl_cert *cert)
{
    char issuer[SL_CERT_NAME_SIZE];
    struct sl_reader content;
    cert->issuer = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    sl_reader_fail(r, r->rc == SL_OK ? sl_cert_read_name(content, issuer) : r->rc);
    sl_der_read(r, SL_DER_SEQUENCE, &content);
    cert->not_before_s = sl_der_read_time(&content);
    cert->not_after_s = sl_der_read_time(&content);
    if (r->rc != SL_OK || sl_reader_end(&content) != SL_OK) {
        sl_reader_fail(r, SL_MALFORMED);
        return "issuer or validity";
    }
    cert->subject = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    sl_reader_fail(r, r->rc == SL_OK ? sl_cert_read_name(content, cert->name) : r->rc);
    return r->rc != SL_OK ? "subject" : NULL;
}

static const char *read_tbs(struct sl_reader *r, struct sl_cert *cert)
{
    static const uint8_t VERSION_3[] = {TAG_VERSION, 0x03, 0x02, 0x01, 0x02};
    struct sl_reader key;
    sl_der_read_exact(r, VERSION_3, sizeof(VERSION_3));
    if (r->rc != SL_OK) {
        return "version (3 is expected)";
    }
    cert->serial = sl_der_read_serial(r);
    if (r->rc != SL_OK) {
        return "serial number";
    }
    sl_cert_read_algorithm(r);
    if (r->rc != SL_OK) {
        return "signature algorithm (ECDSA with SHA-256 is expected)";
    }
    const char *what = sl_cert_read_names(r, cert);
    if (what != NULL) {
        return what;
    }
    sl_der_read(r, SL_DER_SEQUENCE, &key);
    sl_der_read_exact(&key, EC_P256, sizeof(EC_P256));
    sl_der_read_exact(&key, POINT_HEAD, sizeof(POINT_HEAD));
    sl_reader_copy(&key, cert->point, sizeof(cert->point));
    sl_reader_fail(r, sl_reader_end(&key));
    if (r->rc != SL_OK) {
        return "public key (P-256 is expected)";
    }
    sl_cert_read_extensions(r, cert);
    sl_reader_fail(r, sl_reader_end(r));
    return r->rc != SL_OK ? "extensions" : NULL;
}

static const char *read_signed(struct sl_reader *cert_reader, struct sl_cert *cert, sl_rc *ret_rc)
{
    struct sl_reader tbs;
    cert->tbs = sl_der_read_raw(cert_reader, SL_DER_SEQUENCE, &tbs);
    if (cert_reader->rc != SL_OK) {
        *ret_rc = cert_reader->rc;
        return "outer form";
    }
    if (cert->profile == SL_CERT_AMD) {
        const char *what = sl_cert_amd_read_tbs(&tbs, cert);
        *ret_rc = tbs.rc;
        return what;
    }
    const char *what = read_tbs(&tbs, cert);
    *ret_rc = tbs.rc;
    return what;
}

static sl_rc parse(enum sl_cert_profile profile, struct sl_blob der, struct sl_cert *ret_cert,
                   char ret_why[SL_CERT_WHY_SIZE])
{
    struct sl_reader r;
    struct sl_reader cert_reader;
    struct sl_cert cert = {.profile = profile, .der = der, .path_length = -1};
    sl_rc rc = SL_OK;
    (void)snprintf(cert.name, sizeof(cert.name), "(no name)");
    ret_why[0] = '\0';
    sl_reader_init(&r, der.data, der.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &cert_reader);
    const char *what = read_signed(&cert_reader, &cert, &rc);
    if (rc == SL_OK) {
        /* RFC 5280 4.1.1.2: the same algorithm outside as inside */
        what = "signature";
        if (profile == SL_CERT_AMD) {
            sl_cert_amd_read_signature(&cert_reader, &cert.amd);
        } else {
            sl_cert_read_algorithm(&cert_reader);
            sl_der_read_ecdsa(&cert_reader, cert.signature);
        }
        rc = sl_reader_end(&cert_reader);
        rc = rc == SL_OK ? sl_reader_end(&r) : rc;
    }
    if (rc != SL_OK) {
        (void)snprintf(ret_why, SL_CERT_WHY_SIZE, "certificate \"%s\": its %s: %s", cert.name, what,
                       sl_rc_text(rc));
        return rc;
    }
    *ret_cert = cert;
    return SL_OK;
}

sl_rc sl_cert_parse(struct sl_blob der, struct sl_cert *ret_cert, char ret_why[SL_CERT_WHY_SIZE])
{
    return parse(SL_CERT_INTEL, der, ret_cert, ret_why);
}

static sl_rc append(struct sl_cert_list *list, struct sl_blob der, char why[SL_CERT_WHY_SIZE])
{
    for (size_t i = 0; i < list->count; i++) {
        if (sl_blob_equal(list->certs[i].der, der)) {
            return SL_EXISTS;
        }
    }
    if (list->count == SL_CERT_LIST_MAX) {
        (void)snprintf(why, SL_CERT_WHY_SIZE, "more than %d certificates", SL_CERT_LIST_MAX);
        return SL_RANGE;
    }
    sl_rc rc = parse(list->profile, der, &list->certs[list->count], why);
    if (rc == SL_OK) {
        list->count++;
    }
    return rc;
}

static sl_rc add_der(struct sl_cert_list *list, struct sl_blob in, char why[SL_CERT_WHY_SIZE])
{
    struct sl_reader r;
    struct sl_reader content;
    sl_reader_init(&r, in.data, in.size);
    while (sl_reader_left(&r) > 0) {
        struct sl_blob der = sl_der_read_raw(&r, SL_DER_SEQUENCE, &content);
        sl_rc rc = r.rc == SL_OK ? append(list, der, why) : r.rc;
        if (rc != SL_OK && rc != SL_EXISTS) {
            return rc;
        }
    }
    return r.rc;
}

static sl_rc add_pem(struct sl_cert_list *list, struct sl_blob in, bool is_text_allowed,
                     char why[SL_CERT_WHY_SIZE])
{
    struct sl_blob der;
    size_t count = 0;
    sl_rc rc;
    while ((rc = sl_pem_next(&in, "CERTIFICATE", is_text_allowed, &der)) == SL_OK) {
        rc = append(list, der, why);
        if (rc == SL_OK) {
            union {
                const uint8_t *in;
                uint8_t *out;
            } owned = {.in = der.data};
            list->memory[list->memory_count++] = owned.out;
        } else {
            union {
                const uint8_t *in;
                void *out;
            } owned = {.in = der.data};
            free(owned.out);
        }
        if (rc != SL_OK && rc != SL_EXISTS) {
            return rc;
        }
        count++;
    }
    if (rc == SL_NOT_FOUND) {
        return count > 0 ? SL_OK : SL_TRUNCATED;
    }
    return rc;
}

sl_rc sl_cert_list_add(struct sl_cert_list *list, struct sl_blob in, bool is_text_allowed,
                       char ret_why[SL_CERT_WHY_SIZE])
{
    ret_why[0] = '\0';
    sl_rc rc = SL_TRUNCATED;
    if (in.size > 0) {
        rc = in.data[0] == SL_DER_SEQUENCE ? add_der(list, in, ret_why)
                                           : add_pem(list, in, is_text_allowed, ret_why);
    }
    if (rc != SL_OK && ret_why[0] == '\0') {
        (void)snprintf(ret_why, SL_CERT_WHY_SIZE,
                       "%s; certificates in PEM or DER are expected, nothing else", sl_rc_text(rc));
    }
    return rc;
}

void sl_cert_list_done(struct sl_cert_list *list)
{
    for (size_t i = 0; i < list->memory_count; i++) {
        free(list->memory[i]);
    }
    list->count = 0;
    list->memory_count = 0;
}
