#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What changes while traffic runs: the policy, the keys, the control channel, the gateway itself.
#
#   lan ---- gw ==== cloud: safelib-host [ safelib-nf: firewall ]
#             |
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
GW_EXTRA='tunnel: {lease_seconds: 3}'
all_up || exit 1
background wan server80.log socat TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0 'SYSTEM:echo hello'
background wan server23.log socat TCP6-LISTEN:23,fork,reuseaddr,ipv6only=0 'SYSTEM:echo hello'
background wan iperf.log iperf3 -s
# A receiver that gets too little processor time drops datagrams as well: its kernel counts those.
overflows() { in_ns wan awk '/^Udp: [0-9]/ { print $6 }' /proc/net/snmp; }
bulk() { # SECONDS: a thousand datagrams and more a second, LAN to WAN; how many did not arrive
    local before
    before=$(overflows)
    in_ns lan timeout $(($1 + 10)) iperf3 -u -b 2M -l 200 -c 10.2.0.2 -t "$1" -J >"$WORK/bulk.json" 2>/dev/null
    python3 - "$WORK/bulk.json" $(($(overflows) - before)) <<'PY'
import json, sys
end = json.load(open(sys.argv[1]))["end"]["sum"]
print(max(0, end["lost_packets"] - int(sys.argv[2])), "of", end["packets"], "missing;", sys.argv[2],
      "came and found no room in the receiver")
PY
}

passes() { in_ns lan ping -q -c 1 -W 1 10.2.0.2; }
telnet() { in_ns lan timeout 3 socat -u TCP:10.2.0.2:23,connect-timeout=1 - 2>/dev/null | grep -q hello; }
telnet_is() { # ACTION: the rule on line 4
    sed -i "4s/.*/        tcp dport 23 $1/" "$WORK/policy.nft"
    sed -i '6s/.*/        tcp sport { 23, 80, 443, 5201, 7000-7100 } accept/' "$WORK/policy.nft"
}
version() { field policy.version; }
version_is_not() { [ "$(version)" != "$1" ]; }

say "reload under traffic"
check_not "port 23 is refused" telnet
in_ns lan ping -q -i 0.002 -c 2500 -s 1000 -W 2 10.2.0.2 >"$WORK/ping.log" 2>&1 &
pinger=$!
bulk 5 >"$WORK/bulk.log" &
bulk=$!
before=$(version)
telnet_is accept
kill -HUP "$GATEWAY_PID"
check "SIGHUP sets the new policy" wait_for 5 version_is_not "$before"
check "port 23 is open now" telnet
for _ in 1 2 3 4 5; do answer=$(gateway_ask '{"cmd":"reload"}'); done
say "        $answer"
check "reload over the socket tells version and hash" grep -q '"version":.*"sha256":' <<<"$answer"
telnet_is drop
check "closed again" grep -q '"version"' <<<"$(gateway_ask '{"cmd":"reload"}')"
check_not "port 23 is refused again" telnet
wait "$pinger"
wait "$bulk"
tail -2 "$WORK/ping.log" | head -1 | sed 's/^/        /'
check "no ping was lost meanwhile" grep -q '2500 received' "$WORK/ping.log"
sed 's/^/        /' "$WORK/bulk.log"
check "no datagram was lost either" grep -q '^0 of [0-9][0-9][0-9][0-9]' "$WORK/bulk.log"

say "bad policy"
before=$(version)
telnet_is 'ct mark 7 accept'
answer=$(gateway_ask '{"cmd":"reload"}')
say "        $answer"
check "is refused with a sentence that quotes it" grep -q '"error".*old policy stays.*ct mark' <<<"$answer"
echo 'table inet x {' >"$WORK/half.nft"
cp "$WORK/half.nft" "$WORK/policy.nft"
kill -HUP "$GATEWAY_PID"
check "SIGHUP says so in the log" wait_for 5 grep -q 'old policy stays: policy' "$WORK/gateway.log"
check "the old policy is in force: version" [ "$(version)" = "$before" ]
check "the old policy is in force: what it allows passes" passes
check_not "the old policy is in force: what it forbids does not" telnet
policy_default
telnet_is drop
check "a good one is taken again" grep -q '"version"' <<<"$(gateway_ask '{"cmd":"reload"}')"

say "rules by name"
telnet
sleep 1
"$SAFELIB" status --socket "$WORK/gateway.sock" >"$WORK/status.log"
grep -E '^    (rule|default)' "$WORK/status.log" | sed 's/^/    /'
rule=$("$SAFELIB" explain --socket "$WORK/gateway.sock" 'tcp 10.1.0.2:1234 > 10.2.0.2:23' |
    sed -n 's/.*by rule \([0-9]*\).*/\1/p')
check "status shows the rule as explain numbers it, its line and text" \
    grep -qE "rule $rule  policy.nft:4  .*tcp dport 23 drop.*  [0-9]+ packets [0-9.]+ ?[kMG]?B" "$WORK/status.log"

say "strange source"
port=$(field tunnel.slots.0.outer_port)
before=$(field tunnel.slots.0.counters.drop_source)
in_ns cloud python3 - "$port" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(5):
    s.sendto(b"\x01\x02\x03\x04" + bytes(60), ("192.0.2.1", int(sys.argv[1])))
PY
check "datagrams from another port than the host's are counted and dropped" \
    wait_for 3 eval '[ "$(field tunnel.slots.0.counters.drop_source)" = $((before + 5)) ]'

say "lease"
control_cut() {
    in_ns cloud nft add table inet cut
    in_ns cloud nft add chain inet cut in '{ type filter hook input priority 0; }'
    in_ns cloud nft add rule inet cut in tcp dport 4433 drop
}
spi=$(field tunnel.slots.0.sa_out.spi)
control_cut
check "control channel dead: SAs live on for the lease" passes
check "then they are deleted, and the state says so" wait_for 15 eval 'gateway_reason | grep -q "lease over" || grep -q "lease over" "$WORK/gateway.log"'
check "the gateway holds none" [ "$(field tunnel.slots.0.sa_out)" = None ]
check_not "nothing passes" passes
in_ns cloud nft delete table inet cut
check "it comes back by itself" wait_for 20 state_is running
wait_for 5 eval '[ "$(field image.status.control.lease_s)" = 3 ]'
check "the image had deleted its SAs as well" [ "$(field image.status.control.leases_over)" = 1 ]
check "keys are new" [ "$(field tunnel.slots.0.sa_out.spi)" != "$spi" ]
check "traffic passes" wait_for 5 passes

say "a gateway that slept"
kill -STOP "$GATEWAY_PID"
sleep 4.5
kill -CONT "$GATEWAY_PID"
check "the image had deleted the SAs; they are set anew" \
    wait_for 15 eval '[ "$(field image.status.control.leases_over)" = 2 ] && state_is running'
check "traffic passes" wait_for 10 passes

say "gateway restarted, same image"
spi=$(field tunnel.slots.0.sa_out.spi)
key=$(field image.key_sha256)
stop "$GATEWAY_PID"
GW_EXTRA='tunnel: {rekey_packets: 1000, rekey_seconds: 10}'
gateway_start
check "state running" wait_for 20 state_is running
check "the image is the same" [ "$(field image.key_sha256)" = "$key" ]
check "keys are new" [ "$(field tunnel.slots.0.sa_out.spi)" != "$spi" ]
check "traffic passes" wait_for 10 passes

say "rekey by packets and by time"
spi=$(field tunnel.slots.1.sa_out.spi)
missing=$(bulk 11)
say "        $missing, $(field session.rekeys) rekeys"
check "no datagram was lost" grep -q '^0 of [0-9][0-9][0-9][0-9]' <<<"$missing"
check "LAN to WAN by packets: at least 10 times" [ "$(field session.rekeys)" -ge 10 ]
check "WAN to LAN, nearly idle, by time" [ "$(field tunnel.slots.1.sa_out.spi)" != "$spi" ]
check "nothing was refused" [ "$(field tunnel.slots.0.counters.drop_spi)$(field tunnel.slots.1.counters.drop_spi)" = 00 ]

say "two gateways with the same key"
sed -e 's/gateway.sock/second.sock/' -e 's,/state$,/state2,' -e 's/tun: sl-lan, interface: lan0/tun: sl-lan2/' \
    -e 's/tun: sl-wan, interface: wan0/tun: sl-wan2/' "$WORK/gateway.yaml" >"$WORK/second.yaml"
background gw second.log "$GATEWAY" --config "$WORK/second.yaml"
second=$LAST_PID
check "the later one has the image" wait_for 15 grep -q 'running' "$WORK/second.log"
check "the earlier one stops, and says why" wait_for 10 eval 'state_is stopped && gateway_reason | grep -q "another gateway"'
check_not "nothing passes through it" passes
sleep 1
check "they do not fight" [ "$(grep -c running "$WORK/second.log")" = 1 ]
stop "$second"
check "when the later one ends, the earlier goes on" wait_for 15 state_is running
check "traffic passes" wait_for 10 passes
finish
