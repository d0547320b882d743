/* SPDX-License-Identifier: Apache-2.0 */
/* Draws by Zipf's law. */
#include "zipf.h"

#include <math.h>
#include <stdlib.h>

#include "measure.h"

struct bench_zipf {
    uint32_t count;
    double *sums;    /* of the weights of ranks 0..i; NULL: all alike */
    uint32_t *order; /* what has rank i */
};

static void *make(size_t count, size_t size)
{
    void *made = calloc(count, size);
    if (made == NULL) {
        bench_die("no memory for %zu times %zu bytes", count, size);
    }
    return made;
}

struct bench_zipf *bench_zipf_new(uint32_t count, double exponent)
{
    uint64_t state = 88172645463325252u;
    struct bench_zipf *zipf = make(1, sizeof(*zipf));
    zipf->count = count;
    if (exponent == 0) {
        return zipf;
    }
    zipf->sums = make(count, sizeof(*zipf->sums));
    zipf->order = make(count, sizeof(*zipf->order));
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += pow(i + 1, -exponent);
        zipf->sums[i] = sum;
        zipf->order[i] = i;
    }
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = (uint32_t)(bench_random(&state) % (i + 1));
        uint32_t kept = zipf->order[i];
        zipf->order[i] = zipf->order[other];
        zipf->order[other] = kept;
    }
    return zipf;
}

void bench_zipf_free(struct bench_zipf *zipf)
{
    if (zipf != NULL) {
        free(zipf->sums);
        free(zipf->order);
        free(zipf);
    }
}

uint32_t bench_zipf_next(const struct bench_zipf *zipf, uint64_t *random_state)
{
    uint64_t random = bench_random(random_state);
    if (zipf->sums == NULL) {
        return (uint32_t)(random % zipf->count);
    }
    double wanted = (double)(random >> 11) * 0x1p-53 * zipf->sums[zipf->count - 1];
    uint32_t low = 0;
    uint32_t high = zipf->count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zipf->sums[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return zipf->order[low];
}
