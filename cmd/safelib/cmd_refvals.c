/* SPDX-License-Identifier: Apache-2.0 */
/* safelib refvals: import, list and show reference digests. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "attest/tpm_alg.h"
#include "command.h"
#include "monitor/refvals_import.h"
#include "safelib/bytes.h"

static const char STORE[] = "/var/lib/safelib/refvals";

struct request {
    const char *store, *set, *from, *algs, *pcr10, *platform;
    bool is_json;
};

/* ---- import ---- */

static int algs_take(const char *text, struct sl_import *import)
{
    static char names[64];
    char *at = names, *name;

    (void)snprintf(names, sizeof(names), "%s", text);
    while ((name = strsep(&at, ",")) != NULL) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_name(name, strlen(name));

        if (hash == NULL || hash->openssl == NULL || import->alg_count == SL_REFVALS_ALGS_MAX) {
            return complain(CMD_USAGE,
                            "--algs %s: expected up to %d of sha1, sha256, sha384, sha512", text,
                            SL_REFVALS_ALGS_MAX);
        }
        import->algs[import->alg_count++] = hash->name;
    }
    return OPTIONS_GO_ON;
}

static sl_rc list_import(const struct request *r, struct sl_import *import, const char *path,
                         struct sl_err *err)
{
    const char *colon = r->pcr10 != NULL ? strchr(r->pcr10, ':') : NULL;
    uint8_t value[SL_TPM_DIGEST_MAX];
    char alg[16];

    if (colon == NULL || strlen(colon + 1) > 2 * sizeof(value) ||
        sl_hex_decode(colon + 1, value, strlen(colon + 1) / 2) != SL_OK) {
        return sl_err_set(err, SL_INVALID,
                          "--pcr10 BANK:HEX is needed: the value of PCR 10 that a quote proved, or "
                          "the list proves nothing");
    }
    (void)snprintf(alg, sizeof(alg), "%.*s", (int)(colon - r->pcr10), r->pcr10);
    return sl_import_ima(import, path, alg, value, strlen(colon + 1) / 2, err);
}

/* A folder with this file in it is an image (OCI image layout, "oci-layout File"), not a folder of
 * files that run. */
static bool is_layout(const char *path)
{
    char file[4096];
    struct stat st;

    return snprintf(file, sizeof(file), "%s/oci-layout", path) < (int)sizeof(file) &&
           stat(file, &st) == 0 && S_ISREG(st.st_mode);
}

static sl_rc source_import(const struct request *r, struct sl_import *import, const char *path,
                           struct sl_err *err)
{
    const size_t size = strlen(path);
    struct stat st;

    if (r->from != NULL ? strcmp(r->from, "oci") == 0 : is_layout(path)) {
        return sl_import_oci(import, path, r->platform, err);
    }
    if (r->from != NULL && strcmp(r->from, "ima") == 0) {
        return list_import(r, import, path, err);
    }
    if (r->from != NULL && strcmp(r->from, "sums") == 0) {
        return sl_import_sums(import, path, err);
    }
    if (r->from != NULL ? strcmp(r->from, "deb") == 0
                        : size > 4 && strcmp(path + size - 4, ".deb") == 0) {
        return sl_import_deb(import, path, err);
    }
    if (r->from != NULL ? strcmp(r->from, "dir") == 0
                        : stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return sl_import_dir(import, path, err);
    }
    if (r->from != NULL) {
        return sl_err_set(err, SL_INVALID,
                          "--from: expected deb, oci, dir, ima or sums, not \"%s\"", r->from);
    }
    return sl_err_set(err, SL_INVALID, "%s: say what it is by --from deb, oci, dir, ima or sums",
                      path);
}

static int set_make(const struct request *r, struct sl_import *import, int count, char **paths)
{
    struct sl_err err = {0};
    char source[4096] = "";
    size_t used = 0;

    for (int i = 0; i < count; i++) {
        const char *slash = strrchr(paths[i], '/');
        const int put = snprintf(source + used, sizeof(source) - used, "%s%s", i > 0 ? ", " : "",
                                 slash != NULL && slash[1] != '\0' ? slash + 1 : paths[i]);

        used += put > 0 && (size_t)put < sizeof(source) - used ? (size_t)put : 0;
        err.rc = source_import(r, import, paths[i], &err);
        if (err.rc != SL_OK) {
            return complain_err(err.rc == SL_MISMATCH ? CMD_BAD : CMD_USAGE, &err);
        }
    }
    if (sl_refset_count(import->builder) == 0) {
        return complain(CMD_USAGE, "nothing to import: no file was found");
    }
    (void)mkdir(r->store, 0755);
    if (sl_refset_write(import->builder, r->store, r->set, source, (int64_t)time(NULL), &err) !=
        SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    (void)printf("%s: %zu digests\n", r->set, sl_refset_count(import->builder));
    return CMD_GOOD;
}

static int refvals_import(int argc, char **argv)
{
    struct request r = {.store = STORE, .algs = "sha256,sha1", .platform = "linux/amd64"};
    const struct option_spec options[] = {
        {"set", 's', "NAME", "name of the set, as policies say it; an old one is replaced",
         OPTION_STRING, &r.set, 0, 0},
        {"from", 'f', "KIND", "deb, oci, dir, ima or sums (found out for *.deb and folders)",
         OPTION_STRING, &r.from, 0, 0},
        {"store", 'd', "DIR", "where sets are kept (/var/lib/safelib/refvals)", OPTION_STRING,
         &r.store, 0, 0},
        {"algs", 'a', "LIST", "digests to take of each file (sha256,sha1)", OPTION_STRING, &r.algs,
         0, 0},
        {"platform", 'P', "OS/ARCH", "which image of an index (linux/amd64)", OPTION_STRING,
         &r.platform, 0, 0},
        {"pcr10", 'p', "BANK:HEX", "with ima: the value of PCR 10 that a quote proved",
         OPTION_STRING, &r.pcr10, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib refvals import --set NAME [--from KIND] [--store DIR] SOURCE...",
        .about =
            "Makes a set of reference digests: of Debian packages, of an OCI image (its layers "
            "laid\n"
            "over each other, whiteouts respected), of a folder, of a measurement list that a "
            "quoted\n"
            "PCR proves, of checksum files. The set replaces one of the same name as a whole.\n"
            "Exit status 1: the source does not have the digest or value that it must have.",
        .examples = "  safelib refvals import --set debian *.deb\n"
                    "  safelib refvals import --set web --from oci web.tar\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = -1,
    };
    struct sl_import import = {0};
    int first, status = options_parse(&spec, argc, argv, &first);

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (r.set == NULL) {
        return complain(CMD_USAGE, "--set NAME is needed (--help says more)");
    }
    status = algs_take(r.algs, &import);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    import.builder = sl_refset_builder_create();
    status = import.builder != NULL ? set_make(&r, &import, argc - first, argv + first)
                                    : complain(CMD_USAGE, "out of memory");
    sl_refset_builder_free(import.builder);
    return status;
}

/* ---- list, show ---- */

static int store_options(const char *usage, const char *about, int args, int argc, char **argv,
                         struct request *r, int *ret_first)
{
    const struct option_spec options[] = {
        {"store", 'd', "DIR", "where sets are kept (/var/lib/safelib/refvals)", OPTION_STRING,
         &r->store, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &r->is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = usage,
        .about = about,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = args,
        .max_args = args,
    };

    return options_parse(&spec, argc, argv, ret_first);
}

static void set_show(const json_t *set)
{
    const char *alg;
    json_t *count;

    (void)printf("%-24s", json_string_value(json_object_get(set, "name")));
    json_object_foreach(json_object_get(set, "digests"), alg, count)
    {
        (void)printf(" %s %lld", alg, (long long)json_integer_value(count));
    }
    (void)printf("  %s  %.60s\n", json_string_value(json_object_get(set, "date")),
                 json_string_value(json_object_get(set, "source")));
}

static int refvals_list(int argc, char **argv)
{
    struct request r = {.store = STORE};
    struct sl_refstore *store = NULL;
    struct sl_err err = {0};
    json_t *all;
    int first, status = store_options("safelib refvals list [--store DIR] [--json]",
                                      "Lists the sets of reference digests; each is checked whole.",
                                      0, argc, argv, &r, &first);

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (sl_refstore_open(r.store, &store, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    all = json_array();
    for (size_t i = 0; i < sl_refstore_count(store); i++) {
        json_t *set = sl_refstore_json(store, i);

        if (!r.is_json) {
            set_show(set);
        }
        (void)json_array_append_new(all, set);
    }
    sl_refstore_close(store);
    if (r.is_json) {
        return print_json(all, CMD_GOOD);
    }
    json_decref(all);
    return CMD_GOOD;
}

static void digest_show(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                        const char *path)
{
    json_t *rows = ctx;
    char hex[2 * SL_REFVALS_DIGEST_MAX + 1];

    sl_hex_encode(digest, size, hex);
    if (rows != NULL) {
        (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:o?}", "alg", alg, "digest", hex,
                                                    "path", json_string(path)));
    } else {
        (void)printf("%s:%s  %s\n", alg, hex, path);
    }
}

static int refvals_show(int argc, char **argv)
{
    struct request r = {.store = STORE};
    struct sl_refstore *store = NULL;
    struct sl_err err = {0};
    json_t *rows;
    int first, status = store_options("safelib refvals show [--store DIR] [--json] NAME",
                                      "Shows every digest of a set, and the path it was seen at.",
                                      1, argc, argv, &r, &first);
    size_t at = 0;

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (sl_refstore_open(r.store, &store, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    while (at < sl_refstore_count(store) && strcmp(sl_refstore_name(store, at), argv[first]) != 0) {
        at++;
    }
    if (at == sl_refstore_count(store)) {
        sl_refstore_close(store);
        return complain(CMD_USAGE, "no set %s in %s", argv[first], r.store);
    }
    rows = r.is_json ? json_array() : NULL;
    sl_refstore_walk(store, at, digest_show, rows);
    sl_refstore_close(store);
    return r.is_json ? print_json(rows, CMD_GOOD) : CMD_GOOD;
}

int cmd_refvals(int argc, char **argv)
{
    static const struct command table[] = {
        {"import", "make a set from packages, images, folders or lists", refvals_import},
        {"list", "list the sets", refvals_list},
        {"show", "show the digests of a set", refvals_show},
    };

    return command_dispatch("safelib refvals", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
