#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Writes the capture that docs/fragments.md explains: raw IP, ten milliseconds between frames.
#   capture.py OUT.pcap
import struct
import sys

HOST, SERVER, ROUTER = bytes([10, 0, 0, 5]), bytes([192, 0, 2, 1]), bytes([198, 51, 100, 7])
HOST6 = bytes.fromhex("fd00" + "00" * 13 + "05")
SERVER6 = bytes.fromhex("20010db8" + "00" * 11 + "01")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(src, dst, proto, payload, number, offset=0, more=False):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), number, offset // 8 | more << 13, 64, proto, 0, src, dst)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def cut4(src, dst, proto, payload, number, size):
    return [ip4(src, dst, proto, payload[at:at + size], number, at, at + size < len(payload))
            for at in range(0, len(payload), size)]


def cut6(src, dst, proto, payload, number, size):
    out = []
    for at in range(0, len(payload), size):
        part = payload[at:at + size]
        out.append(struct.pack(">IHBB16s16s", 6 << 28, 8 + len(part), 44, 64, src, dst) +
                   struct.pack(">BBHI", proto, 0, at | (at + size < len(payload)), number) + part)
    return out


def udp(src, dst, sport, dport, size):
    body = bytes(i * 7 & 255 for i in range(size))
    head = struct.pack(">HHHH", sport, dport, 8 + size, 0)
    total = checksum(src + dst + struct.pack(">II", 8 + size, 17) + head + body)
    return head[:6] + struct.pack(">H", total or 0xFFFF) + body


question = udp(HOST, SERVER, 40000, 53, 3000)
frames = cut4(HOST, SERVER, 17, question, 0x1234, 1480)
frames = [frames[2], frames[0], frames[0], frames[1]]  # the end first, the beginning twice
refused = cut4(HOST, SERVER, 17, udp(HOST, SERVER, 40001, 69, 2000), 0x1235, 1480)
frames += refused
two = cut4(HOST, SERVER, 17, question, 0x1236, 1480)
frames += [two[0], ip4(HOST, SERVER, 17, question[1472:2960], 0x1236, 1472, True), two[2]]  # overlap by eight bytes
frames += cut6(HOST6, SERVER6, 17, udp(HOST6, SERVER6, 40002, 53, 1500), 0xABCDEF01, 1232)
quote = b"\3\3" + struct.pack(">HI", 0, 0) + ip4(HOST, SERVER, 17, question, 0x1234)[:548]
quote = quote[:2] + struct.pack(">H", checksum(quote)) + quote[4:]
frames += cut4(ROUTER, HOST, 1, quote, 7, 280)  # an ICMP error about the first
frames += [cut4(HOST, SERVER, 17, question, 0x1237, 1480)[1]]  # of which nothing else comes

with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    for i, frame in enumerate(frames):
        out.write(struct.pack("<IIII", 1700000000, 10000 * i, len(frame), len(frame)) + frame)
