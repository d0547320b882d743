#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Datagrams with a bounded number under way, each of which must be answered: what is missing was lost.

  window.py serve ADDRESS PORT
  window.py send ADDRESS PORT SECONDS [UNTIL_FILE]     prints JSON: sent, lost, when (seconds, wall clock) the lost were sent
The window keeps queues short however slow the machine is, so that nothing is lost for want of room.
"""
import json
import os
import select
import socket
import struct
import sys
import time

SNDBUFFORCE, RCVBUFFORCE = 32, 33  # Linux; not in Python's module
SIZE = 1300
WINDOW = 24  # per flow
GIVE_UP = float(os.environ.get("GIVE_UP", "4"))


def serve(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 64 << 20)
    s.setsockopt(socket.SOL_SOCKET, SNDBUFFORCE, 64 << 20)
    s.bind((address, port))
    while True:
        data, peer = s.recvfrom(2048)
        s.sendto(data[:16], peer)


def send(address, port, seconds, until):
    flows = 16
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    socks = []
    for _ in range(flows):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 16 << 20)
        s.connect((address, port))
        s.setblocking(False)
        socks.append(s)
    under_way = [{} for _ in socks]
    sent = 0
    lost = []
    end = time.time() + seconds
    body = bytes(SIZE - 16)
    poll = select.poll()
    index = {}
    for i, s in enumerate(socks):
        poll.register(s, select.POLLIN)
        index[s.fileno()] = i
    while True:
        now = time.time()
        is_over = now >= end or os.path.exists(until)
        for i, s in enumerate(socks):
            while not is_over and len(under_way[i]) < WINDOW:
                try:
                    s.send(struct.pack("!QQ", i, sent) + body)
                    under_way[i][sent] = now
                    sent += 1
                except (BlockingIOError, OSError):
                    break
        for fd, _ in poll.poll(5):
            i = index[fd]
            try:
                while True:
                    number = struct.unpack("!QQ", socks[i].recv(64)[:16])[1]
                    under_way[i].pop(number, None)
            except (BlockingIOError, OSError):
                pass
        late = now - GIVE_UP
        for waiting in under_way:
            for number in [n for n, at in waiting.items() if at < late]:
                lost.append(waiting.pop(number))
        if is_over and not any(under_way):
            break
    print(json.dumps({"sent": sent, "lost": len(lost), "when": sorted(round(t, 3) for t in lost)[:2000]}))


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
else:
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5] if len(sys.argv) > 5 else "")
