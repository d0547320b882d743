# SPDX-License-Identifier: Apache-2.0
"""A monitor for the agent's test: docs/trust-protocol.md over TLS, judging with `safelib tpm verify-quote` and a replay of
its own. It believes nothing that the TPM has not signed.

   monitor.py WORK SAFELIB [PORT]     writes its port to WORK/port, keeps WORK/log (one line for each call)
WORK/containers has those of the last round, WORK/containers.all of each.
Files in WORK steer it: drop (close the connection on evidence, once), busy (503, once), act (an action as JSON)."""
import base64
import hashlib
import http.server
import json
import os
import secrets
import ssl
import struct
import subprocess
import sys

work, safelib = sys.argv[1:3]
nodes = {}
# WORK/slots: {"PCR": first user}, for the PCRs beside 10; WORK/references: digests in hex, without it all are good
slots = {}
if os.path.exists(os.path.join(work, "slots")):
    with open(os.path.join(work, "slots"), encoding="utf-8") as slots_file:
        slots = {user: int(number) for number, user in json.load(slots_file).items()}
references = set()
if os.path.exists(os.path.join(work, "references")):
    with open(os.path.join(work, "references"), encoding="utf-8") as references_file:
        references = set(references_file.read().split())
pcrs = sorted([10, *slots.values()])


def path(name):
    return os.path.join(work, name)


def put(name, data):
    with open(path(name), "wb") as out:
        out.write(data)
    return path(name)


def steer(name):
    """What a file says, which is taken away; None: it is not there."""
    if not os.path.exists(path(name)):
        return None
    with open(path(name), encoding="utf-8") as file:
        text = file.read()
    os.unlink(path(name))
    return text or "yes"


def note(line):
    with open(path("log"), "a", encoding="utf-8") as out:
        out.write(line + "\n")


def credential(ek, ak, secret):
    """TPM2_MakeCredential by tpm2-tools, without a TPM."""
    name = b"\x00\x0b" + hashlib.sha256(ak[2:]).digest()
    subprocess.run(["tpm2_makecredential", "-T", "none", "-u", put("ek.pub", ek), "-s",
                    put("secret", secret), "-n", name.hex(), "-o", path("cred")], check=True, capture_output=True)
    with open(path("cred"), "rb") as file:
        data = file.read()[8:]  # behind the tool's own magic and version
    cut = 2 + struct.unpack(">H", data[:2])[0]
    return data[:cut], data[cut:]


def entries(data):
    """(PCR, template data) of each entry of a binary list, ima-ng and its like."""
    at = 0
    while at < len(data):
        start = at + 28 + struct.unpack_from("<I", data, at + 24)[0]
        length = struct.unpack_from("<I", data, start)[0]
        yield struct.unpack_from("<I", data, at)[0], data[start + 4:start + 4 + length]
        at = start + 4 + length


def described(data):
    """(digest in hex, path) of an entry's template data."""
    size = struct.unpack_from("<I", data)[0]
    digest, rest = data[4:4 + size], data[4 + size:]
    return digest.split(b"\0", 1)[1].hex(), rest[4:4 + struct.unpack_from("<I", rest)[0]].rstrip(b"\0").decode()


def replay(node, digest, more):
    """Number of entries behind the checkpoint after which the PCRs hash to the quote's digest, or None."""
    state = dict(node["state"])
    for i in range(len(more) + 1):
        if hashlib.sha256(b"".join(state[p] for p in pcrs)).digest() == digest:
            node["state"] = state
            return i
        if i < len(more):
            pcr, data = more[i]
            state[pcr] = hashlib.sha256(state[pcr] + hashlib.sha256(data).digest()).digest()
    return None


def judge(node, nonce, body):
    """Reason why the host's evidence is bad, or ""; notes what each PCR's entries say in node["bad"]."""
    part = body["tpm-ima"]
    quote, signature = base64.b64decode(part["quote"]), base64.b64decode(part["signature"])
    done = subprocess.run([safelib, "tpm", "verify-quote", "--msg", put("msg", quote), "--sig", put("sig", signature), "--ak",
                           put("ak.pub", node["ak"]), "--nonce", nonce, "--pcrs", "sha256:" + ",".join(map(str, pcrs))],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return "quote: " + done.stderr.strip().replace("\n", "; ")
    first, more = part["ima"]["from"], list(entries(base64.b64decode(part["ima"]["data"])))
    if body["boot_id"] != node["boot"]:
        node.update(boot=body["boot_id"], state={p: bytes(32) for p in pcrs}, count=0, bad={})
        if "bootlog" not in part:
            return "a new boot without its log"
    if first != node["count"]:
        return f"list from entry {first}, expected {node['count']}"
    found = replay(node, quote[-32:], more)
    if found is None:
        return f"no prefix of {first} + {len(more)} entries gives the quoted PCRs"
    for number, (pcr, data) in enumerate(more[:found], first + 1):
        digest, name = described(data)
        if references and digest not in references and name != "boot_aggregate":
            node["bad"].setdefault(pcr, f"entry {number}: {name} {digest}")
    node["count"] = first + found
    return ""


def verdicts(node, why, containers):
    """The host by PCR 10; a container by the PCR of its users, and never better than its host."""
    host = why or node["bad"].get(10, "")
    out = [("host", "host", host)]
    for container in containers:
        own = node["bad"].get(slots.get(container["uid_first"]), "")
        out.append(("container", container["id"], own or (host and "its host is untrusted")))
    return [{"kind": kind, "id": name, "verdict": "untrusted" if bad else "trusted",
             "reasons": [{"code": "measurement", "text": bad}] if bad else []} for kind, name, bad in out]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):  # pylint: disable=invalid-name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        token, parts = self.headers["Authorization"], self.path.split("/")
        if self.path == "/v1/enroll":
            self.enroll(token, body)
        elif self.path.endswith("/activate"):
            self.activate(nodes[parts[3]], body)
        elif parts[3] not in nodes or token != "Bearer " + nodes[parts[3]]["token"]:
            self.answer(401, {"field": "token", "detail": "unknown node or token"})
        elif parts[4] == "challenge":
            self.challenge(nodes[parts[3]])
        else:
            self.evidence(nodes[parts[3]], body)

    def enroll(self, token, body):
        if token != "Bearer enroller":
            self.answer(403, {"field": "token", "detail": "not an enroller"})
            return
        ek, ak, secret = base64.b64decode(body["ek_public"]), base64.b64decode(body["ak_public"]), secrets.token_bytes(32)
        put("ek.der", base64.b64decode(body.get("ek_certificate", "")))
        nodes["node-1"] = {"ak": ak, "secret": secret, "token": secrets.token_hex(16), "boot": "", "state": {},
                           "count": 0, "nonce": "", "bad": {}}
        blob, wrapped = credential(ek, ak, secret)
        self.answer(201, {"node": "node-1", "expires": "2099-01-01T00:00:00Z", "credential": {
            "blob": base64.b64encode(blob).decode(), "secret": base64.b64encode(wrapped).decode()}})

    def activate(self, node, body):
        if base64.b64decode(body["secret"]) != node["secret"]:
            self.answer(403, {"field": "secret", "detail": "not what was wrapped"})
            return
        note("enrolled")
        self.answer(200, {"node": "node-1", "token": node["token"]})

    def challenge(self, node):
        if steer("busy"):
            note("busy")
            self.answer(503, {"detail": "later"})
            return
        node["nonce"] = secrets.token_hex(32)
        self.answer(200, {"nonce": node["nonce"], "expires_ms": 30000, "tee": [], "tpm-ima": {
            "pcrs": {"sha256": pcrs}, "bootlog": False, "ima": {"from": node["count"]}}})

    def evidence(self, node, body):
        if steer("drop"):
            note("dropped")
            self.close_connection = True
            return
        nonce, node["nonce"] = node["nonce"], ""
        if nonce == "" or body["nonce"] != nonce:
            self.answer(409, {"field": "nonce", "detail": "not ours, or used"})
            return
        why = judge(node, nonce, body)
        containers = body["tpm-ima"]["containers"]
        put("containers", json.dumps(containers).encode())
        with open(path("containers.all"), "a", encoding="utf-8") as out:
            out.write(json.dumps(containers) + "\n")
        said = verdicts(node, why, containers)
        note(f"round {node['count']} {why or 'trusted'}")
        put("verdicts", "".join(f"{v['kind']} {v['id']} {v['verdict']} {''.join(r['text'] for r in v['reasons'])}\n" for v in said).encode())
        act = steer("act")
        actions = [json.loads(act)] if act else []
        if references:
            actions += [{"do": "pause", "container": v["id"]} for v in said
                        if v["kind"] == "container" and v["verdict"] != "trusted"]
        self.answer(200, {"round": 1, "lease_ms": 30000, "next_ms": 200, "actions": actions, "verdicts": said})


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 0), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.minimum_version = ssl.TLSVersion.TLSv1_3
tls.load_cert_chain(path("server.pem"), path("server.key"))
server.socket = tls.wrap_socket(server.socket, server_side=True)
put("port", str(server.server_address[1]).encode())
server.serve_forever()
