/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Offsets into struct emu_thread for switch.S; emu.h asserts them.
 */
#ifndef SL_DEVICE_EMU_OFFSETS_H
#define SL_DEVICE_EMU_OFFSETS_H

#define EMU_SLOT_SHIFT 18
#define EMU_SLOT_SIZE  (1 << EMU_SLOT_SHIFT)
#define EMU_STUB_SIZE  32

#define EMU_T_INSIDE       0
#define EMU_T_SELECTOR     4
#define EMU_T_HAS_PKEY     5
#define EMU_T_SEL_INSIDE   6
#define EMU_T_HOST_RSP     8
#define EMU_T_HOST_RBP     16
#define EMU_T_HOST_FS      24
#define EMU_T_HOST_GS      32
#define EMU_T_HOST_PKRU    40
#define EMU_T_ENCLAVE_PKRU 44
#define EMU_T_SIG_FS       48
#define EMU_T_SIG_GS       56
#define EMU_T_IN_RDI       64
#define EMU_T_IN_RSI       72
#define EMU_T_IN_RDX       80
#define EMU_T_IN_R8        88
#define EMU_T_IN_R9        96
#define EMU_T_TCS          104
#define EMU_T_RAX          112
#define EMU_T_AEP          120
#define EMU_T_ENCLAVE_FS   128
#define EMU_T_ENCLAVE_GS   136
#define EMU_T_OENTRY       144
#define EMU_T_SSA_GPR      152
#define EMU_T_OUT_RDI      160
#define EMU_T_OUT_RSI      168
#define EMU_T_OUT_RDX      176
#define EMU_T_OUT_RSP      184
#define EMU_T_OUT_RBP      192

/* struct sl_ssa_gpr */
#define EMU_SSA_URSP 144
#define EMU_SSA_URBP 152

#endif
