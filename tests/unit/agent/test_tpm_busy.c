/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM that another program has, or that is no device of ours: what opening it does, with open()
 * and nanosleep() of the test's own. Commands that are to be tried again: tests/system/agent. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tpm2_types.h>

#include "agent/tpm.h"
#include "agent/tpm_internal.h"

static int busy_left, errno_then, tries, waits;

int __wrap_open64(const char *path, int flags, ...);
int __real_open64(const char *path, int flags, ...);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    int mode;

    va_start(args, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(args, int) : 0;
    va_end(args);
    if (strcmp(path, "/dev/tpm-of-a-test") != 0) {
        return __real_open64(path, flags, mode);
    }
    tries++;
    errno = busy_left > 0 ? EBUSY : errno_then;
    busy_left--;
    return -1;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time;
    (void)left;
    waits++;
    return 0;
}

static void opened(int busy, int then, const char *said, int tries_wanted)
{
    struct sl_agent_tpm tpm;
    struct sl_err err = {0};

    busy_left = busy;
    errno_then = then;
    tries = waits = 0;
    assert_rc(sl_agent_tpm_open("device:/dev/tpm-of-a-test", false, &tpm, &err), SL_IO);
    assert_non_null(strstr(err.text, said));
    assert_non_null(strstr(err.text, "/dev/tpm-of-a-test"));
    assert_int_equal(tries, tries_wanted);
}

static void test_open_waits_for_a_busy_device(void **state)
{
    (void)state;
    opened(3, EACCES, "must be in its group (tss)", 4);
    assert_int_equal(waits, 3);
    opened(0, ENOENT, "no TPM 2.0, or no driver for it", 1);
}

static void test_open_of_a_device_that_stays_busy_says_so(void **state)
{
    (void)state;
    opened(1000, EBUSY, "another program has it; use /dev/tpmrm0", 20);
    assert_int_equal(waits, 20);
}

static void test_busy_counts_its_tries_and_ends(void **state)
{
    const TSS2_RC again[] = {TPM2_RC_RETRY, TPM2_RC_YIELDED, TPM2_RC_TESTING,
                             TSS2_TCTI_RC_TRY_AGAIN, TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_RETRY};
    unsigned count = 0, used = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
        count = 0;
        used = 0;
        while (sl_agent_tpm_is_busy(again[i], &count)) {
            used++;
        }
        assert_int_equal(used, 20);
    }
    count = 0;
    assert_false(sl_agent_tpm_is_busy(TPM2_RC_SUCCESS, &count));
    assert_false(sl_agent_tpm_is_busy(TPM2_RC_FAILURE, &count));
    assert_false(sl_agent_tpm_is_busy(TSS2_TCTI_RC_IO_ERROR, &count));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_waits_for_a_busy_device),
        cmocka_unit_test(test_open_of_a_device_that_stays_busy_says_so),
        cmocka_unit_test(test_busy_counts_its_tries_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
