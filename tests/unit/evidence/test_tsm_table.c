/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate table of a SEV-SNP host, which may say anything. */
#include "unit.h"

#include "base/bytes.h"
#include "evidence/tsm_table.h"

enum { TABLE_SIZE = 1024 };

static const char *const vcek = "63da758de6644564adc5f4b93be8accd";
static const char *const vlek = "a8074bc2a25a483eaae639c045a0b8a1";
static const char *const ask = "4ab7b379bbac4fe4a02f05aef327c782";
static const char *const ark = "c0b406a4a80349529743 3fb6014cd0ae";
static const char *const crl = "92f81bc358114d3d97ffd19f88dc67ea";
static const char *const strange = "00112233445566778899aabbccddeeff";

struct table {
    uint8_t bytes[TABLE_SIZE];
    size_t entries, end;
};

static void table_init(struct table *table)
{
    *table = (struct table){.end = 400};
}

static void guid_put(uint8_t *out, const char *hex)
{
    char clean[33];
    size_t count = 0;
    for (; *hex != '\0'; hex++) {
        if (*hex != ' ') {
            clean[count++] = *hex;
        }
    }
    clean[count] = '\0';
    assert_ok(sl_hex_decode(clean, out, 16));
}

static void table_raw(struct table *table, const char *guid, uint32_t off, uint32_t size)
{
    uint8_t *entry = table->bytes + table->entries * 24;
    guid_put(entry, guid);
    memcpy(entry + 16, &off, 4);
    memcpy(entry + 20, &size, 4);
    table->entries++;
}

static void table_add(struct table *table, const char *guid, const char *content)
{
    table_raw(table, guid, (uint32_t)table->end, (uint32_t)strlen(content));
    memcpy(table->bytes + table->end, content, strlen(content));
    table->end += strlen(content);
}

static void assert_blob(struct sl_blob blob, const char *text)
{
    assert_int_equal(blob.size, strlen(text));
    assert_memory_equal(blob.data, text, blob.size);
}

static sl_rc read_size(const struct table *table, size_t size, struct sl_attest_collateral *c,
                       uint8_t **chain)
{
    struct sl_err err = {0};
    /* exactly so many bytes, for the sanitizer */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, table->bytes, size);
    sl_rc rc = sl_tsm_table_read(copy, size, c, chain, &err);
    assert_int_equal(rc != SL_OK, err.text[0] != '\0');
    free(copy);
    return rc;
}

static void test_all_kinds_are_found(void **state)
{
    (void)state;
    struct table t;
    struct sl_attest_collateral c = {.tcb_info = {(const uint8_t *)"x", 1}};
    struct sl_err err = {0};
    uint8_t *chain = NULL;
    table_init(&t);
    table_add(&t, strange, "of the cloud's own");
    table_add(&t, ark, "0ark");
    table_add(&t, vcek, "0vcek");
    table_add(&t, vlek, "0vlek");
    table_add(&t, ask, "0ask");
    table_add(&t, crl, "0crl");
    assert_ok(sl_tsm_table_read(t.bytes, t.end, &c, &chain, &err));
    assert_blob(c.vcek, "0vcek");
    assert_blob(c.vlek, "0vlek");
    assert_blob(c.cert_chain, "0ask0ark"); /* the intermediate first */
    assert_blob(c.amd_crl, "0crl");
    assert_blob(c.tcb_info, "x");
    free(chain);
}

static void test_chain_of_two_forms_keeps_the_intermediate(void **state)
{
    (void)state;
    struct table t;
    struct sl_attest_collateral c = {.vcek = {NULL, 0}};
    struct sl_err err = {0};
    uint8_t *chain = NULL;
    table_init(&t);
    table_add(&t, ask, "-----BEGIN");
    table_add(&t, ark, "0der");
    assert_ok(sl_tsm_table_read(t.bytes, t.end, &c, &chain, &err));
    assert_blob(c.cert_chain, "-----BEGIN");
    free(chain);
    table_init(&t);
    table_add(&t, ark, "0der");
    assert_ok(sl_tsm_table_read(t.bytes, t.end, &c, &chain, &err));
    assert_blob(c.cert_chain, "0der");
    free(chain);
}

static void test_empty_table_is_good(void **state)
{
    (void)state;
    struct table t;
    struct sl_attest_collateral c = {.vcek = {NULL, 0}};
    uint8_t *chain = NULL;
    table_init(&t);
    assert_ok(read_size(&t, 24, &c, &chain));
    assert_null(c.vcek.data);
    assert_null(c.cert_chain.data);
    assert_null(chain);
}

static void test_lies_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t off, size;
    } rows[] = {
        {TABLE_SIZE + 1, 0}, {TABLE_SIZE, 1}, {0xffffffff, 2}, {4, 0xffffffff}, {400, 1000}};
    struct sl_attest_collateral c = {.vcek = {NULL, 0}};
    uint8_t *chain = NULL;
    struct table t;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        table_init(&t);
        table_raw(&t, vcek, rows[i].off, rows[i].size);
        assert_rc(read_size(&t, TABLE_SIZE, &c, &chain), SL_MALFORMED);
    }
    table_init(&t);
    table_add(&t, vcek, "one");
    table_add(&t, vcek, "two");
    assert_rc(read_size(&t, TABLE_SIZE, &c, &chain), SL_MALFORMED);
    table_init(&t);
    for (int i = 0; i < 33; i++) { /* no end in sight */
        table_raw(&t, strange, 0, 1);
    }
    assert_rc(read_size(&t, TABLE_SIZE, &c, &chain), SL_MALFORMED);
    assert_null(c.vcek.data);
}

static void test_cut_anywhere_refused_or_whole(void **state)
{
    (void)state;
    struct table t;
    table_init(&t);
    table_add(&t, vcek, "certificate");
    for (size_t cut = 0; cut < t.end; cut++) {
        struct sl_attest_collateral c = {.vcek = {NULL, 0}};
        uint8_t *chain = NULL;
        assert_rc(read_size(&t, cut, &c, &chain), SL_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds_are_found),
        cmocka_unit_test(test_chain_of_two_forms_keeps_the_intermediate),
        cmocka_unit_test(test_empty_table_is_good),
        cmocka_unit_test(test_lies_are_refused),
        cmocka_unit_test(test_cut_anywhere_refused_or_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
