/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * `safelib explain --in`: every packet of a capture, NF by NF.
 */
#ifndef SL_CMD_SAFELIB_EXPLAIN_CAPTURE_H
#define SL_CMD_SAFELIB_EXPLAIN_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

struct explain_capture {
    const char *chain, *in, *lan;
    uint64_t frame; /**< only this one is told, all before it are run; 0: all */
    bool is_json;
};

/** @return exit status (command.h) */
int explain_capture(const struct explain_capture *what);

#endif
