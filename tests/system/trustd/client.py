# SPDX-License-Identifier: Apache-2.0
"""A client of the monitor with a TPM of its own making: EK and AK in Python, TPM2_ActivateCredential
by part 1, 24, written a second time. For tests of the server around the drivers."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import ssl
import struct
import subprocess
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

EK_POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")


def b64(data):
    return base64.b64encode(data).decode()


def sized(data):
    return struct.pack(">H", len(data)) + data


class Tpm:
    def __init__(self):
        self.ek = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        n = self.ek.public_key().public_numbers().n.to_bytes(256, "big")
        # TPM 2.0 profile for EKs: fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt
        self.ek_public = sized(struct.pack(">HHI", 1, 0xB, 0x300B2) + sized(EK_POLICY) +
                               struct.pack(">HHHHHI", 6, 128, 0x43, 0x10, 2048, 0) + sized(n))
        self.ak = ec.generate_private_key(ec.SECP256R1())
        ak = self.ak.public_key().public_numbers()
        area = (struct.pack(">HHI", 0x23, 0xB, 0x50072) + sized(b"") + struct.pack(">HHHHH", 0x10, 0x18, 0xB, 3, 0x10) +
                sized(ak.x.to_bytes(32, "big")) + sized(ak.y.to_bytes(32, "big")))
        self.ak_public = sized(area)
        self.ak_name = b"\x00\x0b" + hashlib.sha256(area).digest()

    def activate(self, blob, wrapped):
        """TPM2_ActivateCredential; checks the HMAC as a TPM does."""
        assert struct.unpack(">H", blob[:2])[0] == len(blob) - 2
        assert struct.unpack(">H", wrapped[:2])[0] == len(wrapped) - 2
        seed = self.ek.decrypt(wrapped[2:], padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"IDENTITY\0"))

        def kdfa(label, context, bits):
            data = struct.pack(">I", 1) + label + b"\0" + context + struct.pack(">I", bits)
            return hmac.new(seed, data, hashlib.sha256).digest()[:bits // 8]
        mac_size = struct.unpack(">H", blob[2:4])[0]
        mac, encrypted = blob[4:4 + mac_size], blob[4 + mac_size:]
        wanted = hmac.new(kdfa(b"INTEGRITY", b"", 256), encrypted + self.ak_name, hashlib.sha256).digest()
        assert hmac.compare_digest(mac, wanted), "the credential is for another AK"
        aes = Cipher(algorithms.AES(kdfa(b"STORAGE", self.ak_name, 128)), modes.CFB(bytes(16))).decryptor()
        secret = aes.update(encrypted)
        return secret[2:2 + struct.unpack(">H", secret[:2])[0]]


class Server:
    """safelib-trustd in a folder of its own."""
    started = []

    @staticmethod
    def stop_all():
        for server in Server.started:
            server.stop(kill=True)
            with open(server.folder + "/trustd.log", encoding="utf-8", errors="replace") as log:
                text = log.read()
            if "Sanitizer" in text or "runtime error" in text:
                print(text[:6000])

    def __init__(self, program, folder, more="", lease_ms=60000):
        self.program, self.folder, self.port, self.process = program, folder, 0, None
        os.makedirs(folder + "/policies", exist_ok=True)
        self.policy("worker", "lease_ms: %d\n" % lease_ms)
        if not os.path.exists(folder + "/key.pem"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem", "-days", "2", "-subj",
                            "/CN=monitor", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.config = folder + "/trustd.yaml"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("listen: 127.0.0.1:0\ncertificate: %s/cert.pem\nkey: %s/key.pem\nstate_dir: %s/state\n"
                       "policy_dir: %s/policies\n%s" % (folder, folder, folder, folder, more))

    def policy(self, name, text):
        path = "%s/policies/%s.yaml" % (self.folder, name)
        if text is None:
            os.unlink(path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def start(self, env=None):
        with open(self.folder + "/trustd.log", "wb") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config], stdout=subprocess.DEVNULL, stderr=log,
                                            env=dict(os.environ, **(env or {})))
        Server.started.append(self)
        end = time.time() + 120
        text = ""
        while time.time() < end:
            with open(self.folder + "/trustd.log", encoding="utf-8") as log:
                text = log.read()
            if "listening on port" in text and text.endswith("\n"):
                self.port = int(text.split("listening on port")[1].split()[0])
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError("the monitor does not start: " + text)

    def stop(self, kill=False):
        if self.process is None:
            return None
        (self.process.kill if kill else self.process.terminate)()
        code = self.process.wait(120)
        self.process = None
        return code

    def token(self, role, name=None):
        run = subprocess.run([self.program, "token", "add", "--role", role, "--name", name or role, "--config",
                              self.config], check=True, capture_output=True, text=True)
        return run.stdout.strip()

    def context(self):
        return ssl.create_default_context(cafile=self.folder + "/cert.pem")

    def connect(self, timeout=120):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(), timeout=timeout)

    def call(self, method, path, token=None, body=None, connection=None, raw=None):
        """@return status, headers, body (parsed where it is JSON)"""
        mine = connection or self.connect()
        headers = {"Authorization": "Bearer " + token} if token else {}
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        if isinstance(raw, int):  # that many bytes are announced, and none is sent: the answer does not wait for them
            mine.putrequest(method, path)
            for name, value in dict(headers, **{"Content-Length": str(raw)}).items():
                mine.putheader(name, value)
            mine.endheaders()
        else:
            mine.request(method, path, data, headers)
        answer = mine.getresponse()
        text = answer.read()
        if connection is None:
            mine.close()
        kind = answer.getheader("Content-Type", "")
        return answer.status, answer.headers, json.loads(text) if "json" in kind else text.decode()


class Node:
    def __init__(self, server, enroller, name, driver="tpm-ima", class_name="worker", **more):
        self.server, self.tpm = server, Tpm()
        self.registration = dict({"name": name, "class": class_name, "driver": driver, "ek_certificate": b64(b"ek"),
                                  "ek_public": b64(self.tpm.ek_public), "ak_public": b64(self.tpm.ak_public)}, **more)
        self.enroller, self.id, self.token, self.driver = enroller, None, None, driver

    def enroll(self):
        status, _, said = self.server.call("POST", "/v1/enroll", self.enroller, self.registration)
        assert status == 201, said
        self.id = said["node"]
        secret = self.tpm.activate(base64.b64decode(said["credential"]["blob"]),
                                   base64.b64decode(said["credential"]["secret"]))
        status, _, said = self.server.call("POST", "/v1/enroll/%s/activate" % self.id, None, {"secret": b64(secret)})
        assert status == 200, said
        self.token = said["token"]
        return self

    def challenge(self, body=None, connection=None):
        return self.server.call("POST", "/v1/nodes/%s/challenge" % self.id, self.token, body or {}, connection)

    def evidence(self, nonce, evidence, connection=None, **more):
        message = dict({"nonce": nonce, "boot_id": "boot-1", self.driver: evidence}, **more)
        return self.server.call("POST", "/v1/nodes/%s/evidence" % self.id, self.token, message, connection)

    def round(self, evidence, connection=None, **more):
        status, _, said = self.challenge(connection=connection)
        assert status == 200, said
        return self.evidence(said["nonce"], evidence, connection, **more)
