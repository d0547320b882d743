#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ESP between SafeLib and scapy, both ways: every algorithm, ESN with high words, IPv4 and IPv6 inside and out, UDP
encapsulation and protocol 50. Usage: esp_scapy.py ESP_TOOL"""
import copy
import itertools
import os
import random
import socket
import sys

try:
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.ipsec import ESP, IPSecIntegrityError, SecurityAssociation
    from scapy.packet import Raw
except ImportError:
    print("skipped: python3-scapy is not installed")
    sys.exit(77)

from esp_peer import ALGORITHMS, Refused, Tool  # noqa: E402

SEQUENCES = [  # ESN, last sequence number before the first packet
    (False, 0), (False, 0xFFFFFFF0), (True, 0), (True, 0xFFFFFFFE), (True, 0x7_00000010), (True, 0xFFFFFFFE_FFFFFFFD),
]


def inner_packets(rng):
    payload = bytes(rng.randrange(256) for _ in range(rng.randrange(1300)))
    yield IP(src="10.0.0.1", dst="192.0.2.9", tos=rng.randrange(256)) / UDP(sport=1, dport=2) / Raw(payload)
    yield IP(src="10.0.0.1", dst="192.0.2.9") / TCP(flags="S")
    yield IP(src="10.0.0.1", dst="192.0.2.9") / ICMP() / Raw(payload[:5])
    yield IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=1, dport=2) / Raw(payload)
    yield IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(flags="SA") / Raw(b"x")


def tunnel_header(version):
    if version == 4:
        return IP(src="198.51.100.1", dst="198.51.100.2")
    return IPv6(src="2001:db8:1::1", dst="2001:db8:1::2")


def addresses(version):
    header = tunnel_header(version)
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    return socket.inet_pton(family, header.src), socket.inet_pton(family, header.dst)


def scapy_sa(algorithm, spi, key, salt, version, framing, esn):
    return SecurityAssociation(
        ESP, spi=spi, crypt_algo=ALGORITHMS[algorithm][2], crypt_key=key + salt, tunnel_header=tunnel_header(version),
        nat_t_header=UDP(sport=4500, dport=4500) if framing == "udp" else None, esn_en=esn)


def from_scapy(tool, peer, sa, inner, number, esn, iv):
    """scapy seals, SafeLib opens."""
    peer.seq_num = number & 0xFFFFFFFF  # scapy takes an argument of 0 for "none given"
    packet = peer.encrypt(copy.deepcopy(inner), seq_num=number & 0xFFFFFFFF, iv=iv, esn_en=esn, esn=number >> 32)
    wire = bytearray(bytes(packet))
    if wire[0] == 0x45 and wire[9] == 17:
        # scapy 2.5 leaves the UDP length of NAT-T over IPv4 at 8; SafeLib refuses that, rightly
        wire[24:26] = (len(wire) - 20).to_bytes(2, "big")
    got_framing, _, _, _, esp = tool.unwrap(bytes(wire))
    next_header, got_number, got = tool.open(sa, esp)
    assert got_number == number, (hex(got_number), hex(number))
    assert got == bytes(inner), "the inner packet changed"
    assert next_header == (4 if inner.version == 4 else 41)
    try:
        tool.open(sa, esp)
    except Refused as error:
        assert str(error) == "REPLAY", error
    else:
        raise AssertionError("a replay was accepted")
    return got_framing


def to_scapy(tool, peer, sa, inner, number, esn, version, framing):
    """SafeLib seals, scapy opens; a flipped bit must not open."""
    src, dst = addresses(version)
    esp = tool.seal(sa, bytes(inner))
    packet = tool.wrap(framing, version, src, dst, esp)
    parse = IP if version == 4 else IPv6
    got = peer.decrypt(parse(packet), esn_en=esn, esn=number >> 32)
    assert bytes(got) == bytes(inner), "the inner packet changed"
    broken = bytearray(packet)
    broken[-20] ^= 4
    try:
        peer.decrypt(parse(bytes(broken)), esn_en=esn, esn=number >> 32)
    except IPSecIntegrityError:
        pass
    else:
        raise AssertionError("scapy accepted a broken packet")
    # byte for byte: scapy with our IV makes the same packet
    again = peer.encrypt(copy.deepcopy(inner), seq_num=number & 0xFFFFFFFF, iv=number.to_bytes(8, "big"), esn_en=esn,
                         esn=number >> 32)
    assert bytes(again).endswith(esp), "scapy makes another packet of the same input"


def main():
    tool = Tool(sys.argv[1])
    rng = random.Random(4303)
    count = 0
    for algorithm, (esn, start), version, framing in itertools.product(ALGORITHMS, SEQUENCES, (4, 6), ("udp", "native")):
        key = bytes(rng.randrange(256) for _ in range(ALGORITHMS[algorithm][1]))
        salt = bytes(rng.randrange(256) for _ in range(4))
        spi = rng.randrange(256, 1 << 32)
        peer = scapy_sa(algorithm, spi, key, salt, version, framing, esn)
        inbound = tool.sa("in", algorithm, spi, key, salt, esn, 64, start)
        outbound = tool.sa("out", algorithm, spi, key, salt, esn, 64, start)
        for i, inner in enumerate(inner_packets(rng)):
            number = start + 1 + i
            if number > (0xFFFFFFFFFFFFFFFF if esn else 0xFFFFFFFF):
                break
            inner = inner.__class__(bytes(inner))
            iv = bytes(rng.randrange(256) for _ in range(8))
            assert from_scapy(tool, peer, inbound, inner, number, esn, iv) == framing
            to_scapy(tool, peer, outbound, inner, number, esn, version, framing)
            count += 2
    tool.close()
    print(f"{count} packets exchanged with scapy, each authentic, each equal")


main()
