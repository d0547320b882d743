/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The rate limiter's compiled policy, big-endian: what the tenant's compiler writes and the
 * limiter in the image loads.
 *
 *   u32 magic "SLLM", u16 format, u16 rule count
 *   per rule:
 *     u32 id, not 0, of what it matches and of how it counts: a rule of the same id in the next
 *             policy takes over its buckets
 *     u8 ports (1 LAN, 2 WAN), u8 families (1 IPv4, 2 IPv6), u8 protocol, u8 has (SL_LM_HAS_*)
 *     16 bytes source, u8 length, 16 bytes destination, u8 length: prefixes of the one family that
 *             `families` then has
 *     u16 first, last source port, u16 first, last destination port
 *     u8 enum sl_lm_key, u8 prefix length for IPv4, u8 for IPv6, u8 enum sl_lm_unit
 *     u32 buckets (a power of two; 0 unless per source or destination)
 *     u64 units a week, u64 burst in units
 *     u8 enum sl_lm_action, u8 DSCP
 */
#ifndef SL_NF_LIMITER_FORMAT_H
#define SL_NF_LIMITER_FORMAT_H

#define SL_LM_MAGIC 0x534c4c4du
/** A rate's unit of time, chosen so that every `N/second` to `N/week` is a whole number. */
#define SL_LM_WEEK_MS   604800000ull
#define SL_LM_RATE_MAX  (1ull << 62)
#define SL_LM_BURST_MAX (1ull << 28)

enum {
    SL_LM_FORMAT = 1,
    SL_LM_RULES_MAX = 256,
    SL_LM_SHARDS_MAX = 64,       /**< level of a full bucket: burst * week * shards < 2^64 */
    SL_LM_FLOW_RULES_MAX = 4,    /**< rules per flow */
    SL_LM_BUCKETS_MIN = 64,      /**< of a rule per source or destination */
    SL_LM_BUCKETS_MAX = 1 << 18, /**< of all such rules together, per shard: 8 MiB */
    SL_LM_HAS_PROTO = 1,
    SL_LM_HAS_SOURCE = 2,
    SL_LM_HAS_DESTINATION = 4,
    SL_LM_HAS_PORTS = 8,
    SL_LM_IP4 = 1,
    SL_LM_IP6 = 2,
};

/** What has a bucket of its own. */
enum sl_lm_key {
    SL_LM_PER_RULE = 0,
    SL_LM_PER_SOURCE = 1,
    SL_LM_PER_DESTINATION = 2,
    SL_LM_PER_FLOW = 3,
    SL_LM_KEY_COUNT = 4,
};

enum sl_lm_unit {
    SL_LM_BYTES = 0,
    SL_LM_PACKETS = 1,
    SL_LM_UNIT_COUNT = 2,
};

/** What becomes of a packet that finds too little in its bucket. */
enum sl_lm_action {
    SL_LM_DROP = 0,
    SL_LM_MARK = 1, /**< DSCP set; goes on to the next rule */
    SL_LM_ACTION_COUNT = 2,
};

#endif
