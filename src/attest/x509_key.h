/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates without decoded keys, and the keys when they are needed. */
#ifndef SL_ATTEST_X509_KEY_H
#define SL_ATTEST_X509_KEY_H

#include "attest/x509.h"

enum { SL_X509_KEYS_MAX = 4 * SL_X509_CHAIN_MAX };

/* A certificate for d2i_X509 to fill, whose key is not decoded. NULL: out of memory. */
X509 *sl_x509_empty(void);
/* Whether its key may sign here: RSA of 2048 to 8192 bits, or EC on P-256, P-384, P-521. */
bool sl_x509_key_is_sound(X509 *cert);

/* Keys made during one check, each once. */
struct sl_x509_keys {
    X509 *certs[SL_X509_KEYS_MAX];
    EVP_PKEY *keys[SL_X509_KEYS_MAX];
    size_t count;
};
/* Borrowed; NULL: not sound, or out of memory. */
EVP_PKEY *sl_x509_keys_get(struct sl_x509_keys *keys, X509 *cert);
void sl_x509_keys_done(struct sl_x509_keys *keys);

#endif
