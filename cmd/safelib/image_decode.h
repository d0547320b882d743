/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One x86-64 instruction: how long it is, where control goes, what it refers to, and whether an
 * enclave may execute it. Capstone, plus lengths of the vector instructions that it does not know.
 */
#ifndef SL_CMD_SAFELIB_IMAGE_DECODE_H
#define SL_CMD_SAFELIB_IMAGE_DECODE_H

#include <capstone/capstone.h>

#include "image_code.h"

enum flow {
    FLOW_NEXT,          /**< goes on behind it */
    FLOW_BRANCH,        /**< conditional jump or direct call: target and behind it */
    FLOW_JUMP,          /**< direct jump: target only */
    FLOW_INDIRECT_JUMP, /**< anywhere in its function */
    FLOW_STOP,          /**< return, trap */
};

enum { FORBIDDEN_NONE = -1 };

struct instruction {
    uint8_t size;
    enum flow flow;
    uint64_t target;  /**< of FLOW_BRANCH and FLOW_JUMP */
    bool has_ref;     /**< has a RIP-relative operand */
    uint64_t ref;     /**< its address */
    uint8_t mask_off; /**< bytes that move with other code: displacement or branch distance */
    uint8_t mask_size;
    int forbidden; /**< enum forbidden, or FORBIDDEN_NONE */
};

struct decoder {
    csh handle;
    cs_insn *insn;
};

bool decoder_init(struct decoder *decoder);
void decoder_done(struct decoder *decoder);
/** Decodes at @p data, which lies at @p addr; false where it is no instruction. */
bool decoder_next(struct decoder *decoder, const uint8_t *data, size_t size, uint64_t addr,
                  struct instruction *ret_instruction);

#endif
