#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wireshark reads and decrypts what SafeLib sealed (format; scapy proves authenticity). Usage: esp_tshark.py ESP_TOOL"""
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

from esp_peer import ALGORITHMS, Tool

LINKTYPE_RAW = 101


def inner_make(version, marker):
    """An IP/UDP packet; its source port is the marker to look for."""
    udp = struct.pack(">HHHH", marker, 53, 8 + 33, 0) + b"m" * 33
    if version == 4:
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes(8) + udp
    return struct.pack(">IHBB", 0x60000000, len(udp), 17, 64) + bytes(32) + udp


def pcap_write(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        for packet in packets:
            file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)


def main():
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed")
        sys.exit(77)
    tool = Tool(sys.argv[1])
    rng = random.Random(4106)
    packets, rows, want = [], [], []
    for name, (_, key_size, _, tshark_name) in ALGORITHMS.items():
        if "ChaCha20" in tshark_name:
            continue  # Wireshark 4.0 does not decrypt it in ESP
        for outer in (4, 6):
            for framing in ("udp", "native"):
                key = bytes(rng.randrange(256) for _ in range(key_size))
                salt = bytes(rng.randrange(256) for _ in range(4))
                spi = rng.randrange(256, 1 << 32)
                sa = tool.sa("out", name, spi, key, salt)
                address = bytes(range(1, 5)) if outer == 4 else bytes(range(1, 17))
                rows.append(f'"IPv{outer}","*","*","0x{spi:08x}","{tshark_name}","0x{(key + salt).hex()}","NULL",""')
                for inner in (4, 6):
                    marker = 20000 + len(packets)
                    esp = tool.seal(sa, inner_make(inner, marker), tfc=rng.randrange(0, 3) * 8)
                    packets.append(tool.wrap(framing, outer, address, address, esp))
                    want.append(str(marker))
    tool.close()
    with tempfile.TemporaryDirectory() as home:
        pcap = os.path.join(home, "x.pcap")
        pcap_write(pcap, packets)
        options = ["-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_null_encryption_decode_heuristic:FALSE"]
        for row in rows:
            options += ["-o", "uat:esp_sa:" + row]
        environment = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home)
        out = subprocess.run(["tshark", "-r", pcap, *options, "-T", "fields", "-e", "udp.srcport", "-e", "esp.spi",
                              "-e", "esp.sequence", "-e", "ip.proto", "-e", "ipv6.nxt"],
                             env=environment, capture_output=True, text=True, timeout=300, check=False)
    lines = out.stdout.splitlines()
    if len(lines) != len(packets):
        print(out.stderr[-2000:])
        sys.exit("tshark read %d of %d packets" % (len(lines), len(packets)))
    bad = [line for line, marker in zip(lines, want) if marker not in line.split("\t")[0].split(",")]
    if bad:
        print("\n".join(bad), out.stderr[-1000:], sep="\n")
        sys.exit(f"{len(bad)} of {len(packets)} packets were not decrypted to their inner packet")
    print(f"tshark decrypted {len(packets)} packets to their inner headers")


main()
