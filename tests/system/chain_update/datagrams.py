#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Large datagrams, which travel as fragments, to a service that sends them back.
Usage: datagrams.py serve PORT ADDRESS...       echoes; for each new peer a line "ADDRESS PEER"
       datagrams.py send PORT ADDRESS COUNT [SECONDS]   COUNT datagrams of 1 to 9000 bytes from 16 ports, over at least so long;
                                                the last line says how many came back as they were"""
import os
import random
import select
import socket
import sys
import time


def bound(address, port):
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT: the kernel cuts them
    own.bind((address, port))
    return own


def serve(port, addresses):
    sockets, seen = [bound(address, port) for address in addresses], set()
    while True:
        for own in select.select(sockets, [], [])[0]:
            data, peer = own.recvfrom(65536)
            if peer not in seen:
                seen.add(peer)
                print(own.getsockname()[0], peer[0], flush=True)
            own.sendto(data, peer)


def send(port, address, count, seconds):
    sockets = [bound("", 0) for _ in range(16)]
    came, rng = 0, random.Random(count)
    for number in range(count):
        own, size = sockets[number % 16], rng.choice((1, 1400, 1472, 1473, 2961, 4500, 9000))
        data = os.urandom(size)
        own.sendto(data, (address, port))
        if select.select([own], [], [], 60)[0]:
            came += own.recv(65536) == data
        time.sleep(seconds / count)
    print(f"{came} of {count}")


port = int(sys.argv[2])
if sys.argv[1] == "serve":
    serve(port, sys.argv[3:])
send(port, sys.argv[3], int(sys.argv[4]), float((sys.argv + ["0"])[5]))
