/* SPDX-License-Identifier: Apache-2.0 */
/* The tiny enclave of the device tests, built through the device's own operations. */
#include "emu_rig.h"

#include <unistd.h>

#include <openssl/evp.h>

#include "device/measure.h"
#include "runtime/layout.h"
#include "unit.h"

enum { PAGE = 4096, REG = SL_SECINFO_PT_REG, RW = REG | SL_SECINFO_R | SL_SECINFO_W };

/* One key for the whole test program: making one takes a while. */
EVP_PKEY *rig_key(void)
{
    static EVP_PKEY *key;
    if (key == NULL) {
        assert_ok(sl_sign_key_new(&key, NULL));
    }
    return key;
}

bool rig_has_avx512(void)
{
    uint32_t a, d;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & 0xe6) == 0xe6;
}

uint64_t rig_addr(const struct rig *rig, uint64_t off)
{
    return (uint64_t)rig->enclave->base + off;
}

uint64_t rig_code(const struct rig *rig, const uint8_t *label)
{
    return rig_addr(rig, RIG_CODE + (uint64_t)(label - emu_code_begin));
}

void rig_secs(struct rig *rig, const struct rig_params *params)
{
    rig->secs = (struct sl_secs){.size = RIG_SIZE, .ssa_frame_size = 1};
    rig->secs.attributes.flags = params->attributes != 0 ? params->attributes : SL_ATTR_MODE64BIT;
    rig->secs.attributes.xfrm = params->xfrm != 0 ? params->xfrm : rig_has_avx512() ? 0xe7 : 3;
    rig->secs.misc_select = params->has_exinfo ? 1 : 0;
}

struct sl_device_options rig_options(const struct rig_params *params)
{
    return (struct sl_device_options){.device = params->device != NULL ? params->device : "emu",
                                      .is_trap = params->is_trap,
                                      .entry_cost_ns = params->entry_cost_ns,
                                      .is_rdtsc_trapped = params->is_rdtsc_trapped};
}

struct page_run {
    uint64_t off, size, flags;
    const uint8_t *content;
};

/* The enclave's content: the same list for building and for signing. */
static size_t page_runs(const struct rig_params *params, struct page_run out[16])
{
    static uint8_t layout_page[PAGE], code[4 * PAGE], tcs_page[2][PAGE], rodata[PAGE];
    struct sl_layout *layout = (struct sl_layout *)(void *)layout_page;
    const size_t code_size = (size_t)(emu_code_end - emu_code_begin);
    size_t count = 0;
    memset(layout_page, 0, sizeof(layout_page));
    if (!params->is_unlisted) {
        layout->magic = SL_LAYOUT_MAGIC;
        layout->version = SL_LAYOUT_VERSION;
        layout->site_count = 1;
        layout->site[0].off = RIG_CODE + (uint64_t)(emu_code_exit_site - emu_code_begin);
        layout->site[0].leaf = SL_EEXIT;
        layout->site[0].size = SL_LAYOUT_SITE_SIZE;
    }
    assert_true(code_size <= sizeof(code));
    memcpy(code, emu_code_begin, code_size);
    memset(rodata, 0x42, sizeof(rodata));
    out[count++] = (struct page_run){RIG_LAYOUT, PAGE, REG | SL_SECINFO_R, layout_page};
    out[count++] =
        (struct page_run){RIG_CODE, sizeof(code), REG | SL_SECINFO_R | SL_SECINFO_X, code};
    out[count++] = (struct page_run){RIG_DATA, 2 * PAGE, RW, NULL};
    out[count++] = (struct page_run){RIG_RODATA, PAGE, REG | SL_SECINFO_R, rodata};
    for (uint64_t i = 0; i < 2; i++) {
        const uint64_t off = i == 0 ? RIG_THREAD0 : RIG_THREAD1;
        struct sl_tcs *tcs = (struct sl_tcs *)(void *)tcs_page[i];
        *tcs = (struct sl_tcs){.ossa = i == 0 && params->ossa != 0 ? params->ossa : off + RIG_SSA,
                               .nssa = RIG_NSSA,
                               .oentry = RIG_CODE + (uint64_t)(emu_code_entry - emu_code_begin),
                               .ofs_base = off + RIG_BASES,
                               .ogs_base = off + RIG_BASES,
                               .fs_limit = UINT32_MAX,
                               .gs_limit = UINT32_MAX};
        out[count++] = (struct page_run){off + RIG_BASES, PAGE, RW, NULL};
        out[count++] = (struct page_run){off + RIG_SSA, RIG_NSSA * PAGE, RW, NULL};
        out[count++] = (struct page_run){off + RIG_TCS, PAGE, SL_SECINFO_PT_TCS, tcs_page[i]};
    }
    return count;
}

void rig_add_all(struct rig *rig, const struct rig_params *params)
{
    struct page_run runs[16];
    const size_t count = page_runs(params, runs);
    for (size_t i = 0; i < count; i++) {
        sl_rc rc = rig->enclave->ops->add_pages(rig->enclave, runs[i].off, runs[i].content,
                                                runs[i].size, runs[i].flags, true, &rig->err);
        if (rc != SL_OK) {
            fail_msg("add_pages: %s", rig->err.text);
        }
    }
}

void rig_sign(struct rig *rig, const struct rig_params *params)
{
    struct page_run runs[16];
    const size_t count = page_runs(params, runs);
    struct sl_measure measure = {0};
    struct sl_sigstruct_params sign = {.attributes = rig->secs.attributes,
                                       .attributes_mask = {~0ull, ~0ull},
                                       .misc_select = rig->secs.misc_select,
                                       .misc_mask = UINT32_MAX,
                                       .isv_prod_id = 7,
                                       .isv_svn = 3};
    assert_ok(sl_measure_ecreate(&measure, RIG_SIZE, rig->secs.ssa_frame_size));
    for (size_t i = 0; i < count; i++) {
        assert_ok(sl_measure_pages(&measure, runs[i].off, runs[i].content, runs[i].size,
                                   runs[i].flags, true));
    }
    assert_ok(sl_measure_final(&measure, sign.mrenclave));
    sl_measure_done(&measure);
    assert_ok(sl_sigstruct_sign(&sign, rig_key(), &rig->sig, &rig->err));
}

void rig_create(struct rig *rig, const struct rig_params *params)
{
    const struct sl_device_options options = rig_options(params);
    const struct sl_device_ops *ops = sl_device_find(options.device);
    memset(rig, 0, sizeof(*rig));
    assert_non_null(ops);
    rig_secs(rig, params);
    sl_rc rc = ops->create(&options, &rig->secs, &rig->enclave, &rig->err);
    if (rc != SL_OK) {
        fail_msg("create: %s", rig->err.text);
    }
    rig_add_all(rig, params);
    rig_sign(rig, params);
    rc = ops->init(rig->enclave, &rig->sig, &rig->err);
    if (rc != SL_OK) {
        fail_msg("init: %s", rig->err.text);
    }
}

void rig_free(struct rig *rig)
{
    if (rig->enclave != NULL) {
        rig->enclave->ops->destroy(rig->enclave);
        rig->enclave = NULL;
    }
}

static uint64_t tcs_addr(const struct rig *rig, uint32_t thread)
{
    return rig_addr(rig, (thread == 0 ? RIG_THREAD0 : RIG_THREAD1) + RIG_TCS);
}

int rig_enter(const struct rig *rig, uint32_t thread, const uint8_t *label, uint64_t rsi,
              uint64_t rdx, struct sl_enter_regs *ret_regs, struct sgx_enclave_run *ret_run)
{
    *ret_regs = (struct sl_enter_regs){.rdi = rig_code(rig, label), .rsi = rsi, .rdx = rdx};
    *ret_run = (struct sgx_enclave_run){.tcs = tcs_addr(rig, thread)};
    return rig->enclave->ops->enter(rig->enclave, ret_regs, SL_EENTER, ret_run);
}

uint64_t rig_call(const struct rig *rig, const uint8_t *label, uint64_t rsi, uint64_t rdx)
{
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    assert_int_equal(rig_enter(rig, 0, label, rsi, rdx, &regs, &run), 0);
    if (run.function != SL_EEXIT) {
        fail_msg("exception: function %u vector %u address %#llx", run.function,
                 run.exception_vector, (unsigned long long)run.exception_addr);
    }
    return regs.rdi;
}

void rig_call_faults(const struct rig *rig, const uint8_t *label, uint64_t rsi, uint64_t rdx,
                     uint32_t vector)
{
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    assert_int_equal(rig_enter(rig, 0, label, rsi, rdx, &regs, &run), 0);
    assert_int_equal(run.function, SL_ERESUME);
    assert_int_equal(run.exception_vector, vector);
}

int rig_resume(const struct rig *rig, uint32_t thread, struct sl_enter_regs *ret_regs,
               struct sgx_enclave_run *ret_run)
{
    *ret_regs = (struct sl_enter_regs){0};
    *ret_run = (struct sgx_enclave_run){.tcs = tcs_addr(rig, thread)};
    return rig->enclave->ops->enter(rig->enclave, ret_regs, SL_ERESUME, ret_run);
}

void rig_handle(const struct rig *rig, uint64_t skip)
{
    const uint64_t gpr = rig_addr(rig, RIG_THREAD0 + RIG_SSA + PAGE) - sizeof(struct sl_ssa_gpr);
    (void)rig_call(rig, emu_code_skip, skip, gpr);
}

void rig_poke(const struct rig *rig, uint64_t off, const void *data, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)data + at, sizeof(word));
        (void)rig_call(rig, emu_code_write, rig_addr(rig, off + at), word);
    }
}

void rig_peek(const struct rig *rig, uint64_t off, void *ret_data, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        const uint64_t word = rig_call(rig, emu_code_read, rig_addr(rig, off + at), 0);
        memcpy((uint8_t *)ret_data + at, &word, sizeof(word));
    }
}

int rig_group_setup(void **state)
{
    static char folder[] = "/tmp/sl-emu-XXXXXX";
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    *state = folder;
    return setenv("XDG_STATE_HOME", folder, 1);
}

int rig_group_teardown(void **state)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/safelib/emulated-fuses", (const char *)*state);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/safelib", (const char *)*state);
    (void)rmdir(path);
    return rmdir(*state);
}
