/* SPDX-License-Identifier: Apache-2.0 */
/* safelib attest: judge evidence, look at it, keep the collateral that judging needs. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest.h"
#include "collateral/expiry.h"
#include "files/files.h"
#include "safelib/bytes.h"

static const char *const type_names[] = {
    [SL_ATTEST_SGX] = "sgx",
    [SL_ATTEST_TDX] = "tdx",
    [SL_ATTEST_SNP] = "snp",
};

const char *attest_type_name(enum sl_attest_type type)
{
    return type_names[type];
}

void attest_time_text(int64_t time_s, char ret_text[ATTEST_TIME_TEXT])
{
    struct tm tm;
    time_t seconds = (time_t)time_s;
    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(ret_text, ATTEST_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        (void)snprintf(ret_text, ATTEST_TIME_TEXT, "@%lld", (long long)time_s);
    }
}

int attest_time_read(const char *text, int64_t *ret_time_s)
{
    if (text == NULL) {
        *ret_time_s = (int64_t)time(NULL);
        return OPTIONS_GO_ON;
    }
    if (!sl_expiry_time(text, ret_time_s)) {
        return complain(CMD_USAGE,
                        "--time takes RFC 3339, such as 2026-01-31T12:00:00Z, not \"%s\"", text);
    }
    return OPTIONS_GO_ON;
}

int attest_cache_folder(const char *given, char *ret_path, size_t size)
{
    if (given == NULL && sl_collateral_cache_default(ret_path, size)) {
        return OPTIONS_GO_ON;
    }
    if (given != NULL && (size_t)snprintf(ret_path, size, "%s", given) < size) {
        return OPTIONS_GO_ON;
    }
    return complain(CMD_USAGE,
                    "no folder for the cache: give --cache DIR (or $SAFELIB_COLLATERAL)");
}

static int type_read(const char *name, struct sl_blob evidence, const char *path,
                     enum sl_attest_type *ret_type)
{
    if (name == NULL) {
        *ret_type = sl_platform_guess(evidence);
        return *ret_type != 0
                   ? OPTIONS_GO_ON
                   : complain(CMD_USAGE,
                              "%s: begins like neither a quote of SGX or TDX nor a report of "
                              "SEV-SNP; --type says what to take it for",
                              path);
    }
    for (unsigned i = SL_ATTEST_SGX; i <= SL_ATTEST_SNP; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *ret_type = i;
            return OPTIONS_GO_ON;
        }
    }
    return complain(CMD_USAGE, "--type takes sgx, tdx or snp, not \"%s\"", name);
}

/* Evidence is binary and begins with a small version number: a file of nothing but hex digits is
 * one that was written for people. */
static void hex_undo(uint8_t *data, size_t *io_size)
{
    size_t count = 0;
    for (size_t i = 0; i < *io_size; i++) {
        if (!isxdigit(data[i]) && !isspace(data[i])) {
            return;
        }
        count += isxdigit(data[i]) ? 1 : 0;
    }
    char *text = malloc(count + 1);
    if (text == NULL || count % 2 != 0) {
        free(text);
        return;
    }
    count = 0;
    for (size_t i = 0; i < *io_size; i++) {
        if (isxdigit(data[i])) {
            text[count++] = (char)data[i];
        }
    }
    text[count] = '\0';
    if (sl_hex_decode(text, data, count / 2) == SL_OK) {
        *io_size = count / 2;
    }
    free(text);
}

int attest_evidence_read(const char *path, const char *name, enum sl_attest_type *ret_type,
                         uint8_t **ret_data, size_t *ret_size)
{
    struct sl_err err = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    if (sl_file_read(path, ATTEST_EVIDENCE_MAX, &data, &size, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    hex_undo(data, &size);
    int status = type_read(name, (struct sl_blob){data, size}, path, ret_type);
    if (status != OPTIONS_GO_ON) {
        free(data);
        return status;
    }
    *ret_data = data;
    *ret_size = size;
    return OPTIONS_GO_ON;
}

int cmd_attest(int argc, char **argv)
{
    static const struct command table[] = {
        {"verify", "judge evidence: may this machine be trusted, and what runs on it?",
         attest_verify},
        {"inspect", "show every field of evidence, without judging", attest_inspect},
        {"collateral", "keep what vendors publish about platforms, for use offline",
         attest_collateral},
        {"now", "have the gateway attest its image again, at once", attest_now},
    };
    return command_dispatch("safelib attest", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
