#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds of fuzz_nat: conversations through the NAT64 that it makes, and policies.

usage: nat_seeds.py FOLDER SAFELIB (`safelib`, which compiles policies)"""
import os, struct, subprocess, sys, tempfile
from scapy.all import ICMP, IP, IPv6, TCP, UDP, ICMPv6EchoRequest, ICMPv6TimeExceeded, IPv6ExtHdrFragment, raw

POLICIES = {
    "plain": "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.1]}\n",
    "deterministic": "inside: [10.0.0.0/24]\noutside: {addresses: [192.0.2.0/29]}\n"
                     "allocation: {method: deterministic, block_size: 1024}\n",
    "forwards": "inside: [10.0.0.0/8, \"2001:db8::/32\"]\noutside: {addresses: [192.0.2.0/30]}\n"
                "nat64: {prefix: \"64:ff9b::/96\"}\nforwards:\n"
                "  - {protocol: tcp, outside: \"192.0.2.1:80\", inside: \"10.0.0.5:8080\"}\n"
                "  - {outside: 198.51.100.7, inside: 10.0.0.9}\n",
}
LAN4, LAN6, FAR, OUT = "10.0.0.1", "2001:db8::1", "198.51.100.1", "192.0.2.1"
FAR6 = "64:ff9b::c633:6401"


def talk(*packets):
    seed = b"\x01"
    for port, packet in packets:
        data = raw(packet)
        seed += struct.pack("BB", port | 2, len(data)) + data
    return seed


def main(folder, safelib):
    out = IP(src=LAN4, dst=FAR) / UDP(sport=4000, dport=53) / b"question"
    out6 = IPv6(src=LAN6, dst=FAR6) / UDP(sport=4000, dport=53) / b"question"
    seen = IP(src=OUT, dst=FAR) / UDP(sport=4000, dport=53) / b"question"
    answer = IP(src=FAR, dst=OUT) / UDP(sport=53, dport=4000) / b"answer"
    seeds = {
        "udp4": talk((0, out), (1, answer), (1, IP(src="203.0.113.1", dst=OUT) / ICMP(type=11) / seen)),
        "udp6": talk((0, out6), (1, answer), (1, IP(src="203.0.113.1", dst=OUT) / ICMP(type=3, code=4) / seen),
                     (0, IPv6(src=LAN6, dst=FAR6) / ICMPv6TimeExceeded() / IPv6(src=FAR6, dst=LAN6) /
                      UDP(sport=53, dport=4000) / b"answer")),
        "tcp": talk((0, IP(src=LAN4, dst=FAR) / TCP(sport=9, dport=80, flags="S")),
                    (1, IP(src=FAR, dst=OUT) / TCP(sport=80, dport=9, flags="SA", ack=1))),
        "echo": talk((0, IPv6(src=LAN6, dst=FAR6) / ICMPv6EchoRequest(id=7)),
                     (1, IP(src=FAR, dst=OUT) / ICMP(type=0, id=7)), (0, IP(src=LAN4, dst=FAR) / ICMP(id=8))),
        "hairpin": talk((0, IP(src="10.0.0.2", dst=FAR) / UDP(sport=5000, dport=53)),
                        (0, IP(src=LAN4, dst=OUT) / UDP(sport=4000, dport=5000))),
        "fragment": talk((0, IPv6(src=LAN6, dst=FAR6) / IPv6ExtHdrFragment(m=1, id=5) / UDP(sport=1, dport=2, len=99) / bytes(40))),
    }
    for name, text in POLICIES.items():
        with tempfile.TemporaryDirectory() as work:
            path, slp = os.path.join(work, "p.yaml"), os.path.join(work, "p.slp")
            open(path, "w").write(text)
            subprocess.run([safelib, "policy", "compile", "--kind", "nat", path, "-o", slp], check=True, stdout=subprocess.DEVNULL)
            bundle = open(slp, "rb").read()
        seeds["policy_" + name] = b"\x00" + bundle[bundle.index(b"SLNT"):]
    for name, seed in seeds.items():
        open(os.path.join(folder, name), "wb").write(seed)


main(*sys.argv[1:3])
