/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the files that read the NAT's policy share: the file under work, how a fault is told, and
 * the values that several keys have.
 */
#ifndef SL_POLICY_NAT_VALUES_H
#define SL_POLICY_NAT_VALUES_H

#include "policy/nat_file.h"

enum { POL_NAT_KEY_MAX = 64 };

struct pol_nat_job {
    const struct sl_nat_yaml *yaml;
    const char *text;
    size_t size;
    struct sl_writer *w;
    struct sl_err *err;
};

struct pol_nat_prefix {
    uint8_t bits; /* of 128 */
    uint8_t addr[16];
};
struct pol_nat_range {
    uint32_t first, last;
};

/** Says "line 3, column 7: key: `word`: what is wrong" in the job's err.
 * @param word  NULL: the key stands for itself
 * @return @p rc */
__attribute__((format(printf, 5, 6))) sl_rc pol_nat_fault(const struct pol_nat_job *job, sl_rc rc,
                                                          const char *key, const char *word,
                                                          const char *format, ...);
/** "80" or "8000-8010". @return false: neither */
bool pol_nat_ports_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last);
/** An IPv4 address in 16 bytes: ::ffff:a.b.c.d. */
void pol_nat_put_mapped(uint8_t *out, const uint8_t *addr4);
/** "192.0.2.1", "192.0.2.0/28", "192.0.2.1-192.0.2.9". @return what is wrong, or NULL */
const char *pol_nat_range_parse(const char *text, struct pol_nat_range *ret_range);
/** A prefix of either family. @return what is wrong, or NULL */
const char *pol_nat_inside_parse(const char *text, struct pol_nat_prefix *ret_prefix);
bool pol_nat_prefix_has(const struct pol_nat_prefix *prefix, const uint8_t *addr);

/* ---- nat_forwards.c ---- */

/** Checks and writes the list of forwards.
 * @retval SL_OK, SL_MALFORMED, SL_NO_MEMORY */
sl_rc pol_nat_put_forwards(const struct pol_nat_job *job) SL_MUST_CHECK;

#endif
