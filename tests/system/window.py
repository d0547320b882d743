#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Datagrams with a bounded number under way, each of which must be answered: what is missing was lost.

  window.py serve ADDRESS PORT
  window.py send ADDRESS PORT SECONDS [UNTIL_FILE]     prints JSON: sent, lost

The window keeps queues short however slow the machine is, so that nothing is lost for want of room. No answer is too late:
what is missing at the end is waited for as long as answers come, and PATIENCE polls of 10 ms without any more (polls, not
seconds: a machine may stand still for some).
Environment: FLOWS sockets (16), WINDOW for each (24), RATE datagrams a second at the most (0: no bound), GIVE_UP seconds after
which one that has no answer makes room for another (60), PATIENCE (3000), TRACE file for "FLOW SENT ANSWERED" of each, wall
clock, ANSWERED "-" where there was none.
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
FLOWS, WINDOW, RATE, GIVE_UP, PATIENCE = (int(os.environ.get(name, default)) for name, default in
                                          (("FLOWS", 16), ("WINDOW", 24), ("RATE", 0), ("GIVE_UP", 60), ("PATIENCE", 3000)))


def serve(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 64 << 20)
    s.setsockopt(socket.SOL_SOCKET, SNDBUFFORCE, 64 << 20)
    s.bind((address, port))
    while True:
        data, peer = s.recvfrom(2048)
        s.sendto(data[:16], peer)


class Flow:
    def __init__(self, index, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.index = index
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 16 << 20)
        self.socket.connect((address, port))
        self.socket.setblocking(False)
        self.under_way = {}  # number: when it was sent, oldest first
        self.given_up = {}

    def fill(self, number, most):
        """@return the next number, when at most so many may go"""
        end = number + most
        while number < end and len(self.under_way) < WINDOW:
            try:
                self.socket.send(struct.pack("!QQ", self.index, number) + bytes(SIZE - 16))
            except OSError:  # no room, or the link is down
                break
            self.under_way[number] = time.time()
            number += 1
        return number

    def take(self, trace):
        """@return how many answers came"""
        count = 0
        while True:
            try:
                number = struct.unpack("!QQ", self.socket.recv(64)[:16])[1]
            except OSError:
                return count
            at = self.under_way.pop(number, None) or self.given_up.pop(number, None)
            if at is not None:
                trace.append((self.index, at, time.time()))
                count += 1

    def give_up(self, before):
        for number in [n for n, at in self.under_way.items() if at < before]:
            self.given_up[number] = self.under_way.pop(number)


def send(address, port, seconds, until):
    flows = [Flow(i, address, port) for i in range(FLOWS)]
    by_fd = {flow.socket.fileno(): flow for flow in flows}
    poll = select.poll()
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    start = time.time()
    sent, idle, trace = 0, 0, []
    while True:
        now = time.time()
        is_over = now >= start + seconds or os.path.exists(until)
        for flow in flows if not is_over else []:
            sent = flow.fill(sent, max(0, int((now - start) * RATE) - sent) if RATE else WINDOW)
        came = sum(by_fd[fd].take(trace) for fd, _ in poll.poll(10))
        for flow in flows:
            flow.give_up(now - GIVE_UP)
        if not is_over:
            continue
        idle = 0 if came else idle + 1
        if idle > PATIENCE or not any(flow.under_way or flow.given_up for flow in flows):
            break
    lost = [(flow.index, at, None) for flow in flows for at in (*flow.under_way.values(), *flow.given_up.values())]
    if "TRACE" in os.environ:
        with open(os.environ["TRACE"], "w") as out:
            for index, at, answered in sorted(trace + lost, key=lambda entry: entry[1]):
                print(index, f"{at:.6f}", "-" if answered is None else f"{answered:.6f}", file=out)
    print(json.dumps({"sent": sent, "lost": len(lost)}))


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
else:
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5] if len(sys.argv) > 5 else "")
