# SPDX-License-Identifier: Apache-2.0
"""A machine made in Python: a TPM with keys, PCRs and a clock, firmware with a boot log, a kernel with a measurement list.
Honest as it stands; a test changes what it likes."""
import datetime
import hashlib
import os
import struct
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trustd"))
from client import Tpm, b64, sized  # noqa: E402  pylint: disable=wrong-import-position

ALGS = {"sha1": (4, hashlib.sha1), "sha256": (11, hashlib.sha256)}
DAY = datetime.timedelta(days=1)


class Vendor:
    """A TPM maker's CA."""

    def __init__(self, name="CN=Test TPM Vendor"):
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(name)
        self.cert = self.sign(self.name, self.key.public_key(), True)

    def sign(self, subject, key, is_ca):
        now = datetime.datetime.utcnow()
        usage = {name: False for name in ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                                          "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")}
        for name in ("key_cert_sign", "crl_sign") if is_ca else ("key_encipherment",):
            usage[name] = True
        maker = x509.Name([x509.NameAttribute(x509.ObjectIdentifier("2.23.133.2.%d" % (i + 1)), text)
                           for i, text in enumerate(("id:494E5443", "ADL", "id:0001"))])
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
                .serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + 30 * DAY)
                .add_extension(x509.BasicConstraints(is_ca, None), True).add_extension(x509.KeyUsage(**usage), True)
                .add_extension(x509.SubjectAlternativeName([x509.DirectoryName(maker)]), True)
                .sign(self.key, hashes.SHA256()))

    def pem(self):
        return self.cert.public_bytes(serialization.Encoding.PEM).decode()

    def revoke(self, machine):
        """A CRL with the EK certificate of a machine."""
        now = datetime.datetime.utcnow()
        serial = x509.load_der_x509_certificate(machine.ek_certificate).serial_number
        gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
        return (x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(now - DAY).next_update(now + DAY)
                .add_extension(x509.CRLNumber(1), False)
                .add_revoked_certificate(gone).sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())

    def certify(self, tpm):
        subject = x509.Name.from_rfc4514_string("CN=EK")
        return self.sign(subject, tpm.ek.public_key(), False).public_bytes(serialization.Encoding.DER)


def entry(pcr, path, content=None, digest=None):
    """An entry of the kernel's list (ima-ng) for a file: (bytes, SHA-256 that the PCR is extended with)."""
    digest = digest or hashlib.sha256(content or path.encode()).digest()
    field, name = b"sha256:\0" + digest, path.encode() + b"\0"
    data = struct.pack("<I", len(field)) + field + struct.pack("<I", len(name)) + name
    head = struct.pack("<I", pcr) + hashlib.sha1(data).digest() + struct.pack("<I", 6) + b"ima-ng" + struct.pack("<I", len(data))
    return head + data, hashlib.sha256(data).digest()


def signed_entry(pcr, path, key, content=None, said=None):
    """The same with security.ima in it (template ima-sig): format 2, by `key`, of `said` or of the file's digest."""
    digest = hashlib.sha256(content or path.encode()).digest()
    signature = key.sign(said or digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    xattr = struct.pack(">BBB", 3, 2, 4) + hashlib.sha1(point).digest()[-4:] + struct.pack(">H", len(signature)) + signature
    data = b"".join(struct.pack("<I", len(field)) + field for field in (b"sha256:\0" + digest, path.encode() + b"\0", xattr))
    head = struct.pack("<I", pcr) + hashlib.sha1(data).digest() + struct.pack("<I", 7) + b"ima-sig" + struct.pack("<I", len(data))
    return head + data, hashlib.sha256(data).digest()


def attest(nonce, clock, resets, restarts, selection, pcr_digest, firmware=1, magic=0xFF544347, kind=0x8018):
    """TPMS_ATTEST (TPM 2.0 part 2, 10.12.12); selection: [(algorithm, PCRs)]"""
    out = struct.pack(">IHH", magic, kind, 0) + sized(nonce) + struct.pack(">QIIBQ", clock, resets, restarts, 1, firmware)
    out += struct.pack(">I", len(selection))
    for alg, pcrs in selection:
        mask = sum(1 << pcr for pcr in pcrs)
        out += struct.pack(">HB", alg, 3) + mask.to_bytes(3, "little")
    return out + sized(pcr_digest)


class Machine:
    """node: web in PCR 11 (users from 100000), dns in PCR 12 (users from 300000)"""

    def __init__(self, name, vendor):
        self.name, self.tpm = name, Tpm()
        self.ek_certificate = vendor.certify(self.tpm)
        self.clock, self.resets, self.restarts, self.firmware = 1000, 1, 0, 7
        self.containers = [self.container("web", 100000), self.container("dns", 300000)]
        self.boot()

    @staticmethod
    def container(name, first, **more):
        return dict({"id": name, "runtime": "runc", "image": "registry.example/%s:1" % name, "cgroup": "/" + name,
                     "uid_first": first, "uid_count": 65536, "root_device": "8:1", "state": "running", "pid": 1}, **more)

    def extend(self, pcr, digest):
        self.pcrs[pcr] = hashlib.sha256(self.pcrs[pcr] + digest).digest()

    def boot(self, loader=b"grub"):
        """PCRs from zero, a boot log (TCG PC client, crypto-agile), boot_aggregate, and what always runs."""
        self.resets += 1
        self.boot_id, self.is_fresh = os.urandom(16).hex(), True  # fresh: tells all from entry 0, with the boot log
        self.pcrs, self.list = {pcr: bytes(32) for pcr in range(24)}, []
        spec = b"Spec ID Event03\0" + struct.pack("<IBBBBIHHB", 0, 0, 2, 0, 2, 1, 11, 32, 0)
        self.bootlog = struct.pack("<II20sI", 0, 3, bytes(20), len(spec)) + spec
        for pcr, kind, data in [(4, 0x0D, loader)] + [(pcr, 4, bytes(4)) for pcr in range(8)]:
            digest = hashlib.sha256(data).digest()
            self.bootlog += struct.pack("<IIIH", pcr, kind, 1, 11) + digest + struct.pack("<I", len(data)) + data
            self.extend(pcr, digest)
        aggregate = hashlib.sha256(b"".join(self.pcrs[pcr] for pcr in range(10))).digest()
        self.measure(10, "boot_aggregate", digest=aggregate)
        for pcr, path in ((10, "/sbin/init"), (10, "/usr/bin/agent"), (11, "/bin/web"), (12, "/bin/dns")):
            self.measure(pcr, path)

    def measure(self, pcr, path, content=None, digest=None, made=None):
        data, extended = made or entry(pcr, path, content, digest)
        self.list.append(data)
        self.extend(pcr, extended)

    def quote(self, nonce, selection, **more):
        """What the TPM signs; `more` are the lies."""
        self.clock += 10
        values = b"".join(self.pcrs[pcr] for _, pcrs in selection for pcr in sorted(pcrs))
        fields = dict({"clock": self.clock, "resets": self.resets, "restarts": self.restarts, "firmware": self.firmware,
                       "selection": selection, "pcr_digest": hashlib.sha256(values).digest()}, **more)
        return attest(nonce, **fields)

    def sign(self, data, key=None):
        r, s = decode_dss_signature((key or self.tpm.ak).sign(data, ec.ECDSA(hashes.SHA256())))
        return struct.pack(">HH", 0x18, 0xB) + sized(r.to_bytes(32, "big")) + sized(s.to_bytes(32, "big"))

    def evidence(self, challenge, entries=None, start=None, key=None, bootlog=None, containers=None, quote=None, **lies):
        """The driver's part of a message for a challenge; without more, it is the truth."""
        wanted = challenge["tpm-ima"]
        more = lies.pop("more", None)
        selection = [(ALGS[bank][0], pcrs) for bank, pcrs in wanted["pcrs"].items()]
        quote = quote or self.quote(bytes.fromhex(challenge["nonce"]), lies.pop("selection", selection), **lies)
        start = (0 if self.is_fresh else wanted["ima"]["from"]) if start is None else start
        entries = self.list[start:] if entries is None else entries
        part = {"quote": b64(quote), "signature": b64(self.sign(quote, key)), "ima": {"from": start, "data": b64(b"".join(entries))},
                "containers": self.containers if containers is None else containers}
        if more is not None:
            part["ima"]["more"] = more
        if bootlog is not False and (wanted["bootlog"] or self.is_fresh or bootlog is not None):
            part["bootlog"] = b64(self.bootlog if bootlog is None else bootlog)
        return part
