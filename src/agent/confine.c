/* SPDX-License-Identifier: Apache-2.0 */
/* What a taken-over agent could still do: talk to its monitor and lie, which is all it is for. */
#include "agent/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static sl_rc user_find(const char *name, struct passwd **ret_user, struct sl_err *err)
{
    *ret_user = getpwnam(name);
    return *ret_user != NULL ? SL_OK
                             : sl_err_set(err, SL_NOT_FOUND, "user: there is no \"%s\" here", name);
}

/* Files that an earlier run left as another user. */
static void files_give(const char *path, const struct passwd *user)
{
    DIR *dir = opendir(path);
    struct dirent *at;
    while (dir != NULL && (at = readdir(dir)) != NULL) {
        if (at->d_type == DT_REG) {
            (void)fchownat(dirfd(dir), at->d_name, user->pw_uid, user->pw_gid, AT_SYMLINK_NOFOLLOW);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

sl_rc sl_agent_state_dir_make(const struct sl_agent_config *config, struct sl_err *err)
{
    struct passwd *user = NULL;
    if (mkdir(config->state_dir, 0700) != 0 && errno != EEXIST) {
        return sl_err_set(err, SL_IO, "%s: %s", config->state_dir, strerror(errno));
    }
    if (config->user[0] == '\0' || geteuid() != 0) {
        return SL_OK;
    }
    sl_rc rc = user_find(config->user, &user, err);
    if (rc == SL_OK && chown(config->state_dir, user->pw_uid, user->pw_gid) != 0) {
        rc = sl_err_set(err, SL_IO, "%s: %s", config->state_dir, strerror(errno));
    }
    if (rc == SL_OK) {
        files_give(config->state_dir, user);
    }
    return rc;
}

static sl_rc capabilities_set(uint32_t keep, struct sl_err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct data[2] = {{.effective = keep, .permitted = keep}};
    return syscall(SYS_capset, &header, data) == 0
               ? SL_OK
               : sl_err_set(err, SL_IO, "capabilities: %s", strerror(errno));
}

static sl_rc user_become(const char *name, uint32_t keep, struct sl_err *err)
{
    struct passwd *user = NULL;
    sl_rc rc = user_find(name, &user, err);
    if (rc != SL_OK || geteuid() == user->pw_uid) {
        return rc;
    }
    /* initgroups: the device /dev/tpmrm0 is of the group tss */
    if (prctl(PR_SET_KEEPCAPS, 1) != 0 || initgroups(user->pw_name, user->pw_gid) != 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0) {
        return sl_err_set(err, SL_IO, "becoming user %s: %s", name, strerror(errno));
    }
    return capabilities_set(keep, err);
}

sl_rc sl_agent_user_become(const struct sl_agent_config *config, struct sl_err *err)
{
    return config->user[0] == '\0'
               ? SL_OK
               : user_become(config->user, 1u << CAP_DAC_READ_SEARCH | 1u << CAP_SYS_PTRACE, err);
}

/* Refused with EPERM: programs, other processes, the system. Sockets and files are Landlock's. */
static const int refused[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(syslog),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(capset),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
};

static sl_rc filter_load(struct sl_err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < sizeof(refused) / sizeof(refused[0]); i++) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    }
    /* a call of another architecture (i386) would pass the numbers above by */
    rc = rc == 0 ? seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : rc;
    rc = rc == 0 ? seccomp_load(filter) : rc;
    seccomp_release(filter);
    return rc == 0 ? SL_OK : sl_err_set(err, SL_IO, "seccomp: %s", strerror(-rc));
}

enum {
    LANDLOCK_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    LANDLOCK_WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                     LANDLOCK_ACCESS_FS_MAKE_REG,
    /* the accesses of Landlock's first version: every kernel that has it */
    LANDLOCK_HANDLED = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
};

static int path_allow(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access};
    struct stat st;
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) {
        return 0; /* what is not there need not be allowed */
    }
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    }
    int rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)close(rule.parent_fd);
    return rc;
}

sl_rc sl_agent_confine(const struct sl_agent_config *config, void (*log)(const char *line),
                       struct sl_err *err)
{
    const struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_HANDLED};
    if (!config->is_confined) {
        log("confine: false: running with all the rights of its user");
        return SL_OK;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return sl_err_set(err, SL_IO, "no_new_privs: %s", strerror(errno));
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (ruleset < 0) {
        log("this kernel has no Landlock: files are guarded by their modes alone");
    } else {
        const char *device = strncmp(config->tcti, "device:", 7) == 0 ? config->tcti + 7 : "";
        int rc = path_allow(ruleset, "/", LANDLOCK_READ);
        rc |= path_allow(ruleset, config->state_dir, LANDLOCK_READ | LANDLOCK_WRITE);
        rc |= path_allow(ruleset, device, LANDLOCK_READ | LANDLOCK_WRITE);
        rc |= (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
        (void)close(ruleset);
        if (rc != 0) {
            return sl_err_set(err, SL_IO, "Landlock: %s", strerror(errno));
        }
    }
    return filter_load(err);
}

/* No Landlock here: to it, a container's files lie below no path of ours, and the kernel could not
 * open for us what it holds. */
sl_rc sl_agent_watch_confine(const struct sl_agent_config *config, struct sl_err *err)
{
    const uint32_t keep = 1u << CAP_DAC_READ_SEARCH | 1u << CAP_SYS_PTRACE | 1u << CAP_SYS_ADMIN;
    sl_rc rc = config->user[0] != '\0' ? user_become(config->user, keep, err)
               : geteuid() == 0        ? capabilities_set(keep, err)
                                       : SL_OK;
    if (rc != SL_OK || !config->is_confined) {
        return rc;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return sl_err_set(err, SL_IO, "no_new_privs: %s", strerror(errno));
    }
    return filter_load(err);
}
