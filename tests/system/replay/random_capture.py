#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a pcap of random IP packets, most of them sound, some broken.

  random_capture.py SEED COUNT OUT.pcap
"""
import random
import struct
import sys

PORTS = (22, 23, 25, 53, 80, 123, 443, 500, 1024, 5000, 5001, 8080, 65535)


def address(rng, version):
    if version == 4:
        net = rng.choice((b"\x0a\0\0", b"\x0a\1\2", b"\xc0\0\2", b"\xac\x10\5", b"\xc6\x12\0", b"\xc0\xa8\1"))
        return net + bytes([rng.randrange(16)])
    net = rng.choice((b"\x20\1\x0d\xb8", b"\xfd\0\0\1", b"\xfe\x80\0\0"))
    return net + bytes([0, rng.randrange(4)]) + bytes(9) + bytes([rng.randrange(16)])


def transport(rng, proto):
    data = rng.randbytes(rng.randrange(60))
    ports = struct.pack(">HH", *(rng.choice(PORTS) if rng.random() < 0.8 else rng.randrange(65536) for _ in "ab"))
    if proto == 6:
        return ports + rng.randbytes(8) + bytes([0x50, rng.choice((2, 16, 18, 24, 4, 17, 0, 0xC2))]) + rng.randbytes(6) + data
    if proto in (17, 136):
        return ports + struct.pack(">HH", 8 + len(data), 0) + data
    if proto in (1, 58):
        return bytes([rng.choice((0, 3, 8, 11, 1, 2, 128, 129)), rng.randrange(4), 0, 0]) + rng.randbytes(4) + data
    return ports + rng.randbytes(8) + data


def packet(rng):
    version = rng.choice((4, 6))
    proto = rng.choice((6, 6, 6, 17, 17, 1 if version == 4 else 58, 132, 33, 47, 50))
    body = transport(rng, proto)
    ends = address(rng, version) + address(rng, version)
    if version == 4:
        fragment = rng.choice((0, 0, 0x4000, 0x2000, 7, 0x2007))
        return struct.pack(">BBHHHBBH", 0x45, rng.randrange(256), 20 + len(body), 1, fragment, 64, proto, 0) + ends + body
    if rng.random() < 0.2:
        kind = rng.choice((0, 43, 44, 60))
        body = bytes([proto, 0]) + (rng.randbytes(6) if kind == 44 else b"\1\4\0\0\0\0") + body
        proto = kind
    return struct.pack(">IHBB", 6 << 28, len(body), proto, 64) + ends + body


def broken(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randrange(1, len(data) + 1)])


def main():
    rng = random.Random(int(sys.argv[1]))
    with open(sys.argv[3], "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for number in range(int(sys.argv[2])):
            data = packet(rng)
            if rng.random() < 0.2:
                data = broken(rng, data)
            if rng.random() < 0.01:
                data += rng.randbytes(3000)
            out.write(struct.pack("<IIII", number, 0, len(data), len(data)) + data)


if __name__ == "__main__":
    main()
