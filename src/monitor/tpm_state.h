/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the driver "tpm-ima" remembers of a node between two rounds: the TPM's clock, the proven
 * values of its PCRs, how far its measurement list was judged, and every bad entry, so that what
 * ran something bad and stopped is not forgotten. Versioned, at most SL_NODE_STATE_MAX bytes.
 */
#ifndef SL_MONITOR_TPM_STATE_H
#define SL_MONITOR_TPM_STATE_H

#include "attest/tpm_quote.h"
#include "monitor/policy.h"

enum {
    SL_RECORDS_MAX = 64,
    SL_RECORD_PATH_MAX = 192,
    SL_RECORD_ALG_MAX = 16,
    SL_EVENT_CONTAINERS_MAX = 96,
    SL_EVENT_TAG_SIZE = 8,
    SL_TEMPLATES_MAX = 32,
    SL_EVENT_NAME_MAX = 13,
};

/** Why an entry is bad: code, text of its remedy */
#define SL_RECORD_TABLE(X)                                                                         \
    X(DIGEST, "digest-unknown")                                                                    \
    X(VIOLATION, "violation")                                                                      \
    X(TEMPLATE_HASH, "entry-hash")                                                                 \
    X(NO_DIGEST, "entry-without-digest")                                                           \
    X(BOOT_AGGREGATE, "boot-aggregate")                                                            \
    X(UNQUOTED, "pcr-unquoted")                                                                    \
    X(SIG_BAD, "signature-bad")                                                                    \
    X(SIG_UNKNOWN, "signature-unknown")
enum sl_record_why {
#define SL_RECORD_ENUM(name, code) SL_RECORD_##name,
    SL_RECORD_TABLE(SL_RECORD_ENUM)
#undef SL_RECORD_ENUM
        SL_RECORD_WHY_COUNT
};
const char *sl_record_code(enum sl_record_why why);

/** How an entry was given to a container. */
#define SL_ATTRIBUTION_TABLE(X)                                                                    \
    X(HOST, "host")                                                                                \
    X(SLOT, "slot")                                                                                \
    X(SHARED, "slot-shared")                                                                       \
    X(IMAGE, "image-set")                                                                          \
    X(TEMPLATE, "template")                                                                        \
    X(EVENTS, "events")
enum sl_attribution {
#define SL_ATTRIBUTION_ENUM(name, text) SL_BY_##name,
    SL_ATTRIBUTION_TABLE(SL_ATTRIBUTION_ENUM)
#undef SL_ATTRIBUTION_ENUM
        SL_ATTRIBUTION_COUNT
};
const char *sl_attribution_text(enum sl_attribution by);

/** A bad entry. */
struct sl_tpm_record {
    enum sl_subject_kind kind;
    enum sl_record_why why;
    enum sl_attribution by;
    char id[SL_SUBJECT_ID_MAX];
    uint64_t entry;
    uint32_t pcr;
    uint32_t more; /**< further bad entries of this subject that found no room */
    char alg[SL_RECORD_ALG_MAX];
    uint8_t digest[SL_TPM_DIGEST_MAX];
    size_t digest_size;
    char path[SL_RECORD_PATH_MAX];
    bool is_path_cut;
};

/** Why container events are proven but not believed. */
#define SL_DISTRUST_TABLE(X)                                                                       \
    X(NONE, "")                                                                                    \
    X(NO_AGENT, "the first of them is not that of an agent's start")                               \
    X(UNMET, "an agent's start names a value that PCR 10 did not have at that entry")              \
    X(UNMEASURED,                                                                                  \
      "before an agent's start IMA had not measured all that the policy's events.measured names, " \
      "with digests of events.sets")                                                               \
    X(CHANGED, "IMA measured a file of events.measured with a digest that is none of events.sets")
enum sl_distrust {
#define SL_DISTRUST_ENUM(name, text) SL_DISTRUST_##name,
    SL_DISTRUST_TABLE(SL_DISTRUST_ENUM)
#undef SL_DISTRUST_ENUM
        SL_DISTRUST_COUNT
};
const char *sl_distrust_text(enum sl_distrust why);

/** A container that runs, as far as events say. */
struct sl_tpm_event_container {
    uint8_t tag[SL_EVENT_TAG_SIZE]; /**< begin of its id's SHA-256 */
    char name[SL_EVENT_NAME_MAX];   /**< begin of its id */
    uint32_t start;                 /**< number of the event */
    bool has_gap;                   /**< it may have run what no event tells */
    int8_t slot, image_rule;        /**< rows of the policy, or -1 */
};

/** What container events have said since the node booted. */
struct sl_tpm_events {
    uint64_t count;    /**< judged */
    uint32_t measured; /**< bit per path of the policy */
    uint64_t complete; /**< entry by which all of them were measured; 0: not yet */
    bool has_agent;    /**< an agent's start was believed */
    bool is_full;      /**< more containers than can be remembered */
    enum sl_distrust distrust;
    uint32_t container_count;
    struct sl_tpm_event_container containers[SL_EVENT_CONTAINERS_MAX];
};

struct sl_tpm_state {
    bool has_quote;
    bool is_restart; /**< the list must come from entry 0 */
    bool is_full;    /**< a bad entry of a container found no room: none is trusted any more */
    struct sl_tpm_clock clock;
    uint64_t firmware;
    uint8_t policy_tag[SL_POLICY_TAG_SIZE];
    bool has_bootlog;
    uint8_t bootlog_digest[32]; /**< SHA-256 */
    struct sl_tpm_pcrs pcrs;    /**< every quoted value after `entries` entries */
    uint64_t entries;           /**< judged */
    uint64_t seen;              /**< entries in the list that came last, proven or not */
    uint64_t pending;           /**< entries that came in pieces and wait for the quote; 0: none */
    struct sl_tpm_pcrs pending_pcrs; /**< every quoted value after those, by replay alone */
    int64_t behind_since_s;          /**< since when `seen` entries wait; 0: none does */
    uint32_t touched;                /**< PCRs that the list extended */
    uint32_t images_seen;            /**< bit per image of the policy */
    uint32_t named;          /**< PCRs for which a container was named since the node booted */
    uint32_t template_count; /**< containers that a patched kernel's entries named */
    uint8_t templates[SL_TEMPLATES_MAX][SL_EVENT_TAG_SIZE]; /**< begin of the id's SHA-256 */
    struct sl_tpm_events events;
    uint32_t record_count;
    struct sl_tpm_record records[SL_RECORDS_MAX]; /**< last: what is behind the count is not set */
};

/** @retval SL_OK  @p data NULL: a zeroed state  @retval SL_MALFORMED, SL_TRUNCATED, SL_UNSUPPORTED
 * (version) */
sl_rc sl_tpm_state_read(const uint8_t *data, size_t size,
                        struct sl_tpm_state *ret_state) SL_MUST_CHECK;
/** @param[in] size  room in @p out
 * @retval SL_OK, SL_NO_SPACE */
sl_rc sl_tpm_state_write(const struct sl_tpm_state *state, uint8_t *out, size_t size,
                         size_t *ret_size) SL_MUST_CHECK;
/** Remembers that an entry named this container; the one named first is forgotten where there is no
 * room, and is then unknown until it runs something new. */
void sl_tpm_state_template(struct sl_tpm_state *state, const char *id);
bool sl_tpm_state_has_template(const struct sl_tpm_state *state, const char *id);
/** Remembers a bad entry. Without room it is counted at the subject's last record, and where the
 * subject has none, the state is full. */
void sl_tpm_state_record(struct sl_tpm_state *state, const struct sl_tpm_record *record);

/** Makes room for one more container. @return NULL: there is none, and the state says so */
struct sl_tpm_event_container *sl_tpm_state_container(struct sl_tpm_state *state);

#endif
