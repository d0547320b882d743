#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent construction of MRENCLAVE, compared byte for byte with SafeLib's.

Written from the SDM (vol. 3D, ECREATE, EADD, EEXTEND), sharing no code with src/device.

  mrenclave.py rules TOOL              random enclaves, record by record, against tests/interop/measure_tool
  mrenclave.py image SAFELIB IMAGE     a real image: this script parses the ELF file and builds the pages itself
  mrenclave.py sigstruct SAFELIB IMAGE a signature: integer arithmetic here, and the openssl command
"""
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

PAGE = 4096
ELF_OFF = 0x10000  # src/runtime/layout.h: where address 0 of the file lands
TCS, REG = 1 << 8, 2 << 8


class Enclave:
    """SHA-256 over 64-byte records, as the processor updates SECS.MRENCLAVE."""

    def __init__(self, size, ssa_frame_size):
        self.sha = hashlib.sha256()
        self.record(b"ECREATE\0" + struct.pack("<IQ", ssa_frame_size, size))

    def record(self, data):
        assert len(data) <= 64
        self.sha.update(data.ljust(64, b"\0"))

    def eadd(self, off, flags):
        self.record(b"EADD\0\0\0\0" + struct.pack("<QQ", off, flags))

    def eextend(self, off, chunk):
        assert len(chunk) == 256
        self.record(b"EEXTEND\0" + struct.pack("<Q", off))
        self.sha.update(chunk)

    def page(self, off, flags, content, is_measured):
        self.eadd(off, flags)
        for at in range(0, PAGE if is_measured else 0, 256):
            self.eextend(off + at, content[at:at + 256])


def check_rules(tool):
    rng = random.Random(37_4)
    for case in range(40):
        size = PAGE << rng.randrange(1, 20)
        ssa = rng.randrange(1, 5)
        enclave, script = Enclave(size, ssa), [f"ecreate {size} {ssa}"]
        for _ in range(rng.randrange(1, 9)):
            off = rng.randrange(size // PAGE) * PAGE
            flags = rng.choice([TCS, REG | 1, REG | 3, REG | 5, REG | 7, REG])
            enclave.eadd(off, flags)
            script.append(f"eadd {off} {flags}")
            for at in rng.sample(range(0, PAGE, 256), rng.randrange(17)):
                chunk = rng.randbytes(256)
                enclave.eextend(off + at, chunk)
                script.append(f"eextend {off + at} {chunk.hex()}")
        out = subprocess.run([tool], input="\n".join(script + ["final", ""]), text=True, capture_output=True)
        assert out.stdout.strip() == enclave.sha.hexdigest(), f"case {case}: {out.stdout} {script[:3]}"
    for bad, want in (("ecreate 4096 1", "INVALID"), ("ecreate 12288 1", "INVALID"), ("ecreate 8192 0", "INVALID"),
                      ("eadd 0 512", "STATE"), ("ecreate 8192 1\neadd 8192 513", "RANGE"),
                      ("ecreate 8192 1\neadd 100 513", "RANGE"), ("ecreate 8192 1\neadd 0 514", "INVALID"),
                      ("ecreate 8192 1\neadd 0 768", "INVALID")):
        out = subprocess.run([tool], input=bad + "\nfinal\n", text=True, capture_output=True)
        assert out.stdout.strip() == want, f"{bad!r}: {out.stdout}, expected {want}"
    print("40 random enclaves and 8 refusals agree")


def elf_pages(path):
    """Page offset in the enclave -> (content, permissions)."""
    with open(path, "rb") as file:
        data = file.read()
    phoff, = struct.unpack_from("<Q", data, 32)
    phsize, phcount = struct.unpack_from("<HH", data, 54)
    pages = {}
    for i in range(phcount):
        kind, flags, off, vaddr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", data, phoff + i * phsize)
        if kind != 1:
            continue
        start = vaddr // PAGE * PAGE
        blob = bytes(vaddr - start) + data[off:off + filesz] + bytes(memsz - filesz)
        blob += bytes(-len(blob) % PAGE)
        rwx = (1 if flags & 4 else 0) | (2 if flags & 2 else 0) | (4 if flags & 1 else 0)
        if rwx & 2:
            rwx |= 1
        for at in range(0, len(blob), PAGE):
            pages[ELF_OFF + start + at] = (blob[at:at + PAGE], REG | rwx)
    return pages


def check_image(safelib, image):
    run = subprocess.run([safelib, "image", "measure", "--json", "--pages", image], capture_output=True, check=True)
    dump = json.loads(run.stdout)
    elf = elf_pages(image)
    enclave = Enclave(dump["size"], dump["ssa_frame_size"])
    ends = {r["name"]: r["offset"] + r["size"] for r in dump["ranges"]}
    seen, last = set(), -1
    for r in dump["ranges"]:
        for n, off in enumerate(range(r["offset"], r["offset"] + r["size"], PAGE)):
            assert off > last, f"{r['name']}: pages must ascend"
            last, flags, content = off, r["secinfo_flags"], bytes(PAGE)
            if off in elf:
                seen.add(off)
                content, want = elf[off]
                assert flags == want, f"{r['name']} at {off:#x}: flags {flags:#x}, the ELF file says {want:#x}"
                assert r["measured"]
            elif "content_hex" in r:  # made by the loader: layout page and TCSs
                content = bytes.fromhex(r["content_hex"])[n * PAGE:(n + 1) * PAGE]
                assert off == 0 or flags == TCS, f"{r['name']}: only layout and TCS pages are made up"
            elif r["name"].startswith("block "):  # struct sl_layout_block: index, ends of the two stacks
                index = int(r["name"].split()[1])
                content = struct.pack("<QQQ", index, ends[f"stack {index}"], ends[f"exc-stack {index}"])
                content = content.ljust(PAGE, b"\0")
            if flags == TCS:
                stage, tcs_flags, _, cssa, nssa, _, aep = struct.unpack_from("<QQQIIQQ", content)
                assert (stage, tcs_flags, cssa, aep) == (0, 0, 0, 0) and nssa > 0
                assert content[72:] == bytes(PAGE - 72), "reserved bytes of a TCS"
            enclave.page(off, flags, content, r["measured"])
    assert seen == set(elf), f"{len(set(elf) - seen)} pages of the ELF file are not measured"
    assert enclave.sha.hexdigest() == dump["mrenclave"], "MRENCLAVE differs"
    plain = subprocess.run([safelib, "image", "measure", image], capture_output=True, check=True, text=True)
    assert plain.stdout.strip() == dump["mrenclave"]
    print(f"{image}: {len(elf)} pages of ELF, MRENCLAVE {dump['mrenclave']} agrees")


def check_numbers(sig):
    m, s, q1, q2 = (int.from_bytes(sig[a:a + 384], "little") for a in (128, 516, 1040, 1424))
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420")
    digest = hashlib.sha256(sig[:128] + sig[900:1028]).digest()
    message = b"\0\1" + b"\xff" * (384 - 3 - 19 - 32) + b"\0" + digest_info + digest
    assert pow(s, 3, m) == int.from_bytes(message, "big"), "signature"
    assert q1 == s * s // m, "Q1"
    assert q2 == (s ** 3 - q1 * s * m) // m, "Q2"
    # EINIT's own way, without a division: both remainders lie below the modulus
    r1 = s * s - q1 * m
    r2 = s * r1 - q2 * m
    assert 0 <= r1 < m and r2 == pow(s, 3, m)


def check_sigstruct(safelib, image):
    with tempfile.TemporaryDirectory() as tmp:
        key, out = os.path.join(tmp, "k.pem"), os.path.join(tmp, "i.sig")
        sign = [safelib, "image", "sign", "--json", "--key", key, "--date", "20260102", "--product", "7", "--svn", "3",
                "-o", out, image]
        told = json.loads(subprocess.run(sign + ["--new-key"], capture_output=True, check=True).stdout)
        with open(out, "rb") as file:
            sig = file.read()
        subprocess.run(sign, capture_output=True, check=True)
        with open(out, "rb") as file:
            assert file.read() == sig, "signing twice must give the same bytes"
        assert os.stat(key).st_mode & 0o777 == 0o600
        assert len(sig) == 1808
        assert sig[:16].hex() == "06000000e10000000000010000000000" and sig[24:40].hex() == "01010000600000006000000001000000"
        assert sig[16:20] == bytes(4) and sig[20:24] == bytes.fromhex("02012620"), "vendor, date (BCD, little-endian)"
        assert sig[512:516] == b"\3\0\0\0"
        assert sig[960:992].hex() == told["mrenclave"] and struct.unpack_from("<HH", sig, 1024) == (7, 3)
        assert hashlib.sha256(sig[128:512]).hexdigest() == told["mrsigner"]
        for start, size in ((44, 84), (910, 2), (992, 16), (1028, 12)):
            assert sig[start:start + size] == bytes(size), f"reserved bytes at {start}"
        check_numbers(sig)
        # and a program that we did not write
        files = {name: os.path.join(tmp, name) for name in ("pub", "area", "s")}
        subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", files["pub"]], capture_output=True, check=True)
        with open(files["area"], "wb") as file:
            file.write(sig[:128] + sig[900:1028])
        with open(files["s"], "wb") as file:
            file.write(sig[516:900][::-1])
        subprocess.run(["openssl", "dgst", "-sha256", "-verify", files["pub"], "-signature", files["s"], files["area"]],
                       capture_output=True, check=True)
    print(f"{image}: SIGSTRUCT agrees, openssl verifies it")


if __name__ == "__main__":
    {"rules": check_rules, "image": check_image, "sigstruct": check_sigstruct}[sys.argv[1]](*sys.argv[2:])
