/* SPDX-License-Identifier: Apache-2.0 */
/* The tenant's key on disk. */
#include "control/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static int no_password(char *buf, int size, int rwflag, void *ctx)
{
    return -1; /* never ask on a terminal */
}

static bool is_supported(EVP_PKEY *key)
{
    char group[64] = "";
    if (EVP_PKEY_is_a(key, "ED25519")) {
        return true;
    }
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                          NULL) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

static sl_rc wrap(EVP_PKEY *key, const char *path, struct sl_identity **ret_identity,
                  struct sl_err *err)
{
    sl_rc rc = sl_identity_from_key(key, "SafeLib tenant", ret_identity);
    return rc == SL_OK ? SL_OK : sl_err_set(err, rc, "%s: cannot use the key", path);
}

sl_rc sl_key_file_load(const char *path, struct sl_identity **ret_identity, struct sl_err *err)
{
    struct stat st;
    EVP_PKEY *key = NULL;
    sl_rc rc;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return sl_err_set(err, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", path,
                          strerror(errno));
    }
    if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode)) {
        rc = sl_err_set(err, SL_IO, "%s: not a file", path);
        goto out;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        rc = sl_err_set(err, SL_DENIED, "%s: others may read this private key; chmod 600 %s", path,
                        path);
        goto out;
    }
    key = PEM_read_PrivateKey(file, NULL, no_password, NULL);
    ERR_clear_error();
    if (key == NULL) {
        rc = sl_err_set(err, SL_MALFORMED, "%s: expected an unencrypted private key in PEM", path);
        goto out;
    }
    if (!is_supported(key)) {
        rc = sl_err_set(err, SL_UNSUPPORTED, "%s: expected an EC key on P-256 or P-384, or Ed25519",
                        path);
        goto out;
    }
    rc = wrap(key, path, ret_identity, err);
out:
    if (rc != SL_OK) {
        EVP_PKEY_free(key);
    }
    (void)fclose(file);
    return rc;
}

static sl_rc write_key(int fd, EVP_PKEY *key, const char *path, struct sl_err *err)
{
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        (void)close(fd);
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    bool is_good = PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                   fflush(file) == 0 && fsync(fd) == 0;
    is_good = fclose(file) == 0 && is_good;
    return is_good ? SL_OK : sl_err_set(err, SL_IO, "%s: cannot write the key", path);
}

sl_rc sl_key_file_create(const char *path, struct sl_identity **ret_identity, struct sl_err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL) {
        return sl_err_set(err, SL_CRYPTO, "cannot make a P-256 key");
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        sl_rc rc =
            sl_err_set(err, errno == EEXIST ? SL_EXISTS : SL_IO, "%s: %s", path, strerror(errno));
        EVP_PKEY_free(key);
        return rc;
    }
    sl_rc rc = write_key(fd, key, path, err);
    if (rc == SL_OK) {
        rc = wrap(key, path, ret_identity, err);
    }
    if (rc != SL_OK) {
        EVP_PKEY_free(key);
        (void)unlink(path);
    }
    return rc;
}
