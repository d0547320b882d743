/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the control channel: what is accepted must be in range and survive a round trip. */
#include <stdlib.h>
#include <string.h>

#include "control/image_log.h"
#include "control/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static void fuzz_sa(const uint8_t *data, size_t size)
{
    struct sl_reader r;
    struct sl_writer w;
    struct sl_msg_sa sa;
    uint8_t again[128];
    sl_reader_init(&r, data, size);
    if (sl_msg_sa_read(&r, &sa) != SL_OK) {
        return;
    }
    expect(sa.shard < SL_AREA_SHARDS_MAX && sa.port < SL_AREA_PORTS && sa.params.spi > 255);
    expect(sl_spi_queue(sa.params.spi) == 2 * sa.shard + sa.port);
    sl_writer_init(&w, again, sizeof(again));
    sl_msg_sa_write(&w, &sa);
    expect(w.rc == SL_OK && w.off == size && memcmp(again, data, size) == 0);
}

static void fuzz_hello(const uint8_t *data, size_t size)
{
    struct sl_reader r;
    struct sl_writer w;
    struct sl_msg_hello hello;
    uint8_t again[2048];
    sl_reader_init(&r, data, size);
    if (sl_msg_hello_read(&r, &hello) != SL_OK) {
        return;
    }
    expect(hello.shard_count >= 1 && hello.shard_count <= SL_AREA_SHARDS_MAX);
    expect(hello.nf_count <= 16);
    sl_writer_init(&w, again, sizeof(again));
    sl_msg_hello_write(&w, &hello);
    expect(w.rc == SL_OK && w.off == size && memcmp(again, data, size) == 0);
}

static void fuzz_instance(const uint8_t *data, size_t size)
{
    struct sl_reader r;
    struct sl_writer w;
    struct sl_msg_instance instance;
    uint8_t again[256];
    sl_reader_init(&r, data, size);
    if (sl_msg_instance_read(&r, &instance) != SL_OK) {
        return;
    }
    sl_writer_init(&w, again, sizeof(again));
    sl_msg_instance_write(&w, &instance);
    expect(w.rc == SL_OK && w.off == size && memcmp(again, data, size) == 0);
}

static void fuzz_steering(const uint8_t *data, size_t size)
{
    struct sl_reader r;
    struct sl_writer w;
    struct sl_msg_steering steering;
    uint8_t again[SL_STEERING_REPLY_SIZE];
    sl_reader_init(&r, data, size);
    if (sl_msg_steering_read(&r, &steering) != SL_OK) {
        return;
    }
    expect(steering.format == SL_STEERING_FORMAT && steering.shard_count >= 1 &&
           steering.shard_count <= SL_AREA_SHARDS_MAX);
    sl_writer_init(&w, again, sizeof(again));
    sl_msg_steering_write(&w, &steering);
    expect(w.rc == SL_OK && w.off == size && memcmp(again, data, size) == 0);
}

static void fuzz_record(const uint8_t *data, size_t size)
{
    struct sl_reader r;
    struct sl_writer w;
    struct sl_image_record record;
    uint8_t again[SL_IMAGE_LOG_RECORD_MAX];
    sl_reader_init(&r, data, size);
    if (sl_image_record_read(&r, &record) != SL_OK) {
        return;
    }
    expect(record.event < SL_IMAGE_EVENT_COUNT && record.rc < SL_RC_COUNT);
    sl_writer_init(&w, again, sizeof(again));
    sl_image_record_write(&w, &record);
    expect(w.rc == SL_OK && w.off == size && memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_instance(data, size);
    fuzz_record(data, size);
    fuzz_sa(data, size);
    fuzz_hello(data, size);
    fuzz_steering(data, size);
    return 0;
}
