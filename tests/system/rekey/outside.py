#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What was lost although the link was up, out of the trace of window.py.

  outside.py TRACE "DOWN..." "UP..."      DOWN: times just before the link went down, UP: just after it came up again

A flow's datagrams keep their order, so no time has to be guessed. One that is missing was lost before the link went down where
later ones of its flow had been answered by then; and it was lost after the link had come back where earlier ones of its flow,
sent since then, have been answered. SURE many of them: order is kept but for what changes processors on its way.
"""
import sys
from collections import defaultdict

SURE = 8


def is_outside(sent, flow, outages):
    """flow: (sent, answered or None) of all its datagrams"""
    for down, up in outages:
        if sent < down:
            return sum(1 for s, a in flow if s > sent and a is not None and a < down) >= SURE
        if sum(1 for s, a in flow if up <= s < sent and a is not None) < SURE:
            return False  # sent before the way was found again
    return True


def main():
    flows = defaultdict(list)
    for line in open(sys.argv[1]):
        index, sent, answered = line.split()
        flows[index].append((float(sent), None if answered == "-" else float(answered)))
    outages = list(zip(map(float, sys.argv[2].split()), map(float, sys.argv[3].split())))
    lost = [(sent, flow) for flow in flows.values() for sent, answered in flow if answered is None]
    outside = [sent for sent, flow in lost if is_outside(sent, flow, outages)]
    total = sum(map(len, flows.values()))
    print(f"{total} datagrams; {len(lost)} lost in {len(outages)} outages, {len(outside)} of them outside of the outages")
    for sent in sorted(outside)[:10]:
        print(f"  sent {sent - outages[0][0]:+.3f} s after the first outage began")
    sys.exit(bool(outside) or not lost or total < 1000)


main()
