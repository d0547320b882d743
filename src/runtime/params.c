/* SPDX-License-Identifier: Apache-2.0 */
/* Start parameters: copied in once, checked in the copy; and how the host writes them. */
#include "runtime/private.h"

#include "boundary/area.h"

/* Single fetch: volatile, so that the compiler neither repeats nor merges the reads. */
static void copy_in(void *to, const uint8_t *shared, uint64_t size)
{
    const volatile uint8_t *from = shared;
    uint8_t *out = to;
    for (uint64_t i = 0; i < size; i++) {
        out[i] = from[i];
    }
}

sl_rc sl_params_adopt(const uint8_t *shared, struct sl_params *ret_params)
{
    struct sl_params_header *header = &ret_params->header;
    copy_in(header, shared, sizeof(*header));
    if (header->magic != SL_PARAMS_MAGIC) {
        return SL_MALFORMED;
    }
    if (header->argc < 1 || header->argc > SL_PARAMS_ARGC_MAX ||
        header->argv_size > SL_PARAMS_ARGV_SIZE_MAX || header->cpuid_count > SL_PARAMS_CPUID_MAX ||
        header->tsc_khz < SL_PARAMS_TSC_KHZ_MIN || header->tsc_khz > SL_PARAMS_TSC_KHZ_MAX) {
        return SL_RANGE;
    }
    uint64_t cpuid_size = header->cpuid_count * sizeof(struct sl_params_cpuid);
    copy_in(ret_params->cpuid, shared + sizeof(*header), cpuid_size);
    copy_in(ret_params->argv, shared + sizeof(*header) + cpuid_size, header->argv_size);
    uint32_t strings = 0;
    for (uint32_t i = 0; i < header->argv_size; i++) {
        strings += ret_params->argv[i] == '\0';
    }
    if (strings != header->argc || ret_params->argv[header->argv_size - 1] != '\0') {
        return SL_MALFORMED;
    }
    return SL_OK;
}
_Static_assert(sizeof(struct sl_params) <= SL_AREA_PARAMS_SIZE, "fits the shared area");

static uint32_t length(const char *text)
{
    uint32_t n = 0;
    while (n < SL_PARAMS_ARGV_SIZE_MAX && text[n] != '\0') {
        n++;
    }
    return n;
}

sl_rc sl_params_write(uint8_t *out, int argc, const char *const *argv,
                      const struct sl_params_cpuid *cpuid, uint32_t cpuid_count, uint32_t tsc_khz,
                      uint32_t *ret_size)
{
    if (argc < 1 || argc > SL_PARAMS_ARGC_MAX || cpuid_count > SL_PARAMS_CPUID_MAX) {
        return SL_RANGE;
    }
    struct sl_params_header header = {
        .magic = SL_PARAMS_MAGIC,
        .argc = (uint32_t)argc,
        .cpuid_count = cpuid_count,
        .tsc_khz = tsc_khz,
    };
    uint32_t off = (uint32_t)(sizeof(header) + cpuid_count * sizeof(*cpuid));
    for (int i = 0; i < argc; i++) {
        uint32_t size = length(argv[i]) + 1;
        if (size > SL_PARAMS_ARGV_SIZE_MAX - header.argv_size) {
            return SL_RANGE;
        }
        rt_memcpy(out + off + header.argv_size, argv[i], size);
        header.argv_size += size;
    }
    rt_memcpy(out + sizeof(header), cpuid, cpuid_count * sizeof(*cpuid));
    rt_memcpy(out, &header, sizeof(header));
    *ret_size = off + header.argv_size;
    return SL_OK;
}
