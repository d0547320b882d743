/* SPDX-License-Identifier: Apache-2.0 */
/* An image that ends as its start parameter says: the host must report each end. */
#include <stdio.h>
#include <string.h>

#include "runtime/runtime.h"

int main(int argc, char **argv)
{
    const char *how = argc > 0 ? argv[argc - 1] : "";
    /* the last parameter is the tenant's hash: its first digit chooses */
    sl_rt_wait(SL_RT_WAIT_CONTROL, 0, 100000000);
    if (how[0] == 'a') {
        __builtin_trap();
    }
    if (how[0] == 'b') {
        static volatile uintptr_t nowhere = 16;
        *(volatile int *)nowhere = 1;
    }
    if (how[0] == 'c') {
        return 7;
    }
    if (how[0] == 'e') {
        (void)fprintf(stderr, "line with \x1b[31mescapes\x07\n");
        return 0;
    }
    for (;;) { /* never listens: only the host can end it */
    }
}
