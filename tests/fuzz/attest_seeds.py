#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for the attestation targets, from any folder of evidence and collateral.

attest_seeds.py OUT FOLDER...: every file below FOLDER becomes OUT/TARGET/NAME, with the selector byte of that target in front.
The committed seeds come of tests/tools/attest_sample (the emulator's, in nobody's possession):
    build/tests/tools/attest-sample /tmp/sample && tests/fuzz/attest_seeds.py tests/fuzz/corpus /tmp/sample
The published vectors, where they are, are added at run time by tools/fuzz-one and never copied into the project."""
import hashlib
import json
import os
import re
import struct
import sys

SGX, TDX, SNP, SAMPLE = 0, 1, 2, 3  # attest_evidence
CCEL = 4
CERTS, CRLS, EXTENSION, AMD = 0, 1, 2, 3  # attest_certs
SEED_MAX = 64 << 10


def der_header(data, off=0):
    """Sizes of header and content of the DER sequence at @p off, or None."""
    if len(data) < off + 4 or data[off] != 0x30:
        return None
    count = data[off + 1] & 0x7F if data[off + 1] & 0x80 else 0
    size = int.from_bytes(data[off + 2:off + 2 + count], "big") if count else data[off + 1]
    return (2 + count, size) if off + 2 + count + size <= len(data) else None


def of_der(data):
    outer = der_header(data)
    inner = der_header(data, outer[0]) if outer else None
    if inner is None:
        return []
    first = data[outer[0] + inner[0]]  # a certificate begins with its version, [0]; a CRL has none there
    return [("attest_certs", CERTS if first == 0xA0 else CRLS, data), ("attest_certs", AMD, data)]


def of_json(data):
    try:
        root = json.loads(data)
    except (ValueError, UnicodeDecodeError):
        return []
    if not isinstance(root, dict):
        return []
    if "enclaveIdentity" in root:
        return [("attest_collateral", 1, data)]
    if "tcbInfo" in root:
        return [("attest_collateral", 0, data)]
    if "pck_crl" in root or "vcek" in root:
        return [("evidence_bundle", 1, data)]
    return []


def of_binary(data):
    if len(data) < 8:
        return []
    version, key, tee = struct.unpack("<HHI", data[:8])
    if key in (2, 3) and 3 <= version <= 5:
        kind = TDX if tee == 0x81 else SGX
        item = struct.pack(">HHH", kind + 1, 1, 1) + struct.pack(">HI", 1, len(data)) + data
        seeds = [("attest_evidence", kind, data), ("evidence_bundle", 0, item)]
        return seeds + ([("attest_evidence", SAMPLE, data)] if kind == SGX else [])
    if len(data) == 1184 and key == 0:
        return [("attest_evidence", SNP, data)]
    if b"Spec ID Event03" in data[:128]:
        return [("attest_evidence", CCEL, data.rstrip(b"\xff"))]
    return of_der(data)


def classify(path, data):
    if b"-----BEGIN X509 CRL" in data[:64]:
        return [("attest_certs", CRLS, data), ("attest_certs", AMD, data)]
    if re.match(rb"\s*-----BEGIN CERTIFICATE", data[:64]):
        return [("attest_certs", CERTS, data), ("attest_certs", AMD, data)]
    if path.endswith((".yaml", ".yml")):
        return [("attest_policy", None, data)]
    if path.endswith(".hex"):
        return of_binary(bytes.fromhex(data.decode("ascii").strip()))
    if data.lstrip()[:1] == b"{":
        return of_json(data)
    return of_binary(data)


def synthetic():
    """Reports of each version and product, and the smallest of the other formats: no signature is good."""
    for version, family, model in ((2, 0, 0), (3, 0x19, 0x01), (3, 0x19, 0x11), (5, 0x1A, 0x02)):
        report = bytearray(1184)
        struct.pack_into("<IIQ", report, 0, version, 0, 0x30000)
        struct.pack_into("<I", report, 0x34, 1)
        report[0x188:0x18A] = bytes((family, model))
        yield f"report-v{version}-{family:x}-{model:x}", "attest_evidence", SNP, bytes(report)
    yield "empty", "attest_evidence", SGX, b""


def main():
    out, folders = sys.argv[1], sys.argv[2:]
    count = 0

    def write(target, name, selector, data):
        nonlocal count
        os.makedirs(os.path.join(out, target), exist_ok=True)
        with open(os.path.join(out, target, name), "wb") as file:
            file.write((b"" if selector is None else bytes((selector,))) + data)
        count += 1

    for name, target, selector, data in synthetic():
        write(target, name, selector, data)
    for folder in folders:
        for base, _, names in os.walk(folder):
            for name in sorted(names):
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    data = file.read(1 << 20)
                for target, selector, seed in classify(path, data):
                    if len(seed) <= SEED_MAX:
                        digest = hashlib.sha256(seed).hexdigest()[:8]
                        write(target, f"{name}-{selector}-{digest}", selector, seed)
    print(f"{count} seeds")


sys.exit(main())
