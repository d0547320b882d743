/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: built from the rules of one family; looked up by packet. */
#include "firewall/classifier.h"

#include <stdlib.h>
#include <string.h>

#include "safelib/bytes.h"

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

/* Where a rule goes among the bits. */
struct place {
    uint32_t group;
    fw_key at;
    uint32_t rule;
};

/* Values that a rule takes in a dimension, saturated. */
static fw_key extent(const struct fw_rules *rules, const struct fw_rule *rule, uint32_t dim)
{
    fw_key sum = 0;
    for (uint32_t i = 0; i < rule->count[dim]; i++) {
        const struct fw_interval *interval = &rules->intervals[rule->first[dim] + i];
        sum += interval->hi - interval->lo;
    }
    return rule->count[dim] == 0 ? fw_dim_max(dim) : sum;
}

/* A rule is placed by the narrower of its addresses, else by its ports: whatever it is placed by is
 * rare in packets, and its neighbours are about the same value. */
static struct place place_of(const struct fw_rules *rules, uint32_t index, uint8_t family)
{
    const struct fw_rule *rule = &rules->rules[index];
    uint32_t src = family == SL_FW_IP4 ? SL_FW_DIM_SRC4 : SL_FW_DIM_SRC6;
    uint32_t dst = family == SL_FW_IP4 ? SL_FW_DIM_DST4 : SL_FW_DIM_DST6;
    fw_key src_extent = extent(rules, rule, src);
    fw_key dst_extent = extent(rules, rule, dst);
    fw_key wide = fw_dim_max(src) >> 3;
    const uint32_t order[] = {src_extent <= dst_extent ? src : dst, SL_FW_DIM_DPORT,
                              SL_FW_DIM_SPORT};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t dim = order[i];
        bool is_narrow = i > 0 ? rule->count[dim] != 0 : extent(rules, rule, dim) < wide;
        if (is_narrow) {
            return (struct place){dim, rules->intervals[rule->first[dim]].lo, index};
        }
    }
    return (struct place){SL_FW_DIM_COUNT, index, index};
}

static int compare_places(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    if (left->group != right->group) {
        return left->group < right->group ? -1 : 1;
    }
    if (left->at != right->at) {
        return left->at < right->at ? -1 : 1;
    }
    return left->rule < right->rule ? -1 : left->rule > right->rule;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* Gives every rule of the family its bit. */
static sl_rc place_rules(const struct fw_rules *rules, uint8_t family, struct fw_table *table)
{
    uint32_t chunk_max = rules->count / FW_CHUNK_BITS + 1;
    struct place *places = malloc(((size_t)rules->count + 1) * sizeof(*places));
    table->rule_of_bit = malloc(((size_t)rules->count + 1) * sizeof(*table->rule_of_bit));
    table->first_rule = malloc(chunk_max * sizeof(*table->first_rule));
    if (places == NULL || table->rule_of_bit == NULL || table->first_rule == NULL) {
        free(places);
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        if (is_rule_of(&rules->rules[i], family)) {
            places[table->bit_count++] = place_of(rules, i, family);
        }
    }
    qsort(places, table->bit_count, sizeof(*places), compare_places);
    for (uint32_t bit = 0; bit < table->bit_count; bit++) {
        table->rule_of_bit[bit] = places[bit].rule;
    }
    free(places);
    for (uint32_t bit = 0; bit < table->bit_count; bit += FW_CHUNK_BITS) {
        uint32_t left = table->bit_count - bit;
        qsort(table->rule_of_bit + bit, left < FW_CHUNK_BITS ? left : FW_CHUNK_BITS,
              sizeof(*table->rule_of_bit), compare_numbers);
        table->first_rule[bit / FW_CHUNK_BITS] = table->rule_of_bit[bit];
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
    sl_rc rc = place_rules(rules, family, &table);
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
    free(table->first_rule);
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

/* Per kind of dimension, one loop over the burst: the loads of different packets overlap. */
typedef void rows_fn(const struct fw_dimension *dimension, const struct sl_packet *const *packets,
                     const struct fw_ct *cts, uint32_t count, const uint64_t *base,
                     const uint64_t **ret_rows);

/* Body of a rows_fn: `row` says how packet p's row in dimension d is found. */
#define ROWS_FN(name, row)                                                                         \
    static void name(const struct fw_dimension *d, const struct sl_packet *const *packets,         \
                     const struct fw_ct *cts, uint32_t count, const uint64_t *base,                \
                     const uint64_t **ret_rows)                                                    \
    {                                                                                              \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            const struct sl_packet *p = packets[i];                                                \
            (void)p;                                                                               \
            ret_rows[i] = base + (row);                                                            \
            __builtin_prefetch(ret_rows[i]);                                                       \
        }                                                                                          \
    }

ROWS_FN(rows_src4, fw_dimension_row32(d, sl_be32_get(p->src)))
ROWS_FN(rows_dst4, fw_dimension_row32(d, sl_be32_get(p->dst)))
ROWS_FN(rows_src6, fw_dimension_row128(d, sl_be64_get(p->src), sl_be64_get(p->src + 8)))
ROWS_FN(rows_dst6, fw_dimension_row128(d, sl_be64_get(p->dst), sl_be64_get(p->dst + 8)))
ROWS_FN(rows_sport, p->has &SL_PKT_HAS_PORTS ? fw_dimension_row32(d, p->sport) : d->none)
ROWS_FN(rows_dport, p->has &SL_PKT_HAS_PORTS ? fw_dimension_row32(d, p->dport) : d->none)
ROWS_FN(rows_proto, d->rows[p->proto])
ROWS_FN(rows_tcp_flags, p->has &SL_PKT_HAS_TCP ? d->rows[p->tcp_flags] : d->none)
ROWS_FN(rows_icmp_type, p->has &SL_PKT_HAS_ICMP ? d->rows[p->icmp_type] : d->none)
ROWS_FN(rows_icmp_code, p->has &SL_PKT_HAS_ICMP ? d->rows[p->icmp_code] : d->none)
ROWS_FN(rows_port_in, d->rows[p->port_in])
ROWS_FN(rows_fragment, d->rows[p->has >> SL_FW_FRAGMENT_SHIFT & 15])
ROWS_FN(rows_next_header, d->rows[p->data[6]]) /* RFC 8200 3 */
ROWS_FN(rows_ct_state, cts != NULL ? d->rows[cts[i].state] : d->none)
ROWS_FN(rows_ct_direction,
        cts != NULL && cts[i].has_direction ? d->rows[cts[i].direction] : d->none)

bool fw_table_has(const struct fw_table *table, uint32_t dim)
{
    for (uint32_t i = 0; i < table->dim_count; i++) {
        if (table->dims[i].dim == dim) {
            return true;
        }
    }
    return false;
}

void fw_table_rows(const struct fw_table *table, const struct sl_packet *const *packets,
                   const struct fw_ct *cts, uint32_t count, struct fw_rows *ret_rows)
{
    static rows_fn *const by_dim[SL_FW_DIM_COUNT] = {
        [SL_FW_DIM_SRC4] = rows_src4,
        [SL_FW_DIM_DST4] = rows_dst4,
        [SL_FW_DIM_SRC6] = rows_src6,
        [SL_FW_DIM_DST6] = rows_dst6,
        [SL_FW_DIM_SPORT] = rows_sport,
        [SL_FW_DIM_DPORT] = rows_dport,
        [SL_FW_DIM_PROTO] = rows_proto,
        [SL_FW_DIM_TCP_FLAGS] = rows_tcp_flags,
        [SL_FW_DIM_ICMP_TYPE] = rows_icmp_type,
        [SL_FW_DIM_ICMP_CODE] = rows_icmp_code,
        [SL_FW_DIM_PORT_IN] = rows_port_in,
        [SL_FW_DIM_FRAGMENT] = rows_fragment,
        [SL_FW_DIM_NEXT_HEADER] = rows_next_header,
        [SL_FW_DIM_CT_STATE] = rows_ct_state,
        [SL_FW_DIM_CT_DIRECTION] = rows_ct_direction,
    };
    for (uint32_t i = 0; i < table->dim_count; i++) {
        by_dim[table->dims[i].dim](&table->dims[i], packets, cts, count, table->vectors.rows,
                                   ret_rows->at[i]);
    }
}

/* Common bits of chunk `chunk` in all rows. */
static inline struct fw_chunk meet(const struct fw_table *table, const uint64_t *const *rows,
                                   uint32_t chunk)
{
    const struct fw_chunk *chunks = table->vectors.chunks;
    uint32_t live_words = table->vectors.live_words;
    struct fw_chunk bits = chunks[((const uint32_t *)(rows[0] + live_words))[chunk]];
    for (uint32_t i = 1; i < table->dim_count; i++) {
        const uint64_t *row = rows[(size_t)i * SL_BURST_MAX];
        const struct fw_chunk *other = &chunks[((const uint32_t *)(row + live_words))[chunk]];
        for (uint32_t w = 0; w < FW_CHUNK_WORDS; w++) {
            bits.words[w] &= other->words[w];
        }
    }
    return bits;
}

/* Lowest rule from `from` on among the bits of a chunk. */
static inline uint32_t first_rule_of(const struct fw_chunk *bits, const uint32_t *rule_of_bit,
                                     uint32_t from)
{
    for (uint32_t w = 0; w < FW_CHUNK_WORDS; w++) {
        for (uint64_t word = bits->words[w]; word != 0; word &= word - 1) {
            uint32_t rule = rule_of_bit[w * 64 + (uint32_t)__builtin_ctzll(word)];
            if (rule >= from) {
                return rule;
            }
        }
    }
    return SL_RULE_DEFAULT;
}

uint32_t fw_table_match(const struct fw_table *table, const struct fw_rows *rows, uint32_t index,
                        uint32_t from)
{
    const uint64_t *const *own = &rows->at[0][index];
    uint32_t best = SL_RULE_DEFAULT;
    for (uint32_t w = 0; w < table->vectors.live_words; w++) {
        uint64_t live = own[0][w];
        for (uint32_t i = 1; i < table->dim_count; i++) {
            live &= own[(size_t)i * SL_BURST_MAX][w];
        }
        for (; live != 0; live &= live - 1) {
            uint32_t chunk = w * 64 + (uint32_t)__builtin_ctzll(live);
            if (table->first_rule[chunk] >= best) {
                continue;
            }
            struct fw_chunk bits = meet(table, own, chunk);
            uint32_t rule =
                first_rule_of(&bits, table->rule_of_bit + (size_t)chunk * FW_CHUNK_BITS, from);
            best = rule < best ? rule : best;
        }
    }
    return best;
}
