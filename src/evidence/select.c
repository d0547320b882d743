/* SPDX-License-Identifier: Apache-2.0 */
/* Which producer fits the device. */
#include <string.h>
#include <unistd.h>

#include "evidence/producers.h"

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool is_word(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

bool sl_evidence_is_name(const char *name)
{
    static const char *const names[] = {"", "auto", "emu", "sgx", "tsm", "none"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What `auto` means here. */
static const char *automatic(const struct sl_evidence_options *options, const char *tsm_root)
{
    if (is_word(options->device, "emu") || is_word(options->device, "sgx")) {
        return options->device;
    }
    return access(tsm_root, F_OK) == 0 ? "tsm" : "none";
}

static sl_rc emu_open(const struct sl_evidence_options *options,
                      struct sl_evidence_producer *ret_producer, struct sl_err *err)
{
    if (options->machine == NULL) {
        return sl_err_set(err, SL_INVALID,
                          "evidence: emu vouches for device emu only, and this is %s",
                          is_given(options->device) ? options->device : "none");
    }
    return sl_evidence_emu_open(options->machine, ret_producer, err);
}

static sl_rc sgx_open(const struct sl_evidence_options *options,
                      struct sl_evidence_producer *ret_producer, struct sl_err *err)
{
    if (!is_word(options->device, "sgx")) {
        return sl_err_set(err, SL_INVALID,
                          "evidence: sgx vouches for device sgx only, and this is %s",
                          is_given(options->device) ? options->device : "none");
    }
    return sl_evidence_sgx_open(options->aesm_socket, options->dcap_library, ret_producer, err);
}

sl_rc sl_evidence_open(const struct sl_evidence_options *options,
                       struct sl_evidence_producer *ret_producer, struct sl_err *err)
{
    const char *tsm_root = is_given(options->tsm_root) ? options->tsm_root : SL_TSM_ROOT;
    const char *name = is_given(options->name) ? options->name : "auto";
    if (strcmp(name, "auto") == 0) {
        name = automatic(options, tsm_root);
    }
    if (strcmp(name, "emu") == 0) {
        return emu_open(options, ret_producer, err);
    }
    if (strcmp(name, "sgx") == 0) {
        return sgx_open(options, ret_producer, err);
    }
    if (strcmp(name, "tsm") == 0) {
        return sl_evidence_tsm_open(tsm_root, ret_producer, err);
    }
    if (strcmp(name, "none") == 0) {
        sl_evidence_none_open(is_word(options->device, "bare")
                                  ? "device bare has no EREPORT, and this machine is no TDX or "
                                    "SEV-SNP guest with configfs-tsm"
                                  : "switched off on the host (evidence: none)",
                              ret_producer);
        return SL_OK;
    }
    return sl_err_set(err, SL_INVALID, "evidence: '%s' is none of auto, emu, sgx, tsm, none", name);
}
