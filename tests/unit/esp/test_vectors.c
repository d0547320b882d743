/* SPDX-License-Identifier: Apache-2.0 */
/* DPDK's published ESP packets: each row in scope is opened, and made again byte for byte. */
#include "pair.h"

#include <jansson.h>

#include "esp/encap.h"

static const char *field(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL ? text : "";
}

static uint32_t hex_field(const json_t *row, const char *name, uint8_t *out, size_t room)
{
    const char *text = field(row, name);
    size_t size = strlen(text) / 2;
    assert_true(size <= room);
    assert_ok(sl_hex_decode(text, out, size));
    return (uint32_t)size;
}

/* Why a row is out of scope, or NULL. */
static const char *skip_reason(const json_t *row)
{
    if (strcmp(field(row, "proto"), "RTE_SECURITY_IPSEC_SA_PROTO_ESP") != 0) {
        return "AH";
    }
    if (strcmp(field(row, "mode"), "RTE_SECURITY_IPSEC_SA_MODE_TUNNEL") != 0) {
        return "transport mode";
    }
    if (strcmp(field(row, "algo"), "RTE_CRYPTO_AEAD_AES_GCM") != 0) {
        return "not AES-GCM";
    }
    if (strcmp(field(row, "key.length"), "24") == 0) {
        return "192-bit key";
    }
    return NULL;
}

/* Two rows have SPI 52, which RFC 4303 2.1 reserves and create refuses: those run with the check
 * gone round. */
static struct sl_esp_sa *sa_create(const struct sl_esp_params *params)
{
    struct sl_esp_params copy = *params;
    struct sl_esp_sa *sa;
    sl_rc rc = sl_esp_sa_create(&copy, &sa);
    if (params->spi <= 255) {
        assert_rc(rc, SL_RANGE);
        copy.spi = PAIR_SPI;
        rc = sl_esp_sa_create(&copy, &sa);
        assert_ok(rc);
        sa->spi = params->spi;
    }
    assert_ok(rc);
    return sa;
}

/* Opens the packet, with the SA's sequence number just before its own. */
static void row_open(const struct sl_esp_params *params, const uint8_t *esp, uint32_t esp_size,
                     const uint8_t *inner, uint32_t inner_size)
{
    uint8_t text[2048];
    struct sl_esp_inner got;
    struct sl_esp_params inbound = *params;
    inbound.is_inbound = true;
    inbound.window = 64;
    struct sl_esp_sa *sa = sa_create(&inbound);
    assert_ok(sl_esp_open(sa, esp, esp_size, text, sizeof(text), &got));
    assert_int_equal(got.size, inner_size);
    assert_memory_equal(text + got.off, inner, inner_size);
    sl_esp_sa_free(sa);
}

/* Our sender's IV is its sequence number, theirs is arbitrary: the front and the trailer are
 * compared through seal(), the whole packet with their IV through the AEAD below it. */
static void row_seal(const struct sl_esp_params *params, const uint8_t *esp, uint32_t esp_size,
                     const uint8_t *inner, uint32_t inner_size)
{
    uint8_t work[2048];
    uint8_t wire[2048];
    uint8_t text[2048];
    uint32_t sealed;
    struct sl_esp_sa *sa = sa_create(params);
    memcpy(work, inner, inner_size);
    assert_ok(sl_esp_seal(sa, work, inner_size, inner[0] >> 4 == 4 ? 4 : 41, 0, wire, sizeof(wire),
                          &sealed));
    assert_int_equal(sealed, esp_size);
    assert_memory_equal(wire, esp, 8);
    /* seal() left the trailer behind the inner packet in its input */
    memcpy(text, inner, inner_size);
    memcpy(text + inner_size, work + inner_size, sealed - 32 - inner_size);
    uint8_t nonce[12];
    memcpy(nonce, params->salt, 4);
    memcpy(nonce + 4, esp + 8, 8);
    uint8_t tag[16];
    sl_aead_encrypt(&sa->aead, nonce, esp, 8, text, sealed - 32, wire, tag);
    assert_memory_equal(wire, esp + 16, sealed - 32);
    assert_memory_equal(tag, esp + sealed - 16, 16);
    sl_esp_sa_free(sa);
}

static void test_vectors_dpdk(void **state)
{
    (void)state;
    char path[512];
    vector_path("esp/dpdk_ipsec_vectors.json", path, sizeof(path));
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    int done = 0;
    int skipped = 0;
    const char *name;
    json_t *row;
    json_object_foreach(root, name, row)
    {
        const char *reason = skip_reason(row);
        if (reason != NULL) {
            print_message("%s: skipped, %s\n", name, reason);
            skipped++;
            continue;
        }
        uint8_t inner[2048];
        uint8_t packet[2048];
        uint32_t inner_size = hex_field(row, "input_text", inner, sizeof(inner));
        uint32_t packet_size = hex_field(row, "output_text", packet, sizeof(packet));
        struct sl_outer outer;
        uint8_t tos;
        uint32_t off;
        uint32_t esp_size;
        assert_ok(sl_outer_parse(packet, packet_size, &outer, &tos, &off, &esp_size));
        struct sl_esp_params params = {.spi = (uint32_t)strtoul(field(row, "spi"), NULL, 0)};
        params.seq_start = sl_be32_get(packet + off + 4) - 1;
        params.alg = hex_field(row, "key", params.key, sizeof(params.key)) == 16
                         ? SL_ESP_AES_128_GCM_16
                         : SL_ESP_AES_256_GCM_16;
        assert_int_equal(hex_field(row, "salt", params.salt, 4), 4);
        row_open(&params, packet + off, esp_size, inner, inner_size);
        row_seal(&params, packet + off, esp_size, inner, inner_size);
        print_message("%s: opened and made again, %u bytes\n", name, esp_size);
        done++;
    }
    print_message("%d rows checked, %d skipped\n", done, skipped);
    assert_int_equal(done + skipped, 27);
    assert_int_equal(done, 4);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_dpdk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
