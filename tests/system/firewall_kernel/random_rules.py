#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Writes COUNT random rules of the subset: random_rules.py SEED COUNT [ct] > rules.nft. With ct they ask for connections.
import random
import sys

seed, count, is_ct = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["ct"]
r = random.Random(seed)
NETS4 = ["10.0.0.0/8", "10.0.0.0/24", "10.1.2.0/28", "192.0.2.0/24", "192.0.2.8/29", "172.16.0.0/12", "198.18.0.0/29", "93.184.216.0/24"]


def addr4():
    return "%s.%d" % (r.choice(["10.0.0", "10.1.2", "192.0.2", "172.16.5", "198.18.0", "93.184.216"]), r.randrange(16))


def one4():
    kind = r.randrange(3)
    if kind == 0:
        return r.choice(NETS4)
    if kind == 1:
        base, low = addr4().rsplit(".", 1)
        return "%s.%s-%s.%d" % (base, low, base, int(low) + r.randrange(1, 20))
    return addr4()


def one6():
    return r.choice(["2001:db8:%x::/48" % r.randrange(4), "2001:db8:%x::%x" % (r.randrange(4), r.randrange(1, 16)),
                     "2001:db8::%x-2001:db8::%x" % (r.randrange(1, 5), r.randrange(5, 16)), "2001:db8::/%d" % r.randrange(30, 64)])


def port():
    low = r.choice([22, 25, 53, 80, 123, 443, 500, 1024, 5000, 5001, 8080, 65535, r.randrange(65536)])
    return str(low) if r.random() < 0.6 or low > 60000 else "%d-%d" % (low, low + r.randrange(1, 500))


def group(make, negate=True):
    op = "!= " if negate and r.random() < 0.25 else ""
    if r.random() < 0.3:
        values = {make() for _ in range(r.randrange(2, 4))}
        # overlapping intervals in one set are an error of nft
        if all("-" not in v and "/" not in v for v in values):
            return "%s{ %s }" % (op, ", ".join(sorted(values)))
    return op + make()


def match():
    out = []
    if r.random() < 0.2:
        out.append(r.choice(['iifname "lan"', 'iifname "wan"', 'oifname "lan"', 'oifname != "lan"']))
    family = r.randrange(3)
    if family == 0:
        out += ["ip %s %s" % (side, group(one4)) for side in ("saddr", "daddr") if r.random() < 0.6]
        if r.random() < 0.1:
            out.append("ip frag-off & %s %s 0" % (r.choice(["0x1fff", "0x2000", "0x3fff"]), r.choice(["!=", "=="])))
    elif family == 1:
        out += ["ip6 %s %s" % (side, group(one6)) for side in ("saddr", "daddr") if r.random() < 0.6]
        if r.random() < 0.1:
            out.append("exthdr frag %s" % r.choice(["exists", "missing"]))
    layer = r.randrange(6)
    if layer == 0:
        out.append("tcp flags " + r.choice(["syn", "!= syn", "& (syn|ack) == syn", "syn,rst", "{ syn, ack, syn|ack }", "& (fin|syn|rst|ack) != ack"]))
    elif layer < 3:
        proto = r.choice(["tcp", "udp", "tcp", "udp", "sctp", "dccp", "udplite"])
        ports = [(side, group(port)) for side in ("sport", "dport") if r.random() < 0.6]
        # nft 1.0.6 loads `sport != 1 dport != 2` as one comparison of both ports: true where either differs
        is_merged = len(ports) == 2 and all(text.startswith("!=") for _, text in ports)
        out += ["%s %s %s" % (proto, side, text) for side, text in (ports[:1] if is_merged else ports)]
    elif layer == 3 and family != 1:
        out.append("icmp type " + group(lambda: str(r.choice([0, 3, 5, 8, 11, 13]))))
    elif layer == 3:
        out.append("icmpv6 type " + group(lambda: str(r.choice([1, 2, 3, 128, 129, 200]))))
    elif layer == 4:
        out.append("meta l4proto %s" % r.choice(["tcp", "udp", "{ tcp, udp, 47 }", "!= { tcp, 50 }", "icmp"]))
    return " ".join(out)


def ct_match():
    """Few and broad, about the hosts and ports of ct_talk.c: most packets hit some."""
    out = [r.choice(["ct state new", "ct state established,related", "ct state != invalid", "ct state { new, related }", "ct direction reply",
                     "ct direction != original", "ct state & (new|established) != 0", "ct state invalid", "ct state ! new", ""])]
    if r.random() < 0.8:
        out.append(r.choice(['iifname "lan"', 'oifname "lan"', "tcp dport %d-%d" % (80 + r.randrange(2), 81 + r.randrange(900)), "meta l4proto tcp",
                             "meta l4proto { udp, icmp, ipv6-icmp }", "ip saddr 10.0.0.%d" % r.randrange(1, 4), "ip daddr 192.0.2.0/30", "udp sport > 1030",
                             "ip6 saddr 2001:db8:1::/48", "tcp flags & (syn|ack) == syn", "icmp type { 3, 8, 0 }", "tcp sport 80"]))
    return " ".join(out)


if is_ct:
    match = ct_match
print("# seed %d" % seed)
print("table inet t {")
for chain in range(3):
    print("  chain c%d {" % chain)
    for _ in range(8):
        verdicts = ["accept", "drop", "return", "return", "counter"] + ["jump c%d" % i for i in range(chain)]
        print("    %s %s" % (match(), r.choice(verdicts)))
    print("  }")
print("  chain f { type filter hook forward priority 0; policy %s;" % r.choice(["accept", "drop"]))
for _ in range(count):
    print("    %s %s" % (match(), r.choice(["accept", "drop", "drop", "accept", "jump c0", "jump c1", "jump c2", "counter", "reject"])))
print("  }")
print("}")
