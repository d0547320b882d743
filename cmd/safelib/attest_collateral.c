/* SPDX-License-Identifier: Apache-2.0 */
/* safelib attest collateral: the cache on disk. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"
#include "collateral/expiry.h"
#include "files/files.h"

enum { DAY_S = 86400, WARN_DAYS = 7, DAYS_MAX = 36500 };

#define CACHE_OPTION(value)                                                                        \
    {                                                                                              \
        "cache", 0, "DIR",                                                                         \
            "the cache (default: $SAFELIB_COLLATERAL, for root\n"                                  \
            "/var/lib/safelib/collateral, else ~/.cache/...)",                                     \
            OPTION_STRING, value, 0, 0                                                             \
    }

/* What lacks for a verification, as far as the set itself tells. */
static const enum sl_collateral_part intel_needs[] = {
    SL_COLLATERAL_tcb_info, SL_COLLATERAL_qe_identity, SL_COLLATERAL_tcb_signing_chain,
    SL_COLLATERAL_pck_crl,  SL_COLLATERAL_root_crl,
};
static const enum sl_collateral_part amd_needs[] = {SL_COLLATERAL_cert_chain};

static void missing_warn(const struct sl_collateral_set *set, const char *key)
{
    bool is_amd = strncmp(key, "snp-", 4) == 0;
    const enum sl_collateral_part *needs = is_amd ? amd_needs : intel_needs;
    size_t count = is_amd ? sizeof(amd_needs) / sizeof(amd_needs[0])
                          : sizeof(intel_needs) / sizeof(intel_needs[0]);
    for (size_t i = 0; i < count; i++) {
        if (sl_collateral_part(set, needs[i]).data == NULL) {
            fprintf(stderr, "%swarning%s %s: without %s (%s) no verification can succeed\n",
                    tone(stderr, TONE_WARN), tone(stderr, TONE_PLAIN), key,
                    sl_collateral_name(needs[i]), sl_collateral_text(needs[i]));
        }
    }
}

/* One set from all single parts, and one for each folder or bundle. */
static int import_one(const char *folder, const struct sl_collateral_set *set, const char *path)
{
    char key[SL_PLATFORM_KEY_SIZE];
    struct sl_err err = {0};
    sl_rc rc = sl_collateral_cache_put(folder, set, key, &err);
    if (rc != SL_OK) {
        (void)sl_err_prefix(&err, "%s", path);
        return complain_err(rc == SL_MALFORMED || rc == SL_INVALID ? CMD_BAD : CMD_USAGE, &err);
    }
    printf("%s\n", key);
    missing_warn(set, key);
    return OPTIONS_GO_ON;
}

static int import_all(const char *folder, char **paths, int count)
{
    struct sl_collateral_set loose = {0};
    struct sl_err err = {0};
    int status = OPTIONS_GO_ON;
    for (int i = 0; i < count && status == OPTIONS_GO_ON; i++) {
        bool is_part = sl_collateral_part_of_file(paths[i]) < SL_COLLATERAL_PART_COUNT;
        struct sl_collateral_set own = {0};
        sl_rc rc = sl_collateral_load(paths[i], is_part ? &loose : &own, &err);
        if (rc != SL_OK) {
            status = complain_err(rc == SL_MALFORMED ? CMD_BAD : CMD_USAGE, &err);
        } else if (!is_part) {
            status = import_one(folder, &own, paths[i]);
        }
        sl_collateral_done(&own);
    }
    if (status == OPTIONS_GO_ON && !sl_collateral_is_empty(&loose)) {
        status = import_one(folder, &loose, "the files given");
    }
    sl_collateral_done(&loose);
    return status == OPTIONS_GO_ON ? CMD_GOOD : status;
}

static int collateral_import(int argc, char **argv)
{
    const char *cache = NULL;
    char folder[PATH_MAX];
    const struct option_spec options[] = {CACHE_OPTION(&cache)};
    const struct command_spec spec = {
        .usage = "safelib attest collateral import [--cache DIR] DIR|FILE...",
        .about =
            "Takes collateral into the cache: a folder of parts, the parts themselves\n"
            "(tcb_info.json, qe_identity.json, pck_crl.der ...), or a bundle as `export` makes.\n"
            "Prints the platform's key. What does not parse, or does not say which platform it\n"
            "is for, is refused, and what was there before stays. Signatures are not checked\n"
            "here but on every use. Nothing is fetched; man safelib-attest has the commands.",
        .examples = "  safelib attest collateral import pcs/\n"
                    "  safelib attest collateral import from-the-other-side.json",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = -1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    status = status == OPTIONS_GO_ON ? attest_cache_folder(cache, folder, sizeof(folder)) : status;
    return status == OPTIONS_GO_ON ? import_all(folder, argv + first, argc - first) : status;
}

static int export_write(const struct sl_collateral_set *set, const char *key, const char *out,
                        bool is_bundle)
{
    struct sl_err err = {0};
    char *text = NULL;
    if (!is_bundle) {
        return sl_collateral_folder_write(set, out, &err) == SL_OK ? CMD_GOOD
                                                                   : complain_err(CMD_USAGE, &err);
    }
    if (sl_collateral_bundle_write(set, key, &text) != SL_OK) {
        return complain(CMD_USAGE, "out of memory");
    }
    int status = CMD_GOOD;
    if (out == NULL) {
        status = puts(text) >= 0 && fflush(stdout) == 0
                     ? CMD_GOOD
                     : complain(CMD_USAGE, "the output could not be written");
    } else if (sl_file_write(out, 0600, text, strlen(text), &err) != SL_OK) {
        status = complain_err(CMD_USAGE, &err);
    }
    free(text);
    return status;
}

static int collateral_export(int argc, char **argv)
{
    const char *cache = NULL;
    const char *out = NULL;
    bool is_bundle = false;
    char folder[PATH_MAX];
    char key[SL_PLATFORM_KEY_SIZE];
    const struct option_spec options[] = {
        {"out", 'o', "PATH", "folder to write the parts to; with --bundle a file", OPTION_STRING,
         &out, 0, 0},
        {"bundle", 'b', NULL, "one JSON file (to stdout without --out)", OPTION_FLAG, &is_bundle, 0,
         0},
        CACHE_OPTION(&cache),
    };
    const struct command_spec spec = {
        .usage = "safelib attest collateral export [--bundle] [--cache DIR] KEY -o PATH",
        .about = "Writes what the cache holds for one platform as a folder for --collateral, or\n"
                 "as a bundle to carry to a machine without a network. KEY may be its beginning.",
        .examples = "  safelib attest collateral export sgx-00606a000000 -o pcs/\n"
                    "  safelib attest collateral export --bundle tdx-90c06f -o tdx.json",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    status = status == OPTIONS_GO_ON ? attest_cache_folder(cache, folder, sizeof(folder)) : status;
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (out == NULL && !is_bundle) {
        return complain(CMD_USAGE, "expected -o DIR, or --bundle: usage: %s", spec.usage);
    }
    struct sl_collateral_set set = {0};
    struct sl_err err = {0};
    status = sl_collateral_cache_get(folder, argv[first], &set, key, &err) == SL_OK
                 ? export_write(&set, key, out, is_bundle)
                 : complain_err(CMD_USAGE, &err);
    sl_collateral_done(&set);
    return status;
}

/* One platform of the cache, read. */
struct entry {
    const char *key;
    struct sl_collateral_set set;
    struct sl_expiry expiry;
};

static sl_rc entry_read(const char *folder, const char *key, struct entry *entry,
                        struct sl_err *err)
{
    *entry = (struct entry){.key = key};
    sl_rc rc = sl_collateral_cache_get(folder, key, &entry->set, NULL, err);
    rc = rc == SL_OK ? sl_expiry_of(&entry->set, &entry->expiry, err) : rc;
    if (rc != SL_OK) {
        sl_collateral_done(&entry->set);
    }
    return rc;
}

static enum tone expiry_tone(int64_t until_s, int64_t now_s, int64_t warn_s)
{
    return until_s <= now_s ? TONE_BAD : until_s <= now_s + warn_s ? TONE_WARN : TONE_PLAIN;
}

/* "in 12 days", "since 3 days" */
static void span_text(int64_t until_s, int64_t now_s, char *out, size_t size)
{
    int64_t days = (until_s - now_s) / DAY_S;
    if (until_s <= now_s) {
        (void)snprintf(out, size, "expired %lld days ago", (long long)-days);
    } else {
        (void)snprintf(out, size, "%lld days left", (long long)days);
    }
}

static json_t *entry_json(const struct entry *entry)
{
    char text[ATTEST_TIME_TEXT];
    json_t *parts = json_object();
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        if (!entry->expiry.parts[i].has) {
            continue;
        }
        json_t *part =
            json_pack("{s:I}", "size", (json_int_t)sl_collateral_part(&entry->set, i).size);
        attest_time_text(entry->expiry.parts[i].not_before_s, text);
        (void)json_object_set_new(part, "not_before", json_string(text));
        attest_time_text(entry->expiry.parts[i].not_after_s, text);
        (void)json_object_set_new(part, "not_after", json_string(text));
        (void)json_object_set_new(parts, sl_collateral_name(i), part);
    }
    attest_time_text(entry->expiry.first_s, text);
    return json_pack("{s:s, s:s, s:o}", "key", entry->key, "expires", text, "parts", parts);
}

/* Long chip ids are cut for people; a key's beginning is enough for every command. */
static void key_show(const char *key)
{
    size_t length = strlen(key);
    if (length <= 40) {
        printf("%-40s", key);
    } else {
        printf("%.26s...%s", key, key + length - 11);
    }
}

static int list_entries(const char *folder, char **keys, size_t count, int64_t now_s, bool is_json)
{
    json_t *list = json_array();
    int status = CMD_GOOD;
    for (size_t i = 0; i < count; i++) {
        struct entry entry;
        struct sl_err err = {0};
        if (entry_read(folder, keys[i], &entry, &err) != SL_OK) {
            status = complain_err(CMD_USAGE, &err);
            continue;
        }
        if (is_json) {
            (void)json_array_append_new(list, entry_json(&entry));
        } else {
            char when[ATTEST_TIME_TEXT];
            char span[48];
            attest_time_text(entry.expiry.first_s, when);
            span_text(entry.expiry.first_s, now_s, span, sizeof(span));
            key_show(keys[i]);
            printf("  %s  %s%s%s\n", when,
                   tone(stdout, expiry_tone(entry.expiry.first_s, now_s, WARN_DAYS * DAY_S)), span,
                   tone(stdout, TONE_PLAIN));
        }
        sl_collateral_done(&entry.set);
    }
    if (is_json) {
        return print_json(list, status);
    }
    json_decref(list);
    return status;
}

static int collateral_list(int argc, char **argv)
{
    const char *cache = NULL;
    const char *when = NULL;
    bool is_json = false;
    int64_t now_s = 0;
    char folder[PATH_MAX];
    const struct option_spec options[] = {
        {"time", 0, "RFC3339", "count from this time (default: this machine's clock)",
         OPTION_STRING, &when, 0, 0},
        {"json", 'j', NULL, "as JSON, with every part", OPTION_FLAG, &is_json, 0, 0},
        CACHE_OPTION(&cache),
    };
    const struct command_spec spec = {
        .usage = "safelib attest collateral list [--json] [--cache DIR]",
        .about = "Lists the platforms in the cache, and when the first part of each expires.",
        .examples = "  safelib attest collateral list",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    status = status == OPTIONS_GO_ON ? attest_cache_folder(cache, folder, sizeof(folder)) : status;
    status = status == OPTIONS_GO_ON ? attest_time_read(when, &now_s) : status;
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    char **keys = NULL;
    size_t count = 0;
    struct sl_err err = {0};
    if (sl_collateral_cache_list(folder, &keys, &count, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    if (count == 0 && !is_json) {
        printf("%s holds nothing yet (`safelib attest collateral import`)\n", folder);
    }
    status = list_entries(folder, keys, count, now_s, is_json);
    sl_collateral_cache_list_free(keys, count);
    return status;
}

static void entry_show(const struct entry *entry, int64_t now_s)
{
    printf("%s%s%s\n", tone(stdout, TONE_STRONG), entry->key, tone(stdout, TONE_PLAIN));
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        char from[ATTEST_TIME_TEXT];
        char to[ATTEST_TIME_TEXT];
        char span[48];
        int64_t until_s = entry->expiry.parts[i].not_after_s;
        if (!entry->expiry.parts[i].has) {
            continue;
        }
        attest_time_text(entry->expiry.parts[i].not_before_s, from);
        attest_time_text(until_s, to);
        span_text(until_s, now_s, span, sizeof(span));
        printf("  %-21s%8zu bytes  %s to %s  %s%s%s\n", sl_collateral_name(i),
               sl_collateral_part(&entry->set, i).size, from, to,
               tone(stdout, expiry_tone(until_s, now_s, WARN_DAYS * DAY_S)), span,
               tone(stdout, TONE_PLAIN));
    }
}

static int collateral_show(int argc, char **argv)
{
    const char *cache = NULL;
    const char *when = NULL;
    bool is_json = false;
    int64_t now_s = 0;
    char folder[PATH_MAX];
    char key[SL_PLATFORM_KEY_SIZE];
    const struct option_spec options[] = {
        {"time", 0, "RFC3339", "count from this time (default: this machine's clock)",
         OPTION_STRING, &when, 0, 0},
        {"json", 'j', NULL, "as JSON", OPTION_FLAG, &is_json, 0, 0},
        CACHE_OPTION(&cache),
    };
    const struct command_spec spec = {
        .usage = "safelib attest collateral show [--json] [--cache DIR] KEY",
        .about = "Shows each part of one platform's collateral and its validity.",
        .examples = "  safelib attest collateral show sgx-00606a000000",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    status = status == OPTIONS_GO_ON ? attest_cache_folder(cache, folder, sizeof(folder)) : status;
    status = status == OPTIONS_GO_ON ? attest_time_read(when, &now_s) : status;
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct entry entry = {0};
    struct sl_err err = {0};
    sl_rc rc = sl_collateral_cache_get(folder, argv[first], &entry.set, key, &err);
    rc = rc == SL_OK ? sl_expiry_of(&entry.set, &entry.expiry, &err) : rc;
    entry.key = key;
    if (rc != SL_OK) {
        status = complain_err(CMD_USAGE, &err);
    } else if (is_json) {
        status = print_json(entry_json(&entry), CMD_GOOD);
    } else {
        entry_show(&entry, now_s);
        status = CMD_GOOD;
    }
    sl_collateral_done(&entry.set);
    return status;
}

/* @return how many parts of it expire before the bound */
static unsigned entry_check(const struct entry *entry, int64_t now_s, int64_t warn_s)
{
    unsigned count = 0;
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        int64_t until_s = entry->expiry.parts[i].not_after_s;
        char when[ATTEST_TIME_TEXT];
        if (!entry->expiry.parts[i].has || until_s > now_s + warn_s) {
            continue;
        }
        attest_time_text(until_s, when);
        fprintf(stderr, "%s%s%s %s: %s %s %s: import a newer one\n",
                tone(stderr, expiry_tone(until_s, now_s, warn_s)),
                until_s <= now_s ? "expired" : "expires", tone(stderr, TONE_PLAIN), entry->key,
                sl_collateral_name(i), until_s <= now_s ? "was good until" : "is good until", when);
        count++;
    }
    return count;
}

static int check_all(const char *folder, int64_t now_s, int64_t warn_s)
{
    char **keys = NULL;
    size_t count = 0;
    unsigned bad = 0;
    struct sl_err err = {0};
    if (sl_collateral_cache_list(folder, &keys, &count, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    for (size_t i = 0; i < count; i++) {
        struct entry entry;
        if (entry_read(folder, keys[i], &entry, &err) != SL_OK) {
            (void)complain_err(CMD_BAD, &err);
            bad++;
            continue;
        }
        bad += entry_check(&entry, now_s, warn_s);
        sl_collateral_done(&entry.set);
    }
    sl_collateral_cache_list_free(keys, count);
    printf("%zu platforms, %u parts expired or about to\n", count, bad);
    return bad == 0 ? CMD_GOOD : CMD_BAD;
}

static int collateral_check(int argc, char **argv)
{
    const char *cache = NULL;
    const char *when = NULL;
    uint64_t days = WARN_DAYS;
    int64_t now_s = 0;
    char folder[PATH_MAX];
    const struct option_spec options[] = {
        {"days", 'd', "N", "warn this long before (default 7)", OPTION_UINT, &days, 0, DAYS_MAX},
        {"time", 0, "RFC3339", "count from this time (default: this machine's clock)",
         OPTION_STRING, &when, 0, 0},
        CACHE_OPTION(&cache),
    };
    const struct command_spec spec = {
        .usage = "safelib attest collateral check [--days N] [--cache DIR]",
        .about = "Says what in the cache has expired or soon will; exit status 1 where there is\n"
                 "any. For a timer: what expires makes the gateway refuse every image.",
        .examples = "  safelib attest collateral check --days 14",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    status = status == OPTIONS_GO_ON ? attest_cache_folder(cache, folder, sizeof(folder)) : status;
    status = status == OPTIONS_GO_ON ? attest_time_read(when, &now_s) : status;
    return status == OPTIONS_GO_ON ? check_all(folder, now_s, (int64_t)days * DAY_S) : status;
}

static int collateral_remove(int argc, char **argv)
{
    const char *cache = NULL;
    char folder[PATH_MAX];
    const struct option_spec options[] = {CACHE_OPTION(&cache)};
    const struct command_spec spec = {
        .usage = "safelib attest collateral remove [--cache DIR] KEY",
        .about = "Takes one platform out of the cache.",
        .examples = "  safelib attest collateral remove sgx-00606a000000",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    status = status == OPTIONS_GO_ON ? attest_cache_folder(cache, folder, sizeof(folder)) : status;
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct sl_err err = {0};
    return sl_collateral_cache_remove(folder, argv[first], &err) == SL_OK
               ? CMD_GOOD
               : complain_err(CMD_USAGE, &err);
}

int attest_collateral(int argc, char **argv)
{
    static const struct command table[] = {
        {"list", "the platforms in the cache, and until when they are good", collateral_list},
        {"show", "the parts of one platform's collateral", collateral_show},
        {"import", "take collateral in from files", collateral_import},
        {"export", "write a platform's collateral as files", collateral_export},
        {"check", "what has expired or soon will", collateral_check},
        {"remove", "take a platform out", collateral_remove},
    };
    return command_dispatch("safelib attest collateral", table, sizeof(table) / sizeof(table[0]),
                            argc, argv);
}
