/* SPDX-License-Identifier: Apache-2.0 */
/* EREPORT and EGETKEY with the alignment that the processor demands, and the runtime's own services
 * to the image. */
#include "runtime/private.h"

#define BARE_NO_LEAF 0x45524142u /* rax of EREPORT and EGETKEY on the device bare */

sl_rc sl_rt_report(const uint8_t target_info[512], const uint8_t report_data[64],
                   uint8_t ret_report[432])
{
    /* SDM vol. 3D, EREPORT: TARGETINFO and REPORT 512-byte, REPORTDATA 128-byte aligned */
    struct {
        uint8_t target[512];
        uint8_t report[512];
        uint8_t data[128];
    } io __attribute__((aligned(512)));
    rt_memcpy(io.target, target_info, sizeof(io.target));
    rt_memcpy(io.data, report_data, 64);
    uint64_t result = rt_ereport(io.target, io.data, io.report);
    if (rt_state.is_enclu_missing || result != 0) {
        return SL_UNSUPPORTED;
    }
    rt_memcpy(ret_report, io.report, sizeof(struct sl_report));
    return SL_OK;
}

sl_rc sl_rt_key(const uint8_t key_request[512], uint8_t ret_key[16])
{
    struct {
        uint8_t request[512];
        uint8_t key[16];
    } io __attribute__((aligned(512)));
    rt_memcpy(io.request, key_request, sizeof(io.request));
    uint64_t result = rt_egetkey(io.request, io.key);
    if (rt_state.is_enclu_missing || result == BARE_NO_LEAF) {
        return SL_UNSUPPORTED;
    }
    if (result != 0) {
        return SL_DENIED;
    }
    rt_memcpy(ret_key, io.key, sizeof(io.key));
    rt_memset(io.key, 0, sizeof(io.key));
    __asm__ volatile("" : : "r"(io.key) : "memory");
    return SL_OK;
}

void sl_rt_wait(enum sl_rt_wait_kind kind, uint32_t arg, uint64_t timeout_ns)
{
    (void)rt_wait(rt_block_self(), kind, arg, timeout_ns);
}

uint32_t sl_rt_thread(void)
{
    return (uint32_t)rt_block_self()->index;
}

void sl_rt_wake(uint32_t thread)
{
    (void)rt_call(rt_block_self(), SL_ABI_EXIT_WAKE, thread, 0);
}

bool sl_rt_is_polling(void)
{
    return rt_state.is_polling;
}

void sl_rt_counters(struct sl_rt_counters *ret_counters)
{
#define LOAD(name, text)                                                                           \
    ret_counters->name = __atomic_load_n(&rt_state.counters.name, __ATOMIC_RELAXED);
    SL_RT_COUNTER_TABLE(LOAD)
#undef LOAD
}

uint32_t sl_rt_refused(uint32_t number)
{
    uint32_t last = sizeof(rt_state.refused) / sizeof(rt_state.refused[0]) - 1;
    return __atomic_load_n(&rt_state.refused[number < last ? number : last], __ATOMIC_RELAXED);
}
