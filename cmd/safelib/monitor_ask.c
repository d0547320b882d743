/* SPDX-License-Identifier: Apache-2.0 */
/* One libcurl handle; TLS 1.3, nothing followed or proxied, answers bounded. */
#include "monitor_ask.h"

#include <curl/curl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "files/files.h"
#include "files/yaml_file.h"

enum {
    PATH_SIZE = 1024,
    ANSWER_MAX = 32 << 20,
    TOKEN_MAX = 512,
    NODE_ID_DIGITS = 16,
    TOTAL_SECONDS = 60,
};

struct monitor {
    CURL *curl;
    char url[PATH_SIZE];
    char token[TOKEN_MAX];
    char *answer;
    size_t size, room;
    char error[CURL_ERROR_SIZE];
};

/* ---- configuration ---- */

struct yaml_root {
    char *url, *ca, *token, *certificate, *key;
};
#define TEXT(name, flags)                                                                          \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | (flags), struct yaml_root, name, 1, 255)
static const cyaml_schema_field_t root_fields[] = {
    TEXT(url, 0),
    TEXT(ca, 0),
    TEXT(token, 0),
    TEXT(certificate, CYAML_FLAG_OPTIONAL),
    TEXT(key, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields),
};

static void config_find(const char *given, char out[PATH_SIZE])
{
    const char *env = getenv("SAFELIB_MONITOR");
    const char *home = getenv("HOME");

    if (given != NULL || env != NULL) {
        (void)snprintf(out, PATH_SIZE, "%s", given != NULL ? given : env);
        return;
    }
    (void)snprintf(out, PATH_SIZE, "%s/.config/safelib/monitor.yaml", home != NULL ? home : "");
    if (access(out, R_OK) != 0) {
        (void)snprintf(out, PATH_SIZE, "/etc/safelib/monitor.yaml");
    }
}

/* Files are named relative to the configuration that names them. */
static void path_join(const char *config, const char *name, char out[PATH_SIZE])
{
    char copy[PATH_SIZE];

    (void)snprintf(copy, sizeof(copy), "%s", config);
    if (name[0] == '/') {
        (void)snprintf(out, PATH_SIZE, "%s", name);
    } else {
        (void)snprintf(out, PATH_SIZE, "%.700s/%.255s", dirname(copy), name);
    }
}

static sl_rc token_read(struct monitor *monitor, const char *path, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, TOKEN_MAX - 1, &data, &size, err);

    if (rc == SL_OK) {
        data[strcspn((char *)data, " \t\r\n")] = '\0';
        (void)snprintf(monitor->token, sizeof(monitor->token), "%s", (char *)data);
        sl_wipe(data, size);
    }
    free(data);
    return rc;
}

/* ---- the connection ---- */

static size_t on_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct monitor *monitor = ctx;
    const size_t more = size * count;

    if (more > ANSWER_MAX - monitor->size) {
        return 0;
    }
    if (monitor->size + more + 1 > monitor->room) {
        const size_t room = 2 * (monitor->size + more + 1);
        char *answer = realloc(monitor->answer, room);

        if (answer == NULL) {
            return 0;
        }
        monitor->answer = answer;
        monitor->room = room;
    }
    memcpy(monitor->answer + monitor->size, data, more);
    monitor->size += more;
    monitor->answer[monitor->size] = '\0';
    return more;
}

static sl_rc curl_make(struct monitor *monitor, const struct yaml_root *yaml, const char *config,
                       struct sl_err *err)
{
    char path[PATH_SIZE];
    CURL *c = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    bool is_set;

    monitor->curl = c;
    if (c == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a connection");
    }
    path_join(config, yaml->ca, path);
    is_set = curl_easy_setopt(c, CURLOPT_CAINFO, path) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
    if (yaml->certificate != NULL) {
        path_join(config, yaml->certificate, path);
        is_set = is_set && curl_easy_setopt(c, CURLOPT_SSLCERT, path) == CURLE_OK;
        path_join(config, yaml->key != NULL ? yaml->key : yaml->certificate, path);
        is_set = is_set && curl_easy_setopt(c, CURLOPT_SSLKEY, path) == CURLE_OK;
    }
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TOTAL_SECONDS);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "safelib/" SL_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, monitor->error);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, monitor);
    return is_set ? SL_OK : sl_err_set(err, SL_CRYPTO, "libcurl here has no TLS 1.3");
}

sl_rc monitor_open(const char *path, struct monitor **ret_monitor, struct sl_err *err)
{
    struct monitor *monitor = calloc(1, sizeof(*monitor));
    char config[PATH_SIZE], token[PATH_SIZE];
    void *root = NULL;
    const struct yaml_root *yaml;
    sl_rc rc;

    if (monitor == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    config_find(path, config);
    rc = sl_yaml_load(config, &root_schema, "man safelib-node", &root, err);
    if (rc == SL_OK) {
        yaml = root;
        (void)snprintf(monitor->url, sizeof(monitor->url), "%s", yaml->url);
        path_join(config, yaml->token, token);
        rc = token_read(monitor, token, err);
        rc = rc == SL_OK ? curl_make(monitor, yaml, config, err) : rc;
        sl_yaml_free(&root_schema, root);
    }
    if (rc != SL_OK) {
        monitor_close(monitor);
        return rc;
    }
    *ret_monitor = monitor;
    return SL_OK;
}

void monitor_close(struct monitor *monitor)
{
    if (monitor != NULL) {
        curl_easy_cleanup(monitor->curl);
        free(monitor->answer);
        sl_wipe(monitor->token, sizeof(monitor->token));
        free(monitor);
    }
}

/* ---- calls ---- */

static struct curl_slist *headers_make(const char *token)
{
    char line[TOKEN_MAX + 32];
    struct curl_slist *first, *all;

    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
    first = curl_slist_append(NULL, line);
    sl_wipe(line, sizeof(line));
    all = first != NULL ? curl_slist_append(first, "Content-Type: application/json") : NULL;
    if (all == NULL) {
        curl_slist_free_all(first);
    }
    return all;
}

static json_t *answer_judge(struct monitor *monitor, const char *path, struct sl_err *err)
{
    const char *text = monitor->size > 0 ? monitor->answer : "";
    json_t *answer = json_loadb(text, monitor->size, JSON_REJECT_DUPLICATES, NULL);
    const char *field = json_string_value(json_object_get(answer, "field"));
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    long status = 0;

    (void)curl_easy_getinfo(monitor->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
        return answer != NULL ? answer : json_stringn(text, monitor->size);
    }
    (void)sl_err_set(err, status == 404 ? SL_NOT_FOUND : SL_DENIED, "%s%s: %ld %s%s%.300s",
                     monitor->url, path, status, field != NULL ? field : "",
                     field != NULL ? ": " : "", detail != NULL ? detail : "no reason given");
    json_decref(answer);
    return NULL;
}

json_t *monitor_ask(struct monitor *monitor, const char *method, const char *path,
                    const json_t *body, struct sl_err *err)
{
    char url[2 * PATH_SIZE];
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct curl_slist *headers = headers_make(monitor->token);
    json_t *answer = NULL;
    CURLcode code;

    if (headers == NULL || (body != NULL && text == NULL)) {
        (void)sl_err_set(err, SL_NO_MEMORY, "out of memory");
        goto out;
    }
    (void)snprintf(url, sizeof(url), "%s%s", monitor->url, path);
    monitor->size = 0;
    monitor->error[0] = '\0';
    (void)curl_easy_setopt(monitor->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(monitor->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(monitor->curl, CURLOPT_HTTPGET, 1L);
    if (text != NULL) {
        (void)curl_easy_setopt(monitor->curl, CURLOPT_POSTFIELDS, text);
    }
    (void)curl_easy_setopt(monitor->curl, CURLOPT_CUSTOMREQUEST, method);
    code = curl_easy_perform(monitor->curl);
    (void)curl_easy_setopt(monitor->curl, CURLOPT_HTTPHEADER, NULL);
    if (code != CURLE_OK) {
        (void)sl_err_set(err, SL_IO, "%s: %s", monitor->url,
                         monitor->error[0] != '\0' ? monitor->error : curl_easy_strerror(code));
        goto out;
    }
    answer = answer_judge(monitor, path, err);
out:
    curl_slist_free_all(headers);
    free(text);
    return answer;
}

bool monitor_nodes(struct monitor *monitor, bool (*each)(void *ctx, json_t *node), void *ctx,
                   struct sl_err *err)
{
    char path[128] = "/v1/nodes";

    for (;;) {
        json_t *answer = monitor_ask(monitor, "GET", path, NULL, err);
        const json_t *nodes = json_object_get(answer, "nodes");
        const char *last = NULL;
        size_t i;
        json_t *node;
        bool is_wanted = true;

        if (answer == NULL) {
            return false;
        }
        json_array_foreach(nodes, i, node)
        {
            last = json_string_value(json_object_get(node, "node"));
            is_wanted = is_wanted && each(ctx, node);
        }
        if (last != NULL) {
            (void)snprintf(path, sizeof(path), "/v1/nodes?after=%.64s", last);
        }
        json_decref(answer);
        if (last == NULL || !is_wanted) {
            return true;
        }
    }
}

bool monitor_is_id(const char *text)
{
    return strlen(text) == NODE_ID_DIGITS && strspn(text, "0123456789abcdef") == NODE_ID_DIGITS;
}

struct search {
    const char *name;
    char id[65];
};

static bool name_compare(void *ctx, json_t *node)
{
    struct search *search = ctx;
    const char *name = json_string_value(json_object_get(node, "name"));
    const char *id = json_string_value(json_object_get(node, "node"));

    if (name != NULL && id != NULL && strcmp(name, search->name) == 0) {
        (void)snprintf(search->id, sizeof(search->id), "%s", id);
    }
    return search->id[0] == '\0';
}

json_t *monitor_node(struct monitor *monitor, const char *id_or_name, struct sl_err *err)
{
    struct search search = {.name = id_or_name};
    char path[128];

    if (monitor_is_id(id_or_name)) {
        (void)snprintf(search.id, sizeof(search.id), "%s", id_or_name);
    } else if (!monitor_nodes(monitor, name_compare, &search, err)) {
        return NULL;
    }
    if (search.id[0] == '\0') {
        (void)sl_err_set(err, SL_NOT_FOUND, "no node of the name %s; `safelib node list` has all",
                         id_or_name);
        return NULL;
    }
    (void)snprintf(path, sizeof(path), "/v1/nodes/%s", search.id);
    return monitor_ask(monitor, "GET", path, NULL, err);
}
