/* SPDX-License-Identifier: Apache-2.0 */
/* The TDX module (SEAM): whose it is, and whether it is up to date. From TDX 1.5 on several modules
 * live side by side, and TEE_TCB_SVN[1] says which one this is. */
#include <ctype.h>
#include <stdio.h>

#include "attest/intel.h"
#include "base/bytes.h"

enum { SVN_MINOR = 0, SVN_MAJOR = 1, SVN_SEAMLDR = 2 };

static const struct sl_tdx_module *find_module(const struct sl_tcb_info *info, uint8_t major)
{
    char id[SL_TDX_MODULE_ID_SIZE];
    (void)snprintf(id, sizeof(id), "TDX_%02X", major);
    for (size_t i = 0; i < info->module_count; i++) {
        const char *found = info->modules[i].id;
        size_t k = 0;
        while (id[k] != '\0' && toupper((unsigned char)found[k]) == id[k]) {
            k++;
        }
        if (id[k] == '\0' && found[k] == '\0') {
            return &info->modules[i];
        }
    }
    return NULL;
}

static const struct sl_isv_level *find_level(const struct sl_tdx_module *module, uint8_t svn)
{
    for (size_t i = 0; i < module->level_count; i++) {
        if (svn >= module->levels[i].isv_svn) {
            return &module->levels[i];
        }
    }
    return NULL;
}

/* MRSIGNERSEAM and SEAMATTRIBUTES. */
static void check_origin(struct sl_intel *v, const struct sl_tdx_module *module)
{
    const struct sl_td_report *td = &v->quote.body.td;
    char found[97];
    char expected[97];
    if (memcmp(td->mrsignerseam, module->mrsigner, 48) != 0) {
        sl_hex_encode(td->mrsignerseam, 48, found);
        sl_hex_encode(module->mrsigner, 48, expected);
        sl_finding_add(v->findings, SL_CHECK_TDX_MODULE,
                       "MRSIGNERSEAM is %s, Intel's TDX module has %s: the module is not Intel's",
                       found, expected);
    }
    /* PCS API: "SEAMATTRIBUTES ... must be zero" for a production module; the mask of the TCB info
     * covers what is defined. */
    for (size_t i = 0; i < 8; i++) {
        if (td->seam_attributes[i] != 0 ||
            (td->seam_attributes[i] & module->attributes_mask[i]) != module->attributes[i]) {
            sl_hex_encode(td->seam_attributes, 8, found);
            sl_hex_encode(module->attributes, 8, expected);
            sl_finding_add(v->findings, SL_CHECK_TDX_MODULE,
                           "SEAMATTRIBUTES are %s, %s (and zero) is expected: the module is not "
                           "one for production",
                           found, expected);
            return;
        }
    }
}

void sl_intel_check_module(struct sl_intel *v)
{
    const uint8_t *svn = v->quote.body.td.tee_tcb_svn;
    if (svn[SVN_MAJOR] == 0) {
        check_origin(v, &v->info.tdx_module);
        v->module_status = SL_TCB_UP_TO_DATE; /* its SVN is one of the platform's components */
        return;
    }
    const struct sl_tdx_module *module = find_module(&v->info, svn[SVN_MAJOR]);
    if (module == NULL) {
        v->module_status = SL_TCB_NO_MATCHING_LEVEL;
        sl_finding_add(v->findings, SL_CHECK_TDX_MODULE,
                       "the TDX module is TDX_%02X, and tcb_info knows %zu others but not this "
                       "one: fetch it again",
                       svn[SVN_MAJOR], v->info.module_count);
        return;
    }
    check_origin(v, module);
    v->module_level = find_level(module, svn[SVN_MINOR]);
    if (v->module_level == NULL) {
        v->module_status = SL_TCB_NO_MATCHING_LEVEL;
        sl_finding_add(
            v->findings, SL_CHECK_TDX_MODULE,
            "the TDX module %s has SVN %u, below every level that Intel knows: update it",
            module->id, svn[SVN_MINOR]);
        return;
    }
    v->module_status = v->module_level->verdict.status;
}

enum sl_tcb_status sl_intel_converge(enum sl_tcb_status whole, enum sl_tcb_status part)
{
    if (part == SL_TCB_NO_MATCHING_LEVEL || whole == SL_TCB_NO_MATCHING_LEVEL) {
        return SL_TCB_NO_MATCHING_LEVEL;
    }
    if (part == SL_TCB_REVOKED) {
        return SL_TCB_REVOKED;
    }
    if (part == SL_TCB_OUT_OF_DATE) {
        if (whole == SL_TCB_UP_TO_DATE || whole == SL_TCB_SW_HARDENING_NEEDED) {
            return SL_TCB_OUT_OF_DATE;
        }
        if (whole == SL_TCB_CONFIGURATION_NEEDED ||
            whole == SL_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED) {
            return SL_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
        }
        return whole;
    }
    return part == SL_TCB_UP_TO_DATE ? whole : SL_TCB_UNKNOWN;
}

/* TDX 1.5 loads a new module beside TDs that still report the one they were launched with:
 * TEE_TCB_SVN is that of the launch, TEE_TCB_SVN2 the current one. */
bool sl_intel_is_relaunch_enough(const struct sl_intel *v)
{
    const struct sl_td_report *td = &v->quote.body.td;
    if (v->quote.tee != SL_QUOTE_TEE_TDX || !td->is_15 || v->info.level_count == 0 ||
        v->module_status != SL_TCB_OUT_OF_DATE) {
        return false;
    }
    const uint8_t *svn = td->tee_tcb_svn2;
    const struct sl_tcb_level *latest = &v->info.levels[0];
    if (svn[SVN_SEAMLDR] < latest->tdx[SVN_SEAMLDR]) {
        return false;
    }
    if (svn[SVN_MAJOR] == 0) {
        return svn[SVN_MINOR] >= latest->tdx[SVN_MINOR];
    }
    const struct sl_tdx_module *module = find_module(&v->info, svn[SVN_MAJOR]);
    return module != NULL && module->level_count > 0 && svn[SVN_MINOR] >= module->levels[0].isv_svn;
}
