/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The hardware device: Linux's SGX driver and its vDSO entry. Reviewed against asm/sgx.h and the
 * SDM (docs/adr/0004-sgx-device.md); this machine had no SGX, so it never ran on hardware.
 */
#ifndef SL_DEVICE_SGX_SGX_H
#define SL_DEVICE_SGX_SGX_H

#include "device/device.h"

extern const struct sl_device_ops sl_device_sgx;

/** Says whether an enclave can run on hardware here, and if not, what is missing and what to do:
 * processor, launch control, driver, permission, vDSO.
 * @retval SL_OK          all is there
 * @retval SL_UNSUPPORTED the processor (or the BIOS, or the hypervisor) offers no SGX or no
 *                        flexible launch control
 * @retval SL_NOT_FOUND   no driver: no /dev/sgx_enclave, or no entry in the vDSO
 * @retval SL_DENIED      the device may not be opened
 * @retval SL_IO          opening failed otherwise */
sl_rc sl_sgx_probe(struct sl_err *err) SL_MUST_CHECK;

/** What sl_sgx_probe finds out, so that its sentences can be tested without the hardware. */
struct sl_sgx_facts {
    bool is_cpu_sgx;    /**< CPUID.7.0:EBX bit 2 */
    bool is_cpu_flc;    /**< CPUID.7.0:ECX bit 30 */
    int open_errno;     /**< of /dev/sgx_enclave; 0 = opened */
    bool is_vdso_entry; /**< __vdso_sgx_enter_enclave@LINUX_2.6 */
};
sl_rc sl_sgx_judge(const struct sl_sgx_facts *facts, struct sl_err *err) SL_MUST_CHECK;

/** The register convention between C and the vDSO; host_enter.S.
 * @param[in] vdso      address of __vdso_sgx_enter_enclave
 * @param[in,out] regs  passed through; after EEXIT rdi, rsi, rdx are the enclave's
 * @return what the vDSO returns */
int sl_sgx_enter_call(uintptr_t vdso, struct sl_enter_regs *regs, unsigned leaf,
                      struct sgx_enclave_run *run);

#endif
