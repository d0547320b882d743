#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ESP with a running DPDK ipsec-secgw, both ways: what SafeLib seals it forwards as plain packets, what it seals
SafeLib opens. Its ports are pcap files. Usage: esp_secgw.py ESP_TOOL SECGW_DIR

    plain.pcap -> port 0 -> ipsec-secgw -> port 1 -> esp-out.pcap -> SafeLib opens
    plain-out.pcap <- port 0 <- ipsec-secgw <- port 1 <- esp.pcap <- SafeLib seals
"""
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
from esp_peer import Refused, Tool

SPI_OUT = {4: 4101, 6: 4103}  # by inner version, as secgw sees it: an SPI of its own for each
SPI_IN = {4: 4102, 6: 4104}
PACKETS = 200
ETHERNET = 14
ALGS = {  # ours: (theirs, key size, crypto device)
    "aes-128-gcm": ("aes-128-gcm", 16, "crypto_aesni_gcm0"),
    "aes-256-gcm": ("aes-256-gcm", 32, "crypto_aesni_gcm0"),
    "chacha20-poly1305": ("chacha20-poly1305", 32, "crypto_chacha20_poly13050"),
}


def config(algorithm, key, outer):
    theirs, _, _ = ALGS[algorithm]
    text = ":".join(f"{byte:02x}" for byte in key)
    if outer == 4:
        mode, near, far = "ipv4-tunnel", "172.16.1.5", "172.16.2.5"
        route = f"rt ipv4 dst {far}/32 port 1"
    else:
        mode, near, far = "ipv6-tunnel", "fd12:3456:789a:0:0:0:0:1", "fd12:3456:789a:0:0:0:0:2"
        route = f"rt ipv6 dst {far}/128 port 1"
    sas = "\n".join(
        f"sa out {SPI_OUT[inner]} aead_algo {theirs} aead_key {text} mode {mode} src {near} dst {far}\n"
        f"sa in {SPI_IN[inner]} aead_algo {theirs} aead_key {text} mode {mode} src {far} dst {near}" for inner in (4, 6))
    return f"""sp ipv4 out esp protect {SPI_OUT[4]} pri 1 dst 192.168.2.0/24 sport 0:65535 dport 0:65535
sp ipv4 in esp protect {SPI_IN[4]} pri 1 dst 192.168.1.0/24 sport 0:65535 dport 0:65535
sp ipv6 out esp protect {SPI_OUT[6]} pri 1 dst 2001:db8:0:0:0:0:2:0/112 sport 0:65535 dport 0:65535
sp ipv6 in esp protect {SPI_IN[6]} pri 1 dst 2001:db8:0:0:0:0:1:0/112 sport 0:65535 dport 0:65535
{sas}
{route}
rt ipv4 dst 192.168.1.0/24 port 0
rt ipv6 dst 2001:db8:0:0:0:0:1:0/112 port 0
neigh port 0 02:00:00:00:00:10
neigh port 1 02:00:00:00:00:11
"""


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def inner_make(number, subnet):
    """UDP packet to the given side, IPv4 or IPv6 in turn; sizes 46 to about 1300."""
    body = number.to_bytes(4, "big") + bytes(i * number & 0xFF for i in range(number * 37 % 1240))
    udp = struct.pack(">HHHH", 1000 + number, 53, 8 + len(body), 0) + body
    if number % 2 == 0:
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0, bytes([192, 168, 3 - subnet, 1]),
                             bytes([192, 168, subnet, 2]))
        return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + udp
    address = bytes.fromhex("20010db8") + bytes(8)
    return (struct.pack(">IHBB", 0x60000000, len(udp), 17, 64) + address + bytes([0, 3 - subnet, 0, 1]) + address
            + bytes([0, subnet, 0, 2]) + udp)


def pcap_write(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for packet in packets:
            kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
            frame = bytes.fromhex("020000000001020000000002") + kind + packet
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def pcap_read(path):
    with open(path, "rb") as file:
        data = file.read()
    packets, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        packets.append(data[at + 16 + ETHERNET:at + 16 + size])
        at += 16 + size
    return packets


def processor_s(process):
    """Processor time that it has had; it polls, so this is its life without what others took."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def secgw_run(secgw, folder, device, esn):
    """Runs ipsec-secgw until both output files stop growing."""
    command = [secgw, "-l", "0", "--no-huge", "-m", "768", "--no-pci", "--file-prefix", f"sl{os.getpid()}",
               "--vdev", f"net_pcap0,rx_pcap={folder}/plain.pcap,tx_pcap={folder}/plain-out.pcap",
               "--vdev", f"net_pcap1,rx_pcap={folder}/esp.pcap,tx_pcap={folder}/esp-out.pcap",
               "--vdev", device, "--", "-p", "0x3", "-P", "-u", "0x2", "--config", "(0,0,0),(1,0,0)",
               "-f", f"{folder}/ep.cfg", "-l", "-w", "128"] + (["-e"] if esn else [])
    with open(f"{folder}/log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        since, before = 0, -1
        for _ in range(3000):
            time.sleep(0.1)
            size = sum(os.path.getsize(f"{folder}/{name}") for name in ("plain-out.pcap", "esp-out.pcap")
                       if os.path.exists(f"{folder}/{name}"))
            if process.poll() is not None:
                break
            if size != before or size <= 48:
                since, before = processor_s(process), size
            if processor_s(process) - since >= 1:
                break
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def same(got, sent):
    """Equal but for what a router may change: TTL or hop limit, and the header checksum."""
    if got[0] >> 4 == 4:
        return got[:8] + got[9:10] + got[12:] == sent[:8] + sent[9:10] + sent[12:]
    return got[:7] + got[8:] == sent[:7] + sent[8:]


def exchange(tool, secgw, algorithm, outer, esn):
    _, key_size, device = ALGS[algorithm]
    key = bytes(range(1, key_size + 5))
    near = bytes([172, 16, 1, 5]) if outer == 4 else bytes.fromhex("fd123456789a00000000000000000001")
    far = bytes([172, 16, 2, 5]) if outer == 4 else bytes.fromhex("fd123456789a00000000000000000002")
    with tempfile.TemporaryDirectory() as folder:
        sealer = {inner: tool.sa("out", algorithm, SPI_IN[inner], key[:-4], key[-4:], esn) for inner in (4, 6)}
        opener = {SPI_OUT[inner]: tool.sa("in", algorithm, SPI_OUT[inner], key[:-4], key[-4:], esn, 1024)
                  for inner in (4, 6)}
        to_plain = [inner_make(i, 1) for i in range(PACKETS)]
        to_esp = [inner_make(i, 2) for i in range(PACKETS)]
        packets = [tool.wrap("native", outer, far, near, tool.seal(sealer[packet[0] >> 4], packet)) for packet in to_plain]
        broken = bytearray(packets[7])
        broken[-1] ^= 1
        pcap_write(f"{folder}/esp.pcap", packets + [bytes(broken), packets[3]])  # the last two must not pass
        pcap_write(f"{folder}/plain.pcap", to_esp)
        with open(f"{folder}/ep.cfg", "w", encoding="ascii") as file:
            file.write(config(algorithm, key, outer))
        secgw_run(secgw, folder, device, esn)
        with open(f"{folder}/log", errors="replace", encoding="utf-8") as log:
            tail = log.read()[-3000:]
        if not os.path.exists(f"{folder}/esp-out.pcap"):
            sys.exit(f"ipsec-secgw did not start:\n{tail}")
        plain_out = pcap_read(f"{folder}/plain-out.pcap")
        esp_out = pcap_read(f"{folder}/esp-out.pcap")
        esp_out = [tool.unwrap(packet)[4] for packet in esp_out]
        opened = [tool.open(opener[int.from_bytes(esp[:4], "big")], esp)[2] for esp in esp_out]
        for name, got, sent in (("from SafeLib", plain_out, to_plain), ("to SafeLib", opened, to_esp)):
            key_of = lambda packet: (packet[0] >> 4, packet[20:22] if packet[0] >> 4 == 4 else packet[40:42])
            want = {key_of(packet): packet for packet in sent}
            bad = [packet for packet in got if key_of(packet) not in want or not same(packet, want[key_of(packet)])]
            if len(got) != PACKETS or bad:
                sys.exit(f"{algorithm} outer IPv{outer} ESN {esn}, {name}: {len(got)} of {PACKETS} packets, "
                         f"{len(bad)} changed\n{tail}")
        try:
            tool.open(opener[int.from_bytes(esp_out[0][:4], "big")], esp_out[0])
        except Refused as error:
            assert str(error) == "REPLAY", error
        else:
            sys.exit("a replay from ipsec-secgw was accepted")
    print(f"{algorithm}, outer IPv{outer}, ESN {'on' if esn else 'off'}: {PACKETS} packets each way", flush=True)


def main():
    if os.geteuid() != 0:
        print("skipped: ipsec-secgw needs root")
        sys.exit(77)
    build = subprocess.run([f"{HERE}/../../bench/peers/build-secgw", sys.argv[2]], capture_output=True, text=True,
                           check=False)
    if build.returncode != 0:
        print(build.stdout + build.stderr)
        sys.exit(build.returncode)
    tool = Tool(sys.argv[1])
    for algorithm in ALGS:
        for outer, esn in ((4, False), (4, True), (6, False)):
            exchange(tool, os.path.abspath(os.path.join(sys.argv[2], "ipsec-secgw")), algorithm, outer, esn)
    tool.close()


if __name__ == "__main__":
    main()
