/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Every reason that a packet can have at the NAT.
 */
#ifndef SL_NF_NAT_REASON_H
#define SL_NF_NAT_REASON_H

/** What became of a packet, and the counter of it: name, meaning. A packet's `rule` is the number
 * of its reason; the first NAT_REASON_GOOD let it pass. */
#define NAT_REASON_TABLE(X)                                                                        \
    X(translated_out, "translated on its way out")                                                 \
    X(translated_in, "translated on its way in")                                                   \
    X(hairpinned, "from inside to inside over an outside address")                                 \
    X(error_translated, "ICMP error of a session, translated with what it quotes")                 \
    X(passed, "no affair of this NAT, passed unchanged")                                           \
    X(unmatched, "no affair of this NAT, dropped")                                                 \
    X(invalid, "belongs to no flow: bad TCP state, or an ICMP error about nothing known")          \
    X(no_mapping, "to an outside endpoint that is nobody's")                                       \
    X(filtered, "to a mapping, from an endpoint that its filter does not let in")                  \
    X(expired, "to a session that nothing has gone out on for too long")                           \
    X(reload_ended, "of a session that the new policy has no place for")                           \
    X(spoofed, "of a session, but came in by the wrong side")                                      \
    X(port_exhausted, "no outside port left for its sender")                                       \
    X(mapping_exhausted, "no room for another mapping")                                            \
    X(subscriber_exhausted, "no room for another subscriber")                                      \
    X(subscriber_limit, "the subscriber has all the mappings that it may")                         \
    X(flow_exhausted, "no room for another flow")                                                  \
    X(flow_conflict, "another flow has the endpoints that it would get")                           \
    X(unsupported, "of a protocol that has no ports to translate")                                 \
    X(untranslatable, "RFC 7915 has it dropped")                                                   \
    X(source_route, "with a source route or routing header that is not used up")                   \
    X(too_big, "larger than the IPv6 side takes, and not to be cut (DF)")                          \
    X(hops_exceeded, "with no hop left")                                                           \
    X(not_global, "an address that is not global under the well-known prefix (RFC 6052 3.1)")      \
    X(damaged, "ICMP error whose checksum, or that of what it quotes, is wrong")                   \
    X(no_room, "no room to grow")                                                                  \
    X(no_hairpin, "from inside to an outside address of this NAT; hairpinning is off")             \
    X(closed_port, "TCP without SYN, or with RST, and no session")                                 \
    X(session_limit, "its mapping has all the sessions that it may")

enum { NAT_REASON_GOOD = 5 };

#endif
