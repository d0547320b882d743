/* SPDX-License-Identifier: Apache-2.0 */
/* The trust monitor's core: replay of a 100,000-entry measurement list beside the bare SHA
 * operations on the same bytes, and one round of the driver "tpm-ima" with 100 new entries, from
 * the text of the evidence to the verdicts, beside one P-256 verification. All take turns. JSON to
 * OUT. Usage: bench-trust-core [--rounds N] [OUT.json] */
#define OPENSSL_SUPPRESS_DEPRECATED /* the bare operations, without a fetch for each */

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest/ima_replay.h"
#include "measure.h"
#include "monitor/json_load.h"
#include "monitor/refvals.h"
#include "rig.h"
#include "safelib/bytes.h"

enum { ENTRIES = 100000, WINDOW = 1000, NEW = 100, OLD = 200, REFERENCES = 50000 };

static void need(bool is_good, const char *what)
{
    if (!is_good) {
        bench_die("%s", what);
    }
}

/* ---- lists ---- */

/* One list in memory, and where the hashed bytes of each entry lie. */
struct list {
    const char *name;
    bool is_ascii, is_signed;
    uint8_t *data;
    size_t size;
    struct sl_blob *entries;
};

static void le32(struct sl_writer *w, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                              (uint8_t)(v >> 24)};

    sl_writer_bytes(w, bytes, 4);
}

/* What the kernel hashes: digest with its algorithm, path, and in ima-sig a signature, which every
 * third file has. */
static size_t template_make(const struct list *list, uint32_t number, uint8_t out[512])
{
    uint8_t digest[32], signature[264];
    char path[64];
    struct sl_writer w;
    const int length = snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/libexample-%u.so.%u",
                                number, number % 7);

    sl_writer_init(&w, out, 512);
    need(EVP_Digest(&number, sizeof(number), digest, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
    le32(&w, 40);
    sl_writer_bytes(&w, "sha256:", 8);
    sl_writer_bytes(&w, digest, 32);
    le32(&w, (uint32_t)length + 1);
    sl_writer_bytes(&w, path, (size_t)length + 1);
    if (list->is_signed) {
        const size_t size = number % 3 == 0 ? sizeof(signature) : 0;

        memset(signature, (int)number, sizeof(signature));
        le32(&w, (uint32_t)size);
        sl_writer_bytes(&w, signature, size);
    }
    return w.off;
}

static size_t binary_put(const struct list *list, const uint8_t hash[20], const uint8_t *data,
                         size_t size, uint8_t *out)
{
    const char *template = list->is_signed ? "ima-sig" : "ima-ng";
    struct sl_writer w;

    sl_writer_init(&w, out, 1024);
    le32(&w, 10);
    sl_writer_bytes(&w, hash, 20);
    le32(&w, (uint32_t)strlen(template));
    sl_writer_bytes(&w, template, strlen(template));
    le32(&w, (uint32_t)size);
    sl_writer_bytes(&w, data, size);
    return w.off;
}

static size_t ascii_put(const uint8_t hash[20], const uint8_t *data, uint8_t *out)
{
    char sha1[41], digest[65];

    sl_hex_encode(hash, 20, sha1);
    sl_hex_encode(data + 12, 32, digest);
    return (size_t)snprintf((char *)out, 512, "10 %s ima-ng sha256:%s %s\n", sha1, digest,
                            (const char *)data + 48);
}

static void list_make(struct list *list)
{
    list->data = malloc((size_t)ENTRIES * 512);
    list->entries = calloc(ENTRIES, sizeof(*list->entries));
    need(list->data != NULL && list->entries != NULL, "memory");
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint8_t data[512], hash[20], *copy;
        const size_t size = template_make(list, i, data);

        (void)SHA1(data, size, hash);
        list->size += list->is_ascii ? ascii_put(hash, data, list->data + list->size)
                                     : binary_put(list, hash, data, size, list->data + list->size);
        if (list->is_ascii) {
            copy = malloc(size);
            need(copy != NULL, "memory");
            memcpy(copy, data, size);
        } else {
            copy = list->data + list->size - size;
        }
        list->entries[i] = (struct sl_blob){copy, size};
    }
}

/* ---- replay, as `safelib ima replay` and the driver do it ---- */

struct replay {
    const struct list *list;
    uint16_t algs[4];
    uint32_t alg_count;
    struct sl_ima_log log;
    struct sl_ima_replay replay;
    struct sl_ima_entry *entry;
};

static void replay_restart(struct replay *r)
{
    sl_ima_log_done(&r->log);
    need(sl_ima_log_init(&r->log, (struct sl_blob){r->list->data, r->list->size},
                         r->list->is_ascii ? SL_IMA_ASCII : SL_IMA_BINARY, NULL) == SL_OK &&
             sl_ima_replay_init(&r->replay, r->algs, r->alg_count, SL_IMA_EXTEND_HASH) == SL_OK,
         "a replay");
}

/* Goes on through the list where the last window ended, so that all of it is measured. */
static uint64_t run_replay(void *ctx, uint64_t count)
{
    struct replay *r = ctx;

    for (uint64_t i = 0; i < count; i++) {
        bool is_good = false;

        if (sl_ima_log_is_end(&r->log)) {
            replay_restart(r);
        }
        need(sl_ima_log_next(&r->log, r->entry, NULL) == SL_OK &&
                 sl_ima_replay_add(&r->replay, r->entry, &is_good) == SL_OK && is_good,
             "an entry is not good");
    }
    return 0;
}

/* ---- the bare operations on the same bytes ---- */

struct bare {
    const struct list *list;
    uint32_t at;
    bool has_sha1_bank; /* else the SHA-1 is that of the template hash only */
    uint16_t alg;       /* the other bank */
    uint8_t sha1[20], wide[64];
};

static void bare_sha1(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                      uint8_t *out)
{
    SHA_CTX ctx;

    (void)SHA1_Init(&ctx);
    (void)SHA1_Update(&ctx, a, a_size);
    (void)SHA1_Update(&ctx, b, b_size);
    (void)SHA1_Final(out, &ctx);
}

static size_t bare_wide(uint16_t alg, const uint8_t *a, size_t a_size, const uint8_t *b,
                        size_t b_size, uint8_t *out)
{
    SHA256_CTX narrow;
    SHA512_CTX wide;

    if (alg == SL_TPM_ALG_SHA256) {
        (void)SHA256_Init(&narrow);
        (void)SHA256_Update(&narrow, a, a_size);
        (void)SHA256_Update(&narrow, b, b_size);
        (void)SHA256_Final(out, &narrow);
        return 32;
    }
    (void)(alg == SL_TPM_ALG_SHA384 ? SHA384_Init(&wide) : SHA512_Init(&wide));
    (void)SHA512_Update(&wide, a, a_size);
    (void)SHA512_Update(&wide, b, b_size);
    (void)SHA512_Final(out, &wide);
    return alg == SL_TPM_ALG_SHA384 ? 48 : 64;
}

static uint64_t run_bare(void *ctx, uint64_t count)
{
    struct bare *b = ctx;

    for (uint64_t i = 0; i < count; i++) {
        const struct sl_blob entry = b->list->entries[b->at];
        uint8_t digest[64];
        size_t size;

        b->at = (b->at + 1) % ENTRIES;
        bare_sha1(entry.data, entry.size, NULL, 0, digest);
        if (b->has_sha1_bank) {
            bare_sha1(b->sha1, 20, digest, 20, b->sha1);
        }
        size = bare_wide(b->alg, entry.data, entry.size, NULL, 0, digest);
        (void)bare_wide(b->alg, b->wide, size, digest, size, b->wide);
    }
    return 0;
}

/* ---- one round of a host ---- */

struct host {
    struct rig *rig;
    struct sl_refstore *store;
    char dir[64];
    char *evidence; /* the text that came */
    size_t evidence_size;
    uint32_t expected; /* entries judged after the round */
};

static void path_make(char out[64], uint32_t number)
{
    (void)snprintf(out, 64, "/usr/lib/x86_64-linux-gnu/libexample-%u.so", number);
}

static void references_make(struct host *host)
{
    struct sl_refset_builder *builder = sl_refset_builder_create();
    struct sl_err err = {0};
    sl_rc rc = builder != NULL ? SL_OK : SL_NO_MEMORY;

    (void)snprintf(host->dir, sizeof(host->dir), "/tmp/safelib-bench-XXXXXX");
    need(mkdtemp(host->dir) != NULL, "a folder in /tmp");
    for (uint32_t i = 0; rc == SL_OK && i < REFERENCES; i++) {
        uint8_t digest[32];
        char path[64];

        path_make(path, i);
        need(EVP_Digest(path, strlen(path), digest, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
        rc = sl_refset_add(builder, "sha256", digest, sizeof(digest), path);
    }
    rc = rc == SL_OK ? sl_refset_write(builder, host->dir, "host", "bench", 0, &err) : rc;
    rc = rc == SL_OK ? sl_refstore_open(host->dir, &host->store, &err) : rc;
    if (rc != SL_OK) {
        bench_die("reference digests: %s", err.text);
    }
    sl_refset_builder_free(builder);
    host->rig->refvals = sl_refstore_refvals(host->store);
}

static void measure(struct host *host, uint32_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char path[64];

        path_make(path, from + i * 101);
        rig_measure(host->rig, 10, path);
    }
}

static void host_make(struct host *host)
{
    struct sl_appraisal appraisal = {0};
    json_t *evidence;

    host->rig = rig_make();
    references_make(host);
    measure(host, 0, OLD);
    rig_round(host->rig, &appraisal);
    need(appraisal.subjects[0].verdict == SL_VERDICT_TRUSTED, "the first round is not trusted");
    sl_appraisal_done(&appraisal);
    host->rig->from = host->rig->entries;
    measure(host, 30000, NEW);
    evidence = rig_evidence(host->rig, host->rig->entries, host->rig->entries);
    (void)json_object_del(evidence, "bootlog"); /* is asked for after a start */
    host->evidence = json_dumps(evidence, JSON_COMPACT);
    need(host->evidence != NULL, "memory");
    host->evidence_size = strlen(host->evidence);
    json_decref(evidence);
}

static uint64_t run_round(void *ctx, uint64_t count)
{
    struct host *host = ctx;
    const struct rig *rig = host->rig;

    for (uint64_t i = 0; i < count; i++) {
        struct sl_appraisal appraisal;
        json_t *evidence = NULL;
        const sl_rc rc = sl_json_load(host->evidence, host->evidence_size, &evidence, NULL);
        const struct sl_appraisal_input input = {
            .registration = rig->registration,
            .state = rig->state,
            .state_size = rig->state_size,
            .nonce = rig->nonce,
            .evidence = evidence,
            .policy = rig->policy,
            .refvals = &rig->refvals,
            .time_s = 1700000000,
        };

        need(rc == SL_OK && sl_driver_find("tpm-ima")->appraise(&input, &appraisal) == SL_OK &&
                 appraisal.subjects[0].verdict == SL_VERDICT_TRUSTED,
             "the round is not trusted");
        sl_appraisal_done(&appraisal);
        json_decref(evidence);
    }
    return 0;
}

static void host_done(struct host *host)
{
    char path[128];

    sl_refstore_close(host->store);
    (void)snprintf(path, sizeof(path), "%s/host.slref", host->dir);
    (void)unlink(path);
    (void)rmdir(host->dir);
    rig_free(host->rig);
    free(host->evidence);
}

/* ---- one P-256 verification, as `openssl speed` measures it ---- */

struct p256 {
    EVP_PKEY_CTX *ctx;
    uint8_t digest[32], signature[80];
    size_t size;
};

static void p256_make(struct p256 *p)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(key, NULL);

    p->size = sizeof(p->signature);
    p->ctx = EVP_PKEY_CTX_new(key, NULL);
    memset(p->digest, 0xa7, sizeof(p->digest));
    need(EVP_PKEY_sign_init(sign) == 1 && EVP_PKEY_verify_init(p->ctx) == 1 &&
             EVP_PKEY_sign(sign, p->signature, &p->size, p->digest, sizeof(p->digest)) == 1,
         "a test signature");
    EVP_PKEY_CTX_free(sign);
    EVP_PKEY_free(key);
}

static uint64_t run_p256(void *ctx, uint64_t count)
{
    struct p256 *p = ctx;

    for (uint64_t i = 0; i < count; i++) {
        need(EVP_PKEY_verify(p->ctx, p->signature, p->size, p->digest, sizeof(p->digest)) == 1,
             "a test signature does not verify");
    }
    return 0;
}

/* ---- what is measured ---- */

static struct list g_lists[] = {
    {.name = "ima-ng"},
    {.name = "ima-sig", .is_signed = true},
    {.name = "ima-ng, ASCII", .is_ascii = true},
};
static const struct {
    const char *name; /* of the banks */
    size_t list;
    uint16_t alg;
    bool has_sha1_bank;
} ROWS[] = {
    {"sha1, sha256", 0, SL_TPM_ALG_SHA256, true}, {"sha256", 0, SL_TPM_ALG_SHA256, false},
    {"sha1, sha256", 1, SL_TPM_ALG_SHA256, true}, {"sha1, sha256", 2, SL_TPM_ALG_SHA256, true},
    {"sha384", 0, SL_TPM_ALG_SHA384, false},      {"sha512", 0, SL_TPM_ALG_SHA512, false},
};
enum {
    LIST_COUNT = sizeof(g_lists) / sizeof(g_lists[0]),
    ROW_COUNT = sizeof(ROWS) / sizeof(ROWS[0]),
    AT_ROUND = 2 * ROW_COUNT,
    AT_P256,
    AT_CALIBRATION,
    CASES,
};

static json_t *row_json(size_t i, const struct bench_stat *replay, const struct bench_stat *bare)
{
    /* replay->ratio is time over time; rates are the other way about */
    printf("%-14s %-13s %7.0f entries/s (min %5.0f ns), bare %7.0f/s (min %5.0f ns): "
           "%.2f of bare (side by side), %.2f (minima)\n",
           g_lists[ROWS[i].list].name, ROWS[i].name, 1e9 / replay->min, replay->min,
           1e9 / bare->min, bare->min, 1 / replay->ratio, bare->min / replay->min);
    return json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:o, s:o}", "list",
                     g_lists[ROWS[i].list].name, "banks", ROWS[i].name, "entries", ENTRIES,
                     "entries_per_second", 1e9 / replay->min, "bare_per_second", 1e9 / bare->min,
                     "of_bare", 1 / replay->ratio, "of_bare_min", bare->min / replay->min, "replay",
                     bench_stat_json(replay), "bare", bench_stat_json(bare));
}

static void write_out(const struct bench_stat *stats, const char *path)
{
    const struct bench_stat *round = &stats[AT_ROUND], *p256 = &stats[AT_P256];
    json_t *rows = json_array(), *body;

    for (size_t i = 0; i < ROW_COUNT; i++) {
        (void)json_array_append_new(rows, row_json(i, &stats[2 * i], &stats[2 * i + 1]));
    }
    printf("host round, %d new entries: %.0f us (min), %.2f P-256 verifications of %.1f us (side "
           "by side), %.2f (minima); calibration %.0f ns\n",
           NEW, round->min / 1e3, round->ratio, p256->min / 1e3, round->min / p256->min,
           stats[AT_CALIBRATION].min);
    body = json_pack("{s:o, s:{s:i, s:i, s:f, s:f, s:o, s:o}, s:o, s:s}", "rows", rows, "round",
                     "new_entries", NEW, "references", REFERENCES, "p256", round->ratio, "p256_min",
                     round->min / p256->min, "time", bench_stat_json(round), "p256_time",
                     bench_stat_json(p256), "calibration", bench_stat_json(&stats[AT_CALIBRATION]),
                     "openssl", OpenSSL_version(OPENSSL_VERSION));
    if (path != NULL) {
        bench_result_write(path, "trust_core", body);
    } else {
        json_decref(body);
    }
}

int main(int argc, char **argv)
{
    static struct replay replays[ROW_COUNT];
    static struct bare bares[ROW_COUNT];
    static struct host host;
    struct p256 p256;
    struct bench_case cases[CASES];
    struct bench_stat stats[CASES];
    unsigned rounds = 200;
    const char *path = NULL;

    bench_args(argc, argv, &rounds, &path);
    for (size_t i = 0; i < LIST_COUNT; i++) {
        list_make(&g_lists[i]);
    }
    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct replay *r = &replays[i];

        r->list = &g_lists[ROWS[i].list];
        r->algs[r->alg_count++] = ROWS[i].alg;
        if (ROWS[i].has_sha1_bank) {
            r->algs[r->alg_count++] = SL_TPM_ALG_SHA1;
        }
        r->entry = malloc(sizeof(*r->entry));
        need(r->entry != NULL, "memory");
        replay_restart(r);
        bares[i] = (struct bare){
            .list = r->list, .alg = ROWS[i].alg, .has_sha1_bank = ROWS[i].has_sha1_bank};
        cases[2 * i] = (struct bench_case){"replay", run_replay, r, WINDOW, 2 * i + 1};
        cases[2 * i + 1] = (struct bench_case){"bare", run_bare, &bares[i], WINDOW, 2 * i + 1};
    }
    host_make(&host);
    p256_make(&p256);
    cases[AT_ROUND] = (struct bench_case){"round", run_round, &host, 8, AT_P256};
    cases[AT_P256] = (struct bench_case){"p256", run_p256, &p256, 32, AT_P256};
    cases[AT_CALIBRATION] = bench_calibration_case();
    bench_interleave(cases, CASES, rounds, stats);
    write_out(stats, path);
    host_done(&host);
    return 0;
}
