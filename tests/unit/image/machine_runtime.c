/* SPDX-License-Identifier: Apache-2.0 */
/* sl_rt_key and sl_rt_report by the emulator's key hierarchy, for an enclave and a processor that a
 * test can change. */
#include "machine_runtime.h"

#include <assert.h>
#include <string.h>

#include "device/keys.h"
#include "runtime/runtime.h"

static struct sl_machine machine;
static struct sl_secs secs;
static bool is_bare;

void machine_new(void)
{
    sl_machine_done(&machine);
    sl_rc rc = sl_machine_init_transient(&machine);
    assert(rc == SL_OK);
    (void)rc;
}

void machine_cpu_svn(uint8_t svn)
{
    memset(machine.cpu_svn, svn, sizeof(machine.cpu_svn));
}

void machine_enclave(uint8_t mrenclave, uint8_t mrsigner, uint16_t prod_id, uint16_t svn)
{
    memset(&secs, 0, sizeof(secs));
    memset(secs.mrenclave, mrenclave, sizeof(secs.mrenclave));
    memset(secs.mrsigner, mrsigner, sizeof(secs.mrsigner));
    secs.isv_prod_id = prod_id;
    secs.isv_svn = svn;
    secs.attributes.flags = 5; /* INIT, MODE64BIT */
    secs.attributes.xfrm = 7;
}

void machine_debug(void)
{
    secs.attributes.flags |= 2;
}

void machine_bare(bool on)
{
    is_bare = on;
}

sl_rc sl_rt_report(const uint8_t target_info[512], const uint8_t report_data[64],
                   uint8_t ret_report[432])
{
    const struct sl_identity identity = {.secs = &secs};
    struct sl_target_info target;
    struct sl_report report;
    if (is_bare) {
        return SL_UNSUPPORTED;
    }
    memcpy(&target, target_info, sizeof(target));
    sl_rc rc = sl_machine_ereport(&machine, &identity, &target, report_data, &report);
    if (rc == SL_OK) {
        memcpy(ret_report, &report, sizeof(report));
    }
    return rc;
}

sl_rc sl_rt_key(const uint8_t key_request[512], uint8_t ret_key[16])
{
    const struct sl_identity identity = {.secs = &secs};
    struct sl_key_request request;
    uint32_t error = 0;
    if (is_bare) {
        return SL_UNSUPPORTED;
    }
    memcpy(&request, key_request, sizeof(request));
    sl_rc rc = sl_machine_egetkey(&machine, &identity, &request, ret_key, &error);
    return rc == SL_OK ? SL_OK : SL_DENIED; /* as src/runtime/enclu.c has it */
}
