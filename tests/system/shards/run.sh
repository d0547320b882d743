#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two shards: the gateway sends packets to the shard that keeps their flow, by the image's own steering; where it steers otherwise flows
# stay whole and a resting shard is woken; and 100,000 flows of two polling shards survive a restart.
#
#   lan ---- gw ==== cloud: safelib-host --shards 2 [ safelib-nf: stateful firewall -> nat 198.51.100.1 ]
#             |
#            wan: echo by UDP
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
require_root
state=$WORK/image.state
HOST_ARGS="--state $state --shards 2"
shards='shards: 2'
GW_EXTRA="$shards
tunnel: {lease_seconds: 2}"
FLOWS=400
MANY=100000

key_new
net_up || exit 1
cat >"$WORK/firewall.nft" <<'RULES'
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        ct state invalid drop
        iifname "lan" ct state new accept
    }
}
RULES
cat >"$WORK/nat.yaml" <<'YAML'
inside: [10.1.0.0/16]
outside: {addresses: [198.51.100.1]}
mapping: endpoint_independent
filtering: address_and_port_dependent
YAML
chain() { # NF...: with room for all flows on each shard, for as long as the test takes
    {
        echo 'chain:'
        for nf in "$@"; do
            case $nf in
            firewall) echo '- {nf: firewall, policy: firewall.nft, flows: {max: 120000, timeouts: {udp: 3600, udp_stream: 3600}}}' ;;
            nat) echo '- {nf: nat, policy: nat.yaml, flows: {max: 10000}}' ;;
            esac
        done
    } >"$WORK/chain.yaml"
    "$SAFELIB" policy chain "$WORK/chain.yaml" -o "$WORK/policy.nft"
}
gateway_up() {
    gateway_start
    wait_for 60 state_is running || {
        tail -n 8 "$WORK/gateway.log" "$WORK/host.log"
        exit 1
    }
    wait_for 60 mtu_found
}
# Sums over the image's shards and ports, and its chain: TEXT is a Python expression over s(counter) and c(nf, counter)
image() {
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
status = json.load(sys.stdin)["image"]["status"]
s = lambda name: sum(shard[port][name] for shard in status["shards"] for port in ("lan", "wan"))
w = lambda name: sum(shard[name] for shard in status["shards"])
c = lambda nf, name: sum(entry["counters"].get("flow table: " + name, 0) for entry in status["chain"] if entry["nf"] == nf)
print(eval(sys.argv[1]))' "$1" 2>/dev/null
}
is_image() { [ "$(image "$1")" = True ]; }
told() { wait_for 60 is_image "$1"; } # the gateway asks for the counters twice a second
background wan echo.log python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.2.0.2", 7000))
while True:
    data, peer = s.recvfrom(4096)
    s.sendto(data, peer)'
# LAN hosts, as NAT deals out shards by their addresses
for last in $(seq 10 41); do addr lan eth0 "10.1.0.$last/24"; done
echoes() { # each of FLOWS flows is answered twice; nothing is sent again but what was lost, where sockets overflow
    in_ns lan python3 -c '
import select, socket, sys
flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(int(sys.argv[1]))]
for i, flow in enumerate(flows):
    flow.bind(("10.1.0.%d" % (10 + i % 32), 20000 + i))
for turn in range(2):
    waiting = {flow: b"%d %d" % (i, turn) for i, flow in enumerate(flows)}
    for attempt in range(60):
        for flow, text in list(waiting.items()):
            flow.sendto(text, ("10.2.0.2", 7000))
        while waiting:
            ready = select.select(list(waiting), [], [], 0.5)[0]
            if not ready: break
            for flow in ready:
                if flow.recv(100) == waiting[flow]: del waiting[flow]
        if not waiting: break
    if waiting: sys.exit("turn %d: %d flows have no answer" % (turn, len(waiting)))' "$FLOWS"
}

say "two shards, firewall and NAT, steered by the image's key"
check "the chain compiles" chain firewall nat
host_start
gateway_up
check "the gateway steers as the image does" [ "$(field steering.by)" = image ]
check "$FLOWS flows, each answered twice" echoes
check "each is one flow, in one shard" told "c('firewall', 'created') == $FLOWS and s('passed') >= 4 * $FLOWS"
check "both shards work" is_image "min(shard['lan']['passed'] for shard in status['shards']) > 0"
check "nothing came to the wrong shard" is_image "s('handed') == 0"
say "        received $(image "s('received')"), handed over $(image "s('handed')")"
check "another chain" chain firewall
check "is loaded" eval "gateway_ask '{\"cmd\":\"reload\"}' | grep -q version"
check "$FLOWS flows, each answered twice" echoes
check "still nothing came to the wrong shard" told "s('passed') >= 8 * $FLOWS and s('handed') == 0"
check "fragments pass" in_ns lan ping -q -c 3 -i 0.2 -s 4000 10.2.0.2

say "a gateway that steers otherwise"
stop "$GATEWAY_PID"
GW_EXTRA="$shards
tunnel: {lease_seconds: 2, steering: plain}"
check "firewall and NAT again" chain firewall nat
gateway_up
check "it says so" [ "$(field steering.by)" = plain ]
created=$(image "c('firewall', 'created')")
handed=$(image "s('handed')")
check "every flow is answered" echoes
check "no flow became two" told "s('handed') > ${handed:-0} + $FLOWS and c('firewall', 'created') <= ${created:-0} + $FLOWS"
check "nothing was lost inside" is_image "s('drop_handover') == 0 and s('handed') == s('taken')"
say "        received $(image "s('received')"), handed over $(image "s('handed')")"
# one at a time: whoever gets it handed over is asleep
in_ns lan python3 -c '
import socket, time
took = []
for i in range(60):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(30)
    s.bind(("10.1.0.%d" % (10 + i % 32), 30000 + i))
    time.sleep(0.03)
    begin = time.monotonic()
    s.sendto(b"x", ("10.2.0.2", 7000))
    s.recv(10)
    took.append(1e3 * (time.monotonic() - begin))
took.sort()
print("round trip of single packets, half of them handed to a shard that rests: median %.2f ms, 90 %% %.2f ms" % (took[30], took[54]))' \
    >"$WORK/single" 2>&1
check "single packets come back" grep -q 'round trip' "$WORK/single"
say "        $(cat "$WORK/single")"
check "resting shards were woken for them" told "w('wakes') > 5"
stop "$GATEWAY_PID"
stop "$HOST_PID" KILL

say "$MANY flows of two polling shards"
GW_EXTRA="$shards
tunnel: {lease_seconds: 2}"
rm -f "$state" "$state.flows"
check "a chain of the firewall alone" chain firewall
host_start --scheduling polling
gateway_up
in_ns wan nft add table ip quiet
in_ns wan nft add chain ip quiet in '{ type filter hook input priority 0; }'
in_ns wan nft add rule ip quiet in ip protocol udp drop # no answers, no ICMP
# goes round until the image has them all: some may be lost on the way
background lan many.log python3 -c '
import socket, time
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
while True:
    for i in range(51000):
        for one in s: one.sendto(b"x", ("10.2.0.2", 1 + i))
        if i % 25 == 0: time.sleep(0.0005)'
MANY_PID=$LAST_PID
snapshot() { "$SAFELIB" snapshot --socket "$WORK/gateway.sock" "$@"; }
restart() { # [options]
    stop "$HOST_PID" KILL
    wait_for 60 eval '! state_is running'
    host_start --scheduling polling "$@"
    wait_for 60 state_is running
}
check "the image has them" wait_for 120 is_image "c('firewall', 'flows') >= $MANY"
stop "$MANY_PID" KILL
check "all went to their shards" is_image "s('handed') == 0"
check "a snapshot of both shards" eval "snapshot >'$WORK/saved' 2>&1 && grep -q '^saved: ' '$WORK/saved'"
say "        $(cat "$WORK/saved")"
check "the image is started again" restart
check "and has them back" [ "$(field image.snapshot.state)" = restored ]
check "all of them" [ "$(field image.snapshot.flows)" -ge "$MANY" ]
in_ns wan nft delete table ip quiet
created=$(image "c('firewall', 'created')")
check "traffic is steered as the flows were" echoes
check "nothing is handed over" told "c('firewall', 'created') >= ${created:-0} + $FLOWS and s('handed') == 0"

say "into another number of shards"
check "a snapshot" eval "snapshot >'$WORK/saved' 2>&1 && grep -q '^saved: ' '$WORK/saved'"
stop "$HOST_PID" KILL
wait_for 60 eval '! state_is running'
host_start --shards 3
check "a gateway of two has nothing to do with an image of three" wait_for 60 eval "gateway_reason | grep -q 'the image has 3'"
stop "$GATEWAY_PID"
GW_EXTRA='shards: 3'
gateway_up
check "with three, the snapshot is refused" [ "$(field image.snapshot.code)" = MISMATCH ]
check "in words" eval "field image.snapshot.reason | grep -q 'another number of shards'"
check "traffic passes, flows begin anew" echoes
finish
