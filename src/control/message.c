/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the control channel's messages: written and read, with every range checked. */
#include "control/message.h"

#include "base/secret.h"
#include "control/suites.h"

enum {
    SA_INBOUND = 1u << 0,
    SA_DSCP = 1u << 1,
    SA_ESN = 1u << 2,
    SA_FLAGS = SA_INBOUND | SA_DSCP | SA_ESN,
    SPI_RESERVED_MAX = 255, /* RFC 4303 2.1: "The set of SPI values in the range 1 through 255 are
                               reserved"; 0 is for local use */
};

void sl_msg_hello_write(struct sl_writer *w, const struct sl_msg_hello *hello)
{
    sl_writer_string(w, hello->version);
    sl_writer_string(w, hello->device);
    sl_writer_be32(w, hello->shard_count);
    sl_writer_be32(w, hello->nf_count);
    for (uint32_t i = 0; i < hello->nf_count && i < 16; i++) {
        sl_writer_string(w, hello->nf_names[i]);
    }
}

sl_rc sl_msg_hello_read(struct sl_reader *r, struct sl_msg_hello *ret_hello)
{
    struct sl_msg_hello hello = {0};
    sl_reader_string(r, hello.version, sizeof(hello.version));
    sl_reader_string(r, hello.device, sizeof(hello.device));
    hello.shard_count = sl_reader_be32(r);
    hello.nf_count = sl_reader_be32(r);
    if (r->rc == SL_OK &&
        (hello.shard_count == 0 || hello.shard_count > SL_AREA_SHARDS_MAX || hello.nf_count > 16)) {
        sl_reader_fail(r, SL_RANGE);
    }
    for (uint32_t i = 0; i < hello.nf_count && r->rc == SL_OK; i++) {
        sl_reader_string(r, hello.nf_names[i], sizeof(hello.nf_names[i]));
    }
    sl_rc rc = sl_reader_end(r);
    if (rc == SL_OK) {
        *ret_hello = hello;
    }
    return rc;
}

void sl_msg_sa_write(struct sl_writer *w, const struct sl_msg_sa *sa)
{
    unsigned flags = (sa->is_inbound ? SA_INBOUND : 0u) | (sa->is_dscp_copied ? SA_DSCP : 0u) |
                     (sa->params.is_esn ? SA_ESN : 0u);
    sl_writer_be16(w, sa->shard);
    sl_writer_u8(w, sa->port);
    sl_writer_u8(w, (uint8_t)flags);
    sl_writer_u8(w, (uint8_t)sa->params.alg);
    sl_writer_be32(w, sa->params.spi);
    sl_writer_be32(w, sa->params.window);
    sl_writer_be64(w, sa->params.seq_start);
    sl_writer_bytes(w, sa->seed, SL_SA_SEED_SIZE);
}

static sl_rc sa_check(const struct sl_msg_sa *sa)
{
    const struct sl_esp_params *p = &sa->params;
    if (sa->shard >= SL_AREA_SHARDS_MAX || sa->port >= SL_AREA_PORTS) {
        return SL_RANGE;
    }
    if (p->spi <= SPI_RESERVED_MAX || sl_spi_queue(p->spi) != 2 * sa->shard + sa->port) {
        return SL_RANGE;
    }
    if (sa->is_inbound && (p->window < SL_ESP_WINDOW_MIN || p->window > SL_ESP_WINDOW_MAX ||
                           (p->window & (p->window - 1)) != 0)) {
        return SL_RANGE;
    }
    return SL_OK;
}

sl_rc sl_msg_sa_read(struct sl_reader *r, struct sl_msg_sa *ret_sa)
{
    struct sl_msg_sa sa = {0};
    sa.shard = sl_reader_be16(r);
    sa.port = sl_reader_u8(r);
    uint8_t flags = sl_reader_u8(r);
    if ((flags & ~SA_FLAGS) != 0) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    sa.is_inbound = (flags & SA_INBOUND) != 0;
    sa.is_dscp_copied = (flags & SA_DSCP) != 0;
    sa.params.is_inbound = sa.is_inbound;
    sa.params.is_esn = (flags & SA_ESN) != 0;
    uint8_t alg = sl_reader_u8(r);
    if (r->rc == SL_OK && sl_suite_find(alg) == NULL) {
        sl_reader_fail(r, SL_UNSUPPORTED);
    }
    sa.params.alg = alg;
    sa.params.spi = sl_reader_be32(r);
    sa.params.window = sl_reader_be32(r);
    sa.params.seq_start = sl_reader_be64(r);
    sl_reader_copy(r, sa.seed, SL_SA_SEED_SIZE);
    sl_rc rc = sl_reader_end(r);
    if (rc == SL_OK) {
        rc = sa_check(&sa);
    }
    if (rc == SL_OK) {
        *ret_sa = sa;
    }
    return rc;
}

void sl_msg_instance_write(struct sl_writer *w, const struct sl_msg_instance *instance)
{
    sl_writer_bytes(w, instance->instance, sizeof(instance->instance));
    sl_writer_be64(w, instance->epoch);
    sl_writer_u8(w, instance->origin);
    sl_writer_u8(w, instance->has_policy);
    sl_writer_be64(w, instance->policy_version);
    sl_writer_bytes(w, instance->policy_hash, sizeof(instance->policy_hash));
    sl_writer_be64(w, instance->log_seq);
    sl_writer_bytes(w, instance->log_hash, sizeof(instance->log_hash));
}

sl_rc sl_msg_instance_read(struct sl_reader *r, struct sl_msg_instance *ret_instance)
{
    struct sl_msg_instance instance = {0};
    sl_reader_copy(r, instance.instance, sizeof(instance.instance));
    instance.epoch = sl_reader_be64(r);
    instance.origin = sl_reader_u8(r);
    uint8_t has_policy = sl_reader_u8(r);
    instance.has_policy = has_policy == 1;
    instance.policy_version = sl_reader_be64(r);
    sl_reader_copy(r, instance.policy_hash, sizeof(instance.policy_hash));
    instance.log_seq = sl_reader_be64(r);
    sl_reader_copy(r, instance.log_hash, sizeof(instance.log_hash));
    if (r->rc == SL_OK && (instance.origin > SL_ORIGIN_UNSEALABLE || has_policy > 1)) {
        sl_reader_fail(r, SL_RANGE);
    }
    sl_rc rc = sl_reader_end(r);
    if (rc == SL_OK) {
        *ret_instance = instance;
    }
    return rc;
}

void sl_msg_steering_write(struct sl_writer *w, const struct sl_msg_steering *steering)
{
    sl_writer_be16(w, steering->format);
    sl_writer_be16(w, steering->shard_count);
    sl_writer_bytes(w, steering->key, sizeof(steering->key));
}

sl_rc sl_msg_steering_read(struct sl_reader *r, struct sl_msg_steering *ret_steering)
{
    struct sl_msg_steering steering = {0};
    steering.format = sl_reader_be16(r);
    if (r->rc == SL_OK && steering.format != SL_STEERING_FORMAT) {
        sl_reader_fail(r, SL_UNSUPPORTED);
    }
    steering.shard_count = sl_reader_be16(r);
    if (r->rc == SL_OK &&
        (steering.shard_count == 0 || steering.shard_count > SL_AREA_SHARDS_MAX)) {
        sl_reader_fail(r, SL_RANGE);
    }
    sl_reader_copy(r, steering.key, sizeof(steering.key));
    sl_rc rc = sl_reader_end(r);
    if (rc == SL_OK) {
        *ret_steering = steering;
    }
    sl_wipe(&steering, sizeof(steering));
    return rc;
}

/* ---- snapshot ---- */

const char *sl_msg_snapshot_state_word(uint8_t state)
{
    static const char *const words[] = {
#define WORD(name, word) word,
        SL_MSG_SNAPSHOT_STATE_TABLE(WORD)
#undef WORD
    };
    return state < SL_MSG_SNAPSHOT_STATE_COUNT ? words[state] : "unknown";
}

void sl_msg_snapshot_write(struct sl_writer *w, const struct sl_msg_snapshot *snapshot)
{
    sl_writer_u8(w, snapshot->state);
    sl_writer_be64(w, snapshot->epoch);
    sl_writer_be64(w, snapshot->flows);
    sl_writer_be64(w, snapshot->refused);
    sl_writer_be64(w, snapshot->chunks);
    sl_writer_be64(w, snapshot->took_ns);
    sl_writer_be16(w, snapshot->rc);
    sl_writer_string(w, snapshot->sentence);
}

sl_rc sl_msg_snapshot_read(struct sl_reader *r, struct sl_msg_snapshot *ret_snapshot)
{
    struct sl_msg_snapshot snapshot = {0};
    snapshot.state = sl_reader_u8(r);
    snapshot.epoch = sl_reader_be64(r);
    snapshot.flows = sl_reader_be64(r);
    snapshot.refused = sl_reader_be64(r);
    snapshot.chunks = sl_reader_be64(r);
    snapshot.took_ns = sl_reader_be64(r);
    snapshot.rc = sl_reader_be16(r);
    sl_reader_string(r, snapshot.sentence, sizeof(snapshot.sentence));
    if (r->rc == SL_OK && snapshot.state >= SL_MSG_SNAPSHOT_STATE_COUNT) {
        sl_reader_fail(r, SL_RANGE);
    }
    sl_rc rc = sl_reader_end(r);
    if (rc == SL_OK) {
        *ret_snapshot = snapshot;
    }
    return rc;
}
