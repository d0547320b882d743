/* SPDX-License-Identifier: Apache-2.0 */
/* safelib attest verify: evidence, collateral, roots, time and policy in; a verdict out. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"
#include "files/files.h"
#include "policy/attest_file.h"
#include "safelib/bytes.h"

enum { ROOTS_MAX = 256 << 10, KEY_MAX = 16 << 10, CCEL_MAX = 8 << 20, DATA_SIZE = 64 };

static const char about[] =
    "Judges evidence of SGX (quote v3), TDX (quote v4, v5) or SEV-SNP (report v2 to v5):\n"
    "signatures and certificates up to the vendor's root, revocation, validity, TCB level,\n"
    "debug, and what the policy demands. Without --policy any code is taken and only the\n"
    "platform is judged, which must be UpToDate. Collateral comes from --collateral (a\n"
    "folder or a bundle), or from the cache (`safelib attest collateral`); what is missing\n"
    "is a rejection that names it. Nothing is fetched.\n"
    "Exit status 0: accepted (warnings go to stderr); 1: rejected, every reason with its\n"
    "stable code on stderr; 2: wrong usage, or a file that could not be read.";

struct request {
    const char *type, *evidence, *collateral, *cache, *root, *time, *nonce, *report_data, *policy,
        *ccel, *ear_key;
    bool is_json;
};

/* Everything that a verification reads, with its memory. */
struct material {
    struct sl_attest_input input;
    struct sl_attest_file policy;
    struct sl_attest_roots roots;
    struct sl_collateral_set collateral;
    uint8_t *evidence, *root_memory, *ccel, *ear_key;
    size_t ear_key_size;
    uint8_t bytes[DATA_SIZE];
    char source[PATH_MAX]; /* where the collateral came from, for people */
};

static void material_done(struct material *m)
{
    free(m->evidence);
    free(m->root_memory);
    free(m->ccel);
    if (m->ear_key != NULL) {
        explicit_bzero(m->ear_key, m->ear_key_size);
    }
    free(m->ear_key);
    sl_collateral_done(&m->collateral);
}

static int file_read(const char *path, size_t size_max, uint8_t **ret_data, struct sl_blob *ret)
{
    struct sl_err err = {0};
    size_t size = 0;
    if (sl_file_read(path, size_max, ret_data, &size, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    *ret = (struct sl_blob){*ret_data, size};
    return OPTIONS_GO_ON;
}

static int policy_read(const struct request *r, struct material *m)
{
    struct sl_err err = {0};
    if (r->policy == NULL) {
        m->policy.policy.is_any_identity = true;
    } else if (sl_attest_file_load(r->policy, &m->policy, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    m->input.policy = &m->policy.policy;
    return OPTIONS_GO_ON;
}

/* --nonce and --report-data: hex, at most or exactly 64 bytes. */
static int bytes_read(const struct request *r, struct material *m)
{
    const char *text = r->nonce != NULL ? r->nonce : r->report_data;
    if (r->nonce != NULL && r->report_data != NULL) {
        return complain(CMD_USAGE, "--nonce is the beginning of report_data, --report-data the "
                                   "whole: expected one of them");
    }
    if (text == NULL) {
        return OPTIONS_GO_ON;
    }
    size_t length = strlen(text);
    bool is_good = r->nonce != NULL ? length > 0 && length <= 2 * (size_t)DATA_SIZE
                                    : length == 2 * (size_t)DATA_SIZE;
    if (!is_good || length % 2 != 0 || sl_hex_decode(text, m->bytes, length / 2) != SL_OK) {
        return complain(CMD_USAGE,
                        "--%s takes %s as hex digits, two a byte; these are %zu characters%s",
                        r->nonce != NULL ? "nonce" : "report-data",
                        r->nonce != NULL ? "1 to 64 bytes" : "64 bytes", length,
                        strspn(text, "0123456789abcdefABCDEF") < length ? ", not all hex" : "");
    }
    struct sl_blob blob = {m->bytes, length / 2};
    *(r->nonce != NULL ? &m->input.nonce : &m->input.report_data) = blob;
    return OPTIONS_GO_ON;
}

/* What the cache holds for this evidence; nothing there is no fault, the verdict names what lacks.
 */
static int cache_look(const struct request *r, struct material *m)
{
    char folder[PATH_MAX];
    struct sl_platform_keys keys;
    struct sl_err err = {0};
    bool is_given = r->cache != NULL;
    if (!is_given && !sl_collateral_cache_default(folder, sizeof(folder))) {
        return OPTIONS_GO_ON;
    }
    if (is_given && attest_cache_folder(r->cache, folder, sizeof(folder)) != OPTIONS_GO_ON) {
        return CMD_USAGE;
    }
    if (sl_platform_of_evidence(m->input.type, m->input.evidence, &keys, &err) != SL_OK) {
        return OPTIONS_GO_ON;
    }
    for (unsigned i = 0; i < keys.count; i++) {
        sl_rc rc = sl_collateral_cache_get(folder, keys.key[i], &m->collateral, NULL, &err);
        if (rc == SL_OK) {
            (void)snprintf(m->source, sizeof(m->source), "cache, %.*s", SL_PLATFORM_KEY_SIZE,
                           keys.key[i]);
            return OPTIONS_GO_ON;
        }
        if (rc != SL_NOT_FOUND) {
            return complain_err(CMD_USAGE, &err);
        }
    }
    (void)snprintf(m->source, sizeof(m->source), "none given, and none in the cache for %.*s",
                   SL_PLATFORM_KEY_SIZE, keys.key[0]);
    return OPTIONS_GO_ON;
}

static int collateral_read(const struct request *r, struct material *m)
{
    const char *path = r->collateral != NULL                                 ? r->collateral
                       : m->policy.collateral[0] != '\0' && r->cache == NULL ? m->policy.collateral
                                                                             : NULL;
    struct sl_err err = {0};
    (void)snprintf(m->source, sizeof(m->source), "none");
    if (path == NULL) {
        int status = cache_look(r, m);
        m->input.collateral = &m->collateral.parts;
        return status;
    }
    if (sl_collateral_load(path, &m->collateral, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    (void)snprintf(m->source, sizeof(m->source), "%s", path);
    m->input.collateral = &m->collateral.parts;
    return OPTIONS_GO_ON;
}

static int roots_read(const struct request *r, struct material *m)
{
    const char *path = r->root != NULL              ? r->root
                       : m->policy.roots[0] != '\0' ? m->policy.roots
                                                    : NULL;
    if (path == NULL) {
        return OPTIONS_GO_ON;
    }
    m->input.roots = &m->roots;
    return file_read(path, ROOTS_MAX, &m->root_memory, &m->roots.pem);
}

static int material_read(const struct request *r, struct material *m)
{
    struct sl_blob ear = {0};
    size_t size = 0;
    if (r->evidence == NULL) {
        return complain(CMD_USAGE, "--evidence FILE is missing (--help says more)");
    }
    int status = attest_time_read(r->time, &m->input.time_s);
    status = status == OPTIONS_GO_ON ? bytes_read(r, m) : status;
    status = status == OPTIONS_GO_ON ? policy_read(r, m) : status;
    status = status == OPTIONS_GO_ON ? roots_read(r, m) : status;
    if (status == OPTIONS_GO_ON) {
        status = attest_evidence_read(r->evidence, r->type, &m->input.type, &m->evidence, &size);
        m->input.evidence = (struct sl_blob){m->evidence, size};
    }
    if (status == OPTIONS_GO_ON && r->ccel != NULL) {
        status = file_read(r->ccel, CCEL_MAX, &m->ccel, &m->input.ccel);
    }
    if (status == OPTIONS_GO_ON && r->ear_key != NULL) {
        status = file_read(r->ear_key, KEY_MAX, &m->ear_key, &ear);
        m->ear_key_size = ear.size;
    }
    return status == OPTIONS_GO_ON ? collateral_read(r, m) : status;
}

/* Failures first, then warnings; notes are on the verdict's own page. */
static void findings_tell(const struct sl_attest_result *result)
{
    static const struct {
        enum sl_attest_severity severity;
        enum tone tone;
        const char *word;
    } kinds[] = {
        {SL_ATTEST_FAILURE, TONE_BAD, "rejected"},
        {SL_ATTEST_WARNING, TONE_WARN, "warning"},
    };
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
            const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
            if (f->severity == kinds[k].severity) {
                fprintf(stderr, "%s%s%s [%s] %s\n", tone(stderr, kinds[k].tone), kinds[k].word,
                        tone(stderr, TONE_PLAIN), f->code, f->text);
            }
        }
    }
}

static void notes_show(const struct sl_attest_result *result)
{
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        if (f->severity == SL_ATTEST_NOTE) {
            printf("note         [%s] %s\n", f->code, f->text);
        }
    }
}

static void verdict_show(const struct request *r, const struct material *m,
                         const struct sl_attest_result *result)
{
    bool is_accepted = sl_attest_result_is_accepted(result);
    bool is_affirming = sl_attest_result_status(result) == SL_ATTEST_AFFIRMING;
    char when[ATTEST_TIME_TEXT];
    attest_time_text(m->input.time_s, when);
    printf("%s%s%s  %s, %s\n",
           tone(stdout, is_affirming  ? TONE_GOOD
                        : is_accepted ? TONE_WARN
                                      : TONE_BAD),
           is_accepted ? "accepted" : "rejected", tone(stdout, TONE_PLAIN),
           sl_attest_status_text(sl_attest_result_status(result)), r->evidence);
    printf("type         %s\n", attest_type_name(m->input.type));
    printf("tcb status   %s\n", sl_tcb_status_text(sl_attest_result_tcb_status(result)));
    printf("judged at    %s%s\n", when,
           r->time == NULL ? " (this machine's clock; --time sets another)" : "");
    printf("collateral   %s\n", m->source);
    printf("roots        %s\n", r->root != NULL              ? r->root
                                : m->policy.roots[0] != '\0' ? m->policy.roots
                                                             : "the vendors', pinned");
    printf("policy       %s\n", r->policy != NULL
                                    ? r->policy
                                    : "none: any code, platform UpToDate (--policy says more)");
    if (m->policy.policy.insecure_allow_emulated || m->policy.policy.insecure_allow_debug) {
        printf("%sinsecure%s     the policy takes %s%s%s: nothing is protected from the host\n",
               tone(stdout, TONE_WARN), tone(stdout, TONE_PLAIN),
               m->policy.policy.insecure_allow_emulated ? "emulated evidence" : "",
               m->policy.policy.insecure_allow_emulated && m->policy.policy.insecure_allow_debug
                   ? " and "
                   : "",
               m->policy.policy.insecure_allow_debug ? "debug mode" : "");
    }
    notes_show(result);
}

/* What tells one workload from another, in the order of the table; the rest is in `inspect`. */
static const char *const identity_claims[] = {
    "mrenclave", "mrsigner",    "isv_prod_id", "isv_svn",   "attributes_set", "mrseam",
    "mrtd",      "mrconfigid",  "rtmr0",       "rtmr1",     "rtmr2",          "rtmr3",
    "rtmr",      "measurement", "host_data",   "guest_svn", "id_key_digest",  "policy_flags",
    "vmpl",      "chip_id",     "report_data",
};

/* The body of the evidence comes before whatever vouches for it, so the first of a name is meant.
 */
static const json_t *claim_find(const json_t *object, const char *name)
{
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const json_t *found = strcmp(key, name) == 0               ? value
                              : strcmp(key, "signature_data") == 0 ? NULL
                                                                   : claim_find(value, name);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* Claims and vector come from the result's own JSON, so that both views say the same. */
static int details_show(const struct sl_attest_result *result)
{
    static const char *const sections[] = {"vector", "tcb", "validity"};
    char *text = NULL;
    if (sl_attest_result_json(result, &text) != SL_OK) {
        return complain(CMD_USAGE, "out of memory");
    }
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    json_t *shown = json_object();
    json_t *identity = json_object();
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        json_t *value = json_object_get(root, sections[i]);
        if (json_object_size(value) > 0) {
            (void)json_object_set(shown, sections[i], value);
        }
    }
    for (size_t i = 0; i < sizeof(identity_claims) / sizeof(identity_claims[0]); i++) {
        const json_t *value = claim_find(json_object_get(root, "claims"), identity_claims[i]);
        if (value != NULL) {
            (void)json_object_set(identity, identity_claims[i], (json_t *)(uintptr_t)value);
        }
    }
    (void)json_object_set_new(shown, "identity", identity);
    fputc('\n', stdout);
    attest_show_json(stdout, shown);
    json_decref(shown);
    json_decref(root);
    return OPTIONS_GO_ON;
}

static int result_json_show(const struct sl_attest_result *result, int status)
{
    char *text = NULL;
    if (sl_attest_result_json(result, &text) != SL_OK) {
        return complain(CMD_USAGE, "out of memory");
    }
    bool is_good = puts(text) >= 0 && fflush(stdout) == 0;
    free(text);
    return is_good ? status : complain(CMD_USAGE, "the output could not be written");
}

static int ear_show(const struct material *m, const struct sl_attest_result *result, int status)
{
    char *jwt = NULL;
    sl_rc rc = sl_attest_result_ear(result, (struct sl_blob){m->ear_key, m->ear_key_size}, &jwt);
    if (rc != SL_OK) {
        return complain(CMD_USAGE, "--ear-key: %s (expected a P-256 private key, PEM)",
                        sl_rc_text(rc));
    }
    bool is_good = puts(jwt) >= 0 && fflush(stdout) == 0;
    free(jwt);
    return is_good ? status : complain(CMD_USAGE, "the output could not be written");
}

static int judge(const struct request *r, const struct material *m)
{
    struct sl_attest_result *result = NULL;
    sl_rc rc = sl_attest_verify(&m->input, &result);
    if (rc != SL_OK) {
        return complain(CMD_USAGE, "the evidence could not be judged: %s", sl_rc_text(rc));
    }
    int status = sl_attest_result_is_accepted(result) ? CMD_GOOD : CMD_BAD;
    if (r->ear_key != NULL) {
        status = ear_show(m, result, status);
    } else if (r->is_json) {
        status = result_json_show(result, status);
    } else {
        verdict_show(r, m, result);
        if (details_show(result) != OPTIONS_GO_ON || fflush(stdout) != 0) {
            status = CMD_USAGE;
        }
    }
    findings_tell(result);
    sl_attest_result_free(result);
    return status;
}

int attest_verify(int argc, char **argv)
{
    struct request r = {0};
    const struct option_spec options[] = {
        {"type", 't', "TYPE", "sgx, tdx or snp (default: by its first bytes)", OPTION_STRING,
         &r.type, 0, 0},
        {"evidence", 'e', "FILE", "the quote or report", OPTION_STRING, &r.evidence, 0, 0},
        {"collateral", 'c', "DIR",
         "folder of tcb_info.json, pck_crl.der, vcek.der and the\n"
         "like, or a bundle (default: the cache)",
         OPTION_STRING, &r.collateral, 0, 0},
        {"cache", 0, "DIR",
         "the cache to look into (default: $SAFELIB_COLLATERAL,\n"
         "/var/lib/safelib/collateral or ~/.cache/...)",
         OPTION_STRING, &r.cache, 0, 0},
        {"root", 0, "PEM", "trust these roots only (default: the vendors', pinned)", OPTION_STRING,
         &r.root, 0, 0},
        {"time", 0, "RFC3339", "judge at this time (default: this machine's clock)", OPTION_STRING,
         &r.time, 0, 0},
        {"nonce", 0, "HEX", "expected at the start of report_data, the rest zero", OPTION_STRING,
         &r.nonce, 0, 0},
        {"report-data", 0, "HEX", "expected report_data, 64 bytes", OPTION_STRING, &r.report_data,
         0, 0},
        {"policy", 'p', "FILE", "what is acceptable, YAML (man safelib-attest)", OPTION_STRING,
         &r.policy, 0, 0},
        {"ccel", 0, "FILE", "TDX: event log to replay against the RTMRs", OPTION_STRING, &r.ccel, 0,
         0},
        {"ear-key", 0, "PEM", "print the result as an EAR (JWT) signed by this key", OPTION_STRING,
         &r.ear_key, 0, 0},
        {"json", 'j', NULL, "print the result as JSON", OPTION_FLAG, &r.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib attest verify --type sgx|tdx|snp --evidence FILE [--collateral DIR] "
                 "[--policy FILE] [...]",
        .about = about,
        .examples =
            "  safelib attest verify --type sgx --evidence quote.dat --collateral pcs/\n"
            "  safelib attest verify --type snp --evidence report.bin --collateral kds/ \\\n"
            "      --nonce 00112233445566778899aabbccddeeff --policy policy.yaml\n"
            "  safelib attest verify --type tdx --evidence quote.dat --ccel ccel.dat \\\n"
            "      --time 2025-07-01T00:00:00Z --json | jq .findings",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 0,
        .max_args = 0,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct material m = {0};
    status = material_read(&r, &m);
    if (status == OPTIONS_GO_ON) {
        status = judge(&r, &m);
    }
    material_done(&m);
    return status;
}
