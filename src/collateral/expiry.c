/* SPDX-License-Identifier: Apache-2.0 */
/* Validity of certificates, CRLs and Intel's JSON. */
#include "collateral/expiry.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "attest/x509.h"

/* @p count digits at *at, within the range; moves on. */
static bool number(const char **at, int count, int min, int max, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (!isdigit((unsigned char)**at)) {
            return false;
        }
        value = value * 10 + (**at - '0');
    }
    *ret_value = value;
    return value >= min && value <= max;
}

static bool mark(const char **at, const char *any)
{
    bool is_there = **at != '\0' && strchr(any, **at) != NULL;
    *at += is_there;
    return is_there;
}

/* "Z" or "+hh:mm", to the end. */
static bool offset(const char *at, int64_t *ret_seconds)
{
    int hours = 0;
    int minutes = 0;
    int sign = *at == '-' ? 1 : -1; /* what is written ahead is earlier in UTC */
    *ret_seconds = 0;
    if (mark(&at, "Zz")) {
        return *at == '\0';
    }
    if (!mark(&at, "+-") || !number(&at, 2, 0, 23, &hours) || !mark(&at, ":") ||
        !number(&at, 2, 0, 59, &minutes)) {
        return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return *at == '\0';
}

/* RFC 3339 5.6: "full-date" */
static bool date(const char **at, struct tm *tm)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!number(at, 4, 1, 9999, &tm->tm_year) || !mark(at, "-") ||
        !number(at, 2, 1, 12, &tm->tm_mon) || !mark(at, "-") ||
        !number(at, 2, 1, days[tm->tm_mon - 1], &tm->tm_mday)) {
        return false;
    }
    bool is_leap = (tm->tm_year % 4 == 0 && tm->tm_year % 100 != 0) || tm->tm_year % 400 == 0;
    return tm->tm_mon != 2 || tm->tm_mday != 29 || is_leap;
}

bool sl_expiry_time(const char *text, int64_t *ret_time_s)
{
    struct tm tm = {0};
    const char *at = text;
    int64_t shift = 0;
    if (!date(&at, &tm) || !mark(&at, "Tt ") || !number(&at, 2, 0, 23, &tm.tm_hour) ||
        !mark(&at, ":") || !number(&at, 2, 0, 59, &tm.tm_min) || !mark(&at, ":") ||
        !number(&at, 2, 0, 60, &tm.tm_sec)) {
        return false;
    }
    if (mark(&at, ".")) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0) {
            return false;
        }
        at += digits;
    }
    if (!offset(at, &shift)) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret_time_s = (int64_t)timegm(&tm) + shift;
    return true;
}

static bool asn1_time(const ASN1_TIME *time, int64_t *ret_s)
{
    struct tm tm;
    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1) {
        return false;
    }
    *ret_s = (int64_t)timegm(&tm);
    return true;
}

static sl_rc of_certs(struct sl_blob blob, int64_t *io_from, int64_t *io_to)
{
    struct sl_x509_list list = {0};
    sl_rc rc = sl_x509_list_read(blob, &list);
    if (rc != SL_OK) {
        return rc;
    }
    sl_x509_validity(&list, io_from, io_to);
    sl_x509_list_done(&list);
    return SL_OK;
}

static sl_rc of_crl(struct sl_blob blob, int64_t *io_from, int64_t *io_to)
{
    X509_CRL *crl = NULL;
    sl_rc rc = sl_x509_crl_read(blob, &crl);
    if (rc != SL_OK) {
        return rc;
    }
    bool is_good = asn1_time(X509_CRL_get0_lastUpdate(crl), io_from) &&
                   asn1_time(X509_CRL_get0_nextUpdate(crl), io_to);
    X509_CRL_free(crl);
    return is_good ? SL_OK : SL_MALFORMED;
}

static sl_rc of_json(struct sl_blob blob, const char *member, int64_t *io_from, int64_t *io_to)
{
    json_t *root = json_loadb((const char *)blob.data, blob.size, JSON_REJECT_DUPLICATES, NULL);
    json_t *body = json_object_get(root, member);
    const char *from = json_string_value(json_object_get(body, "issueDate"));
    const char *to = json_string_value(json_object_get(body, "nextUpdate"));
    bool is_good = from != NULL && to != NULL && sl_expiry_time(from, io_from) &&
                   sl_expiry_time(to, io_to) && json_is_string(json_object_get(root, "signature"));
    json_decref(root);
    return is_good ? SL_OK : SL_MALFORMED;
}

static sl_rc of_part(enum sl_collateral_part part, struct sl_blob blob, int64_t *io_from,
                     int64_t *io_to)
{
    switch (sl_collateral_kind(part)) {
    case SL_COLLATERAL_JSON:
        return of_json(blob, part == SL_COLLATERAL_tcb_info ? "tcbInfo" : "enclaveIdentity",
                       io_from, io_to);
    case SL_COLLATERAL_CERTS:
        return of_certs(blob, io_from, io_to);
    case SL_COLLATERAL_CRL:
        break;
    }
    return of_crl(blob, io_from, io_to);
}

sl_rc sl_expiry_of(const struct sl_collateral_set *set, struct sl_expiry *ret_expiry,
                   struct sl_err *err)
{
    static const char *const expected[] = {
        [SL_COLLATERAL_JSON] = "JSON as served, with issueDate, nextUpdate and signature",
        [SL_COLLATERAL_CERTS] = "certificates, PEM or DER",
        [SL_COLLATERAL_CRL] = "a CRL with nextUpdate, PEM or DER",
    };
    struct sl_expiry out = {.first_s = INT64_MAX};
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        struct sl_blob blob = sl_collateral_part(set, i);
        int64_t from = INT64_MIN;
        int64_t to = INT64_MAX;
        if (blob.data == NULL) {
            continue;
        }
        if (of_part(i, blob, &from, &to) != SL_OK) {
            return sl_err_set(err, SL_MALFORMED, "%s: expected %s", sl_collateral_name(i),
                              expected[sl_collateral_kind(i)]);
        }
        out.parts[i].has = true;
        out.parts[i].not_before_s = from;
        out.parts[i].not_after_s = to;
        out.first_s = to < out.first_s ? to : out.first_s;
    }
    *ret_expiry = out;
    return SL_OK;
}
