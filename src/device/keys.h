/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The emulator's stand-in for the processor's key hierarchy: EGETKEY's derivations and EREPORT's
 * MAC over a random "fuse" secret in an ordinary file. **It protects nothing**: whoever can read
 * that file, or this process, has every key. It exists so that images behave on `emu` as on `sgx`:
 * the same keys after a restart on the same machine, others on another machine, others for another
 * identity.
 */
#ifndef SL_DEVICE_KEYS_H
#define SL_DEVICE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "device/sgx_arch.h"
#include "device/sigstruct.h" /* enum sl_sgx_error */

/** KEYREQUEST.KEYNAME (SDM vol. 3D, "KEY REQUEST (KEYREQUEST)") */
enum {
    SL_KEYNAME_EINITTOKEN = 0,
    SL_KEYNAME_PROVISION = 1,
    SL_KEYNAME_PROVISION_SEAL = 2,
    SL_KEYNAME_REPORT = 3,
    SL_KEYNAME_SEAL = 4,
};

/** KEYREQUEST.KEYPOLICY */
enum {
    SL_KEYPOLICY_MRENCLAVE = 1 << 0,
    SL_KEYPOLICY_MRSIGNER = 1 << 1,
    SL_KEYPOLICY_NOISVPRODID = 1 << 2, /**< this and the next three need ATTRIBUTES.KSS */
    SL_KEYPOLICY_CONFIGID = 1 << 3,
    SL_KEYPOLICY_ISVFAMILYID = 1 << 4,
    SL_KEYPOLICY_ISVEXTPRODID = 1 << 5,
};

enum { SL_KEY_SIZE = 16, SL_FUSE_SIZE = 32 };

/** One emulated processor. */
struct sl_machine {
    uint8_t fuse[SL_FUSE_SIZE]; /**< root of all keys */
    uint8_t cpu_svn[16];        /**< of this emulator's version, per byte one component */
    uint8_t report_key_id[32];  /**< CR_REPORT_KEYID: random at each start, as at reset */
    bool is_persistent;         /**< fuse came from, or went to, a file */
};

/** What the key hierarchy knows of the running enclave. */
struct sl_identity {
    const struct sl_secs *secs;     /**< with mrenclave, mrsigner, isv_* set by EINIT */
    const uint8_t *isv_family_id;   /**< 16 bytes of SIGSTRUCT; NULL = zeros */
    const uint8_t *isv_ext_prod_id; /**< 16 bytes of SIGSTRUCT; NULL = zeros */
};

/** Opens this machine's emulated fuses, made at first use with mode 0600.
 * @param[in] path file, or NULL: $XDG_STATE_HOME/safelib/emulated-fuses, or under
 *                 $HOME/.local/state where that is unset
 * @retval SL_OK        @p ret_machine ready; wipe with sl_machine_done
 * @retval SL_NOT_FOUND no @p path and neither variable is set: use sl_machine_init_transient
 * @retval SL_IO        cannot be read or made
 * @retval SL_DENIED    the file is another user's, readable by others, or not a plain file
 * @retval SL_MALFORMED the file is not 32 bytes long
 * @retval SL_CRYPTO    no randomness */
sl_rc sl_machine_open(const char *path, struct sl_machine *ret_machine,
                      struct sl_err *err) SL_MUST_CHECK;
/** A machine of this process only: what it seals, nobody can open later.
 * @retval SL_OK, SL_CRYPTO */
sl_rc sl_machine_init_transient(struct sl_machine *ret_machine) SL_MUST_CHECK;
void sl_machine_done(struct sl_machine *machine);

/** EGETKEY.
 * @param[out] ret_key   16 bytes, written only on success
 * @param[out] ret_error enum sl_sgx_error for RAX (ZF = 1 where not 0); written unless SL_INVALID
 * @retval SL_OK          key derived
 * @retval SL_INVALID     the processor would raise #GP(0): reserved bits, KSS policy without KSS
 * @retval SL_DENIED      SGX_INVALID_ATTRIBUTE: key needs an attribute that the enclave lacks
 * @retval SL_RANGE       SGX_INVALID_CPUSVN or SGX_INVALID_ISVSVN: newer than the enclave is
 * @retval SL_UNSUPPORTED SGX_INVALID_KEYNAME
 * @retval SL_CRYPTO      OpenSSL failed
 * @spec    SDM vol. 3D, EGETKEY */
sl_rc sl_machine_egetkey(const struct sl_machine *machine, const struct sl_identity *identity,
                         const struct sl_key_request *request, uint8_t ret_key[SL_KEY_SIZE],
                         uint32_t *ret_error) SL_MUST_CHECK;

/** EREPORT: the enclave's identity and @p report_data, with a MAC for @p target on this machine.
 * @param[in] report_data 64 bytes
 * @retval SL_OK      @p ret_report complete
 * @retval SL_INVALID #GP(0): reserved bytes of TARGETINFO are not zero
 * @retval SL_CRYPTO  OpenSSL failed
 * @spec    SDM vol. 3D, EREPORT */
sl_rc sl_machine_ereport(const struct sl_machine *machine, const struct sl_identity *identity,
                         const struct sl_target_info *target, const uint8_t report_data[64],
                         struct sl_report *ret_report) SL_MUST_CHECK;

/** Checks a report's MAC with a report key (EGETKEY, SL_KEYNAME_REPORT, key_id of the report).
 * @retval SL_OK     made on this machine for the key's owner
 * @retval SL_AUTH   it was not
 * @retval SL_CRYPTO OpenSSL failed */
sl_rc sl_report_verify(const struct sl_report *report,
                       const uint8_t report_key[SL_KEY_SIZE]) SL_MUST_CHECK;

#endif
