# SPDX-License-Identifier: Apache-2.0
"""Signed measurement lists: keys by openssl, signatures by evmctl and openssl, verdicts by safelib.
   signatures.py SAFELIB"""
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

SAFELIB = sys.argv[1]
HASH_IDS = {"sha1": 2, "sha256": 4, "sha384": 5, "sha512": 6}
passed = failed = 0


def run(*args, data=None):
    return subprocess.run(args, input=data, capture_output=True, check=False)


def must(*args, data=None):
    done = run(*args, data=data)
    if done.returncode != 0:
        raise SystemExit("%s: %s" % (args, done.stderr.decode()))
    return done.stdout


def check(name, is_good, detail=""):
    global passed, failed
    passed, failed = passed + bool(is_good), failed + (not is_good)
    if not is_good:
        print("FAIL: %s %s" % (name, detail))


# ---- lists ----

def fields_of(template, alg, digest, path, sig):
    name = path.encode() + b"\0"
    if template == "ima-sigv2":
        return [b"ima:" + alg.encode() + b":\0" + digest, name, sig]
    return [alg.encode() + b":\0" + digest, name, sig]


def entry(template, fields, pcr=10):
    data = b"".join(struct.pack("<I", len(field)) + field for field in fields)
    name = template.encode()
    return (struct.pack("<I", pcr) + hashlib.sha1(data).digest() + struct.pack("<I", len(name)) + name +
            struct.pack("<I", len(data)) + data)


def list_write(path, entries):
    aggregate = entry("ima-sig", fields_of("ima-sig", "sha256", bytes(32), "boot_aggregate", b""))
    with open(path, "wb") as file:
        file.write(aggregate + b"".join(entries))


def digest_of(alg, path):
    with open(path, "rb") as file:
        return hashlib.new(alg, file.read()).digest()


# ---- signatures ----

def evmctl(alg, key, path):
    must("evmctl", "ima_sign", "--hashalgo", alg, "--key", key, "--sigfile", path)
    with open(path + ".sig", "rb") as file:
        return file.read()


def header(sig, alg, key_id, kind=3, version=2):
    return struct.pack(">BBBIH", kind, version, HASH_IDS[alg], key_id, len(sig)) + sig


def key_id_of(public):
    """By openssl: the last four bytes of SHA-1 over the subjectPublicKey."""
    der = must("openssl", "pkey", "-pubin", "-in", public, "-outform", "DER")
    text = must("openssl", "asn1parse", "-inform", "DER", "-in", "/dev/stdin", data=der).decode()
    row = [line for line in text.split("\n") if "BIT STRING" in line][-1]
    off, size, length = int(row.split(":")[0]), int(row.split("hl=")[1].split()[0]), int(row.split("l=")[2].split()[0])
    return struct.unpack(">I", hashlib.sha1(der[off + size + 1:off + size + length]).digest()[-4:])[0]


def openssl_sign(alg, key, digest):
    with open("digest", "wb") as file:
        file.write(digest)
    return must("openssl", "pkeyutl", "-sign", "-inkey", key, "-in", "digest", "-pkeyopt", "digest:" + alg)


def verify(keys, *more):
    done = run(SAFELIB, "ima", "verify", "--log", "list", "--keys", keys, "--json", *more)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr.decode()


def expect(name, status, words="", keys="ring", more=()):
    rc, report, text = verify(keys, *more)
    check(name, rc == status and words in text, "-> %d, expected %d with %r: %s" % (rc, status, words, text[:400]))
    return report


# ---- scenes ----

def keys_make():
    must("openssl", "genrsa", "-out", "rsa.pem", "2048")
    must("openssl", "genrsa", "-out", "small.pem", "1024")
    for name, curve in (("ec", "prime256v1"), ("ec384", "secp384r1"), ("other", "prime256v1"), ("k1", "secp256k1")):
        must("openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", name + ".pem")
    for name in ("rsa", "ec", "ec384", "other", "small", "k1"):
        must("openssl", "pkey", "-in", name + ".pem", "-pubout", "-out", name + ".pub")
    must("openssl", "req", "-new", "-key", "rsa.pem", "-subj", "/CN=files", "-out", "rsa.csr")
    must("openssl", "x509", "-req", "-in", "rsa.csr", "-signkey", "rsa.pem", "-days", "-1", "-out", "rsa.crt")
    os.mkdir("ring")  # a certificate that expired, as DER; a public key as PEM; another as DER
    must("openssl", "x509", "-in", "rsa.crt", "-outform", "DER", "-out", "ring/rsa.der")
    shutil.copy("ec.pub", "ring/ec.pem")
    must("openssl", "pkey", "-pubin", "-in", "ec384.pub", "-outform", "DER", "-out", "ring/ec384.der")


def by_evmctl():
    for template in ("ima-sig", "ima-sigv2", "d-ng|n-ng|sig"):
        for key in ("rsa.pem", "ec.pem", "ec384.pem"):
            for alg in ("sha256", "sha512"):
                sig = evmctl(alg, key, "file")
                list_write("list", [entry(template, fields_of(template, alg, digest_of(alg, "file"), "/bin/f", sig))])
                report = expect("%s %s %s" % (template, key, alg), 0)
                check("it is counted", report.get("good_signatures") == 1, report)
    # the judge of others on the same list: the verdicts agree
    sig = evmctl("sha256", "rsa.pem", "file")
    for name, wrong, status in (("good", b"", 0), ("bad", b"x", 1)):
        list_write("list", [entry("ima-sig", fields_of("ima-sig", "sha256", digest_of("sha256", "file"), "/bin/f",
                                                       sig[:-1] + bytes([sig[-1] ^ len(wrong)])))])
        expect("one %s for evmctl" % name, status)
        text = run("evmctl", "ima_measurement", "--ignore-violations", "--verify-sig", "--key", "ring/rsa.der", "-v", "list")
        words = (text.stdout + text.stderr).decode()
        check("evmctl finds it %s too" % name, ("/bin/f: verification is OK" in words) == (status == 0), words)


def by_openssl():
    digest = digest_of("sha256", "file")
    for key in ("rsa", "ec"):
        key_id = key_id_of(key + ".pub")
        good = header(openssl_sign("sha256", key + ".pem", digest), "sha256", key_id)
        file_id = hashlib.sha256(bytes([3, 4]) + digest).digest()
        verity_id = hashlib.sha256(bytes([6, 4]) + digest).digest()
        rows = [
            (good, 0, ""),
            (b"", 0, ""),
            (good[:-1], 1, "size is not that of its bytes"),
            (good + b"\0", 1, "size is not that of its bytes"),
            (good[:1], 1, "is cut"),
            (b"\x01" + good[1:], 1, "of a type that no kernel writes"),
            (good[:1] + b"\x01" + good[2:], 1, "version is neither 2 nor 3"),
            (good[:2] + b"\x02" + good[3:], 1, "a hash that is not taken"),
            (good[:2] + b"\xff" + good[3:], 1, "a hash that is not taken"),
            (good[:2] + b"\x06" + good[3:], 1, "is over sha512, the entry's digest is not"),
            (header(good[9:], "sha256", key_id ^ 1), 1, "the ring has no key %08x" % (key_id ^ 1)),
            (header(openssl_sign("sha256", "other.pem", digest), "sha256", key_id), 1, "did not make this signature"),
            (header(openssl_sign("sha256", key + ".pem", bytes(32)), "sha256", key_id), 1, "did not make this signature"),
            # version 3 wraps the digest; the wrapped one is not good as version 2, nor the plain one as 3
            (header(openssl_sign("sha256", key + ".pem", file_id), "sha256", key_id, version=3), 0, ""),
            (header(openssl_sign("sha256", key + ".pem", file_id), "sha256", key_id), 1, "did not make this signature"),
            (good[:1] + b"\x03" + good[2:], 1, "did not make this signature"),
            (header(openssl_sign("sha256", key + ".pem", verity_id), "sha256", key_id, 6, 3), 1, "not of one kind"),
        ]
        for number, (sig, status, words) in enumerate(rows):
            list_write("list", [entry("ima-sig", fields_of("ima-sig", "sha256", digest, "/bin/f", sig))])
            expect("%s row %d" % (key, number), status, words)
        # fs-verity: only a wrapped digest of its own kind
        for sig, status, words in ((header(openssl_sign("sha256", key + ".pem", verity_id), "sha256", key_id, 6, 3), 0, ""),
                                   (good, 1, "not of one kind")):
            list_write("list", [entry("ima-sigv2", [b"verity:sha256:\0" + digest, b"/bin/f\0", sig])])
            expect("%s fs-verity" % key, status, words)


def evm():
    names, mode = [b"security.ima"], 0o100755
    digest = digest_of("sha256", "file")

    def fields(xattr, sig, uid=0, gid=0, mode=mode, names=names):
        return [b"sha256:\0" + digest, b"/bin/f\0", sig, b"|".join(names), struct.pack("<I", len(xattr)), xattr,
                struct.pack("<I", uid), struct.pack("<I", gid), struct.pack("<H", mode)]

    xattr = b"\x04\x04" + digest
    out = must("evmctl", "sign", "-n", "--hashalgo", "sha256", "--portable", "--ima", xattr.hex(), "--key", "rsa.pem", "--caps=",
               "--uid", "0", "--gid", "0", "--mode", str(mode), "file").decode().split()
    sig = bytes.fromhex(out[-1])
    imasig = evmctl("sha256", "rsa.pem", "file")
    misc = bytes(20) + struct.pack("<HH", mode, 0)
    key_id = key_id_of("rsa.pub")

    def portable(value):
        return header(openssl_sign("sha256", "rsa.pem", hashlib.sha256(value + misc).digest()), "sha256", key_id, 5)

    other = b"\x04\x04" + bytes(32)
    for name, template, of, status, words in (
            ("by evmctl", "evm-sig", fields(xattr, sig), 0, ""),
            ("by openssl", "evm-sig", fields(xattr, portable(xattr)), 0, ""),
            ("over a signature", "evm-sig", fields(imasig, portable(imasig)), 0, ""),
            ("another owner", "evm-sig", fields(xattr, sig, uid=1), 1, "did not make this signature"),
            ("another group", "evm-sig", fields(xattr, sig, gid=1), 1, "did not make this signature"),
            ("setuid", "evm-sig", fields(xattr, sig, mode=0o104755), 1, "did not make this signature"),
            ("another file's metadata", "evm-sig", fields(other, portable(other)), 1, "is not the entry's digest"),
            ("no security.ima", "evm-sig", fields(xattr, sig, names=[b"security.selinux"]), 1, "lack security.ima"),
            ("one name too many", "evm-sig", fields(xattr, sig, names=names * 2), 1, "do not belong together"),
            ("in a template without metadata", "ima-sig", fields_of("ima-sig", "sha256", digest, "/bin/f", sig), 1,
             "where the template lists all that it covers")):
        list_write("list", [entry(template, of)])
        expect("EVM " + name, status, words)


def rings():
    sig = evmctl("sha256", "ec.pem", "file")
    list_write("list", [entry("ima-sig", fields_of("ima-sig", "sha256", digest_of("sha256", "file"), "/bin/f", sig))])
    with open("many.pem", "w", encoding="ascii") as file:
        for name in ("other.pub", "rsa.crt", "ec.pub"):
            file.write("comment\n" + open(name, encoding="ascii").read())
    expect("several in one file", 0, keys="many.pem")
    expect("the wrong key", 1, "the ring has no key", keys="other.pub")
    os.mkdir("empty")
    for name, words in (("empty", "no key in it"), ("absent", "absent"), ("file", "expected certificates or public keys"),
                        ("small.pub", "expected RSA of 2048"), ("k1.pub", "expected RSA of 2048"),
                        ("rsa.pem", "expected certificates or public keys")):
        expect("a ring of " + name, 2, words, keys=name)


POLICY = """class: host
pcrs:
  - bank: sha256
    required: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
accept_any_boot: a test
ima:
  sets: [none]
  keys: %s
"""


def policy():
    digest = digest_of("sha256", "file")
    os.makedirs("policies/refvals")
    sig = evmctl("sha256", "rsa.pem", "file")
    signed = entry("ima-sig", fields_of("ima-sig", "sha256", digest, "/bin/f", sig))
    plain = entry("ima-sig", fields_of("ima-sig", "sha256", digest, "/bin/f", b""))
    bad = entry("ima-sig", fields_of("ima-sig", "sha256", bytes(32), "/bin/f", sig))
    must(SAFELIB, "refvals", "import", "--set", "none", "--store", "policies/refvals", "ring")
    for keys, entries, status, words in (("../ring", [signed], 0, "trusted"), ("../ring", [plain], 1, "digest-unknown"),
                                         ("../ring", [bad], 1, "signature-bad"), ("../other.pub", [signed], 1, "signature-unknown"),
                                         ("../absent", [signed], 2, "absent"), ("../small.pub", [signed], 2, "ima.keys")):
        with open("policies/host.yaml", "w", encoding="ascii") as file:
            file.write(POLICY % keys)
        list_write("list", entries)
        done = run(SAFELIB, "ima", "verify", "--log", "list", "--policy", "policies/host.yaml", "--refvals", "policies/refvals")
        text = (done.stdout + done.stderr).decode()
        check("policy with %s" % keys, done.returncode == status and words in text, "-> %d: %s" % (done.returncode, text))


with tempfile.TemporaryDirectory(prefix="sl-ima-sig.") as work:
    os.chdir(work)
    SAFELIB = os.path.join("/", SAFELIB)
    with open("file", "wb") as made:
        made.write(b"#!/bin/true\n" * 99)
    keys_make()
    by_evmctl()
    by_openssl()
    evm()
    rings()
    policy()
    os.chdir("/")
print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed else 0)
