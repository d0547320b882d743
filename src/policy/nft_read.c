/* SPDX-License-Identifier: Apache-2.0 */
/* Runs nft in a throw-away network namespace. */
#include "policy/nft_read.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/nft_source.h"
#include "policy/set.h"

enum {
    LISTING_MAX = 256 << 20,
    EXIT_NO_NAMESPACE = 120,
    EXIT_NO_NFT = 121,
    EXIT_REFUSED = 122,
    EXIT_NO_LISTING = 123,
    EXIT_TOO_LONG = 124,
    PART_RULES = 1024, /* at the most in one transaction; less where they are long */
};

/* Outputs of the child: files without a name. */
struct outputs {
    int json, text, errors;
};

static bool put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    (void)close(fd);
    return is_good;
}

/* A network namespace of our own: as root directly, else inside a user namespace. */
static bool enter_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWNET) == 0) {
        return true;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        return false;
    }
    char map[64];
    (void)snprintf(map, sizeof(map), "0 %u 1\n", uid);
    bool is_good = put_file("/proc/self/setgroups", "deny") && put_file("/proc/self/uid_map", map);
    (void)snprintf(map, sizeof(map), "0 %u 1\n", gid);
    return is_good && put_file("/proc/self/gid_map", map);
}

/* One nft command, its output into `out`; its exit status, or -1. */
static int run_nft(const char *const *argv, int in, int out, int errors)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if ((in >= 0 && dup2(in, 0) < 0) || dup2(out, 1) < 0 || dup2(errors, 2) < 0) {
            _exit(126);
        }
        (void)execvp("nft", (char *const *)(uintptr_t)argv);
        (void)execv("/usr/sbin/nft", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return -1;
    }
    return WEXITSTATUS(status);
}

/* All of a file, with terminator. */
static char *take_raw(int fd, size_t *ret_size)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || stat.st_size > LISTING_MAX) {
        return NULL;
    }
    size_t size = (size_t)stat.st_size;
    char *text = malloc(size + 1);
    if (text == NULL) {
        return NULL;
    }
    size_t off = 0;
    while (off < size) {
        ssize_t part = pread(fd, text + off, size - off, (off_t)off);
        if (part <= 0) {
            free(text);
            return NULL;
        }
        off += (size_t)part;
    }
    text[size] = '\0';
    *ret_size = size;
    return text;
}

/* A finished output, fit to be shown. */
static char *take(int fd)
{
    size_t size = 0;
    char *text = take_raw(fd, &size);
    if (text == NULL) {
        return NULL;
    }
    while (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    text[size] = '\0';
    nft_text_clean(text, size);
    return text;
}

/* A transaction is one message to the kernel, and only root may send a long one. */
static bool was_too_long(int errors)
{
    char *said = take(errors);
    bool is_so = said != NULL && strstr(said, "Message too long") != NULL;
    free(said);
    return is_so;
}

/* Loads one part; nft's exit status. */
static int load_part(const struct nft_lines *lines, const char *text, size_t size, uint32_t from,
                     uint32_t to, const struct outputs *out)
{
    const char *const load[] = {"nft", "-f", "-", NULL};
    int fd = memfd_create("nft-part", MFD_CLOEXEC);
    char *part = malloc(size + 1);
    int status = -1;
    if (fd >= 0 && part != NULL) {
        memcpy(part, text, size + 1);
        nft_part_cut(lines, from, to, part);
        if (write(fd, part, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0 &&
            ftruncate(out->errors, 0) == 0 && lseek(out->errors, 0, SEEK_SET) == 0) {
            status = run_nft(load, fd, out->errors, out->errors);
        }
    }
    free(part);
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

/* The same ruleset by several transactions, each as long as it may be; an exit code of ours. */
static int load_in_parts(const char *path, const struct outputs *out)
{
    struct pol_arena arena = {0};
    struct nft_lines lines = {0};
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? take_raw(fd, &size) : NULL;
    int code = EXIT_TOO_LONG;
    if (text != NULL && strlen(text) == size && nft_lines_scan(&arena, text, &lines)) {
        uint32_t count = nft_parts_rules(&lines);
        uint32_t step = count < PART_RULES ? count : PART_RULES;
        for (uint32_t from = 0; from < count && step > 0;) {
            int status = load_part(&lines, text, size, from, from + step, out);
            if (status != 0 && !was_too_long(out->errors)) {
                code = EXIT_REFUSED;
                break;
            }
            if (status != 0) {
                step /= 2;
                continue;
            }
            from += step;
            code = from >= count ? 0 : EXIT_TOO_LONG;
        }
    }
    nft_lines_done(&lines);
    pol_arena_done(&arena);
    free(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return code;
}

/* The child: enters the namespace, loads, lists. */
static _Noreturn void load_and_list(const char *path, const struct outputs *out)
{
    /* whoever ends us, nothing goes on: the namespace lives as long as these processes */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!enter_namespace()) {
        (void)dprintf(out->errors, "%s", strerror(errno));
        _exit(EXIT_NO_NAMESPACE);
    }
    const char *const load[] = {"nft", "-f", path, NULL};
    const char *const json[] = {"nft", "-j", "-n", "-a", "list", "ruleset", NULL};
    const char *const text[] = {"nft", "-a", "list", "ruleset", NULL};
    int status = run_nft(load, -1, out->errors, out->errors);
    if (status == 127) {
        _exit(EXIT_NO_NFT);
    }
    if (status != 0) {
        int code = was_too_long(out->errors) ? load_in_parts(path, out) : EXIT_REFUSED;
        if (code != 0) {
            _exit(code);
        }
    }
    if (run_nft(json, -1, out->json, out->errors) != 0 ||
        run_nft(text, -1, out->text, out->errors) != 0) {
        _exit(EXIT_NO_LISTING);
    }
    _exit(0);
}

/* nft's own words, on few lines. */
static sl_rc explain(int status, const char *path, int errors_fd, struct sl_err *err)
{
    char *said = take(errors_fd);
    const char *words = said != NULL && said[0] != '\0' ? said : "no message";
    static const char part_name[] = "/dev/stdin"; /* a part keeps the lines of the file */
    bool is_part = strncmp(words, part_name, sizeof(part_name) - 1) == 0;
    sl_rc rc;
    if (status == EXIT_NO_NAMESPACE) {
        rc = sl_err_set(err, SL_IO,
                        "%s: cannot make a network namespace to read rules in: %s; run as root or "
                        "allow unprivileged user namespaces",
                        path, words);
    } else if (status == EXIT_NO_NFT) {
        rc = sl_err_set(err, SL_IO, "%s: nft is not installed (Debian package nftables)", path);
    } else if (status == EXIT_TOO_LONG) {
        rc = sl_err_set(err, SL_IO,
                        "%s: too long for one unprivileged transaction, and cannot be split where "
                        "it includes files, inserts, replaces or deletes rules, or where one set "
                        "is too long; run as root",
                        path);
    } else if (status == EXIT_REFUSED) {
        rc = sl_err_set(err, SL_MALFORMED, "nft refuses %s%s", is_part ? path : "",
                        is_part ? words + sizeof(part_name) - 1 : words);
    } else {
        rc = sl_err_set(err, SL_IO, "%s: nft could not list the rules back: %s", path, words);
    }
    free(said);
    return rc;
}

static sl_rc parse_listing(const char *path, const struct outputs *out,
                           struct nft_listing *ret_listing, struct sl_err *err)
{
    char *json_text = take(out->json);
    char *text = take(out->text);
    json_error_t fault;
    json_t *root = json_text != NULL ? json_loads(json_text, 0, &fault) : NULL;
    json_t *list = json_object_get(root, "nftables");
    sl_rc rc = SL_OK;
    if (text == NULL || !json_is_array(list)) {
        rc = sl_err_set(err, SL_IO, "%s: what nft listed is not its JSON", path);
        free(text);
    } else {
        ret_listing->json = json_incref(list);
        ret_listing->text = text;
    }
    json_decref(root);
    free(json_text);
    return rc;
}

sl_rc nft_read(const char *path, struct nft_listing *ret_listing, struct sl_err *err)
{
    struct stat stat_buf;
    if (stat(path, &stat_buf) != 0 || access(path, R_OK) != 0) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(stat_buf.st_mode)) { /* nft reads it, and then so do we, for the lines */
        return sl_err_set(err, SL_IO, "%s: expected a file of rules, not a folder, pipe or device",
                          path);
    }
    sl_rc rc;
    struct outputs out = {
        .json = memfd_create("nft-json", MFD_CLOEXEC),
        .text = memfd_create("nft-text", MFD_CLOEXEC),
        .errors = memfd_create("nft-errors", MFD_CLOEXEC),
    };
    if (out.json < 0 || out.text < 0 || out.errors < 0) {
        rc = sl_err_set(err, SL_IO, "%s: memfd_create: %s", path, strerror(errno));
        goto out;
    }
    pid_t pid = fork();
    if (pid == 0) {
        load_and_list(path, &out);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        rc = sl_err_set(err, SL_IO, "%s: fork: %s", path, strerror(errno));
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        rc = explain(WIFEXITED(status) ? WEXITSTATUS(status) : -1, path, out.errors, err);
    } else {
        rc = parse_listing(path, &out, ret_listing, err);
    }
out:
    (void)close(out.json);
    (void)close(out.text);
    (void)close(out.errors);
    return rc;
}

void nft_listing_done(struct nft_listing *listing)
{
    json_decref(listing->json);
    free(listing->text);
    *listing = (struct nft_listing){0};
}
