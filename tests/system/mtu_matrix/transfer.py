#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Moves 1 MiB and checks it, the way applications that care about MTUs do.

  transfer.py server                         TCP 7000 (echoes a digest) and UDP 7001 (acknowledges)
  transfer.py tcp ADDRESS                    sends 1 MiB, compares the digest
  transfer.py udp ADDRESS                    datagrams with DF set, as large as the path takes, a few
                                             at a time: follows the kernel's path MTU, resends what is lost
"""
import errno
import hashlib
import random
import select
import socket
import struct
import sys
import time

SIZE = 1 << 20
TCP_PORT, UDP_PORT = 7000, 7001
IP_MTU_DISCOVER, IP_MTU, IPV6_MTU_DISCOVER, IPV6_MTU = 10, 14, 23, 24
DO = 2
WINDOW, RESEND = 16, 0.5
DATA = random.Random(7).randbytes(SIZE)


def server():
    tcp = socket.create_server(("::", TCP_PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.bind(("::", UDP_PORT))
    while True:
        ready, _, _ = select.select([tcp, udp], [], [])
        if udp in ready:
            data, peer = udp.recvfrom(65535)
            # number and digest back: proves which bytes came
            udp.sendto(data[:4] + hashlib.sha256(data).digest(), peer)
        if tcp in ready:
            conn, _ = tcp.accept()
            conn.settimeout(120)
            digest, left = hashlib.sha256(), SIZE
            try:
                while left > 0:
                    data = conn.recv(65536)
                    if not data:
                        break
                    digest.update(data)
                    left -= len(data)
                conn.sendall(digest.digest() + DATA)  # and as much the other way
            except OSError:
                pass
            conn.close()


def tcp(address):
    conn = socket.create_connection((address, TCP_PORT), timeout=120)
    conn.sendall(DATA)
    back = b""
    while len(back) < 32 + SIZE:
        data = conn.recv(65536)
        if not data:
            break
        back += data
    return back == hashlib.sha256(DATA).digest() + DATA


def udp(address):
    is_v6 = ":" in address
    s = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, UDP_PORT))
    if is_v6:
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, DO)
    else:
        s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DO)
    headers = 48 if is_v6 else 28

    def room():
        level, option = (socket.IPPROTO_IPV6, IPV6_MTU) if is_v6 else (socket.IPPROTO_IP, IP_MTU)
        return s.getsockopt(level, option) - headers - 4

    s.setblocking(False)
    todo = [(0, SIZE)]  # ranges of DATA that have to go, the first one last
    waiting = {}  # number: offset, size, datagram, when it went
    number = largest = 0
    end = time.monotonic() + 200
    while (todo or waiting) and time.monotonic() < end:
        while todo and len(waiting) < WINDOW:
            off, size = todo.pop()
            fits = min(size, room())
            packet = struct.pack("!I", number) + DATA[off:off + fits]
            if fits < size:
                todo.append((off + fits, size - fits))
            waiting[number] = (off, fits, packet, time.monotonic())
            number += 1
            try:
                s.send(packet)
            except OSError as fault:
                if fault.errno != errno.EMSGSIZE:  # then at once, in the size that the path is now said to take
                    raise
                todo.append(waiting.pop(number - 1)[:2])
        select.select([s], [], [], 0.2)
        try:
            while True:
                reply = s.recv(64)
                off, size, packet, _ = waiting.pop(int.from_bytes(reply[:4], "big"), (0, 0, None, 0))
                if packet is not None and reply[4:] != hashlib.sha256(packet).digest():
                    return False
                largest = max(largest, size)
        except OSError as fault:
            if fault.errno not in (errno.EAGAIN, errno.EMSGSIZE):
                raise
        for old in [n for n, entry in waiting.items() if entry[1] > room() or entry[3] < time.monotonic() - RESEND]:
            todo.append(waiting.pop(old)[:2])  # told "too big", or lost: the next try is as large as the path is now said to be
    print("largest datagram", largest + 4 + headers)
    return not todo and not waiting


if __name__ == "__main__":
    if sys.argv[1] == "server":
        server()
    good = tcp(sys.argv[2]) if sys.argv[1] == "tcp" else udp(sys.argv[2])
    sys.exit(0 if good else 1)
