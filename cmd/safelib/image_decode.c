/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64 instructions as far as the checks of an image need them. */
#include "image_decode.h"

#include <string.h>

bool decoder_init(struct decoder *decoder)
{
    *decoder = (struct decoder){0};
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &decoder->handle) != CS_ERR_OK) {
        return false;
    }
    (void)cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON);
    decoder->insn = cs_malloc(decoder->handle);
    if (decoder->insn == NULL) {
        decoder_done(decoder);
        return false;
    }
    return true;
}

void decoder_done(struct decoder *decoder)
{
    if (decoder->insn != NULL) {
        cs_free(decoder->insn, 1);
    }
    if (decoder->handle != 0) {
        (void)cs_close(&decoder->handle);
    }
    *decoder = (struct decoder){0};
}

/* Bytes of ModRM, SIB and displacement at @p at; 0 where they do not fit. */
static size_t modrm_size(const uint8_t *at, size_t left, bool *ret_is_rip)
{
    if (left < 1) {
        return 0;
    }
    unsigned mod = at[0] >> 6;
    unsigned rm = at[0] & 7;
    size_t size = 1;
    *ret_is_rip = mod == 0 && rm == 5;
    if (mod != 3 && rm == 4) {
        if (left < 2) {
            return 0;
        }
        size += mod == 0 && (at[1] & 7) == 5 ? 5 : 1;
    }
    size += mod == 1 ? 1 : (mod == 2 || *ret_is_rip) ? 4 : 0;
    return size <= left ? size : 0;
}

/* Capstone 4 lacks VAES, VPCLMULQDQ and GFNI in their newer forms. They never branch and are always
   allowed; only length and RIP-relative operand count. SDM vol. 2A 2.3 (VEX), 2.7 (EVEX). */
static bool vector_prefix(const uint8_t *data, size_t size, size_t *ret_size, unsigned *ret_map)
{
    *ret_map = 1;
    if (size >= 6 && data[0] == 0x62) {
        *ret_size = 4;
        *ret_map = data[1] & 7;
    } else if (size >= 5 && data[0] == 0xc4) {
        *ret_size = 3;
        *ret_map = data[1] & 0x1f;
    } else if (size >= 4 && data[0] == 0xc5) {
        *ret_size = 2;
    } else {
        return false;
    }
    return *ret_map >= 1 && *ret_map <= 3;
}

static bool has_immediate(unsigned map, uint8_t opcode)
{
    return map == 3 || (map == 1 && ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
                                     (opcode >= 0xc4 && opcode <= 0xc6)));
}

static bool vector_length(const uint8_t *data, size_t size, uint64_t addr, struct instruction *ret)
{
    size_t prefix = 0;
    unsigned map = 0;
    bool is_rip = false;
    if (!vector_prefix(data, size, &prefix, &map)) {
        return false;
    }
    size_t operand = modrm_size(data + prefix + 1, size - prefix - 1, &is_rip);
    size_t total = prefix + 1 + operand + has_immediate(map, data[prefix]);
    if (operand == 0 || total > size || total > 15) {
        return false;
    }
    *ret = (struct instruction){.size = (uint8_t)total, .forbidden = FORBIDDEN_NONE};
    if (is_rip) {
        int32_t displacement;
        memcpy(&displacement, data + prefix + 2, sizeof(displacement));
        ret->has_ref = true;
        ret->ref = addr + total + (uint64_t)(int64_t)displacement;
        ret->mask_off = (uint8_t)(prefix + 2);
        ret->mask_size = 4;
    }
    return true;
}

static bool is_segment_register(const cs_x86_op *op)
{
    return op->type == X86_OP_REG &&
           (op->reg == X86_REG_DS || op->reg == X86_REG_ES || op->reg == X86_REG_SS ||
            op->reg == X86_REG_FS || op->reg == X86_REG_GS);
}

/* SDM vol. 3D, "Illegal instructions inside an enclave". */
static int forbidden_of(const cs_insn *insn)
{
    const cs_x86 *x86 = &insn->detail->x86;
    switch (insn->id) {
    case X86_INS_SYSCALL:
    case X86_INS_SYSRET:
        return FORBIDDEN_SYSCALL;
    case X86_INS_CPUID:
        return FORBIDDEN_CPUID;
    case X86_INS_RDTSC:
        return FORBIDDEN_RDTSC;
    case X86_INS_RDTSCP:
        return FORBIDDEN_RDTSCP;
    case X86_INS_ENCLU:
        return FORBIDDEN_ENCLU;
    case X86_INS_SYSENTER:
    case X86_INS_SYSEXIT:
        return FORBIDDEN_SYSENTER;
    case X86_INS_INT:
    case X86_INS_INTO:
        return FORBIDDEN_INT;
    case X86_INS_IN:
    case X86_INS_INSB:
    case X86_INS_INSW:
    case X86_INS_INSD:
    case X86_INS_OUT:
    case X86_INS_OUTSB:
    case X86_INS_OUTSW:
    case X86_INS_OUTSD:
        return FORBIDDEN_IN_OUT;
    case X86_INS_SGDT:
    case X86_INS_SIDT:
    case X86_INS_SLDT:
    case X86_INS_STR:
    case X86_INS_SMSW:
        return FORBIDDEN_DESCRIPTOR;
    case X86_INS_LCALL:
    case X86_INS_LJMP:
    case X86_INS_RETF:
    case X86_INS_RETFQ:
    case X86_INS_IRET:
    case X86_INS_IRETD:
    case X86_INS_IRETQ:
        return FORBIDDEN_FAR;
    case X86_INS_LFS:
    case X86_INS_LGS:
    case X86_INS_LSS:
        return FORBIDDEN_SEGMENT;
    case X86_INS_MOV:
    case X86_INS_POP:
        return x86->op_count > 0 && is_segment_register(&x86->operands[0]) ? FORBIDDEN_SEGMENT
                                                                           : FORBIDDEN_NONE;
    case X86_INS_VMCALL:
    case X86_INS_VMFUNC:
    case X86_INS_GETSEC:
    case X86_INS_RDPMC:
        return FORBIDDEN_VM;
    default:
        return FORBIDDEN_NONE;
    }
}

/* Finds the last four bytes of an instruction (or the last one) that hold @p value. Capstone's own
   encoding offsets are wrong for EVEX. */
static void mask_value(const cs_insn *insn, uint64_t value, struct instruction *ret)
{
    for (size_t off = insn->size - (insn->size >= 4 ? 4u : 0u); insn->size >= 5 && off > 0; off--) {
        int32_t at;
        memcpy(&at, insn->bytes + off, sizeof(at));
        if ((uint64_t)(int64_t)at == value) {
            ret->mask_off = (uint8_t)off;
            ret->mask_size = 4;
            return;
        }
    }
    if ((uint64_t)(int64_t)(int8_t)insn->bytes[insn->size - 1] == value) {
        ret->mask_off = (uint8_t)(insn->size - 1);
        ret->mask_size = 1;
    }
}

static void flow_of(csh handle, const cs_insn *insn, struct instruction *ret)
{
    const cs_x86 *x86 = &insn->detail->x86;
    bool is_direct = x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM;
    if (cs_insn_group(handle, insn, X86_GRP_RET) || cs_insn_group(handle, insn, X86_GRP_IRET) ||
        insn->id == X86_INS_UD2 || insn->id == X86_INS_UD2B || insn->id == X86_INS_HLT ||
        insn->id == X86_INS_INT3) {
        ret->flow = FLOW_STOP;
    } else if (insn->id == X86_INS_JMP) {
        ret->flow = is_direct ? FLOW_JUMP : FLOW_INDIRECT_JUMP;
    } else if (is_direct && (cs_insn_group(handle, insn, X86_GRP_JUMP) ||
                             cs_insn_group(handle, insn, X86_GRP_CALL))) {
        ret->flow = FLOW_BRANCH;
    }
    if (ret->flow == FLOW_JUMP || ret->flow == FLOW_BRANCH) {
        ret->target = (uint64_t)x86->operands[0].imm;
        mask_value(insn, ret->target - (insn->address + insn->size), ret);
    }
}

bool decoder_next(struct decoder *decoder, const uint8_t *data, size_t size, uint64_t addr,
                  struct instruction *ret_instruction)
{
    const uint8_t *at = data;
    size_t left = size;
    uint64_t next = addr;
    if (!cs_disasm_iter(decoder->handle, &at, &left, &next, decoder->insn)) {
        return vector_length(data, size, addr, ret_instruction);
    }
    const cs_insn *insn = decoder->insn;
    const cs_x86 *x86 = &insn->detail->x86;
    *ret_instruction = (struct instruction){
        .size = (uint8_t)insn->size,
        .forbidden = forbidden_of(insn),
    };
    for (unsigned i = 0; i < x86->op_count; i++) {
        const cs_x86_op *op = &x86->operands[i];
        if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP) {
            ret_instruction->has_ref = true;
            ret_instruction->ref = next + (uint64_t)op->mem.disp;
            mask_value(insn, (uint64_t)op->mem.disp, ret_instruction);
        }
    }
    flow_of(decoder->handle, insn, ret_instruction);
    return true;
}
