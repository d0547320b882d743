# SPDX-License-Identifier: Apache-2.0
"""The monitor around its drivers: fail-closed rules, one-use nonces, leases, roles, the interface
against docs/openapi.yaml, hostile clients, kill -9, the journal.
   server.py TRUSTD JOURNAL OPENAPI [ROUNDS_OF_KILL [all|kills]]"""
import base64
import hashlib
import http.client
import json
import os
import random
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from client import Node, Server, b64
from common import CHECKS, JOURNAL, KILLS, SEEN, SPEC, TRUSTD, check, verdict, watch
from hostile import PATIENCE_S, hostile_crowd, hostile_node, slow_heads
from interface import (bodies, client_certificates, disk_full, ek_once, metrics_strict, reload_signal, roles_on_every_route)


def fail_closed(server, tokens):
    viewer, enroller = tokens["viewer"], tokens["enroller"]
    check("fail-closed: empty node list: nothing is trusted", server.call("GET", "/v1/verdicts", viewer)[2] == {"verdicts": []})
    check("fail-closed: empty node list: no nodes", server.call("GET", "/v1/nodes", viewer)[2] == {"nodes": [], "count": 0})
    status, _, said = server.call("POST", "/v1/nodes/0123456789abcdef/challenge", tokens["operator"], {})
    check("fail-closed: unregistered node: not talked to", status == 401)
    status, _, said = server.call("POST", "/v1/nodes/0123456789abcdef/evidence", "slt" + "0" * 64, {})
    check("fail-closed: unregistered node: its evidence neither", status == 401)
    node = Node(server, enroller, "first").enroll()
    _, _, said = server.call("GET", "/v1/nodes", viewer)
    check("enrolled is not trusted", said["nodes"][0]["verdict"] == "unknown" and said["count"] == 1)
    status, _, said = node.round({"do": "good", "containers": {"c1": "trusted", "c2": "bad"}})
    check("a good round is trusted", status == 200 and said["round"] == 1 and said["lease_ms"] == 60000)
    check("host", verdict(server, viewer, node) == ("trusted", []))
    check("a good container", verdict(server, viewer, node, "c1") == ("trusted", []))
    check("a bad one", verdict(server, viewer, node, "c2") == ("untrusted", ["unknown-digest"]))
    check("it is to be paused", said["actions"] == [{"do": "pause", "container": "c2"}], said)
    node.round({"do": "good"})
    check("what the evidence leaves out is not trusted",
          verdict(server, viewer, node, "c1") == ("unknown", ["not-in-evidence"]))
    check("nor is what was bad forgotten", verdict(server, viewer, node, "c2")[0] == "untrusted")
    for what in ("crash", "loop", "fail", "nothing", "silent"):
        node.round({"do": "good"})
        status, _, said = node.round({"do": what})
        check("fail-closed: crashed verifier (%s): unknown" % what, status == 200 and
              verdict(server, viewer, node) == ("unknown", ["verifier-failed"]), said)
    status, _, said = node.round({"do": "bad"})
    check("bad is untrusted", verdict(server, viewer, node) == ("untrusted", ["bad"]))
    nonce = node.challenge()[2]["nonce"]
    server.policy("worker", None)
    check("reloaded", server.call("POST", "/v1/reload", tokens["operator"])[2]["changed"] == ["worker"])
    status, _, said = node.evidence(nonce, {"do": "good"})
    check("fail-closed: policy missing: unknown", verdict(server, viewer, node) == ("unknown", ["policy-missing"]), said)
    status, _, said = node.challenge()
    check("fail-closed: policy missing: told to the agent", status == 409 and said["field"] == "class", said)
    server.policy("worker", "nonsense\n")
    status, _, said = server.call("POST", "/v1/reload", tokens["operator"])
    check("policy unreadable: not taken", status == 409 and said["field"] == "policy_dir" and "worker.yaml" in said["detail"], said)
    server.policy("worker", "lease_ms: 60000\n")
    check("reloaded", server.call("POST", "/v1/reload", tokens["operator"])[0] == 200)
    return node


def unknown_driver(server, tokens):
    node = Node(server, tokens["enroller"], "gone", driver="vanishing").enroll()
    node.round({"do": "good"})
    check("a driver of its own", verdict(server, tokens["viewer"], node)[0] == "trusted")
    nonce = node.challenge()[2]["nonce"]
    server.stop()
    server.start()
    status, _, said = node.evidence(nonce, {"do": "good"})
    check("fail-closed: unknown driver: unknown",
          verdict(server, tokens["viewer"], node) == ("unknown", ["driver-unknown"]), said)
    status, _, said = node.challenge()
    check("told to the agent", status == 409 and said["field"] == "driver")
    removed(server, tokens, node)


def removed(server, tokens, node):
    check("removed by the operator", server.call("DELETE", "/v1/nodes/" + node.id, tokens["operator"])[0] == 200)
    check("and unknown after that", server.call("DELETE", "/v1/nodes/" + node.id, tokens["operator"])[0] == 404)
    check("its token is worth nothing", node.challenge()[0] == 401)


def enrolment(server, tokens):
    enroller = tokens["enroller"]
    node = Node(server, enroller, "second")
    for field, value, status in (("name", "../x", 400), ("class", "none", 422), ("driver", "none", 422),
                                 ("ek_certificate", "Zm9yZ2Vk", 403), ("ek_public", "AAAA", 400),
                                 ("ek_public", node.registration["ak_public"], 422),
                                 ("ak_public", node.registration["ek_public"], 422), ("ak_public", 7, 400),
                                 ("name", "first", 409)):
        got, _, said = server.call("POST", "/v1/enroll", enroller, dict(node.registration, **{field: value}))
        check("enrol: %s=%s is refused" % (field, str(value)[:12]), got == status and said["field"] == field, said)
    _, _, said = server.call("POST", "/v1/enroll", enroller, node.registration)
    path = "/v1/enroll/%s/activate" % said["node"]
    check("not active: not listed", server.call("GET", "/v1/nodes/" + said["node"], tokens["viewer"])[0] == 404)
    status, _, answer = server.call("POST", path, None, {"secret": b64(bytes(32))})
    check("a wrong secret is refused", status == 403 and answer["field"] == "secret")
    check("and there is no second guess", server.call("POST", path, None, {"secret": b64(bytes(32))})[0] == 404)
    check("no secret", server.call("POST", path, None, {})[2]["field"] == "secret")
    node.enroll()
    check("active", server.call("GET", "/v1/nodes/" + node.id, tokens["viewer"])[2]["state_bytes"] == 0)
    check("activated once", server.call("POST", "/v1/enroll/%s/activate" % node.id, None, {"secret": b64(b"x")})[0] == 409)
    return node


def nonces(server, tokens, node, other):
    _, _, first = node.challenge()
    check("someone else's nonce", other.evidence(first["nonce"], {"do": "good"})[0] == 409)
    check("its own", node.evidence(first["nonce"], {"do": "good"})[0] == 200)
    status, _, said = node.evidence(first["nonce"], {"do": "good"})
    check("a nonce serves once", status == 409 and said["field"] == "nonce")
    check("an invented one", node.evidence("00" * 32, {"do": "good"})[0] == 409)
    for field, message in (("nonce", {}), ("nonce", {"nonce": "xy"}), ("boot_id", {"nonce": "00" * 32}),
                           ("tpm-ima", {"nonce": "00" * 32, "boot_id": "b"}),
                           ("tee", {"nonce": "00" * 32, "boot_id": "b", "tpm-ima": {}, "tee": 7}),
                           ("tee", {"nonce": "00" * 32, "boot_id": "b", "tpm-ima": {}, "tee": [{}]})):
        status, _, said = server.call("POST", "/v1/nodes/%s/evidence" % node.id, node.token, message)
        check("evidence without %s" % field, status == 400 and said["field"] == field, said)
    for raw in (b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff{}", b"[" * 3000):
        status, _, _ = server.call("POST", "/v1/nodes/%s/evidence" % node.id, node.token, raw=raw)
        check("malformed %r" % raw[:8], status == 400)
    _, _, asked = node.challenge({"tee": ["nf1"]})
    tee = {"id": "nf1", "type": "sgx", "bundle": asked["tee"][0]["nonce"]}
    node.evidence(asked["nonce"], {"do": "good"}, tee=[tee])
    check("a TEE by its own nonce", verdict(server, tokens["viewer"], node, "nf1") == ("trusted", []))
    _, _, asked = node.challenge()
    check("a known TEE is asked for", [t["id"] for t in asked["tee"]] == ["nf1"])
    node.evidence(asked["nonce"], {"do": "good"}, tee=[tee])
    check("an old TEE nonce", verdict(server, tokens["viewer"], node, "nf1") == ("untrusted", ["nonce"]))


def roles(server, tokens, node):
    for method, path, allowed in (("GET", "/v1/nodes", "vo"), ("GET", "/metrics", "vo"), ("GET", "/v1/journal", "vo"), ("GET", "/v1/verdicts", "vo"),
                                  ("GET", "/v1/nodes/" + node.id, "vo"), ("GET", "/v1/nodes/%s/verdicts" % node.id, "vo"), ("GET", "/v1/nodes/%s/ear" % node.id, "vo"),
                                  ("POST", "/v1/nodes/%s/actions" % node.id, "o"), ("POST", "/v1/enroll", "e"),
                                  ("DELETE", "/v1/nodes/0123456789abcdef", "o"),
                                  ("GET", "/v1/journal/blobs/" + "0" * 64, "o")):
        for role in ("viewer", "operator", "enroller"):
            body = {} if method == "POST" else None
            status = server.call(method, path, tokens[role], body)[0]
            check("%s %s as %s" % (method, path, role), (status == 403) == (role[0] not in allowed), status)
        for bad in (None, "slt", "slt" + "0" * 64, "x" * 67, node.token):
            check("%s %s with no good token" % (method, path), server.call(method, path, bad)[0] == 401)
    status, _, _ = server.call("POST", "/v1/nodes/%s/actions" % node.id, tokens["operator"], {"do": "kill", "container": "c9"})
    check("an action is accepted", status == 202)
    check("not for a node that is not there", server.call("POST", "/v1/nodes/0123456789abcdef/actions", tokens["operator"],
                                                          {"do": "kill", "container": "c9"})[0] == 404)
    check("which has no verdicts", server.call("GET", "/v1/nodes/0123456789abcdef/verdicts", tokens["viewer"])[0] == 404)
    check("and handed to the agent", {"do": "kill", "container": "c9"} in node.round({"do": "good"})[2]["actions"])
    check("once", node.round({"do": "good"})[2]["actions"] == [])
    status, headers, _ = server.call("PUT", "/v1/nodes", tokens["viewer"])
    check("another method", status == 405 and headers["Allow"] == "GET")
    check("another path", server.call("GET", "/v2", tokens["viewer"])[0] == 404)
    extra = server.token("viewer", "short")
    check("a new token", server.call("GET", "/v1/nodes", extra)[0] == 200)
    listed = subprocess.run([TRUSTD, "token", "list", "--config", server.config], capture_output=True, text=True, check=True)
    number = [line.split()[0] for line in listed.stdout.splitlines() if line.endswith(" short")][0]
    subprocess.run([TRUSTD, "token", "revoke", "--id", number, "--config", server.config], check=True)
    check("is worth nothing once revoked", server.call("GET", "/v1/nodes", extra)[0] == 401)
    check("health for anybody", server.call("GET", "/v1/health")[2]["status"] == "ok")
    check("metrics", 'safelib_trustd_subjects{kind="host",verdict="trusted"}' in server.call("GET", "/metrics", tokens["viewer"])[2])
    lines = server.call("GET", "/v1/journal?from=1", tokens["viewer"])[2]["lines"]
    check("the journal begins with 1", lines[0]["seq"] == 1)
    check("a line that is none", server.call("GET", "/v1/journal?from=x", tokens["viewer"])[2]["field"] == "from")
    job = [line["detail"]["job"] for line in lines if line["event"] == "verdict"][0]
    check("a job over the interface", "nonce" in server.call("GET", "/v1/journal/blobs/" + job, tokens["operator"])[2])
    with open(server.folder + "/state/trustd.db", "rb") as file:
        data = file.read()
    check("no token is in the database", not any(t.encode() in data or bytes.fromhex(t[3:]) in data for t in tokens.values()))


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def ears(server, tokens, node):
    """The verdicts as an EAR, its signature checked without our own code (PyJWT: tests/system/trust_e2e)."""
    begin = time.time()
    node.round({"do": "good", "containers": {"c1": "trusted", "c2": "bad"}})
    end = time.time()
    status, _, token = server.call("GET", "/v1/nodes/%s/ear?nonce=relying-party-1" % node.id, tokens["viewer"])
    check("an EAR", status == 200)
    jwk = server.call("GET", "/v1/keys")[2]["keys"][0]
    head, body, signature = token.split(".")
    check("it names its key", json.loads(unbase64url(head))["kid"] == jwk["kid"] and jwk["alg"] == "ES256")
    key = ec.EllipticCurvePublicNumbers(int.from_bytes(unbase64url(jwk["x"]), "big"), int.from_bytes(unbase64url(jwk["y"]), "big"),
                                        ec.SECP256R1()).public_key()
    raw = unbase64url(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, (head + "." + body).encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(unbase64url(body))
    check("for a relying party's nonce", claims["eat_nonce"] == "relying-party-1" and claims["safelib.node"] == node.id)
    check("which ends with the lease", begin + 59 <= claims["exp"] <= end + 61 and claims["iat"] >= int(begin), claims)
    said = {name: (s["ear.status"], s["ear.trustworthiness-vector"].get("executables")) for name, s in claims["submods"].items()}
    check("one submodule each", said["host"] == ("affirming", 2) and said["container/c1"] == ("affirming", 2) and
          said["container/c2"] == ("contraindicated", 96), said)
    for nonce in ("short", "x" * 65, "a%20b%20c%20d"):
        status, _, said = server.call("GET", "/v1/nodes/%s/ear?nonce=%s" % (node.id, nonce), tokens["viewer"])
        check("a nonce that is none", status == 400 and said["field"] == "nonce")
    check("no EAR of nobody", server.call("GET", "/v1/nodes/0123456789abcdef/ear", tokens["viewer"])[0] == 404)
    check("the key is its own", os.stat(server.folder + "/state/ear-key.pem").st_mode & 0o777 == 0o600)


def resident(pid):
    with open("/proc/%d/statm" % pid, encoding="utf-8") as file:
        return int(file.read().split()[1]) * 4096


def served_again(server):
    """Until the monitor has noticed that there is room for this address."""
    end = time.time() + PATIENCE_S
    while time.time() < end:
        try:
            server.call("GET", "/v1/health")
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)


def hostile(server, tokens, node):
    before = resident(server.process.pid)
    status, _, _ = server.call("POST", "/v1/enroll", tokens["enroller"], raw=70000)
    check("an oversized body is refused", status == 413)
    plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
    plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
    try:
        check("no TLS: no answer", b"HTTP" not in plain.recv(100))
    except ConnectionResetError:
        check("no TLS: no answer", True)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(server.folder + "/cert.pem")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        old.wrap_socket(socket.create_connection(("127.0.0.1", server.port), PATIENCE_S), server_hostname="127.0.0.1")
        check("TLS 1.2 is refused", False)
    except (ssl.SSLError, OSError):
        check("TLS 1.2 is refused", True)
    crowd = []
    for _ in range(1000):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", server.port))
        crowd.append(one)
    time.sleep(0.5)
    other = ssl.create_default_context(cafile=server.folder + "/cert.pem")
    raw = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S, ("127.0.0.2", 0))
    good = other.wrap_socket(raw, server_hostname="127.0.0.1")
    good.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    said = b""
    while more := good.recv(4096):
        said += more
    check("1,000 connections: others are served", b"200 OK" in said)
    for one in crowd:
        one.close()
    served_again(server)
    after = resident(server.process.pid)
    check("memory stays bounded (%d to %d KiB)" % (before // 1024, after // 1024), after - before < 64 << 20)
    check("rounds go on", node.round({"do": "good"})[0] == 200)


def limits(server, tokens):
    removed(server, tokens, Node(server, tokens["enroller"], "brief").enroll())
    node = Node(server, tokens["enroller"], "eager").enroll()
    connection = server.connect()  # one, so that we are faster than its rate on any machine
    status = 200
    for _ in range(5000):
        status, headers, _ = node.challenge(connection=connection)
        if status != 200:
            break
    check("with evidence too", any(node.evidence("00" * 32, {}, connection)[0] == 429 for _ in range(5000)))
    connection.close()
    check("a node that comes too often waits", status == 429 and int(headers["Retry-After"]) >= 1)


def trusted_at_last(server, viewer, node):
    """Rounds, until one is trusted: a lease this short may be over before we have asked."""
    end = time.time() + PATIENCE_S
    while time.time() < end:
        node.round({"do": "good"})
        if verdict(server, viewer, node)[0] == "trusted":
            return True
    return False


def leases(folder):
    server = watch(Server(TRUSTD, folder)).start({"TRUSTD_TEST_VANISHING": "1"})
    tokens = {role: server.token(role) for role in ("viewer", "operator", "enroller")}
    viewer, enroller = tokens["viewer"], tokens["enroller"]
    unknown_driver(server, tokens)
    server.policy("worker", "lease_ms: 1500\n")
    server.call("POST", "/v1/reload", tokens["operator"])
    node = Node(server, enroller, "short").enroll()
    check("trusted", trusted_at_last(server, viewer, node))
    server.stop()
    time.sleep(1.6)
    server.start()
    check("fail-closed: expired lease: unknown, also over a restart", verdict(server, viewer, node) == ("unknown", ["lease-expired"]))
    check("in the list too", server.call("GET", "/v1/nodes", viewer)[2]["nodes"][0]["verdict"] == "unknown")
    check("until it speaks again", trusted_at_last(server, viewer, node))
    server.stop()


def journal(folder, *more):
    run = subprocess.run([JOURNAL, *more, "--json", "--journal", folder + "/state/journal"], capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout) if run.stdout else run.stderr


def journal_checks(folder):
    code, said = journal(folder, "verify")
    check("the journal is whole", code == 0 and not said["faults"], said)
    head = said["head"]
    code, said = journal(folder, "replay")
    check("all %d verdicts come out again, bit for bit" % said["verdicts"],
          code == 0 and said["replayed_same"] + said["failed"] == said["verdicts"] and said["failed"] >= 5 and said["replayed_different"] == 0, said)
    path = folder + "/state/journal/journal.log"
    copy = folder + "/copy"
    shutil.copytree(folder + "/state", copy + "/state")
    with open(path, encoding="utf-8") as file:
        lines = file.readlines()
    with open(copy + "/state/journal/journal.log", "w", encoding="utf-8") as file:
        file.writelines(lines[:-1])
    check("a cut end is found", journal(copy, "verify", "--head", head)[0] == 1)
    with open(copy + "/state/journal/journal.log", "w", encoding="utf-8") as file:
        file.writelines(line.replace("untrusted", "trusted") for line in lines)
    check("an edited verdict is found", journal(copy, "verify")[0] == 1)
    shutil.copy(path, copy + "/state/journal/journal.log")
    detail = [json.loads(line)["detail"] for line in lines if '"event":"verdict"' in line][0]
    with open(copy + "/state/journal/blobs/" + detail["job"], "a", encoding="utf-8") as file:
        file.write(" ")
    code, said = journal(copy, "verify")
    check("edited evidence is found", code == 1 and said["faults"][0]["fault"] == "BLOB", said)


def hammer(node, told, stop):
    connection = node.server.connect()
    while not stop.is_set():
        try:
            what = random.choice(["good", "bad"])
            status, _, said = node.round({"do": what}, connection)
            if status == 200:
                told.append((said["round"], "trusted" if what == "good" else "untrusted"))
        except (OSError, AssertionError, ValueError, ssl.SSLError):
            return
        except Exception:  # http.client's own ends
            return


def kills(folder):
    server = Server(TRUSTD, folder, "limits: {rounds_per_minute: 60000}\n").start()
    viewer, enroller = server.token("viewer"), server.token("enroller")
    nodes = [Node(server, enroller, "n%d" % i).enroll() for i in range(3)]
    told = {node.id: [] for node in nodes}
    for _ in range(KILLS):
        stop, before = threading.Event(), sum(map(len, told.values()))
        threads = [threading.Thread(target=hammer, args=(node, told[node.id], stop)) for node in nodes]
        for thread in threads:
            thread.start()
        while sum(map(len, told.values())) == before and any(thread.is_alive() for thread in threads):
            time.sleep(0.01)
        time.sleep(random.uniform(0.05, 0.6))
        server.stop(kill=True)
        stop.set()
        for thread in threads:
            thread.join()
        server.start()
        for node in nodes:
            if not told[node.id]:
                continue
            number, word = told[node.id][-1]
            _, _, said = server.call("GET", "/v1/nodes/%s/verdicts" % node.id, viewer)
            now = said["verdicts"][0]
            # one more may be durable that was not told any more
            assert now["round"] in (number, number + 1), (now, number)
            assert now["round"] != number or now["judged_verdict"] == word, (now, word)
    server.stop()
    with open(folder + "/state/journal/journal.log", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    void = {(l["detail"]["node"], l["detail"]["round"], l["detail"]["seq"]) for l in lines if l["event"] == "verdict_void"}
    kept = {}
    for line in lines:
        d = line["detail"]
        if line["event"] == "verdict" and (d["node"], d["round"], line["seq"]) not in void:
            assert (d["node"], d["round"]) not in kept, "a round that was judged twice"
            kept[d["node"], d["round"]] = d["verdict"]
    rounds = sum(len(t) for t in told.values())
    lost = [(n, r, w) for n, list_ in told.items() for r, w in list_ if kept.get((n, r)) != w]
    check("kill -9, %d times: %d told verdicts are all in the journal, %d voided" % (KILLS, rounds, len(void)),
          rounds > 0 and not lost, lost[:3])
    code, said = journal(folder, "replay")
    check("journal whole, %d verdicts the same again" % said["replayed_same"], code == 0, said)


def spec_complete():
    wanted = {(m, p, int(s)) for p, entry in SPEC["paths"].items() for m, e in entry.items() if m != "parameters" for s in e["responses"]}
    check("every described answer was seen", wanted <= SEEN, sorted(wanted - SEEN))
    check("every answer that was seen is described", SEEN <= wanted, sorted(SEEN - wanted))


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    work = tempfile.mkdtemp(prefix="/tmp/sl-trustd.")
    try:
        if sys.argv[5:] == ["kills"]:
            kills(work + "/c")
            return
        server = watch(Server(TRUSTD, work + "/a", "pause_untrusted_containers: true\nlimits: {verifier_seconds: 4, "
                              "request_seconds: 8, rounds_per_minute: 120, connections_per_address: 32, body_bytes: 1048576}\n"))
        server.start()
        tokens = {role: server.token(role) for role in ("viewer", "operator", "enroller")}
        node = fail_closed(server, tokens)
        other = enrolment(server, tokens)
        nonces(server, tokens, node, other)
        roles(server, tokens, node)
        ears(server, tokens, node)
        ek_once(server, tokens)
        bodies(server, tokens, node, other)
        reload_signal(server, tokens, node)
        roles_on_every_route(server, tokens, node)
        metrics_strict(server, tokens)
        limits(server, tokens)
        hostile(server, tokens, other)
        slow_heads(server, tokens, other)
        hostile_crowd(server, other)
        hostile_node(server, tokens, other)
        disk_full(work + "/d")
        client_certificates(work + "/e")
        spec_complete()
        check("it ends cleanly", server.stop() == 0)
        journal_checks(work + "/a")
        leases(work + "/b")
        kills(work + "/c")
        print("%d checks passed" % CHECKS[0])
    finally:
        Server.stop_all()
        shutil.rmtree(work, ignore_errors=True)


main()
