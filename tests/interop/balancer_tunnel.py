#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Direct server return: what the balancer sends to tunnel backends, taken apart by tshark and by scapy. Every packet that
went in must come out whole inside IP-in-IP (RFC 2003, RFC 2473), hop count aside, from a tunnel address to a backend of
its service; packets of one connection to one backend. Usage: balancer_tunnel.py SAFELIB SEED"""
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
    from scapy.packet import Raw
    from scapy.utils import RawPcapWriter, rdpcap
except ImportError:
    print("skipped: python3-scapy is not installed")
    sys.exit(77)
if shutil.which("tshark") is None:
    print("skipped: tshark is not installed")
    sys.exit(77)

POLICY = """services:
- name: four
  address: 192.0.2.20
  forward: tunnel
  backends:
  - {name: a, address: 10.0.0.21}
  - {name: b, address: 10.0.0.22}
  - {name: c, address: '2001:db8:1::23'}
- name: six
  address: '2001:db8::20'
  forward: tunnel
  backends:
  - {name: d, address: '2001:db8:1::24'}
  - {name: e, address: 10.0.0.25}
tunnel_addresses: [10.0.0.254, '2001:db8:1::fe']
"""
CHAIN = """chain:
- nf: balancer
  policy: balancer.yaml
  flows: {max: 10000}
"""
BACKENDS = {4: {"10.0.0.21", "10.0.0.22", "2001:db8:1::23"}, 6: {"2001:db8:1::24", "10.0.0.25"}}
TUNNELS = {4: "10.0.0.254", 6: "2001:db8:1::fe"}


def conversations(rng):
    """Packets of clients to both services, a few of each connection."""
    for number in range(200):
        six = number % 2 == 1
        client = f"2001:db8:99::{number:x}" if six else f"198.51.100.{number % 250 + 1}"
        ip = IPv6(src=client, dst="2001:db8::20", tc=rng.randrange(256), hlim=60) if six else \
            IP(src=client, dst="192.0.2.20", tos=rng.randrange(256), ttl=60, id=number, flags="DF")
        port = rng.randrange(1024, 65536)
        kind = rng.randrange(3)
        if kind == 0:
            yield ip / TCP(sport=port, dport=80, flags="S", seq=7)
            continue
        for count in range(3):
            body = Raw(bytes(rng.randrange(256) for _ in range(rng.randrange(1300))))
            if kind == 1:
                yield ip / UDP(sport=port, dport=443) / body
            else:
                yield ip / (ICMPv6EchoRequest(id=port, seq=count) if six else ICMP(id=port, seq=count)) / body


def without_hops(packet):
    """Its bytes, without hop count and the checksum over it."""
    data = bytearray(bytes(packet))
    if data[0] >> 4 == 4:
        data[8] = data[10] = data[11] = 0
    else:
        data[7] = 0
    return bytes(data)


def decapsulated(packet):
    """@return (family, outer source, outer destination, inner packet), by scapy"""
    outer = IPv6 if bytes(packet)[0] >> 4 == 6 else IP
    p = outer(bytes(packet))
    inner = bytes(p.payload)
    family = 6 if inner[0] >> 4 == 6 else 4
    proto = p.nh if outer is IPv6 else p.proto
    assert proto == (41 if family == 6 else 4), f"protocol {proto} around IPv{family}"
    if outer is IP:
        again = IP(bytes(p))
        del again.chksum
        assert IP(bytes(again)).chksum == p.chksum, "the outer header's checksum"
    return family, p.src, p.dst, (IPv6 if family == 6 else IP)(inner)


def connection(packet):
    """What a backend is chosen by."""
    data = bytes(packet)
    ports = data[40:44] if data[0] >> 4 == 6 else data[20:24]
    return packet.src, packet.dst, ports if packet.haslayer(UDP) or packet.haslayer(TCP) else b""


def main():
    safelib, seed = sys.argv[1], int(sys.argv[2])
    rng = random.Random(seed)
    sent = list(conversations(rng))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "balancer.yaml").write_text(POLICY)
        (work / "chain.yaml").write_text(CHAIN)
        with RawPcapWriter(str(work / "in.pcap"), linktype=101) as capture:
            capture.write([bytes(p) for p in sent])
        subprocess.run([safelib, "replay", "--chain", work / "chain.yaml", "--in", work / "in.pcap", "--out", work / "out.pcap",
                        "--lan", "10.0.0.0/8,2001:db8:1::/48"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=300)
        came = rdpcap(str(work / "out.pcap"))
        dissected = subprocess.run(["tshark", "-r", work / "out.pcap", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-e", "frame.protocols",
                                    "-e", "ip.checksum.status"],
                                   check=True, capture_output=True, text=True, timeout=300).stdout.splitlines()
    assert len(came) == len(sent) == len(dissected), f"{len(sent)} packets sent, {len(came)} came"
    where = {}
    used = set()
    for before, after, line in zip(sent, came, dissected):
        family, source, target, inner = decapsulated(after)
        protocols, checksums = (line.split("\t") + [""])[:2]
        layers = [p for p in protocols.split(":") if p in ("ip", "ipv6")]
        assert len(layers) == 2, f"tshark: {line}"
        assert all(c in ("", "1") for c in checksums.split(",")), f"tshark: a wrong checksum: {line}"
        assert without_hops(inner) == without_hops(before), "the packet inside is another one"
        assert target in BACKENDS[family], f"{target} is no backend of its service"
        assert source == TUNNELS[6 if ":" in target else 4], f"a tunnel from {source}"
        assert where.setdefault(connection(before), target) == target, "one connection at two backends"
        used.add(target)
    assert used == BACKENDS[4] | BACKENDS[6], f"backends without any packet: {(BACKENDS[4] | BACKENDS[6]) - used}"
    print(f"seed {seed}: {len(came)} packets of {len(where)} connections at {len(used)} backends, each whole inside its tunnel")


main()
