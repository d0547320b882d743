/* SPDX-License-Identifier: Apache-2.0 */
/* One keep-alive connection. */
#include "agent/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum {
    ANSWER_MAX = 1 << 20,
    URL_MAX = 512,
    CONNECT_MS = 5000,
    TOTAL_MS = 60000,
    HEADER_MAX = 1024
};

struct sl_agent_http {
    CURL *curl;
    char url[URL_MAX];
    char *answer;
    size_t answer_size;
    char error[CURL_ERROR_SIZE];
};

static size_t on_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct sl_agent_http *http = ctx;
    size_t more = size * count;
    if (more > ANSWER_MAX - http->answer_size) {
        return 0; /* ends the transfer with CURLE_WRITE_ERROR */
    }
    memcpy(http->answer + http->answer_size, data, more);
    http->answer_size += more;
    return more;
}

sl_rc sl_agent_http_new(const char *url, const char *ca, struct sl_agent_http **ret_http,
                        struct sl_err *err)
{
    struct sl_agent_http *http = calloc(1, sizeof(*http));
    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (http->curl = curl_easy_init()) == NULL || (http->answer = malloc(ANSWER_MAX)) == NULL) {
        sl_agent_http_free(http);
        return sl_err_set(err, SL_NO_MEMORY, "no memory for the connection to %s", url);
    }
    (void)snprintf(http->url, sizeof(http->url), "%s", url);
    CURL *c = http->curl;
    bool is_set =
        curl_easy_setopt(c, CURLOPT_CAINFO, ca) == CURLE_OK &&
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
        curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == CURLE_OK &&
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS);
    (void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "safelib-agent/" SL_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->error);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, http);
    if (!is_set) {
        sl_agent_http_free(http);
        return sl_err_set(err, SL_CRYPTO, "libcurl here has no TLS 1.3");
    }
    *ret_http = http;
    return SL_OK;
}

void sl_agent_http_free(struct sl_agent_http *http)
{
    if (http != NULL) {
        curl_easy_cleanup(http->curl);
        free(http->answer);
        free(http);
    }
}

static struct curl_slist *headers_make(const char *token)
{
    char line[HEADER_MAX];
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
    struct curl_slist *more = curl_slist_append(list, line);
    sl_wipe(line, sizeof(line));
    /* no "Expect: 100-continue": it costs a round trip */
    struct curl_slist *last = more != NULL ? curl_slist_append(more, "Expect:") : NULL;
    if (last == NULL) {
        curl_slist_free_all(more != NULL ? more : list);
    }
    return last;
}

static sl_rc transport_failed(const struct sl_agent_http *http, CURLcode code, struct sl_err *err)
{
    const char *why = http->error[0] != '\0' ? http->error : curl_easy_strerror(code);
    sl_rc rc = SL_AGAIN;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
        code == CURLE_SSL_ISSUER_ERROR) {
        rc = SL_AUTH;
    } else if (code == CURLE_WRITE_ERROR) {
        rc = SL_MALFORMED;
        why = "the answer is longer than 1 MiB";
    }
    return sl_err_set(err, rc, "%s: %s", http->url, why);
}

static sl_rc status_judge(const char *path, long status, const json_t *answer, struct sl_err *err)
{
    const char *field = json_string_value(json_object_get(answer, "field"));
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    sl_rc rc = SL_DENIED;
    if (status >= 200 && status < 300) {
        return answer != NULL ? SL_OK
                              : sl_err_set(err, SL_MALFORMED, "%s: the answer is no JSON", path);
    }
    if (status == 401 || status == 403) {
        rc = SL_AUTH;
    } else if (status == 404) {
        rc = SL_NOT_FOUND;
    } else if (status == 429 || status >= 500) {
        rc = SL_AGAIN;
    }
    return sl_err_set(err, rc, "%s: status %ld%s%.64s: %.200s", path, status,
                      field != NULL ? ", field " : "", field != NULL ? field : "",
                      detail != NULL ? detail : "no reason given");
}

sl_rc sl_agent_http_post(struct sl_agent_http *http, const char *path, const char *token,
                         const json_t *body, json_t **ret_answer, long *ret_status,
                         struct sl_err *err)
{
    char url[2 * URL_MAX];
    char *text = json_dumps(body, JSON_COMPACT);
    struct curl_slist *headers = headers_make(token);
    sl_rc rc;
    *ret_answer = NULL;
    *ret_status = 0;
    if (text == NULL || headers == NULL) {
        rc = sl_err_set(err, SL_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    (void)snprintf(url, sizeof(url), "%s%s", http->url, path);
    http->answer_size = 0;
    http->error[0] = '\0';
    (void)curl_easy_setopt(http->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, text);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
    CURLcode code = curl_easy_perform(http->curl);
    (void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    if (code != CURLE_OK) {
        rc = transport_failed(http, code, err);
        goto out;
    }
    (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, ret_status);
    json_t *answer = json_loadb(http->answer, http->answer_size, JSON_REJECT_DUPLICATES, NULL);
    rc = status_judge(path, *ret_status, answer, err);
    if (rc == SL_OK) {
        *ret_answer = answer;
    } else {
        json_decref(answer);
    }
out:
    curl_slist_free_all(headers);
    free(text);
    return rc;
}
