/* SPDX-License-Identifier: Apache-2.0 */
/* A log in a folder of its own, its lines in memory, and the log written back with changes. */
#ifndef SL_TESTS_LOG_RIG_H
#define SL_TESTS_LOG_RIG_H

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/walk.h"

enum { RIG_LINES = 16, RIG_TEXT = 65536 };

struct rig {
    char folder[64];
    char path[80];
    char text[RIG_TEXT];
    size_t size;
    char *line[RIG_LINES]; /* terminated, without newline; into `text` */
    uint32_t count;
};

static inline void rig_make(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    (void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/sl-audit-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    (void)snprintf(rig->path, sizeof(rig->path), "%s/audit.log", rig->folder);
}

static inline void rig_remove(struct rig *rig)
{
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -rf %s", rig->folder);
    assert_int_equal(system(command), 0);
}

static inline struct sl_audit *rig_open(struct rig *rig)
{
    struct sl_audit *audit = NULL;
    struct sl_err err = {0};
    const struct sl_audit_options options = {.path = rig->path};
    if (sl_audit_open(&options, &audit, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    return audit;
}

static inline void rig_event(struct sl_audit *audit, int number)
{
    struct sl_err err = {0};
    assert_ok(sl_audit_write(audit, SL_AUDIT_POLICY, SL_AUDIT_DONE,
                             json_pack("{s:i}", "version", number), &err));
}

static inline void rig_read(struct rig *rig)
{
    FILE *file = fopen(rig->path, "r");
    assert_non_null(file);
    rig->size = fread(rig->text, 1, RIG_TEXT - 1, file);
    (void)fclose(file);
    rig->text[rig->size] = '\0';
    rig->count = 0;
    for (char *at = rig->text; *at != '\0';) {
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        rig->line[rig->count++] = at;
        at = end + 1;
    }
}

static inline void rig_put(struct rig *rig, const char *text, size_t size)
{
    FILE *file = fopen(rig->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Writes the lines with these indices. */
static inline void rig_write(struct rig *rig, const uint32_t *indices, uint32_t count)
{
    FILE *file = fopen(rig->path, "w");
    assert_non_null(file);
    for (uint32_t i = 0; i < count; i++) {
        (void)fprintf(file, "%s\n", rig->line[indices[i]]);
    }
    assert_int_equal(fclose(file), 0);
}

struct rig_faults {
    uint32_t count;
    enum sl_audit_fault fault[32];
    uint64_t number[32];
    uint64_t lines;
};

static inline void rig_on_fault(void *ctx, const char *file, uint64_t number,
                                enum sl_audit_fault fault, const char *text)
{
    struct rig_faults *faults = ctx;
    assert_true(faults->count < 32);
    assert_true(strlen(text) > 10);
    faults->fault[faults->count] = fault;
    faults->number[faults->count++] = number;
}

static inline void rig_on_line(void *ctx, const char *file, uint64_t number, const json_t *root)
{
    ((struct rig_faults *)ctx)->lines++;
    assert_true(json_is_object(root));
}

static inline struct rig_faults rig_walk(struct rig *rig, const struct sl_audit_head *known,
                                         struct sl_audit_walk *walk)
{
    struct rig_faults faults = {0};
    struct sl_err err = {0};
    FILE *file = fopen(rig->path, "r");
    assert_non_null(file);
    *walk = (struct sl_audit_walk){
        .known = known, .ctx = &faults, .on_fault = rig_on_fault, .on_line = rig_on_line};
    assert_ok(sl_audit_walk_file(walk, file, rig->path, &err));
    sl_audit_walk_end(walk, rig->path);
    (void)fclose(file);
    assert_int_equal(walk->faults, faults.count);
    return faults;
}

#endif
