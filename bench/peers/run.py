#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DPDK's ipsec-secgw beside our bounce, in the same run: AES-128-GCM tunnel, one core, packets from memory.
ipsec-secgw does one operation per run (in or out), so its bounce is the sum of both.
Usage: bench/peers/run.py BUILD OUT.json [--rounds N]   exit 77: ipsec-secgw cannot be built here"""
import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "bounce"),
             os.path.join(HERE, "..", "..", "tests", "interop")]
from driver import Device  # noqa: E402
from esp_peer import Tool  # noqa: E402
from results import write  # noqa: E402
import esp_secgw  # noqa: E402

SIZES = {64: 8192, 1420: 2048}
PACKETS = 1024


def inner_make(size, number):
    """UDP packet towards 192.168.2.0/24; the flow differs from packet to packet."""
    udp = (1024 + number).to_bytes(2, "big") + b"\x01\xbb" + (size - 20).to_bytes(2, "big") + bytes(size - 26)
    head = bytes([0x45, 0]) + size.to_bytes(2, "big") + number.to_bytes(2, "big") + bytes([0, 0, 64, 17, 0, 0])
    head += bytes([192, 168, 1, 1, 192, 168, 2, 2])
    return head[:10] + esp_secgw.checksum(head).to_bytes(2, "big") + head[12:] + udp


def take_priority():
    """As bench-bounce does: before others, in a session of its own."""
    os.setsid()
    try:
        os.nice(-20)
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write("-20")
    except OSError:
        pass


class Secgw:
    """One direction of ipsec-secgw, running, its core stopped between windows."""

    def __init__(self, binary, folder, pcap, is_inbound):
        source, sink = ("1", "0") if is_inbound else ("0", "1")
        self.sink = sink
        self.prefix = f"slbench{os.getpid()}{int(is_inbound)}"
        self.telemetry = None
        devices = {source: f"net_pcap{source},rx_pcap={folder}/{pcap},infinite_rx=1", sink: f"net_null{sink},no-rx=1"}
        command = [binary, "-l", "1" if os.cpu_count() > 1 else "0", "--no-huge", "-m", "1024", "--no-pci", "--file-prefix",
                   self.prefix, "--vdev", devices["0"], "--vdev", devices["1"], "--vdev",
                   "crypto_aesni_gcm0", "--", "-p", "0x3", "-P", "-u", "0x2", "--config",
                   f"(0,0,{'1' if os.cpu_count() > 1 else '0'}),(1,0,{'1' if os.cpu_count() > 1 else '0'})",
                   "-f", f"{folder}/ep.cfg", "-l", "-w", "0", "-t", "1"]
        self.path = f"{folder}/log{int(is_inbound)}"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder,
                                            preexec_fn=take_priority)

    def cpu_ns(self):
        """Processor time of the forwarding core's thread so far."""
        best = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/schedstat", encoding="ascii") as file:
                best = max(best, int(file.read().split()[0]))
        return best

    def sent(self):
        self.telemetry.send(f"/ethdev/stats,{self.sink}".encode())
        return json.loads(self.telemetry.recv(65536))["/ethdev/stats"]["opackets"]

    def connect(self):
        path = f"/var/run/dpdk/{self.prefix}/dpdk_telemetry.v2"
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                self.telemetry = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                self.telemetry.connect(path)
                self.telemetry.recv(65536)
                if self.sent() > 0:
                    return
            except (OSError, KeyError, ValueError):
                pass
            time.sleep(0.1)
        with open(self.path, errors="replace", encoding="utf-8") as log:
            sys.exit("bench: ipsec-secgw forwards nothing:\n" + log.read()[-2000:])

    def rates(self, windows):
        """Mpps of processor time in windows of 50 ms: what it sent, over the time its core really ran."""
        self.connect()
        result = []
        time.sleep(0.3)
        for _ in range(windows):
            sent, cpu = self.sent(), self.cpu_ns()
            time.sleep(0.05)
            sent, cpu = self.sent() - sent, self.cpu_ns() - cpu
            if cpu > 0:
                result.append(sent * 1e3 / cpu)
        self.telemetry.close()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with open(self.path, errors="replace", encoding="utf-8") as log:
            text = log.read()
        totals = re.findall(r"Total packets sent:\s+(\d+)", text)
        dropped = re.findall(r"Total packets dropped:\s+(\d+)", text)
        if totals and dropped and int(dropped[-1]) > int(totals[-1]) // 100:
            sys.exit(f"bench: ipsec-secgw dropped packets:\n{text[-2000:]}")
        return result


def files_make(tool, folder, size):
    key = bytes(range(1, 21))
    plain = [inner_make(size, i) for i in range(PACKETS)]
    sealer = tool.sa("out", "aes-128-gcm", esp_secgw.SPI_IN[4], key[:16], key[16:])
    reverse = [packet[:12] + bytes([192, 168, 2, 2, 192, 168, 1, 2]) + packet[20:] for packet in plain]
    far, near = bytes([172, 16, 2, 5]), bytes([172, 16, 1, 5])
    sealed = [tool.wrap("native", 4, far, near, tool.seal(sealer, packet)) for packet in reverse]
    esp_secgw.pcap_write(f"{folder}/plain.pcap", plain)
    esp_secgw.pcap_write(f"{folder}/esp.pcap", sealed)
    with open(f"{folder}/ep.cfg", "w", encoding="ascii") as file:
        file.write(esp_secgw.config("aes-128-gcm", key, 4))


def size_run(build, tool, size, count, rounds, windows):
    ours, alone, theirs_in, theirs_out, calibration = [], [], [], [], []
    device = Device(build, "emu", "polling", 1, 3500)
    batch = Device(build, "emu", "batch", 1, 3500)
    with tempfile.TemporaryDirectory() as folder:
        files_make(tool, folder, size)
        binary = os.path.abspath(f"{build}/secgw/ipsec-secgw")
        for _ in range(rounds):
            for _ in range(20):
                ours.append(device.window(size, count)[0])
                alone.append(batch.window(size, count)[1])
            calibration += device.ask("calibrate")
            theirs_out += Secgw(binary, folder, "plain.pcap", False).rates(windows)
            theirs_in += Secgw(binary, folder, "esp.pcap", True).rates(windows)
    device.close()
    batch.close()
    both = 1 / (1 / max(theirs_in) + 1 / max(theirs_out))
    mine = 1000 / min(ours)
    one = 1000 / min(alone)
    row = {"inner_bytes": size, "secgw_in_mpps": max(theirs_in), "secgw_out_mpps": max(theirs_out),
           "secgw_bounce_mpps": both, "safelib_bounce_mpps": mine, "ratio": mine / both,
           # batch: one core copies packets in, enters and leaves the enclave, and bounces
           "safelib_one_core_mpps": one, "ratio_one_core": one / both,
           "secgw_in_median_mpps": statistics.median(theirs_in), "secgw_out_median_mpps": statistics.median(theirs_out),
           "safelib_median_mpps": 1000 / statistics.median(ours), "calibration_ns": min(calibration)}
    print(f"{size:5} B  ipsec-secgw in {row['secgw_in_mpps']:.2f} out {row['secgw_out_mpps']:.2f} -> bounce {both:.2f} Mpps; "
          f"SafeLib {mine:.2f} Mpps (x {row['ratio']:.2f}), copies and entries on the same core {one:.2f} "
          f"(x {row['ratio_one_core']:.2f}); calibration {row['calibration_ns']:.0f} ns", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--windows", type=int, default=20, help="of 50 ms, per direction and round")
    options = parser.parse_args()
    build = subprocess.run([f"{HERE}/build-secgw", f"{options.build}/secgw"], check=False)
    if build.returncode != 0:
        sys.exit(build.returncode)
    tool = Tool(f"{options.build}/tests/interop/esp_tool")
    rows = [size_run(options.build, tool, size, count, options.rounds, options.windows) for size, count in SIZES.items()]
    tool.close()
    write(options.out, "peers", {"peer": "DPDK ipsec-secgw", "algorithm": "aes-128-gcm", "rows": rows})


main()
