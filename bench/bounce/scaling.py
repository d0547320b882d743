#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From one core to two: an image on each core (emu, batch, each with its copies in and out), alone and both at once.
Images and shards share nothing that changes, so two images stand for two shards.
Usage: bench/bounce/scaling.py BUILD OUT.json   exit 77: there is only one core"""
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from driver import Device  # noqa: E402
from results import write  # noqa: E402

ROUNDS = 30


def main():
    build, out = sys.argv[1:3]
    if (os.cpu_count() or 1) < 2:
        print("skipped: one core only")
        sys.exit(77)
    devices = [Device(build, "emu", "batch", 1, 3500, core) for core in (0, 1)]
    rows = []
    for size, count in ((64, 16384), (576, 8192), (1420, 4096)):
        alone, both, ratios = [], [], []
        for _ in range(ROUNDS):
            single = [1000 / device.window(size, count)[1] for device in devices]
            for device in devices:
                device.tell(f"rate {size} {count}")
            together = [1000 * count / device.hear()[0] for device in devices]
            alone.append(max(single))
            both.append(sum(together))
            ratios.append(sum(together) / max(single))
        rows.append({"inner_bytes": size, "one_core_mpps": max(alone), "two_cores_mpps": max(both),
                     "growth": max(both) / max(alone), "growth_median": statistics.median(ratios)})
        print(f"{size:5} B  one core {max(alone):.2f} Mpps, two {max(both):.2f}, x {max(both) / max(alone):.2f}", flush=True)
    for device in devices:
        device.close()
    write(out, "scaling", {"rows": rows})


main()
