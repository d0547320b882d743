/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for Intel's libsgx_dcap_ql: its three functions, with its signatures. A report that begins
 * with 0xff is refused. */
#include <stdint.h>
#include <string.h>

enum { SGX_QL_INVALID_REPORT = 0xe01c, QUOTE_SIZE = 436 + 100 };

static uint8_t first;

__attribute__((visibility("default"))) uint32_t sgx_qe_get_target_info(void *target);
__attribute__((visibility("default"))) uint32_t sgx_qe_get_quote_size(uint32_t *size);
__attribute__((visibility("default"))) uint32_t sgx_qe_get_quote(const void *report, uint32_t size,
                                                                 uint8_t *quote);

uint32_t sgx_qe_get_target_info(void *target)
{
    memset(target, 0xd1, 512);
    return 0;
}

uint32_t sgx_qe_get_quote_size(uint32_t *size)
{
    *size = QUOTE_SIZE;
    return 0;
}

uint32_t sgx_qe_get_quote(const void *report, uint32_t size, uint8_t *quote)
{
    memcpy(&first, report, 1);
    if (first == 0xff || size != QUOTE_SIZE || (uintptr_t)report % 512 != 0) {
        return SGX_QL_INVALID_REPORT;
    }
    memset(quote, 0, size);
    quote[0] = 3;
    memcpy(quote + 48, report, 384);
    quote[432] = 100;
    return 0;
}
