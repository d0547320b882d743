/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <unistd.h>

#include "device/elf_file.h"
#include "elf_maker.h"

static sl_rc parse(const struct made_elf *m, size_t size, struct sl_image **ret_image)
{
    struct sl_err err = {0};
    sl_rc rc = sl_image_parse((const uint8_t *)m, size, ret_image, &err);
    assert_true(rc == SL_OK || err.text[0] != '\0');
    return rc;
}

static void assert_refused(const struct made_elf *m, sl_rc expected)
{
    struct sl_image *image = NULL;
    assert_rc(parse(m, sizeof(*m), &image), expected);
    assert_null(image);
}

static const struct sl_image_range *range_of(const struct sl_image *image, const char *name)
{
    for (uint32_t i = 0; i < image->range_count; i++) {
        if (strcmp(image->ranges[i].name, name) == 0) {
            return &image->ranges[i];
        }
    }
    fail_msg("no range %s", name);
    return NULL;
}

static void test_parse_good_lays_everything_out(void **state)
{
    (void)state;
    struct made_elf m;
    struct sl_image *image = NULL;
    made_elf_init(&m);
    assert_ok(parse(&m, sizeof(m), &image));
    const uint64_t reg = SL_SECINFO_PT_REG;
    assert_int_equal(range_of(image, "layout")->secinfo_flags, reg | SL_SECINFO_R);
    assert_int_equal(range_of(image, "text")->secinfo_flags, reg | SL_SECINFO_R | SL_SECINFO_X);
    assert_int_equal(range_of(image, "rodata")->secinfo_flags, reg | SL_SECINFO_R);
    assert_int_equal(range_of(image, "data")->secinfo_flags, reg | SL_SECINFO_R | SL_SECINFO_W);
    assert_int_equal(range_of(image, "bss")->size, 2 * MADE_PAGE);
    assert_null(range_of(image, "bss")->content);
    assert_memory_equal(range_of(image, "data")->content, m.data, sizeof(m.data));
    assert_false(range_of(image, "heap")->is_measured);
    assert_int_equal(range_of(image, "heap")->size, 1 << 20);
    assert_int_equal(range_of(image, "tcs 1")->secinfo_flags, SL_SECINFO_PT_TCS);
    assert_int_equal(image->tcs_count, 2);
    assert_int_equal(image->entry_off, SL_LAYOUT_ELF_OFF + MADE_PAGE);
    assert_true((image->size & (image->size - 1)) == 0);

    const struct sl_layout *layout = image->layout;
    assert_true(layout->magic == SL_LAYOUT_MAGIC);
    assert_int_equal(layout->site_count, 1);
    assert_int_equal(layout->site[0].off, SL_LAYOUT_ELF_OFF + MADE_PAGE + 64);
    assert_int_equal(layout->site[0].leaf, SL_EEXIT);
    assert_int_equal(layout->start_off, SL_LAYOUT_ELF_OFF + MADE_PAGE);
    assert_int_equal(layout->relro_off, SL_LAYOUT_ELF_OFF + 2 * MADE_PAGE);
    assert_int_equal(layout->heap_off, range_of(image, "heap")->off);
    struct sl_tcs tcs;
    memcpy(&tcs, range_of(image, "tcs 1")->content, sizeof(tcs));
    assert_int_equal(tcs.oentry, image->entry_off);
    assert_int_equal(tcs.ossa, range_of(image, "ssa 1")->off);
    assert_int_equal(tcs.nssa, SL_LAYOUT_NSSA);
    assert_int_equal(tcs.ogs_base, range_of(image, "block 1")->off);
    sl_image_free(image);
}

/* Ascending, inside, no page twice, a hole under every stack. */
static void test_parse_good_ranges_do_not_touch_holes(void **state)
{
    (void)state;
    struct made_elf m;
    struct sl_image *image = NULL;
    made_elf_init(&m);
    assert_ok(parse(&m, sizeof(m), &image));
    uint64_t end = 0;
    for (uint32_t i = 0; i < image->range_count; i++) {
        const struct sl_image_range *r = &image->ranges[i];
        assert_true(r->off >= end && r->size > 0 && r->off % MADE_PAGE == 0 &&
                    r->size % MADE_PAGE == 0);
        if (strstr(r->name, "stack") != NULL || strstr(r->name, "block") != NULL) {
            assert_true(r->off >= end + MADE_PAGE);
        }
        end = r->off + r->size;
    }
    assert_true(end <= image->size);
    sl_image_free(image);
}

static void test_parse_twice_is_the_same(void **state)
{
    (void)state;
    struct made_elf m;
    struct sl_image *a = NULL;
    struct sl_image *b = NULL;
    made_elf_init(&m);
    assert_ok(parse(&m, sizeof(m), &a));
    assert_ok(parse(&m, sizeof(m), &b));
    assert_int_equal(a->range_count, b->range_count);
    for (uint32_t i = 0; i < a->range_count; i++) {
        assert_int_equal(a->ranges[i].off, b->ranges[i].off);
        assert_int_equal(a->ranges[i].secinfo_flags, b->ranges[i].secinfo_flags);
        if (a->ranges[i].content != NULL) {
            assert_memory_equal(a->ranges[i].content, b->ranges[i].content, a->ranges[i].size);
        }
    }
    sl_image_free(a);
    sl_image_free(b);
}

static void test_parse_without_wants_has_defaults(void **state)
{
    (void)state;
    struct made_elf m;
    struct sl_image *image = NULL;
    made_elf_init(&m);
    m.sh[2].sh_name = 0;
    assert_ok(parse(&m, sizeof(m), &image));
    assert_int_equal(image->tcs_count, 8);
    assert_int_equal(range_of(image, "heap")->size, 64 << 20);
    assert_int_equal(range_of(image, "stack 7")->size, 256 << 10);
    sl_image_free(image);
}

/* One field each. */
static void test_parse_bad_field_is_refused(void **state)
{
    (void)state;
    struct made_elf m;
#define BREAK(statement, rc)                                                                       \
    do {                                                                                           \
        made_elf_init(&m);                                                                         \
        statement;                                                                                 \
        assert_refused(&m, rc);                                                                    \
    } while (0)
    BREAK(m.eh.e_ident[0] = 0, SL_MALFORMED);
    BREAK(m.eh.e_ident[EI_CLASS] = ELFCLASS32, SL_MALFORMED);
    BREAK(m.eh.e_machine = EM_AARCH64, SL_MALFORMED);
    BREAK(m.eh.e_type = ET_EXEC, SL_MALFORMED);
    BREAK(m.eh.e_phoff = MADE_SIZE - 8, SL_TRUNCATED);
    BREAK(m.eh.e_phoff = UINT64_MAX, SL_TRUNCATED);
    BREAK(m.eh.e_phnum = 60000, SL_TRUNCATED);
    BREAK(m.eh.e_entry = 2 * MADE_PAGE, SL_MALFORMED);
    BREAK(m.eh.e_entry = UINT64_MAX, SL_MALFORMED);
    BREAK(m.ph[0].p_vaddr = MADE_PAGE, SL_MALFORMED);
    BREAK(m.ph[1].p_offset = MADE_SIZE, SL_TRUNCATED);
    BREAK(m.ph[1].p_filesz = UINT64_MAX, SL_TRUNCATED);
    BREAK(m.ph[1].p_memsz = 8, SL_MALFORMED);
    BREAK(m.ph[1].p_vaddr += 8, SL_MALFORMED);
    BREAK(m.ph[1].p_vaddr = 0, SL_MALFORMED);
    BREAK(m.ph[2].p_memsz = UINT64_MAX, SL_RANGE);
    BREAK(m.ph[2].p_vaddr = 1ull << 32, SL_RANGE);
    BREAK(m.ph[1].p_flags |= PF_W, SL_UNSUPPORTED);
    BREAK(m.ph[4].p_type = PT_INTERP, SL_UNSUPPORTED);
    BREAK((m.ph[4].p_type = PT_GNU_STACK, m.ph[4].p_flags = PF_X), SL_UNSUPPORTED);
    BREAK(m.ph[4].p_vaddr = 1ull << 40, SL_MALFORMED);
    BREAK(m.ph[3].p_offset = UINT64_MAX, SL_TRUNCATED);
    BREAK(m.dyn[0].d_tag = DT_NEEDED, SL_UNSUPPORTED);
    BREAK(m.dyn[0].d_tag = DT_TEXTREL, SL_UNSUPPORTED);
    BREAK(m.dyn[0].d_un.d_val = DF_TEXTREL, SL_UNSUPPORTED);
    BREAK((m.ph[0].p_type = PT_NULL, m.ph[1].p_type = PT_NULL, m.ph[2].p_type = PT_NULL),
          SL_MALFORMED);
    BREAK(m.sh[2].sh_size = 8, SL_MALFORMED);
    BREAK(m.sh[1].sh_offset = UINT64_MAX, SL_MALFORMED);
    BREAK(m.sh[2].sh_offset = UINT64_MAX, SL_TRUNCATED);
    BREAK(m.wants.magic = 0, SL_MALFORMED);
    BREAK(m.wants.thread_count = 0, SL_RANGE);
    BREAK(m.wants.thread_count = 33, SL_RANGE);
    BREAK(m.wants.heap_size = (1 << 20) + 1, SL_RANGE);
    BREAK(m.wants.stack_size = 1 << 12, SL_RANGE);
    BREAK(m.sh[3].sh_name = 0, SL_UNSUPPORTED);
    BREAK(m.enclu[0].leaf = SL_EEXIT, SL_MALFORMED);
    BREAK(m.enclu[0].position = -4096, SL_MALFORMED);
    BREAK(m.enclu[1].position++, SL_MALFORMED);
    BREAK(m.enclu[1].position += 16, SL_MALFORMED);
    BREAK(m.enclu[1].position = INT32_MAX & ~15, SL_MALFORMED);
    BREAK(m.enclu[1].leaf = SL_ERESUME, SL_MALFORMED);
    BREAK(m.code[64] = 0x90, SL_MALFORMED);
#undef BREAK
}

static void test_parse_truncated_at_every_length_is_refused(void **state)
{
    (void)state;
    struct made_elf m;
    made_elf_init(&m);
    for (size_t size = 0; size < sizeof(m); size++) {
        struct sl_image *image = NULL;
        /* exactly as many bytes as it is told, for AddressSanitizer */
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, &m, size);
        assert_rc(sl_image_parse(exact, size, &image, NULL), SL_TRUNCATED);
        free(exact);
    }
}

/* Every byte of every header flipped: an answer, never a crash. */
static void test_parse_every_header_bit_flipped_survives(void **state)
{
    (void)state;
    struct made_elf m;
    for (size_t bit = 0; bit < offsetof(struct made_elf, rest) * 8; bit++) {
        struct sl_image *image = NULL;
        made_elf_init(&m);
        ((uint8_t *)&m)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (sl_image_parse((const uint8_t *)&m, sizeof(m), &image, NULL) == SL_OK) {
            sl_image_free(image);
        }
    }
}

static void test_drop_contents_keeps_what_says_where(void **state)
{
    (void)state;
    struct made_elf m;
    struct sl_image *image = NULL;
    made_elf_init(&m);
    assert_ok(sl_image_parse((const uint8_t *)&m, sizeof(m), &image, NULL));
    struct sl_layout layout = *image->layout;
    uint64_t last_off = image->ranges[image->range_count - 1].off;
    assert_ok(sl_image_drop_contents(image));
    assert_null(image->elf);
    assert_int_equal(image->elf_size, 0);
    assert_memory_equal(image->layout, &layout, sizeof(layout));
    assert_int_equal(image->ranges[image->range_count - 1].off, last_off);
    for (uint32_t i = 0; i < image->range_count; i++) {
        assert_null(image->ranges[i].content);
    }
    assert_ok(sl_image_drop_contents(image)); /* twice is once */
    sl_image_free(image);
}

static void test_load_absent_and_present(void **state)
{
    (void)state;
    struct sl_image *image = NULL;
    struct sl_err err = {0};
    struct made_elf m;
    char path[] = "/tmp/sl-image-XXXXXX";
    assert_rc(sl_image_load("/nonexistent/image", &image, &err), SL_IO);
    assert_rc(sl_image_load("/", &image, &err), SL_IO);
    made_elf_init(&m);
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, &m, sizeof(m)) == (ssize_t)sizeof(m));
    assert_ok(sl_image_load(path, &image, &err));
    sl_image_free(image);
    assert_int_equal(ftruncate(fd, 3000), 0);
    assert_rc(sl_image_load(path, &image, &err), SL_TRUNCATED);
    assert_non_null(strstr(err.text, path));
    (void)close(fd);
    (void)unlink(path);
}

static void test_symbol_names_addresses(void **state)
{
    (void)state;
    struct made_elf m;
    struct sl_elf elf;
    uint64_t off = 0;
    made_elf_init(&m);
    assert_ok(sl_elf_parse((const uint8_t *)&m, sizeof(m), &elf, NULL));
    assert_string_equal(sl_elf_symbol(&elf, MADE_PAGE + 5, &off), "_start");
    assert_int_equal(off, 5);
    assert_null(sl_elf_symbol(&elf, MADE_PAGE + 32, &off));
    m.symbols[1].st_name = 5000;
    assert_null(sl_elf_symbol(&elf, MADE_PAGE, &off));
    m.sh[4].sh_link = 77;
    assert_null(sl_elf_symbol(&elf, MADE_PAGE, &off));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_good_lays_everything_out),
        cmocka_unit_test(test_parse_good_ranges_do_not_touch_holes),
        cmocka_unit_test(test_parse_twice_is_the_same),
        cmocka_unit_test(test_parse_without_wants_has_defaults),
        cmocka_unit_test(test_parse_bad_field_is_refused),
        cmocka_unit_test(test_parse_truncated_at_every_length_is_refused),
        cmocka_unit_test(test_parse_every_header_bit_flipped_survives),
        cmocka_unit_test(test_drop_contents_keeps_what_says_where),
        cmocka_unit_test(test_load_absent_and_present),
        cmocka_unit_test(test_symbol_names_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
