/* SPDX-License-Identifier: Apache-2.0 */
/* Layout and header of the shared area. */
#include "unit.h"

#include "fixture.h"

static const struct sl_area_geometry good = FIXTURE_GEOMETRY;

static void test_area_layout_out_of_range_refused(void **state)
{
    static const struct {
        const char *what;
        struct sl_area_geometry g;
        sl_rc rc;
    } table[] = {
        {"smallest", {1, 64, 64 << 10, 16 << 10, 4 << 10, 0}, SL_OK},
        {"largest", {16, 65536, 64 << 20, 16 << 20, 1 << 20, 0}, SL_OK},
        {"three shards", {3, 64, 64 << 10, 16 << 10, 4 << 10, 0}, SL_OK},
        {"no shard", {0, 64, 64 << 10, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"17 shards", {17, 64, 64 << 10, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"ring below", {1, 32, 64 << 10, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"ring above", {1, 131072, 64 << 10, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"ring odd", {1, 65, 64 << 10, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"ring zero", {1, 0, 64 << 10, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"data below", {1, 64, 32 << 10, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"data above", {1, 64, 128 << 20, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"data odd", {1, 64, (64 << 10) + 64, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"data huge", {1, 64, 0x80000000u, 16 << 10, 4 << 10, 0}, SL_RANGE},
        {"control below", {1, 64, 64 << 10, 8 << 10, 4 << 10, 0}, SL_RANGE},
        {"control above", {1, 64, 64 << 10, 32 << 20, 4 << 10, 0}, SL_RANGE},
        {"control odd", {1, 64, 64 << 10, (16 << 10) + 1, 4 << 10, 0}, SL_RANGE},
        {"log below", {1, 64, 64 << 10, 16 << 10, 2 << 10, 0}, SL_RANGE},
        {"log above", {1, 64, 64 << 10, 16 << 10, 2 << 20, 0}, SL_RANGE},
        {"log odd", {1, 64, 64 << 10, 16 << 10, 5000, 0}, SL_RANGE},
        {"most spill", {16, 64, 64 << 10, 16 << 10, 4 << 10, 64 << 10}, SL_OK},
        {"spill above", {1, 64, 64 << 10, 16 << 10, 4 << 10, (64 << 10) + 1}, SL_RANGE},
        {"spill huge", {1, 64, 64 << 10, 16 << 10, 4 << 10, UINT32_MAX}, SL_RANGE},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sl_area_layout layout = {.size = 12345};
        sl_rc rc = sl_area_layout(&table[i].g, &layout);
        if (rc != table[i].rc) {
            fail_msg("%s: %s", table[i].what, sl_rc_name(rc));
        }
        assert_true(rc == SL_OK ? layout.size % SL_AREA_ALIGN == 0 : layout.size == 12345);
    }
}

struct part {
    uint64_t off, size;
};

static uint32_t add_ring(struct part *parts, uint32_t n, const struct sl_area_ring_off *ring,
                         uint64_t slots_size, uint64_t data_size)
{
    parts[n++] = (struct part){ring->index, sizeof(struct sl_area_index)};
    parts[n++] = (struct part){ring->slots, slots_size};
    if (data_size != 0) {
        parts[n++] = (struct part){ring->data, data_size};
    }
    return n;
}

static void test_area_layout_parts_disjoint_and_inside(void **state)
{
    struct sl_area_geometry g = {16, 256, 128 << 10, 32 << 10, 8 << 10, 3};
    struct sl_area_layout layout;
    assert_ok(sl_area_layout(&g, &layout));
    struct part parts[256];
    uint32_t n = 0;
    parts[n++] = (struct part){0, sizeof(struct sl_area_header)};
    parts[n++] = (struct part){layout.params, SL_AREA_PARAMS_SIZE};
    n = add_ring(parts, n, &layout.log, g.log_size, 0);
    n = add_ring(parts, n, &layout.control_in, g.control_size, 0);
    n = add_ring(parts, n, &layout.control_out, g.control_size, 0);
    for (uint32_t s = 0; s < g.shard_count; s++) {
        for (uint32_t p = 0; p < SL_AREA_PORTS; p++) {
            uint64_t slots = g.ring_count * sizeof(struct sl_area_desc);
            n = add_ring(parts, n, &layout.queue[s][p].rx, slots, g.data_size);
            n = add_ring(parts, n, &layout.queue[s][p].tx, slots, g.data_size);
        }
        assert_int_equal(layout.spill[s] % SL_AREA_SPILL_ALIGN, 0);
        parts[n++] = (struct part){layout.spill[s], layout.spill_size};
    }
    for (uint32_t i = 0; i < n; i++) {
        assert_true(parts[i].off % SL_AREA_ALIGN == 0);
        assert_true(parts[i].off + parts[i].size <= layout.size);
        for (uint32_t j = 0; j < i; j++) {
            assert_true(parts[i].off >= parts[j].off + parts[j].size ||
                        parts[j].off >= parts[i].off + parts[i].size);
        }
    }
}

static void test_area_format_too_small_refused(void **state)
{
    struct fixture f;
    fixture_init(&f, &good);
    struct sl_area_layout layout;
    assert_rc(sl_area_format(f.area, f.layout.size - 1, &good, &layout), SL_NO_SPACE);
    struct sl_area_geometry bad = good;
    bad.spill_mib = UINT32_MAX;
    assert_rc(sl_area_format(f.area, f.layout.size, &bad, &layout), SL_RANGE);
    assert_ok(sl_area_format(f.area, f.layout.size, &good, &layout));
    fixture_done(&f);
}

static void test_area_adopt_good_header_gives_geometry(void **state)
{
    struct fixture f;
    fixture_init(&f, &good);
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    assert_ok(sl_area_adopt(f.area, f.layout.size, 0x1000, 0x1000, &geometry, &layout));
    assert_memory_equal(&geometry, &good, sizeof(good));
    assert_memory_equal(&layout, &f.layout, sizeof(layout));
    /* an enclave that touches the area's ends without overlap is fine */
    uint64_t base = (uint64_t)(uintptr_t)f.area;
    assert_ok(sl_area_adopt(f.area, f.layout.size, base - 4096, 4096, &geometry, &layout));
    assert_ok(sl_area_adopt(f.area, f.layout.size, base + f.layout.size, 4096, &geometry, &layout));
    fixture_done(&f);
}

static void test_area_adopt_bad_address_refused(void **state)
{
    struct fixture f;
    fixture_init(&f, &good);
    struct sl_area_geometry g = {0};
    struct sl_area_layout l;
    uint64_t base = (uint64_t)(uintptr_t)f.area;
    uint64_t size = f.layout.size;
    assert_rc(sl_area_adopt(NULL, size, 0x1000, 0x1000, &g, &l), SL_INVALID);
    assert_rc(sl_area_adopt(f.area + 8, size, 0x1000, 0x1000, &g, &l), SL_INVALID);
    assert_rc(sl_area_adopt(f.area, 4095, 0x1000, 0x1000, &g, &l), SL_INVALID);
    assert_rc(sl_area_adopt(f.area, UINT64_MAX, 0x1000, 0x1000, &g, &l), SL_VIOLATION);
    assert_rc(sl_area_adopt(f.area, size, 0x1000, UINT64_MAX, &g, &l), SL_VIOLATION);
    assert_rc(sl_area_adopt(f.area, size, base, size, &g, &l), SL_VIOLATION);
    assert_rc(sl_area_adopt(f.area, size, base - 4096, 4097, &g, &l), SL_VIOLATION);
    assert_rc(sl_area_adopt(f.area, size, base + size - 1, 4096, &g, &l), SL_VIOLATION);
    assert_rc(sl_area_adopt(f.area, size, base + 4096, 1, &g, &l), SL_VIOLATION);
    assert_rc(sl_area_adopt(f.area, size, base - 4096, size + 8192, &g, &l), SL_VIOLATION);
    assert_int_equal(g.shard_count, 0);
    fixture_done(&f);
}

static void test_area_adopt_bad_header_refused(void **state)
{
    struct fixture f;
    fixture_init(&f, &good);
    struct sl_area_geometry g;
    struct sl_area_layout l;
    struct sl_area_header *header = (struct sl_area_header *)(void *)f.area;
    assert_rc(sl_area_adopt(f.area, f.layout.size - 4096, 0x1000, 0x1000, &g, &l), SL_TRUNCATED);
    header->geometry.ring_count = 63;
    assert_rc(sl_area_adopt(f.area, f.layout.size, 0x1000, 0x1000, &g, &l), SL_RANGE);
    header->geometry.ring_count = 512;
    assert_rc(sl_area_adopt(f.area, f.layout.size, 0x1000, 0x1000, &g, &l), SL_TRUNCATED);
    header->magic ^= 1;
    assert_rc(sl_area_adopt(f.area, f.layout.size, 0x1000, 0x1000, &g, &l), SL_MALFORMED);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_area_layout_out_of_range_refused),
        cmocka_unit_test(test_area_layout_parts_disjoint_and_inside),
        cmocka_unit_test(test_area_format_too_small_refused),
        cmocka_unit_test(test_area_adopt_good_header_gives_geometry),
        cmocka_unit_test(test_area_adopt_bad_address_refused),
        cmocka_unit_test(test_area_adopt_bad_header_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
