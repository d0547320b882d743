#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same small bounce in every variant of the tunnel, the device and the scheduling that the
# manual offers, and on the wire what the variant promises.
#
#   lan ---- gw ==== ESP, in every variant ==== cloud: safelib-host [ safelib-nf: firewall ]
#             |
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
require_root
key_new
policy_default
net_up || exit 1
background wan server80.log socat TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0 'SYSTEM:echo hello'
HOST_PID=
GATEWAY_PID=

# VARIANT GATEWAY-YAML [host options]: new host where its options differ, new gateway always
variant() {
    local name=$1
    GW_EXTRA=$2
    shift 2
    say "$name"
    [ -n "$GATEWAY_PID" ] && stop "$GATEWAY_PID"
    if [ -z "$HOST_PID" ] || [ "$OUTER_VERSION $*" != "$HOST_OPTIONS" ]; then
        [ -n "$HOST_PID" ] && stop "$HOST_PID"
        HOST_OPTIONS="$OUTER_VERSION $*"
        host_start "$@"
    fi
    gateway_start
    if ! wait_for 60 state_is running || ! wait_for 60 mtu_found; then
        fail "$name: $(gateway_state): $(gateway_reason); path: $(field tunnel.mtu.state)"
        tail -n 3 "$WORK/gateway.log" "$WORK/host.log" | sed 's/^/        /'
        return 1
    fi
    check "ping" in_ns lan ping -q -c 5 -i 0.02 -W 30 10.2.0.2
    # IPv6 hosts fragment, once they have learned the path's MTU (RFC 8201): the first ones may be refused
    check "ping IPv6, 4000 bytes" wait_for 60 in_ns lan ping -q -6 -c 3 -i 0.02 -W 5 -s 4000 fd02::2
    check "TCP IPv6" bash -c "ip netns exec $P-lan timeout 30 socat -u TCP6:[fd02::2]:80 - | grep -q hello"
    iperf_serve
    check "iperf3" in_ns lan timeout 60 iperf3 -c 10.2.0.2 -t 1 -P "${STREAMS:-1}" -J --logfile "$WORK/up.json"
    say "        $(python3 -c 'import json, sys
end = json.load(open(sys.argv[1]))["end"]
print("%.0f Mbit/s" % (end["sum_received"]["bits_per_second"] / 1e6))' "$WORK/up.json" 2>/dev/null)"
    rm -f "$WORK/up.json"
    check "nothing was refused" [ "$(refusals)" = none ]
}
refusals() { # what no variant may count: forged, replayed, unknown SPI, strange source
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
slots = json.load(sys.stdin)["tunnel"]["slots"]
sums = {name: sum(slot["counters"][name] for slot in slots)
        for name in ("drop_auth", "drop_replay", "drop_spi", "drop_source", "drop_inner")}
print(" ".join("%s: %d" % pair for pair in sums.items() if pair[1]) or "none")'
}
wire() { # FILTER TEXT PATTERN: LAN and WAN talk until the underlay has carried ten such packets
    background gw wire.log tcpdump --immediate-mode -l -n -v -i up0 "$1"
    local dump=$LAST_PID
    wait_for 60 grep -q listening "$WORK/wire.log"
    check "the wire carries $2" wait_for 60 talk "$3"
    stop "$dump"
}
talk() { # PATTERN
    in_ns lan ping -q -c 10 -i 0.02 -W 5 -Q 0xb8 10.2.0.2 >/dev/null
    in_ns lan ping -q -6 -c 10 -i 0.02 -W 5 -Q 0xb8 fd02::2 >/dev/null
    [ "$(grep -c -- "$1" "$WORK/wire.log")" -ge 10 ]
}
wire_has() { grep -q -- "$1" "$WORK/wire.log"; }
outer_ports() { # of the gateway's sockets: how many, and how many different
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
ports = [slot["outer_port"] for slot in json.load(sys.stdin)["tunnel"]["slots"]]
print(len(ports), len(set(ports)))'
}
ports_seen() { # source ports on the wire, gateway to host
    sed -n 's/.* 192\.0\.2\.1\.\([0-9]*\) > 192\.0\.2\.2\.4500: .*/\1/p' "$WORK/wire.log" | sort -u | wc -l
}
shards_used() { # PORT: shards that carried traffic both ways, LAN to WAN or back
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
slots = json.load(sys.stdin)["tunnel"]["slots"]
print(sum(1 for s in slots if s["port"] == sys.argv[1] and s["counters"]["sealed"] > 20 and s["counters"]["opened"] > 0))' "$1"
}
shards() { # COUNT [more YAML]
    STREAMS=16 variant "$1 shards, $1 queues" "shards: $1
queues: $1" --shards "$1" || return
    check "each of the $((2 * $1)) SA pairs has its own outer source port" \
        [ "$(outer_ports)" = "$((2 * $1)) $((2 * $1))" ]
    background gw wire.log tcpdump --immediate-mode -l -n -i up0 udp
    local dump=$LAST_PID
    wait_for 60 grep -q listening "$WORK/wire.log"
    check "flows spread over all shards and their ports" wait_for 120 spread "$1"
    stop "$dump"
    check "the image shows its shards" wait_for 60 image_shows "$1"
}
spread() { # SHARDS: more flows; true when all shards have had some, from both sides, and each pair's port was on the wire
    iperf_serve
    in_ns lan timeout 60 iperf3 -c 10.2.0.2 -n 256K -P 16 >/dev/null 2>&1
    [ "$(shards_used lan)" = "$1" ] && [ "$(shards_used wan)" = "$1" ] && [ "$(ports_seen)" = "$((2 * $1))" ]
}
image_shows() { [ "$(field image.status.shards | grep -o "'lan'" | wc -l)" = "$1" ]; }

bare_is_refused() { # no evidence, no keys: what runs without a TEE is for tools that host it themselves
    say "device bare"
    stop "$GATEWAY_PID"
    stop "$HOST_PID"
    GW_EXTRA=
    host_start --device bare
    gateway_start
    check "device bare is refused: it has no evidence" wait_for 60 refused_for 'gives no evidence'
    check "and got nothing" [ "$(field session.provisions)" = 0 ]
    stop "$HOST_PID"
    HOST_PID=
}
refused_for() { state_is stopped && gateway_reason | grep -q -- "attestation: .*$1"; }

variant "defaults" ""
wire udp "UDP 4500" '192.0.2.2.4500'
check "DSCP is copied to the outer header" wire_has 'tos 0xb8'
variant "aes-256-gcm" "tunnel: {suite: 2}"
variant "chacha20-poly1305" "tunnel: {suite: chacha20-poly1305}"
variant "no ESN, replay window 64" "tunnel: {esn: false, replay_window: 64}"
variant "replay window 4096, fixed MTU 1300" "tunnel: {replay_window: 4096, mtu: 1300}"
check "the MTU is what was fixed" [ "$(field tunnel.mtu.inner)" = 1300 ]
check "1300 bytes with DF pass" in_ns lan ping -q -c 2 -i 0.02 -W 30 -M "do" -s 1272 10.2.0.2
check_not "1301 bytes with DF do not" in_ns lan ping -q -c 1 -W 1 -M "do" -s 1273 10.2.0.2
variant "copy_dscp off, two queues" "queues: 2
tunnel: {copy_dscp: false}"
wire udp "UDP 4500" '192.0.2.2.4500'
check "the outer header tells nothing of DSCP" eval '! wire_has "tos 0xb8"'
variant "no offload" "tunnel: {offload: false}"
check "no trains are sent" [ "$(field tunnel.slots.0.udp.gso_trains)" = 0 ]

shards 2
shards 4

bare_is_refused
variant "device emu, speed trap" "" --speed trap
variant "polling" "" --scheduling polling
variant "polling, two shards" "shards: 2" --scheduling polling --shards 2

variant "native framing" "tunnel: {framing: native}" --framing native
wire 'ip proto 50 or udp' "IP protocol 50" 'ESP (50)'
check "and no UDP" eval '! wire_has UDP'

OUTER_VERSION=6
variant "outer IPv6" ""
wire udp "UDP 4500 over IPv6" 'fd92::2.4500'
variant "native framing, outer IPv6" "tunnel: {framing: native}" --framing native
wire 'ip6 proto 50 or udp' "IP protocol 50 over IPv6" 'next-header ESP (50)'
stop "$GATEWAY_PID"
finish
