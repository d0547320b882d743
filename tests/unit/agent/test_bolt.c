/* SPDX-License-Identifier: Apache-2.0 */
/* sl_bolt_find: of files that the test builds as bbolt does, and of broken ones. */
#include "unit.h"

#include <string.h>

#include "agent/bolt.h"
#include "safelib/bytes.h"

enum { PAGE = 512, PAGES = 6, SIZE = PAGE * PAGES };

static uint8_t file[SIZE];

struct element {
    const char *key;
    uint32_t flags;
    const void *value;
    uint32_t size;
};

static void put16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, 2);
}

static void put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, 4);
}

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, 8);
}

static void meta_put(unsigned page, uint64_t txid, uint64_t root)
{
    uint8_t *at = file + (size_t)page * PAGE, *meta = at + 16;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    memset(at, 0, PAGE);
    put16(at + 8, 4);
    put32(meta, 0xed0cdaed);
    put32(meta + 4, 2);
    put32(meta + 8, PAGE);
    put64(meta + 16, root);
    put64(meta + 48, txid);
    for (int i = 0; i < 56; i++) {
        hash = (hash ^ meta[i]) * UINT64_C(0x100000001b3);
    }
    put64(meta + 56, hash);
}

/* @return bytes of the page */
static uint32_t leaf_put(uint8_t *at, const struct element *elements, uint16_t count)
{
    uint32_t end = 16 + 16u * count;

    memset(at, 0, 16);
    put16(at + 8, 2);
    put16(at + 10, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *element = at + 16 + (size_t)i * 16;
        const uint32_t key_size = (uint32_t)strlen(elements[i].key);

        put32(element, elements[i].flags);
        put32(element + 4, end - (16 + i * 16));
        put32(element + 8, key_size);
        put32(element + 12, elements[i].size);
        memcpy(at + end, elements[i].key, key_size);
        memcpy(at + end + key_size, elements[i].value, elements[i].size);
        end += key_size + elements[i].size;
    }
    return end;
}

/* Pages: 0 and 1 meta, 2 root leaf {"in" inline bucket, "out" bucket in page 3}, 3 branch to leaves
 * 4 {"a", "c"} and 5 {"m", "x"}. */
static void build(void)
{
    uint8_t in[256] = {0}, out[16] = {0}, *branch = file + 3 * PAGE;
    const struct element inner[] = {{"k", 0, "inline", 6}};
    const struct element low[] = {{"a", 0, "first", 5}, {"c", 0, "second", 6}};
    const struct element high[] = {{"m", 0, "third", 5}, {"x", 0, "last", 4}};
    uint32_t in_size;

    memset(file, 0, sizeof(file));
    meta_put(0, 7, 2);
    meta_put(1, 6, 4);
    in_size = 16 + leaf_put(in + 16, inner, 1);
    put64(out, 3);
    const struct element root[] = {{"in", 1, in, in_size}, {"out", 1, out, sizeof(out)}};
    (void)leaf_put(file + 2 * PAGE, root, 2);
    put16(branch + 8, 1);
    put16(branch + 10, 2);
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t *element = branch + 16 + (size_t)i * 16;

        put32(element, 48 + i - (16 + i * 16));
        put32(element + 4, 1);
        put64(element + 8, 4 + i);
        branch[48 + i] = i == 0 ? 'a' : 'm';
    }
    (void)leaf_put(file + 4 * PAGE, low, 2);
    (void)leaf_put(file + 5 * PAGE, high, 2);
}

static sl_rc find(size_t size, const char *bucket, const char *key, struct sl_blob *ret_value)
{
    const char *const keys[] = {bucket, key};

    return sl_bolt_find((struct sl_blob){file, size}, keys, 2, ret_value);
}

static void found(const char *bucket, const char *key, const char *value)
{
    struct sl_blob blob = {0};

    assert_ok(find(SIZE, bucket, key, &blob));
    assert_int_equal(blob.size, strlen(value));
    assert_memory_equal(blob.data, value, blob.size);
}

static void test_find_nested_inline_and_branched_values(void **state)
{
    (void)state;
    build();
    found("in", "k", "inline");
    found("out", "a", "first");
    found("out", "c", "second");
    found("out", "m", "third");
    found("out", "x", "last");
}

static void test_find_what_is_not_there(void **state)
{
    const char *const many[SL_BOLT_DEPTH_MAX + 1] = {"in", "k"};
    const char *const bucket[] = {"in"};
    const char *const through[] = {"in", "k", "deeper"};
    struct sl_blob blob = {0};

    (void)state;
    build();
    assert_rc(find(SIZE, "in", "b", &blob), SL_NOT_FOUND);
    assert_rc(find(SIZE, "no", "k", &blob), SL_NOT_FOUND);
    assert_rc(find(SIZE, "out", "z", &blob), SL_NOT_FOUND);
    assert_rc(find(SIZE, "out", "b", &blob), SL_NOT_FOUND);
    assert_rc(sl_bolt_find((struct sl_blob){file, SIZE}, bucket, 1, &blob), SL_NOT_FOUND);
    assert_rc(sl_bolt_find((struct sl_blob){file, SIZE}, through, 3, &blob), SL_NOT_FOUND);
    assert_rc(sl_bolt_find((struct sl_blob){file, SIZE}, many, SL_BOLT_DEPTH_MAX + 1, &blob),
              SL_NOT_FOUND);
}

/* The newer meta page was being written: the older tree counts, as for containerd itself. */
static void test_find_torn_meta_takes_the_other(void **state)
{
    const char *const key[] = {"a"};
    struct sl_blob blob = {0};

    (void)state;
    build();
    file[16 + 20] ^= 1;
    assert_ok(sl_bolt_find((struct sl_blob){file, SIZE}, key, 1, &blob));
    assert_memory_equal(blob.data, "first", 5);
    file[PAGE + 16 + 20] ^= 1;
    assert_rc(sl_bolt_find((struct sl_blob){file, SIZE}, key, 1, &blob), SL_MALFORMED);
}

static void test_find_loop_of_pages_malformed(void **state)
{
    struct sl_blob blob = {0};

    (void)state;
    build();
    put64(file + 3 * PAGE + 16 + 8, 3); /* the branch's first child is itself */
    assert_rc(find(SIZE, "out", "a", &blob), SL_MALFORMED);
}

/* Nothing outside of the file is read (under ASan), and what is found lies within. */
static void test_find_cut_or_changed_stays_inside(void **state)
{
    static const char *const keys[][2] = {{"in", "k"}, {"out", "a"}, {"out", "x"}};

    (void)state;
    build();
    for (size_t size = 0; size < SIZE; size++) {
        uint8_t *copy = malloc(size + 1);

        assert_non_null(copy);
        memcpy(copy, file, size);
        for (size_t i = 0; i < 3; i++) {
            struct sl_blob blob = {0};

            (void)!sl_bolt_find((struct sl_blob){copy, size}, keys[i], 2, &blob);
            assert_true(blob.data == NULL || blob.data + blob.size <= copy + size);
        }
        free(copy);
    }
    for (size_t off = 2 * PAGE; off < SIZE; off++) {
        for (int bit = 0; bit < 8; bit++) {
            file[off] ^= (uint8_t)(1 << bit);
            for (size_t i = 0; i < 3; i++) {
                struct sl_blob blob = {0};

                (void)!find(SIZE, keys[i][0], keys[i][1], &blob);
                assert_true(blob.data == NULL || blob.data + blob.size <= file + SIZE);
            }
            file[off] ^= (uint8_t)(1 << bit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_nested_inline_and_branched_values),
        cmocka_unit_test(test_find_what_is_not_there),
        cmocka_unit_test(test_find_torn_meta_takes_the_other),
        cmocka_unit_test(test_find_loop_of_pages_malformed),
        cmocka_unit_test(test_find_cut_or_changed_stays_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
