#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# The flow monitor's IPFIX read back by programs that we did not write:
#
#   conversations ─► ipfix_tool (chain of one monitor) ─► packets ──┬─► tshark ─────────────► records ─┐
#                                                                   └─► UDP ─► nfcapd, nfdump ─► flows ─┴─► equal to what was sent?
#
#   ipfix.py TOOL          in a network namespace of its own (loopback only)
import csv
import datetime
import io
import logging
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

for program in ("nfcapd", "nfdump", "tshark", "unshare"):
    if not shutil.which(program):
        print("skipped: %s is not installed" % program)
        sys.exit(77)
if os.environ.get("SL_IPFIX_INSIDE") != "1":
    os.environ["SL_IPFIX_INSIDE"] = "1"
    if subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("skipped: no network namespaces here")
        sys.exit(77)
    os.execvp("unshare", ["unshare", "-n", sys.executable] + sys.argv)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

from scapy.all import ICMP, IP, TCP, UDP, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, Raw, PcapReader, wrpcap  # noqa: E402

tool = sys.argv[1]
work = tempfile.mkdtemp(prefix="sl-ipfix-")
seed = int(os.environ.get("SL_SEED", time.time()))
print("seed %d" % seed)
rng = random.Random(seed)
START = 1700000000.0
packets, expected, failures = [], {}, 0


def check(good, text):
    global failures
    print("  %s  %s" % ("ok  " if good else "FAIL", text))
    failures += not good


def put(at, packet, key):
    packet.time = at
    packets.append(packet)
    count, size = expected.get(key, (0, 0))
    expected[key] = (count + 1, size + len(bytes(packet)))


def ip(version, lan, up):
    ends = ("10.0.0.%d" % lan, "198.51.100.%d" % (lan % 7 + 1)) if version == 4 else ("fd00::%x" % lan, "2001:db8::%x" % (lan % 7 + 1))
    src, dst = ends if up else ends[::-1]
    return (IP(src=src, dst=dst, tos=0x20) if version == 4 else IPv6(src=src, dst=dst, tc=0x20)), src, dst


def tcp(version, lan, at):
    sport, dport = rng.randrange(1024, 65536), rng.choice([80, 443, 22])
    seq = [rng.randrange(1 << 31), rng.randrange(1 << 31)]

    def segment(up, flags, data=b""):
        nonlocal at
        header, src, dst = ip(version, lan, up)
        ports = (sport, dport) if up else (dport, sport)
        ack = seq[1 - (not up)] if "A" in flags else 0
        put(at, header / TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq[not up], ack=ack) / Raw(data), (src, dst, ports[0], ports[1], 6))
        seq[not up] += len(data) + ("S" in flags) + ("F" in flags)
        at += rng.random() / 10

    segment(True, "S")
    segment(False, "SA")
    segment(True, "A")
    for _ in range(rng.randrange(1, 30)):
        segment(rng.random() < 0.5, "PA", bytes(rng.randrange(1, 1200)))
        at += rng.choice([0, 0, 0, 0.5, 3])  # some go on beyond the active timeout
    if rng.random() < 0.7:
        segment(True, "FA")
        segment(False, "FA")
        segment(True, "A")


def udp(version, lan, at):
    sport = rng.randrange(1024, 65536)
    for i in range(rng.randrange(1, 6)):
        up = i % 2 == 0
        header, src, dst = ip(version, lan, up)
        ports = (sport, 53) if up else (53, sport)
        put(at, header / UDP(sport=ports[0], dport=ports[1]) / Raw(bytes(rng.randrange(0, 400))), (src, dst, ports[0], ports[1], 17))
        at += rng.random()


def icmp(version, lan, at):
    for i in range(4):
        up = i % 2 == 0
        header, src, dst = ip(version, lan, up)
        if version == 4:
            put(at, header / ICMP(type=8 if up else 0, id=lan, seq=i // 2) / Raw(b"x" * 56), (src, dst, 0, 0, 1))
        else:
            put(at, header / (ICMPv6EchoRequest if up else ICMPv6EchoReply)(id=lan, seq=i // 2, data=b"x" * 56), (src, dst, 0, 0, 58))
        at += 1


for n in range(150):
    rng.choice([tcp, tcp, udp, icmp])(rng.choice([4, 4, 6]), n % 200 + 1, START + rng.random() * 40)
packets.sort(key=lambda p: p.time)
logging.getLogger("scapy").setLevel(logging.ERROR)  # both IP versions in one raw capture
wrpcap(work + "/in.pcap", [p.__class__(bytes(p)) for p in packets], linktype=101)
with open(work + "/in.pcap", "r+b") as f:  # scapy has lost the times: put them back
    data = bytearray(f.read())
    at = 24
    for p in packets:
        data[at:at + 8] = int(p.time).to_bytes(4, "little") + int(p.time % 1 * 1000000).to_bytes(4, "little")
        at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
    f.seek(0)
    f.write(data)
with open(work + "/monitor.conf", "w") as f:
    f.write("collector 127.0.0.1 port 9995 from 10.9.9.9\nactive-timeout 10s\nidle-timeout 5s\ntemplate-refresh 20s\nobservation-domain 77\ntalkers 5\n")
result = subprocess.run([tool, work + "/monitor.conf", work + "/in.pcap", work + "/out.pcap"], capture_output=True, text=True)
print("    " + result.stdout.replace("\n", "\n    ").rstrip())
check(result.returncode == 0, "the capture went through the monitor")
counters = dict(line.rsplit(" ", 1) for line in result.stdout.splitlines())
check(int(counters["no_flow.packets"]) == 0 and int(counters["ipfix.lost"]) == 0, "every packet is in a flow, no record was lost")

# ---- tshark: the messages themselves
fields = ["ip.src", "udp.checksum.status", "ip.checksum.status", "cflow.version", "cflow.od_id", "cflow.sequence"]
text = subprocess.run(["tshark", "-r", work + "/out.pcap", "-d", "udp.port==9995,cflow", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T",
                       "fields", "-E", "separator=,"] + sum((["-e", f] for f in fields), []), capture_output=True, text=True).stdout
messages = [line.split(",") for line in text.splitlines()]
check(len(messages) == int(counters["ipfix.messages"]), "tshark sees all %d messages" % len(messages))
check(all(m[0] == "10.9.9.9" and m[3] == "10" and m[4] == "77" for m in messages), "version 10, the exporter's address, the observation domain")
check(all(m[1] in ("1", "Good") and m[2] in ("1", "Good") for m in messages), "checksums of IP and UDP are right")
sequences = [int(m[5]) for m in messages]
check(sequences == sorted(sequences) and sequences[0] == 0, "sequence numbers count records from 0")
bad = subprocess.run(["tshark", "-r", work + "/out.pcap", "-d", "udp.port==9995,cflow", "-Y", "_ws.malformed || _ws.expert.severity >= 6291456 || cflow.no_template_found"],
                     capture_output=True, text=True).stdout.strip()
check(bad == "", "tshark finds nothing malformed and every template" + (": " + bad[:200] if bad else ""))

# ---- nfcapd and nfdump: the flows
os.mkdir(work + "/nf")


def queue():
    """Bytes that wait for whoever listens on UDP port 9995 (270B); None: nobody does."""
    with open("/proc/net/udp", encoding="ascii") as file:
        for line in file:
            part = line.split()
            if part[1].endswith(":270B"):
                return int(part[4].split(":")[1], 16)
    return None


def wait_empty():
    """Nothing is lost in a queue that is empty before the next message."""
    end = time.time() + 120
    while queue() != 0 and time.time() < end:
        time.sleep(0.001)


collector = subprocess.Popen(["nfcapd", "-w", work + "/nf", "-p", "9995", "-b", "127.0.0.1", "-t", "3600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
wait_empty()
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for p in PcapReader(work + "/out.pcap"):
    sender.sendto(bytes(p[UDP].payload), ("127.0.0.1", 9995))
    wait_empty()
collector.send_signal(signal.SIGTERM)
collector.wait(timeout=120)
text = subprocess.run(["nfdump", "-R", work + "/nf", "-q", "-N", "-6", "-o", "fmt:%sa,%da,%sp,%dp,%pr,%pkt,%byt,%ts,%te,%flg"], capture_output=True, text=True,
                      env=dict(os.environ, TZ="UTC")).stdout
seen, spans = {}, []
for row in csv.reader(io.StringIO(text)):
    row = [cell.strip() for cell in row]
    if len(row) < 10:
        continue
    proto = int({"TCP": 6, "UDP": 17, "ICMP": 1, "ICMP6": 58}.get(row[4], row[4]))
    is_icmp = proto in (1, 58)
    key = (row[0], row[1], 0 if is_icmp else int(float(row[2])), 0 if is_icmp else int(float(row[3])), proto)
    count, size = seen.get(key, (0, 0))
    seen[key] = (count + int(row[5]), size + int(row[6]))
    spans.append(tuple(datetime.datetime.fromisoformat(row[i] + "+00:00").timestamp() for i in (7, 8)))
check(len(spans) == int(counters["ipfix.records"]), "nfdump has all %d records (%d)" % (int(counters["ipfix.records"]), len(spans)))
different = [k for k in set(seen) | set(expected) if seen.get(k) != expected.get(k)]
for k in different[:5]:
    print("        %s: nfdump %s, sent %s" % (k, seen.get(k), expected.get(k)))
check(not different, "packets and bytes of all %d one-way flows are what was sent" % len(expected))
check(len(spans) > len(expected), "long flows were told of while they went on")
first, last = min(p.time for p in packets), max(p.time for p in packets)
lowest, highest = min(a for a, _ in spans), max(b for _, b in spans)
check(abs(lowest - first) < 0.2 and abs(highest - last) < 0.2 and all(a <= b for a, b in spans), "first and last packets lie in the time of the capture (%.3f, %.3f s off)" % (lowest - first, highest - last))
senders = {}
for key, (_, size) in expected.items():
    senders[key[0]] = senders.get(key[0], 0) + size
top = sorted(senders.values(), reverse=True)[:5]
check([int(counters[c]) for c in counters if c.startswith("top.")] == top, "the top talkers sent %s bytes" % top)
shutil.rmtree(work)
print("%s" % ("all good" if failures == 0 else "%d failed" % failures))
sys.exit(1 if failures else 0)
