#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One NF of a chain gets another policy while traffic runs: no packet is lost, datagrams in fragments neither, and what the others know stays.
#
#   lan ---- gw ==== cloud: safelib-host [ safelib-nf: firewall -> nat44 198.51.100.1 -> balancer 203.0.113.53 -> flow_monitor ]
#             |
#            wan (10.2.0.2, 10.2.0.3: backends)
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
here=$(cd "$(dirname "$0")" && pwd)
require_root
key_new
net_up || exit 1

firewall_with() { # RULE: of port 23
    cat >"$WORK/firewall.nft" <<RULES
table inet filter {
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        tcp dport 23 $1
        iifname "lan" accept
    }
}
RULES
}
chain_make() { "$SAFELIB" policy chain "$WORK/chain.yaml" -o "$WORK/policy.nft"; }
cat >"$WORK/nat.yaml" <<'YAML'
inside: [10.1.0.0/16]
outside: {addresses: [198.51.100.1]}
mapping: endpoint_independent
filtering: address_and_port_dependent
YAML
cat >"$WORK/balancer.yaml" <<'YAML'
services:
- name: echo
  address: 203.0.113.53
  protocol: udp
  port: 7001
  backends:
  - {name: one, address: 10.2.0.2, port: 7002}
  - {name: two, address: 10.2.0.3, port: 7002}
YAML
echo 'collector 10.1.0.2 from 10.1.0.1 dev lan' >"$WORK/monitor.conf"
cat >"$WORK/chain.yaml" <<'YAML'
chain:
- {nf: firewall, policy: firewall.nft, flows: {max: 10000, tcp: strict}}
- {nf: nat, policy: nat.yaml, flows: {max: 10000}}
- {nf: balancer, policy: balancer.yaml, flows: {max: 10000}}
- {nf: flow_monitor, policy: monitor.conf, flows: {max: 10000}}
YAML
firewall_with drop
check "the chain compiles" chain_make
addr wan eth0 10.2.0.3/24
host_start
gateway_start
wait_for 60 state_is running || {
    tail -n 8 "$WORK/gateway.log" "$WORK/host.log"
    exit 1
}
wait_for 60 mtu_found
background wan server23.log socat TCP4-LISTEN:23,fork,reuseaddr 'SYSTEM:echo hello'
traffic_serve 7003
# Tells its peer's address and port at first, then answers every line.
background wan echo.log socat TCP4-LISTEN:7000,fork,reuseaddr 'SYSTEM:echo $SOCAT_PEERADDR $SOCAT_PEERPORT; cat'
background wan backends.log python3 "$here/datagrams.py" serve 7002 10.2.0.2 10.2.0.3
wait_for 60 listens wan 23
wait_for 60 listens wan 7000
wait_for 60 eval '[ "$(in_ns wan ss -Hlnu "sport = :7002" | wc -l)" -eq 2 ]'
datagrams() { in_ns lan timeout 240 python3 "$here/datagrams.py" send 7001 203.0.113.53 "$@"; } # COUNT [SECONDS]
all_came() { datagrams 32 | grep -qx '32 of 32'; }
from_both() { [ "$(cut -d' ' -f1 "$WORK/backends.log" | sort -u | wc -l)" -eq 2 ] || { all_came && false; }; } # else with other ports
version() { field image.status.policy.version; }
version_is_not() { [ "$(version)" != "$1" ]; }
counter() { # NF COUNTER
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
chain = json.load(sys.stdin)["image"]["status"]["chain"]
print(next(nf for nf in chain if nf["nf"] == sys.argv[1])["counters"][sys.argv[2]])' "$1" "$2"
}
has_created() { [ "$(counter "$1" "flow table: created")" -ge "$2" ]; } # NF COUNT
update() { # the next version, in force
    local before
    before=$(version)
    chain_make >/dev/null && gateway_ask '{"cmd":"reload"}' | grep -q '"version"' && wait_for 60 version_is_not "$before"
}

say "a connection is opened through firewall and NAT"
mkfifo "$WORK/lines"
in_ns lan socat - TCP:10.2.0.2:7000,sourceport=5555 <"$WORK/lines" >"$WORK/answers" 2>/dev/null &
client=$!
exec 9>"$WORK/lines"
wait_for 60 grep -q . "$WORK/answers"
sed 's/^/        the server sees /' "$WORK/answers"
check "the server sees the NAT's address" grep -q '^198.51.100.1 ' "$WORK/answers"
check_not "port 23 is refused" telnet

say "datagrams in up to seven fragments, both ways, through firewall, NAT, balancer and monitor"
check "each comes back as it was" all_came
sort "$WORK/backends.log" | uniq -c | sed 's/^ */        peers of /'
check "from both backends" wait_for 60 from_both
check_not "which see the NAT's address only" grep -vq ' 198.51.100.1$' "$WORK/backends.log"
for nf in firewall nat44 balancer flow_monitor; do
    check "their flows are in the table of $nf" wait_for 60 has_created "$nf" 16
done

say "the firewall's policy changes five times under traffic"
created=$(counter nat44 "flow table: created")
iperf_serve
traffic_start 600 RATE=1000 FLOWS=4
in_ns lan timeout 240 iperf3 -c 10.2.0.2 -n 20M -b 40M -J >"$WORK/bulk.json" 2>/dev/null &
bulk=$!
datagrams 100 5 >"$WORK/datagrams" &
fragments=$!
wait_for 60 has_created nat44 $((created + 4 + 2 + 16)) # theirs, in this order
created=$(counter nat44 "flow table: created")
for rule in accept drop accept drop accept; do
    firewall_with "$rule"
    update || fail "update to $rule"
    echo "line after $rule" >&9
done
check "port 23 is open now" telnet_within 60
traffic_end
wait "$bulk"
wait "$fragments"
check "no datagram was lost" traffic_is_whole 1000
sed 's/^/        /' "$WORK/check.log"
check "no datagram in fragments was lost" grep -qx '100 of 100' "$WORK/datagrams"
check "the bulk transfer went on to its end" python3 -c '
import json, sys
end = json.load(open(sys.argv[1]))["end"]
print("       ", end["sum_received"]["bytes"], "bytes,", end["sum_sent"]["retransmits"], "segments sent again")
sys.exit(end["sum_received"]["bytes"] < 10e6)' "$WORK/bulk.json"
wait_for 60 grep -q 'line after accept' "$WORK/answers"
check "the connection from before answers still" [ "$(grep -c '^line after' "$WORK/answers")" -eq 5 ]
# that is the connection to port 23
check "the NAT made no flow but for what was new" [ "$(counter nat44 "flow table: created")" -le $((created + 1)) ]

say "the NAT's policy changes, the firewall's connections stay"
echo 'exhausted: answer' >>"$WORK/nat.yaml"
check "update" update
echo "line after nat" >&9
check "the connection answers" wait_for 60 grep -q 'line after nat' "$WORK/answers"
check "so do datagrams in fragments" all_came

say "a chain with a fault is refused as a whole"
echo 'colour: red' >>"$WORK/nat.yaml"
check_not "it does not compile" chain_make
echo "line at last" >&9
check "the old one is in force" wait_for 60 grep -q 'line at last' "$WORK/answers"
exec 9>&-
wait "$client"
finish
