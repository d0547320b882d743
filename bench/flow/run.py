#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bounces packets of 100,000 flows through NFs with state and through the stateless firewall, bare and protected, window by
window. Usage: bench/flow/run.py BUILD OUT.json [--rounds N] [--flows N] [--devices bare,emu|native] [--only NAME,...]"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "bounce"), os.path.join(HERE, "..", "lib")]
from driver import Device  # noqa: E402
from results import percentile, write  # noqa: E402

SIZE, WINDOW = 64, 32768  # inner bytes, packets a window
FLOWS = """  flows: {max: %d, max6: 0%s, timeouts: {udp: 3600, udp_stream: 3600}}
"""
# the traffic: clients 10.0.0.0/8, server 198.51.100.80:80
STATELESS = ("firewall.nft", """table inet f {
  chain c { type filter hook forward priority 0; policy drop;
    ip saddr 10.0.0.0/8 tcp dport 80 accept
    ip saddr 10.0.0.0/8 udp dport 80 accept
    ip daddr 10.0.0.0/8 tcp sport 80 accept
    ip daddr 10.0.0.0/8 udp sport 80 accept
  }
}
""")
STATEFUL = ("firewall.nft", """table inet f {
  chain c { type filter hook forward priority 0; policy drop;
    ct state invalid drop
    ct state established,related accept
    ip saddr 10.0.0.0/8 tcp dport 80 accept
    ip saddr 10.0.0.0/8 udp dport 80 accept
  }
}
""")
NAT = ("nat.yaml", """inside: [10.0.0.0/8]
outside:
  addresses: [192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4]
  ports: 1024-65535
mapping: endpoint_independent
filtering: address_and_port_dependent
limits: {mappings: 131072, subscribers: 16384}
""")
BALANCER = ("balancer.yaml", "services:\n" + "".join(f"""- name: web-{proto}
  address: 198.51.100.80
  protocol: {proto}
  port: 80
  backends:
""" + "".join(f"  - {{name: {proto}{i}, address: 10.200.0.{i}, port: 8080, dev: wan}}\n" for i in range(1, 9)) for proto in ("tcp", "udp")))
CASES = {"stateless": ("firewall", STATELESS, False), "firewall": ("firewall", STATEFUL, True),
         "nat": ("nat", NAT, True), "balancer": ("balancer", BALANCER, True)}


def chain_make(build, folder, name, flows):
    """Compiles a chain of one NF. @return the bundle's path"""
    nf, (file, text), has_flows = CASES[name]
    at = os.path.join(folder, name)
    os.mkdir(at)
    with open(os.path.join(at, file), "w", encoding="utf-8") as stream:
        stream.write(text)
    strict = ", tcp: strict" if name == "firewall" else ""
    with open(os.path.join(at, "chain.yaml"), "w", encoding="utf-8") as stream:
        stream.write(f"chain:\n- nf: {nf}\n  policy: {file}\n" + (FLOWS % (flows + flows // 16, strict) if has_flows else ""))
    subprocess.run([f"{build}/cmd/safelib/safelib", "policy", "chain", f"{at}/chain.yaml", "-o", f"{at}/chain.slp"], check=True,
                   stdout=subprocess.DEVNULL)
    return f"{at}/chain.slp"


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


FLOOD_ROUNDS = 12


def flood(options, folder):
    """The stateful firewall with its flows alone, and with every second packet a SYN that makes a flow, in turns. One number of
    packets takes the processor in both: the ratio says what a packet costs on average without the flood, over with it. The table
    has room for all of the SYNs: the rig waits for every packet to come back, and a full table drops some."""
    options = argparse.Namespace(**{**vars(options), "rounds": FLOOD_ROUNDS})
    folder = os.path.join(folder, "flood")
    os.mkdir(folder)
    chain = chain_make(options.build, folder, "firewall", options.flows + FLOOD_ROUNDS * (WINDOW + 512))
    device = Device(options.build, "emu", "polling", 1, 3500,
                    more=["--chain", chain, "--flows", str(options.flows), "--tcp"])
    device.ask("flows")
    windows = {0: [], 50: []}
    for _ in range(options.rounds):
        for percent, own in windows.items():
            device.ask(f"flood {percent}")
            own.append(device.window(SIZE, WINDOW)[0])
    device.close()
    return [{"flood_percent": percent, "min_ns": min(own), "median_ns": statistics.median(own),
             "of_alone": statistics.median(a / b for a, b in zip(windows[0], own)), "of_alone_min": min(windows[0]) / min(own)}
            for percent, own in windows.items()]


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
        chains = {name: chain_make(options.build, folder, name, options.flows) for name in names}
        for proto in ("udp", "tcp"):
            for row in measure(options, chains, proto, names):
                rows.append(row)
                print("  ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{value}" for key, value in row.items()),
                      flush=True)
        flooded = flood(options, folder) if "firewall" in chains else []
        for row in flooded:
            print(row, flush=True)
    write(options.out, "flow", {"flood": flooded, "rounds": options.rounds, "load": [load_before, os.getloadavg()[0]], "rows": rows})


if __name__ == "__main__":
    main()
