#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Puts the frames of many pcap files into one for each link type, a millisecond apart: FOLDER/TYPE.pcap. What is no pcap file
# (pcapng, cut in its header) is named on standard output.
#   merge.py FOLDER < names
import struct
import sys

outs, count = {}, 0
for name in sys.stdin.read().split("\n"):
    if not name:
        continue
    data = open(name, "rb").read()
    order = {0xA1B2C3D4: "<", 0xD4C3B2A1: ">", 0xA1B23C4D: "<", 0x4D3CB2A1: ">"}.get(int.from_bytes(data[:4], "little"))
    if order is None or len(data) < 24:
        print(name)
        continue
    link = struct.unpack(order + "I", data[20:24])[0] & 0xFFFF
    if link not in outs:
        outs[link] = open(f"{sys.argv[1]}/{link}.pcap", "wb")
        outs[link].write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
    at = 24
    while at + 16 <= len(data):
        size, long = struct.unpack(order + "II", data[at + 8:at + 16])
        frame = data[at + 16:at + 16 + size]
        if len(frame) < size or size > 262144:
            break  # cut
        outs[link].write(struct.pack("<IIII", 1700000000 + count // 1000, count % 1000 * 1000, size, max(size, long)) + frame)
        at += 16 + size
        count += 1
