#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same packets through tayga (on its TUN device nat64 in this namespace) and through safelib's NAT64; see run.sh.
Usage: compare.py SAFELIB FOLDER"""
import itertools
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

LOWEST_MTU = 1280  # RFC 7915 4: what it calls lowest-ipv6-mtu, to which tayga cuts what came without DF; ours is nat64.mtu, 1500

MARKER = 9999  # destination port of the packet that says that tayga is done with the one before it
MARKERS = itertools.count(1)  # its source port, another one each time

# what tayga 0.9.2, which keeps no state, drops: why we translate it
EXPLAINED = {
    "parameter problem": "RFC 7915 4.2, 5.2: Parameter Problem is translated where figure 3 or 6 has the pointer",
    "unreachable 3 about": "RFC 7915 5.2: address unreachable (3) becomes host unreachable (1)",
    "about ping, from inside": "RFC 7915 5.3: the packet in error is translated like any other, an echo reply too",
    "udp without checksum": "RFC 7915 4.5, RFC 6146 3.4: the checksum is computed, of fragments too, as all of them are at hand",
    "ping ": "RFC 7915 1.2 has no fragmented ICMP for who keeps no state; RFC 6146 3.4 has all fragments put together",
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


def cut(packet, count, order=1):
    """@return the packet in so many fragments, or whole"""
    data = raw(packet)
    head = 40 if data[0] >> 4 == 6 else 20
    body, own = data[head:], []
    step = (-(-len(body) // count) + 7) // 8 * 8
    for at in range(0, len(body), step):
        part, more = body[at:at + step], at + step < len(body)
        if head == 40:
            place = raw(IPv6ExtHdrFragment(nh=data[6], offset=at // 8, m=more, id=0x87654321))
            own.append(data[:4] + (8 + len(part)).to_bytes(2, "big") + b"\x2c" + data[7:40] + place + part)
        else:
            ip = IP(data[:20])
            ip.id, ip.frag, ip.flags, ip.len, ip.chksum = 0x4321, at // 8, "MF" if more else 0, 20 + len(part), None
            own.append(raw(ip) + part)
    return own[::order] if count > 1 else [data]


def datagrams():
    """@return (name, packets): datagrams in fragments, both ways, and whole ones at the bounds of RFC 7915 4 and 5.1"""
    out, back = {"src": INSIDE, "dst": embed(SERVER), "tc": 0x2e}, {"src": SERVER, "dst": OUTSIDE, "tos": 0x2e}
    own = []
    for count in range(2, 6):
        for each, order, told in ((16, 1, ""), (400, 1, ""), (1200, 1, ""), (400, -1, ", last first")):
            size = count * each - 8  # behind eight bytes of header
            named = f"{size} bytes in {count}{told}"
            own += [(f"udp out, {named}", cut(IPv6(**out) / UDP(sport=5000, dport=53) / payload(size), count, order)),
                    (f"udp back, {named}", cut(IP(**back) / UDP(sport=53, dport=5000) / payload(size), count, order)),
                    (f"udp without checksum, {named}", cut(IP(**back) / UDP(sport=53, dport=5000, chksum=0) / payload(size), count, order)),
                    (f"ping out, {named}", cut(IPv6(**out) / ICMPv6EchoRequest(id=700, seq=9) / payload(size), count, order)),
                    (f"ping back, {named}", cut(IP(**back) / ICMP(type=0, id=700, seq=9) / payload(size), count, order))]
        own += [(f"tcp out in {count}", cut(IPv6(**out) / TCP(sport=6000, dport=80, flags="A", seq=1, ack=1) / payload(900), count)),
                (f"tcp back in {count}", cut(IP(**back) / TCP(sport=80, dport=6000, flags="A", seq=1, ack=1) / payload(900), count))]
    for size in (0, 1, 2, 999, 1232):
        own.append((f"udp without checksum, {size} bytes", cut(IP(**back) / UDP(sport=53, dport=5000, chksum=0) / payload(size), 1)))
    for total in (1259, 1260, 1261, 1280, 1281):  # RFC 7915 5.1: DF from 1261 bytes on
        own.append((f"udp out, {total} bytes of IPv4", cut(IPv6(**out) / UDP(sport=5000, dport=53) / payload(total - 28), 1)))
    for total in (1260, 1261, 1280, 1400, 1480):  # RFC 7915 4: from 1261 on it is more than 1280 bytes of IPv6
        for flags in (0, "DF"):
            own.append((f"udp back, {total} bytes of IPv4, flags {flags}",
                        cut(IP(**back, flags=flags) / UDP(sport=53, dport=5000) / payload(total - 28), 1)))
    for total in (1481, 1500):  # above nat64.mtu: with a fragment header, to be cut as it leaves the image
        own.append((f"udp back, {total} bytes of IPv4, flags 0", cut(IP(**back) / UDP(sport=53, dport=5000) / payload(total - 28), 1)))
    own += [(f"udp back, {count} fragments of 1500 bytes", cut(IP(**back) / UDP(sport=53, dport=5000) / payload(count * 1480 - 8), count))
            for count in (2, 3)]
    one = IPv6(**out) / IPv6ExtHdrFragment(id=0x87654321, nh=17) / UDP(sport=5000, dport=53, chksum=None) / payload(50)
    own.append(("udp out, atomic fragment", [raw(one)]))
    return own


def through_tayga(packets, patience=120):
    """@param patience seconds to wait for tayga to be done with each
    @return for each packet the list of what tayga made of it"""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    wire.bind(("nat64", ETH_P_ALL))
    wire.settimeout(0.2)
    answers = []
    for data in packets:
        kind = 0x86dd if data[0] >> 4 == 6 else 0x0800
        marker = UDP(sport=next(MARKERS), dport=MARKER)
        wire.sendto(data, ("nat64", kind))
        wire.sendto(raw(IPv6(src=INSIDE, dst=embed(SERVER)) / marker), ("nat64", 0x86dd))
        answers.append(wire_read(wire, kind, raw(marker)[:4], patience))
    wire.close()
    return answers


def wire_read(wire, sent, marker, patience):
    """Answers of tayga's own are of the kind that was sent: they are left out."""
    answers, end = [], time.monotonic() + patience
    while time.monotonic() < end:
        try:
            data, where = wire.recvfrom(65536)
        except TimeoutError:
            continue
        if where[2] == PACKET_OUTGOING or where[1] not in (0x86dd, 0x0800):
            continue
        if where[1] == 0x0800 and data[9] == 17 and data[22:24] == MARKER.to_bytes(2, "big") and data[6] & 0x3f == data[7] == 0:
            if data[20:24] == marker:
                break
            continue  # of an earlier one that was given up
        if where[1] != sent:
            answers.append(data)
    return answers


def through_safelib(safelib, folder, packets):
    """@return for each packet what it left as, or None; fragments leave in their order when the last has come"""
    with_time = RawPcapWriter(f"{folder}/in.pcap", linktype=101)
    for at, data in enumerate(packets):
        with_time.write(data) if at == 0 else with_time._write_packet(data, sec=at // 1000, usec=at % 1000 * 1000)
    with_time.close()
    text = subprocess.run([safelib, "replay", "--chain", f"{folder}/nat64.slp", "--in", f"{folder}/in.pcap", "--out", f"{folder}/out.pcap",
                           "--device", "bare", "--lan", "2001:db8:1::/64"], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in text.splitlines() if line and line[0].isdigit() and len(line.split("\t")) == 4]
    with PcapReader(f"{folder}/out.pcap") as reader:
        outs = [bytes(packet) for packet in reader]
    first = min(int(line[0]) for line in lines)
    left = [int(line[0]) - first for line in lines if line[1] == "accept"]
    if sorted(int(line[0]) - first for line in lines) != list(range(len(packets))) or len(left) != len(outs):
        sys.exit(f"safelib replay speaks of {len(lines)} packets, not {len(packets)}, and lets {len(outs)} out:\n{text[:600]}")
    result = [None] * len(packets)
    for index, data in zip(left, outs):
        result[index] = data
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


def place4(data, is_ours):
    """@return (head without length, checksum and place; identification; offset; whether more come; upper layer), or why not"""
    if total_sum(data[:20]) != 0xffff or data[0] != 0x45 or int.from_bytes(data[2:4], "big") != len(data):
        return "header or its checksum"
    field = int.from_bytes(data[6:8], "big")
    is_cut, df = field & 0x3fff != 0, field & 0x4000 != 0
    if df != (not is_cut and len(data) > 1260) and (is_ours or is_cut or len(data) > 1260):  # tayga's below as in plain4
        return "DF (RFC 7915 5.1)"
    return data[:2] + data[8:10] + data[12:20], data[4:6] if is_cut else b"", (field & 0x1fff) * 8, field & 0x2000 != 0, data[20:]


def place6(data):
    if int.from_bytes(data[4:6], "big") != len(data) - 40:
        return "length"
    if data[6] != 44:
        return data[:4] + data[6:40], b"", 0, False, data[40:]
    field = int.from_bytes(data[42:44], "big")
    return data[:4] + data[40:41] + data[7:40], data[44:48], field & 0xfff8, field & 1 != 0, data[48:]


def joined(packets, is_ours):
    """@return (head, identification, upper layer) of the datagram that the packets are, or why they are none"""
    parts = [place6(data) if data[0] >> 4 == 6 else place4(data, is_ours) for data in packets]
    if not parts or any(isinstance(part, str) for part in parts):
        return next((part for part in parts if isinstance(part, str)), None)
    parts.sort(key=lambda part: part[2])
    body = b""
    for part in parts:
        if part[2] != len(body) or part[:2] != parts[0][:2] or part[3] != (part is not parts[-1]):
            return "fragments that do not fit"
        body += part[4]
    return parts[0][0], parts[0][1], body


def is_sound(datagram):
    """Whether the upper layer's checksum is right."""
    head, _, body = datagram
    proto = head[4] if len(head) > 12 else head[3]
    pseudo = head[-32:] if len(head) > 12 else head[-8:]
    if proto == 17 and body[6:8] == b"\0\0":
        return False
    return total_sum((b"" if proto == 1 else pseudo + len(body).to_bytes(4, "big") + proto.to_bytes(4, "big")) + body) == 0xffff


def compare_datagrams(named, theirs, ours):
    """@return how many are alike, only ours, cut by tayga only, different"""
    alike = only = cut_again = bad = 0
    for (name, packets), their, our in zip(named, theirs, ours):
        their, our = [data for each in their for data in each], [data for data in our if data is not None]
        want, got = joined(their, False), joined(our, True)
        if not isinstance(got, tuple) or not is_sound(got) or len(our) != len(packets):
            pass
        elif got == want and len(our) == len(their):
            alike += 1
            continue
        elif isinstance(want, tuple) and (got[0], got[2]) == (want[0], want[2]) and got[1] in (b"", their[0][44:48]) and max(map(len, our)) > LOWEST_MTU >= max(map(len, their)):
            cut_again += 1
            continue
        elif not isinstance(want, tuple) and any(part in name for part in EXPLAINED):  # nothing, or what is no datagram
            only += 1
            continue
        print(f"DIFFERENT: {name}, of {len(packets)}\n  tayga {len(their)}: {str(want):.200}\n  ours  {len(our)}: {str(got):.200}")
        bad += 1
    return alike, only, cut_again, bad


def by_case(named, answers):
    answers = iter(answers)
    return [[next(answers) for _ in packets] for _, packets in named]


def main():
    safelib, folder = sys.argv[1:]
    listed, cuts = cases(), datagrams()
    packets = [raw(packet) for _, packet in listed]
    pieces = [piece for _, each in cuts for piece in each]
    for _ in range(120):  # it may not be attached to its device yet
        if through_tayga(packets[:1], 1)[0]:
            break
    else:
        sys.exit("tayga does not translate")
    through_tayga(packets[:1], 1)  # what else came late
    their_pieces = through_tayga(pieces)  # first: errors that tell of small MTUs change what tayga does later
    theirs, ours = through_tayga(packets), through_safelib(safelib, folder, packets + pieces)
    same, explained, bad = 0, 0, 0
    for (name, _), packet, their, our in zip(listed, packets, theirs, ours):
        their = their[-1] if their else None
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
    same_cuts, only, cut_again, bad_cuts = compare_datagrams(cuts, by_case(cuts, their_pieces), by_case(cuts, ours[len(packets):]))
    print(f"{len(cuts)} datagrams of {len(pieces)} packets: {same_cuts} translated alike, {only} that only we translate, "
          f"{cut_again} without DF that tayga cuts to {LOWEST_MTU} bytes, {bad_cuts} differ")
    sys.exit(bad + bad_cuts != 0 or same < len(listed) // 2 or same_cuts < len(cuts) // 3)


main()
