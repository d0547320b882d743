/* SPDX-License-Identifier: Apache-2.0 */
/* The NFs of this program: SL_NF_REGISTER puts a pointer to each into the section sl_nf_table,
 * whose bounds the linker names. */
#include "nf/chain.h"

/* weak: a program without any NF links as well */
extern const struct sl_nf *const table_start[] __asm__("__start_sl_nf_table")
    __attribute__((weak, visibility("hidden")));
extern const struct sl_nf *const table_stop[] __asm__("__stop_sl_nf_table")
    __attribute__((weak, visibility("hidden")));

uint32_t sl_nf_registered_count(void)
{
    uintptr_t size = (uintptr_t)table_stop - (uintptr_t)table_start;
    return (uint32_t)(size / sizeof(table_start[0]));
}

const struct sl_nf *sl_nf_registered(uint32_t index)
{
    return index < sl_nf_registered_count() ? table_start[index] : NULL;
}
