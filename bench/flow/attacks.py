#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What established TCP connections keep of their throughput in the stateful firewall when a share of all packets is an attack's.
Windows of one process take turns: the flows alone, the same share of packets from those flows in the attack's size, the attack.
The process fails where a packet of an established flow does not come back.
Usage: bench/flow/attacks.py BUILD OUT.json [--rounds N] [--flows N] [--device emu|bare|native] [--only ATTACK,...]"""
import argparse
import os
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bounce"), os.path.join(HERE, "..", "lib")]
from chains import SIZE, WINDOW, chain_make  # noqa: E402
from driver import Device  # noqa: E402
from results import write  # noqa: E402

SHARES = (10, 50)
# attack, and the table it meets: "room" for all, a sixteenth is "spare" and soon full of the attack's own, "none" but the flows
CASES = (("syn", "room"), ("syn", "spare"), ("syn", "none"), ("scan", "spare"), ("collide", "spare"), ("first-fragments", "spare"),
         ("tiny-fragments", "spare"), ("overlapping-fragments", "spare"))


def windows_of(device, name, rounds):
    """@return ns per packet by (kind, percent), of windows in turn"""
    turns = [("none", 0)] + [(kind, share) for share in SHARES for kind in ("ordinary", name)]
    windows = {turn: [] for turn in turns}
    for number in range(rounds + 1):
        for turn in turns if number % 2 == 0 else turns[::-1]:
            device.ask(f"attack {turn[0]} {turn[1]}")
            took = device.window(SIZE, WINDOW)[0]
            if number > 0:  # the first ones fill the table
                windows[turn].append(took)
    return windows


def rows_of(name, table, windows):
    alone = windows["none", 0]
    for share in SHARES:
        own, ordinary = windows[name, share], windows["ordinary", share]
        yield {"attack": name, "table": table, "percent": share, "alone_min_ns": min(alone), "ordinary_min_ns": min(ordinary),
               "min_ns": min(own), "median_ns": statistics.median(own),
               "of_ordinary": statistics.median(a / b for a, b in zip(ordinary, own)), "of_ordinary_min": min(ordinary) / min(own),
               "of_alone": statistics.median(a / b for a, b in zip(alone, own)) * (1 - share / 100)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("out")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--flows", type=int, default=100000)
    parser.add_argument("--device", default="emu")
    parser.add_argument("--only", default=",".join(sorted({name for name, _ in CASES})))
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    room = {"room": options.flows + (options.rounds + 1) * WINDOW, "spare": options.flows + options.flows // 16, "none": options.flows}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for at, (name, table) in enumerate(CASES):
            if name not in options.only.split(","):
                continue
            chain = chain_make(options.build, os.path.join(folder, str(at)), "firewall", room[table])
            device = Device(options.build, options.device, "polling", 1, 3500,
                            more=["--chain", chain, "--flows", str(options.flows), "--tcp"])
            device.ask("flows")
            for row in rows_of(name, table, windows_of(device, name, options.rounds)):
                rows.append(row)
                print("  ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{value}" for key, value in row.items()),
                      flush=True)
            device.close()
    write(options.out, "flow_attacks", {"rounds": options.rounds, "flows": options.flows, "device": options.device,
                                        "load": [load_before, os.getloadavg()[0]], "rows": rows})


main()
