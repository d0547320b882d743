/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Signatures that a measurement list carries (templates ima-sig, ima-sigv2, evm-sig), checked
 * against a ring of public keys. Formats: Linux security/integrity/integrity.h, versions 2 and 3,
 * types "IMA digest" (3), "EVM portable" (5) and "fs-verity" (6); RSA PKCS #1 v1.5 and ECDSA.
 * The kernel hashed the file; what is checked is that the holder of a key signed that digest.
 */
#ifndef SL_ATTEST_IMA_SIG_H
#define SL_ATTEST_IMA_SIG_H

#include "attest/ima_log.h"

enum {
    SL_IMA_KEYS_MAX = 64,
    SL_IMA_KEYS_SIZE_MAX = 1 << 20,
};

/** Public keys with the ids that signatures name them by. */
struct sl_ima_keyring;

/** Turns a file of keys into PEM text: certificates and SubjectPublicKeyInfo, PEM (any text
 * around) or DER (several in a row). Certificates count by their key alone, as in a kernel keyring:
 * neither dates nor issuers are looked at.
 * @param[in,out] io_text  grown by what was found; may begin as NULL
 * @param[in,out] io_size  bytes in @p io_text, without its terminator
 * @retval SL_OK
 * @retval SL_TRUNCATED  no key in it
 * @retval SL_MALFORMED  not a certificate, not a public key, or bytes behind it
 * @retval SL_RANGE      longer than SL_IMA_KEYS_SIZE_MAX
 * @retval SL_NO_MEMORY
 * @owner  caller frees @p io_text by free(), after a failure too */
sl_rc sl_ima_keys_append(struct sl_blob file, char **io_text, size_t *io_size,
                         struct sl_err *err) SL_MUST_CHECK;

/** Makes a ring of what sl_ima_keys_append wrote.
 * @param[out] ret_keyring  NULL unless SL_OK
 * @retval SL_OK
 * @retval SL_TRUNCATED    no key in it
 * @retval SL_MALFORMED    not a certificate or public key
 * @retval SL_UNSUPPORTED  a key that is neither RSA of 2048 to 8192 bits nor EC on P-256, 384, 521
 * @retval SL_RANGE        more than SL_IMA_KEYS_MAX keys, or longer than SL_IMA_KEYS_SIZE_MAX
 * @retval SL_NO_MEMORY
 * @owner  caller frees by sl_ima_keyring_free
 * @context a ring is read-only: any thread, at once */
sl_rc sl_ima_keyring_create(struct sl_blob pem, struct sl_ima_keyring **ret_keyring,
                            struct sl_err *err) SL_MUST_CHECK;
void sl_ima_keyring_free(struct sl_ima_keyring *keyring);

/** What an entry's signature says of its file digest. */
enum sl_ima_sig_state {
    SL_IMA_SIG_NONE,    /**< the entry has none */
    SL_IMA_SIG_GOOD,    /**< a key of the ring signed this digest */
    SL_IMA_SIG_BAD,     /**< no signature at all, or not made of this digest by the key it names */
    SL_IMA_SIG_UNKNOWN, /**< by a key that the ring does not hold, or of a kind that cannot be
                             judged: over another hash than the entry's digest, over SHA-1 or MD5,
                             appended (modsig), version 1, SM2, Streebog */
};

/** Checks the signature of an entry: of its digest (sig), or of its metadata (evmsig), whose
 * security.ima must then be that digest or a good signature of it.
 * @param[out] ret_why  why it is not good; empty where there is none or it is good
 * @context allocates
 * @spec Linux security/integrity/digsig_asymmetric.c, evm/evm_crypto.c (hmac_add_misc) */
enum sl_ima_sig_state sl_ima_sig_check(const struct sl_ima_keyring *keyring,
                                       const struct sl_ima_entry *entry, struct sl_err *ret_why);

/* internal, between ima_keys.c and ima_sig.c */
struct evp_pkey_st;
/** The key at or behind @p io_at with this id. @return NULL: no more */
struct evp_pkey_st *sl_ima_keyring_find(const struct sl_ima_keyring *keyring, uint32_t id,
                                        size_t *io_at);

#endif
