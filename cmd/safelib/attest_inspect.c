/* SPDX-License-Identifier: Apache-2.0 */
/* safelib attest inspect: every field of a quote or report, as it is. */
#include <stdlib.h>

#include "attest.h"

static const char about[] =
    "Shows every field of a quote (SGX v3, TDX v4 and v5) or a report (SEV-SNP v2 to v5),\n"
    "flags by name, and the certificates that it carries. Nothing is judged: a forged\n"
    "quote looks as good here as a real one. `safelib attest verify` judges.";

static int told(sl_rc rc, const char *path, enum sl_attest_type type)
{
    static const char *const names[] = {
        [SL_ATTEST_SGX] = "SGX quote",
        [SL_ATTEST_TDX] = "TDX quote",
        [SL_ATTEST_SNP] = "SEV-SNP report",
    };
    return complain(CMD_USAGE, "%s: cannot be read as an %s: %s", path, names[type],
                    rc == SL_UNSUPPORTED ? "its version is not supported" : sl_rc_text(rc));
}

static int inspect(const char *path, const char *type_name, bool is_json)
{
    enum sl_attest_type type = 0;
    uint8_t *data = NULL;
    size_t size = 0;
    char *text = NULL;
    int status = attest_evidence_read(path, type_name, &type, &data, &size);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    sl_rc rc = sl_attest_inspect(type, (struct sl_blob){data, size}, &text);
    free(data);
    if (rc != SL_OK) {
        return told(rc, path, type);
    }
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    if (root == NULL) {
        return complain(CMD_USAGE, "%s: out of memory", path);
    }
    if (is_json) {
        return print_json(root, CMD_GOOD);
    }
    printf("%s%s%s, %zu bytes, type %s. Not judged: `safelib attest verify` does that.\n\n",
           tone(stdout, TONE_STRONG), path, tone(stdout, TONE_PLAIN), size, attest_type_name(type));
    attest_show_json(stdout, root);
    json_decref(root);
    return fflush(stdout) == 0 ? CMD_GOOD : complain(CMD_USAGE, "the output could not be written");
}

int attest_inspect(int argc, char **argv)
{
    const char *type = NULL;
    const char *evidence = NULL;
    bool is_json = false;
    const struct option_spec options[] = {
        {"type", 't', "TYPE", "sgx, tdx or snp (default: by its first bytes)", OPTION_STRING, &type,
         0, 0},
        {"evidence", 'e', "FILE", "the same as the operand", OPTION_STRING, &evidence, 0, 0},
        {"json", 'j', NULL, "as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib attest inspect [--type sgx|tdx|snp] [--json] EVIDENCE",
        .about = about,
        .examples = "  safelib attest inspect quote.dat\n"
                    "  safelib attest inspect --json report.bin | jq .report_data",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 0,
        .max_args = 1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if ((evidence != NULL) == (first < argc)) {
        return complain(CMD_USAGE, "expected one file of evidence: usage: %s", spec.usage);
    }
    return inspect(evidence != NULL ? evidence : argv[first], type, is_json);
}
