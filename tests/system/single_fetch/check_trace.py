#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a trace of lackey (lines " L address,size") against the rule of single fetch.

  check_trace.py open|seal < trace

open: nothing is stored; each byte of header, IV, ciphertext and ICV is read once. One exception, as
      ipsec-mb does it: a last partial block may be fetched by the 16-byte load that ends with it, of
      which the bytes of the block before are shifted out of the register at once. (That they have
      no effect is what `probe step` proves.)
seal: nothing is loaded; each byte is stored."""
import sys

SHARED, MARKS = 0x20000000, 0x30000000
FRONT, ICV = 16, 16


def text_size(inner):
    """Payload, padding to 4, pad length and next header (RFC 4303 2.4)."""
    return (inner + 2 + 3) // 4 * 4


def check(mode, inner, accesses):
    """Returns what is wrong with one packet, or None."""
    begin = SHARED + 64 + inner % 16
    size = FRONT + text_size(inner) + ICV
    counts = [0] * size
    wanted, other = ("L", "stored to") if mode == "open" else ("S", "loaded from")
    for kind, address, length in accesses:
        if kind != wanted:
            return f"shared memory is {other} at offset {address - begin}"
        for at in range(address - begin, address - begin + length):
            if at < 0 or at >= size:
                return f"access outside the packet at offset {at}"
            counts[at] += 1
    end = FRONT + text_size(inner)
    tail = ("L", begin + end - 16, 16)
    if mode == "open" and text_size(inner) % 16 != 0 and accesses.count(tail) == 1:
        for at in range(end - 16, end // 16 * 16):
            counts[at] -= 1
    for at, count in enumerate(counts):
        if count == 0:
            return f"offset {at} is never touched: is this the right trace?"
        if count > 1 and mode == "open":
            return f"offset {at} is read {count} times"
    return None


def main():
    mode = sys.argv[1]
    inner, accesses, packets, touched = None, [], 0, 0
    for line in sys.stdin:
        kind = line[1]
        address, length = line[3:].strip().split(",")
        address, length = int(address, 16), int(length)
        if SHARED <= address < SHARED + 0x2000:
            if inner is not None:
                accesses.append((kind, address, length))
        elif kind == "S" and (address - MARKS) // 8 == 2048:
            wrong = check(mode, inner, accesses)
            if wrong:
                print(f"{mode}: packet of {inner} bytes: {wrong}")
                return 1
            packets, touched, inner = packets + 1, touched + len(accesses), None
        elif kind == "S":
            inner, accesses = (address - MARKS) // 8, []
    if packets < 100:
        print(f"{mode}: only {packets} packets in the trace")
        return 2
    print(f"{mode}: {packets} packets, {touched} accesses to shared memory, each byte as the rule wants")
    return 0


sys.exit(main())
