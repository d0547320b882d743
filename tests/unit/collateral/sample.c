/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator's collateral as a set, and folders that go away. */
#include "sample.h"

#include <ftw.h>
#include <unistd.h>

static void pki_make(struct sl_emu_pki *ret_pki)
{
    struct sl_machine machine;
    const struct sl_secs qe = {.isv_prod_id = 1, .isv_svn = 1};
    assert_ok(sl_machine_init_transient(&machine));
    assert_ok(sl_emu_pki_make(&machine, &qe, SAMPLE_NOW, ret_pki));
    sl_machine_done(&machine);
}

void sample_make(struct sl_collateral_set *ret_set)
{
    static const struct {
        enum sl_collateral_part part;
        enum sl_emu_document document;
    } from[] = {
        {SL_COLLATERAL_tcb_info, SL_EMU_TCB_INFO},
        {SL_COLLATERAL_qe_identity, SL_EMU_QE_IDENTITY},
        {SL_COLLATERAL_tcb_signing_chain, SL_EMU_TCB_CHAIN},
        {SL_COLLATERAL_pck_crl, SL_EMU_PCK_CRL},
        {SL_COLLATERAL_pck_crl_issuer_chain, SL_EMU_PCK_CRL_CHAIN},
        {SL_COLLATERAL_root_crl, SL_EMU_ROOT_CRL},
    };
    struct sl_emu_pki pki;
    pki_make(&pki);
    *ret_set = (struct sl_collateral_set){0};
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        struct sl_blob blob = pki.documents[from[i].document];
        assert_ok(sl_collateral_put(ret_set, from[i].part, blob.data, blob.size));
    }
    sl_emu_pki_done(&pki);
}

struct sl_blob sample_quote(void)
{
    struct sl_emu_pki pki;
    pki_make(&pki);
    struct sl_blob chain = pki.documents[SL_EMU_PCK_CHAIN];
    uint8_t *data = calloc(1, 64 + chain.size);
    assert_non_null(data);
    data[0] = 3;
    data[2] = 2;
    memcpy(data + 64, chain.data, chain.size);
    sl_emu_pki_done(&pki);
    return (struct sl_blob){data, 64 + chain.size};
}

void sample_folder_make(char path[32])
{
    (void)snprintf(path, 32, "/tmp/sl-collateral-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void sample_folder_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

bool sample_is_same(const struct sl_collateral_set *a, const struct sl_collateral_set *b)
{
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        struct sl_blob x = sl_collateral_part(a, i);
        struct sl_blob y = sl_collateral_part(b, i);
        if (x.size != y.size || (x.size > 0 && memcmp(x.data, y.data, x.size) != 0)) {
            return false;
        }
    }
    return true;
}
