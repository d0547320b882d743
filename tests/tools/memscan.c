/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for secrets where they must not be: in a process's memory outside given ranges, and in
 * files. Used by the memory-scan test and by the demo.
 *
 *   memscan --patterns FILE [--pid PID [--exclude LO-HI]... [--stop]] [--file PATH]...
 *
 * The patterns file has one `NAME HEX` per line. Prints one line per pattern and place found and a
 * summary. Exit code: 0 nothing found, 1 found, 2 could not look. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATTERNS_MAX = 512,
    PATTERN_MAX = 256, /* bytes */
    PATTERN_MIN = 8,   /* shorter ones are found by chance */
    EXCLUDES_MAX = 16,
    FILES_MAX = 64,
    CHUNK = 1 << 20,
    EXIT_CLEAN = 0,
    EXIT_FOUND = 1,
    EXIT_FAILED = 2,
};

struct pattern {
    char name[64];
    uint8_t bytes[PATTERN_MAX];
    uint32_t size;
    uint32_t next; /* another one that starts alike */
    uint64_t hits;
};

struct range {
    uint64_t lo, hi;
};

struct scan {
    struct pattern patterns[PATTERNS_MAX];
    uint32_t pattern_count;
    /* By first two bytes, the first of those that have them. Memory is full of zeros: a pattern
     * that starts with some must not cost a look at all the others. */
    uint32_t starts[65536];
    struct range excludes[EXCLUDES_MAX];
    uint32_t exclude_count;
    const char *files[FILES_MAX];
    uint32_t file_count;
    pid_t pid;
    bool is_stop;
    uint64_t bytes;   /* looked at */
    uint64_t regions; /* mappings and files looked at */
    uint64_t unread;  /* bytes of mappings that could not be read */
};

static uint8_t buffer[CHUNK + PATTERN_MAX];

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool pattern_read(struct scan *scan, const char *line)
{
    struct pattern *p = &scan->patterns[scan->pattern_count];
    int used = 0;
    if (scan->pattern_count == PATTERNS_MAX || sscanf(line, "%63s %n", p->name, &used) != 1) {
        return false;
    }
    const char *hex = line + used;
    p->size = 0;
    while (hex_digit(hex[0]) >= 0 && hex_digit(hex[1]) >= 0 && p->size < PATTERN_MAX) {
        p->bytes[p->size++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
        hex += 2;
    }
    if (p->size < PATTERN_MIN || (*hex != '\n' && *hex != '\0')) {
        return false;
    }
    uint32_t start = (uint32_t)(p->bytes[0] << 8 | p->bytes[1]);
    p->next = scan->starts[start];
    scan->starts[start] = ++scan->pattern_count; /* from 1; 0: none */
    return true;
}

static bool patterns_load(struct scan *scan, const char *path)
{
    char line[2 * PATTERN_MAX + 128];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "memscan: %s: %s\n", path, strerror(errno));
        return false;
    }
    bool is_good = true;
    while (is_good && fgets(line, sizeof(line), file) != NULL) {
        is_good = pattern_read(scan, line);
    }
    (void)fclose(file);
    if (!is_good || scan->pattern_count == 0) {
        fprintf(stderr, "memscan: %s: expected lines of NAME and %d..%d bytes in hex\n", path,
                PATTERN_MIN, PATTERN_MAX);
        return false;
    }
    return true;
}

/* Looks at every start in [0, count) of `data`, of which `size` bytes are there. */
static void search(struct scan *scan, const uint8_t *data, size_t count, size_t size,
                   const char *where, uint64_t base)
{
    for (size_t i = 0; i < count && i + 1 < size; i++) {
        uint32_t number = scan->starts[data[i] << 8 | data[i + 1]];
        for (struct pattern *p; number != 0; number = p->next) {
            p = &scan->patterns[number - 1];
            if (p->size <= size - i && memcmp(data + i, p->bytes, PATTERN_MIN) == 0 &&
                memcmp(data + i, p->bytes, p->size) == 0) {
                p->hits++;
                if (p->hits <= 3) {
                    printf("FOUND %s at %" PRIx64 " in %s\n", p->name, base + i, where);
                }
            }
        }
    }
}

/* Scans [lo, hi) of a file; chunks overlap so that no pattern hides on a border. */
static void scan_range(struct scan *scan, int fd, uint64_t lo, uint64_t hi, const char *where)
{
    scan->regions++;
    for (uint64_t at = lo; at < hi; at += CHUNK) {
        size_t want = hi - at < sizeof(buffer) ? (size_t)(hi - at) : sizeof(buffer);
        ssize_t got = pread(fd, buffer, want, (off_t)at);
        if (got <= 0) {
            scan->unread += hi - at < CHUNK ? hi - at : CHUNK;
            continue;
        }
        size_t count = (size_t)got < CHUNK ? (size_t)got : CHUNK;
        scan->bytes += count;
        search(scan, buffer, count, (size_t)got, where, at);
    }
}

/* Scans a mapping but for the excluded ranges. */
static void scan_mapping(struct scan *scan, int fd, struct range range, const char *where)
{
    for (uint32_t i = 0; i < scan->exclude_count; i++) {
        struct range no = scan->excludes[i];
        if (no.lo < range.hi && range.lo < no.hi) {
            if (range.lo < no.lo) {
                scan_mapping(scan, fd, (struct range){range.lo, no.lo}, where);
            }
            if (no.hi < range.hi) {
                scan_mapping(scan, fd, (struct range){no.hi, range.hi}, where);
            }
            return;
        }
    }
    scan_range(scan, fd, range.lo, range.hi, where);
}

static bool scan_process(struct scan *scan)
{
    char path[64];
    char line[512];
    (void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)scan->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)scan->pid);
    FILE *maps = fopen(path, "re");
    if (fd < 0 || maps == NULL) {
        fprintf(stderr, "memscan: process %d: %s\n", (int)scan->pid, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        if (maps != NULL) {
            (void)fclose(maps);
        }
        return false;
    }
    while (fgets(line, sizeof(line), maps) != NULL) {
        struct range range;
        char mode[8];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &range.lo, &range.hi, mode) == 3 &&
            mode[0] == 'r' && strstr(line, "[vsyscall]") == NULL && strstr(line, "[vvar") == NULL) {
            line[strcspn(line, "\n")] = '\0';
            scan_mapping(scan, fd, range, line);
        }
    }
    (void)fclose(maps);
    (void)close(fd);
    return true;
}

static bool scan_file(struct scan *scan, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, "memscan: %s: %s\n", path, strerror(errno));
        return false;
    }
    scan_range(scan, fd, 0, (uint64_t)st.st_size, path);
    (void)close(fd);
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: memscan --patterns FILE [--pid PID [--exclude LO-HI]... [--stop]] "
                    "[--file PATH]...\n");
    return EXIT_FAILED;
}

static bool option(struct scan *scan, int c)
{
    struct range *range = &scan->excludes[scan->exclude_count];
    switch (c) {
    case 't':
        return patterns_load(scan, optarg);
    case 'p':
        scan->pid = (pid_t)strtol(optarg, NULL, 10);
        return scan->pid > 0;
    case 'x':
        scan->exclude_count++;
        return scan->exclude_count < EXCLUDES_MAX &&
               sscanf(optarg, "%" SCNx64 "-%" SCNx64, &range->lo, &range->hi) == 2;
    case 's':
        scan->is_stop = true;
        return true;
    case 'f':
        scan->files[scan->file_count++] = optarg;
        return scan->file_count < FILES_MAX;
    default:
        return false;
    }
}

static int report(const struct scan *scan)
{
    uint64_t hits = 0;
    uint32_t found = 0;
    for (uint32_t i = 0; i < scan->pattern_count; i++) {
        hits += scan->patterns[i].hits;
        found += scan->patterns[i].hits > 0;
    }
    printf("memscan: %" PRIu64 " bytes in %" PRIu64 " places (%" PRIu64
           " bytes unreadable): %u of %u patterns found, %" PRIu64 " times\n",
           scan->bytes, scan->regions, scan->unread, found, scan->pattern_count, hits);
    return found > 0 ? EXIT_FOUND : EXIT_CLEAN;
}

int main(int argc, char **argv)
{
    static struct scan scan;
    static const struct option options[] = {
        {"patterns", required_argument, NULL, 't'}, {"pid", required_argument, NULL, 'p'},
        {"exclude", required_argument, NULL, 'x'},  {"stop", no_argument, NULL, 's'},
        {"file", required_argument, NULL, 'f'},     {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!option(&scan, c)) {
            return usage();
        }
    }
    if (scan.pattern_count == 0 || (scan.pid == 0 && scan.file_count == 0) || optind != argc) {
        return usage();
    }
    bool is_good = true;
    if (scan.pid != 0) {
        bool is_stopped = scan.is_stop && kill(scan.pid, SIGSTOP) == 0;
        is_good = scan_process(&scan);
        if (is_stopped) {
            (void)kill(scan.pid, SIGCONT);
        }
    }
    for (uint32_t i = 0; i < scan.file_count; i++) {
        is_good = scan_file(&scan, scan.files[i]) && is_good;
    }
    int code = report(&scan);
    return is_good && scan.bytes > 0 ? code : EXIT_FAILED;
}
