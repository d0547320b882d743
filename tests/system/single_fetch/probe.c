/* SPDX-License-Identifier: Apache-2.0 */
/* Runs ESP from and to memory that stands for the shared area, between marks that the parser of the
 * trace finds: writes to fixed places in the page `marks`. Traced by valgrind's lackey.
 *
 *   probe open|seal|open-twice|seal-back 128|256    under lackey
 *   probe step|step-twice 128|256                   by itself
 *
 * `step` plays the host that writes at the worst moment: it runs ESP instruction by instruction
 * (trap flag) and changes one byte of the shared packet before instruction k, for every k. Whatever
 * comes out must be refused, or be what was sent. `open-twice`, `seal-back` and `step-twice` are
 * controls: they break the rule on purpose, and must be found. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "esp/esp.h"

enum { PAGE = 4096, SHARED_SIZE = 2 * PAGE, INNER_MIN = 20, INNER_DENSE = 84, INNER_MAX = 1500 };

/* Fixed addresses, so that the parser need not be told. */
static uint8_t *const shared = (uint8_t *)0x20000000;
static volatile uint64_t *const marks = (volatile uint64_t *)0x30000000;
static volatile uint8_t sink;

static void *fixed_map(void *at, size_t size)
{
    void *map = mmap(at, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (map != at) {
        perror("mmap");
        exit(1);
    }
    return map;
}

/* marks[n]: size n begins; marks[2048]: it ends. The value does not show in a trace. */
static void begin(uint32_t size)
{
    marks[size] = 1;
}

static void end(void)
{
    marks[2048] = 1;
}

static struct sl_esp_sa *sa_create(enum sl_esp_alg alg, bool is_inbound)
{
    struct sl_esp_params params = {.alg = alg,
                                   .spi = 0x12345600,
                                   .is_inbound = is_inbound,
                                   .window = 64,
                                   .key = {1, 2, 3},
                                   .salt = {4, 5, 6, 7}};
    struct sl_esp_sa *sa = NULL;
    if (sl_esp_sa_create(&params, &sa) != SL_OK) {
        (void)fprintf(stderr, "probe: this processor lacks what the algorithm needs\n");
        exit(77);
    }
    return sa;
}

static uint32_t packet_fill(uint8_t *packet, uint32_t size)
{
    memset(packet, (int)(size & 0xff), size);
    memset(packet, 0, 20);
    packet[0] = 0x45;
    packet[2] = (uint8_t)(size >> 8);
    packet[3] = (uint8_t)size;
    return size;
}

/* ---- step ---- */

enum { TRAP_FLAG = 0x100 };

static volatile uint64_t step_count, step_target;
static uint8_t *volatile step_place;

static void on_step(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signo;
    (void)info;
    if (++step_count == step_target) {
        *step_place ^= 0x55;
        uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    }
}

static inline __attribute__((always_inline)) void steps_begin(uint64_t target, uint8_t *place)
{
    step_count = 0;
    step_target = target;
    step_place = place;
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

/* Returns whether the byte was changed before the end. */
static inline __attribute__((always_inline)) bool steps_end(void)
{
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
    return step_count >= step_target;
}

struct step_rig {
    enum sl_esp_alg alg;
    bool is_control;
    uint64_t changed, refused, unharmed, forged;
};

static void judge(struct step_rig *rig, sl_rc rc, const uint8_t *out, const uint8_t *expected,
                  uint32_t size)
{
    rig->changed++;
    if (rc != SL_OK) {
        rig->refused++;
    } else if (memcmp(out, expected, size) == 0) {
        rig->unharmed++;
    } else {
        rig->forged++;
    }
}

/* The shared source changes under sl_esp_open. A fresh SA each time: the packet is no replay. */
static bool step_open(struct step_rig *rig, uint32_t size, uint32_t off, uint64_t target)
{
    uint8_t in[INNER_MAX + SL_ESP_OVERHEAD_MAX], expected[INNER_MAX];
    static uint8_t out[INNER_MAX + SL_ESP_OVERHEAD_MAX];
    struct sl_esp_sa *sealer = sa_create(rig->alg, false);
    struct sl_esp_sa *opener = sa_create(rig->alg, true);
    struct sl_esp_inner inner = {0};
    uint32_t sealed = 0;
    memcpy(expected, in, packet_fill(in, size));
    sl_rc rc = sl_esp_seal(sealer, in, size, SL_ESP_NEXT_IPV4, 0, shared, SHARED_SIZE, &sealed);
    if (rc != SL_OK) {
        exit(1);
    }
    uint8_t first = shared[off];
    steps_begin(target, shared + off);
    rc = sl_esp_open(opener, shared, sealed, out, sizeof(out), &inner);
    if (rig->is_control && rc == SL_OK) {
        out[off - 16] ^= (uint8_t)(shared[off] ^ first); /* fetched again after the check */
    }
    bool is_changed = steps_end();
    if (is_changed) {
        judge(rig, rc, out + inner.off, expected, size);
    }
    sl_esp_sa_free(sealer);
    sl_esp_sa_free(opener);
    return is_changed;
}

/* The shared destination changes under sl_esp_seal: a valid tag over the host's byte would open. */
static bool step_seal(struct step_rig *rig, uint32_t size, uint32_t off, uint64_t target)
{
    uint8_t in[INNER_MAX + SL_ESP_OVERHEAD_MAX], expected[INNER_MAX];
    static uint8_t out[INNER_MAX + SL_ESP_OVERHEAD_MAX];
    struct sl_esp_sa *sealer = sa_create(rig->alg, false);
    struct sl_esp_sa *opener = sa_create(rig->alg, true);
    struct sl_esp_inner inner = {0};
    uint32_t sealed = 0;
    memcpy(expected, in, packet_fill(in, size));
    steps_begin(target, shared + off);
    sl_rc rc = sl_esp_seal(sealer, in, size, SL_ESP_NEXT_IPV4, 0, shared, SHARED_SIZE, &sealed);
    bool is_changed = steps_end();
    if (rc != SL_OK) {
        exit(1);
    }
    if (is_changed) {
        rc = sl_esp_open(opener, shared, sealed, out, sizeof(out), &inner);
        judge(rig, rc, out + inner.off, expected, size);
    }
    sl_esp_sa_free(sealer);
    sl_esp_sa_free(opener);
    return is_changed;
}

/* The block before a partial one (read again, and dropped), a full block, header, ICV. */
static int step_all(enum sl_esp_alg alg, bool is_control)
{
    static const struct {
        uint32_t size, off;
    } cases[] = {{128, 143}, {28, 20}, {28, 1}, {28, 48}};
    size_t count = is_control ? 1 : alg == SL_ESP_AES_128_GCM_16 ? 4 : 1;
    struct step_rig rig = {.alg = alg, .is_control = is_control};
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    (void)sigaction(SIGTRAP, &action, NULL);
    for (size_t i = 0; i < count; i++) {
        for (uint64_t k = 1; step_open(&rig, cases[i].size, cases[i].off, k); k++) {
        }
        for (uint64_t k = 1; !is_control && step_seal(&rig, cases[i].size, cases[i].off, k); k++) {
        }
    }
    (void)printf("step: %lu changes at every instruction: %lu refused, %lu without effect, %lu "
                 "accepted wrongly\n",
                 rig.changed, rig.refused, rig.unharmed, rig.forged);
    return rig.forged != 0 || rig.refused == 0 || rig.unharmed == 0;
}

int main(int argc, char **argv)
{
    static uint8_t in[INNER_MAX + SL_ESP_OVERHEAD_MAX];
    static uint8_t out[INNER_MAX + SL_ESP_OVERHEAD_MAX];
    if (argc != 3) {
        return 2;
    }
    (void)fixed_map(shared, SHARED_SIZE);
    bool is_open = strncmp(argv[1], "open", 4) == 0;
    enum sl_esp_alg alg =
        strcmp(argv[2], "256") == 0 ? SL_ESP_AES_256_GCM_16 : SL_ESP_AES_128_GCM_16;
    bool is_control = strchr(argv[1], '-') != NULL;
    if (strncmp(argv[1], "step", 4) == 0) {
        return step_all(alg, is_control);
    }
    struct sl_esp_sa *sealer = sa_create(alg, false);
    struct sl_esp_sa *opener = sa_create(alg, true);
    (void)fixed_map((void *)(uintptr_t)marks, 5 * PAGE);
    for (uint32_t size = INNER_MIN; size <= (is_control ? INNER_MIN : INNER_MAX);
         size += size < INNER_DENSE ? 1 : 29) {
        struct sl_esp_inner inner;
        uint32_t sealed = 0;
        (void)packet_fill(in, size);
        /* at changing alignments, as runs of odd sizes make them */
        uint8_t *place = shared + 64 + size % 16;
        if (!is_open) {
            begin(size);
        }
        sl_rc rc =
            sl_esp_seal(sealer, in, size, SL_ESP_NEXT_IPV4, 0, place, SHARED_SIZE - 128, &sealed);
        if (is_control && !is_open) {
            sink = place[40];
        }
        if (!is_open) {
            end();
        }
        if (rc == SL_OK && is_open) {
            begin(size);
            rc = sl_esp_open(opener, place, sealed, out, sizeof(out), &inner);
            if (is_control) {
                sink = place[40];
            }
            end();
            rc = rc == SL_OK && inner.size == size ? SL_OK : SL_INTERNAL;
        }
        if (rc != SL_OK) {
            (void)fprintf(stderr, "probe: size %u: %s\n", size, sl_rc_text(rc));
            return 1;
        }
    }
    sl_esp_sa_free(sealer);
    sl_esp_sa_free(opener);
    return 0;
}
