/* SPDX-License-Identifier: Apache-2.0 */
/* What heap.c needs of the runtime, where there is no enclave: counters, and locks for one thread.
 */
#include "runtime/private.h"

#include <assert.h>

struct rt_state rt_state;

void rt_lock(struct rt_lock *lock)
{
    assert(lock->word == 0);
    lock->word = 1;
}

void rt_unlock(struct rt_lock *lock)
{
    assert(lock->word == 1);
    lock->word = 0;
}
