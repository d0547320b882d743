/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Reads DER (X.690) element by element out of a bounded reader: definite lengths in their shortest
 * form only, tags of one byte only, nothing nested without the caller asking.
 */
#ifndef SL_ATTEST_DER_H
#define SL_ATTEST_DER_H

#include "base/bytes.h"

enum {
    SL_DER_BOOLEAN = 0x01,
    SL_DER_INTEGER = 0x02,
    SL_DER_OCTET_STRING = 0x04,
    SL_DER_OID = 0x06,
    SL_DER_ENUMERATED = 0x0a,
    SL_DER_SEQUENCE = 0x30,
};

/** Reads one element of @p tag; @p ret_content reads its content. Failures stick to @p r:
 * SL_TRUNCATED, SL_MALFORMED (another tag, length not in DER's form). */
void sl_der_read(struct sl_reader *r, uint8_t tag, struct sl_reader *ret_content);

/** A non-negative INTEGER or ENUMERATED up to @p max; SL_RANGE above or below, SL_MALFORMED where
 * not in the shortest form. */
uint32_t sl_der_read_uint(struct sl_reader *r, uint8_t tag, uint32_t max);

/** BOOLEAN; DER knows 0x00 and 0xff only. */
bool sl_der_read_bool(struct sl_reader *r);

#endif
