/* SPDX-License-Identifier: Apache-2.0 */
/* configfs-tsm played by FUSE. */
#define FUSE_USE_VERSION 31
#include "fake_tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 64, IN_SIZE = 64, OUT_SIZE = 128 << 10, SNP_SIZE = 1184, TDX_SIZE = 4000 };

static struct fake_tsm_knobs fake_tsm; /* under the lock */

static struct {
    struct fuse *fuse;
    pthread_t thread;
    char folder[64];
    pthread_mutex_t lock;
    char name[NAME_SIZE]; /* of the entry, or empty */
    int made;
    uint8_t in[IN_SIZE];
    size_t in_size;
    bool has_new_in;
    unsigned long generation;
    unsigned privlevel;
    uint8_t out[OUT_SIZE];
    size_t out_size;
} fs = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const attributes[] = {"inblob",     "outblob",   "auxblob",        "provider",
                                         "generation", "privlevel", "privlevel_floor"};

/* The attribute that a path names, or NULL. */
static const char *attribute_of(const char *path)
{
    size_t size = strlen(fs.name);
    if (size == 0 || strncmp(path + 1, fs.name, size) != 0 || path[1 + size] != '/') {
        return NULL;
    }
    const char *name = path + size + 2;
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        bool is_hidden = (strcmp(name, "auxblob") == 0 && fake_tsm.aux == NULL) ||
                         (strncmp(name, "privlevel", 9) == 0 && fake_tsm.tdx_version != 0);
        if (strcmp(name, attributes[i]) == 0 && !is_hidden) {
            return attributes[i];
        }
    }
    return NULL;
}

static bool is_entry(const char *path)
{
    return fs.name[0] != '\0' && strcmp(path + 1, fs.name) == 0;
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
    int result = 0;
    (void)info;
    memset(st, 0, sizeof(*st));
    (void)pthread_mutex_lock(&fs.lock);
    const char *name = attribute_of(path);
    if (strcmp(path, "/") == 0 || is_entry(path)) {
        st->st_mode = S_IFDIR | 0755;
        st->st_nlink = 2;
    } else if (name != NULL) {
        bool is_write = strcmp(name, "inblob") == 0 || strcmp(name, "privlevel") == 0;
        st->st_mode = S_IFREG | (is_write ? 0200 : 0400);
        st->st_nlink = 1;
        st->st_size = strstr(name, "blob") != NULL ? 0 : 4096; /* as configfs lies */
    } else {
        result = -ENOENT;
    }
    (void)pthread_mutex_unlock(&fs.lock);
    return result;
}

static int op_mkdir(const char *path, mode_t mode)
{
    int result = 0;
    (void)mode;
    (void)pthread_mutex_lock(&fs.lock);
    if (fake_tsm.mkdir_error != 0) {
        result = -fake_tsm.mkdir_error;
    } else if (fake_tsm.taken_names > 0 || fs.name[0] != '\0') {
        fake_tsm.taken_names--;
        result = -EEXIST;
    } else {
        (void)snprintf(fs.name, sizeof(fs.name), "%s", path + 1);
        fs.made++;
        fs.in_size = fs.out_size = 0;
        fs.generation = 0;
        fs.privlevel = 0;
    }
    (void)pthread_mutex_unlock(&fs.lock);
    return result;
}

static int op_rmdir(const char *path)
{
    (void)pthread_mutex_lock(&fs.lock);
    int result = is_entry(path) ? 0 : -ENOENT;
    if (result == 0) {
        fs.name[0] = '\0';
    }
    (void)pthread_mutex_unlock(&fs.lock);
    return result;
}

static int op_open(const char *path, struct fuse_file_info *info)
{
    info->direct_io = 1;
    (void)pthread_mutex_lock(&fs.lock);
    int result = attribute_of(path) != NULL ? 0 : -ENOENT;
    (void)pthread_mutex_unlock(&fs.lock);
    return result;
}

static int op_write(const char *path, const char *data, size_t size, off_t off,
                    struct fuse_file_info *info)
{
    int result = -EINVAL;
    (void)info;
    (void)pthread_mutex_lock(&fs.lock);
    const char *name = attribute_of(path);
    if (name != NULL && strcmp(name, "inblob") == 0 && off == 0 && size <= IN_SIZE) {
        if (fake_tsm.busy_writes > 0) {
            fake_tsm.busy_writes--;
            result = -EBUSY;
        } else {
            memcpy(fs.in, data, size);
            fs.in_size = size;
            fs.has_new_in = true;
            result = fake_tsm.is_write_short ? 32 : (int)size;
        }
    } else if (name != NULL && strcmp(name, "privlevel") == 0 && size < 8) {
        fs.privlevel = (unsigned)(data[0] - '0');
        fs.generation++;
        result = (int)size;
    }
    (void)pthread_mutex_unlock(&fs.lock);
    return result;
}

/* configfs takes a binary attribute at the last close */
static int op_flush(const char *path, struct fuse_file_info *info)
{
    (void)info;
    (void)pthread_mutex_lock(&fs.lock);
    const char *name = attribute_of(path);
    if (name != NULL && strcmp(name, "inblob") == 0 && fs.has_new_in) {
        fs.has_new_in = false;
        fs.generation++;
        fs.out_size = 0;
    }
    (void)pthread_mutex_unlock(&fs.lock);
    return 0;
}

/* What the device signs, of the present inblob. */
static void report_make(void)
{
    bool is_tdx = fake_tsm.tdx_version != 0;
    size_t off = !is_tdx ? 0x50 : 48u + 520 + (fake_tsm.tdx_version >= 5 ? 6 : 0);
    memset(fs.out, 0x5a, sizeof(fs.out));
    fs.out[0] = is_tdx ? (uint8_t)fake_tsm.tdx_version : 2;
    fs.out[1] = 0;
    memcpy(fs.out + off, fs.in, fs.in_size);
    fs.out_size = fake_tsm.out_size != 0 ? fake_tsm.out_size : is_tdx ? TDX_SIZE : SNP_SIZE;
}

/* @return 0 or -errno */
static int report_need(void)
{
    if (fs.in_size == 0 || (fake_tsm.tdx_version == 0 && fs.privlevel < fake_tsm.floor)) {
        return -EINVAL;
    }
    if (fs.out_size != 0) {
        return 0;
    }
    if (fake_tsm.busy_reads > 0) {
        fake_tsm.busy_reads--;
        return -EAGAIN;
    }
    if (fake_tsm.races > 0 || fake_tsm.silent_races > 0) {
        fs.generation += fake_tsm.races > 0;
        fake_tsm.races -= fake_tsm.races > 0;
        fake_tsm.silent_races -= fake_tsm.silent_races > 0;
        memset(fs.in, 0xee, sizeof(fs.in));
    }
    report_make();
    return 0;
}

static int serve(const uint8_t *data, size_t data_size, char *out, size_t size, off_t off)
{
    size_t begin = (size_t)off < data_size ? (size_t)off : data_size;
    size_t count = data_size - begin < size ? data_size - begin : size;
    if (fake_tsm.chunk != 0 && count > fake_tsm.chunk) {
        count = fake_tsm.chunk;
    }
    memcpy(out, data + begin, count);
    return (int)count;
}

static int op_read(const char *path, char *out, size_t size, off_t off, struct fuse_file_info *info)
{
    char text[64] = "";
    int result = -EINVAL;
    (void)info;
    (void)pthread_mutex_lock(&fs.lock);
    const char *name = attribute_of(path);
    if (name == NULL) {
        result = -ENOENT;
    } else if (strcmp(name, "outblob") == 0) {
        result = report_need();
        result = result != 0 ? result : serve(fs.out, fs.out_size, out, size, off);
    } else if (strcmp(name, "auxblob") == 0) {
        result = serve(fake_tsm.aux, fake_tsm.aux_size, out, size, off);
    } else {
        if (strcmp(name, "provider") == 0) {
            (void)snprintf(text, sizeof(text), "%s\n", fake_tsm.provider);
        } else if (strcmp(name, "generation") == 0) {
            (void)snprintf(text, sizeof(text), "%lu%s\n", fs.generation,
                           fake_tsm.is_generation_text ? " or so" : "");
        } else {
            (void)snprintf(text, sizeof(text), "%u\n", fake_tsm.floor);
        }
        result = serve((const uint8_t *)text, strlen(text), out, size, off);
    }
    (void)pthread_mutex_unlock(&fs.lock);
    return result;
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
    (void)path;
    (void)size;
    (void)info;
    return 0;
}

static const struct fuse_operations operations = {.getattr = op_getattr,
                                                  .mkdir = op_mkdir,
                                                  .rmdir = op_rmdir,
                                                  .open = op_open,
                                                  .read = op_read,
                                                  .write = op_write,
                                                  .flush = op_flush,
                                                  .truncate = op_truncate};

static void *loop(void *ctx)
{
    (void)fuse_loop(ctx);
    return NULL;
}

const char *fake_tsm_start(void)
{
    char program[] = "fake_tsm";
    char *argv[] = {program, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    (void)snprintf(fs.folder, sizeof(fs.folder), "/tmp/fake-tsm-XXXXXX");
    if (access("/dev/fuse", R_OK | W_OK) != 0 || mkdtemp(fs.folder) == NULL) {
        return NULL;
    }
    fs.fuse = fuse_new(&args, &operations, sizeof(operations), NULL);
    fuse_opt_free_args(&args);
    if (fs.fuse == NULL || fuse_mount(fs.fuse, fs.folder) != 0) {
        (void)rmdir(fs.folder);
        return NULL;
    }
    if (pthread_create(&fs.thread, NULL, loop, fs.fuse) != 0) {
        abort();
    }
    return fs.folder;
}

void fake_tsm_stop(void)
{
    fuse_exit(fs.fuse);
    fuse_unmount(fs.fuse); /* wakes the loop */
    (void)pthread_join(fs.thread, NULL);
    fuse_destroy(fs.fuse);
    (void)rmdir(fs.folder);
}

void fake_tsm_set(struct fake_tsm_knobs knobs)
{
    (void)pthread_mutex_lock(&fs.lock);
    fake_tsm = knobs;
    (void)pthread_mutex_unlock(&fs.lock);
}

struct fake_tsm_knobs fake_tsm_get(void)
{
    (void)pthread_mutex_lock(&fs.lock);
    struct fake_tsm_knobs knobs = fake_tsm;
    (void)pthread_mutex_unlock(&fs.lock);
    return knobs;
}

int fake_tsm_entries(void)
{
    (void)pthread_mutex_lock(&fs.lock);
    int count = fs.name[0] != '\0';
    (void)pthread_mutex_unlock(&fs.lock);
    return count;
}

int fake_tsm_made(void)
{
    (void)pthread_mutex_lock(&fs.lock);
    int made = fs.made;
    (void)pthread_mutex_unlock(&fs.lock);
    return made;
}
