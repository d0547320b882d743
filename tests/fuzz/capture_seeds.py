#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds out of captures (pcap): single IP packets for packet_parse, conversations for nat (as fuzz_nat reads them: a byte of policy, then
port, length, packet), bytes of packets as operations for flow_table.

usage: capture_seeds.py FOLDER CAPTURE..."""
import os
import struct
import sys

FEW, PACKET_MAX, SHORT_MAX = 4, 2048, 255
LINKS = {0: 4, 1: 14, 12: 0, 14: 0, 101: 0, 113: 16, 228: 0, 229: 0}  # bytes before IP


def packets_of(path):
    """Yields what looks like IP in the first packets; nothing of what is no pcap."""
    with open(path, "rb") as file:
        data = file.read(1 << 20)
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    if order is None or len(data) < 24:
        return
    skip = LINKS.get(struct.unpack_from(order + "I", data, 20)[0] & 0xffff)
    at = 24
    while skip is not None and at + 16 <= len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        packet = data[at + 16 + skip:at + 16 + size]
        at += 16 + size
        if packet and packet[0] >> 4 in (4, 6):
            yield packet


def write(folder, target, name, seed):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, name), "wb") as file:
        file.write(seed)


def main(folder, captures):
    for path in captures:
        name = os.path.splitext(os.path.basename(path))[0]
        packets = [packet for _, packet in zip(range(64), packets_of(path))]
        for at, packet in enumerate(packets[:FEW]):
            write(folder, "packet_parse", f"capture-{name}-{at}", packet[:PACKET_MAX])
        talk = b"".join(struct.pack("BB", at % 2 | 2, len(packet)) + packet for at, packet in enumerate(packets[:16]) if len(packet) <= SHORT_MAX)
        if talk:
            write(folder, "nat", f"capture-{name}", b"\x01" + talk)
            write(folder, "flow_table", f"capture-{name}", b"".join(packet[:64] for packet in packets[:16]))


main(sys.argv[1], sys.argv[2:])
