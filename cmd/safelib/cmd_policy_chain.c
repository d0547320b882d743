/* SPDX-License-Identifier: Apache-2.0 */
/* safelib policy chain: a chain of NFs out of a YAML file, and the memory that it will take. */
#include "cmd_policy_chain.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "command.h"
#include "flow/store.h"
#include "nf/chain.h"
#include "policy/policy.h"

enum { HEADER_SIZE = 16, SPILL_MAX_BITS = 34 };

/* What one NF of the chain takes per shard. */
struct footprint {
    char name[SL_NF_NAME_MAX];
    size_t inside, outside;
    bool is_unknown; /* not linked into this program: its image will check it */
};

/* The bundle of NF `index` alone. */
static sl_rc cut_one(const struct sl_policy *policy, uint32_t index, uint8_t *out, size_t *ret_size,
                     char *ret_name)
{
    struct sl_reader r;
    struct sl_writer w;
    size_t from = 0;
    sl_reader_init(&r, policy->bundle, policy->size);
    const uint8_t *header = sl_reader_bytes(&r, HEADER_SIZE);
    for (uint32_t i = 0; i <= index; i++) {
        from = r.off;
        sl_reader_string(&r, ret_name, SL_NF_NAME_MAX);
        (void)sl_reader_bytes(&r, sl_reader_be32(&r));
        (void)sl_reader_bytes(&r, sl_reader_be32(&r));
    }
    if (r.rc != SL_OK) {
        return r.rc;
    }
    sl_writer_init(&w, out, policy->size);
    sl_writer_bytes(&w, header, HEADER_SIZE);
    sl_writer_bytes(&w, policy->bundle + from, r.off - from);
    sl_be16_put(out + 6, 1);
    *ret_size = w.off;
    return w.rc;
}

static size_t heap_now(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Loads the NF as a shard would and looks at what that took; address space stands for the untrusted
 * memory. */
static sl_rc measure(const struct sl_policy *policy, uint32_t index, struct footprint *ret,
                     struct sl_err *err)
{
    static struct sl_flow_spill spill;
    struct sl_chain *chain = NULL;
    size_t size = 0;
    size_t room = (size_t)1 << SPILL_MAX_BITS;
    uint8_t *bundle = malloc(policy->size);
    /* never touched but where a table is: only addresses are taken */
    void *map = mmap(NULL, room, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *outside = map != MAP_FAILED ? map : NULL;
    sl_flow_spill_init(&spill, outside, outside != NULL ? room : 0);
    const struct sl_chain_place place = {.spill = outside != NULL ? &spill : NULL};
    sl_rc rc = bundle != NULL ? cut_one(policy, index, bundle, &size, ret->name) : SL_NO_MEMORY;
    size_t before = heap_now();
    rc = rc == SL_OK ? sl_chain_create_at(bundle, size, &place, &chain, err)
                     : sl_err_set(err, rc, "chain: %s", sl_rc_text(rc));
    if (rc == SL_OK) {
        ret->inside = heap_now() - before;
        ret->outside = 0;
        for (uint32_t i = 0; i < spill.count; i++) {
            ret->outside += spill.parts[i].size;
        }
    }
    ret->is_unknown = rc == SL_NOT_FOUND;
    sl_chain_free(chain);
    if (outside != NULL) {
        (void)munmap(outside, room);
    }
    free(bundle);
    return ret->is_unknown ? SL_OK : rc;
}

static double mib(size_t bytes)
{
    return (double)bytes / 1048576.0;
}

static int report(const struct sl_policy *policy, const struct footprint *parts, const char *out,
                  bool is_json)
{
    size_t inside = 0;
    size_t outside = 0;
    json_t *list = json_array();
    for (uint32_t i = 0; i < policy->nf_count; i++) {
        const struct sl_policy_nf *nf = &policy->nfs[i];
        inside += parts[i].inside;
        outside += parts[i].outside;
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:s, s:I, s:I}", "nf",
                                                    parts[i].name, "source", nf->source, "rules",
                                                    (int)nf->count, "default", nf->default_action,
                                                    "inside_bytes", (json_int_t)parts[i].inside,
                                                    "outside_bytes", (json_int_t)parts[i].outside));
    }
    if (is_json) {
        return print_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:s?, s:s*, s:o}", "ok", 1,
                                    "version", (json_int_t)policy->version, "bytes",
                                    (json_int_t)policy->size, "inside_bytes", (json_int_t)inside,
                                    "outside_bytes", (json_int_t)outside, "output", out, "note",
                                    policy->note, "chain", list),
                          CMD_GOOD);
    }
    json_decref(list);
    printf("%s: a chain of %u, %zu bytes%s%s\n", policy->source, policy->nf_count, policy->size,
           out != NULL ? " -> " : "", out != NULL ? out : "");
    printf("  LAN\n");
    for (uint32_t i = 0; i < policy->nf_count; i++) {
        const struct sl_policy_nf *nf = &policy->nfs[i];
        printf("  %2u  %-14s ", i + 1, parts[i].name);
        if (parts[i].is_unknown) {
            printf("not known here, not checked: its image will  %s\n", nf->source);
            continue;
        }
        printf("%6u rules, else %-7s %8.1f MiB inside, %8.1f MiB outside  %s\n", nf->count,
               nf->default_action[0] != '\0' ? nf->default_action : "-", mib(parts[i].inside),
               mib(parts[i].outside), nf->source);
    }
    printf("  WAN\nper shard: %.1f MiB in the enclave, %.1f MiB encrypted outside", mib(inside),
           mib(outside));
    if (outside != 0) {
        printf(" (safelib-host --spill %zu)", (outside + (1 << 20) - 1) >> 20);
    }
    printf("\n");
    if (policy->note != NULL) {
        printf("note: %s\n", policy->note);
    }
    return CMD_GOOD;
}

static int run(const char *in, const char *out, bool is_json)
{
    struct sl_policy policy = {0};
    struct sl_err err = {0};
    struct footprint parts[SL_CHAIN_NF_MAX] = {0};
    sl_rc rc = sl_policy_compile_chain(in, &policy, &err);
    bool is_compiled = rc == SL_OK;
    for (uint32_t i = 0; i < policy.nf_count && rc == SL_OK; i++) {
        rc = measure(&policy, i, &parts[i], &err);
        rc = rc == SL_OK ? rc : sl_err_prefix(&err, "%s", policy.nfs[i].source);
    }
    rc = rc == SL_OK && out != NULL ? sl_policy_write(&policy, out, &err) : rc;
    int status;
    if (rc == SL_OK) {
        status = report(&policy, parts, out, is_json);
    } else {
        status = rc == SL_IO || rc == SL_NO_MEMORY || (rc == SL_NOT_FOUND && !is_compiled)
                     ? CMD_USAGE
                     : CMD_BAD;
        status = is_json ? print_json(json_pack("{s:b, s:s, s:s}", "ok", 0, "code", sl_rc_name(rc),
                                                "error", err.text),
                                      status)
                         : complain_err(status, &err);
    }
    sl_policy_done(&policy);
    return status;
}

int policy_chain(int argc, char **argv)
{
    const char *out = NULL;
    bool is_dry = false;
    bool is_json = false;
    const struct option_spec options[] = {
        {"output", 'o', "OUT", "where the compiled chain goes", OPTION_STRING, &out, 0, 0},
        {"dry-run", 'n', NULL, "compile and load it, write nothing", OPTION_FLAG, &is_dry, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib policy chain IN.yaml -o OUT | --dry-run",
        .about =
            "Compiles a chain: a YAML file that lists NFs in the order that packets from the LAN\n"
            "visit them, each with its policy's file and the options of its flow table\n"
            "(docs/policy-chain.md). Every NF is loaded as an image would load it, and what "
            "memory\n"
            "that takes per shard is reported. OUT.rules.json leads back from the rules of every\n"
            "NF to the lines of its file.",
        .examples = "  safelib policy chain packaging/examples/chain.yaml --dry-run\n"
                    "  safelib policy chain chain.yaml -o chain.slp\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if ((out == NULL) != is_dry) {
        return complain(CMD_USAGE, "policy chain: say where to with -o OUT, or --dry-run");
    }
    return run(argv[first], out, is_json);
}
