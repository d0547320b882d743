# SPDX-License-Identifier: Apache-2.0
"""Python's end of esp_tool: SafeLib's ESP as a peer of scapy, tshark and ipsec-secgw."""
import subprocess

ALGORITHMS = {
    # name: (esp_tool's number, key size, scapy's name, Wireshark's name)
    "aes-128-gcm": (1, 16, "AES-GCM", "AES-GCM with 16 octet ICV [RFC4106]"),
    "aes-256-gcm": (2, 32, "AES-GCM", "AES-GCM with 16 octet ICV [RFC4106]"),
    "chacha20-poly1305": (3, 32, "CHACHA20-POLY1305", "ChaCha20 with Poly1305 [RFC7634]"),
}


class Refused(Exception):
    """SafeLib refused; the text is the result code."""


class Tool:
    """One running esp_tool."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer:
            raise RuntimeError("esp_tool died at: " + " ".join(map(str, words))[:200])
        if answer[0] != "ok":
            raise Refused(answer[1])
        return answer[1:]

    def sa(self, direction, algorithm, spi, key, salt, esn=False, window=64, seq_start=0):
        number = ALGORITHMS[algorithm][0]
        return self.call("sa", direction, number, spi, int(esn), window, seq_start, key.hex(), salt.hex())[0]

    def seal(self, sa, inner, next_header=None, tfc=0):
        if next_header is None:
            next_header = 4 if inner[0] >> 4 == 4 else 41
        return bytes.fromhex(self.call("seal", sa, next_header, tfc, inner.hex())[0])

    def open(self, sa, esp):
        next_header, seq, inner = self.call("open", sa, esp.hex())
        return int(next_header), int(seq), bytes.fromhex(inner)

    def wrap(self, framing, version, src, dst, esp, sport=4500, dport=4500, hops=64, df=True, tos=0, ident=0):
        return bytes.fromhex(self.call("wrap", framing, version, src.hex(), dst.hex(), sport, dport, hops, int(df),
                                       tos, ident, esp.hex())[0])

    def unwrap(self, packet):
        framing, tos, sport, dport, esp = self.call("unwrap", packet.hex())
        return framing, int(tos), int(sport), int(dport), bytes.fromhex(esp)

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise RuntimeError("esp_tool failed")
