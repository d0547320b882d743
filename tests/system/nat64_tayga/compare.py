#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same packets through tayga (on its TUN device nat64 in this namespace) and through safelib's NAT64; see run.sh.
Usage: compare.py SAFELIB FOLDER"""
import logging
import socket
import subprocess
import sys
import time

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import (ICMP, IP, TCP, UDP, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig,  # noqa: E402
                       ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrFragment, Raw, raw)
from scapy.utils import PcapReader, RawPcapWriter  # noqa: E402

INSIDE, OUTSIDE, SERVER, ROUTER = "2001:db8:1::9", "198.51.100.1", "93.184.216.34", "93.184.216.1"
PREFIX = "2001:db8:64::"
PACKET_OUTGOING, ETH_P_ALL = 4, 3

MARKER = 9999  # destination port of the packet that says that tayga is done with the one before it

# what tayga 0.9.2 drops: why we translate it
EXPLAINED = {
    "parameter problem": "RFC 7915 4.2, 5.2: Parameter Problem is translated where figure 3 or 6 has the pointer",
    "unreachable 3 about": "RFC 7915 5.2: address unreachable (3) becomes host unreachable (1)",
    "about ping, from inside": "RFC 7915 5.3: the packet in error is translated like any other, an echo reply too",
}


def embed(address):
    return PREFIX + address


def payload(size):
    return Raw(bytes(i & 255 for i in range(size)))


def cases():
    """@return (name, packet)s, in an order in which each answer comes after what it answers"""
    out = {"src": INSIDE, "dst": embed(SERVER)}
    back = {"src": SERVER, "dst": OUTSIDE}
    own = []
    for at, (tc, hop) in enumerate(((0, 64), (0xb8, 255), (0x2e, 3), (0xff, 2))):
        head = dict(out, tc=tc, hlim=hop, fl=at * 0x1234)
        own += [(f"udp out, class {tc:#x}, hop limit {hop}", IPv6(**head) / UDP(sport=5000, dport=53) / payload(30)),
                (f"tcp out, class {tc:#x}, hop limit {hop}", IPv6(**head) / TCP(sport=6000, dport=80, flags="S" if at == 0 else "A")),
                (f"ping out, class {tc:#x}, hop limit {hop}", IPv6(**head) / ICMPv6EchoRequest(id=700, seq=at) / payload(56))]
        head = dict(back, tos=tc, ttl=hop, id=at + 9, flags="DF" if at % 2 == 0 else 0)
        own += [(f"udp back, class {tc:#x}, ttl {hop}", IP(**head) / UDP(sport=53, dport=5000) / payload(31)),
                (f"tcp back, class {tc:#x}, ttl {hop}", IP(**head) / TCP(sport=80, dport=6000, flags="SA" if at == 0 else "A")),
                (f"ping back, class {tc:#x}, ttl {hop}", IP(**head) / ICMP(type=0, id=700, seq=at) / payload(56))]
    for size in (0, 1, 1232 - 8, 1280, 1400):
        own += [(f"udp out, {size} bytes", IPv6(**out) / UDP(sport=5000, dport=53) / payload(size)),
                (f"udp back, {size} bytes", IP(**back, flags="DF") / UDP(sport=53, dport=5000) / payload(size))]
    return own + errors_out(back) + errors_back()


def errors_out(back):
    """From inside, about packets that came from the server: as the inside host saw them."""
    own = []
    seen = {"udp": IPv6(src=embed(SERVER), dst=INSIDE, hlim=60) / UDP(sport=53, dport=5000) / payload(40),
            "tcp": IPv6(src=embed(SERVER), dst=INSIDE, hlim=60) / TCP(sport=80, dport=6000, flags="A"),
            "ping": IPv6(src=embed(SERVER), dst=INSIDE, hlim=60) / ICMPv6EchoReply(id=700, seq=1) / payload(20)}
    kinds = [(f"unreachable {code}", ICMPv6DestUnreach(code=code)) for code in range(7)]
    kinds += [(f"too big {mtu}", ICMPv6PacketTooBig(mtu=mtu)) for mtu in (1280, 1400, 1500, 9000)]
    kinds += [(f"time exceeded {code}", ICMPv6TimeExceeded(code=code)) for code in (0, 1)]
    kinds += [(f"parameter problem {code} at {at}", ICMPv6ParamProblem(code=code, ptr=at))
              for code, at in [(0, i) for i in (0, 1, 2, 4, 5, 6, 7, 8, 23, 24, 39, 40)] + [(1, 6), (2, 40)]]
    for what, about in seen.items():
        for name, error in kinds:
            own.append((f"{name} about {what}, from inside", IPv6(src=INSIDE, dst=embed(SERVER)) / error / Raw(raw(about))))
    return own


def errors_back():
    """From outside, about packets that went out: as the server saw them."""
    own = []
    seen = {"udp": IP(src=OUTSIDE, dst=SERVER, ttl=50, id=7) / UDP(sport=5000, dport=53) / payload(40),
            "tcp": IP(src=OUTSIDE, dst=SERVER, ttl=50, id=7) / TCP(sport=6000, dport=80, flags="A"),
            "ping": IP(src=OUTSIDE, dst=SERVER, ttl=50, id=7) / ICMP(type=8, id=700, seq=1) / payload(20)}
    kinds = [(f"unreachable {code}", ICMP(type=3, code=code)) for code in range(16) if code != 4]
    kinds += [(f"fragmentation needed {mtu}", ICMP(type=3, code=4, nexthopmtu=mtu)) for mtu in (0, 68, 576, 1260, 1400, 1480, 9000)]
    kinds += [(f"time exceeded {code}", ICMP(type=11, code=code)) for code in (0, 1)]
    kinds += [(f"parameter problem {code} at {at}", ICMP(type=12, code=code, ptr=at))
              for code, at in [(0, i) for i in (0, 1, 2, 3, 4, 6, 8, 9, 10, 12, 15, 16, 19, 20)] + [(1, 0), (2, 2)]]
    kinds += [("source quench", ICMP(type=4)), ("redirect", ICMP(type=5, code=1))]
    for what, about in seen.items():
        for name, error in kinds:
            for source in (SERVER, ROUTER):
                own.append((f"{name} about {what}, from {source}", IP(src=source, dst=OUTSIDE) / error / Raw(raw(about))))
    return own


def through_tayga(packets):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    wire.bind(("nat64", ETH_P_ALL))
    wire.settimeout(0.2)
    marker = raw(IPv6(src=INSIDE, dst=embed(SERVER)) / UDP(sport=MARKER, dport=MARKER))
    answers = []
    for data in packets:
        kind = 0x86dd if data[0] >> 4 == 6 else 0x0800
        wire.sendto(data, ("nat64", kind))
        wire.sendto(marker, ("nat64", 0x86dd))
        answers.append(wire_read(wire, kind))
    wire.close()
    return answers


def wire_read(wire, sent):
    """@return what tayga made of a packet of that kind, None where it dropped it; answers of its own are of the same kind"""
    answer, end = None, time.monotonic() + 10
    while time.monotonic() < end:
        try:
            data, where = wire.recvfrom(65536)
        except TimeoutError:
            continue
        if where[2] == PACKET_OUTGOING or where[1] not in (0x86dd, 0x0800):
            continue
        if where[1] == 0x0800 and data[9] == 17 and data[22:24] == MARKER.to_bytes(2, "big"):
            return answer
        if where[1] != sent:
            answer = data
    return answer


def through_safelib(safelib, folder, packets):
    with_time = RawPcapWriter(f"{folder}/in.pcap", linktype=101)
    for at, data in enumerate(packets):
        with_time.write(data) if at == 0 else with_time._write_packet(data, sec=at // 1000, usec=at % 1000 * 1000)
    with_time.close()
    text = subprocess.run([safelib, "replay", "--chain", f"{folder}/nat64.slp", "--in", f"{folder}/in.pcap", "--out", f"{folder}/out.pcap",
                           "--device", "bare", "--lan", "2001:db8:1::/64"], capture_output=True, text=True, check=True).stdout
    passed = [line.split()[1] == "accept" for line in text.splitlines() if line and line[0].isdigit()]
    if len(passed) != len(packets):
        sys.exit(f"safelib replay speaks of {len(passed)} packets, not {len(packets)}:\n{text[:600]}")
    with PcapReader(f"{folder}/out.pcap") as reader:
        outs = [bytes(packet) for packet in reader]
    result, at = [], 0
    for data, good in zip(packets, passed):
        result.append(outs[at] if good else None)
        at += good
    return result


def plain4(data):
    """An IPv4 header without its identification, its checksum, which has to be right, and DF where the packet has no more than 1260 bytes:
    RFC 7915 5.1 leaves it clear then, tayga follows RFC 6145 5.1, which sets it."""
    if data[0] != 0x45:
        return b"header length " + bytes(data)
    total = int.from_bytes(data[2:4], "big")
    if total_sum(data[:20]) != 0xffff:
        return b"header checksum " + bytes(data)
    data[4:6] = data[10:12] = b"\0\0"
    if total <= 1260:
        data[6] &= 0xbf
    return bytes(data)


def total_sum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total


def plain(data):
    """A packet without what each side chooses, in its header and in the one that an ICMP error quotes."""
    if data is None:
        return None
    data = bytearray(data)
    if data[0] >> 4 == 6:
        if data[6] == 44:
            data[44:48] = b"\0" * 4
        return bytes(data)
    if data[9] == 1 and data[20] in (3, 4, 5, 11, 12):
        if total_sum(data[20:]) != 0xffff:
            return b"ICMP checksum " + bytes(data)
        data[22:24] = b"\0\0"  # covers the quoted identification
        data[28:] = plain4(data[28:])
    return plain4(data)


def main():
    safelib, folder = sys.argv[1:]
    listed = cases()
    packets = [raw(packet) for _, packet in listed]
    if through_tayga(packets[:1] * 3)[2] is None:  # each waits for 10 s at the most
        sys.exit("tayga does not translate")
    theirs, ours = through_tayga(packets), through_safelib(safelib, folder, packets)
    same, explained, bad = 0, 0, 0
    for (name, _), packet, their, our in zip(listed, packets, theirs, ours):
        if plain(their) == plain(our):
            same += their is not None
            continue
        reason = next((text for part, text in EXPLAINED.items() if part in name), None)
        if reason is not None and their is None:
            explained += 1
            continue
        bad += 1
        print(f"DIFFERENT: {name}\n  in    {packet.hex()}\n  tayga {their.hex() if their else None}\n  ours  {our.hex() if our else None}")
    alike = len(listed) - same - explained - bad
    print(f"{len(listed)} packets: {same} translated alike, {alike} dropped by both, {explained} that only we translate, {bad} differ")
    sys.exit(bad != 0 or same < len(listed) // 2)


main()
