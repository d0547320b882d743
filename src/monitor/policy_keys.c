/* SPDX-License-Identifier: Apache-2.0 */
/* The keys whose signatures a policy takes. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/files.h"
#include "monitor/policy.h"

struct text {
    char *pem;
    size_t size;
};

static sl_rc file_append(const char *path, struct text *text, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, SL_IMA_KEYS_SIZE_MAX, &data, &size, err);

    if (rc == SL_OK) {
        rc = sl_ima_keys_append((struct sl_blob){data, size}, &text->pem, &text->size, err);
        if (rc != SL_OK) {
            (void)sl_err_prefix(err, "%s", path);
        }
    }
    free(data);
    return rc;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Every file, in the order of names: one that holds no key is an error, not a gap. */
static sl_rc folder_append(const char *path, struct text *text, struct sl_err *err)
{
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, is_shown, alphasort);
    char name[1024];
    sl_rc rc = count >= 0 ? SL_OK : sl_err_set(err, SL_IO, "%s: cannot be read", path);

    if (count == 0) {
        rc = sl_err_set(err, SL_TRUNCATED, "%s: no key in it", path);
    }
    for (int i = 0; i < count; i++) {
        const int size = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);

        if (rc == SL_OK) {
            rc = size > 0 && (size_t)size < sizeof(name)
                     ? file_append(name, text, err)
                     : sl_err_set(err, SL_RANGE, "%s: too long", path);
        }
        free(entries[i]);
    }
    free(entries);
    return rc;
}

sl_rc sl_monitor_keys_read(const char *path, uint8_t **ret_pem, size_t *ret_size,
                           struct sl_err *err)
{
    struct text text = {0};
    struct stat info;
    sl_rc rc;

    *ret_pem = NULL;
    rc = stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? folder_append(path, &text, err)
                                                         : file_append(path, &text, err);
    if (rc != SL_OK) {
        free(text.pem);
        return rc;
    }
    *ret_pem = (uint8_t *)text.pem;
    *ret_size = text.size;
    return SL_OK;
}

sl_rc sl_monitor_policy_keys_set(struct sl_monitor_policy *policy, uint8_t *pem, size_t size,
                                 struct sl_err *err)
{
    uint8_t digest[SL_TPM_DIGEST_MAX];
    struct sl_ima_keyring *keyring = NULL;
    sl_rc rc = sl_ima_keyring_create((struct sl_blob){pem, size}, &keyring, err);

    if (rc == SL_OK) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(SL_TPM_ALG_SHA256);

        rc = sl_tpm_hash_two(hash, policy->tag, sizeof(policy->tag), pem, size, digest);
    }
    if (rc != SL_OK) {
        sl_ima_keyring_free(keyring);
        free(pem);
        return err != NULL ? sl_err_prefix(err, "ima.keys") : rc;
    }
    free(policy->ima_keys);
    sl_ima_keyring_free(policy->ima_keyring);
    memcpy(policy->tag, digest, sizeof(policy->tag));
    policy->ima_keys = pem;
    policy->ima_keys_size = size;
    policy->ima_keyring = keyring;
    return SL_OK;
}
