/* SPDX-License-Identifier: Apache-2.0 */
/* One emulated machine with one enclave on it. */
#include "emu_site.h"

#include "unit.h"

#include "device/keys.h"
#include "evidence/producers.h"

struct emu_site {
    struct sl_machine machine;
    struct sl_evidence_producer quoting;
    struct sl_secs secs;
};

struct emu_site *emu_site_open(uint8_t fill, bool is_debug)
{
    struct sl_err err = {0};
    struct emu_site *site = aligned_alloc(_Alignof(struct emu_site), sizeof(*site));
    assert_non_null(site);
    memset(site, 0, sizeof(*site));
    assert_ok(sl_machine_init_transient(&site->machine));
    assert_ok(sl_evidence_emu_open(&site->machine, &site->quoting, &err));
    site->secs.attributes = (struct sl_attributes){
        SL_ATTR_INIT | SL_ATTR_MODE64BIT | (is_debug ? SL_ATTR_DEBUG : 0), 3};
    memset(site->secs.mrenclave, fill, sizeof(site->secs.mrenclave));
    return site;
}

void emu_site_close(struct emu_site *site)
{
    sl_evidence_producer_done(&site->quoting);
    sl_machine_done(&site->machine);
    free(site);
}

void emu_site_target(struct emu_site *site, uint8_t ret_target[512])
{
    struct sl_err err = {0};
    assert_ok(site->quoting.target_info(site->quoting.ctx, ret_target, &err));
}

void emu_site_report(struct emu_site *site, const uint8_t target[512], const uint8_t data[64],
                     uint8_t ret_report[432])
{
    struct sl_target_info info;
    struct sl_report report;
    const struct sl_identity identity = {.secs = &site->secs};
    memcpy(&info, target, sizeof(info));
    assert_ok(sl_machine_ereport(&site->machine, &identity, &info, data, &report));
    memcpy(ret_report, &report, 432);
}

size_t emu_site_bundle(struct emu_site *site, const uint8_t data[64], const uint8_t report[432],
                       uint8_t *out, size_t size)
{
    struct sl_err err = {0};
    struct sl_evidence evidence;
    struct sl_writer w;
    if (site->quoting.produce(site->quoting.ctx, data, report, &evidence, &err) != SL_OK) {
        return 0;
    }
    sl_writer_init(&w, out, size);
    sl_evidence_write(&evidence, &w);
    sl_evidence_done(&evidence);
    assert_ok(w.rc);
    return w.off;
}

size_t emu_site_bundle_over(struct emu_site *site, const uint8_t data[64], uint8_t *out,
                            size_t size)
{
    uint8_t target[512];
    uint8_t report[432];
    emu_site_target(site, target);
    emu_site_report(site, target, data, report);
    return emu_site_bundle(site, data, report, out, size);
}
