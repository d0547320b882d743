/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What somebody sends who wants others' packets to be slow: in trains between the packets of the
 * flows, of another size, so that what comes back can be told apart without opening it.
 */
#ifndef SL_BENCH_ATTACK_H
#define SL_BENCH_ATTACK_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ATTACK_TRAIN = 16, /**< packets of a kind in a row, as offloads hand them over */
    ATTACK_SIZE = 68,  /**< inner bytes, but for tiny fragments */
    ATTACK_ROOM = 128,
};

#define ATTACK_TABLE(X)                                                                            \
    X(ATTACK_NONE, "none")                                                                         \
    X(ATTACK_ORDINARY, "ordinary") /* packets of the flows, of the attack's size */                \
    X(ATTACK_SYN, "syn")           /* SYNs of as many strangers, to the open port */               \
    X(ATTACK_SCAN, "scan")         /* SYNs of one stranger to all ports of one host */             \
    X(ATTACK_COLLIDE, "collide")   /* SYNs whose tuples collide under a key that was guessed */    \
    X(ATTACK_FIRST, "first-fragments") /* of as many strangers, never followed by the rest */      \
    X(ATTACK_TINY, "tiny-fragments")   /* 8 bytes each, one after another, the last missing */     \
    X(ATTACK_OVERLAP, "overlapping-fragments") /* pairs of which the second overlaps the first */

enum attack_kind {
#define ATTACK_KIND(id, name) id,
    ATTACK_TABLE(ATTACK_KIND)
#undef ATTACK_KIND
        ATTACK_COUNT,
};

struct attack;

struct attack *attack_new(void);
void attack_free(struct attack *attack);
/** From now on @p percent of the trains are of that kind. @return false where there is no such
 * kind */
bool attack_set(struct attack *attack, const char *kind, uint32_t percent);
enum attack_kind attack_kind(const struct attack *attack);
/** Whether packet @p i of a job is the attack's; asked for each, in order. */
bool attack_is_turn(struct attack *attack, uint32_t i);
/** Makes one packet; not for ATTACK_NONE and ATTACK_ORDINARY. @return its bytes */
uint32_t attack_make(struct attack *attack, uint8_t *out);

#endif
