#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boot event logs against what tpm2_eventlog says of them: number and types of the events, PCRs of every bank.

  bootlog.py SAFELIB      exit 77: no vectors
"""
import json
import os
import re
import subprocess
import sys

safelib = sys.argv[1]
root = os.environ.get("SL_VECTORS", os.path.join(os.environ.get("SL_SOURCE_ROOT", "."), "../shared/vectors"))
folder = os.path.join(root, "tpm/tpm2-tools/test/integration/fixtures")
others = os.path.join(root, "tpm/go-tpm-tools/eventlogs")


def run(*arguments):
    done = subprocess.run([safelib, "bootlog", *arguments, "--json"], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise SystemExit(f"FAIL {arguments}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout)


def expected_of(path):
    """Types in order, and {bank: {pcr: hex}}, from tpm2_eventlog's YAML."""
    text = open(path, encoding="utf-8", errors="replace").read()
    types = re.findall(r"^  EventType: (\S+)", text, re.M)
    banks, bank = {}, None
    for line in text.split("\npcrs:\n")[1].splitlines() if "\npcrs:\n" in text else []:
        if match := re.match(r"  (\w+):$", line):
            bank = banks.setdefault(match[1], {})
        elif match := re.match(r"    (\d+)\s*: 0x([0-9a-fA-F]+)", line):
            bank[match[1]] = match[2].lower()
    return types, banks


if not os.path.isdir(folder):
    print("vectors absent")
    sys.exit(77)
failed = checked = 0
for name in sorted(os.listdir(folder)):
    pages = [p for p in (os.path.join(folder, "event-pretty", name + ".yaml"), os.path.join(folder, name + ".yaml")) if os.path.exists(p)]
    if not name.endswith(".bin") or not pages:
        continue
    log = os.path.join(folder, name)
    types, banks = expected_of(pages[0])
    ours = [event["type"] for event in run("show", "--log", log)["events"]]
    pcrs = run("replay", "--log", log)["pcrs"]
    checked += 1
    if ours != types or any(pcrs.get(bank, {}) != values for bank, values in banks.items()):
        failed += 1
        print(f"FAIL {name}: types {ours == types}, PCRs differ in {[b for b, v in banks.items() if pcrs.get(b, {}) != v]}")
for name in sorted(os.listdir(others)):
    run("show", "--log", os.path.join(others, name))
    run("replay", "--log", os.path.join(others, name))
    checked += 1
print(f"{checked} logs, {failed} differ")
sys.exit(1 if failed or checked < 10 else 0)
