/* SPDX-License-Identifier: Apache-2.0 */
/* One way to write each event: both ends hash these bytes. */
#include "attest/node_event.h"

#include <stdio.h>
#include <string.h>

#include "safelib/bytes.h"

enum { VERSION = 1 };

/* Where a field lies, and which types have it: `needs` must, `may` can. */
enum kind { TEXT, PATH_TEXT, U8, U64, BYTES32 };
#define ON(type) (1u << SL_NODE_##type)
static const struct field {
    uint8_t tag;
    enum kind kind;
    size_t off, room;
    unsigned needs, may;
} fields[] = {
#define AT(name) offsetof(struct sl_node_event, name), sizeof(((struct sl_node_event *)0)->name)
    {1, TEXT, AT(id), ON(START) | ON(STOP) | ON(EXEC), 0},
    {2, TEXT, AT(runtime), 0, ON(START)},
    {3, TEXT, AT(image), 0, ON(START)},
    {4, TEXT, AT(cgroup), 0, ON(START)},
    {5, U64, AT(uid_first), 0, ON(START)},
    {6, U64, AT(uid_count), 0, ON(START)},
    {7, TEXT, AT(device), 0, ON(START)},
    {8, PATH_TEXT, AT(path), ON(EXEC), 0},
    {9, BYTES32, AT(digest), 0, ON(EXEC)},
    {10, U64, AT(ima_count), 0, ON(AGENT)},
    {11, BYTES32, AT(ima_pcr), ON(AGENT), 0},
    {12, TEXT, AT(version), 0, ON(AGENT)},
    {13, U64, AT(lost), ON(LOST), 0},
    {14, U8, AT(flags), 0, ON(START) | ON(STOP) | ON(EXEC)},
#undef AT
};
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

static bool is_type(unsigned type)
{
    return type >= SL_NODE_AGENT && type <= SL_NODE_LOST;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

/* ---- out ---- */

static void field_write(struct sl_writer *w, const struct field *field, const uint8_t *at)
{
    const size_t length = field->kind == TEXT || field->kind == PATH_TEXT
                              ? strnlen((const char *)at, field->room)
                          : field->kind == U8  ? 1
                          : field->kind == U64 ? 8
                                               : 32;
    uint64_t number;

    sl_writer_u8(w, field->tag);
    sl_writer_be16(w, (uint16_t)length);
    if (field->kind == U64) {
        memcpy(&number, at, sizeof(number));
        sl_writer_be64(w, number);
    } else {
        sl_writer_bytes(w, at, length);
    }
}

sl_rc sl_node_event_write(const struct sl_node_event *event, uint8_t *out, size_t size,
                          size_t *ret_size)
{
    struct sl_writer w;

    if (!is_type((unsigned)event->type)) {
        return SL_INVALID;
    }
    sl_writer_init(&w, out, size < SL_NODE_EVENT_SIZE_MAX ? size : SL_NODE_EVENT_SIZE_MAX);
    sl_writer_be16(&w, 0);
    sl_writer_u8(&w, VERSION);
    sl_writer_u8(&w, (uint8_t)event->type);
    sl_writer_be64(&w, event->number);
    sl_writer_be64(&w, event->time_ms);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const uint8_t *at = (const uint8_t *)event + fields[i].off;
        const bool is_empty = fields[i].kind == TEXT || fields[i].kind == PATH_TEXT
                                  ? at[0] == '\0'
                                  : is_zero(at, fields[i].room);

        if (((fields[i].needs | fields[i].may) >> event->type & 1) == 0) {
            continue;
        }
        if (is_empty && (fields[i].needs >> event->type & 1) != 0) {
            return SL_INVALID;
        }
        if (!is_empty) {
            field_write(&w, &fields[i], at);
        }
    }
    if (w.rc != SL_OK) {
        return SL_NO_SPACE;
    }
    sl_be16_put(out, (uint16_t)(w.off - 2));
    *ret_size = w.off;
    return SL_OK;
}

/* ---- in ---- */

static bool is_text(const uint8_t *data, size_t size, bool is_path)
{
    for (size_t i = 0; i < size; i++) {
        /* a path is bytes, an id and the like are names */
        if (data[i] == 0 || (!is_path && (data[i] < 0x20 || data[i] > 0x7e))) {
            return false;
        }
    }
    return true;
}

static bool field_read(const struct field *field, const uint8_t *data, size_t size, uint8_t *at)
{
    uint64_t number;

    switch (field->kind) {
    case TEXT:
    case PATH_TEXT:
        if (size >= field->room || !is_text(data, size, field->kind == PATH_TEXT)) {
            return false;
        }
        memcpy(at, data, size);
        return true;
    case U64:
        number = size == 8 ? sl_be64_get(data) : 0;
        memcpy(at, &number, sizeof(number));
        return number != 0;
    case U8:
    case BYTES32:
    default:
        if (size != field->room || is_zero(data, size)) {
            return false;
        }
        memcpy(at, data, size);
        return true;
    }
}

static const struct field *field_find(uint8_t tag, unsigned type)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].tag == tag) {
            return ((fields[i].needs | fields[i].may) >> type & 1) != 0 ? &fields[i] : NULL;
        }
    }
    return NULL;
}

static bool fields_read(struct sl_reader *r, struct sl_node_event *event)
{
    uint32_t seen = 0;
    uint8_t last = 0;

    while (sl_reader_left(r) > 0) {
        const uint8_t tag = sl_reader_u8(r);
        const uint16_t size = sl_reader_be16(r);
        const uint8_t *data = sl_reader_bytes(r, size);
        const struct field *field = field_find(tag, (unsigned)event->type);

        if (data == NULL || size == 0 || tag <= last || field == NULL ||
            !field_read(field, data, size, (uint8_t *)event + field->off)) {
            return false;
        }
        last = tag;
        seen |= 1u << tag;
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if ((fields[i].needs >> event->type & 1) != 0 && (seen >> fields[i].tag & 1) == 0) {
            return false;
        }
    }
    return true;
}

sl_rc sl_node_event_read(const uint8_t *data, size_t size, size_t *off,
                         struct sl_node_event *ret_event, struct sl_err *err)
{
    const size_t left = size - *off;
    struct sl_reader r;
    uint8_t version, type;

    memset(ret_event, 0, sizeof(*ret_event));
    if (left == 0) {
        return SL_CLOSED;
    }
    if (left < 2 || left - 2 < sl_be16_get(data + *off)) {
        return sl_err_set(err, SL_TRUNCATED, "event at byte %zu: the log ends within it", *off);
    }
    sl_reader_init(&r, data + *off + 2, sl_be16_get(data + *off));
    version = sl_reader_u8(&r);
    type = sl_reader_u8(&r);
    if (r.rc == SL_OK && (version != VERSION || !is_type(type))) {
        return sl_err_set(err, SL_UNSUPPORTED, "event at byte %zu: version %u, type %u", *off,
                          version, type);
    }
    ret_event->type = (enum sl_node_event_type)type;
    ret_event->number = sl_reader_be64(&r);
    ret_event->time_ms = sl_reader_be64(&r);
    if (r.rc != SL_OK || r.size + 2 > SL_NODE_EVENT_SIZE_MAX || !fields_read(&r, ret_event)) {
        return sl_err_set(err, SL_MALFORMED, "event at byte %zu (type %u): its fields are wrong",
                          *off, type);
    }
    ret_event->record = data + *off;
    ret_event->record_size = r.size + 2;
    *off += ret_event->record_size;
    return SL_OK;
}
