# SPDX-License-Identifier: Apache-2.0
"""TEEs as nodes of safelib-trustd.   tee.py BUILD VECTORS LIBFAKETIME"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile

from client import Server, b64

BUILD, VECTORS, FAKETIME = sys.argv[1:4]
TRUSTD, SAFELIB = BUILD + "/cmd/safelib-trustd/safelib-trustd", BUILD + "/cmd/safelib/safelib"
CHECKS = [0]
POLICY = """class: nf
tee:
  %s
lease: 1m
"""
ANY = "insecure_any_identity: true\n  tcb_status: [ConfigurationAndSWHardeningNeeded]"
SNP = VECTORS + "/snp/virtee-sev/tests/certs_data/"
# name, driver, evidence, collateral
PUBLISHED = (("sgx", "sgx", VECTORS + "/sgx/phala-dcap-qvl/sample/sgx_quote",
              [VECTORS + "/sgx/phala-dcap-qvl/sample/sgx_quote_collateral.json"]),
             ("tdx", "tdx", VECTORS + "/tdx/phala-dcap-qvl/tdx_quote", [VECTORS + "/tdx/phala-dcap-qvl/tdx_quote_collateral.json"]),
             ("snp", "sev-snp", SNP + "report_milan.hex", [("vcek.der", SNP + "vcek_milan.der"), ("cert_chain.pem", SNP + "cert_chain_milan")]))
TYPES = {"sgx": 1, "tdx": 2, "sev-snp": 3}


def check(text, good, *more):
    CHECKS[0] += 1
    print("  %s %s" % ("ok   " if good else "FAIL ", text), *([] if good else more), flush=True)
    if not good:
        raise SystemExit(1)


def bundle(kind, evidence):
    """src/evidence/evidence.h: one item, the evidence."""
    return struct.pack(">HHHHI", TYPES[kind], 1, 1, 1, len(evidence)) + evidence


def clock(text):
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": "@" + text, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    return bytes.fromhex(data.decode().strip()) if path.endswith(".hex") else data


def collateral_import(folder, name, sources):
    paths = []
    for source in sources:
        if isinstance(source, tuple):
            os.makedirs(folder + "/parts-" + name, exist_ok=True)
            paths.append(shutil.copy(source[1], "%s/parts-%s/%s" % (folder, name, source[0])))
        else:
            paths.append(source)
    subprocess.run([SAFELIB, "attest", "collateral", "import", "--cache", folder + "/collateral", *paths], check=True, capture_output=True)


def monitor(folder, policy):
    server = Server(TRUSTD, folder, "collateral: %s/collateral\n" % folder)
    server.policy("worker", None)
    server.policy("nf", POLICY % policy)
    return server


def enroll(server, enroller, name, driver):
    status, _, said = server.call("POST", "/v1/enroll", enroller, {"name": name, "class": "nf", "driver": driver,
                                                                   "tee": [{"id": "nf-" + name, "type": driver}]})
    check("%s: a node without a TPM enrols with its token at once" % name, status == 201 and "token" in said, said)
    return said["node"], said["token"]


def judge(server, node, driver, name, evidence):
    """@return verdict and codes of the reasons to refuse"""
    status, _, asked = server.call("POST", "/v1/nodes/%s/challenge" % node[0], node[1], {})
    assert status == 200, asked
    assert asked[driver] == [{"id": "nf-" + name, "type": driver}], asked
    data = evidence(asked["nonce"]) if callable(evidence) else evidence
    status, _, said = server.call("POST", "/v1/nodes/%s/evidence" % node[0], node[1],
                                  {"nonce": asked["nonce"], "boot_id": "b", driver: [{"id": "nf-" + name, "type": driver, "bundle": b64(data)}]})
    assert status == 200, said
    subject = said["verdicts"][0]
    assert subject["kind"] == "tee" and subject["id"] == "nf-" + name, said
    return subject["verdict"], {reason["code"] for reason in subject["reasons"] if reason["verdict"] == "untrusted"}


def published(folder):
    server = monitor(folder, ANY).start(clock("2025-07-01 00:00:00"))
    enroller = server.token("enroller")
    nodes = {}
    for name, driver, path, sources in PUBLISHED:
        node = nodes[name] = enroll(server, enroller, name, driver)
        evidence = bundle(driver, read(path))
        verdict, codes = judge(server, node, driver, name, evidence)
        check("%s: without collateral nothing is trusted" % name, verdict == "untrusted" and "collateral-missing" in codes, (verdict, codes))
        before = codes
        collateral_import(folder, name, sources)
        verdict, codes = judge(server, node, driver, name, evidence)
        # somebody else's evidence is never over our nonce: with everything else good, that is what is left
        check("%s: with collateral from the cache, only the nonce is wrong" % name,
              verdict == "untrusted" and codes == {"report-data"} and "collateral-missing" in before, (verdict, codes, before))
    server.stop()
    server.start(clock("2025-09-01 00:00:00"))
    for name, driver, path, _ in PUBLISHED[:2]:
        verdict, codes = judge(server, nodes[name], driver, name, bundle(driver, read(path)))
        check("%s: with collateral that has expired, refused" % name, verdict == "untrusted" and "collateral-expired" in codes,
              (verdict, codes))
    server.stop()
    return server


def emulated(folder):
    """The emulator protects nothing; its evidence is whole, fresh and over our nonce."""
    def quote(nonce, has_collateral=True):
        subprocess.run([BUILD + "/tests/tools/attest-sample", folder + "/sample", "hex:" + nonce], check=True, capture_output=True)
        if has_collateral:  # each machine that is emulated has keys, and hence collateral, of its own
            collateral_import(folder, "emu", [folder + "/sample/pcs"])
        return bundle("sgx", read(folder + "/sample/quote.dat"))
    os.makedirs(folder + "/sample")
    server = monitor(folder, "insecure_allow_emulated: true\n  references: [{mrenclave: %s}]" % ("11" * 32)).start()
    viewer, enroller, operator = (server.token(role) for role in ("viewer", "enroller", "operator"))
    node = enroll(server, enroller, "emu", "sgx")
    verdict, codes = judge(server, node, "sgx", "emu", lambda nonce: quote(nonce, False))
    check("emulator: no collateral yet", verdict == "untrusted" and "collateral-missing" in codes, (verdict, codes))
    verdict, codes = judge(server, node, "sgx", "emu", quote)
    check("emulator: accepted where the policy says so, and called what it is", verdict in ("trusted", "degraded"), (verdict, codes))
    stale = quote("00" * 32)
    check("emulator: evidence over another nonce is refused", judge(server, node, "sgx", "emu", stale)[0] == "untrusted")
    server.policy("nf", POLICY % "insecure_allow_emulated: true\n  references: [{mrenclave: %s}]" % ("33" * 32))
    said = server.call("POST", "/v1/reload", operator)[2]
    check("a changed policy is loaded", said["changed"] == ["nf"], said)
    said = server.call("GET", "/v1/nodes/" + node[0], viewer)[2]
    check("and the node says that it was judged by another", said["policy_is_current"] is False, said)
    check("the next round judges by it", judge(server, node, "sgx", "emu", quote)[0] == "untrusted")
    check("which it says", server.call("GET", "/v1/nodes/" + node[0], viewer)[2]["policy_is_current"] is True)
    server.stop()


def replay(folder):
    shutil.rmtree(folder + "/collateral")  # a job has all that judged it
    run = subprocess.run([SAFELIB, "journal", "replay", "--journal", folder + "/state/journal"], capture_output=True, text=True, check=False)
    check("every verdict comes out again, without cache and clock: " + run.stdout.splitlines()[-1], run.returncode == 0, run.stdout + run.stderr)


def main():
    work = tempfile.mkdtemp(prefix="/tmp/sl-trustd-tee.")
    try:
        published(work + "/published")
        emulated(work + "/emulated")
        replay(work + "/published")
        replay(work + "/emulated")
        print("%d checks passed" % CHECKS[0])
    finally:
        Server.stop_all()
        shutil.rmtree(work, ignore_errors=True)


main()
