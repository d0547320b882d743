/* SPDX-License-Identifier: Apache-2.0 */
/* Intel's DCAP quoting library by dlopen. */
#include "evidence/dcap_ql.h"

#include <dlfcn.h>
#include <string.h>

enum { SGX_QL_INVALID_REPORT = 0xe01c };

/* sgx_dcap_ql_wrapper.h; quote3_error_t is an enum, 0 is success */
static void *symbol(void *handle, const char *name)
{
    return handle != NULL ? dlsym(handle, name) : NULL;
}

sl_rc sl_dcap_ql_open(const char *name, struct sl_dcap_ql *ret_ql, struct sl_err *err)
{
    struct sl_dcap_ql ql = {.handle = dlopen(name, RTLD_NOW | RTLD_LOCAL)};
    /* POSIX: a function's address from dlsym is copied through void ** */
    *(void **)&ql.target_info = symbol(ql.handle, "sgx_qe_get_target_info");
    *(void **)&ql.quote_size = symbol(ql.handle, "sgx_qe_get_quote_size");
    *(void **)&ql.quote = symbol(ql.handle, "sgx_qe_get_quote");
    if (ql.target_info == NULL || ql.quote_size == NULL || ql.quote == NULL) {
        const char *why = dlerror();
        (void)sl_err_set(err, SL_NOT_FOUND, "DCAP: %s", why != NULL ? why : name);
        sl_dcap_ql_close(&ql);
        return SL_NOT_FOUND;
    }
    *ret_ql = ql;
    return SL_OK;
}

void sl_dcap_ql_close(struct sl_dcap_ql *ql)
{
    if (ql->handle != NULL) {
        (void)dlclose(ql->handle);
    }
    *ql = (struct sl_dcap_ql){0};
}

sl_rc sl_dcap_ql_target_info(const struct sl_dcap_ql *ql, uint8_t ret_target[512],
                             struct sl_err *err)
{
    uint8_t target[512] __attribute__((aligned(512))) = {0};
    uint32_t code = ql->target_info(target);
    if (code != 0) {
        return sl_err_set(err, SL_IO, "DCAP: target info: error %#x (sgx_ql_lib_common.h)", code);
    }
    memcpy(ret_target, target, sizeof(target));
    return SL_OK;
}

sl_rc sl_dcap_ql_quote(const struct sl_dcap_ql *ql, const uint8_t report[432], uint8_t *ret_quote,
                       size_t *io_size, struct sl_err *err)
{
    uint8_t aligned[512] __attribute__((aligned(512))) = {0};
    uint32_t size = 0;
    memcpy(aligned, report, 432);
    uint32_t code = ql->quote_size(&size);
    if (code == 0 && (size == 0 || size > *io_size)) {
        return sl_err_set(err, SL_IO, "DCAP: a quote of %u bytes, expected 1 to %zu", size,
                          *io_size);
    }
    code = code != 0 ? code : ql->quote(aligned, size, ret_quote);
    if (code != 0) {
        return sl_err_set(err, code == SGX_QL_INVALID_REPORT ? SL_AUTH : SL_IO,
                          "DCAP: quote: error %#x (sgx_ql_lib_common.h)", code);
    }
    *io_size = size;
    return SL_OK;
}
