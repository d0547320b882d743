# SPDX-License-Identifier: Apache-2.0
"""Clients that want to keep the monitor from others: memory stays bounded, and an honest node's rounds go on within its lease."""
import socket
import ssl
import threading
import time

from client import Node
from common import check, verdict

LEASE_S = 60
PATIENCE_S = 120  # of a client with a machine that is slow; the monitor's limits are what ends a test


def resident(server):
    with open("/proc/%d/statm" % server.process.pid, encoding="utf-8") as file:
        return int(file.read().split()[1]) * 4096


class Honest:
    """One node that does its rounds meanwhile, from another address; and the daemon's memory."""
    def __init__(self, server, node):
        self.server, self.node, self.took, self.most, self.fault = server, node, [], 0, None
        self.stop, self.thread = threading.Event(), threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.stop.is_set():
                begin = time.time()
                connection = self.server.connect()
                connection.source_address = ("127.0.0.2", 0)
                status, _, said = self.node.round({"do": "good"}, connection)
                connection.close()
                assert status == 200, said
                self.took.append(time.time() - begin)
                self.most = max(self.most, resident(self.server))
                self.stop.wait(1.2)  # below its rate
        except Exception as fault:  # pylint: disable=broad-except
            self.fault = fault

    def __enter__(self):
        self.before = resident(self.server)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def judge(self, text):
        check("%s: an honest node's %d rounds went on, slowest %.2f s" % (text, len(self.took), max(self.took, default=0)),
              self.fault is None and len(self.took) > 0 and max(self.took) < LEASE_S, self.fault)
        check("%s: memory bounded (%d to %d MiB)" % (text, self.before >> 20, self.most >> 20), self.most - self.before < 96 << 20)


def alive(sock):
    sock.settimeout(0.01)
    try:
        return sock.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def slow_heads(server, tokens, node):
    """Slowloris: a byte of a request's head, of a TLS handshake, or of a body, now and then."""
    good = ssl.create_default_context(cafile=server.folder + "/cert.pem")
    crowd = []
    with Honest(server, node) as honest:
        for i in range(60):
            raw = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S, ("127.0.1.%d" % (1 + i % 4), 0))
            if i % 2:
                raw = good.wrap_socket(raw, server_hostname="127.0.0.1")
                raw.sendall(b"GET /v1/health HTTP/1.1\r\nX: ")
            else:
                raw.sendall(b"\x16\x03\x01\x02\x00")
            crowd.append(raw)
        drip = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S, ("127.0.1.5", 0))
        drip = good.wrap_socket(drip, server_hostname="127.0.0.1")
        drip.sendall(b"POST /v1/nodes/%s/evidence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\n\r\n"
                     % (node.id.encode(), node.token.encode()))
        crowd.append(drip)
        end = time.time() + PATIENCE_S
        while crowd and time.time() < end:
            for one in list(crowd):
                try:
                    one.settimeout(1)
                    one.sendall(b"a" if isinstance(one, ssl.SSLSocket) else b"\x01")
                    if not alive(one):
                        crowd.remove(one)
                except OSError:
                    crowd.remove(one)
            time.sleep(0.2)
    check("a body that drips is cut off", drip not in crowd)
    check("slow heads and handshakes are cut off (60 of them)", not crowd, len(crowd))
    honest.judge("slow heads")


def hostile_crowd(server, node):
    """1,000 TLS connections at once, from many addresses, which then stay."""
    context = ssl.create_default_context(cafile=server.folder + "/cert.pem")
    crowd = []
    with Honest(server, node) as honest:
        for i in range(1000):
            raw = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S, ("127.0.2.%d" % (1 + i // 30), 0))
            crowd.append(context.wrap_socket(raw, server_hostname="127.0.0.1"))
        time.sleep(1.5)
    check("1,000 TLS handshakes, and nothing asked", len(crowd) == 1000)
    honest.judge("1,000 TLS connections")
    for one in crowd:
        one.close()


def hostile_node(server, tokens, node):
    """An enrolled node whose evidence takes the verifier's whole time, over and over, and one that sends all it may."""
    slow, fat = Node(server, tokens["enroller"], "slow").enroll(), Node(server, tokens["enroller"], "fat").enroll()
    stop = threading.Event()

    def loop(who, evidence):
        while not stop.is_set():
            try:
                who.round(evidence)
            except (OSError, AssertionError):
                time.sleep(0.2)
    threads = [threading.Thread(target=loop, args=(slow, {"do": "loop"})),
               threading.Thread(target=loop, args=(fat, {"do": "good", "pad": "x" * (900 << 10)}))]
    with Honest(server, node) as honest:
        for thread in threads:
            thread.start()
        time.sleep(3)
        status, _, said = slow.challenge()
        if status == 200:
            codes = {slow.evidence(said["nonce"], {"do": "good"})[0] for _ in range(1)}
            check("one round of a node at a time", codes <= {200, 409, 429}, codes)
        stop.set()
    for thread in threads:
        thread.join()
    honest.judge("hostile nodes")
    check("whose verdict is theirs alone", verdict(server, tokens["viewer"], node)[0] == "trusted")
