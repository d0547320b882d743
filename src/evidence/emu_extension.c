/* SPDX-License-Identifier: Apache-2.0 */
/* The SGX extension of a PCK certificate, in DER. */
#include <openssl/evp.h>
#include <string.h>

#include "attest/emulated_root.h"
#include "base/bytes.h"
#include "evidence/emu_pki.h"

enum {
    DER_INTEGER = 0x02,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_SEQUENCE = 0x30,
    PART_MAX = 512, /* the whole extension has some 450 bytes */
};

/* 1.2.840.113741.1.13.1, on which Intel hangs everything */
static const uint8_t sgx_arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

static void tlv(struct sl_writer *w, uint8_t tag, const void *data, size_t size)
{
    sl_writer_u8(w, tag);
    if (size < 0x80) {
        sl_writer_u8(w, (uint8_t)size);
    } else {
        sl_writer_u8(w, 0x82);
        sl_writer_be16(w, (uint16_t)size);
    }
    sl_writer_bytes(w, data, size);
}

/* SEQUENCE { OID sgx_arc.@p arc[.@p arc2], value }; arc2 0: none */
static void member(struct sl_writer *w, uint8_t arc, uint8_t arc2, uint8_t tag, const void *data,
                   size_t size)
{
    uint8_t oid[sizeof(sgx_arc) + 2];
    uint8_t part[PART_MAX];
    struct sl_writer inner;
    memcpy(oid, sgx_arc, sizeof(sgx_arc));
    oid[sizeof(sgx_arc)] = arc;
    oid[sizeof(sgx_arc) + 1] = arc2;
    sl_writer_init(&inner, part, sizeof(part));
    tlv(&inner, DER_OID, oid, sizeof(sgx_arc) + (arc2 != 0 ? 2u : 1u));
    tlv(&inner, tag, data, size);
    tlv(w, DER_SEQUENCE, part, inner.rc == SL_OK ? inner.off : sizeof(part) + 1);
}

static void svn(struct sl_writer *w, uint8_t arc2, uint8_t value)
{
    const uint8_t bytes[2] = {0, value};
    bool has_sign_bit = (value & 0x80) != 0; /* X.690 8.3: an INTEGER is signed */
    member(w, 2, arc2, DER_INTEGER, has_sign_bit ? bytes : bytes + 1, has_sign_bit ? 2 : 1);
}

/* Names the emulated processor without telling its fuses. */
static void ppid_of(const struct sl_machine *machine, uint8_t ret_ppid[16])
{
    static const char label[] = "SafeLib emulated PPID";
    uint8_t out[32] = {0};
    size_t size = 0;
    (void)EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, machine->fuse, sizeof(machine->fuse),
                    (const unsigned char *)label, sizeof(label), out, sizeof(out), &size);
    memcpy(ret_ppid, out, 16);
}

size_t sl_emu_sgx_extension(const struct sl_machine *machine, uint8_t *out, size_t size)
{
    uint8_t tcb[PART_MAX];
    uint8_t all[PART_MAX];
    uint8_t ppid[16];
    uint8_t fmspc[6];
    const uint8_t zeros[2] = {0};
    struct sl_writer w;
    ppid_of(machine, ppid);
    if (sl_hex_decode(SL_EMULATED_FMSPC, fmspc, sizeof(fmspc)) != SL_OK) {
        return 0;
    }
    sl_writer_init(&w, tcb, sizeof(tcb));
    for (uint8_t i = 0; i < 16; i++) {
        svn(&w, (uint8_t)(i + 1), machine->cpu_svn[i]);
    }
    svn(&w, 17, SL_EMU_PCE_SVN);
    member(&w, 2, 18, DER_OCTET_STRING, machine->cpu_svn, sizeof(machine->cpu_svn));
    size_t tcb_size = w.rc == SL_OK ? w.off : 0;

    sl_writer_init(&w, all, sizeof(all));
    member(&w, 1, 0, DER_OCTET_STRING, ppid, sizeof(ppid));
    member(&w, 2, 0, DER_SEQUENCE, tcb, tcb_size);
    member(&w, 3, 0, DER_OCTET_STRING, zeros, 2); /* PCE-ID */
    member(&w, 4, 0, DER_OCTET_STRING, fmspc, sizeof(fmspc));
    member(&w, 5, 0, DER_ENUMERATED, zeros, 1); /* SGX type: standard */
    if (w.rc != SL_OK || tcb_size == 0) {
        return 0;
    }
    struct sl_writer result;
    sl_writer_init(&result, out, size);
    tlv(&result, DER_SEQUENCE, all, w.off);
    return result.rc == SL_OK ? result.off : 0;
}
