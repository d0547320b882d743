/* SPDX-License-Identifier: Apache-2.0 */
/* Makes emulated evidence and lays it out as files, for verifiers that we did not write:
 *   evidence_tool HEX_REPORT_DATA DIR     DIR/quote.bin, DIR/bundle.bin and the collateral */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/emulated_root.h"
#include "base/bytes.h"
#include "device/keys.h"
#include "evidence/producers.h"

static int file_write(const char *dir, const char *name, struct sl_blob blob)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return 1;
    }
    size_t count = fwrite(blob.data, 1, blob.size, file);
    return fclose(file) != 0 || count != blob.size;
}

static int files_write(const char *dir, const struct sl_evidence *e)
{
    static uint8_t bundle[SL_EVIDENCE_SIZE_MAX];
    struct sl_writer w;
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_evidence_write(e, &w);
    return w.rc != SL_OK || file_write(dir, "quote.bin", e->evidence) ||
           file_write(dir, "bundle.bin", (struct sl_blob){bundle, w.off}) ||
           file_write(dir, "tcb_info.json", e->collateral.tcb_info) ||
           file_write(dir, "qe_identity.json", e->collateral.qe_identity) ||
           file_write(dir, "tcb_signing_chain.pem", e->collateral.tcb_signing_chain) ||
           file_write(dir, "pck_crl.der", e->collateral.pck_crl) ||
           file_write(dir, "pck_crl_issuer_chain.pem", e->collateral.pck_crl_issuer_chain) ||
           file_write(dir, "root_crl.der", e->collateral.root_crl) ||
           file_write(dir, "root.pem", sl_attest_emulated_root());
}

/* An enclave by name only, and what EREPORT says of it. */
static sl_rc report_make(const struct sl_machine *machine, const uint8_t target[512],
                         const uint8_t data[64], struct sl_report *ret_report)
{
    static struct sl_secs secs;
    struct sl_target_info info;
    const struct sl_identity identity = {.secs = &secs};
    memset(secs.mrenclave, 0x11, sizeof(secs.mrenclave));
    memset(secs.mrsigner, 0x22, sizeof(secs.mrsigner));
    secs.attributes = (struct sl_attributes){SL_ATTR_INIT | SL_ATTR_MODE64BIT, 7};
    secs.isv_prod_id = 3;
    secs.isv_svn = 4;
    memcpy(&info, target, sizeof(info));
    return sl_machine_ereport(machine, &identity, &info, data, ret_report);
}

int main(int argc, char **argv)
{
    uint8_t data[64];
    uint8_t target[512];
    struct sl_machine machine;
    struct sl_report report;
    struct sl_evidence_producer producer = {0};
    struct sl_evidence evidence = {0};
    struct sl_err err = {0};
    if (argc != 3 || sl_hex_decode(argv[1], data, sizeof(data)) != SL_OK) {
        (void)fprintf(stderr, "usage: evidence_tool HEX_REPORT_DATA DIR\n");
        return 2;
    }
    sl_rc rc = sl_machine_init_transient(&machine);
    rc = rc != SL_OK ? rc : sl_evidence_emu_open(&machine, &producer, &err);
    rc = rc != SL_OK ? rc : producer.target_info(producer.ctx, target, &err);
    rc = rc != SL_OK ? rc : report_make(&machine, target, data, &report);
    if (rc == SL_OK) {
        rc = producer.produce(producer.ctx, data, (const uint8_t *)&report, &evidence, &err);
    }
    if (rc != SL_OK) {
        (void)fprintf(stderr, "evidence_tool: %s\n", err.text);
        return 1;
    }
    int code = files_write(argv[2], &evidence);
    sl_evidence_done(&evidence);
    sl_evidence_producer_done(&producer);
    sl_machine_done(&machine);
    return code;
}
