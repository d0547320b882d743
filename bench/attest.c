/* SPDX-License-Identifier: Apache-2.0 */
/* Verifications a second of SGX v3, TDX v5 and SEV-SNP evidence, cold and with a cache, beside the
 * bare signature operations that each needs, as `openssl speed` measures them, in turns with it.
 * What is needed is counted, not assumed: the verifier's calls of OpenSSL are wrapped by the
 * linker. JSON to OUT. Usage: bench-attest [--rounds N] [OUT.json]; exit 77 without $SL_VECTORS. */
#define OPENSSL_SUPPRESS_DEPRECATED /* what the verifier calls, and is counted here */

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collateral/expiry.h"
#include "files/files.h"
#include "measure.h"
#include "safelib/bytes.h"

enum op { OP_P256, OP_P384, OP_RSA4096, OP_OTHER, OP_COUNT };
static const char *const op_names[] = {"ecdsa_p256", "ecdsa_p384", "rsa_4096", "other"};
static unsigned g_counts[OP_COUNT];

static void count_bits(int bits)
{
    g_counts[bits == 256    ? OP_P256
             : bits == 384  ? OP_P384
             : bits == 4096 ? OP_RSA4096
                            : OP_OTHER]++;
}

static void count(EVP_PKEY *key)
{
    count_bits(key != NULL ? EVP_PKEY_get_bits(key) : 0);
}

/* --wrap: every call that the verifier makes comes through here. */
int __real_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *signature, size_t signature_size,
                            const unsigned char *data, size_t size);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *signature, size_t signature_size,
                            const unsigned char *data, size_t size);
int __real_EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *signature, size_t signature_size,
                           const unsigned char *digest, size_t digest_size);
int __wrap_EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *signature, size_t signature_size,
                           const unsigned char *digest, size_t digest_size);
int __real_ECDSA_do_verify(const unsigned char *digest, int size, const ECDSA_SIG *signature,
                           EC_KEY *key);
int __wrap_ECDSA_do_verify(const unsigned char *digest, int size, const ECDSA_SIG *signature,
                           EC_KEY *key);
int __real_RSA_public_decrypt(int size, const unsigned char *from, unsigned char *to, RSA *key,
                              int padding);
int __wrap_RSA_public_decrypt(int size, const unsigned char *from, unsigned char *to, RSA *key,
                              int padding);

int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *signature, size_t signature_size,
                            const unsigned char *data, size_t size)
{
    count(EVP_PKEY_CTX_get0_pkey(EVP_MD_CTX_get_pkey_ctx(ctx)));
    return __real_EVP_DigestVerify(ctx, signature, signature_size, data, size);
}

int __wrap_EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *signature, size_t signature_size,
                           const unsigned char *digest, size_t digest_size)
{
    count(EVP_PKEY_CTX_get0_pkey(ctx));
    return __real_EVP_PKEY_verify(ctx, signature, signature_size, digest, digest_size);
}

int __wrap_ECDSA_do_verify(const unsigned char *digest, int size, const ECDSA_SIG *signature,
                           EC_KEY *key)
{
    count_bits(EC_GROUP_get_degree(EC_KEY_get0_group(key)));
    return __real_ECDSA_do_verify(digest, size, signature, key);
}

int __wrap_RSA_public_decrypt(int size, const unsigned char *from, unsigned char *to, RSA *key,
                              int padding)
{
    count_bits(RSA_bits(key));
    return __real_RSA_public_decrypt(size, from, to, key, padding);
}

/* One signature, ready to be verified again and again. */
struct raw {
    EVP_PKEY_CTX *ctx;
    uint8_t digest[48];
    size_t digest_size;
    uint8_t signature[1024];
    size_t signature_size;
};
static struct raw g_raw[OP_COUNT];

static void raw_make(struct raw *raw, EVP_PKEY *key, const EVP_MD *md, bool is_pss)
{
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(key, NULL);
    raw->digest_size = (size_t)EVP_MD_get_size(md);
    /* Of a digest of zeros, ECDSA would multiply the generator by nothing: no real one is. */
    memset(raw->digest, 0xa7, sizeof(raw->digest));
    raw->signature_size = sizeof(raw->signature);
    raw->ctx = EVP_PKEY_CTX_new(key, NULL);
    bool is_good = key != NULL && sign != NULL && raw->ctx != NULL &&
                   EVP_PKEY_sign_init(sign) == 1 && EVP_PKEY_verify_init(raw->ctx) == 1 &&
                   EVP_PKEY_CTX_set_signature_md(sign, md) == 1 &&
                   EVP_PKEY_CTX_set_signature_md(raw->ctx, md) == 1;
    if (is_pss) {
        is_good = is_good && EVP_PKEY_CTX_set_rsa_padding(sign, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_padding(raw->ctx, RSA_PKCS1_PSS_PADDING) == 1;
    }
    is_good = is_good && EVP_PKEY_sign(sign, raw->signature, &raw->signature_size, raw->digest,
                                       raw->digest_size) == 1;
    if (!is_good) {
        bench_die("a test signature could not be made");
    }
    EVP_PKEY_CTX_free(sign);
    EVP_PKEY_free(key);
}

static uint64_t run_raw(void *ctx, uint64_t rounds)
{
    const struct raw *raw = ctx;
    for (uint64_t i = 0; i < rounds; i++) {
        if (__real_EVP_PKEY_verify(raw->ctx, raw->signature, raw->signature_size, raw->digest,
                                   raw->digest_size) != 1) {
            bench_die("a test signature does not verify");
        }
    }
    return 0;
}

/* The files of one kind of evidence, below $SL_VECTORS. */
static const struct sample_files {
    const char *name;
    enum sl_attest_type type;
    const char *evidence, *bundle, *time;
    struct {
        enum sl_collateral_part part;
        const char *path;
    } files[3];
} g_samples[] = {
    {"sgx_v3",
     SL_ATTEST_SGX,
     "sgx/phala-dcap-qvl/sample/sgx_quote",
     "sgx/phala-dcap-qvl/sample/sgx_quote_collateral.json",
     "2025-07-01T00:00:00Z",
     {{0}}},
    {"tdx_v5", /* no set of collateral is of its time: two parts have expired, all is verified */
     SL_ATTEST_TDX,
     "tdx/go-tdx-guest/testing/testdata/quote_v5_sample.dat",
     "tdx/phala-dcap-qvl/tdx_quote_collateral.json",
     "2026-02-10T00:00:00Z",
     {{SL_COLLATERAL_tcb_info, "tdx/go-tdx-guest/testing/testdata/sample_tcbinfo_response_v5"}}},
    {"snp",
     SL_ATTEST_SNP,
     "snp/virtee-sev/tests/certs_data/report_milan.hex",
     NULL,
     "2024-01-01T00:00:00Z",
     {{SL_COLLATERAL_vcek, "snp/virtee-sev/tests/certs_data/vcek_milan.der"},
      {SL_COLLATERAL_cert_chain, "snp/virtee-sev/tests/certs_data/cert_chain_milan"}}},
};
enum { SAMPLE_COUNT = sizeof(g_samples) / sizeof(g_samples[0]), FILES_MAX = 3 };

struct sample {
    struct sl_attest_input cold, cached;
    struct sl_collateral_set collateral;
    unsigned ops[OP_COUNT];        /* of one cold verification */
    unsigned cached_ops[OP_COUNT]; /* of one with the cache filled */
    bool is_accepted;
};

static struct sl_blob read_vector(const char *name)
{
    char path[1024];
    const char *root = getenv("SL_VECTORS");
    uint8_t *data = NULL;
    size_t size = 0;
    struct sl_err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", root != NULL ? root : "../shared/vectors", name);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "%s is absent\n", path);
        exit(77);
    }
    if (sl_file_read(path, 1 << 20, &data, &size, &err) != SL_OK) {
        bench_die("%s", err.text);
    }
    return (struct sl_blob){data, size};
}

static void need(sl_rc rc, const char *what)
{
    if (rc != SL_OK) {
        bench_die("%s: %s", what, sl_rc_text(rc));
    }
}

static void sample_load(const struct sample_files *f, struct sample *s)
{
    static const struct sl_attest_policy policy = {
        .is_any_identity = true,
        .tcb_accepted = 1u << SL_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED};
    struct sl_err err = {0};
    struct sl_blob evidence = read_vector(f->evidence);
    if (f->type == SL_ATTEST_SNP) { /* hex */
        uint8_t *bytes = malloc(evidence.size / 2);
        char *text = strndup((const char *)evidence.data, evidence.size / 2 * 2);
        need(bytes != NULL && text != NULL ? sl_hex_decode(text, bytes, evidence.size / 2)
                                           : SL_NO_MEMORY,
             f->name);
        free(text);
        evidence = (struct sl_blob){bytes, evidence.size / 2};
    }
    if (f->bundle != NULL) {
        struct sl_blob bundle = read_vector(f->bundle);
        need(
            sl_collateral_bundle_read((const char *)bundle.data, bundle.size, &s->collateral, &err),
            f->bundle);
    }
    for (size_t i = 0; i < FILES_MAX && f->files[i].path != NULL; i++) {
        struct sl_blob file = read_vector(f->files[i].path);
        need(sl_collateral_put(&s->collateral, f->files[i].part, file.data, file.size), f->name);
    }
    s->cold = (struct sl_attest_input){.type = f->type,
                                       .evidence = evidence,
                                       .collateral = &s->collateral.parts,
                                       .policy = &policy};
    if (!sl_expiry_time(f->time, &s->cold.time_s)) {
        bench_die("%s: time", f->name);
    }
    s->cached = s->cold;
    need(sl_attest_cache_create(256, &s->cached.cache), "cache");
}

static bool verify(const struct sl_attest_input *input)
{
    struct sl_attest_result *result = NULL;
    need(sl_attest_verify(input, &result), "verification");
    bool is_accepted = sl_attest_result_is_accepted(result);
    sl_attest_result_free(result);
    return is_accepted;
}

static uint64_t run_verify(void *ctx, uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        (void)verify(ctx);
    }
    return 0;
}

static void sample_count(struct sample *s)
{
    memset(g_counts, 0, sizeof(g_counts));
    s->is_accepted = verify(&s->cold);
    memcpy(s->ops, g_counts, sizeof(g_counts));
    (void)verify(&s->cached); /* fills */
    memset(g_counts, 0, sizeof(g_counts));
    (void)verify(&s->cached);
    memcpy(s->cached_ops, g_counts, sizeof(g_counts));
}

/* The signature operations alone, at the same minima. */
static double floor_ns(const unsigned ops[OP_COUNT], const double raw_ns[OP_COUNT])
{
    double sum = 0;
    for (unsigned i = 0; i < OP_OTHER; i++) {
        sum += ops[i] * raw_ns[i];
    }
    return sum;
}

static json_t *row(const char *name, const char *kind, const struct bench_stat *stat,
                   const unsigned ops[OP_COUNT], const struct bench_stat *raw, bool is_accepted)
{
    double min_ns[OP_COUNT] = {0};
    double median_ns[OP_COUNT] = {0};
    for (unsigned i = 0; i < OP_OTHER; i++) {
        min_ns[i] = raw[i].min;
        median_ns[i] = raw[i].median;
    }
    if (ops[OP_OTHER] != 0) {
        bench_die("%s: a signature of a kind that is not measured", name);
    }
    double least = floor_ns(ops, min_ns);
    printf("%-7s %-6s %8.0f/s (min %7.0f us)  P-256 %u, P-384 %u, RSA-4096 %u: %7.0f us, ratio "
           "%.2f (minima), %.2f (medians)\n",
           name, kind, 1e9 / stat->min, stat->min / 1e3, ops[OP_P256], ops[OP_P384],
           ops[OP_RSA4096], least / 1e3, stat->min / least,
           stat->median / floor_ns(ops, median_ns));
    return json_pack("{s:s,s:s,s:f,s:f,s:f,s:f,s:i,s:i,s:i,s:f,s:f,s:f,s:b}", "evidence", name,
                     "mode", kind, "per_second", 1e9 / stat->min, "min_us", stat->min / 1e3,
                     "p10_us", stat->p10 / 1e3, "median_us", stat->median / 1e3, "p256",
                     (int)ops[OP_P256], "p384", (int)ops[OP_P384], "rsa4096", (int)ops[OP_RSA4096],
                     "operations_us", least / 1e3, "ratio", stat->min / least, "ratio_median",
                     stat->median / floor_ns(ops, median_ns), "accepted", is_accepted);
}

static void write_out(const struct sample *samples, const struct bench_stat *stats,
                      const char *path)
{
    const struct bench_stat *raw = stats + 2 * SAMPLE_COUNT;
    json_t *rows = json_array();
    json_t *body = json_object();
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        (void)json_array_append_new(rows, row(g_samples[i].name, "cold", &stats[2 * i],
                                              samples[i].ops, raw, samples[i].is_accepted));
        (void)json_array_append_new(rows, row(g_samples[i].name, "cached", &stats[2 * i + 1],
                                              samples[i].cached_ops, raw, samples[i].is_accepted));
    }
    for (unsigned i = 0; i < OP_OTHER; i++) {
        printf("%-12s %8.0f/s (min %.1f us)\n", op_names[i], 1e9 / raw[i].min, raw[i].min / 1e3);
        (void)json_object_set_new(body, op_names[i], bench_stat_json(&raw[i]));
    }
    (void)json_object_set_new(body, "rows", rows);
    (void)json_object_set_new(body, "calibration", bench_stat_json(&raw[OP_OTHER]));
    (void)json_object_set_new(body, "openssl", json_string(OpenSSL_version(OPENSSL_VERSION)));
    if (path != NULL) {
        bench_result_write(path, "attest", body);
    } else {
        json_decref(body);
    }
}

int main(int argc, char **argv)
{
    enum { CASES = 2 * SAMPLE_COUNT + OP_OTHER + 1 };
    static struct sample samples[SAMPLE_COUNT];
    struct bench_case cases[CASES];
    struct bench_stat stats[CASES];
    unsigned rounds = 200;
    const char *path = NULL;
    bench_args(argc, argv, &rounds, &path);
    raw_make(&g_raw[OP_P256], EVP_EC_gen("P-256"), EVP_sha256(), false);
    raw_make(&g_raw[OP_P384], EVP_EC_gen("P-384"), EVP_sha384(), false);
    raw_make(&g_raw[OP_RSA4096], EVP_RSA_gen(4096), EVP_sha384(), true);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        sample_load(&g_samples[i], &samples[i]);
        sample_count(&samples[i]);
        cases[2 * i] = (struct bench_case){g_samples[i].name, run_verify, &samples[i].cold, 1, 0};
        cases[2 * i + 1] =
            (struct bench_case){g_samples[i].name, run_verify, &samples[i].cached, 1, 0};
    }
    for (size_t i = 0; i < OP_OTHER; i++) {
        cases[2 * SAMPLE_COUNT + i] = (struct bench_case){op_names[i], run_raw, &g_raw[i], 4, 0};
    }
    cases[CASES - 1] = bench_calibration_case();
    bench_interleave(cases, CASES, rounds, stats);
    write_out(samples, stats, path);
    return 0;
}
