/* SPDX-License-Identifier: Apache-2.0 */
/* ClassBench filter sets: "@src/len dst/len lo : hi lo : hi proto/mask [flags/mask]" per line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/program.h"

enum { LINE_SIZE = 512 };

struct filter {
    unsigned addr[2][4], len[2];
    unsigned port[2][2];
    unsigned proto, proto_mask;
    unsigned flags, flags_mask;
};

static bool parse_filter(const char *line, struct filter *f)
{
    int used = 0;
    /* NOLINTNEXTLINE(cert-err34-c): every width is bounded, so that no conversion overflows */
    if (sscanf(line, " @%3u.%3u.%3u.%3u/%2u %3u.%3u.%3u.%3u/%2u %5u : %5u %5u : %5u %4x/%4x%n",
               &f->addr[0][0], &f->addr[0][1], &f->addr[0][2], &f->addr[0][3], &f->len[0],
               &f->addr[1][0], &f->addr[1][1], &f->addr[1][2], &f->addr[1][3], &f->len[1],
               &f->port[0][0], &f->port[0][1], &f->port[1][0], &f->port[1][1], &f->proto,
               &f->proto_mask, &used) != 16) {
        return false;
    }
    f->flags = 0;
    f->flags_mask = 0;
    /* NOLINTNEXTLINE(cert-err34-c): as above */
    (void)sscanf(line + used, " %6x/%6x", &f->flags, &f->flags_mask);
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < 4; i++) {
            if (f->addr[side][i] > 255) {
                return false;
            }
        }
        if (f->len[side] > 32 || f->port[side][1] > 65535 || f->port[side][0] > f->port[side][1]) {
            return false;
        }
    }
    return f->proto_mask == 0 || f->proto_mask == 0xff;
}

static sl_rc narrow(struct pol_program *program, struct pol_match *match, uint32_t dim, pol_key lo,
                    pol_key hi)
{
    if (lo == 0 && hi == pol_dim_max(dim)) {
        return SL_OK;
    }
    struct pol_set *set = pol_set_new(&program->arena, 1);
    if (set == NULL) {
        return SL_NO_MEMORY;
    }
    set->intervals[set->count++] = (struct pol_interval){lo, hi};
    return pol_match_narrow(program, match, dim, set);
}

static sl_rc build_match(struct pol_program *program, const struct filter *f,
                         struct pol_match *match)
{
    *match = (struct pol_match){.families = SL_FW_IP4};
    static const uint8_t addr_dim[2] = {SL_FW_DIM_SRC4, SL_FW_DIM_DST4};
    static const uint8_t port_dim[2] = {SL_FW_DIM_SPORT, SL_FW_DIM_DPORT};
    for (int side = 0; side < 2; side++) {
        const unsigned *a = f->addr[side];
        uint32_t addr = a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3];
        uint32_t host = (uint32_t)(((uint64_t)1 << (32 - f->len[side])) - 1);
        sl_rc rc = narrow(program, match, addr_dim[side], addr & ~host, addr | host);
        if (rc == SL_OK) {
            rc = narrow(program, match, port_dim[side], f->port[side][0], f->port[side][1]);
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    return f->proto_mask == 0 ? SL_OK : narrow(program, match, SL_FW_DIM_PROTO, f->proto, f->proto);
}

static sl_rc add_line(struct pol_program *program, const char *path, uint32_t number, char *line,
                      uint32_t *flag_count, struct sl_err *err)
{
    line[strcspn(line, "\r\n")] = '\0';
    if (line[strspn(line, " \t")] == '\0') {
        return SL_OK;
    }
    struct filter filter;
    if (!parse_filter(line, &filter)) {
        return sl_err_set(err, SL_MALFORMED,
                          "%s:%u: not a ClassBench filter: `%s` (expected \"@a.b.c.d/n a.b.c.d/n "
                          "lo : hi lo : hi 0xPP/0xFF\")",
                          path, number, line);
    }
    *flag_count += filter.flags_mask != 0;
    struct pol_rule rule = {
        .action = SL_FW_ACCEPT, .line = number, .text = pol_strdup(&program->arena, line)};
    sl_rc rc = build_match(program, &filter, &rule.match);
    if (rc == SL_OK && rule.text != NULL) {
        rc = pol_program_add(program, &rule, err);
        return rc == SL_OK ? SL_OK : sl_err_prefix(err, "%s:%u", path, number);
    }
    return sl_err_set(err, SL_NO_MEMORY, "%s:%u: out of memory", path, number);
}

sl_rc sl_policy_compile_classbench(const char *path, struct sl_policy *ret_policy,
                                   struct sl_err *err)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    struct pol_program program = {.default_action = SL_FW_DROP};
    char line[LINE_SIZE];
    uint32_t flag_count = 0;
    sl_rc rc = SL_OK;
    for (uint32_t number = 1; rc == SL_OK && fgets(line, sizeof(line), file) != NULL; number++) {
        rc = add_line(&program, path, number, line, &flag_count, err);
    }
    if (rc == SL_OK && program.count == 0) {
        rc = sl_err_set(err, SL_MALFORMED, "%s: no filter in it", path);
    }
    if (rc == SL_OK) {
        rc = pol_program_finish(&program, path, "classbench", ret_policy, err);
    }
    if (rc == SL_OK && flag_count > 0) {
        char note[200];
        (void)snprintf(note, sizeof(note),
                       "%u filters carry ClassBench's 16-bit flags column; it is not part of the "
                       "5-tuple match and was left out, as classification papers do",
                       flag_count);
        ret_policy->note = strdup(note);
    }
    (void)fclose(file);
    pol_program_done(&program);
    return rc;
}
