/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SGX's data structures as the SDM (vol. 3D, chapter 38 "Enclave data structures") lays them out in
 * memory. Little-endian; all reserved bytes are zero. Shared by the emulator, the signer, the
 * hardware device and the trusted runtime.
 */
#ifndef SL_DEVICE_SGX_ARCH_H
#define SL_DEVICE_SGX_ARCH_H

#include <stdint.h>

enum { SL_SGX_PAGE_SIZE = 4096 };

/** ENCLS and ENCLU leaves (SDM 41). */
enum {
    SL_EREPORT = 0,
    SL_EGETKEY = 1,
    SL_EENTER = 2,
    SL_ERESUME = 3,
    SL_EEXIT = 4,
};

/** SECINFO.FLAGS (SDM 38.11). */
enum {
    SL_SECINFO_R = 1 << 0,
    SL_SECINFO_W = 1 << 1,
    SL_SECINFO_X = 1 << 2,
    SL_SECINFO_PT_SECS = 0 << 8,
    SL_SECINFO_PT_TCS = 1 << 8,
    SL_SECINFO_PT_REG = 2 << 8,
};

/** ATTRIBUTES.FLAGS (SDM 38.7.1). */
#define SL_ATTR_INIT          0x01ull
#define SL_ATTR_DEBUG         0x02ull
#define SL_ATTR_MODE64BIT     0x04ull
#define SL_ATTR_PROVISIONKEY  0x10ull
#define SL_ATTR_EINITTOKENKEY 0x20ull
#define SL_ATTR_KSS           0x80ull

struct sl_attributes {
    uint64_t flags;
    uint64_t xfrm;
} __attribute__((packed));

/** SDM 38.7; one page, not part of the enclave's range. */
struct sl_secs {
    uint64_t size;
    uint64_t base;
    uint32_t ssa_frame_size; /**< pages */
    uint32_t misc_select;
    uint8_t reserved1[24];
    struct sl_attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t config_id[64];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint8_t reserved4[3834];
} __attribute__((packed));
_Static_assert(sizeof(struct sl_secs) == 4096, "SDM 38.7");

/** SDM 38.8 */
struct sl_tcs {
    uint64_t stage; /**< reserved to hardware */
    uint64_t flags; /**< bit 0 DBGOPTIN */
    uint64_t ossa;  /**< offset of the SSA stack from the base */
    uint32_t cssa;  /**< written by hardware */
    uint32_t nssa;
    uint64_t oentry;
    uint64_t aep; /**< reserved to hardware */
    uint64_t ofs_base;
    uint64_t ogs_base;
    uint32_t fs_limit;
    uint32_t gs_limit;
    uint8_t reserved[4024];
} __attribute__((packed));
_Static_assert(sizeof(struct sl_tcs) == 4096, "SDM 38.8");

/** SDM 38.9.1.1: EXITINFO in GPRSGX */
#define SL_EXITINFO_VALID (1u << 31)

/** SDM 38.9.1; at the end of the SSA frame. */
struct sl_ssa_gpr {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, rip, ursp, urbp;
    uint32_t exit_info; /**< vector in bits 7:0, type in 10:8, valid in 31 */
    uint32_t reserved;
    uint64_t fs_base, gs_base;
} __attribute__((packed));
_Static_assert(sizeof(struct sl_ssa_gpr) == 184, "SDM 38.9.1");

/** SDM 38.13, with the two signed areas marked */
struct sl_sigstruct {
    uint8_t header[16]; /**< signed from here */
    uint32_t vendor;
    uint32_t date; /**< BCD yyyymmdd */
    uint8_t header2[16];
    uint32_t sw_defined;
    uint8_t reserved1[84];  /**< ... to here: 128 bytes */
    uint8_t modulus[384];   /**< little-endian */
    uint32_t exponent;      /**< 3 */
    uint8_t signature[384]; /**< little-endian */
    uint32_t misc_select;   /**< signed from here */
    uint32_t misc_mask;
    uint8_t cet_attributes;
    uint8_t cet_attributes_mask;
    uint8_t reserved2[2];
    uint8_t isv_family_id[16];
    struct sl_attributes attributes;
    struct sl_attributes attributes_mask;
    uint8_t mrenclave[32];
    uint8_t reserved3[16];
    uint8_t isv_ext_prod_id[16];
    uint16_t isv_prod_id;
    uint16_t isv_svn; /**< ... to here: 128 bytes */
    uint8_t reserved4[12];
    uint8_t q1[384];
    uint8_t q2[384];
} __attribute__((packed));
_Static_assert(sizeof(struct sl_sigstruct) == 1808, "SDM 38.13");

/** SDM 38.16 */
struct sl_target_info {
    uint8_t mrenclave[32];
    struct sl_attributes attributes;
    uint8_t cet_attributes;
    uint8_t reserved1;
    uint16_t config_svn;
    uint32_t misc_select;
    uint8_t reserved2[8];
    uint8_t config_id[64];
    uint8_t reserved3[384];
} __attribute__((packed));
_Static_assert(sizeof(struct sl_target_info) == 512, "SDM 38.16");

/** SDM 38.15 */
struct sl_report_body {
    uint8_t cpu_svn[16];
    uint32_t misc_select;
    uint8_t cet_attributes;
    uint8_t reserved1[11];
    uint8_t isv_ext_prod_id[16];
    struct sl_attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t config_id[64];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint8_t reserved4[42];
    uint8_t isv_family_id[16];
    uint8_t report_data[64];
} __attribute__((packed));
_Static_assert(sizeof(struct sl_report_body) == 384, "SDM 38.15");

struct sl_report {
    struct sl_report_body body;
    uint8_t key_id[32];
    uint8_t mac[16];
} __attribute__((packed));
_Static_assert(sizeof(struct sl_report) == 432, "SDM 38.15");

/** SDM 38.17 */
struct sl_key_request {
    uint16_t key_name; /**< 0 EINITTOKEN, 1 PROVISION, 2 PROVISION_SEAL, 3 REPORT, 4 SEAL */
    uint16_t key_policy;
    uint16_t isv_svn;
    uint8_t cet_attributes_mask;
    uint8_t reserved1;
    uint8_t cpu_svn[16];
    struct sl_attributes attribute_mask;
    uint8_t key_id[32];
    uint32_t misc_mask;
    uint16_t config_svn;
    uint8_t reserved2[434];
} __attribute__((packed));
_Static_assert(sizeof(struct sl_key_request) == 512, "SDM 38.17");

#endif
