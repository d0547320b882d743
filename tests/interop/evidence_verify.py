#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent verifier of the emulator's SGX quotes: written from Intel's "SGX ECDSA QuoteLibReference" (A.4),
"PCK Certificate and CRL Specification" and PCS API v4, sharing no code with src/attest or src/evidence. Certificates
by python3-cryptography; paths, dates and revocation by the openssl command.

  evidence_verify.py TOOL      TOOL = tests/interop/evidence_tool. Exit 77: a program is missing.
"""
import datetime
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
except ImportError:
    print("python3-cryptography is not installed")
    sys.exit(77)

SGX = "1.2.840.113741.1.13.1"


def verify(key, signature, data):
    r, s = (int.from_bytes(signature[i:i + 32], "big") for i in (0, 32))
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def der(data):
    """[(tag, value)] of one level."""
    out = []
    while data:
        tag, size, off = data[0], data[1], 2
        if size & 0x80:
            count = size & 0x7f
            size, off = int.from_bytes(data[2:2 + count], "big"), 2 + count
        assert off + size <= len(data), "DER runs over its end"
        out.append((tag, data[off:off + size]))
        data = data[off + size:]
    return out


def oid(data):
    arcs, value = [data[0] // 40, data[0] % 40], 0
    for byte in data[1:]:
        value = value << 7 | byte & 0x7f
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    return ".".join(map(str, arcs))


def sgx_extension(certificate):
    def members(data):
        result = {}
        for tag, value in der(data):
            assert tag == 0x30
            (id_tag, name), (value_tag, content) = der(value)
            assert id_tag == 6
            result[oid(name)] = members(content) if value_tag == 0x30 else content
        return result

    raw = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(SGX)).value.value
    (tag, body), = der(raw)
    assert tag == 0x30
    return members(body)


def pems(data):
    return re.findall(b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", data, re.S)


def openssl_path(folder, leaf, intermediates, crls):
    def put(name, data):
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    args = ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", os.path.join(folder, "root.pem"),
            "-untrusted", put("untrusted.pem", b"".join(intermediates) or b"\n")]
    if not intermediates:
        args = args[:-2]
    pem = b"".join(subprocess.run(["openssl", "crl", "-inform", "DER", "-in", os.path.join(folder, name)], check=True,
                                  capture_output=True).stdout for name in crls)
    args += ["-CRLfile", put("crls.pem", pem), put("leaf.pem", leaf)]
    result = subprocess.run(args, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def signed_json(path, member, key):
    text = open(path, "rb").read()
    body = text[len('{"%s":' % member):text.rindex(b',"signature":')]
    verify(key, bytes.fromhex(json.loads(text)["signature"]), body)
    content = json.loads(body)
    now = datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert content["issueDate"] < now < content["nextUpdate"]
    return content


def check(folder, report_data):
    quote = open(os.path.join(folder, "quote.bin"), "rb").read()
    version, key_type, reserved, qe_svn, pce_svn = struct.unpack_from("<HHIHH", quote)
    assert (version, key_type, reserved) == (3, 2, 0)
    assert quote[12:28].hex() == "939a7233f79c4ca9940a0db3957f0607"
    body = quote[48:432]
    assert body[320:384] == report_data
    assert body[64:96] == b"\x11" * 32 and body[128:160] == b"\x22" * 32
    assert struct.unpack_from("<HH", body, 256) == (3, 4)
    size, = struct.unpack_from("<I", quote, 432)
    data = quote[436:]
    assert len(data) == size, "trailing or missing bytes"
    signature, point, qe, qe_signature = data[:64], data[64:128], data[128:512], data[512:576]
    auth_size, = struct.unpack_from("<H", data, 576)
    auth = data[578:578 + auth_size]
    kind, chain_size = struct.unpack_from("<HI", data, 578 + auth_size)
    chain = data[584 + auth_size:]
    assert kind == 5 and len(chain) == chain_size

    ak = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + point)
    verify(ak, signature, quote[:432])
    assert qe[320:384] == hashlib.sha256(point + auth).digest() + bytes(32)

    chain = pems(chain)
    pck, _, root = (x509.load_pem_x509_certificate(c) for c in chain)
    assert chain[2] == open(os.path.join(folder, "root.pem"), "rb").read()
    verify(pck.public_key(), qe_signature, qe)
    openssl_path(folder, chain[0], chain[1:2], ["pck_crl.der", "root_crl.der"])
    signing = pems(open(os.path.join(folder, "tcb_signing_chain.pem"), "rb").read())
    openssl_path(folder, signing[0], [], ["root_crl.der"])
    assert pems(open(os.path.join(folder, "pck_crl_issuer_chain.pem"), "rb").read()) == chain[1:]

    key = x509.load_pem_x509_certificate(signing[0]).public_key()
    tcb = signed_json(os.path.join(folder, "tcb_info.json"), "tcbInfo", key)
    identity = signed_json(os.path.join(folder, "qe_identity.json"), "enclaveIdentity", key)
    ext = sgx_extension(pck)
    assert ext[SGX + ".4"].hex().upper() == tcb["fmspc"] == "SLEMU0".encode().hex().upper()
    assert ext[SGX + ".3"].hex() == tcb["pceId"] == "0000"
    assert len(ext[SGX + ".1"]) == 16 and ext[SGX + ".5"] == b"\0"
    comps = [int.from_bytes(ext[SGX + ".2"]["%s.2.%d" % (SGX, i)], "big", signed=True) for i in range(1, 18)]
    assert bytes(comps[:16]) == ext[SGX + ".2"][SGX + ".2.18"] == body[:16] == qe[:16]
    assert comps[16] == pce_svn
    level = next(level for level in tcb["tcbLevels"] if comps[16] >= level["tcb"]["pcesvn"] and
                 all(a >= b["svn"] for a, b in zip(comps, level["tcb"]["sgxtcbcomponents"])))
    assert (tcb["id"], tcb["version"], level["tcbStatus"]) == ("SGX", 3, "UpToDate")
    assert len(level["tcb"]["sgxtcbcomponents"]) == 16

    assert (identity["id"], identity["version"]) == ("QE", 2)
    assert identity["mrsigner"].lower() == qe[128:160].hex()
    mask = bytes.fromhex(identity["attributesMask"])
    assert bytes(a & b for a, b in zip(qe[48:64], mask)).hex().upper() == identity["attributes"]
    prod, svn = struct.unpack_from("<HH", qe, 256)
    assert prod == identity["isvprodid"] and svn >= identity["tcbLevels"][0]["tcb"]["isvsvn"] and svn == qe_svn

    # the root: public by intent, and made from its name
    name = "SafeLib emulated SGX, no protection"
    secret = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
    mine = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    assert mine.public_bytes(*form) == root.public_key().public_bytes(*form)
    assert root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == name


def main():
    if subprocess.run(["openssl", "version"], capture_output=True).returncode != 0:
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        report_data = os.urandom(64)
        subprocess.run([sys.argv[1], report_data.hex(), folder], check=True)
        check(folder, report_data)
        try:
            check(folder, bytes(64))
        except AssertionError:
            print("emulated quote and collateral verify; other report_data does not")
        else:
            sys.exit("accepted other report_data")


main()
