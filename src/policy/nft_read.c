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

enum {
    LISTING_MAX = 256 << 20,
    EXIT_NO_NAMESPACE = 120,
    EXIT_NO_NFT = 121,
    EXIT_REFUSED = 122,
    EXIT_NO_LISTING = 123,
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
static int run_nft(const char *const *argv, int out, int errors)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(out, 1) < 0 || dup2(errors, 2) < 0) {
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
    int status = run_nft(load, out->errors, out->errors);
    if (status != 0) {
        _exit(status == 127 ? EXIT_NO_NFT : EXIT_REFUSED);
    }
    if (run_nft(json, out->json, out->errors) != 0 || run_nft(text, out->text, out->errors) != 0) {
        _exit(EXIT_NO_LISTING);
    }
    _exit(0);
}

/* Contents of a finished output, with terminator. */
static char *take(int fd)
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
    while (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    text[size] = '\0';
    nft_text_clean(text, size);
    return text;
}

/* nft's own words, on few lines. */
static sl_rc explain(int status, const char *path, int errors_fd, struct sl_err *err)
{
    char *said = take(errors_fd);
    const char *words = said != NULL && said[0] != '\0' ? said : "no message";
    sl_rc rc;
    if (status == EXIT_NO_NAMESPACE) {
        rc = sl_err_set(err, SL_IO,
                        "%s: cannot make a network namespace to read rules in: %s; run as root or "
                        "allow unprivileged user namespaces",
                        path, words);
    } else if (status == EXIT_NO_NFT) {
        rc = sl_err_set(err, SL_IO, "%s: nft is not installed (Debian package nftables)", path);
    } else if (strstr(words, "Message too long") != NULL) {
        rc = sl_err_set(err, SL_IO,
                        "%s: too many rules for one unprivileged transaction; run as root", path);
    } else if (status == EXIT_REFUSED) {
        rc = sl_err_set(err, SL_MALFORMED, "nft refuses %s", words);
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
