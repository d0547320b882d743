/* SPDX-License-Identifier: Apache-2.0 */
/* Options of flow tables: defaults, by name, on the wire. */
#include "flow/options.h"

#include <string.h>

#include "base/bytes.h"

struct option {
    uint16_t number;
    const char *name;
    size_t off; /* in struct sl_flow_options */
    uint32_t standard, least, most;
};

static const struct option table[] = {
#define OPTION(number, name, standard, least, most, text)                                          \
    {number, #name, offsetof(struct sl_flow_options, name), standard, least, most},
    SL_FLOW_OPTION_TABLE(OPTION)
#undef OPTION
};

enum { COUNT = sizeof(table) / sizeof(table[0]), PAIR_SIZE = 6 };
_Static_assert(COUNT *PAIR_SIZE <= SL_FLOW_OPTIONS_MAX, "all options fit");

static uint32_t *field(struct sl_flow_options *options, const struct option *option)
{
    return (uint32_t *)(void *)((uint8_t *)options + option->off);
}

static uint32_t value_of(const struct sl_flow_options *options, const struct option *option)
{
    return *(const uint32_t *)(const void *)((const uint8_t *)options + option->off);
}

void sl_flow_options_default(struct sl_flow_options *options)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        *field(options, &table[i]) = table[i].standard;
    }
}

static sl_rc set(struct sl_flow_options *options, const struct option *option, uint64_t value,
                 struct sl_err *err)
{
    if ((value < option->least || value > option->most) && value != option->standard) {
        return sl_err_set(err, SL_RANGE, "flow table: %s is %llu, expected %u to %u", option->name,
                          (unsigned long long)value, option->least, option->most);
    }
    *field(options, option) = (uint32_t)value;
    return SL_OK;
}

sl_rc sl_flow_options_set(struct sl_flow_options *options, const char *name, uint64_t value,
                          struct sl_err *err)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return set(options, &table[i], value, err);
        }
    }
    return sl_err_set(err, SL_NOT_FOUND, "flow table: no option \"%s\"", name);
}

sl_rc sl_flow_options_read(struct sl_flow_options *options, const void *data, size_t size,
                           struct sl_err *err)
{
    struct sl_reader r;
    struct sl_flow_options read = *options;
    sl_reader_init(&r, data, size);
    while (sl_reader_left(&r) > 0) {
        uint16_t number = sl_reader_be16(&r);
        uint32_t value = sl_reader_be32(&r);
        if (r.rc != SL_OK) {
            return sl_err_set(err, r.rc, "flow table: options end within a pair");
        }
        uint32_t i = 0;
        while (i < COUNT && table[i].number != number) {
            i++;
        }
        if (i == COUNT) {
            return sl_err_set(err, SL_UNSUPPORTED, "flow table: this image has no option %u",
                              number);
        }
        sl_rc rc = set(&read, &table[i], value, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    *options = read;
    return SL_OK;
}

sl_rc sl_flow_options_write(const struct sl_flow_options *options, void *out, size_t room,
                            size_t *ret_size)
{
    struct sl_writer w;
    sl_writer_init(&w, out, room);
    for (uint32_t i = 0; i < COUNT; i++) {
        if (value_of(options, &table[i]) != table[i].standard) {
            sl_writer_be16(&w, table[i].number);
            sl_writer_be32(&w, value_of(options, &table[i]));
        }
    }
    if (w.rc == SL_OK) {
        *ret_size = w.off;
    }
    return w.rc;
}
