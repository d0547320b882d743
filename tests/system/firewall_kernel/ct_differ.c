/* SPDX-License-Identifier: Apache-2.0 */
/* Puts conversations through the kernel's connection tracking and through the firewall's, packet by
 * packet, and compares what each takes every packet for (classes), or decides by a rule file
 * (verdicts). Runs in a network namespace with the TUN devices "lan" and "wan" (run.sh). No timeout
 * ends within a run: run.sh sets the kernel's to a day, and here the clock stands still.
 *
 * usage: ct_differ SEED COUNT classes|FILE.nft [--captures PCAP...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "ct_cut.h"
#include "ct_talk.h"
#include "flow/fragments.h"
#include "kernel_path.h"
#include "nf/eval.h"
#include "policy/policy.h"
#include "safelib/bytes.h"

enum {
    ROOM = 12000,
    LARGEST = SL_PACKET_MAX - 8, /* with a fragment header still what an image takes */
    ITEMS_MAX = UINT16_MAX,      /* those that are cut have their number as identification */
    LATE_MS = 100,
    LATE_MAX = 8,
    CLASS_LOST = 255,
    SHOWN_MAX = 10,
};

struct item {
    uint8_t *data;
    uint32_t size;
    uint8_t port;
    struct cut cut;    /* how it goes in fragments */
    bool is_forwarded; /* by the kernel without any rule */
    uint8_t dscp;
    uint8_t kernel, ours; /* rule from 0, or CLASS_LOST; with a file: passed or not */
    uint8_t fate; /* enum sl_fragments_fate of the last of its fragments that was held or dropped */
    char note[64];
};

static struct item *items;
static uint32_t item_count;

/* What both rule files ask, in this order. */
static const char *const classes[] = {
    "ct state invalid",
    "ct state untracked",
    "ct state new ct direction original",
    "ct state new ct direction reply",
    "ct state established ct direction original",
    "ct state established ct direction reply",
    "ct state related ct direction original",
    "ct state related ct direction reply",
};
enum { CLASS_COUNT = sizeof(classes) / sizeof(classes[0]) };

/* The firewall says which rule decided; the kernel writes it into the DSCP. */
static void write_rules(const char *path, bool is_kernel)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        die(path);
    }
    (void)fprintf(
        file, "table inet t {\n chain f {\n  type filter hook forward priority 0; policy drop\n");
    for (uint32_t i = 0; i < CLASS_COUNT; i++) {
        if (is_kernel) {
            (void)fprintf(file, "  %s ip dscp set %u accept\n  %s ip6 dscp set %u accept\n",
                          classes[i], i + 1, classes[i], i + 1);
        } else {
            (void)fprintf(file, "  %s accept\n", classes[i]);
        }
    }
    (void)fprintf(file, " }\n}\n");
    (void)fclose(file);
}

static bool parse(struct item *item, struct sl_packet *packet)
{
    *packet = (struct sl_packet){
        .data = item->data, .size = item->size, .room = ROOM, .port_in = item->port};
    return sl_packet_parse(packet) == SL_OK;
}

static void add_item(const uint8_t *data, uint32_t size, uint8_t port, const char *note)
{
    struct item *item = &items[item_count];
    struct sl_packet packet;
    if (item_count == ITEMS_MAX || size > LARGEST) {
        return;
    }
    *item = (struct item){.data = malloc(ROOM), .size = size, .port = port};
    if (item->data == NULL) {
        die("memory");
    }
    memcpy(item->data, data, size);
    (void)snprintf(item->note, sizeof(item->note), "%s", note);
    /* fragments that something else cut: not for this comparison */
    if (!parse(item, &packet) || (packet.has & SL_PKT_FRAGMENT) != 0) {
        free(item->data);
        return;
    }
    item->size = packet.size;
    cut_choose(&packet, item_count + 1, &item->cut);
    item_count++;
}

/* All packets of a capture that both ends sent: who is seen first sits on the LAN. */
static void read_capture(const char *path)
{
    struct sl_capture *capture = NULL;
    struct sl_err err = {0};
    struct sl_capture_packet packet;
    uint8_t first[16];
    uint32_t width = 0;
    if (sl_capture_open(path, &capture, &err) != SL_OK) {
        return;
    }
    for (uint32_t i = 0; i < 300 && sl_capture_next(capture, &packet) == SL_OK; i++) {
        uint32_t at = packet.data[0] >> 4 == 4 ? 12 : 8;
        uint32_t own = packet.data[0] >> 4 == 4 ? 4 : 16;
        if (packet.size < 40) {
            continue;
        }
        if (width != own) {
            width = own;
            memcpy(first, packet.data + at, own);
        }
        add_item(packet.data, packet.size,
                 memcmp(first, packet.data + at, own) == 0 ? SL_PORT_LAN : SL_PORT_WAN,
                 strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path);
    }
    sl_capture_close(capture);
}

/* Did `out` start as `item`? Everything says so that a router leaves alone. */
static bool is_same(const struct item *item, const uint8_t *out, ssize_t size)
{
    bool is_v4 = item->data[0] >> 4 == 4;
    if (item->cut.count != 0) { /* the kernel has cut it again, or not */
        return cut_is_same(item->data, out, (uint32_t)size);
    }
    return size == (ssize_t)item->size && out[0] >> 4 == item->data[0] >> 4 &&
           memcmp(out + (is_v4 ? 12 : 8), item->data + (is_v4 ? 12 : 8),
                  item->size - (is_v4 ? 12u : 8u)) == 0 &&
           out[is_v4 ? 9 : 6] == item->data[is_v4 ? 9 : 6];
}

static uint8_t dscp_of(const uint8_t *out)
{
    return out[0] >> 4 == 4 ? out[1] >> 2 : (uint8_t)((out[0] << 4 | out[1] >> 4) & 0xff) >> 2;
}

/* Takes what came out; `item` and the few before it may be among it: a busy kernel is late. */
static void take_output(uint32_t index)
{
    static uint8_t out[65536];
    ssize_t size;
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        while ((size = read(kernel_tun[port], out, sizeof(out))) > 0) {
            for (uint32_t back = 0; back < LATE_MAX && back <= index; back++) {
                struct item *item = &items[index - back];
                if (port != item->port && item->dscp == CLASS_LOST && is_same(item, out, size)) {
                    item->dscp = dscp_of(out);
                    break;
                }
            }
        }
    }
}

static bool write_item(const struct item *item)
{
    uint8_t fragment[ROOM];
    if (item->cut.count == 0) {
        return write(kernel_tun[item->port], item->data, item->size) == (ssize_t)item->size;
    }
    for (uint32_t i = 0; i < item->cut.sent_count; i++) {
        uint32_t size =
            cut_write(item->data, (uint32_t)(item - items) + 1, &item->cut, i, fragment);
        if (write(kernel_tun[item->port], fragment, size) != (ssize_t)size) {
            return false;
        }
    }
    return true;
}

/* Fills dscp in: what a packet came out with, or CLASS_LOST. */
static void ask_kernel(uint32_t index, int wait_ms)
{
    struct item *item = &items[index];
    item->dscp = CLASS_LOST;
    if (!write_item(item)) {
        return;
    }
    take_output(index);
    if (item->dscp == CLASS_LOST && wait_ms > 0) {
        wait_output(wait_ms);
        take_output(index);
    }
}

/* What becomes of an item: of each packet, or of each fragment that leaves. */
struct deciding {
    uint32_t index;
    bool is_classes;
    uint32_t decided;
};

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    struct deciding *in = ctx;
    const struct sl_packet *packet = result->packet;
    if (result->fate != SL_EVAL_DECIDED) {
        if (result->tag < item_count) {
            items[result->tag].fate = (uint8_t)result->fragment;
        }
        return;
    }
    if (result->tag != in->index) {
        die("a fragment of another packet");
    }
    struct item *item = &items[in->index];
    bool is_passed = packet->verdict == SL_VERDICT_PASS;
    uint8_t ours = (uint8_t)(in->is_classes ? packet->rule : is_passed);
    if (in->decided++ > 0 && ours != item->ours) {
        /* a rejection is answered once, at the first; else what holds of it holds of the others */
        printf("  DIFFERENT: fragments of one datagram: %u and %u\n", item->ours, ours);
        ours = CLASS_LOST - 1; /* and so it is counted */
    }
    item->ours = ours;
}

static void decide_ours(struct sl_eval *eval, bool is_classes)
{
    static uint8_t bytes[CUT_SENT][ROOM];
    struct deciding in = {.is_classes = is_classes};
    sl_eval_listen(eval, on_result, &in);
    sl_eval_set_now(eval, 1000);
    for (in.index = 0; in.index < item_count; in.index++) {
        struct item *item = &items[in.index];
        struct sl_eval_packet packets[CUT_SENT];
        uint32_t count = item->cut.count == 0 ? 1 : item->cut.sent_count;
        if (!item->is_forwarded) {
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            bool is_cut = item->cut.count != 0;
            uint32_t size =
                is_cut ? cut_write(item->data, in.index + 1, &item->cut, i, bytes[i]) : item->size;
            packets[i] = (struct sl_eval_packet){.data = is_cut ? bytes[i] : item->data,
                                                 .size = size,
                                                 .port = item->port,
                                                 .tag = in.index};
        }
        in.decided = 0;
        item->ours = is_classes ? CLASS_LOST : 0;
        sl_eval_run(eval, packets, count);
    }
    sl_eval_listen(eval, NULL, NULL);
}

static void show(const struct item *item, uint32_t number, bool is_classes)
{
    if (is_classes) {
        printf("  DIFFERENT: packet %u: kernel %s, firewall %s\n", number,
               item->kernel < CLASS_COUNT ? classes[item->kernel] : "lost",
               item->ours < CLASS_COUNT ? classes[item->ours] : "no rule");
    } else {
        printf("  DIFFERENT: packet %u: kernel %s, firewall %s\n", number,
               item->kernel ? "accepts" : "does not", item->ours ? "accepts" : "does not");
    }
    if (item->cut.count != 0) {
        printf("    in %u fragments, of which one %s\n", item->cut.sent_count,
               sl_fragments_fate_text(item->fate));
    }
    printf("    %s in, %s: ", item->port == SL_PORT_LAN ? "lan" : "wan", item->note);
    for (uint32_t i = 0; i < item->size && i < 88; i++) {
        printf("%02x", item->data[i]);
    }
    printf("\n");
}

/* Addresses and ports of a packet, the lower end first. */
static void ends_of(const struct item *item, uint8_t ret_ends[36])
{
    bool is_v4 = item->data[0] >> 4 == 4;
    uint32_t width = is_v4 ? 4 : 16;
    uint8_t ends[2][18] = {{0}};
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(ends[i], item->data + (is_v4 ? 12 : 8) + i * width, width);
        memcpy(ends[i] + 16, item->data + (is_v4 ? 20 : 40) + 2 * i, 2);
    }
    bool is_swapped = memcmp(ends[0], ends[1], 18) > 0;
    memcpy(ret_ends, ends[is_swapped], 18);
    memcpy(ret_ends + 18, ends[!is_swapped], 18);
}

/* What went before between the same ends. */
static void show_history(uint32_t index)
{
    uint8_t ends[36];
    uint8_t others[36];
    ends_of(&items[index], ends);
    for (uint32_t i = 0; i <= index; i++) {
        const struct item *item = &items[i];
        const uint8_t *tcp = item->data + (item->data[0] >> 4 == 4 ? 20 : 40);
        ends_of(item, others);
        if (item->is_forwarded && memcmp(ends, others, sizeof(ends)) == 0) {
            printf("      %6u %-32s seq %08x ack %08x window %5u options %2u: kernel %s%s\n", i,
                   item->note, sl_be32_get(tcp + 4), sl_be32_get(tcp + 8), sl_be16_get(tcp + 14),
                   (tcp[12] >> 4) * 4u - 20,
                   item->kernel < CLASS_COUNT ? classes[item->kernel] : "?",
                   item->kernel == item->ours ? "" : " (DIFFERENT)");
        }
    }
}

static uint32_t compare(bool is_classes)
{
    uint32_t compared = 0;
    uint32_t different = 0;
    uint32_t passed = 0;
    uint32_t cut = 0;
    uint32_t cut6 = 0;
    uint32_t duplicated = 0;
    uint32_t overlaps = 0;
    uint32_t errors = 0;
    uint32_t by_class[2][CLASS_COUNT] = {{0}}; /* IPv4, IPv6 */
    for (uint32_t i = 0; i < item_count; i++) {
        if (items[i]
                .is_forwarded) { /* where rules drop nothing, every packet is worth waiting for */
            ask_kernel(i, is_classes ? LATE_MS : 0);
        }
    }
    wait_output(LATE_MS);
    take_output(item_count - 1);
    for (uint32_t i = 0; i < item_count; i++) {
        struct item *item = &items[i];
        if (!item->is_forwarded) {
            continue;
        }
        bool is_lost = item->dscp == CLASS_LOST;
        item->kernel = is_classes ? (uint8_t)(is_lost ? CLASS_LOST : item->dscp - 1) : !is_lost;
        compared++;
        cut += item->cut.count != 0;
        cut6 += item->cut.count != 0 && item->data[0] >> 4 == 6;
        duplicated += item->cut.sent_count > item->cut.count;
        overlaps += item->cut.is_overlap;
        errors += item->cut.is_error;
        passed += !is_lost;
        if (item->kernel < CLASS_COUNT) {
            by_class[item->data[0] >> 4 == 6][item->kernel]++;
        }
        if (item->kernel != item->ours && ++different <= SHOWN_MAX) {
            show(item, i, is_classes);
            if (is_classes && different <= 3) {
                show_history(i);
            }
        }
    }
    printf("%u packets compared, %u of them in fragments (%u IPv6, %u ICMP errors, %u with "
           "duplicates, %u that overlap), the kernel lets %u pass, %u different\n",
           compared, cut, cut6, errors, duplicated, overlaps, passed, different);
    for (uint32_t i = 0; i < CLASS_COUNT && is_classes; i++) {
        printf("  IPv4 %6u  IPv6 %6u  %s\n", by_class[0][i], by_class[1][i], classes[i]);
    }
    /* "ct state established ct direction reply": where there is none, no conversation was compared
     */
    if (is_classes && (by_class[0][5] == 0 || by_class[1][5] == 0)) {
        die("of a family there was no answer that the kernel took for one");
    }
    return compared == 0 ? 1 : different;
}

static struct sl_eval *load(const char *rules, struct sl_policy *policy)
{
    struct sl_eval *eval = NULL;
    struct sl_err err = {0};
    struct sl_chain *chain = NULL;
    if (sl_policy_compile_nftables(rules, policy, &err) != SL_OK ||
        sl_chain_create(policy->bundle, policy->size, &chain, &err) != SL_OK ||
        sl_eval_create(chain, false, &eval) != SL_OK) {
        fprintf(stderr, "ct_differ: %s\n", err.text);
        exit(2);
    }
    return eval;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: ct_differ SEED COUNT classes|FILE.nft [--captures PCAP...]\n");
        return 2;
    }
    bool is_classes = strcmp(argv[3], "classes") == 0;
    const char *ours = is_classes ? "ours.nft" : argv[3];
    const char *kernels = is_classes ? "kernels.nft" : argv[3];
    items = calloc(ITEMS_MAX, sizeof(*items));
    if (items == NULL) {
        die("memory");
    }
    random_seed(strtoull(argv[1], NULL, 10));
    kernel_path_open();
    if (is_classes) {
        write_rules(ours, false);
        write_rules(kernels, true);
    }
    talks_make((uint32_t)strtoul(argv[2], NULL, 10), add_item);
    for (int i = 5; i < argc; i++) {
        read_capture(argv[i]);
    }
    for (uint32_t i = 0; i < item_count; i++) { /* no rule asks: nothing is tracked yet */
        ask_kernel(i, 0);
    }
    wait_output(LATE_MS);
    take_output(item_count - 1);
    for (uint32_t i = 0; i < item_count; i++) {
        items[i].is_forwarded = items[i].dscp != CLASS_LOST;
    }
    if (item_count == 0) {
        die("no packets");
    }
    struct sl_policy policy;
    struct sl_eval *eval = load(ours, &policy);
    decide_ours(eval, is_classes);
    run_nft("-f", kernels);
    uint32_t different = compare(is_classes);
    sl_eval_free(eval);
    sl_policy_done(&policy);
    return different == 0 ? 0 : 1;
}
