/* SPDX-License-Identifier: Apache-2.0 */
/* safelib image sign: the author's signature that EINIT demands. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "command.h"
#include "device/measure.h"
#include "device/sigstruct.h"
#include "image.h"

struct sign_args {
    const char *key;
    const char *date;
    const char *out;
    uint64_t product;
    uint64_t svn;
    bool is_new_key;
    bool is_debug;
    bool is_json;
};

static const char about[] =
    "Writes IMAGE's SIGSTRUCT: its measurement and attributes, signed by the author's\n"
    "RSA-3072 key. The loader looks for it at IMAGE.sig. Same image, key and options give\n"
    "the same bytes: the clock is never asked. SHA-256 of the key's modulus is MRSIGNER,\n"
    "which sealed data and the gateway's policy can name; keep the key off the cloud node.";

static const char examples[] =
    "  safelib image sign --new-key --key author.pem build/safelib-nf -o nf.sig\n"
    "  safelib image sign --key author.pem --date 20260101 --svn 2 build/safelib-nf -o nf.sig";

static sl_rc write_file(const char *path, const void *data, size_t size, struct sl_err *err)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    bool is_ok = fwrite(data, 1, size, file) == size;
    is_ok = fclose(file) == 0 && is_ok;
    return is_ok ? SL_OK : sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
}

static sl_rc get_key(const struct sign_args *args, EVP_PKEY **ret_key, struct sl_err *err)
{
    if (!args->is_new_key) {
        return sl_sign_key_load(args->key, ret_key, err);
    }
    sl_rc rc = sl_sign_key_new(ret_key, err);
    return rc == SL_OK ? sl_sign_key_save(args->key, *ret_key, err) : rc;
}

static sl_rc sign(const struct sign_args *args, const char *path, struct sl_sigstruct *ret_sig,
                  struct sl_err *err)
{
    struct sl_image *image = NULL;
    EVP_PKEY *key = NULL;
    struct sl_sigstruct_params params;
    sl_rc rc = sl_image_load(path, &image, err);
    if (rc == SL_OK) {
        rc = sl_sigstruct_params_of(image, &params, err);
    }
    if (rc != SL_OK) {
        goto out;
    }
    if (args->product != UINT64_MAX) {
        params.isv_prod_id = (uint16_t)args->product;
    }
    if (args->svn != UINT64_MAX) {
        params.isv_svn = (uint16_t)args->svn;
    }
    if (args->is_debug) {
        params.attributes_mask.flags &= ~SL_ATTR_DEBUG;
    }
    if (args->date != NULL && sl_sigstruct_date_parse(args->date, &params.date) != SL_OK) {
        rc = sl_err_set(err, SL_INVALID, "--date takes a day as YYYYMMDD, not \"%s\"", args->date);
        goto out;
    }
    rc = get_key(args, &key, err);
    if (rc == SL_OK) {
        rc = sl_sigstruct_sign(&params, key, ret_sig, err);
    }
out:
    EVP_PKEY_free(key);
    sl_image_free(image);
    return rc;
}

static int show(const struct sl_sigstruct *sig, const char *out, bool is_json)
{
    uint8_t mrsigner[32];
    char enclave_hex[65];
    char signer_hex[65];
    if (sl_sigstruct_mrsigner(sig, mrsigner) != SL_OK) {
        return complain(CMD_USAGE, "SHA-256 failed");
    }
    sl_hex_encode(sig->mrenclave, 32, enclave_hex);
    sl_hex_encode(mrsigner, 32, signer_hex);
    if (is_json) {
        return print_json(json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "sigstruct", out, "mrenclave",
                                    enclave_hex, "mrsigner", signer_hex, "product",
                                    (int)sig->isv_prod_id, "svn", (int)sig->isv_svn, "date_bcd",
                                    (int)sig->date),
                          CMD_GOOD);
    }
    printf("mrenclave  %s\nmrsigner   %s\nproduct    %u, svn %u, date %08x\nwritten    %s\n",
           enclave_hex, signer_hex, sig->isv_prod_id, sig->isv_svn, sig->date, out);
    return CMD_GOOD;
}

int image_sign(int argc, char **argv)
{
    struct sign_args args = {.product = UINT64_MAX, .svn = UINT64_MAX};
    const struct option_spec options[] = {
        {"key", 'k', "KEY.pem", "the author's RSA-3072 key, e = 3 (required)", OPTION_STRING,
         &args.key, 0, 0},
        {"new-key", 0, NULL, "make that key first; refuses to overwrite a file", OPTION_FLAG,
         &args.is_new_key, 0, 0},
        {"out", 'o', "OUT.sig", "where to write (default IMAGE.sig)", OPTION_STRING, &args.out, 0,
         0},
        {"date", 0, "YYYYMMDD", "date to state (default 19700101, which means none)", OPTION_STRING,
         &args.date, 0, 0},
        {"product", 0, "N", "ISVPRODID (default: what the image states)", OPTION_UINT,
         &args.product, 0, UINT16_MAX},
        {"svn", 0, "N", "ISVSVN, security version (default: what the image states)", OPTION_UINT,
         &args.svn, 0, UINT16_MAX},
        {"allow-debug", 0, NULL, "let the host run it as a debug enclave: no protection",
         OPTION_FLAG, &args.is_debug, 0, 0},
        {"json", 'j', NULL, "the result as JSON", OPTION_FLAG, &args.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib image sign --key KEY.pem [options] IMAGE [-o OUT.sig]",
        .about = about,
        .examples = examples,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (args.key == NULL) {
        return complain(CMD_USAGE, "--key KEY.pem is missing; --new-key makes one");
    }
    char default_out[PATH_MAX];
    int used = snprintf(default_out, sizeof(default_out), "%s.sig", argv[first]);
    if (used < 0 || (size_t)used >= sizeof(default_out)) {
        return complain(CMD_USAGE, "the image's path is too long");
    }
    const char *out = args.out != NULL ? args.out : default_out;
    struct sl_err err = {0};
    struct sl_sigstruct sig;
    if (sign(&args, argv[first], &sig, &err) != SL_OK ||
        write_file(out, &sig, sizeof(sig), &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    return show(&sig, out, args.is_json);
}
