/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The image's snapshot in a file (SL_FRAME_SNAPSHOT): chunks that only the image can open, each at
 * a multiple of its room. A new one is written beside the old one and takes its place when the
 * image says that it is whole.
 */
#ifndef SL_HOST_SNAPSHOT_FILE_H
#define SL_HOST_SNAPSHOT_FILE_H

#include "control/message.h"

enum { SL_SNAPSHOT_PATH_MAX = 512 };

struct sl_snapshot_file {
    char path[SL_SNAPSHOT_PATH_MAX];     /**< of the last whole one */
    char new_path[SL_SNAPSHOT_PATH_MAX]; /**< of the one being written */
    int fd;                              /**< of the new one; -1: none */
    int read_fd;                         /**< of the last whole one; -1: none */
    uint32_t count;                      /**< chunks written */
    bool is_bad;                         /**< something could not be written */
    void (*log)(const char *line);       /**< or NULL */
};

/** Beside the file of the sealed state: @p state_path ".flows".
 * @retval SL_OK, SL_RANGE (path too long) */
sl_rc sl_snapshot_file_init(struct sl_snapshot_file *file, const char *state_path,
                            void (*log)(const char *line)) SL_MUST_CHECK;
void sl_snapshot_file_done(struct sl_snapshot_file *file);

/** Serves one frame of the image.
 * @param[in]  file    NULL: nothing is kept here, and the image is told so
 * @param[in]  frame   SL_SNAPSHOT_FRAME_HEADER bytes at least
 * @param[out] answer  SL_SNAPSHOT_FRAME_HEADER + SL_SNAPSHOT_CHUNK_MAX bytes
 * @return bytes of the answer; 0: none is wanted */
uint32_t sl_snapshot_file_serve(struct sl_snapshot_file *file, const uint8_t *frame, uint32_t size,
                                uint8_t *answer);

#endif
