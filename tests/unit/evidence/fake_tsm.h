/* SPDX-License-Identifier: Apache-2.0 */
/* A file system that behaves as configfs-tsm does (Linux drivers/virt/coco, Documentation/ABI/
 * testing/configfs-tsm-report), and as it should not: other writers, busy kernels, short reads,
 * giants. One entry at a time. */
#ifndef SL_TESTS_EVIDENCE_FAKE_TSM_H
#define SL_TESTS_EVIDENCE_FAKE_TSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_tsm_knobs {
    const char *provider;
    uint16_t tdx_version;    /* of the quote; 0: a SEV-SNP report */
    int races;               /* so many times somebody else writes before the report is read */
    int silent_races;        /* the same, and generation does not tell */
    int busy_writes;         /* so many times inblob is EBUSY */
    int busy_reads;          /* so many times outblob is EAGAIN */
    int taken_names;         /* so many times mkdir is EEXIST */
    int mkdir_error;         /* or 0 */
    size_t chunk;            /* most bytes of one read; 0: all */
    size_t out_size;         /* of outblob; 0: as the format wants */
    bool is_write_short;     /* inblob takes 32 bytes of 64 */
    bool is_generation_text; /* generation holds words */
    unsigned floor;          /* of the privilege level */
    const uint8_t *aux;      /* NULL: no auxblob */
    size_t aux_size;
};

void fake_tsm_set(struct fake_tsm_knobs knobs);
/* With what is left of the counts. */
struct fake_tsm_knobs fake_tsm_get(void);

/* Mounts. NULL where this machine has no FUSE. */
const char *fake_tsm_start(void);
void fake_tsm_stop(void);
/* Entries that exist now, and that were ever made. */
int fake_tsm_entries(void);
int fake_tsm_made(void);

#endif
