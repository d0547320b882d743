/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: built from the rules of one family; looked up by packet. */
#include "firewall/classifier.h"

#include <stdlib.h>
#include <string.h>

#include "safelib/bytes.h"

enum {
    PROTO_ICMP = 1,
    PROTO_ICMP6 = 58,
};

/* Dimensions that packets of the other family alone have. */
static bool is_dim_of(uint32_t dim, uint8_t family)
{
    switch (dim) {
    case SL_FW_DIM_SRC4:
    case SL_FW_DIM_DST4:
        return family == SL_FW_IP4;
    case SL_FW_DIM_SRC6:
    case SL_FW_DIM_DST6:
    case SL_FW_DIM_NEXT_HEADER:
        return family == SL_FW_IP6;
    default:
        return true;
    }
}

/* A rule of the family that asks for something that only the other family has never matches. */
static bool is_rule_of(const struct fw_rule *rule, uint8_t family)
{
    if ((rule->families & family) == 0) {
        return false;
    }
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT; dim++) {
        if (rule->count[dim] != 0 && !is_dim_of(dim, family)) {
            return false;
        }
    }
    return true;
}

static sl_rc select_rules(const struct fw_rules *rules, uint8_t family, struct fw_table *table)
{
    table->rule_of_bit = malloc(((size_t)rules->count + 1) * sizeof(*table->rule_of_bit));
    if (table->rule_of_bit == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        if (is_rule_of(&rules->rules[i], family)) {
            table->rule_of_bit[table->bit_count++] = i;
        }
    }
    return SL_OK;
}

static bool is_constrained(const struct fw_rules *rules, const struct fw_table *table, uint32_t dim)
{
    for (uint32_t bit = 0; bit < table->bit_count; bit++) {
        if (rules->rules[table->rule_of_bit[bit]].count[dim] != 0) {
            return true;
        }
    }
    return false;
}

sl_rc fw_table_build(const struct fw_rules *rules, uint8_t family, struct fw_table *ret_table)
{
    struct fw_table table = {0};
    sl_rc rc = select_rules(rules, family, &table);
    if (rc != SL_OK) {
        goto out;
    }
    rc = fw_vectors_init(&table.vectors, table.bit_count);
    if (rc != SL_OK) {
        goto out;
    }
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT; dim++) {
        /* the protocol stays in where nothing is constrained, so that every table has a dimension
         */
        bool is_needed = dim == SL_FW_DIM_PROTO || is_constrained(rules, &table, dim);
        if (!is_needed) {
            continue;
        }
        rc = fw_dimension_build(rules, table.rule_of_bit, table.bit_count, dim, &table.vectors,
                                &table.dims[table.dim_count]);
        if (rc != SL_OK) {
            goto out;
        }
        table.dim_count++;
        if (fw_table_bytes(&table) > FW_MEMORY_MAX) {
            rc = SL_NO_MEMORY;
            goto out;
        }
    }
    fw_vectors_seal(&table.vectors);
    *ret_table = table;
    return SL_OK;
out:
    fw_table_done(&table);
    return rc;
}

void fw_table_done(struct fw_table *table)
{
    for (uint32_t i = 0; i < table->dim_count; i++) {
        fw_dimension_done(&table->dims[i]);
    }
    fw_vectors_done(&table->vectors);
    free(table->rule_of_bit);
    *table = (struct fw_table){0};
}

size_t fw_table_bytes(const struct fw_table *table)
{
    size_t bytes = fw_vectors_bytes(&table->vectors) + table->bit_count * sizeof(uint32_t);
    for (uint32_t i = 0; i < table->dim_count; i++) {
        bytes += fw_dimension_bytes(&table->dims[i]);
    }
    return bytes;
}

/* Value of an ICMP field where the packet has one of its own family's kind or the other. */
static fw_row icmp_row(const struct fw_dimension *dimension, const struct sl_packet *packet,
                       uint8_t value)
{
    bool is_icmp = packet->proto == PROTO_ICMP || packet->proto == PROTO_ICMP6;
    bool has = is_icmp && (packet->has & SL_PKT_HAS_ICMP) != 0;
    return has ? dimension->rows[value] : dimension->none;
}

static fw_row row_of(const struct fw_dimension *dimension, const struct sl_packet *packet)
{
    switch (dimension->dim) {
    case SL_FW_DIM_SRC4:
        return fw_dimension_row32(dimension, sl_be32_get(packet->src));
    case SL_FW_DIM_DST4:
        return fw_dimension_row32(dimension, sl_be32_get(packet->dst));
    case SL_FW_DIM_SRC6:
        return fw_dimension_row128(dimension, sl_be64_get(packet->src),
                                   sl_be64_get(packet->src + 8));
    case SL_FW_DIM_DST6:
        return fw_dimension_row128(dimension, sl_be64_get(packet->dst),
                                   sl_be64_get(packet->dst + 8));
    case SL_FW_DIM_SPORT:
        return packet->has & SL_PKT_HAS_PORTS ? fw_dimension_row32(dimension, packet->sport)
                                              : dimension->none;
    case SL_FW_DIM_DPORT:
        return packet->has & SL_PKT_HAS_PORTS ? fw_dimension_row32(dimension, packet->dport)
                                              : dimension->none;
    case SL_FW_DIM_PROTO:
        return dimension->rows[packet->proto];
    case SL_FW_DIM_TCP_FLAGS:
        return packet->has & SL_PKT_HAS_TCP ? dimension->rows[packet->tcp_flags] : dimension->none;
    case SL_FW_DIM_ICMP_TYPE:
        return icmp_row(dimension, packet, packet->icmp_type);
    case SL_FW_DIM_ICMP_CODE:
        return icmp_row(dimension, packet, packet->icmp_code);
    case SL_FW_DIM_PORT_IN:
        return dimension->rows[packet->port_in];
    case SL_FW_DIM_FRAGMENT:
        return dimension->rows[packet->has >> SL_FW_FRAGMENT_SHIFT & 15];
    default: /* SL_FW_DIM_NEXT_HEADER: RFC 8200 3, byte 6 */
        return dimension->rows[packet->data[6]];
    }
}

void fw_table_rows(const struct fw_table *table, const struct sl_packet *packet,
                   struct fw_rows *ret_rows)
{
    for (uint32_t i = 0; i < table->dim_count; i++) {
        ret_rows->at[i] = table->vectors.rows + row_of(&table->dims[i], packet);
    }
}

/* Common bits of chunk `chunk` in all rows. */
static inline struct fw_chunk meet(const struct fw_table *table, const struct fw_rows *rows,
                                   uint32_t chunk)
{
    const struct fw_chunk *chunks = table->vectors.chunks;
    struct fw_chunk bits = chunks[((const uint32_t *)(rows->at[0] + 1))[chunk]];
    for (uint32_t i = 1; i < table->dim_count; i++) {
        const struct fw_chunk *other = &chunks[((const uint32_t *)(rows->at[i] + 1))[chunk]];
        for (uint32_t w = 0; w < FW_CHUNK_WORDS; w++) {
            bits.words[w] &= other->words[w];
        }
    }
    return bits;
}

static inline uint32_t first_bit(const struct fw_chunk *bits)
{
    for (uint32_t w = 0; w < FW_CHUNK_WORDS; w++) {
        if (bits->words[w] != 0) {
            return w * 64 + (uint32_t)__builtin_ctzll(bits->words[w]);
        }
    }
    return FW_NO_BIT;
}

/* Clears the bits below `bit` (of a chunk). */
static void clear_below(struct fw_chunk *bits, uint32_t bit)
{
    for (uint32_t w = 0; w < bit / 64; w++) {
        bits->words[w] = 0;
    }
    bits->words[bit / 64] &= ~(uint64_t)0 << bit % 64;
}

uint32_t fw_table_match(const struct fw_table *table, const struct fw_rows *rows, uint32_t from)
{
    if (from >= table->bit_count) {
        return FW_NO_BIT;
    }
    uint64_t live = rows->at[0][0];
    for (uint32_t i = 1; i < table->dim_count; i++) {
        live &= rows->at[i][0];
    }
    live &= ~(uint64_t)0 << from / FW_CHUNK_BITS;
    for (; live != 0; live &= live - 1) {
        uint32_t chunk = (uint32_t)__builtin_ctzll(live);
        struct fw_chunk bits = meet(table, rows, chunk);
        if (from > chunk * FW_CHUNK_BITS) {
            clear_below(&bits, from % FW_CHUNK_BITS);
        }
        uint32_t bit = first_bit(&bits);
        if (bit != FW_NO_BIT) {
            return chunk * FW_CHUNK_BITS + bit;
        }
    }
    return FW_NO_BIT;
}

uint32_t fw_table_bit_of(const struct fw_table *table, uint32_t rule)
{
    uint32_t low = 0;
    uint32_t high = table->bit_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->rule_of_bit[middle] < rule) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
