/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * EADD with EEXTEND, and EINIT, with the checks of the processor (SDM vol. 3D, chapter 41). Pages
 * are host memory that only their protection and a protection key keep apart: nobody who controls
 * this process is kept out.
 */
#include "device/emu/emu.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGE = SL_SGX_PAGE_SIZE,
    RWX = SL_SECINFO_R | SL_SECINFO_W | SL_SECINFO_X,
    TYPE = 0xff00,
    TCS_DBGOPTIN = 1,
};

bool sl_emu_is_zero(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= p[i];
    }
    return any == 0;
}

/* --- EADD and EEXTEND --------------------------------------------------------------------- */

static sl_rc tcs_check(const struct sl_tcs *tcs, uint64_t off, struct sl_err *err)
{
    if (!sl_emu_is_zero(tcs->reserved, sizeof(tcs->reserved)) ||
        (tcs->flags & ~(uint64_t)TCS_DBGOPTIN) != 0) {
        return sl_err_set(err, SL_INVALID,
                          "EADD: TCS at %#llx: reserved bytes or flags are not zero",
                          (unsigned long long)off);
    }
    if (tcs->ossa % PAGE != 0 || tcs->ofs_base % PAGE != 0 || tcs->ogs_base % PAGE != 0) {
        return sl_err_set(err, SL_INVALID,
                          "EADD: TCS at %#llx: OSSA, OFSBASGX or OGSBASGX is not page-aligned",
                          (unsigned long long)off);
    }
    return SL_OK;
}

static sl_rc flags_check(uint64_t flags, struct sl_err *err)
{
    const uint64_t type = flags & TYPE;
    const char *problem = NULL;
    if ((flags & ~(uint64_t)(TYPE | RWX)) != 0) {
        problem = "reserved bits set";
    } else if (type != SL_SECINFO_PT_REG && type != SL_SECINFO_PT_TCS) {
        problem = "page type is neither PT_REG nor PT_TCS";
    } else if (type == SL_SECINFO_PT_TCS && (flags & RWX) != 0) {
        problem = "a TCS has no R, W or X";
    } else if ((flags & SL_SECINFO_W) != 0 && (flags & SL_SECINFO_R) == 0) {
        problem = "W without R";
    } else if ((flags & SL_SECINFO_W) != 0 && (flags & SL_SECINFO_X) != 0) {
        return sl_err_set(err, SL_DENIED,
                          "EADD: SECINFO %#llx: a page may not be writable and executable",
                          (unsigned long long)flags);
    }
    if (problem != NULL) {
        return sl_err_set(err, SL_INVALID, "EADD: SECINFO %#llx: %s", (unsigned long long)flags,
                          problem);
    }
    return SL_OK;
}

/* Pages that are there already, and what the TCSs say. */
static sl_rc content_check(const struct emu_enclave *enclave, uint64_t off, const uint8_t *content,
                           uint64_t size, bool is_tcs, struct sl_err *err)
{
    for (uint64_t at = 0; at < size; at += PAGE) {
        if (enclave->pages[(off + at) / PAGE] != 0) {
            return sl_err_set(err, SL_EXISTS, "EADD: the page at %#llx is there already",
                              (unsigned long long)(off + at));
        }
        if (is_tcs && content != NULL) {
            sl_rc rc =
                tcs_check((const struct sl_tcs *)(const void *)(content + at), off + at, err);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    return SL_OK;
}

static sl_rc eadd_check(const struct emu_enclave *enclave, uint64_t off, const uint8_t *content,
                        uint64_t size, uint64_t flags, struct sl_err *err)
{
    if (enclave->is_init || enclave->measure.is_final) {
        return sl_err_set(err, SL_STATE, "EADD: the enclave is initialised already");
    }
    if (off % PAGE != 0 || size % PAGE != 0 || size == 0 || off >= enclave->common.size ||
        size > enclave->common.size - off) {
        return sl_err_set(err, SL_RANGE, "EADD: %#llx bytes at %#llx are not pages of the range",
                          (unsigned long long)size, (unsigned long long)off);
    }
    sl_rc rc = flags_check(flags, err);
    if (rc != SL_OK) {
        return rc;
    }
    const bool is_tcs = (flags & TYPE) == SL_SECINFO_PT_TCS;
    if (is_tcs && enclave->tcs_count + size / PAGE > EMU_TCS_MAX) {
        return sl_err_set(err, SL_NO_SPACE, "EADD: more than %d TCSs", EMU_TCS_MAX);
    }
    return content_check(enclave, off, content, size, is_tcs, err);
}

static int prot_of(uint64_t flags)
{
    return ((flags & SL_SECINFO_R) != 0 ? PROT_READ : 0) |
           ((flags & SL_SECINFO_W) != 0 ? PROT_WRITE : 0) |
           ((flags & SL_SECINFO_X) != 0 ? PROT_EXEC : 0);
}

static int protect(const struct emu_enclave *enclave, uint8_t *addr, size_t size, int prot)
{
    return enclave->pkey >= 0 ? pkey_mprotect(addr, size, prot, enclave->pkey)
                              : mprotect(addr, size, prot);
}

/* A TCS page itself stays inaccessible: what counts is out of software's reach. */
static void tcs_add(struct emu_enclave *enclave, uint64_t off, const uint8_t *content)
{
    struct sl_tcs tcs = {0};
    if (content != NULL) {
        memcpy(&tcs, content, sizeof(tcs));
    }
    struct emu_tcs *out = &enclave->tcs[enclave->tcs_count++];
    *out = (struct emu_tcs){.off = off,
                            .ossa = tcs.ossa,
                            .oentry = tcs.oentry,
                            .ofs_base = tcs.ofs_base,
                            .ogs_base = tcs.ogs_base,
                            .nssa = tcs.nssa};
}

sl_rc sl_emu_add_pages(struct sl_enclave *common, uint64_t off, const uint8_t *content,
                       uint64_t size, uint64_t secinfo_flags, bool is_measured, struct sl_err *err)
{
    struct emu_enclave *enclave = (struct emu_enclave *)common;
    const bool is_tcs = (secinfo_flags & TYPE) == SL_SECINFO_PT_TCS;
    uint8_t *page = common->base + off;
    sl_rc rc = eadd_check(enclave, off, content, size, secinfo_flags, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_measure_pages(&enclave->measure, off, content, size, secinfo_flags, is_measured);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "EADD: cannot measure the pages at %#llx",
                          (unsigned long long)off);
    }
    if (!is_tcs) {
        if (content != NULL) {
            if (mprotect(page, size, PROT_READ | PROT_WRITE) != 0) {
                return sl_err_set(err, SL_NO_MEMORY, "EADD: mprotect: %s", strerror(errno));
            }
            memcpy(page, content, size);
        }
        if (protect(enclave, page, size, prot_of(secinfo_flags)) != 0) {
            return sl_err_set(err, SL_NO_MEMORY, "EADD: mprotect: %s", strerror(errno));
        }
    }
    for (uint64_t at = 0; at < size; at += PAGE) {
        enclave->pages[(off + at) / PAGE] =
            (uint8_t)(EMU_PAGE_ADDED | (is_tcs ? EMU_PAGE_TCS : (int)(secinfo_flags & RWX)));
        if (is_tcs) {
            tcs_add(enclave, off + at, content == NULL ? NULL : content + at);
        }
    }
    return SL_OK;
}

/* --- EINIT -------------------------------------------------------------------------------- */

static void identity_take(struct emu_enclave *enclave, const struct sl_sigstruct *sig)
{
    enclave->secs.isv_prod_id = sig->isv_prod_id;
    enclave->secs.isv_svn = sig->isv_svn;
    if ((enclave->secs.attributes.flags & SL_ATTR_KSS) != 0) {
        memcpy(enclave->isv_family_id, sig->isv_family_id, sizeof(enclave->isv_family_id));
        memcpy(enclave->isv_ext_prod_id, sig->isv_ext_prod_id, sizeof(enclave->isv_ext_prod_id));
    }
}

sl_rc sl_emu_init(struct sl_enclave *common, const struct sl_sigstruct *sigstruct,
                  struct sl_err *err)
{
    struct emu_enclave *enclave = (struct emu_enclave *)common;
    uint32_t error = 0;
    sl_rc rc = SL_OK;
    if (enclave->is_init) {
        return sl_err_set(err, SL_STATE, "EINIT: the enclave is initialised already");
    }
    if (!enclave->measure.is_final) {
        rc = sl_measure_final(&enclave->measure, enclave->secs.mrenclave);
        if (rc != SL_OK) {
            return sl_err_set(err, rc, "EINIT: cannot finish the measurement");
        }
    }
    if (sigstruct == NULL && !enclave->is_bare) {
        return sl_err_set(err, SL_INVALID, "EINIT: no SIGSTRUCT");
    }
    if (!enclave->is_bare) {
        rc = sl_sigstruct_einit(sigstruct, &enclave->secs, enclave->secs.mrenclave, &error, err);
        if (rc != SL_OK) {
            return sl_err_prefix(err, "EINIT: %s", sl_sgx_error_name(error));
        }
    }
    if (sigstruct != NULL) {
        rc = sl_sigstruct_mrsigner(sigstruct, enclave->secs.mrsigner);
        if (rc != SL_OK) {
            return sl_err_set(err, rc, "EINIT: cannot hash the signer's key");
        }
        identity_take(enclave, sigstruct);
    }
    if (enclave->is_direct) {
        rc = sl_emu_patch(enclave, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    enclave->secs.attributes.flags |= SL_ATTR_INIT;
    enclave->is_init = true;
    return SL_OK;
}
