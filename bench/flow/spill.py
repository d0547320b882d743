#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bounces packets of 2,000,000 live flows through the stateful firewall, all flows in the image's heap (bench-nf-large) and a cache of
5 % with the rest outside (the standard image), window by window, by Zipf and by uniform access; and says where the time goes.
Usage: bench/flow/spill.py BUILD OUT.json [--flows N] [--cache PERCENT] [--exponent S] [--rounds N] [--device bare|emu]
                           [--scheduling polling|batch] [--traffic udp,tcp] [--no-profile]"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from chains import SIZE, STATEFUL, WINDOW

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "bounce"), os.path.join(HERE, "..", "lib")]
from driver import Device  # noqa: E402
from profile import shares_of  # noqa: E402
from results import percentile, write  # noqa: E402

SPARE = 16  # the table has room for one flow in so many more
SETTLE = {"zipf": 4, "uniform": 0.5}  # packets for each flow before anything is measured
PARTS = [  # the first that matches, by symbol or library
    (None, r"native_idle"),
    ("records: opening (AES-256-GCM)", r"aes_gcm_dec_256"),
    ("records: sealing (AES-256-GCM)", r"aes_gcm_enc_256"),
    ("records: copying, waiting for lines", r"store_outside|sl_flow_store_prefetch|prefetch_record"),
    ("records: cache's policy and book-keeping", r"sl_flow_store|make_room|evict|fetch|victim|hand_find|trial|frame_"),
    ("flow table: index, tuples, states, waiting for lines", r"sl_flow_|flow_|classify|find|look_|follow|run_burst|fill|checksum|match"),
    ("packets: AES-128-GCM", r"aes_gcm_(dec|enc)_128"),
    ("packets: ESP, rings, parsing, firewall", r"."),
]


def chain_make(options, folder, inside):
    """@return the bundle's path, and what `policy chain` says of its memory: bytes inside, outside"""
    at = os.path.join(folder, f"inside-{inside}")
    os.mkdir(at)
    with open(os.path.join(at, STATEFUL[0]), "w", encoding="utf-8") as stream:
        stream.write(STATEFUL[1])
    cached = f", inside: {inside}" if inside < options.flows else ""
    with open(os.path.join(at, "chain.yaml"), "w", encoding="utf-8") as stream:
        stream.write(f"chain:\n- nf: firewall\n  policy: {STATEFUL[0]}\n  flows: {{max: {options.flows + options.flows // SPARE}, max6: 0, "
                     f"tcp: strict, timeouts: {{udp: 3600, udp_stream: 3600}}{cached}}}\n")
    report = subprocess.run([f"{options.build}/cmd/safelib/safelib", "policy", "chain", "--json", f"{at}/chain.yaml", "-o", f"{at}/chain.slp"],
                            check=True, capture_output=True, text=True).stdout
    told = json.loads(report)
    return f"{at}/chain.slp", told["inside_bytes"], told["outside_bytes"]


def start(options, device, scheduling, chain, proto, prefix=()):
    bundle, _, outside = chain
    more = ["--chain", bundle, "--flows", str(options.flows), "--spill", str(-(-outside // (1 << 20)))] + (["--tcp"] if proto == "tcp" else [])
    image = "bench/bench-nf-large" if outside == 0 else "cmd/safelib-nf/safelib-nf"
    started = Device(options.build, device, scheduling, 1, 3500, prefix=prefix, more=more, image=image)
    started.ask("flows")
    return started


def settle(options, device, access, is_cache=True):
    """So many packets that what the cache holds is what the access wants."""
    device.ask(f"zipf {options.exponent if access == 'zipf' else 0}")
    for _ in range(int(SETTLE[access] * options.flows) // WINDOW if is_cache else 4):
        device.window(SIZE, WINDOW)


def counters(device):
    own = device.status()["chain"][0]["counters"]
    return {name: own.get(f"flow table: {name}", 0) for name in ("flows", "hits", "fetches", "writes", "damaged")}


def measure(options, devices, proto, access):
    for key, device in devices.items():
        settle(options, device, access, key == "spilled")
    before = counters(devices["spilled"])
    windows = {key: [] for key in devices}
    for number in range(options.rounds):
        for key in list(devices) if number % 2 == 0 else list(devices)[::-1]:
            windows[key].append(devices[key].window(SIZE, WINDOW)[0])
    after = counters(devices["spilled"])
    if after["flows"] != options.flows or after["damaged"] != 0:
        sys.exit(f"spill: {after['flows']} flows are alive, {after['damaged']} are damaged")
    hits, fetches, writes = (after[name] - before[name] for name in ("hits", "fetches", "writes"))
    row = {"traffic": proto, "access": access, "device": options.device, "hits": hits / (hits + fetches),
           "writes_per_miss": writes / fetches}
    for key, own in windows.items():
        own_sorted = sorted(own)
        row.update({f"{key}_min_ns": own_sorted[0], f"{key}_p10_ns": percentile(own_sorted, 0.1), f"{key}_median_ns": statistics.median(own)})
    row["rate"] = statistics.median(a / b for a, b in zip(windows["inside"], windows["spilled"]))
    row["rate_min"] = min(windows["inside"]) / min(windows["spilled"])
    return row


def profile(options, chains, proto):
    """Of the image's code without loader, on a thread of its own."""
    rows = []
    for key, chain in chains.items():
        device = start(options, "native", "polling", chain, proto)
        for access in ("zipf", "uniform"):
            settle(options, device, access, key == "spilled")
            with tempfile.TemporaryDirectory() as folder:
                with subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-o", f"{folder}/data", "-p",
                                       str(device.process.pid)]) as recorder:
                    time.sleep(0.5)  # until it is attached
                    own = min(device.window(SIZE, WINDOW)[0] for _ in range(60))
                    recorder.send_signal(signal.SIGINT)
                text = subprocess.run(["perf", "report", "-i", f"{folder}/data", "--stdio", "--sort", "comm,dso,sym"],
                                      capture_output=True, text=True, check=False).stdout
            rows += [{"traffic": proto, "access": access, "flows": key, "part": part, "share_percent": 100 * share, "ns": share * own}
                     for part, share in shares_of(text, PARTS).items()]
        device.close()
    return rows


def show(row):
    print("  ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{value}" for key, value in row.items()), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("out")
    parser.add_argument("--flows", type=int, default=2000000)
    parser.add_argument("--cache", type=int, default=5)
    parser.add_argument("--exponent", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--device", default="bare")
    parser.add_argument("--scheduling", default="polling")
    parser.add_argument("--traffic", default="udp,tcp")
    parser.add_argument("--no-profile", action="store_true")
    options = parser.parse_args()
    body = {"flows": options.flows, "cache_percent": options.cache, "exponent": options.exponent, "inner_bytes": SIZE, "nf": "firewall",
            "scheduling": options.scheduling, "rounds": options.rounds, "load": [os.getloadavg()[0]], "rows": [], "memory": [], "profile": []}
    with tempfile.TemporaryDirectory() as folder:
        chains = {"inside": chain_make(options, folder, options.flows),
                  "spilled": chain_make(options, folder, options.flows * options.cache // 100)}
        for proto in options.traffic.split(","):
            devices = {key: start(options, options.device, options.scheduling, chain, proto) for key, chain in chains.items()}
            for access in ("zipf", "uniform"):
                body["rows"].append(measure(options, devices, proto, access))
                body["rows"][-1]["calibration_ns"] = devices["inside"].ask("calibrate")[0]
                show(body["rows"][-1])
            for key, device in devices.items():
                if proto == options.traffic.split(",", maxsplit=1)[0]:
                    body["memory"].append({"flows": key, "told_inside_mib": chains[key][1] / 2**20, "told_outside_mib": chains[key][2] / 2**20,
                                           "heap_mib": device.status()["runtime"]["heap_bytes"] / 2**20, "rss_mib": device.rss() / 2**20})
                    show(body["memory"][-1])
                device.close()
        if shutil.which("perf") is not None and not options.no_profile:
            body["profile"] = profile(options, chains, options.traffic.split(",", maxsplit=1)[0])
            for row in body["profile"]:
                show(row)
    body["load"].append(os.getloadavg()[0])
    write(options.out, "flow_spill", body)


if __name__ == "__main__":
    main()
