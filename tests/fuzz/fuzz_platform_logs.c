/* SPDX-License-Identifier: Apache-2.0 */
/* What a host sends about itself: measurement lists, boot logs, TPM quotes and keys. The first byte
 * picks. No quote may be good that no TPM signed. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "attest/ima_replay.h"
#include "attest/ima_sig.h"
#include "attest/tcg_event.h"
#include "attest/tpm_public.h"
#include "attest/tpm_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static EVP_PKEY *own_key(bool is_ec);

/* Keys that signed no file. */
static const struct sl_ima_keyring *own_ring(void)
{
    static struct sl_ima_keyring *ring;
    char *pem = NULL;
    size_t pem_size = 0;

    for (int i = 0; ring == NULL && i < 2; i++) {
        uint8_t *der = NULL;
        const int size = i2d_PUBKEY(own_key(i == 1), &der);

        if (size <= 0 || sl_ima_keys_append((struct sl_blob){der, (size_t)size}, &pem, &pem_size,
                                            NULL) != SL_OK) {
            abort();
        }
        OPENSSL_free(der);
    }
    if (ring == NULL && sl_ima_keyring_create((struct sl_blob){(const uint8_t *)pem, pem_size},
                                              &ring, NULL) != SL_OK) {
        abort();
    }
    free(pem);
    return ring;
}

static void fuzz_keys(struct sl_blob in)
{
    struct sl_ima_keyring *ring = NULL;
    char *pem = NULL;
    size_t size = 0;

    if (sl_ima_keys_append(in, &pem, &size, NULL) == SL_OK) {
        const sl_rc rc =
            sl_ima_keyring_create((struct sl_blob){(const uint8_t *)pem, size}, &ring, NULL);

        if ((rc == SL_OK) != (ring != NULL) || rc == SL_TRUNCATED) {
            abort(); /* what was taken as keys is found as keys */
        }
    }
    sl_ima_keyring_free(ring);
    free(pem);
}

enum { IMA_BINARY, IMA_ASCII, BOOT_LOG, QUOTE, SIGNATURE, PUBLIC, KEYS, KINDS };

static void fuzz_ima(struct sl_blob in, enum sl_ima_log_format format)
{
    static const uint16_t BANKS[] = {SL_TPM_ALG_SHA1, SL_TPM_ALG_SHA256};
    static struct sl_ima_entry entry;
    struct sl_ima_log log;
    struct sl_ima_replay replay;
    size_t off;
    sl_rc rc;

    if (sl_ima_log_init(&log, in, format, NULL) != SL_OK) {
        return;
    }
    if (sl_ima_replay_init(&replay, BANKS, 2, SL_IMA_EXTEND_HASH) != SL_OK) {
        abort();
    }
    for (off = log.off; (rc = sl_ima_log_next(&log, &entry, NULL)) != SL_CLOSED; off = log.off) {
        if (rc == SL_OK) {
            if (sl_ima_replay_add(&replay, &entry, NULL) != SL_OK || log.off <= off ||
                strlen(entry.path) >= sizeof(entry.path) ||
                sl_ima_sig_check(own_ring(), &entry, NULL) == SL_IMA_SIG_GOOD) {
                abort();
            }
        } else if (format == SL_IMA_BINARY) {
            break;
        } else if (log.off <= off) {
            abort(); /* a bad line must be left behind */
        }
    }
    sl_ima_log_done(&log);
}

static void fuzz_boot_log(struct sl_blob in)
{
    static struct sl_tcg_replay replay;
    struct sl_tcg_log log;
    struct sl_tcg_event event;
    char text[SL_TCG_TEXT_MAX];
    bool is_promised;

    if (sl_tcg_log_init(&log, in, NULL) != SL_OK) {
        return;
    }
    while (sl_tcg_log_next(&log, &event, NULL) == SL_OK) {
        sl_tcg_event_text(&event, text);
        if (memchr(text, 0, sizeof(text)) == NULL) {
            abort();
        }
        (void)!sl_tcg_event_digest_check(&event, &is_promised);
    }
    (void)!sl_tcg_log_replay(in, sl_tpm_hash_by_alg(SL_TPM_ALG_SHA256), &replay, NULL);
}

static EVP_PKEY *own_key(bool is_ec)
{
    static EVP_PKEY *keys[2];

    if (keys[is_ec] == NULL) {
        keys[is_ec] = is_ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    }
    return keys[is_ec];
}

/* A key that signed nothing: whatever comes in must be refused. */
static void fuzz_quote(struct sl_blob attest, struct sl_blob signature)
{
    static struct sl_findings findings;
    static const struct sl_tpm_expectation expected;
    struct sl_tpm_quote quote;
    bool is_reboot;

    for (int is_ec = 0; is_ec < 2; is_ec++) {
        findings = (struct sl_findings){0};
        if (sl_tpm_quote_check(own_key(is_ec != 0), attest, signature, &expected, &findings, &quote,
                               &is_reboot) != SL_OK ||
            findings.failure_count == 0) {
            abort();
        }
    }
}

static void fuzz_public(struct sl_blob in)
{
    struct sl_tpm_public public;
    struct sl_err err = {0};

    if (sl_tpm_public_read(in, &public, &err) != SL_OK) {
        if (err.text[0] == '\0') {
            abort();
        }
        return;
    }
    if (public.key == NULL || public.name_size < 2 + 20 ||
        (sl_tpm_public_is_ak(&public, NULL) && sl_tpm_public_is_ek(&public, NULL))) {
        abort();
    }
    sl_tpm_public_done(&public);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ATTEST[] = {0xff, 'T', 'C', 'G', 0x80, 0x18};
    const struct sl_blob in = {data + 1, size - 1};

    if (size < 1) {
        return 0;
    }
    switch (data[0] % KINDS) {
    case IMA_BINARY:
        fuzz_ima(in, SL_IMA_BINARY);
        break;
    case IMA_ASCII:
        fuzz_ima(in, SL_IMA_ASCII);
        break;
    case BOOT_LOG:
        fuzz_boot_log(in);
        break;
    case QUOTE:
        fuzz_quote(in, (struct sl_blob){ATTEST, sizeof(ATTEST)});
        break;
    case SIGNATURE:
        fuzz_quote((struct sl_blob){ATTEST, sizeof(ATTEST)}, in);
        break;
    case KEYS:
        fuzz_keys(in);
        break;
    default:
        fuzz_public(in);
        break;
    }
    return 0;
}
