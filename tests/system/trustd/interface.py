# SPDX-License-Identifier: Apache-2.0
"""The interface beside the rounds: who may do what, on every route that docs/openapi.yaml has; one enrolment a TPM; reloading;
client certificates; metrics; a disk that is full."""
import os
import re
import resource
import signal
import ssl
import subprocess
import time

from client import Node, Server, b64
from common import SPEC, TRUSTD, check, verdict, watch

NODE = "0123456789abcdef"


def caller(operation):
    """Who may, by the file itself: anybody, the node, or a role."""
    if operation.get("security") == []:
        return "anybody"
    return re.search(r"\((viewer|operator|enroller|the node itself)\)", operation["summary"]).group(1)


def roles_on_every_route(server, tokens, node):
    """Every route of the file with every kind of caller; health and keys of anybody have no other answer to give."""
    count = 0
    for path, entry in SPEC["paths"].items():
        for method, operation in ((m, e) for m, e in entry.items() if m != "parameters"):
            may = caller(operation)
            real = path.replace("{node}", NODE).replace("{digest}", "0" * 64)
            body = {} if "requestBody" in operation else None
            callers = dict(tokens, node=node.token, nobody=None, revoked="slt" + "0" * 64)
            for name, token in callers.items():
                if may == "anybody" or (name == "operator" and real == "/v1/reload"):
                    continue
                status = server.call(method.upper(), real, token, body)[0]
                allowed = name == may or (name == "operator" and may == "viewer")
                refusal = 401 if may == "the node itself" or name in ("node", "nobody", "revoked") else 403
                check("%s %s as %s" % (method, path, name), (status not in (401, 403)) if allowed else status == refusal, status)
                count += 1
    check("every route with every caller", count > 70, count)
    status = server.call("POST", "/v1/nodes/%s/challenge" % NODE, node.token, {})[0]
    check("a node's token is for its own path", status == 401)
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        check("405: %s" % method, server.call(method, "/metrics", tokens["operator"])[0] == 405)


def ek_once(server, tokens):
    enroller, operator = tokens["enroller"], tokens["operator"]
    first = Node(server, enroller, "once").enroll()
    again = Node(server, enroller, "twice")
    again.tpm = first.tpm
    again.registration.update(ek_public=b64(first.tpm.ek_public), ak_public=b64(first.tpm.ak_public))

    def refused(text):
        status, _, said = server.call("POST", "/v1/enroll", enroller, again.registration)
        check(text, status == 409 and said["field"] == "ek_public" and first.id in said["detail"], said)
    refused("a TPM enrols once")
    server.call("DELETE", "/v1/nodes/" + first.id, operator)
    refused("also where its node was removed")
    check("allowed by nobody but an operator", server.call("POST", "/v1/nodes/%s/reenroll" % first.id, enroller)[0] == 403)
    status, _, said = server.call("POST", "/v1/nodes/%s/reenroll" % first.id, operator)
    check("an operator allows it again", status == 200 and said["allowed"] == first.id)
    again.enroll()
    first = again
    refused("once")
    lines = server.call("GET", "/v1/journal", tokens["viewer"])[2]["lines"]
    check("the journal has it, with its operator", any(line["detail"].get("step") == "reenroll-allowed" and line["detail"]["by"] == "operator"
                                                      for line in lines if line["event"] == "enroll"))
    check("no such node", server.call("POST", "/v1/nodes/%s/reenroll" % NODE, operator)[0] == 404)
    server.call("POST", "/v1/nodes/%s/reenroll" % first.id, operator)
    old = first.id
    check("until then the old one stays", server.call("GET", "/v1/nodes/" + old, tokens["viewer"])[0] == 200)
    first.enroll()  # under its own name, while the old one is active
    check("and goes with its successor", server.call("GET", "/v1/nodes/" + old, tokens["viewer"])[0] == 404 and first.id != old)
    # two that wait for one TPM: one becomes a node
    server.call("POST", "/v1/nodes/%s/reenroll" % first.id, operator)
    waiting = [server.call("POST", "/v1/enroll", enroller, first.registration)[2] for _ in range(2)]
    states = []
    for said in waiting:
        secret = first.tpm.activate(*(__import__("base64").b64decode(said["credential"][name]) for name in ("blob", "secret")))
        states.append(server.call("POST", "/v1/enroll/%s/activate" % said["node"], None, {"secret": b64(secret)})[0])
    check("of two that wait with one TPM, one is taken", states == [200, 409], states)


def bodies(server, tokens, node, other):
    check("evidence above limits.body_bytes", server.call("POST", "/v1/nodes/%s/evidence" % other.id, other.token, raw=2 << 20)[0] == 413)
    check("an enrolment above its bound", server.call("POST", "/v1/enroll", tokens["enroller"], raw=70000)[0] == 413)
    for method, path, token in (("POST", "/v1/nodes/%s/challenge" % node.id, node.token), ("POST", "/v1/nodes/%s/actions" % node.id, tokens["operator"]),
                                ("POST", "/v1/enroll/%s/activate" % node.id, None)):
        check("%s: above its bound" % path.rsplit("/", 1)[1], server.call(method, path, token, raw=5000)[0] == 413)
        check("%s: no JSON" % path.rsplit("/", 1)[1], server.call(method, path, token, raw=b"{")[0] == 400)
    for field, body in (("do", {}), ("do", {"do": "burn", "container": "c"}), ("container", {"do": "kill"}), ("container", {"do": "kill", "container": "../x"})):
        status, _, said = server.call("POST", "/v1/nodes/%s/actions" % node.id, tokens["operator"], body)
        check("action: %s" % field, status == 400 and said["field"] == field, said)
    for field in ("name", "class", "driver"):
        for value in (None, "", "a b", "x" * 200, 7, ["a"]):
            status, _, said = server.call("POST", "/v1/enroll", tokens["enroller"], {"name": "n", "class": "worker", "driver": "tpm-ima", field: value})
            check("enrol: %s=%.8r" % (field, value), status == 400 and said["field"] == field, said)
    first, second = node.challenge()[2]["nonce"], node.challenge()[2]["nonce"]
    check("reordered: the newer nonce", node.evidence(second, {"do": "good"})[0] == 200)
    check("reordered: the older one serves once, too", [node.evidence(first, {"do": "good"})[0] for _ in range(2)] == [200, 409])


def log_wait(server, text):
    end = time.time() + 60
    while time.time() < end:
        with open(server.folder + "/trustd.log", encoding="utf-8") as log:
            if text in log.read():
                return True
        time.sleep(0.05)
    return False


def reload_signal(server, tokens, node):
    viewer = tokens["viewer"]
    node.round({"do": "good"})
    before = server.call("GET", "/v1/nodes/" + node.id, viewer)[2]
    check("judged by the policy that is", before["policy_is_current"] is True and len(before["policy"]) == 64)
    server.policy("worker", "lease_ms: 50000\n")
    os.kill(server.process.pid, signal.SIGHUP)
    check("SIGHUP: loaded", log_wait(server, "loaded: 1 policies changed"))
    check("and says that this node was judged by another", server.call("GET", "/v1/nodes/" + node.id, viewer)[2]["policy_is_current"] is False)
    check("the next round judges by it", node.round({"do": "good"})[2]["lease_ms"] == 50000)
    check("and says so", server.call("GET", "/v1/nodes/" + node.id, viewer)[2]["policy_is_current"] is True)
    server.policy("another", "nonsense\n")
    os.kill(server.process.pid, signal.SIGHUP)
    check("SIGHUP: a bad file changes nothing, and is named", log_wait(server, "nothing was changed: ") and log_wait(server, "another.yaml"))
    check("rounds go on by the old ones", node.round({"do": "good"})[2]["lease_ms"] == 50000)
    server.policy("another", None)
    server.policy("worker", "lease_ms: 60000\n")
    check("back", server.call("POST", "/v1/reload", tokens["operator"])[2]["changed"] == ["worker"])
    lines = [line for line in server.call("GET", "/v1/journal", viewer)[2]["lines"] if line["event"] == "config"]
    check("the journal has who loaded what", lines[-1]["detail"]["by"] == "operator" and lines[-1]["detail"]["changed"] == ["worker"])
    check("and what was refused", any(line["outcome"] == "refused" and "another.yaml" in line["detail"]["error"] for line in lines))
    kept = server.call("GET", "/v1/journal/blobs/" + lines[-1]["detail"]["material"], tokens["operator"])[2]
    check("with all its bytes", "worker" in kept["classes"] and len(kept["classes"]["worker"]["text"]) == 64, kept)


def certificate(folder, name, issuer):
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key"]
    if issuer is None:
        openssl("req", "-x509", *key, "-out", name + ".pem", "-days", "2", "-subj", "/CN=" + name)
    else:
        openssl("req", *key, "-out", name + ".csr", "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", issuer + ".pem", "-CAkey", issuer + ".key", "-days", "2", "-out", name + ".pem")


def client_certificates(folder):
    os.makedirs(folder)
    for name, issuer in (("ca", None), ("other-ca", None), ("right", "ca"), ("wrong", "other-ca"), ("self", None)):
        certificate(folder, name, issuer)
    server = watch(Server(TRUSTD, folder, "client_ca: %s/ca.pem\n" % folder)).start()
    viewer, enroller = server.token("viewer"), server.token("enroller")
    plain = server.context

    def present(name):
        def context():
            made = plain()
            if name is not None:
                made.load_cert_chain("%s/%s.pem" % (folder, name), "%s/%s.key" % (folder, name))
            return made
        server.context = context

    def status_of(name, *call):
        present(name)
        try:
            return server.call(*call)[0]
        except (ssl.SSLError, OSError):
            return "refused in the handshake"
    for name, expected in (("right", (200,)), (None, (403,)), ("wrong", (403, "refused in the handshake")), ("self", (403, "refused in the handshake"))):
        check("client_ca: %s certificate" % (name or "no"), status_of(name, "GET", "/v1/nodes", viewer) in expected)
    check("client_ca: a certificate alone is nobody", status_of("right", "GET", "/v1/nodes") == 401)
    check("client_ca: enrolling needs it", status_of(None, "POST", "/v1/enroll", enroller, {}) == 403)
    check("client_ca: health does not", status_of(None, "GET", "/v1/health") == 200)
    present("right")
    node = Node(server, enroller, "agent").enroll()
    present(None)
    check("client_ca: agents have none", node.round({"do": "good"})[0] == 200)
    server.stop()


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? ([-+]?[0-9.eE+-]+|NaN|[+-]Inf)')


def metrics_strict(server, tokens):
    """The text format 0.0.4, as strictly as promtool check metrics reads and lints it."""
    _, headers, text = server.call("GET", "/metrics", tokens["viewer"])
    check("metrics: content type", headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
    check("metrics: ends with a line", text.endswith("\n") and "\r" not in text)
    types, helps, series, family = {}, {}, set(), None
    for line in text.splitlines():
        if line.startswith("# "):
            _, kind, name, rest = line.split(" ", 3)
            assert kind in ("HELP", "TYPE") and rest, line
            table = helps if kind == "HELP" else types
            assert name not in table and not any(s[0] == name for s in series), line
            table[name] = rest
            family = name
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name = match.group(1)
        assert name == family and types[name] in ("counter", "gauge") and helps[name], line
        assert (name, match.group(2)) not in series, line
        series.add((name, match.group(2)))
        assert float(match.group(3)) >= 0 and (types[name] == "counter") == name.endswith("_total"), line
        assert not re.search(r"milliseconds|microseconds|kilobytes|minutes|_ms_|_us_", name), line
    check("metrics: %d series of %d families, each typed and helped, once" % (len(series), len(types)), len(series) > 15 and set(types) == set(helps))


def disk_full(folder):
    """No byte more for the process: whatever must be durable is refused, nothing is told, and what was told stays."""
    server = watch(Server(TRUSTD, folder, "limits: {pending_enrolments: 3}\n")).start()
    tokens = {role: server.token(role) for role in ("viewer", "operator", "enroller")}
    node = Node(server, tokens["enroller"], "full").enroll()
    node.round({"do": "good"})
    waiting = server.call("POST", "/v1/enroll", tokens["enroller"], Node(server, tokens["enroller"], "next").registration)[2]["node"]
    nonce = node.challenge()[2]["nonce"]
    limit = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    path = "/v1/nodes/" + node.id
    for method, where, token, body in (("POST", path + "/challenge", node.token, {}), ("POST", "/v1/reload", tokens["operator"], None),
                                       ("POST", path + "/actions", tokens["operator"], {"do": "kill", "container": "c"}),
                                       ("POST", path + "/reenroll", tokens["operator"], None), ("DELETE", path, tokens["operator"], None),
                                       ("POST", "/v1/enroll", tokens["enroller"], Node(server, tokens["enroller"], "more").registration),
                                       ("POST", "/v1/enroll/%s/activate" % waiting, None, {"secret": b64(bytes(32))})):
        status, headers, _ = server.call(method, where, token, body)
        check("disk full: %s %s" % (method, where.replace(node.id, "NODE").replace(waiting, "NODE")), status == 503 and "Retry-After" in headers, status)
    check("disk full: no verdict without its journal", node.evidence(nonce, {"do": "bad"})[0] == 503)
    check("disk full: health says so", server.call("GET", "/v1/health")[0] == 503)
    check("disk full: what was told holds", verdict(server, tokens["viewer"], node)[0] == "trusted")
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limit)
    check("room again: the same nonce serves", node.evidence(nonce, {"do": "bad"})[0] == 200 and
          verdict(server, tokens["viewer"], node)[0] == "untrusted")
    check("room again: health is good again", server.call("GET", "/v1/health")[0] == 200)
    statuses = [server.call("POST", "/v1/enroll", tokens["enroller"], Node(server, tokens["enroller"], "waits").registration)[0] for _ in range(3)]
    check("no more enrolments than may wait", statuses == [201, 201, 503], statuses)
    server.stop()
