/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The producers behind struct sl_evidence_producer: where this machine's evidence comes from. Each
 * is used by one thread at a time, and ended by sl_evidence_producer_done().
 */
#ifndef SL_EVIDENCE_PRODUCERS_H
#define SL_EVIDENCE_PRODUCERS_H

#include "evidence/evidence.h"

struct sl_machine;

void sl_evidence_producer_done(struct sl_evidence_producer *producer);

/** `none`: answers SL_UNSUPPORTED with @p why, to everything. Never fails.
 * @param[in] why  a sentence; must outlive the producer */
void sl_evidence_none_open(const char *why, struct sl_evidence_producer *ret_producer);

/** `emu`: the quoting enclave of SafeLib's own SGX emulator. Its quotes are well-formed SGX ECDSA
 * quotes v3 with complete collateral, under a root whose private key everybody has. **They protect
 * nothing**; they exist so that everything around them runs as it does on hardware.
 * @param[in] machine  the emulated processor that made the report (sl_device_machine); copied
 * @retval SL_OK, SL_CRYPTO, SL_NO_MEMORY */
sl_rc sl_evidence_emu_open(const struct sl_machine *machine,
                           struct sl_evidence_producer *ret_producer,
                           struct sl_err *err) SL_MUST_CHECK;

#define SL_TSM_ROOT "/sys/kernel/config/tsm/report"

/** `tsm`: Linux's configfs-tsm in a TDX or SEV-SNP guest. Each request makes an entry of its own,
 * and is repeated, for eight seconds at most, where another writer interfered or the kernel was
 * busy: then SL_TIMEOUT. SL_UNSUPPORTED for a provider that is neither; SL_MALFORMED for a
 * certificate table of the SEV-SNP host that is none.
 * @param[in] root  folder of the entries, SL_TSM_ROOT on a real machine
 * @retval SL_OK, SL_NOT_FOUND (no such folder), SL_NO_MEMORY */
sl_rc sl_evidence_tsm_open(const char *root, struct sl_evidence_producer *ret_producer,
                           struct sl_err *err) SL_MUST_CHECK;

#define SL_AESM_SOCKET  "/var/run/aesmd/aesm.socket"
#define SL_DCAP_LIBRARY "libsgx_dcap_ql.so.1"

/** `sgx`: Intel's quoting enclave, through AESM where its socket is, else by the DCAP library where
 * the machine has it. Both are looked for at each request: a service may come up later. Never run
 * on hardware.
 * @param[in] aesm_socket  NULL or empty: SL_AESM_SOCKET
 * @param[in] library      NULL or empty: SL_DCAP_LIBRARY
 * @retval SL_OK, SL_INVALID (path too long), SL_NO_MEMORY */
sl_rc sl_evidence_sgx_open(const char *aesm_socket, const char *library,
                           struct sl_evidence_producer *ret_producer,
                           struct sl_err *err) SL_MUST_CHECK;

/** Where to get evidence. */
struct sl_evidence_options {
    const char *name;                 /**< auto | emu | sgx | tsm | none; NULL or empty: auto */
    const char *device;               /**< that the image runs on: "emu", "sgx", "bare" */
    const struct sl_machine *machine; /**< device emu: sl_device_machine() */
    const char *tsm_root;             /**< NULL or empty: SL_TSM_ROOT */
    const char *aesm_socket;          /**< NULL or empty: SL_AESM_SOCKET */
    const char *dcap_library;         /**< NULL or empty: SL_DCAP_LIBRARY */
};

/** Opens the one that fits: `auto` is emu on emu, sgx on sgx, and on bare tsm where the kernel has
 * it (a machine that is a TDX or SEV-SNP guest), else none.
 * @retval SL_OK
 * @retval SL_INVALID    no such producer, or one that cannot vouch for that device
 * @retval SL_NOT_FOUND  tsm: no such directory
 * @retval SL_CRYPTO, SL_NO_MEMORY */
sl_rc sl_evidence_open(const struct sl_evidence_options *options,
                       struct sl_evidence_producer *ret_producer, struct sl_err *err) SL_MUST_CHECK;
/** True for a name that sl_evidence_open knows, the empty one included. */
bool sl_evidence_is_name(const char *name);

#endif
