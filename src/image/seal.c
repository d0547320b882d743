/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed blobs: made, opened. */
#include "image/seal.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "device/sgx_arch.h"
#include "runtime/runtime.h"

#define MAGIC 0x534c5331u /* "SLS1" */
enum {
    FORMAT = 1,
    KEY_NAME_SEAL = 4, /* SDM 38.17.1 */
    KEY_SIZE = 32,
    NONCE_SIZE = 12,
    TAG_SIZE = 16,
    ALGORITHM_KEY_SIZE = 16,
    CPU_SVN_SIZE = 16,
};
/* What of ATTRIBUTES the key depends on: all flags but those that a processor or loader may add
 * (SDM 38.17.3 leaves the choice; DEBUG and the reserved bits always count). XFRM does not: it
 * follows the machine's features. */
#define ATTRIBUTE_MASK 0xff0000000000000bull
#define MISC_MASK      0xf0000000u

static const char domain[] = "SafeLib seal 1"; /* with its terminating zero */

/* The parts of a header that a key depends on. */
struct seal_form {
    enum sl_seal_policy policy;
    uint8_t purpose[SL_SEAL_PURPOSE_SIZE];
    uint8_t key_id[32];
    uint8_t cpu_svn[CPU_SVN_SIZE];
    uint16_t isv_svn;
    uint8_t nonce[NONCE_SIZE];
    uint32_t size;
};

static void form_write(const struct seal_form *form, uint8_t header[SL_SEAL_HEADER_SIZE])
{
    struct sl_writer w;
    sl_writer_init(&w, header, SL_SEAL_HEADER_SIZE);
    sl_writer_be32(&w, MAGIC);
    sl_writer_be16(&w, FORMAT);
    sl_writer_u8(&w, (uint8_t)form->policy);
    sl_writer_u8(&w, 0);
    sl_writer_bytes(&w, form->purpose, sizeof(form->purpose));
    sl_writer_bytes(&w, form->key_id, sizeof(form->key_id));
    sl_writer_bytes(&w, form->cpu_svn, sizeof(form->cpu_svn));
    sl_writer_be16(&w, form->isv_svn);
    sl_writer_be16(&w, 0);
    sl_writer_bytes(&w, form->nonce, sizeof(form->nonce));
    sl_writer_be32(&w, form->size);
}
_Static_assert(4 + 2 + 1 + 1 + SL_SEAL_PURPOSE_SIZE + 32 + CPU_SVN_SIZE + 2 + 2 + NONCE_SIZE + 4 ==
                   SL_SEAL_HEADER_SIZE,
               "as form_write has it");

static sl_rc form_read(const uint8_t *blob, size_t size, struct seal_form *ret_form)
{
    struct sl_reader r;
    struct seal_form form = {0};
    sl_reader_init(&r, blob, size);
    uint32_t magic = sl_reader_be32(&r);
    uint16_t format = sl_reader_be16(&r);
    form.policy = (enum sl_seal_policy)sl_reader_u8(&r);
    uint8_t zero = sl_reader_u8(&r);
    sl_reader_copy(&r, form.purpose, sizeof(form.purpose));
    sl_reader_copy(&r, form.key_id, sizeof(form.key_id));
    sl_reader_copy(&r, form.cpu_svn, sizeof(form.cpu_svn));
    form.isv_svn = sl_reader_be16(&r);
    uint16_t zero2 = sl_reader_be16(&r);
    sl_reader_copy(&r, form.nonce, sizeof(form.nonce));
    form.size = sl_reader_be32(&r);
    if (r.rc == SL_OK && (magic != MAGIC || format != FORMAT || zero != 0 || zero2 != 0 ||
                          form.size > SL_SEAL_DATA_MAX)) {
        sl_reader_fail(&r, SL_MALFORMED);
    }
    (void)sl_reader_bytes(&r, form.size);
    (void)sl_reader_bytes(&r, TAG_SIZE);
    sl_rc rc = sl_reader_end(&r);
    if (rc == SL_OK) {
        *ret_form = form;
    }
    return rc;
}

static sl_rc half_key(const struct seal_form *form, uint8_t turn, uint8_t ret_key[16])
{
    struct sl_key_request request = {
        .key_name = KEY_NAME_SEAL,
        .key_policy = (uint16_t)form->policy, /* the enum's values are KEYPOLICY's bits */
        .isv_svn = form->isv_svn,
        .attribute_mask = {.flags = ATTRIBUTE_MASK},
        .misc_mask = MISC_MASK,
    };
    memcpy(request.cpu_svn, form->cpu_svn, sizeof(request.cpu_svn));
    memcpy(request.key_id, form->key_id, sizeof(request.key_id));
    request.key_id[31] ^= turn;
    return sl_rt_key((const uint8_t *)&request, ret_key);
}

/* Two keys of 128 bits make one of 256. */
static sl_rc key_make(const struct seal_form *form, uint8_t ret_key[KEY_SIZE])
{
    uint8_t input[sizeof(domain) + 32];
    memcpy(input, domain, sizeof(domain));
    sl_rc rc = half_key(form, 0, input + sizeof(domain));
    rc = rc == SL_OK ? half_key(form, 1, input + sizeof(domain) + ALGORITHM_KEY_SIZE) : rc;
    if (rc == SL_OK && EVP_Digest(input, sizeof(input), ret_key, NULL, EVP_sha256(), NULL) != 1) {
        rc = SL_CRYPTO;
    }
    sl_wipe(input, sizeof(input));
    return rc;
}

/* Where this enclave stands now: what a new blob is sealed under. */
static sl_rc svn_now(struct seal_form *form)
{
    uint8_t target[512] = {0};
    uint8_t data[64] = {0};
    struct sl_report report;
    sl_rc rc = sl_rt_report(target, data, (uint8_t *)&report);
    if (rc == SL_OK) {
        memcpy(form->cpu_svn, report.body.cpu_svn, sizeof(form->cpu_svn));
        form->isv_svn = report.body.isv_svn;
    }
    return rc;
}

static bool purpose_set(struct seal_form *form, const char *purpose)
{
    size_t size = strlen(purpose);
    if (size >= sizeof(form->purpose)) {
        return false;
    }
    memset(form->purpose, 0, sizeof(form->purpose));
    memcpy(form->purpose, purpose, size);
    return true;
}

static bool encrypt(const uint8_t key[KEY_SIZE], const struct seal_form *form, uint8_t *blob,
                    const void *data)
{
    int size = 0;
    uint8_t *body = blob + SL_SEAL_HEADER_SIZE;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool is_good =
        ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, form->nonce) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &size, blob, SL_SEAL_HEADER_SIZE) == 1 &&
        EVP_EncryptUpdate(ctx, body, &size, data, (int)form->size) == 1 &&
        EVP_EncryptFinal_ex(ctx, body + form->size, &size) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, body + form->size) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return is_good;
}

sl_rc sl_seal(enum sl_seal_policy policy, const char *purpose, const void *data, size_t size,
              uint8_t *out, size_t room, size_t *ret_size, struct sl_err *err)
{
    uint8_t key[KEY_SIZE];
    struct seal_form form = {.policy = policy, .size = (uint32_t)size};
    if (size > SL_SEAL_DATA_MAX || room < size + SL_SEAL_OVERHEAD || !purpose_set(&form, purpose)) {
        return sl_err_set(err, SL_RANGE, "seal: %zu bytes for \"%s\" into %zu", size, purpose,
                          room);
    }
    sl_rc rc = svn_now(&form);
    if (rc == SL_OK && (RAND_bytes(form.key_id, sizeof(form.key_id)) != 1 ||
                        RAND_bytes(form.nonce, sizeof(form.nonce)) != 1)) {
        rc = SL_CRYPTO;
    }
    rc = rc == SL_OK ? key_make(&form, key) : rc;
    if (rc == SL_OK) {
        form_write(&form, out);
        rc = encrypt(key, &form, out, data) ? SL_OK : SL_CRYPTO;
    }
    sl_wipe(key, sizeof(key));
    if (rc != SL_OK) {
        sl_wipe(out, room);
        return sl_err_set(err, rc, "seal: %s",
                          rc == SL_UNSUPPORTED ? "this device has no keys of its own"
                                               : sl_rc_text(rc));
    }
    *ret_size = size + SL_SEAL_OVERHEAD;
    return SL_OK;
}

static bool decrypt(const uint8_t key[KEY_SIZE], const struct seal_form *form, const uint8_t *blob,
                    uint8_t *out)
{
    int size = 0;
    uint8_t tag[TAG_SIZE];
    const uint8_t *body = blob + SL_SEAL_HEADER_SIZE;
    memcpy(tag, body + form->size, sizeof(tag));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool is_good = ctx != NULL &&
                   EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, form->nonce) == 1 &&
                   EVP_DecryptUpdate(ctx, NULL, &size, blob, SL_SEAL_HEADER_SIZE) == 1 &&
                   EVP_DecryptUpdate(ctx, out, &size, body, (int)form->size) == 1 &&
                   EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
                   EVP_DecryptFinal_ex(ctx, out + form->size, &size) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return is_good;
}

sl_rc sl_unseal(enum sl_seal_policy policy, const char *purpose, const uint8_t *blob, size_t size,
                uint8_t *out, size_t room, size_t *ret_size, struct sl_err *err)
{
    uint8_t key[KEY_SIZE];
    struct seal_form form;
    struct seal_form wanted = {0};
    sl_rc rc = form_read(blob, size, &form);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "unseal: %zu bytes are no sealed blob: %s", size,
                          sl_rc_text(rc));
    }
    if (form.policy != policy || !purpose_set(&wanted, purpose) ||
        memcmp(form.purpose, wanted.purpose, sizeof(form.purpose)) != 0) {
        return sl_err_set(err, SL_MISMATCH,
                          "unseal: the blob was sealed by another policy, or is not a \"%s\"",
                          purpose);
    }
    if (room < form.size) {
        return sl_err_set(err, SL_NO_SPACE, "unseal: %u bytes into %zu", form.size, room);
    }
    rc = key_make(&form, key);
    if (rc == SL_OK && !decrypt(key, &form, blob, out)) {
        rc = SL_AUTH;
    }
    sl_wipe(key, sizeof(key));
    if (rc != SL_OK) {
        sl_wipe(out, room);
        return sl_err_set(err, rc, "unseal: %s",
                          rc == SL_AUTH          ? "changed, or of another enclave or processor"
                          : rc == SL_UNSUPPORTED ? "this device has no keys of its own"
                          : rc == SL_DENIED
                              ? "sealed under a newer security version than this enclave has"
                              : sl_rc_text(rc));
    }
    *ret_size = form.size;
    return SL_OK;
}
