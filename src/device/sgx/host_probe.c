/* SPDX-License-Identifier: Apache-2.0 */
/* Says what is missing for SGX, and the next step. */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "device/sgx/sgx.h"
#include "device/sgx/vdso.h"

#define INSTEAD "; without it use --device emu, which protects nothing"

static sl_rc judge_device(const struct sl_sgx_facts *facts, struct sl_err *err)
{
    switch (facts->open_errno) {
    case 0:
        return SL_OK;
    case ENOENT:
        return sl_err_set(err, SL_NOT_FOUND,
                          "/dev/sgx_enclave is absent although the processor has SGX: Linux 5.11 "
                          "or newer with CONFIG_X86_SGX is needed (`dmesg | grep -i sgx` says what "
                          "the kernel thinks); in a container pass the device in" INSTEAD);
    case EACCES:
    case EPERM:
        return sl_err_set(err, SL_DENIED,
                          "/dev/sgx_enclave may not be opened: %s; add this user to the group sgx "
                          "(`usermod -aG sgx USER`), or allow the device in the container's "
                          "cgroup" INSTEAD,
                          strerror(facts->open_errno));
    case ENODEV:
    case ENXIO:
        return sl_err_set(err, SL_NOT_FOUND,
                          "/dev/sgx_enclave exists but no driver answers: load or build in the "
                          "kernel's SGX support (CONFIG_X86_SGX)" INSTEAD);
    default:
        return sl_err_set(err, SL_IO, "/dev/sgx_enclave: %s", strerror(facts->open_errno));
    }
}

sl_rc sl_sgx_judge(const struct sl_sgx_facts *facts, struct sl_err *err)
{
    if (!facts->is_cpu_sgx) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "this processor shows no SGX (CPUID 7 EBX bit 2): enable it in the BIOS "
                          "(\"enabled\", not \"software controlled\"), or in the hypervisor for a "
                          "virtual machine" INSTEAD);
    }
    if (!facts->is_cpu_flc) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "this processor has SGX without flexible launch control (CPUID 7 ECX bit "
                          "30), which Linux needs: set the BIOS's SGX launch control to "
                          "\"unlocked\", or use a processor that has it" INSTEAD);
    }
    sl_rc rc = judge_device(facts, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (!facts->is_vdso_entry) {
        return sl_err_set(err, SL_NOT_FOUND,
                          "the kernel's vDSO has no __vdso_sgx_enter_enclave@LINUX_2.6: Linux 5.11 "
                          "or newer is needed, booted without vdso=0" INSTEAD);
    }
    return SL_OK;
}

sl_rc sl_sgx_probe(struct sl_err *err)
{
    struct sl_sgx_facts facts = {0};
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 1) {
        facts.is_cpu_sgx = (b & 1u << 2) != 0;
        facts.is_cpu_flc = (c & 1u << 30) != 0;
    }
    int fd = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        facts.open_errno = errno;
    } else {
        (void)close(fd);
    }
    const uint8_t *vdso = NULL;
    size_t size = 0;
    uint64_t off = 0;
    facts.is_vdso_entry =
        sl_vdso_self(&vdso, &size) == SL_OK &&
        sl_vdso_find(vdso, size, "__vdso_sgx_enter_enclave", "LINUX_2.6", &off) == SL_OK;
    return sl_sgx_judge(&facts, err);
}
