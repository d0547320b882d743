/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Reads DER (X.690) element by element out of a bounded reader: definite lengths in their shortest
 * form only, tags of one byte only, nothing nested without the caller asking.
 */
#ifndef SL_ATTEST_DER_H
#define SL_ATTEST_DER_H

#include "base/bytes.h"
#include "safelib/attest.h"

enum {
    SL_DER_BOOLEAN = 0x01,
    SL_DER_INTEGER = 0x02,
    SL_DER_BIT_STRING = 0x03,
    SL_DER_OCTET_STRING = 0x04,
    SL_DER_OID = 0x06,
    SL_DER_ENUMERATED = 0x0a,
    SL_DER_UTC_TIME = 0x17,
    SL_DER_GENERALIZED_TIME = 0x18,
    SL_DER_SEQUENCE = 0x30,
    SL_DER_SET = 0x31,
};

/** Reads one element of @p tag; @p ret_content reads its content. Failures stick to @p r:
 * SL_TRUNCATED, SL_MALFORMED (another tag, length not in DER's form). */
void sl_der_read(struct sl_reader *r, uint8_t tag, struct sl_reader *ret_content);

/** A non-negative INTEGER or ENUMERATED up to @p max; SL_RANGE above or below, SL_MALFORMED where
 * not in the shortest form. */
uint32_t sl_der_read_uint(struct sl_reader *r, uint8_t tag, uint32_t max);

/** BOOLEAN; DER knows 0x00 and 0xff only. */
bool sl_der_read_bool(struct sl_reader *r);

/** Tag of the next element, -1 where none is left. */
int sl_der_peek(const struct sl_reader *r);

/** As sl_der_read; returns the element with its head. */
struct sl_blob sl_der_read_raw(struct sl_reader *r, uint8_t tag, struct sl_reader *ret_content);

/** These very bytes must come; SL_UNSUPPORTED where others do. */
void sl_der_read_exact(struct sl_reader *r, const uint8_t *expected, size_t size);

/** Content of a certificate's serial number (RFC 5280 4.1.2.2). */
struct sl_blob sl_der_read_serial(struct sl_reader *r);

/** UTCTime or GeneralizedTime in the forms of RFC 5280 4.1.2.5, as UNIX time. */
int64_t sl_der_read_time(struct sl_reader *r);

/** BIT STRING with an ECDSA signature of P-256, as r and s of 32 bytes each. */
void sl_der_read_ecdsa(struct sl_reader *r, uint8_t signature[64]);

#endif
