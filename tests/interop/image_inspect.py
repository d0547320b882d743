#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `safelib image inspect` and `diff` say of images whose content is known, because this script writes them.

  image_inspect.py SAFELIB SOURCE_ROOT [IMAGE]    IMAGE: the standard image, where it was built
"""
import json
import os
import re
import subprocess
import sys
import tempfile

FLAGS = ["gcc", "-nostdlib", "-static-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,separate-code"]
# Instructions that no enclave may execute, each in a function of its own.
FORBIDDEN = {"syscall": "syscall", "cpuid": "cpuid", "rdtsc": "rdtsc", "rdtscp": "rdtscp", "sysenter": "sysenter",
             "int $0x80": "int n", "in %dx, %al": "in, out, ins, outs", "outsb": "in, out, ins, outs",
             "sgdt (%rsp)": "sgdt, sidt, sldt, str, smsw", "smsw %eax": "sgdt, sidt, sldt, str, smsw",
             "lretq": "far call, jmp, ret; iret", "mov %eax, %fs": "load of a segment register",
             "vmcall": "vmcall, vmfunc, getsec, rdpmc", "rdpmc": "vmcall, vmfunc, getsec, rdpmc",
             "enclu": "enclu"}
ANSWERED = {"syscall", "cpuid", "rdtsc", "rdtscp"}


class Bench:
    def __init__(self, safelib, root, tmp):
        self.safelib, self.tmp = safelib, tmp
        with open(os.path.join(root, "tests/interop/tiny_image.S"), encoding="ascii") as file:
            self.tiny = file.read()

    def link(self, name, source, extra=()):
        path = os.path.join(self.tmp, name)
        with open(path + ".S", "w", encoding="ascii") as file:
            file.write(source)
        subprocess.run(FLAGS + [f"-Wl,-Map={path}.map", "-o", path, path + ".S", *extra], check=True)
        return path

    def image(self, *args, rc=0):
        run = subprocess.run([self.safelib, "image", *args], capture_output=True, text=True)
        assert run.returncode == rc, f"{args}: exit {run.returncode}, expected {rc}: {run.stderr}{run.stdout[:2000]}"
        return run.stdout

    def inspect(self, path, rc=0):
        return json.loads(self.image("inspect", "--json", path, rc=rc))


def function(name, body):
    return f"    .text\n    .globl {name}\n    .type {name}, @function\n{name}:\n{body}\n    ret\n    .size {name}, . - {name}\n"


def check_reach(b):
    """tiny_image: cpuid is reached by a pointer in data, syscall by nobody."""
    got = {(f["instruction"], f["symbol"]) for f in b.inspect(b.link("tiny", b.tiny))["forbidden"]}
    assert got == {("cpuid", "forbidden_reached")}, got
    # by a call, a tail jump, an address in code, a jump table's function, fall through
    for how in ("call f", "jmp f", "lea f(%rip), %rax", "jmp *%rax\n    syscall", "nop\n    .globl g\n    .type g, @function\ng:\n    syscall"):
        source = b.tiny.replace("    ud2\n", f"    {how}\n    ud2\n") + function("f", "    syscall")
        names = {f["symbol"] for f in b.inspect(b.link("reach", source))["forbidden"] if f["instruction"] == "syscall"}
        assert names, how
    source = b.tiny.replace("    ud2\n", "    ud2\n    call f\n") + function("f", "    syscall")
    names = {f["symbol"] for f in b.inspect(b.link("behind", source))["forbidden"]}
    assert "f" not in names, "code behind ud2 is not reached"


def check_kinds(b):
    for insn, kind in FORBIDDEN.items():
        source = b.tiny.replace("    ud2\n", "    call f\n    ud2\n")
        body = "    .byte 0x0f, 0x01, 0xd7" if insn == "enclu" else "    " + insn
        path = b.link("kind", source + function("f", body))
        found = b.inspect(path, rc=0 if insn in ANSWERED else 1)["forbidden"]
        rows = [f for f in found if f["symbol"] == "f"]
        assert [f["instruction"] for f in rows] == [kind], (insn, rows)
        assert rows[0]["answered"] == (insn in ANSWERED)
    for insn in ("vaesenc %zmm1, %zmm2, %zmm3", "vpclmulqdq $1, %zmm1, %zmm2, %zmm3", "vgf2p8affineqb $1, 64(%rax), %ymm2, %ymm3",
                 "vaesdec 4(%rax,%rbx), %zmm2, %zmm3", "xgetbv", "endbr64", "vpternlogq $3, 8(%rip), %zmm1, %zmm2"):
        source = b.tiny.replace("    ud2\n", "    call f\n    ud2\n") + function("f", f"    {insn}\n    syscall")
        got = b.inspect(b.link("vector", source))
        assert got["undecoded"] == 0 and [f["symbol"] for f in got["forbidden"]].count("f") == 1, insn


def check_refusals(b):
    """What the loader refuses is judged bad, with its reason."""
    for extra, text in ((["-Wl,-z,execstack"], "executable stack"), (["-Wl,-N"], None)):
        path = b.link("refused", b.tiny, extra)
        run = subprocess.run([b.safelib, "image", "inspect", path], capture_output=True, text=True)
        assert run.returncode == 1, (extra, run.stdout[:300], run.stderr)
        assert text is None or text in run.stderr, run.stderr
    b.image("inspect", os.path.join(b.tmp, "absent"), rc=2)
    b.image("inspect", "/etc/hostname", rc=2 if os.stat("/etc/hostname").st_size < 64 else 1)


def check_signature(b):
    path = b.link("signed", b.tiny)
    key = os.path.join(b.tmp, "k.pem")
    assert b.inspect(path)["signature"] == "none"
    b.image("sign", "--new-key", "--key", key, path)
    b.image("sign", "--new-key", "--key", key, path, rc=2)  # never over an existing key
    good = b.inspect(path)
    assert good["signature"] == "good" and re.fullmatch("[0-9a-f]{64}", good["mrsigner"])
    other = b.link("other", b.tiny.replace("mov $4, %eax", "mov $5, %eax"))
    os.replace(path + ".sig", other + ".sig")
    bad = b.inspect(other, rc=1)
    assert bad["signature"] == "bad" and "SGX_INVALID_MEASUREMENT" in bad["signature_fault"]


def differences(b, one, two):
    got = json.loads(b.image("diff", "--json", one, two, rc=1))
    assert not got["same"]
    return {(d["what"], d["where"]): d["detail"] for d in got["differences"]}


def check_diff(b):
    extra = b.tiny + function("f", "    mov $1, %eax") + function("g", "    lea pointer(%rip), %rax\n    call f\n    jmp leave")
    one = b.link("a", extra)
    assert json.loads(b.image("diff", "--json", one, one))["same"]
    # one function changes: it is named, and nobody else
    got = differences(b, one, b.link("b", extra.replace("mov $1, %eax", "mov $2, %eax")))
    assert [w for what, w in got if what == "symbol"] == ["f"], got
    assert ("content", "text") in got
    # a function grows: the ones behind it only move
    got = differences(b, one, b.link("c", extra.replace("mov $1, %eax", "mov $1, %eax\n" + "    nop\n" * 16)))
    assert [w for what, w in got if what == "symbol"] == ["f"], got
    got = differences(b, one, b.link("d", extra + function("h", "    nop")))
    assert [w for what, w in got if what == "symbol"] == ["h"] and "only in the second" in got["symbol", "h"], got
    # data, and a constant without a name
    data = extra + "    .data\n    .globl d\n    .type d, @object\n    .size d, 8\nd: .quad {}\n"
    got = differences(b, b.link("e", data.format(1)), b.link("f", data.format(2)))
    assert [w for what, w in got if what == "symbol"] == ["d"], got
    anonymous = extra + '    .section .rodata\n    .string "built in {}"\n'
    got = differences(b, b.link("g", anonymous.format("/usr/one")), b.link("h", anonymous.format("/usr/two")))
    assert not [w for what, w in got if what == "symbol"] and "one" in got["content", "rodata"], got
    # settings
    wants = extra + ('    .section .sl_image, "a", @progbits\n    .long 0x494c5346, 1\n    .quad 64 << 20, 256 << 10\n'
                     "    .long {}\n    .short 0, 0\n")
    got = differences(b, b.link("i", wants.format(8)), b.link("j", wants.format(9)))
    assert got["setting", "threads"] == "8 and 9", got


def check_parts(b, image):
    got = json.loads(subprocess.run([b.safelib, "image", "inspect", "--json", image], capture_output=True, text=True).stdout)
    code = sum(p["code"] for p in got["parts"])
    names = {p["name"] for p in got["parts"]}
    assert got["parts_by_map"] and {"SafeLib runtime", "SafeLib esp", "OpenSSL libcrypto", "intel-ipsec-mb", "glibc"} <= names, names
    assert 0.97 * got["code_size"] < code <= got["code_size"], f"{code} of {got['code_size']} bytes have an origin"
    bad = [f for f in got["forbidden"] if not f["answered"]]
    assert not bad, f"the standard image reaches {bad[:5]}"
    assert got["undecoded"] < 200
    stripped = os.path.join(b.tmp, "stripped")
    subprocess.run(["strip", "-o", stripped, image], check=True)
    assert b.inspect(stripped)["stripped"]


def main():
    with tempfile.TemporaryDirectory() as tmp:
        b = Bench(sys.argv[1], sys.argv[2], tmp)
        for check in (check_reach, check_kinds, check_refusals, check_signature, check_diff):
            check(b)
            print(f"{check.__name__}: good")
        if len(sys.argv) > 3:
            check_parts(b, sys.argv[3])
            print("check_parts: good")


if __name__ == "__main__":
    main()
