/* SPDX-License-Identifier: Apache-2.0 */
/* safelib tpm verify-quote: judges one quote of a TPM 2.0. */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "attest/tpm_public.h"
#include "command.h"
#include "files/files.h"
#include "findings_show.h"
#include "safelib/bytes.h"
#include "tpm_pcrs_file.h"

enum { FILE_MAX = 64 << 10, NONCE_MAX = 64 };

static const char about[] =
    "Judges a quote: made by a TPM, signed by this AK, over the challenge and the PCRs asked\n"
    "for. --msg is TPMS_ATTEST, --sig TPMT_SIGNATURE (or a plain signature), --ak a PEM key or\n"
    "certificate, or a TPM2B_PUBLIC, whose attributes are then judged as well. --pcrs names\n"
    "PCRs that must be quoted (sha256:0,1,2), or a file with their values (of tpm2_quote -o or\n"
    "tpm2_pcrread), which must hash to the quoted digest. Without --nonce an old quote is as\n"
    "good as a new one, and the report says so.\n"
    "Exit status 0: good; 1: judged bad, every reason on stderr; 2: something is unreadable.";

struct request {
    const char *msg, *sig, *ak, *nonce, *pcrs;
    bool is_json;
};

struct material {
    uint8_t *msg, *sig;
    struct sl_blob attest, signature;
    struct sl_tpm_public public; /* `key` is set where the AK came as a PEM, too */
    bool has_public;
    uint8_t nonce[NONCE_MAX];
    struct sl_tpm_pcrs pcrs;
    struct sl_tpm_expectation expected;
};

static int file_read(const char *path, const char *what, uint8_t **ret_data,
                     struct sl_blob *ret_blob)
{
    struct sl_err err = {0};
    size_t size = 0;

    if (sl_file_read(path, FILE_MAX, ret_data, &size, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    if (size == 0) {
        return complain(CMD_USAGE, "%s: 0 bytes, expected %s", path, what);
    }
    *ret_blob = (struct sl_blob){*ret_data, size};
    return OPTIONS_GO_ON;
}

static EVP_PKEY *pem_key(struct sl_blob text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    X509 *cert = NULL;

    if (bio != NULL && key == NULL && BIO_reset(bio) == 1) {
        cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        key = cert != NULL ? X509_get_pubkey(cert) : NULL;
    }
    X509_free(cert);
    BIO_free(bio);
    return key;
}

static int ak_read(const char *path, struct material *m)
{
    struct sl_err err = {0};
    struct sl_blob blob = {0};
    uint8_t *data = NULL;
    int status = file_read(path, "an attestation key", &data, &blob);

    if (status == OPTIONS_GO_ON) {
        m->public.key = pem_key(blob);
        if (m->public.key == NULL) {
            m->has_public = sl_tpm_public_read(blob, &m->public, &err) == SL_OK;
        }
        if (m->public.key == NULL) {
            status = complain(CMD_USAGE,
                              "%s: expected an AK as a PEM key or certificate, or as TPM2B_PUBLIC "
                              "(%s)",
                              path, err.text);
        }
    }
    free(data);
    return status;
}

static int nonce_read(const char *text, struct material *m)
{
    const size_t length = text != NULL ? strlen(text) : 0;

    if (text == NULL) {
        return OPTIONS_GO_ON;
    }
    if (length == 0 || length % 2 != 0 || length > 2 * (size_t)NONCE_MAX ||
        sl_hex_decode(text, m->nonce, length / 2) != SL_OK) {
        return complain(CMD_USAGE, "--nonce takes 1 to 64 bytes as hex digits, not \"%s\"", text);
    }
    m->expected.nonce = (struct sl_blob){m->nonce, length / 2};
    return OPTIONS_GO_ON;
}

static int pcrs_read(const char *text, struct material *m)
{
    struct sl_tpm_quote quote = {0};
    struct sl_err err = {0};

    if (text == NULL) {
        return OPTIONS_GO_ON;
    }
    if (tpm_selection_parse(text, &m->expected.required) == SL_OK) {
        return OPTIONS_GO_ON;
    }
    /* values alone are put in the order of the quote */
    if (sl_tpm_quote_read(m->attest, &quote, NULL) != SL_OK) {
        quote.selection.count = 0;
    }
    if (tpm_pcrs_load(text, &quote.selection, &m->pcrs, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    m->expected.pcrs = &m->pcrs;
    return OPTIONS_GO_ON;
}

static json_t *selection_json(const struct sl_tpm_selection *selection)
{
    json_t *banks = json_object();

    for (uint32_t i = 0; i < selection->count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(selection->banks[i].alg);
        json_t *list = json_array();

        for (int pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            if ((selection->banks[i].mask >> pcr & 1) != 0) {
                (void)json_array_append_new(list, json_integer(pcr));
            }
        }
        (void)json_object_set_new(banks, hash != NULL ? hash->name : "unknown", list);
    }
    return banks;
}

static json_t *quote_json(const struct sl_tpm_quote *quote)
{
    char nonce[2 * NONCE_MAX + 1] = "", digest[2 * SL_TPM_DIGEST_MAX + 1] = "", firmware[17];

    if (quote->nonce.size <= NONCE_MAX) {
        sl_hex_encode(quote->nonce.data, quote->nonce.size, nonce);
    }
    if (quote->pcr_digest.size <= SL_TPM_DIGEST_MAX) {
        sl_hex_encode(quote->pcr_digest.data, quote->pcr_digest.size, digest);
    }
    (void)snprintf(firmware, sizeof(firmware), "%016llx",
                   (unsigned long long)quote->firmware_version);
    return json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:b, s:s}", "nonce", nonce, "pcrs",
                     selection_json(&quote->selection), "pcr_digest", digest, "clock_ms",
                     (json_int_t)quote->clock.clock_ms, "reset_count",
                     (json_int_t)quote->clock.reset_count, "restart_count",
                     (json_int_t)quote->clock.restart_count, "is_safe", quote->clock.is_safe,
                     "firmware_version", firmware);
}

static void quote_show(const struct sl_tpm_quote *quote)
{
    char *banks = NULL;
    json_t *selection = selection_json(&quote->selection);

    banks = json_dumps(selection, JSON_COMPACT);
    printf("  PCRs      %s\n", banks != NULL ? banks : "");
    printf("  clock     %llu.%03llu s, resets %u, restarts %u%s\n",
           (unsigned long long)quote->clock.clock_ms / 1000,
           (unsigned long long)quote->clock.clock_ms % 1000, quote->clock.reset_count,
           quote->clock.restart_count, quote->clock.is_safe ? "" : " (not safe: may have jumped)");
    printf("  firmware  %016llx\n", (unsigned long long)quote->firmware_version);
    free(banks);
    json_decref(selection);
}

static int judge(const struct request *r, struct material *m)
{
    struct sl_findings *findings = calloc(1, sizeof(*findings));
    struct sl_tpm_quote quote;
    struct sl_err err = {0};
    bool is_reboot;
    int status = CMD_USAGE;

    if (findings == NULL || sl_tpm_quote_check(m->public.key, m->attest, m->signature, &m->expected,
                                               findings, &quote, &is_reboot) != SL_OK) {
        free(findings);
        return complain(CMD_USAGE, "out of memory");
    }
    if (m->has_public && !sl_tpm_public_is_ak(&m->public, &err)) {
        sl_finding_add(findings, SL_CHECK_TPM_KEY, "%s", err.text);
    }
    if (r->nonce == NULL) {
        sl_finding_add_as(findings, SL_ATTEST_WARNING, SL_CHECK_TPM_NONCE,
                          "no nonce was given: this may be an old quote");
    }
    status = findings->failure_count == 0 ? CMD_GOOD : CMD_BAD;
    if (r->is_json) {
        status = print_json(json_pack("{s:b, s:o, s:o}", "good", status == CMD_GOOD, "quote",
                                      quote_json(&quote), "findings", findings_json(findings)),
                            status);
    } else {
        printf("%s%s%s\n", tone(stdout, status == CMD_GOOD ? TONE_GOOD : TONE_BAD),
               status == CMD_GOOD ? "good quote" : "refused", tone(stdout, TONE_PLAIN));
        quote_show(&quote);
        findings_show(findings);
    }
    free(findings);
    return status;
}

static int tpm_verify_quote(int argc, char **argv)
{
    struct request r = {0};
    struct material *m;
    const struct option_spec options[] = {
        {"msg", 'm', "FILE", "the quote (TPMS_ATTEST)", OPTION_STRING, &r.msg, 0, 0},
        {"sig", 's', "FILE", "its signature", OPTION_STRING, &r.sig, 0, 0},
        {"ak", 'u', "FILE", "the attestation key", OPTION_STRING, &r.ak, 0, 0},
        {"nonce", 'q', "HEX", "the challenge it must answer", OPTION_STRING, &r.nonce, 0, 0},
        {"pcrs", 'l', "LIST|FILE", "PCRs that must be in it, or their values", OPTION_STRING,
         &r.pcrs, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &r.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib tpm verify-quote --msg F --sig F --ak F [--nonce HEX] [--pcrs LIST|FILE]",
        .about = about,
        .examples =
            "  safelib tpm verify-quote --msg quote.out --sig quote.sig --ak ak.pem --nonce 9009\n"
            "  safelib tpm verify-quote --msg quote.out --sig quote.sig --ak ak.pub \\\n"
            "      --nonce 9009 --pcrs sha256:0,1,2,3,4,5,6,7,10\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first, status = options_parse(&spec, argc, argv, &first);

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (r.msg == NULL || r.sig == NULL || r.ak == NULL) {
        return complain(CMD_USAGE, "--msg, --sig and --ak are needed (--help says more)");
    }
    m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return complain(CMD_USAGE, "out of memory");
    }
    status = file_read(r.msg, "a quote (TPMS_ATTEST)", &m->msg, &m->attest);
    status = status == OPTIONS_GO_ON ? file_read(r.sig, "its signature", &m->sig, &m->signature)
                                     : status;
    status = status == OPTIONS_GO_ON ? ak_read(r.ak, m) : status;
    status = status == OPTIONS_GO_ON ? nonce_read(r.nonce, m) : status;
    status = status == OPTIONS_GO_ON ? pcrs_read(r.pcrs, m) : status;
    if (status == OPTIONS_GO_ON) {
        status = judge(&r, m);
    }
    sl_tpm_public_done(&m->public);
    free(m->msg);
    free(m->sig);
    free(m);
    return status;
}

int cmd_tpm(int argc, char **argv)
{
    static const struct command table[] = {
        {"verify-quote", "judge a TPM 2.0 quote", tpm_verify_quote},
    };

    return command_dispatch("safelib tpm", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
