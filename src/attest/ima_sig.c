/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of a measurement list's entries. */
#include "attest/ima_sig.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "safelib/bytes.h"

/* Linux security/integrity/integrity.h, enum evm_ima_xattr_type */
enum {
    XATTR_DIGSIG = 0x03,
    XATTR_DIGEST_NG = 0x04,
    XATTR_EVM_PORTABLE = 0x05,
    XATTR_VERITY_DIGSIG = 0x06,
};
enum { SIG_HEADER_SIZE = 9, SIG_SIZE_MAX = 1024, XATTRS_MAX = 32, MISC_SIZE = 24 };

/* struct signature_v2_hdr, taken apart */
struct header {
    uint8_t type, version;
    uint8_t alg_id;
    const struct sl_tpm_hash *hash; /* NULL: none that may sign */
    uint32_t key_id;
    struct sl_blob sig;
};

/* What a signature is over. */
struct signed_digest {
    const struct sl_tpm_hash *hash;
    uint8_t bytes[SL_TPM_DIGEST_MAX];
    size_t size;
};

/* Linux include/uapi/linux/hash_info.h, enum hash_algo. SHA-1 and MD5 are left out: a signature
 * over them does not say which file it is of. */
static const char *const HASH_NAMES[] = {
    [4] = "sha256",    [5] = "sha384",    [6] = "sha512",
    [20] = "sha3-256", [21] = "sha3-384", [22] = "sha3-512",
};

static enum sl_ima_sig_state tell(struct sl_err *why, enum sl_ima_sig_state state, const char *text)
{
    sl_err_record(why, state == SL_IMA_SIG_BAD ? SL_AUTH : SL_UNSUPPORTED, "%s", text);
    return state;
}

/* u8 type | u8 version | u8 hash_algo | be32 keyid | be16 sig_size | sig */
static enum sl_ima_sig_state header_read(struct sl_blob in, struct header *header,
                                         struct sl_err *why)
{
    struct sl_reader r;
    const char *name;
    size_t size;

    sl_reader_init(&r, in.data, in.size);
    header->type = sl_reader_u8(&r);
    header->version = sl_reader_u8(&r);
    if (r.rc != SL_OK) {
        return tell(why, SL_IMA_SIG_BAD, "the signature is cut");
    }
    if (header->type != XATTR_DIGSIG && header->type != XATTR_EVM_PORTABLE &&
        header->type != XATTR_VERITY_DIGSIG) {
        return tell(why, SL_IMA_SIG_BAD, "the signature is of a type that no kernel writes");
    }
    if (header->version != 2 && header->version != 3) {
        return tell(why, SL_IMA_SIG_UNKNOWN, "the signature's version is neither 2 nor 3");
    }
    header->alg_id = sl_reader_u8(&r);
    header->key_id = sl_reader_be32(&r);
    size = sl_reader_be16(&r);
    header->sig = (struct sl_blob){sl_reader_bytes(&r, size), size};
    if (sl_reader_end(&r) != SL_OK || size == 0 || size > SIG_SIZE_MAX) {
        return tell(why, SL_IMA_SIG_BAD, "the signature's size is not that of its bytes");
    }
    name = header->alg_id < sizeof(HASH_NAMES) / sizeof(HASH_NAMES[0]) ? HASH_NAMES[header->alg_id]
                                                                       : NULL;
    header->hash = name != NULL ? sl_tpm_hash_by_name(name, strlen(name)) : NULL;
    if (header->hash == NULL) {
        return tell(why, SL_IMA_SIG_UNKNOWN,
                    "the signature is over a hash that is not taken (SHA-2 and SHA-3 of 256, 384, "
                    "512 bits are)");
    }
    return SL_IMA_SIG_GOOD;
}

static bool is_signed_by(EVP_PKEY *key, const struct header *header,
                         const struct signed_digest *digest)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    EVP_MD *md = EVP_MD_fetch(NULL, header->hash->openssl, NULL);
    const bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    const bool is_good =
        ctx != NULL && md != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
        (!is_rsa || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
        EVP_PKEY_verify(ctx, header->sig.data, header->sig.size, digest->bytes, digest->size) == 1;

    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return is_good;
}

static enum sl_ima_sig_state ring_ask(const struct sl_ima_keyring *keyring,
                                      const struct header *header,
                                      const struct signed_digest *digest, struct sl_err *why)
{
    size_t at = 0, tried = 0;
    EVP_PKEY *key;

    while ((key = sl_ima_keyring_find(keyring, header->key_id, &at)) != NULL) {
        if (is_signed_by(key, header, digest)) {
            return SL_IMA_SIG_GOOD;
        }
        tried++;
    }
    if (tried == 0) {
        sl_err_record(why, SL_NOT_FOUND, "the ring has no key %08x, which the signature names",
                      header->key_id);
        return SL_IMA_SIG_UNKNOWN;
    }
    sl_err_record(why, SL_AUTH, "key %08x did not make this signature of this %s digest",
                  header->key_id, header->hash->name);
    return SL_IMA_SIG_BAD;
}

/* Version 3 signs the hash of struct ima_file_id: u8 type | u8 algorithm | digest
 * (ima_appraise.c, calc_file_id_hash), so that one kind of digest does not pass for another. */
static bool file_id_hash(const struct header *header, const struct sl_ima_digest *from,
                         struct signed_digest *to)
{
    const uint8_t head[2] = {header->type, header->alg_id};

    to->size = header->hash->size;
    return sl_tpm_hash_two(header->hash, head, sizeof(head), from->data, from->size, to->bytes) ==
           SL_OK;
}

/* A signature of the file's digest: security.ima of type 3 or 6. */
static enum sl_ima_sig_state digest_check(const struct sl_ima_keyring *keyring,
                                          const struct header *header,
                                          const struct sl_ima_digest *from, struct sl_err *why)
{
    const bool is_verity = strcmp(from->type, "verity") == 0;
    struct signed_digest digest = {.hash = header->hash};

    if (from->hash != header->hash || from->size != header->hash->size) {
        sl_err_record(why, SL_MISMATCH, "the signature is over %s, the entry's digest is not",
                      header->hash->name);
        return SL_IMA_SIG_UNKNOWN;
    }
    if (is_verity != (header->type == XATTR_VERITY_DIGSIG) || (is_verity && header->version != 3)) {
        return tell(why, SL_IMA_SIG_BAD,
                    "the signature and the digest are not of one kind (file, fs-verity)");
    }
    if (header->version == 3) {
        if (!file_id_hash(header, from, &digest)) {
            return tell(why, SL_IMA_SIG_UNKNOWN, "the digest cannot be hashed");
        }
    } else {
        memcpy(digest.bytes, from->data, from->size);
        digest.size = from->size;
    }
    return ring_ask(keyring, header, &digest, why);
}

/* ---- EVM portable signatures ---- */

/* Whether security.ima is the entry's digest, or a good signature of it. */
static enum sl_ima_sig_state xattr_ima_check(const struct sl_ima_keyring *keyring,
                                             struct sl_blob value,
                                             const struct sl_ima_digest *digest, struct sl_err *why)
{
    struct header header = {0};
    enum sl_ima_sig_state state;
    size_t skip = 0;

    if (value.size > 0 && value.data[0] == XATTR_DIGSIG) {
        state = header_read(value, &header, why);
        return state == SL_IMA_SIG_GOOD ? digest_check(keyring, &header, digest, why) : state;
    }
    if (value.size > 2 && value.data[0] == XATTR_DIGEST_NG) {
        const uint8_t id = value.data[1];

        skip = id < sizeof(HASH_NAMES) / sizeof(HASH_NAMES[0]) && HASH_NAMES[id] != NULL &&
                       digest->hash != NULL && strcmp(HASH_NAMES[id], digest->hash->name) == 0
                   ? 2
                   : 0;
    }
    if (skip == 0 || strcmp(digest->type, "verity") == 0 || value.size - skip != digest->size ||
        memcmp(value.data + skip, digest->data, digest->size) != 0) {
        return tell(why, SL_IMA_SIG_BAD,
                    "the security.ima that EVM signed is not the entry's digest");
    }
    return SL_IMA_SIG_GOOD;
}

/* The metadata as the entry lists it: names "a|b", u32 lengths, values behind one another. */
struct metadata {
    struct sl_blob names, lengths, values;
    uint8_t misc[MISC_SIZE];
    struct sl_blob ima; /* value of security.ima */
};

static bool uint_take(const struct sl_ima_entry *entry, enum sl_ima_field_id id, size_t size,
                      uint8_t *out)
{
    const struct sl_ima_value *value = sl_ima_entry_value(entry, id);

    if (value == NULL || value->size != size) {
        return false;
    }
    memcpy(out, value->data, size);
    return true;
}

static bool blob_take(const struct sl_ima_entry *entry, enum sl_ima_field_id id,
                      struct sl_blob *out)
{
    const struct sl_ima_value *value = sl_ima_entry_value(entry, id);

    *out = value != NULL ? (struct sl_blob){value->data, value->size} : (struct sl_blob){NULL, 0};
    return value != NULL;
}

/* Finds security.ima, and whether names, lengths and values belong together. */
static bool xattrs_walk(struct metadata *meta)
{
    const char *at = (const char *)meta->names.data;
    size_t left = meta->names.size, off = 0;

    if (meta->lengths.size % 4 != 0 || meta->lengths.size > XATTRS_MAX * 4) {
        return false;
    }
    for (size_t i = 0; i < meta->lengths.size; i += 4) {
        const uint32_t size = sl_le32_get(meta->lengths.data + i);
        const char *bar = left > 0 ? memchr(at, '|', left) : NULL;
        const size_t name = bar != NULL ? (size_t)(bar - at) : left;

        if (name == 0 || size > meta->values.size - off) {
            return false;
        }
        if (name == strlen("security.ima") && memcmp(at, "security.ima", name) == 0) {
            meta->ima = (struct sl_blob){meta->values.data + off, size};
        }
        off += size;
        at += name + (bar != NULL ? 1 : 0);
        left -= name + (bar != NULL ? 1 : 0);
    }
    return left == 0 && off == meta->values.size && meta->ima.size > 0;
}

/* struct h_misc of a 64-bit little-endian kernel, inode and generation 0 in a portable signature
 * (evm_crypto.c, hmac_add_misc): u64 ino | u32 generation | u32 uid | u32 gid | u16 mode | pad */
static bool metadata_read(const struct sl_ima_entry *entry, struct metadata *meta)
{
    return blob_take(entry, SL_IMA_XATTRNAMES, &meta->names) &&
           blob_take(entry, SL_IMA_XATTRLENGTHS, &meta->lengths) &&
           blob_take(entry, SL_IMA_XATTRVALUES, &meta->values) &&
           uint_take(entry, SL_IMA_IUID, 4, meta->misc + 12) &&
           uint_take(entry, SL_IMA_IGID, 4, meta->misc + 16) &&
           uint_take(entry, SL_IMA_IMODE, 2, meta->misc + 20);
}

static enum sl_ima_sig_state evm_check(const struct sl_ima_keyring *keyring,
                                       const struct header *header,
                                       const struct sl_ima_entry *entry, struct sl_err *why)
{
    struct metadata meta = {0};
    struct signed_digest digest = {.hash = header->hash, .size = header->hash->size};
    enum sl_ima_sig_state state;

    if (header->version != 2 || !metadata_read(entry, &meta)) {
        return tell(why, SL_IMA_SIG_UNKNOWN,
                    "an EVM signature is judged in version 2, where the template lists all that it "
                    "covers (evm-sig)");
    }
    if (!xattrs_walk(&meta)) {
        return tell(why, SL_IMA_SIG_BAD,
                    "the extended attributes' names, lengths and values do not belong together, or "
                    "lack security.ima");
    }
    if (sl_tpm_hash_two(header->hash, meta.values.data, meta.values.size, meta.misc,
                        sizeof(meta.misc), digest.bytes) != SL_OK) {
        return tell(why, SL_IMA_SIG_UNKNOWN, "the metadata cannot be hashed");
    }
    state = ring_ask(keyring, header, &digest, why);
    return state == SL_IMA_SIG_GOOD ? xattr_ima_check(keyring, meta.ima, &entry->digest, why)
                                    : state;
}

enum sl_ima_sig_state sl_ima_sig_check(const struct sl_ima_keyring *keyring,
                                       const struct sl_ima_entry *entry, struct sl_err *ret_why)
{
    const struct sl_ima_value *value = sl_ima_entry_value(entry, SL_IMA_SIG);
    struct header header = {0};
    struct sl_err ignored = {0};
    struct sl_err *why = ret_why != NULL ? ret_why : &ignored;
    enum sl_ima_sig_state state;

    *why = (struct sl_err){0};
    if (value == NULL || value->size == 0) {
        value = sl_ima_entry_value(entry, SL_IMA_EVMSIG);
    }
    if (value == NULL || value->size == 0) {
        const struct sl_ima_value *appended = sl_ima_entry_value(entry, SL_IMA_MODSIG);

        return appended == NULL || appended->size == 0
                   ? SL_IMA_SIG_NONE
                   : tell(why, SL_IMA_SIG_UNKNOWN, "appended signatures are not judged");
    }
    state = header_read((struct sl_blob){value->data, value->size}, &header, why);
    if (state != SL_IMA_SIG_GOOD) {
        return state;
    }
    /* where a file has no signature of its own, the kernel puts its EVM one there
     * (ima_template_lib.c, ima_eventsig_init) */
    return header.type == XATTR_EVM_PORTABLE ? evm_check(keyring, &header, entry, why)
                                             : digest_check(keyring, &header, &entry->digest, why);
}
