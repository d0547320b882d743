# SPDX-License-Identifier: Apache-2.0
"""Each lie of an agent, its reason, and the truth behind it, against a real safelib-trustd.
   hostile.py TRUSTD SAFELIB"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from machine import Machine, Vendor, b64, entry, signed_entry

from client import Node, Server

TRUSTD, SAFELIB = sys.argv[1:3]
POLICY = """class: worker
ek: {roots: vendors.pem}
pcrs:
  - {bank: sha256, required: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}
ima: {sets: [host]}
slots:
  - {pcr: 11, uid_first: 100000, sets: [web]}
  - {pcr: 12, uid_first: 300000}
images:
  - {image: "*/web:*", sets: [web]}
  - {image: "*/dns:*", sets: [dns]}
lease: 60s
interval: 10s
max_wait: 5m
boot:
  - name: what the test's machines boot
    bank: sha256
    pcrs:
%s"""
CHECKS = [0]


def check(text, good, *more):
    CHECKS[0] += 1
    print("  %s %s" % ("ok   " if good else "FAIL ", text), *([] if good else more), flush=True)
    if not good:
        raise SystemExit(1)


class Agent(Node):
    """Talks for a machine, in any way that a test wants."""

    def __init__(self, server, enroller, machine):
        super().__init__(server, enroller, machine.name)
        self.machine, self.tpm = machine, machine.tpm
        self.registration.update(ek_certificate=b64(machine.ek_certificate), ek_public=b64(self.tpm.ek_public),
                                 ak_public=b64(self.tpm.ak_public))

    def ask(self):
        status, _, said = self.challenge()
        assert status == 200, said
        return said

    def tell(self, nonce, part):
        status, _, said = self.evidence(nonce, part, boot_id=self.machine.boot_id)
        return status, said

    def say(self, **lies):
        challenge = self.ask()
        return self.tell(challenge["nonce"], self.machine.evidence(challenge, **lies))


def subjects(said):
    return {s["id"]: (s["verdict"], [r["code"] for r in s["reasons"]]) for s in said["verdicts"]}


def trusted(agent, text, **lies):
    status, said = agent.say(**lies)
    got = {name: verdict for name, (verdict, _) in subjects(said).items()} if status == 200 else {}
    check(text, got == {"host": "trusted", "web": "trusted", "dns": "trusted"}, said)
    agent.machine.is_fresh = False
    return said


def refused(agent, text, code, verdict="untrusted", subject="host", said=None, **lies):
    """The lie costs the subject its verdict, with its reason; then the truth is believed again."""
    if said is None:
        status, said = agent.say(**lies)
        assert status == 200, said
    got = subjects(said)[subject]
    check("%s: %s is %s (%s)" % (text, subject, verdict, code), got[0] == verdict and code in got[1], got, json.dumps(said)[:2000])
    return said


def quotes(agent, other):
    """Lies about the TPM's signature."""
    machine = agent.machine
    trusted(agent, "the truth")
    challenge = agent.ask()
    part = machine.evidence(challenge)
    check("the truth once", agent.tell(challenge["nonce"], part)[0] == 200)
    status, said = agent.tell(challenge["nonce"], part)
    check("the same message again: 409, nonce", status == 409 and said["field"] == "nonce", said)
    challenge = agent.ask()
    refused(agent, "an old quote for a new nonce", "tpm-nonce", said=agent.tell(challenge["nonce"], part)[1])
    trusted(agent, "the truth again")
    refused(agent, "a quote signed by another AK", "signature", key=other.machine.tpm.ak)
    refused(agent, "the quote of another machine", "signature", key=other.machine.tpm.ak,
            quote=other.machine.quote(bytes(32), [(11, list(range(13)))]))
    trusted(agent, "the truth again")
    everything = list(range(13))
    for text, selection in (("a quote without PCR 4", [(11, [p for p in everything if p != 4])]),
                            ("without PCR 10", [(11, [p for p in everything if p != 10])]),
                            ("without a container's PCR", [(11, everything[:12])]),
                            ("of no PCR", [(11, [])]), ("of no bank", []), ("of another bank", [(4, everything)]),
                            ("of the bank twice", [(11, everything), (11, everything)]),
                            ("of one PCR more", [(11, everything + [16])])):
        refused(agent, text, "tpm-selection", selection=selection)
    refused(agent, "resetCount backwards", "tpm-clock", resets=machine.resets - 1)
    machine.restarts += 1
    trusted(agent, "the TPM has restarted")
    refused(agent, "restartCount backwards", "tpm-clock", restarts=0)
    refused(agent, "the clock backwards", "tpm-clock", clock=5)
    refused(agent, "other firmware without a reset", "tpm-firmware", verdict="untrusted", firmware=99)
    refused(agent, "no TPM's structure (magic)", "evidence-format", magic=0x12345678)
    refused(agent, "a certification, not a quote", "evidence-format", kind=0x8017)
    trusted(agent, "the truth again")
    challenge = agent.ask()
    part = machine.evidence(challenge)
    del part["quote"]
    refused(agent, "no quote", "evidence-missing", verdict="unknown", said=agent.tell(challenge["nonce"], part)[1])
    trusted(agent, "the truth again")
    status, said = agent.tell(other.ask()["nonce"], machine.evidence(agent.ask()))
    check("another node's nonce: 409", status == 409 and said["field"] == "nonce", said)
    status, _, said = agent.server.call("POST", "/v1/nodes/%s/evidence" % other.id, agent.token, {"nonce": "00" * 32, "boot_id": "b", "tpm-ima": {}})
    check("another node's address: 401", status == 401)


def lists(agent):
    """Lies about the measurement list."""
    machine = agent.machine
    for i in range(4):
        machine.measure(10, "/usr/bin/tool-%d" % i)
    new = machine.list[-4:]
    refused(agent, "an old list: new entries are kept back", "list-not-quoted", entries=[])
    refused(agent, "its last entry is left out", "list-not-quoted", entries=new[:-1])
    refused(agent, "one in the middle is left out", "list-not-quoted", entries=new[:1] + new[2:])
    refused(agent, "cut within an entry", "list-not-quoted", entries=new[:3] + [new[3][:-5]])
    refused(agent, "two entries exchanged", "list-not-quoted", entries=[new[1], new[0], new[2], new[3]])
    refused(agent, "an entry is invented", "list-not-quoted", entries=new[:2] + [entry(10, "/usr/bin/tool-9")[0]] + new[2:])
    refused(agent, "an entry moves into another PCR", "list-not-quoted", entries=[b"\x0b" + new[0][1:]] + new[1:])
    bent = bytearray(new[1])
    bent[-3] ^= 1
    refused(agent, "a path is changed", "list-not-quoted", entries=[new[0], bytes(bent), new[2], new[3]])
    refused(agent, "bytes that are no list", "list-malformed", entries=[os.urandom(64) + b"\xff" * 64])
    refused(agent, "a list that does not continue", "list-discontinuous", start=2, entries=machine.list[2:])
    refused(agent, "a list from the future", "list-discontinuous", start=len(machine.list) + 5, entries=[])
    trusted(agent, "the truth again: nothing was lost")
    trusted(agent, "the whole list again is good too", start=0, entries=machine.list)
    refused(agent, "the whole list without its second entry", "list-not-quoted", start=0, entries=machine.list[:1] + machine.list[2:])
    hash_only = bytearray(entry(10, "/usr/bin/tool-4")[0])
    hash_only[6] ^= 1
    machine.list.append(bytes(hash_only))
    machine.extend(10, entry(10, "/usr/bin/tool-4")[1])
    refused(agent, "an entry whose own hash is wrong", "entry-hash")
    refused(agent, "is not forgotten", "entry-hash")
    machine.boot()
    trusted(agent, "until the machine boots")
    trusted(agent, "entries behind the quote may come at any time", entries=[entry(10, "/usr/bin/tool-7")[0]])
    refused(agent, "but must be measured", "list-no-progress", verdict="degraded", entries=[entry(10, "/usr/bin/tool-7")[0]])
    refused(agent, "and not be taken back", "list-no-progress", verdict="degraded")
    machine.measure(10, "/usr/bin/tool-8")
    trusted(agent, "until the list goes on")


def pieces(agent):
    """A list that is longer than a message comes in several; and lies about that."""
    machine = agent.machine
    machine.boot()
    for i in range(10):
        machine.measure(10, "/usr/bin/tool-%d" % i)
    whole = machine.list
    check("the monitor says what a message may hold", agent.ask()["body_bytes"] == 16 << 20)
    refused(agent, "the first piece of a list", "list-incomplete", verdict="unknown", entries=whole[:6], more=True)
    machine.is_fresh = False
    wanted = agent.ask()["tpm-ima"]
    check("the next is asked for", wanted["ima"] == {"from": 6} and not wanted["bootlog"], wanted)
    refused(agent, "the second", "list-incomplete", verdict="unknown", entries=whole[6:9], more=True)
    trusted(agent, "the last, and the quote is met")
    for i in range(3):
        machine.measure(10, "/usr/bin/tool-%d" % i, b"/usr/bin/tool-%d" % (i + 1))
    refused(agent, "a piece of what is new", "list-incomplete", verdict="unknown", entries=machine.list[-3:-1], more=True)
    trusted(agent, "the last")
    machine.measure(10, "/usr/bin/tool-1", b"/usr/bin/tool-5")
    refused(agent, "a piece that nobody measured", "list-incomplete", verdict="unknown", entries=[entry(10, "/tmp/made-up")[0]], more=True)
    refused(agent, "leads nowhere", "list-not-quoted", entries=machine.list[-1:])
    check("and all begins anew", agent.ask()["tpm-ima"]["ima"]["from"] == 0)
    trusted(agent, "the truth again")
    machine.measure(10, "/usr/bin/tool-2", b"/usr/bin/tool-6")
    refused(agent, "more to come, and nothing comes", "list-not-quoted", entries=[], more=True)
    trusted(agent, "the truth again")
    machine.measure(10, "/tmp/evil", b"evil")
    machine.measure(10, "/usr/bin/tool-3", b"/usr/bin/tool-7")
    said = refused(agent, "a bad entry in a piece", "list-incomplete", verdict="unknown", entries=machine.list[-2:-1], more=True)
    refused(agent, "is seen at once", "digest-unknown", verdict="unknown", said=said)
    refused(agent, "and stays", "digest-unknown")
    machine.boot()
    refused(agent, "a piece of another boot", "list-incomplete", verdict="unknown", entries=machine.list[:2], more=True)
    machine.boot()
    trusted(agent, "the node boots again: it counts for nothing")


def boots(agent):
    """Lies about what booted."""
    machine = agent.machine
    trusted(agent, "the truth")
    machine.boot()
    log, good = machine.bootlog, list(machine.list)
    refused(agent, "a boot is hidden: the list goes on", "bootlog-missing", verdict="unknown", start=5, entries=[], bootlog=False)
    refused(agent, "again, though it was asked for", "bootlog-missing", start=5, entries=[], bootlog=False)
    refused(agent, "the list goes on", "list-discontinuous", verdict="unknown", start=5, entries=[])
    foreign = Machine("foreign", Vendor())
    foreign.boot(b"another loader")
    refused(agent, "the boot log of another machine", "list-not-quoted", bootlog=foreign.bootlog)
    refused(agent, "a boot log that ends early", "list-not-quoted", bootlog=log[:-54])
    refused(agent, "a boot log that is cut", "bootlog-malformed", bootlog=log[:-40])
    refused(agent, "a boot log that is none", "bootlog-malformed", bootlog=os.urandom(200))
    refused(agent, "the list of another boot", "list-not-quoted", entries=foreign.list)
    trusted(agent, "the truth again")
    machine.boot(b"an evil loader")
    refused(agent, "another loader, with the log of the old one", "list-not-quoted", bootlog=log)
    refused(agent, "another loader, honestly told", "pcr-value")
    agent.machine.is_fresh = False
    refused(agent, "is not forgotten", "pcr-value")
    machine.boot()
    aggregate = machine.list[0]
    machine.boot()
    machine.pcrs = {pcr: value if pcr < 10 else bytes(32) for pcr, value in machine.pcrs.items()}
    machine.list = []
    machine.measure(10, "boot_aggregate", digest=hashlib.sha256(b"another boot").digest())
    for pcr, path in ((10, "/sbin/init"), (11, "/bin/web"), (12, "/bin/dns")):
        machine.measure(pcr, path)
    assert machine.list[0] != aggregate
    refused(agent, "a list whose boot_aggregate is of another boot", "boot-aggregate")
    machine.boot()
    trusted(agent, "the truth, after a boot")


def containers(agent):
    """Lies about containers."""
    machine = agent.machine
    web, dns = machine.containers
    lie = dict(web, uid_first=300000)
    agent.say(containers=[dns])
    check("a container is left out, as if it had gone: it is unknown", verdict_of(agent, "web") == "unknown")
    machine.measure(11, "/bin/web-helper", b"/bin/web")
    refused(agent, "and runs something", "container-unlisted", subject="slot-11", containers=[dns])
    machine.boot()
    for text in ("left out from the start", "and in each round"):
        said = refused(agent, text, "container-unlisted", subject="slot-11", containers=[dns])
        refused(agent, "the host pays for it", "container-unlisted", verdict="degraded", said=said)
        machine.is_fresh = False
    trusted_after(agent, "the truth again")
    said = agent.say(containers=[web, dns, machine.container("ghost", 500000, image="registry.example/web:1")])[1]
    check("a container is invented: it is unknown, the others are not", subjects(said)["ghost"][0] == "unknown" and
          subjects(said)["web"][0] == "trusted" and subjects(said)["dns"][0] == "trusted", said)
    said = agent.say(containers=[lie, dns])[1]
    check("a container claims its neighbour's users: both are untrusted", subjects(said)["web"][0] == "untrusted" and
          subjects(said)["dns"][0] == "untrusted" and "container-conflict" in subjects(said)["web"][1], said)
    trusted_after(agent, "the truth again")
    said = agent.say(containers=[web, dict(dns, id="web", cgroup="/other")])[1]
    check("two of one id", subjects(said)["web"][0] == "untrusted" and "container-conflict" in subjects(said)["web"][1], said)
    trusted_after(agent, "the truth again")
    machine.measure(12, "/bin/dns-helper", b"not of web's image")
    refused(agent, "an image that is not its own", "digest-unknown", subject="dns",
            containers=[web, dict(dns, image="registry.example/web:1")])
    machine.boot()
    trusted(agent, "the truth, after a boot")
    said = agent.say(containers=[web, dict(dns, image="registry.example/evil:1", uid_first=700000)])[1]
    check("an image that nobody allows", subjects(said)["dns"][0] == "untrusted" and
          "container-image" in subjects(said)["dns"][1], said)
    trusted_after(agent, "the truth again")
    for text, bad in (("a number too many", dict(web, uid_first=1 << 40)), ("no id", dict(web, id="")), ("an id of the host", dict(web, id="host")),
                      ("an id of a slot", dict(web, id="slot-11")), ("a name without end", dict(web, id="x" * 5000)),
                      ("a list in place of a text", dict(web, image=[]))):
        refused(agent, text, "containers-malformed", containers=[bad])
    check("a name with an end inside: 400", agent.say(containers=[dict(web, id="a\u0000b")])[0] == 400)
    refused(agent, "513 containers in all", "containers-malformed", containers=[machine.container("c%d" % i, 0, uid_count=0, cgroup="") for i in range(513)])
    trusted_after(agent, "the truth again")
    machine.measure(11, "/tmp/evil", b"evil")
    said = agent.say()[1]
    check("what a container ran falls on it alone", {n: v for n, (v, _) in subjects(said).items()} ==
          {"host": "trusted", "web": "untrusted", "dns": "trusted"}, said)
    said = agent.say(containers=[dict(web, uid_first=900000, id="clean"), dns])[1]
    check("also under another name and other users", subjects(said)["web"][0] == "untrusted", said)
    said = agent.say(containers=[dns])[1]
    check("also when it is gone", subjects(said)["web"][0] == "untrusted", said)
    machine.boot()
    trusted(agent, "the truth, after a boot")


def verdict_of(agent, subject):
    _, _, said = agent.server.call("GET", "/v1/nodes/%s/verdicts" % agent.id, agent.server.viewer)
    return [v["verdict"] for v in said["verdicts"] if v["id"] == subject][0]


def trusted_after(agent, text):
    status, said = agent.say()
    got = subjects(said)
    check(text, status == 200 and all(got[name][0] == "trusted" for name in ("host", "web", "dns")), said)


def sizes(agent):
    """Too much, and in the wrong form."""
    machine = agent.machine
    connection = agent.server.connect()
    connection.putrequest("POST", "/v1/nodes/%s/evidence" % agent.id)
    for name, value in (("Authorization", "Bearer " + agent.token), ("Content-Length", str(1 << 30))):
        connection.putheader(name, value)
    connection.endheaders()
    check("1 GiB: 413, before it is sent", connection.getresponse().status == 413)
    connection.close()
    more = [machine.container("filler-%d" % i, 0, uid_count=0) for i in range(510)]
    said = agent.say(containers=machine.containers + more)[1]
    check("512 containers, as many as an agent tells", subjects(said)["host"][0] == subjects(said)["web"][0] == "trusted" and
          len(said["verdicts"]) == 513, subjects(said)["host"])
    for text, change, code in (
            ("a signature of 8 KiB", {"signature": b64(bytes(8192))}, "evidence-malformed"),
            ("a quote of 8 KiB", {"quote": b64(bytes(8192))}, "evidence-malformed"),
            ("a quote that is no base64", {"quote": "%%%"}, "evidence-malformed"),
            ("a quote that is a number", {"quote": 7}, "evidence-malformed"),
            ("a list without a start", {"ima": {"data": ""}}, "list-missing"),
            ("a list before the first entry", {"ima": {"from": -1, "data": ""}}, "list-missing"),
            ("no list", {"ima": None}, "list-missing"),
            ("containers that are a text", {"containers": "none"}, "containers-malformed")):
        challenge = agent.ask()
        refused(agent, text, code, said=agent.tell(challenge["nonce"], dict(machine.evidence(challenge), **change))[1])
    trusted(agent, "the truth again")


def enrolment(server, enroller, vendor):
    """Lies at enrolment."""
    first, second = Machine("gamma", vendor), Machine("delta", vendor)

    def ask(machine, **change):
        agent = Agent(server, enroller, machine)
        agent.registration.update(change)
        return server.call("POST", "/v1/enroll", enroller, agent.registration)[::2]

    stranger = Machine("stranger", Vendor("CN=Nobody"))
    status, said = ask(stranger)
    check("an EK certificate of another vendor", status == 403 and said["field"] == "ek_certificate", said)
    status, said = ask(first, ek_certificate=b64(second.ek_certificate))
    check("the EK certificate of another TPM", status == 403 and said["field"] == "ek_certificate", said)
    status, said = ask(first, ek_certificate=None)
    check("no EK certificate", status == 403 and said["field"] == "ek_certificate", said)
    status, said = ask(first, ak_public=b64(first.tpm.ek_public))
    check("an EK for an AK", status in (403, 422) and said["field"] == "ak_public", said)
    agent = Agent(server, enroller, first)
    agent.registration["ak_public"] = b64(second.tpm.ak_public)
    try:
        agent.enroll()
        check("an AK that does not live in the EK's TPM", False)
    except AssertionError as error:
        check("an AK that does not live in the EK's TPM: its credential does not open", "another AK" in str(error), error)


def boot_lines(machine):
    return "".join("      - {pcr: %d, value: %s}\n" % (pcr, machine.pcrs[pcr].hex()) for pcr in range(10))


def references(folder):
    for name, paths in (("host", ["/sbin/init", "/usr/bin/agent"] + ["/usr/bin/tool-%d" % i for i in range(10)]),
                        ("web", ["/bin/web"]), ("dns", ["/bin/dns", "/bin/dns-helper"])):
        sums = os.path.join(folder, name + ".sums")
        with open(sums, "w", encoding="utf-8") as out:
            for path in paths:
                content = b"not of web's image" if path == "/bin/dns-helper" else path.encode()
                out.write("%s  %s\n" % (hashlib.sha256(content).hexdigest(), path))
        subprocess.run([SAFELIB, "refvals", "import", "--set", name, "--store", folder + "/refvals", "--from", "sums", sums],
                       check=True, capture_output=True)


def journal(folder):
    run = subprocess.run([SAFELIB, "journal", "replay", "--json", "--journal", folder + "/state/journal", "--refvals", folder + "/refvals"],
                         capture_output=True, text=True, check=False)
    said = json.loads(run.stdout)
    check("journal whole, all %d verdicts the same again" % said["replayed_same"], run.returncode == 0 and said["replayed_different"] == 0 and
          not said["faults"], run.stdout[-2000:], run.stderr)


def journal_changed(folder):
    """What of it is changed, cut or taken away is told."""
    path = folder + "/state/journal/journal.log"
    with open(path, "rb") as file:
        whole = file.read()
    lines = whole.splitlines(True)

    def told(text, fault, content=whole):
        with open(path, "wb") as file:
            file.write(content)
        run = subprocess.run([SAFELIB, "journal", "verify", "--json", "--journal", folder + "/state/journal"],
                             capture_output=True, text=True, check=False)
        faults = [fault["fault"] for fault in json.loads(run.stdout)["faults"]]
        check("journal: " + text, run.returncode == (1 if fault else 0) and (fault in faults if fault else not faults), run)

    told("whole", None)
    told("its last line gone", "CUT", b"".join(lines[:-1]))
    told("cut within its last line", "TORN", whole[:-30])
    told("emptied", "CUT", b"")
    told("its first lines gone", "BEGIN", b"".join(lines[5:]))
    told("a line gone", "GAP", b"".join(lines[:5] + lines[6:]))
    told("a word changed", "EDITED", whole.replace(b'"untrusted"', b'"trusted"', 1))
    blobs = folder + "/state/journal/blobs/"
    for name in os.listdir(blobs):
        with open(blobs + name, "rb") as file:
            text = file.read()
        if text.startswith(b"class: worker"):  # a policy, which a line names and no verdict's job is
            with open(blobs + name, "wb") as file:
                file.write(text.replace(b"lease", b"leasf", 1))
            told("a policy that was in use changed", "BLOB")
            with open(blobs + name, "wb") as file:
                file.write(text)
            break
    told("whole again", None)


def roots(server, agent, other, vendor):
    """A vendor's root is withdrawn, an EK revoked, long after the node was enrolled."""
    path = server.folder + "/policies/vendors.pem"
    token = server.token("operator", "rotator")

    def put(text, *more):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "".join(more))
        status, _, said = server.call("POST", "/v1/reload", token)
        assert status == 200, said

    stranger = Vendor("CN=Another Vendor")
    put(stranger.pem())
    for turn in ("the root of its vendor was withdrawn", "and still is"):
        said = refused(agent, turn, "registration")
        check("its containers fall with it", subjects(said)["web"][0] == "untrusted", said)
    put(stranger.pem(), vendor.pem())
    trusted(agent, "the root is back beside another")
    put(vendor.pem(), vendor.revoke(agent.machine))
    said = refused(agent, "its EK is revoked", "registration")
    check("which is said", "revoked" in json.dumps(said), said)
    trusted(other, "another TPM of that vendor is not")
    put(vendor.pem())
    trusted(agent, "revoked no more")


def signatures(server, agent):
    """Files that no reference knows, signed by whom the policy names: ima.keys, through daemon, verifier and journal."""
    path, token, machine = server.folder + "/policies/worker.yaml", server.token("operator", "signer"), agent.machine
    with open(path, encoding="utf-8") as file:
        plain = file.read()
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]

    def ring(*which):
        with open(server.folder + "/policies/ima-keys.pem", "wb") as file:
            file.write(b"".join(keys[i].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
                                for i in which))
        status, _, said = server.call("POST", "/v1/reload", token)
        assert status == 200, said

    server.policy("worker", plain.replace("ima: {sets: [host]}", "ima: {sets: [host], keys: ima-keys.pem}"))
    ring(0)
    machine.measure(10, "", made=signed_entry(10, "/opt/signed", keys[0]))
    trusted(agent, "a file of the host that nobody knows, signed by the policy's key")
    machine.measure(10, "", made=signed_entry(10, "/opt/foreign", keys[1]))
    refused(agent, "one that another key signed", "signature-unknown")
    ring(0, 1)
    trusted(agent, "its key is in the policy now")
    ring(1)
    refused(agent, "a key is withdrawn: what it signed is not accepted any more", "signature-unknown")
    ring(0, 1)
    trusted(agent, "it is back")
    machine.measure(11, "", made=signed_entry(11, "/bin/signed", keys[0]))
    refused(agent, "a signature accepts nothing of a container", "digest-unknown", subject="web")
    machine.boot()
    trusted(agent, "the node has booted")
    machine.measure(10, "", made=signed_entry(10, "/usr/bin/tool-1", keys[0], said=bytes(32)))
    refused(agent, "a known file with a signature that its key did not make", "signature-bad")
    machine.boot()
    server.policy("worker", plain)
    status, _, said = server.call("POST", "/v1/reload", token)
    assert status == 200, said
    trusted(agent, "without keys as before")


def operators(server, agent):
    """`safelib node`, with the monitor as it is after all that."""
    for role in ("viewer", "operator"):
        with open("%s/%s.token" % (server.folder, role), "w", encoding="utf-8") as file:
            file.write(server.token(role, "cli-" + role) + "\n")
        with open("%s/%s.yaml" % (server.folder, role), "w", encoding="utf-8") as file:
            file.write("url: https://127.0.0.1:%d\nca: cert.pem\ntoken: %s.token\n" % (server.port, role))

    def node(words, status, said, role="operator"):
        run = subprocess.run([SAFELIB, "node"] + words + ["--monitor", "%s/%s.yaml" % (server.folder, role)], capture_output=True,
                             text=True, check=False)
        check("safelib node %s: %d" % (" ".join(words).replace(server.folder, "..."), status),
              run.returncode == status and said in run.stdout + run.stderr, run)

    name, policy = agent.machine.name, server.folder + "/policies/worker.yaml"
    node(["list"], 0, name, "viewer")
    node(["list", "--json"], 0, '"verdict": "trusted"', "viewer")
    node(["show", name], 0, "container  trusted    web", "viewer")
    node(["show", "--all", agent.id], 0, "which is its own", "viewer")
    node(["show", name], 0, "TPM of INTC (id:494E5443), model ADL, version id:0001", "viewer")
    node(["show", "nobody"], 2, "no node of the name nobody", "viewer")
    node(["boot", name], 0, "PCR 4  sha256  " + agent.machine.pcrs[4].hex(), "viewer")
    node(["boot", "--accept", policy, name], 0, "has these values already")
    node(["boot", "--accept", policy, name], 2, "expected role operator", "viewer")
    node(["act", name, "pause", "web"], 2, "expected role operator", "viewer")
    node(["act", name, "pause", "web"], 0, "pause of web is ordered")
    check("the agent hears it", {"do": "pause", "container": "web"} in agent.say()[1]["actions"])
    node(["act", name, "explode", "web"], 2, "do: expected pause, resume or kill")
    node(["ear", "--nonce", "relying-party", name], 0, ".", "viewer")
    node(["ear", "--nonce", "a b", name], 2, "--nonce: expected letters", "viewer")
    node(["reload"], 0, "the monitor has read")
    agent.machine.boot(b"a new loader")
    refused(agent, "another loader", "pcr-value")
    node(["show", name], 1, "the policy expects", "viewer")
    node(["boot", "--accept", policy, name], 0, "nodes may boot this from now on")
    trusted(agent, "is trusted once it is accepted")
    server.policy("worker", "class: worker\nnonsense: yes\n")
    node(["reload"], 2, "nothing was changed")
    node(["boot", "--accept", policy, name], 2, "nonsense")
    trusted(agent, "a policy that cannot be read changes nothing")
    node(["reenroll", name], 0, "may enrol again")
    node(["remove", name], 0, "is removed")
    node(["show", agent.id], 2, "no such node", "viewer")
    node(["reenroll", agent.id], 0, "may enrol again")


def main():
    work = tempfile.mkdtemp(prefix="/tmp/sl-hostile.")
    server = None
    try:
        vendor = Vendor()
        machines = [Machine(name, vendor) for name in ("alpha", "beta")]
        references(work)
        server = Server(TRUSTD, work, "refvals: %s/refvals\nlimits: {rounds_per_minute: 60000}\n" % work)
        server.policy("worker", POLICY % boot_lines(machines[0]))
        with open(work + "/policies/vendors.pem", "w", encoding="utf-8") as file:
            file.write(vendor.pem())
        server.start()
        enroller, server.viewer = server.token("enroller"), server.token("viewer")
        enrolment(server, enroller, vendor)
        alpha, beta = [Agent(server, enroller, machine).enroll() for machine in machines]
        quotes(alpha, beta)
        lists(alpha)
        pieces(alpha)
        boots(alpha)
        containers(alpha)
        sizes(alpha)
        trusted(beta, "another node has noticed nothing")
        roots(server, alpha, beta, vendor)
        signatures(server, alpha)
        operators(server, alpha)
        check("the monitor is well", server.call("GET", "/v1/health")[2]["status"] == "ok")
        server.stop()
        journal(work)
        journal_changed(work)
        print("%d checks passed" % CHECKS[0])
    finally:
        if server is not None:
            server.stop(kill=True)
        shutil.rmtree(work, ignore_errors=True)


main()
