#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bounces packets of 100,000 flows through NFs with state and through the stateless firewall, bare and protected, window by
window. Usage: bench/flow/run.py BUILD OUT.json [--rounds N] [--flows N] [--devices bare,emu|native] [--only NAME,...]"""
import argparse
import os
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bounce"), os.path.join(HERE, "..", "lib")]
from chains import SIZE, WINDOW, chain_make  # noqa: E402
from driver import Device  # noqa: E402
from results import percentile, write  # noqa: E402


def cell(devices, rounds):
    """Windows in turn; every second round backwards. @return ns per packet by device"""
    windows = {key: [] for key in devices}
    for device in devices.values():
        device.window(SIZE, WINDOW)
    for number in range(rounds):
        for key in list(devices) if number % 2 == 0 else list(devices)[::-1]:
            windows[key].append(devices[key].window(SIZE, WINDOW)[0])
    return windows


def row_make(windows, proto, name, device, flows):
    mine, own = windows[name, device], sorted(windows[name, device])
    row = {"traffic": proto, "nf": name, "device": device, "inner_bytes": SIZE, "flows": flows, "mpps": 1000 / own[0],
           "min_ns": own[0], "p10_ns": percentile(own, 0.1), "median_ns": percentile(own, 0.5)}
    for label, other in (("bare", (name, "bare")), ("stateless", ("stateless", device))):
        if other in windows:
            row[f"of_{label}"] = statistics.median(b / a for a, b in zip(mine, windows[other]))
            row[f"of_{label}_min"] = min(windows[other]) / own[0]
    return row


def measure(options, chains, proto, names):
    devices = {}
    for name in names:
        for device in options.devices.split(","):
            more = ["--chain", chains[name], "--flows", str(options.flows)] + (["--tcp"] if proto == "tcp" else [])
            devices[name, device] = Device(options.build, device, "polling", 1, 3500, more=more)
            devices[name, device].ask("flows")
    windows = cell(devices, options.rounds)
    calibration = next(iter(devices.values())).ask("calibrate")[0]
    for device in devices.values():
        device.close()
    return [{**row_make(windows, proto, name, device, options.flows), "calibration_ns": calibration} for name, device in windows]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("out")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--flows", type=int, default=100000)
    parser.add_argument("--devices", default="bare,emu")
    parser.add_argument("--only", default="stateless,firewall,nat,balancer")
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        names = options.only.split(",")
        chains = {name: chain_make(options.build, folder, name, options.flows + options.flows // 16) for name in names}
        for proto in ("udp", "tcp"):
            for row in measure(options, chains, proto, names):
                rows.append(row)
                print("  ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{value}" for key, value in row.items()),
                      flush=True)
    write(options.out, "flow", {"rounds": options.rounds, "load": [load_before, os.getloadavg()[0]], "rows": rows})


if __name__ == "__main__":
    main()
