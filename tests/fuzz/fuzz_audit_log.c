/* SPDX-License-Identifier: Apache-2.0 */
/* An audit log that somebody has had their hands on: walked to its end; and a log that is good
 * stays so for no other bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_audit_walk walk_over(uint8_t *data, size_t size)
{
    struct sl_audit_walk walk = {.known = NULL};
    struct sl_err err = {0};
    FILE *file = fmemopen(data, size, "r");
    if (file == NULL) {
        abort();
    }
    if (sl_audit_walk_file(&walk, file, "log", &err) != SL_OK) {
        abort();
    }
    (void)fclose(file);
    sl_audit_walk_end(&walk, "log");
    return walk;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    size_t at = (size_t)data[0] << 8 | data[1];
    size_t log_size = size - 2;
    uint8_t *log = malloc(log_size);
    if (log == NULL) {
        return 0;
    }
    memcpy(log, data + 2, log_size);
    struct sl_audit_walk walk = walk_over(log, log_size);
    if (walk.good_size + walk.torn_size != log_size) {
        abort();
    }
    if (walk.faults == 0 && walk.lines > 0) {
        log[at % walk.good_size] ^= (uint8_t)(1 << at % 8);
        struct sl_audit_walk changed = walk_over(log, log_size);
        if (changed.faults == 0 && changed.torn_size == walk.torn_size) {
            abort();
        }
    }
    free(log);
    return 0;
}
