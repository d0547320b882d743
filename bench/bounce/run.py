#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bounces packets (ESP in, firewall, ESP out) through the NF image, devices in turn, window by window.
Usage: bench/bounce/run.py BUILD OUT.json [--rounds N] [--quick] [--entry-cost-ns N]"""
import argparse
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from driver import Device  # noqa: E402
from results import percentile, write  # noqa: E402

SIZES = {64: 8192, 256: 4096, 576: 4096, 1024: 2048, 1420: 2048, 0: 4096}  # inner bytes (0: IMIX): packets a window
LATENCY_SIZES = (64, 576, 1420)
SHARES = (0.1, 0.5, 0.9)


def rate_cell(devices, size, count, rounds):
    """Interleaves the devices; one row per device."""
    windows = {device.name: [] for device in devices}
    walls = {device.name: [] for device in devices}
    turns, calibration = {}, []
    for device in devices:
        device.window(size, count)
    for number in range(rounds):
        for device in devices if number % 2 == 0 else devices[::-1]:
            core, wall, per_turn = device.window(size, count)
            windows[device.name].append(core)
            walls[device.name].append(wall)
            turns[device.name] = per_turn
        calibration += devices[0].ask("calibrate")
    rows = []
    for device in devices:
        own = sorted(windows[device.name])
        row = {"device": device.name, "min_ns": own[0], "p10_ns": percentile(own, 0.1), "median_ns": percentile(own, 0.5),
               "mpps": 1000 / own[0], "wall_ns": min(walls[device.name]), "packets_per_turn": turns[device.name],
               "calibration_ns": min(calibration), "calibration_median_ns": statistics.median(calibration)}
        # protected over bare throughput: windows side by side, and the minima
        pairs = [bare / mine for bare, mine in zip(windows["bare"], windows[device.name])]
        row["ratio_to_bare"] = statistics.median(pairs)
        row["ratio_to_bare_min"] = min(windows["bare"]) / own[0]
        rows.append(row)
    return rows


def latency_cell(device, size, wall_ns):
    """Latency by the clock at shares of the device's own maximum rate."""
    rows = []
    for share in SHARES:
        rate = share * 1e9 / wall_ns
        best = min((device.ask(f"latency {size} {max(2000, min(20000, int(rate * 0.05)))} {rate:.0f}") for _ in range(3)),
                   key=lambda answer: answer[2])
        rows.append({"share": share, "mpps": rate / 1e6, "p50_ns": best[0], "p90_ns": best[1], "p99_ns": best[2],
                     "max_ns": best[3]})
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("out")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--entry-cost-ns", type=int, default=3500)
    parser.add_argument("--quick", action="store_true", help="64 and 1420 bytes, one rule, few rounds")
    options = parser.parse_args()
    sizes = {64: SIZES[64], 1420: SIZES[1420]} if options.quick else SIZES
    rows = []
    for scheduling in ("polling", "batch"):
        for rules in (1,) if options.quick else (1, 1000):
            devices = [Device(options.build, name, scheduling, rules, options.entry_cost_ns) for name in ("bare", "emu")]
            for size, count in sizes.items():
                for device, row in zip(devices, rate_cell(devices, size, count, options.rounds)):
                    row = {"scheduling": scheduling, "rules": rules, "inner_bytes": size or "IMIX", **row}
                    if rules == 1 and size in LATENCY_SIZES:
                        row["latency"] = latency_cell(device, size, row["wall_ns"])
                    rows.append(row)
                    print(f"{scheduling:8} {rules:5} rules {row['inner_bytes']:>5} B  {row['device']:5} "
                          f"{row['min_ns']:7.1f} ns  {row['mpps']:6.3f} Mpps  x bare {row['ratio_to_bare']:.3f} "
                          f"(min {row['ratio_to_bare_min']:.3f})  calibration {row['calibration_ns']:.0f}", flush=True)
            for device in devices:
                device.close()
    write(options.out, "bounce", {"entry_cost_ns": options.entry_cost_ns, "rounds": options.rounds, "rows": rows})


main()
