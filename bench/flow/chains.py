# SPDX-License-Identifier: Apache-2.0
"""Chains of one NF for the traffic of bench/bounce/flows.c: clients 10.0.0.0/8, server 198.51.100.80:80."""
import os
import subprocess

SIZE, WINDOW = 64, 32768  # inner bytes, packets a window
FLOWS = """  flows: {max: %d, max6: 0%s, timeouts: {udp: 3600, udp_stream: 3600}}
"""
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


def chain_make(build, folder, name, room):
    """Compiles a chain of one NF with room for that many flows. @return the bundle's path"""
    nf, (file, text), has_flows = CASES[name]
    at = os.path.join(folder, name)
    os.makedirs(at)
    with open(os.path.join(at, file), "w", encoding="utf-8") as stream:
        stream.write(text)
    strict = ", tcp: strict" if name == "firewall" else ""
    with open(os.path.join(at, "chain.yaml"), "w", encoding="utf-8") as stream:
        stream.write(f"chain:\n- nf: {nf}\n  policy: {file}\n" + (FLOWS % (room, strict) if has_flows else ""))
    subprocess.run([f"{build}/cmd/safelib/safelib", "policy", "chain", f"{at}/chain.yaml", "-o", f"{at}/chain.slp"], check=True,
                   stdout=subprocess.DEVNULL)
    return f"{at}/chain.slp"
