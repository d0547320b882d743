/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor with 2,000 nodes: the real daemon with its real driver, TLS, database and journal;
 * nodes are software keys that make real quotes over real lists. Memory a node, time from request
 * to verdict, rounds a second.
 *   bench-trust-nodes TRUSTD RESULT.json [NODES] */
#include "unit.h"

#include <curl/curl.h>
#include <openssl/ec.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "measure.h"
#include "monitor/json_bytes.h"
#include "monitor/refvals.h"
#include "rig.h"
#include "trustd/store.h"

enum {
    NODES_DEFAULT = 2000,
    WARM_NODES = 64, /* before the memory of the others is looked at */
    ENTRIES = 480,
    FIRST = 50,    /* entries of a node's first round */
    SAMPLES = 200, /* rounds of each kind */
    CLIENTS = 4,
    RANDOM_DIGESTS = 100000,
    TEXT = 512,
};

struct node {
    char id[SL_NODE_ID_SIZE], token[SL_TOKEN_TEXT_SIZE];
    EVP_PKEY *ak;
    size_t at; /* entries that are judged */
};

static struct rig *rig;
static pthread_mutex_t rig_lock = PTHREAD_MUTEX_INITIALIZER;
static struct node *nodes;
static size_t node_count = NODES_DEFAULT;
static char folder[64];
static pid_t daemon_pid;
static unsigned port;

static const char policy_text[] =
    "class: bench\naccept_any_boot: the rig's boot is made up\nek: {insecure_any: true}\n"
    "pcrs: [{bank: sha256, required: [0,1,2,3,4,5,6,7,8,9,10,11,12,14]}]\nbootlog: required\n"
    "ima: {sets: [host]}\nlease: 10m\ninterval: 10s\n";

/* ---- what is shared ---- */

static void file_put(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void file_put(const char *name, const char *format, ...)
{
    char path[TEXT];
    va_list args;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        bench_die("%s cannot be written", path);
    }
    va_start(args, format);
    (void)vfprintf(file, format, args);
    va_end(args);
    (void)fclose(file);
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    if (system(command) != 0) {
        bench_die("failed: %s", command);
    }
}

static void digest_add(struct sl_refset_builder *builder, const char *path)
{
    uint8_t digest[32];
    assert_int_equal(EVP_Digest(path, strlen(path), digest, NULL, EVP_sha256(), NULL), 1);
    assert_ok(sl_refset_add(builder, "sha256", digest, sizeof(digest), path));
}

static void refvals_make(void)
{
    char path[TEXT];
    struct sl_err err = {0};
    struct sl_refset_builder *builder = sl_refset_builder_create();
    for (unsigned i = 0; i < RANDOM_DIGESTS; i++) {
        (void)snprintf(path, sizeof(path), "/usr/lib/other/%u", i);
        digest_add(builder, path);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        (void)snprintf(path, sizeof(path), "/usr/bin/tool-%u", i);
        digest_add(builder, path);
        if (i > 0) { /* the first entry is boot_aggregate */
            rig_measure(rig, 10, path);
        }
    }
    (void)snprintf(path, sizeof(path), "%s/refvals", folder);
    run("mkdir -p %s", path);
    assert_ok(sl_refset_write(builder, path, "host", "bench", 1700000000, &err));
    sl_refset_builder_free(builder);
}

static void node_make(struct sl_store *store, struct node *node, size_t number)
{
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    uint8_t secret[SL_TOKEN_HASH_SIZE] = {1};
    uint8_t public[256];
    struct sl_err err = {0};
    struct sl_store_node row = {.expires_ms = 2000};
    node->ak = EVP_EC_gen("P-256");
    size_t size = rig_public(node->ak, 0x00050072, public);
    (void)snprintf(row.id, sizeof(row.id), "%016zx", number);
    (void)snprintf(row.name, sizeof(row.name), "node-%zu", number);
    (void)snprintf(row.class_name, sizeof(row.class_name), "bench");
    (void)snprintf(row.driver, sizeof(row.driver), "tpm-ima");
    memcpy(node->id, row.id, sizeof(node->id));
    row.registration = json_deep_copy(rig->registration);
    (void)json_object_set_new(row.registration, "name", json_string(row.name));
    (void)json_object_set_new(row.registration, "ak_public", sl_json_bytes_new(public, size));
    assert_ok(sl_token_make(node->token, hash));
    assert_ok(sl_store_node_add(store, &row, secret, 10, 1000, &err));
    assert_ok(sl_store_node_activate(store, row.id, secret, hash, 1000, &err));
    json_decref(row.registration);
}

static void nodes_make(void)
{
    char path[TEXT];
    struct sl_store *store = NULL;
    struct sl_err err = {0};
    nodes = calloc(node_count, sizeof(*nodes));
    run("mkdir -p %s/state", folder);
    (void)snprintf(path, sizeof(path), "%s/state/trustd.db", folder);
    assert_ok(sl_store_open(path, &store, &err));
    assert_ok(sl_store_begin(store, &err));
    for (size_t i = 0; i < node_count; i++) {
        node_make(store, &nodes[i], i);
    }
    assert_ok(sl_store_commit(store, &err));
    sl_store_close(store);
}

/* ---- the daemon ---- */

static void daemon_start(const char *program)
{
    char config[TEXT];
    char log[TEXT];
    char line[TEXT];
    file_put("policies/bench.yaml", "%s", policy_text);
    file_put("trustd.yaml",
             "listen: 127.0.0.1:0\ncertificate: %s/cert.pem\nkey: %s/key.pem\nstate_dir: %s/state\n"
             "policy_dir: %s/policies\nrefvals: %s/refvals\nlimits: {rounds_per_minute: 60000}\n",
             folder, folder, folder, folder, folder);
    (void)snprintf(config, sizeof(config), "%s/trustd.yaml", folder);
    (void)snprintf(log, sizeof(log), "%s/trustd.log", folder);
    daemon_pid = fork();
    if (daemon_pid == 0) {
        if (freopen(log, "w", stderr) == NULL) {
            _exit(1);
        }
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* gone with the benchmark, however that ends */
        (void)execl(program, program, "--config", config, (char *)NULL);
        _exit(1);
    }
    for (int i = 0; i < 400 && port == 0; i++) {
        (void)usleep(50000);
        FILE *file = fopen(log, "r");
        while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
            const char *at = strstr(line, "listening on port ");
            port = at != NULL ? (unsigned)strtoul(at + 18, NULL, 10) : port;
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    if (port == 0) {
        bench_die("the daemon does not start: see %s", log);
    }
}

/* Private and shared pages of the process itself; the verifier has the reference digests. */
static uint64_t resident(pid_t pid)
{
    char path[64];
    char line[128];
    uint64_t kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib * 1024;
}

/* ---- a client ---- */

struct bytes {
    char *data;
    size_t size;
};

static size_t on_data(char *data, size_t size, size_t count, void *ctx)
{
    struct bytes *all = ctx;
    all->data = realloc(all->data, all->size + size * count + 1);
    memcpy(all->data + all->size, data, size * count);
    all->size += size * count;
    all->data[all->size] = '\0';
    return size * count;
}

static CURL *client_make(void)
{
    char path[TEXT];
    CURL *client = curl_easy_init();
    (void)snprintf(path, sizeof(path), "%s/cert.pem", folder);
    (void)curl_easy_setopt(client, CURLOPT_CAINFO, path);
    (void)curl_easy_setopt(client, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(client, CURLOPT_TIMEOUT, 60L);
    (void)curl_easy_setopt(client, CURLOPT_NOSIGNAL, 1L);
    return client;
}

static json_t *call(CURL *client, const struct node *node, const char *what, const char *body)
{
    char url[TEXT];
    char header[128];
    long status = 0;
    struct bytes answer = {0};
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/v1/nodes/%s/%s", port, node->id, what);
    (void)snprintf(header, sizeof(header), "Authorization: Bearer %s", node->token);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    headers = curl_slist_append(headers, "Expect:");
    (void)curl_easy_setopt(client, CURLOPT_URL, url);
    (void)curl_easy_setopt(client, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(client, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(client, CURLOPT_WRITEDATA, &answer);
    CURLcode code = curl_easy_perform(client);
    (void)curl_easy_getinfo(client, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (code != CURLE_OK || status != 200) {
        bench_die("%s: %s, status %ld: %s", what, curl_easy_strerror(code), status,
                  answer.data != NULL ? answer.data : "");
    }
    json_t *said = json_loads(answer.data, 0, NULL);
    free(answer.data);
    return said;
}

static char *evidence_make(struct node *node, const json_t *asked, size_t entries)
{
    const char *nonce = json_string_value(json_object_get(asked, "nonce"));
    const json_t *ima = json_object_get(json_object_get(asked, "tpm-ima"), "ima");
    (void)pthread_mutex_lock(&rig_lock);
    EVP_PKEY *own = rig->ak;
    rig->ak = node->ak;
    rig->from = (uint64_t)json_integer_value(json_object_get(ima, "from"));
    assert_ok(sl_hex_decode(nonce, rig->nonce, sizeof(rig->nonce)));
    json_t *evidence = rig_evidence(rig, entries, entries);
    rig->ak = own;
    (void)pthread_mutex_unlock(&rig_lock);
    json_t *message =
        json_pack("{s:s, s:s, s:o}", "nonce", nonce, "boot_id", "boot-1", "tpm-ima", evidence);
    char *text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    return text;
}

/* @return milliseconds of both requests, beside the making of the quote */
static double round_run(CURL *client, struct node *node, size_t entries)
{
    uint64_t begin = bench_now_ns();
    json_t *asked = call(client, node, "challenge", "{}");
    uint64_t spent = bench_now_ns() - begin;
    char *message = evidence_make(node, asked, entries);
    begin = bench_now_ns();
    json_t *said = call(client, node, "evidence", message);
    spent += bench_now_ns() - begin;
    const json_t *host = json_array_get(json_object_get(said, "verdicts"), 0);
    const char *verdict = json_string_value(json_object_get(host, "verdict"));
    if (verdict == NULL || strcmp(verdict, "trusted") != 0) {
        char *text = json_dumps(said, JSON_INDENT(1));
        bench_die("a good round was not trusted: %s", text);
    }
    node->at = entries;
    json_decref(asked);
    json_decref(said);
    free(message);
    return (double)spent / 1e6;
}

/* ---- measurements ---- */

static json_t *latency(size_t added)
{
    double ms[SAMPLES];
    CURL *client = client_make();
    size_t count = node_count < SAMPLES ? node_count : SAMPLES;
    (void)round_run(client, &nodes[0], nodes[0].at); /* its handshake */
    for (size_t i = 0; i < count; i++) {
        ms[i] = round_run(client, &nodes[i], nodes[i].at + added);
    }
    curl_easy_cleanup(client);
    bench_sort(ms, count);
    printf("%3zu new entries: median %.2f ms, p99 %.2f ms, most %.2f ms\n", added,
           bench_percentile(ms, count, 0.5), bench_percentile(ms, count, 0.99), ms[count - 1]);
    return json_pack("{s:i, s:i, s:f, s:f, s:f}", "new_entries", (int)added, "rounds", (int)count,
                     "median_ms", bench_percentile(ms, count, 0.5), "p99_ms",
                     bench_percentile(ms, count, 0.99), "max_ms", ms[count - 1]);
}

struct load {
    size_t first, count;
};

static void *load_main(void *ctx)
{
    const struct load *load = ctx;
    CURL *client = client_make();
    for (size_t i = 0; i < load->count; i++) {
        struct node *node = &nodes[load->first + i];
        (void)round_run(client, node, node->at != 0 ? node->at + 1 : FIRST);
    }
    curl_easy_cleanup(client);
    return NULL;
}

/* Rounds of all these nodes by several clients. @return a second */
static double load_run(size_t first, size_t count)
{
    pthread_t threads[CLIENTS];
    struct load loads[CLIENTS];
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < CLIENTS; i++) {
        size_t from = count * i / CLIENTS;
        loads[i] = (struct load){first + from, count * (i + 1) / CLIENTS - from};
        if (pthread_create(&threads[i], NULL, load_main, &loads[i]) != 0) {
            bench_die("no thread");
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return (double)count * 1e9 / (double)(bench_now_ns() - begin);
}

/* What the daemon keeps of a node: its state, in the database. */
static json_t *accounting(void)
{
    char path[TEXT];
    struct sl_store *store = NULL;
    struct sl_err err = {0};
    size_t most = 0;
    size_t sum = 0;
    (void)snprintf(path, sizeof(path), "%s/state/trustd.db", folder);
    assert_ok(sl_store_open(path, &store, &err));
    for (size_t i = 0; i < node_count; i++) {
        struct sl_store_node node;
        assert_ok(sl_store_node_get(store, nodes[i].id, &node, &err));
        most = node.state_size > most ? node.state_size : most;
        sum += node.state_size;
        sl_store_node_done(&node);
    }
    sl_store_close(store);
    return json_pack("{s:i, s:i}", "state_bytes_mean", (int)(sum / node_count), "state_bytes_max",
                     (int)most);
}

static json_t *measure(void)
{
    static const size_t added[] = {1, 10, 100};
    size_t warm = node_count < WARM_NODES ? node_count / 2 : WARM_NODES;
    (void)load_run(0, warm);
    (void)load_run(0, warm);
    uint64_t before = resident(daemon_pid);
    double first = load_run(warm, node_count - warm);
    uint64_t after = resident(daemon_pid);
    double per_node = after > before ? (double)(after - before) / (double)(node_count - warm) : 0.0;
    printf("%zu nodes: daemon %.1f MiB, %.0f bytes a node; first rounds %.0f/s\n", node_count,
           (double)after / 1048576, per_node, first);
    json_t *rows = json_array();
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
        (void)json_array_append_new(rows, latency(added[i]));
    }
    double rounds = load_run(0, node_count);
    printf("rounds of all nodes with a new entry, %d clients: %.0f/s\n", CLIENTS, rounds);
    return json_pack("{s:i, s:I, s:I, s:f, s:o, s:o, s:f, s:f, s:i, s:i}", "nodes", (int)node_count,
                     "rss_before", (json_int_t)before, "rss_after", (json_int_t)after,
                     "rss_bytes_per_node", per_node, "accounting", accounting(), "latency", rows,
                     "first_rounds_per_second", first, "rounds_per_second", rounds, "clients",
                     CLIENTS, "reference_digests", RANDOM_DIGESTS + ENTRIES);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        bench_die("usage: bench-trust-nodes TRUSTD RESULT.json [NODES]");
    }
    node_count = argc > 3 ? strtoul(argv[3], NULL, 10) : NODES_DEFAULT;
    (void)snprintf(folder, sizeof(folder), "/tmp/sl-trust-nodes-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        bench_die("no folder");
    }
    (void)curl_global_init(CURL_GLOBAL_ALL);
    run("mkdir -p %s/policies && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes "
        "-keyout %s/key.pem -out %s/cert.pem -days 2 -subj /CN=monitor -addext "
        "subjectAltName=IP:127.0.0.1 2>/dev/null",
        folder, folder, folder);
    rig = rig_make();
    refvals_make();
    nodes_make();
    daemon_start(argv[1]);
    json_t *body = measure();
    (void)kill(daemon_pid, SIGTERM);
    (void)waitpid(daemon_pid, NULL, 0);
    bench_result_write(argv[2], "trust-nodes", body);
    run("rm -rf %s", folder);
    return 0;
}
