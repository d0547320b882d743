/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM and a kernel made of software keys and arrays: public areas, measurement lists, boot logs,
 * quotes. For tests only: what is judged is judged by the product's own code. */
#ifndef SL_TESTS_MONITOR_RIG_H
#define SL_TESTS_MONITOR_RIG_H

#include <jansson.h>
#include <openssl/evp.h>

#include "attest/ima_replay.h"
#include "attest/node_event.h"
#include "attest/tpm_quote.h"
#include "monitor/policy.h"

enum { RIG_ENTRIES_MAX = 512, RIG_DATA_MAX = 256 << 10 };

struct rig {
    EVP_PKEY *ek, *ak;
    json_t *registration;
    uint8_t bootlog[4096];
    size_t bootlog_size;
    /* the kernel's list, and where each entry ends */
    uint8_t list[RIG_DATA_MAX];
    size_t ends[RIG_ENTRIES_MAX + 1];
    size_t entries;
    uint8_t pcrs[RIG_ENTRIES_MAX + 1][SL_TPM_PCR_COUNT][32]; /* sha256, after each entry */
    uint64_t clock;
    uint32_t resets;
    uint64_t firmware;
    uint8_t nonce[SL_MONITOR_NONCE_SIZE];
    /* reference digests: the SHA-256 of these names */
    const char *known[32]; /* "set:path" */
    size_t known_count;
    struct sl_refvals refvals;
    struct sl_monitor_policy *policy;
    uint8_t state[SL_NODE_STATE_MAX];
    size_t state_size;
    bool has_state;
    uint64_t from; /* of the list that is sent */
    json_t *containers;
    /* container events, in PCR 14 */
    uint8_t events[64 << 10];
    size_t event_ends[256], events_size, events_from;
    uint64_t event_count;
    uint8_t event_pcr[32];
    bool has_events;
};

struct rig *rig_make(void);
void rig_free(struct rig *rig);
/* TPM2B_PUBLIC of a P-256 key. */
size_t rig_public(EVP_PKEY *key, uint32_t attributes, uint8_t out[256]);
/* A new boot: empty list with its boot_aggregate, PCRs from the boot log. */
void rig_boot(struct rig *rig);
/* The digest of a file is the SHA-256 of its path. */
void rig_measure(struct rig *rig, uint32_t pcr, const char *path);
void rig_violate(struct rig *rig, uint32_t pcr, const char *path);
/* With a control group, as patched kernels write it. */
void rig_measure_group(struct rig *rig, const char *group, const char *path);
void rig_list_add(struct rig *rig, uint32_t pcr, const char *template, const uint8_t *data,
                  size_t size, bool is_violation);
/* The next container event; of an agent: that it begins now; of an execution: the SHA-256 of its
 * path is the file's. */
void rig_event(struct rig *rig, struct sl_node_event event);
/* Evidence whose quote is made after @p quoted entries, with the list from rig->from to @p shown.
 */
json_t *rig_evidence(struct rig *rig, size_t quoted, size_t shown);
/* Appraises; takes the state over where @p is_kept. */
void rig_judge(struct rig *rig, json_t *evidence, bool is_kept, struct sl_appraisal *appraisal);
/* A whole good round over all entries: evidence, appraisal. */
void rig_round(struct rig *rig, struct sl_appraisal *appraisal);
/* A container for the next rounds. */
void rig_container(struct rig *rig, const char *id, const char *image, uint32_t uid_first,
                   const char *state);
const struct sl_subject *rig_subject(const struct sl_appraisal *appraisal,
                                     enum sl_subject_kind kind, const char *id);
const json_t *rig_reason(const struct sl_subject *subject, const char *code);
void rig_show(const struct sl_appraisal *appraisal);

#endif
