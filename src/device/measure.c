/* SPDX-License-Identifier: Apache-2.0 */
/* MRENCLAVE by ECREATE, EADD and EEXTEND. */
#include "device/measure.h"

#include <string.h>

#include <openssl/evp.h>

enum { RECORD_SIZE = 64, SECINFO_MEASURED = 48 };

static const uint8_t zero_page[SL_SGX_PAGE_SIZE];

static sl_rc update(struct sl_measure *m, const void *data, size_t size)
{
    return EVP_DigestUpdate(m->sha, data, size) == 1 ? SL_OK : SL_CRYPTO;
}

sl_rc sl_measure_ecreate(struct sl_measure *m, uint64_t size, uint32_t ssa_frame_size)
{
    /* SDM ECREATE: "SECS.SIZE ... must be a power of two" and at least two pages; SSAFRAMESIZE is
       never 0 ("Make sure that the SSA frame is big enough"). */
    if (size < 2 * SL_SGX_PAGE_SIZE || (size & (size - 1)) != 0 || ssa_frame_size == 0) {
        return SL_INVALID;
    }
    if (m->sha == NULL) {
        m->sha = EVP_MD_CTX_new();
    }
    if (m->sha == NULL || EVP_DigestInit_ex(m->sha, EVP_sha256(), NULL) != 1) {
        return SL_CRYPTO;
    }
    m->size = size;
    m->is_final = false;
    /* SDM ECREATE: "TMPUPDATEFIELD[63:0] := 0045544145524345H; // "ECREATE"", then SSAFRAMESIZE in
       95:32 of the rest, SIZE, and zeros to 512 bits. x86 is little-endian, as the record is. */
    uint8_t record[RECORD_SIZE] = "ECREATE";
    memcpy(record + 8, &ssa_frame_size, sizeof(ssa_frame_size));
    memcpy(record + 12, &size, sizeof(size));
    return update(m, record, sizeof(record));
}

static bool is_eadd_flags(uint64_t flags)
{
    const uint64_t rwx = SL_SECINFO_R | SL_SECINFO_W | SL_SECINFO_X;
    uint64_t type = flags & ~rwx;
    if (type == SL_SECINFO_PT_TCS) {
        return true;
    }
    /* SDM EADD, PT_REG: "IF (SCRATCH_SECINFO.FLAGS.W = 1 and SCRATCH_SECINFO.FLAGS.R = 0)
       Then #GP(0)" */
    return type == SL_SECINFO_PT_REG && !((flags & SL_SECINFO_W) && !(flags & SL_SECINFO_R));
}

static sl_rc check_at(const struct sl_measure *m, uint64_t off, uint64_t size)
{
    if (m->sha == NULL || m->size == 0 || m->is_final) {
        return SL_STATE;
    }
    return off % size == 0 && off < m->size ? SL_OK : SL_RANGE;
}

sl_rc sl_measure_eadd(struct sl_measure *m, uint64_t off, uint64_t flags)
{
    sl_rc rc = check_at(m, off, SL_SGX_PAGE_SIZE);
    if (rc != SL_OK) {
        return rc;
    }
    if (!is_eadd_flags(flags)) {
        return SL_INVALID;
    }
    if (flags & SL_SECINFO_PT_TCS) {
        /* SDM EADD: "For TCS pages, force EPCM.rwx bits to 0 and no debug access" happens before
           the record is made. */
        flags = SL_SECINFO_PT_TCS;
    }
    /* SDM EADD: "EADD", the page's offset, then the first 48 bytes of SECINFO (flags, zeros). */
    uint8_t record[RECORD_SIZE] = "EADD";
    memcpy(record + 8, &off, sizeof(off));
    memcpy(record + RECORD_SIZE - SECINFO_MEASURED, &flags, sizeof(flags));
    return update(m, record, sizeof(record));
}

sl_rc sl_measure_eextend(struct sl_measure *m, uint64_t off, const uint8_t *chunk)
{
    sl_rc rc = check_at(m, off, SL_EEXTEND_SIZE);
    if (rc != SL_OK) {
        return rc;
    }
    /* SDM EEXTEND: "EEXTEND", the chunk's offset, zeros to 64 bytes, then the chunk in four
       updates of 64 bytes. */
    uint8_t record[RECORD_SIZE] = "EEXTEND";
    memcpy(record + 8, &off, sizeof(off));
    rc = update(m, record, sizeof(record));
    return rc == SL_OK ? update(m, chunk, SL_EEXTEND_SIZE) : rc;
}

/* What EADD leaves of a TCS: "force TCS.FLAGS.DBGOPTIN off", CSSA, AEP and STATE := 0. */
static void tcs_reset(uint8_t *page)
{
    struct sl_tcs tcs;
    memcpy(&tcs, page, sizeof(tcs));
    tcs.stage = 0;
    tcs.flags &= ~1ull;
    tcs.cssa = 0;
    tcs.aep = 0;
    memcpy(page, &tcs, sizeof(tcs));
}

static sl_rc measure_page(struct sl_measure *m, uint64_t off, const uint8_t *content,
                          uint64_t flags, bool is_measured)
{
    uint8_t tcs[SL_SGX_PAGE_SIZE];
    sl_rc rc = sl_measure_eadd(m, off, flags);
    if (rc != SL_OK || !is_measured) {
        return rc;
    }
    if (flags & SL_SECINFO_PT_TCS) {
        memcpy(tcs, content, sizeof(tcs));
        tcs_reset(tcs);
        content = tcs;
    }
    for (uint64_t at = 0; at < SL_SGX_PAGE_SIZE && rc == SL_OK; at += SL_EEXTEND_SIZE) {
        rc = sl_measure_eextend(m, off + at, content + at);
    }
    return rc;
}

sl_rc sl_measure_pages(struct sl_measure *m, uint64_t off, const uint8_t *content, uint64_t size,
                       uint64_t flags, bool is_measured)
{
    if (size % SL_SGX_PAGE_SIZE != 0) {
        return SL_INVALID;
    }
    sl_rc rc = SL_OK;
    for (uint64_t at = 0; at < size && rc == SL_OK; at += SL_SGX_PAGE_SIZE) {
        rc = measure_page(m, off + at, content != NULL ? content + at : zero_page, flags,
                          is_measured);
    }
    return rc;
}

sl_rc sl_measure_final(struct sl_measure *m, uint8_t ret_mrenclave[SL_MEASURE_SIZE])
{
    if (m->sha == NULL || m->size == 0 || m->is_final) {
        return SL_STATE;
    }
    m->is_final = true;
    return EVP_DigestFinal_ex(m->sha, ret_mrenclave, NULL) == 1 ? SL_OK : SL_CRYPTO;
}

void sl_measure_done(struct sl_measure *m)
{
    EVP_MD_CTX_free(m->sha);
    *m = (struct sl_measure){0};
}

sl_rc sl_image_measure(const struct sl_image *image, uint8_t ret_mrenclave[SL_MEASURE_SIZE],
                       struct sl_err *err)
{
    struct sl_measure m = {0};
    sl_rc rc = sl_measure_ecreate(&m, image->size, image->ssa_frame_size);
    if (rc != SL_OK) {
        sl_err_set(err, rc, "ECREATE refuses size 0x%llx with %u SSA pages",
                   (unsigned long long)image->size, image->ssa_frame_size);
        goto out;
    }
    for (uint32_t i = 0; i < image->range_count; i++) {
        const struct sl_image_range *r = &image->ranges[i];
        rc = sl_measure_pages(&m, r->off, r->content, r->size, r->secinfo_flags, r->is_measured);
        if (rc != SL_OK) {
            sl_err_set(err, rc, "EADD refuses \"%s\" at 0x%llx, flags 0x%llx", r->name,
                       (unsigned long long)r->off, (unsigned long long)r->secinfo_flags);
            goto out;
        }
    }
    rc = sl_measure_final(&m, ret_mrenclave);
    if (rc != SL_OK) {
        sl_err_set(err, rc, "SHA-256 failed");
    }
out:
    sl_measure_done(&m);
    return rc;
}

sl_rc sl_image_range_measure(const struct sl_image *image, const struct sl_image_range *range,
                             uint8_t ret_digest[SL_MEASURE_SIZE])
{
    struct sl_measure m = {0};
    sl_rc rc = sl_measure_ecreate(&m, image->size, image->ssa_frame_size);
    if (rc == SL_OK) {
        rc = sl_measure_pages(&m, range->off, range->content, range->size, range->secinfo_flags,
                              range->is_measured);
    }
    if (rc == SL_OK) {
        rc = sl_measure_final(&m, ret_digest);
    }
    sl_measure_done(&m);
    return rc;
}
