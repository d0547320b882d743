/* SPDX-License-Identifier: Apache-2.0 */
/* Writes evidence that anybody may have: a quote of SafeLib's emulated SGX (which protects
 * nothing), its collateral and a policy that takes it, for tests and the examples of the manual.
 * Usage: attest-sample FOLDER [NONCE]: FOLDER/quote.dat, FOLDER/pcs/, FOLDER/policy.yaml */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "collateral/set.h"
#include "device/keys.h"
#include "evidence/producers.h"
#include "files/files.h"

static struct sl_err g_err;

static void need(sl_rc rc, const char *what)
{
    if (rc != SL_OK) {
        fprintf(stderr, "attest-sample: %s: %s %s\n", what, sl_rc_text(rc), g_err.text);
        exit(1);
    }
}

static void quote_make(const uint8_t data[64], struct sl_evidence *ret_evidence)
{
    struct sl_machine machine;
    struct sl_evidence_producer producer;
    struct sl_target_info target;
    struct sl_report report;
    struct sl_secs secs = {
        .attributes = {SL_ATTR_INIT | SL_ATTR_MODE64BIT, 3}, .isv_prod_id = 1, .isv_svn = 2};
    memset(secs.mrenclave, 0x11, sizeof(secs.mrenclave));
    memset(secs.mrsigner, 0x22, sizeof(secs.mrsigner));
    const struct sl_identity identity = {.secs = &secs};
    need(sl_machine_init_transient(&machine), "machine");
    need(sl_evidence_emu_open(&machine, &producer, &g_err), "emulator");
    need(producer.target_info(producer.ctx, (uint8_t *)&target, &g_err), "target");
    need(sl_machine_ereport(&machine, &identity, &target, data, &report), "report");
    need(producer.produce(producer.ctx, data, (const uint8_t *)&report, ret_evidence, &g_err),
         "quote");
    sl_evidence_producer_done(&producer);
    sl_machine_done(&machine);
}

static void write_in(const char *folder, const char *name, const void *data, size_t size)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    need(sl_file_write(path, 0644, data, size, &g_err), path);
}

int main(int argc, char **argv)
{
    static const char policy[] =
        "references:\n"
        "  - mrenclave: 1111111111111111111111111111111111111111111111111111111111111111\n"
        "  - mrsigner: 2222222222222222222222222222222222222222222222222222222222222222\n"
        "    isv_prod_id: 1\n"
        "    min_isv_svn: 2\n"
        "insecure_allow_emulated: true # its key is public: this protects nothing\n";
    uint8_t data[64] = {0};
    struct sl_evidence evidence;
    struct sl_collateral_set set = {0};
    char pcs[4096];
    if (argc < 2) {
        fprintf(stderr, "usage: attest-sample FOLDER [NONCE as text, or hex:DIGITS]\n");
        return 2;
    }
    if (argc > 2 && strncmp(argv[2], "hex:", 4) == 0) {
        need(sl_hex_decode(argv[2] + 4, data, 32), "NONCE: expected 64 hex digits");
    } else if (argc > 2) {
        size_t size = strlen(argv[2]);
        memcpy(data, argv[2], size < sizeof(data) ? size : sizeof(data));
    }
    if (mkdir(argv[1], 0755) != 0) {
        /* there already: written into */
    }
    quote_make(data, &evidence);
    set.parts = evidence.collateral;
    (void)snprintf(pcs, sizeof(pcs), "%s/pcs", argv[1]);
    need(sl_collateral_folder_write(&set, pcs, &g_err), pcs);
    write_in(argv[1], "quote.dat", evidence.evidence.data, evidence.evidence.size);
    write_in(argv[1], "policy.yaml", policy, sizeof(policy) - 1);
    sl_evidence_done(&evidence);
    return 0;
}
