/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The few pieces of Protocol Buffers' wire format that AESM's messages need: varints and
 * length-delimited fields, bounded. A library and generated code would be a hundred times as much.
 */
#ifndef SL_EVIDENCE_PROTOBUF_H
#define SL_EVIDENCE_PROTOBUF_H

#include "base/bytes.h"
#include "safelib/attest.h"

/** One field as it was read. */
struct sl_pb_field {
    uint32_t number;
    uint64_t value;       /**< varint; 0 for others */
    struct sl_blob bytes; /**< length-delimited; absent for others */
};

void sl_pb_put_number(struct sl_writer *w, uint32_t field, uint64_t value);
void sl_pb_put_bytes(struct sl_writer *w, uint32_t field, const void *data, size_t size);
/** The next field; 64 and 32 bit ones are passed over. At the end `number` is 0.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED (groups, field 0, a varint above 64 bits) */
sl_rc sl_pb_next(struct sl_reader *r, struct sl_pb_field *ret_field) SL_MUST_CHECK;

#endif
