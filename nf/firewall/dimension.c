/* SPDX-License-Identifier: Apache-2.0 */
/* Builds a dimension by sweeping over its values: at each bound a few rules begin or end. */
#include "firewall/dimension.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* At `at` and above, the rule behind `bit` changes between matching and not. */
struct event {
    fw_key at;
    uint32_t bit;
};

/* What the sweep carries along. */
struct sweep {
    struct fw_vectors *vectors;
    struct fw_chunk chunks[FW_CHUNKS_MAX];
    uint32_t numbers[FW_CHUNKS_MAX];
    uint64_t dirty[FW_LIVE_WORDS_MAX]; /* chunks that changed since their number was taken */
};

static int compare_events(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;
    return left->at < right->at ? -1 : left->at > right->at;
}

static void toggle(struct sweep *sweep, uint32_t bit)
{
    uint32_t chunk = bit / FW_CHUNK_BITS;
    sweep->chunks[chunk].words[bit % FW_CHUNK_BITS / 64] ^= (uint64_t)1 << bit % 64;
    sweep->dirty[chunk / 64] |= (uint64_t)1 << chunk % 64;
}

/* Row of the present state; only the chunks that changed since the last call are looked up. */
static sl_rc take_row(struct sweep *sweep, fw_row *ret_row)
{
    for (uint32_t word = 0; word < FW_LIVE_WORDS_MAX; word++) {
        for (; sweep->dirty[word] != 0; sweep->dirty[word] &= sweep->dirty[word] - 1) {
            uint32_t chunk = word * 64 + (uint32_t)__builtin_ctzll(sweep->dirty[word]);
            sl_rc rc =
                fw_vectors_chunk(sweep->vectors, &sweep->chunks[chunk], &sweep->numbers[chunk]);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    return fw_vectors_row(sweep->vectors, sweep->numbers, ret_row);
}

/* Bounds of all rules in order of value; also sets the bits of the rules that do not ask. */
static struct event *collect_events(const struct fw_rules *rules, const uint32_t *rule_of_bit,
                                    uint32_t bit_count, uint32_t dim, struct sweep *sweep,
                                    uint32_t *ret_count)
{
    uint32_t count = 0;
    for (uint32_t bit = 0; bit < bit_count; bit++) {
        count += 2 * rules->rules[rule_of_bit[bit]].count[dim];
    }
    struct event *events = malloc(((size_t)count + 1) * sizeof(*events));
    if (events == NULL) {
        return NULL;
    }
    count = 0;
    for (uint32_t bit = 0; bit < bit_count; bit++) {
        const struct fw_rule *rule = &rules->rules[rule_of_bit[bit]];
        if (rule->count[dim] == 0) {
            toggle(sweep, bit);
        }
        for (uint32_t i = 0; i < rule->count[dim]; i++) {
            const struct fw_interval *interval = &rules->intervals[rule->first[dim] + i];
            events[count++] = (struct event){.at = interval->lo, .bit = bit};
            if (interval->hi < fw_dim_max(dim)) {
                events[count++] = (struct event){.at = interval->hi + 1, .bit = bit};
            }
        }
    }
    qsort(events, count, sizeof(*events), compare_events);
    *ret_count = count;
    return events;
}

static void add_piece(struct fw_dimension *dimension, fw_key start, fw_row row)
{
    uint32_t at = dimension->count;
    if (at > 0 && dimension->rows[at - 1] == row) {
        return; /* the same rules as before: not a bound */
    }
    dimension->rows[at] = row;
    if (dimension->starts6 != NULL) {
        dimension->starts6[2 * (size_t)at] = (uint64_t)(start >> 64);
        dimension->starts6[2 * (size_t)at + 1] = (uint64_t)start;
    } else {
        dimension->starts[at] = (uint32_t)start;
    }
    dimension->count++;
}

static sl_rc run_sweep(struct fw_dimension *dimension, struct sweep *sweep,
                       const struct event *events, uint32_t count)
{
    uint32_t at = 0;
    fw_key start = 0;
    while (true) {
        for (; at < count && events[at].at == start; at++) {
            toggle(sweep, events[at].bit);
        }
        fw_row row;
        sl_rc rc = take_row(sweep, &row);
        if (rc != SL_OK) {
            return rc;
        }
        add_piece(dimension, start, row);
        if (at == count) {
            return SL_OK;
        }
        start = events[at].at;
    }
}

/* The bisection may look `extra` pieces past the last one; there it finds the last one again. */
static sl_rc pad_pieces(struct fw_dimension *dimension, uint32_t extra)
{
    size_t total = (size_t)dimension->count + extra;
    uint32_t *starts = realloc(dimension->starts, total * sizeof(*starts));
    dimension->starts = starts != NULL ? starts : dimension->starts;
    fw_row *rows = realloc(dimension->rows, total * sizeof(*rows));
    dimension->rows = rows != NULL ? rows : dimension->rows;
    if (starts == NULL || rows == NULL) {
        return SL_NO_MEMORY;
    }
    for (size_t i = dimension->count; i < total; i++) {
        starts[i] = UINT32_MAX;
        rows[i] = rows[dimension->count - 1];
    }
    return SL_OK;
}

/* Widths 2 and 4: a table over the leading bits, a few entries per piece, 16 bits at most. */
static sl_rc build_index(struct fw_dimension *dimension)
{
    uint32_t value_bits = 8u * dimension->width;
    uint32_t bits = 4;
    while (bits < 16 && (1u << bits) < 4 * dimension->count) {
        bits++;
    }
    dimension->shift = (uint8_t)(value_bits - bits);
    dimension->index = malloc((1u << bits) * sizeof(*dimension->index));
    if (dimension->index == NULL) {
        return SL_NO_MEMORY;
    }
    uint32_t piece = 0;
    uint32_t longest = 1;
    for (uint64_t prefix = 0; prefix < 1u << bits; prefix++) {
        uint64_t first = prefix << dimension->shift;
        uint64_t next = (prefix + 1) << dimension->shift;
        uint32_t end = piece;
        while (end + 1 < dimension->count && dimension->starts[end + 1] < next) {
            end++;
        }
        if (piece + 1 < dimension->count && dimension->starts[piece + 1] == first) {
            piece++;
        }
        dimension->index[prefix] = piece;
        longest = end - piece + 1 > longest ? end - piece + 1 : longest;
        piece = end;
    }
    dimension->first_step = longest > 1 ? 1 : 0;
    while (2 * dimension->first_step < longest) {
        dimension->first_step = dimension->first_step == 0 ? 1 : 2 * dimension->first_step;
    }
    return pad_pieces(dimension, 2 * dimension->first_step);
}

/* Width 1: one row per value. */
static sl_rc expand_bytes(struct fw_dimension *dimension)
{
    const uint32_t *starts = dimension->starts;
    fw_row *rows = starts != NULL ? malloc(256 * sizeof(*rows)) : NULL;
    if (rows == NULL) {
        return SL_NO_MEMORY;
    }
    uint32_t piece = 0;
    for (uint32_t value = 0; value < 256; value++) {
        if (piece + 1 < dimension->count && starts[piece + 1] <= value) {
            piece++;
        }
        rows[value] = dimension->rows[piece];
    }
    free(dimension->rows);
    free(dimension->starts);
    dimension->rows = rows;
    dimension->starts = NULL;
    dimension->count = 256;
    return SL_OK;
}

sl_rc fw_dimension_build(const struct fw_rules *rules, const uint32_t *rule_of_bit,
                         uint32_t bit_count, uint32_t dim, struct fw_vectors *vectors,
                         struct fw_dimension *ret_dimension)
{
    sl_rc rc = SL_NO_MEMORY;
    struct fw_dimension dimension = {.dim = (uint8_t)dim, .width = (uint8_t)fw_dim_width(dim)};
    struct event *events = NULL;
    struct sweep *sweep = calloc(1, sizeof(*sweep));
    if (sweep == NULL) {
        goto out;
    }
    sweep->vectors = vectors;
    uint32_t count = 0;
    events = collect_events(rules, rule_of_bit, bit_count, dim, sweep, &count);
    if (events == NULL) {
        goto out;
    }
    rc = take_row(sweep, &dimension.none);
    if (rc != SL_OK) {
        goto out;
    }
    dimension.rows = calloc((size_t)count + 1, sizeof(*dimension.rows));
    if (dimension.width == 16) {
        dimension.starts6 = calloc(2 * ((size_t)count + 1), sizeof(*dimension.starts6));
    } else {
        dimension.starts = calloc((size_t)count + 1, sizeof(*dimension.starts));
    }
    if (dimension.rows == NULL || (dimension.starts == NULL && dimension.starts6 == NULL)) {
        rc = SL_NO_MEMORY;
        goto out;
    }
    rc = run_sweep(&dimension, sweep, events, count);
    if (rc == SL_OK && dimension.width == 1) {
        rc = expand_bytes(&dimension);
    } else if (rc == SL_OK && dimension.width <= 4) {
        rc = build_index(&dimension);
    }
    if (rc == SL_OK) {
        *ret_dimension = dimension;
        dimension = (struct fw_dimension){0};
    }
out:
    fw_dimension_done(&dimension);
    free(events);
    free(sweep);
    return rc;
}

void fw_dimension_done(struct fw_dimension *dimension)
{
    free(dimension->rows);
    free(dimension->starts);
    free(dimension->index);
    free(dimension->starts6);
    *dimension = (struct fw_dimension){0};
}

size_t fw_dimension_bytes(const struct fw_dimension *dimension)
{
    size_t per_piece = sizeof(fw_row);
    if (dimension->width == 16) {
        per_piece += 2 * sizeof(uint64_t);
    } else if (dimension->width > 1) {
        per_piece += sizeof(uint32_t);
    }
    size_t bytes = dimension->count * per_piece;
    if (dimension->index != NULL) {
        bytes += ((1u << (8u * dimension->width - dimension->shift)) + 1) * sizeof(uint32_t);
    }
    return bytes;
}
