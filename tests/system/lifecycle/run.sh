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
all_up || exit 1
background wan server23.log socat TCP6-LISTEN:23,fork,reuseaddr,ipv6only=0 'SYSTEM:echo hello'
wait_for 60 listens wan 23
traffic_serve 7001

passes_within() { in_ns lan ping -q -c 1 -W "$1" 10.2.0.2; } # SECONDS
passes() { passes_within 1; }
telnet_is() { # ACTION: the rule on line 4
    sed -i "4s/.*/        tcp dport 23 $1/" "$WORK/policy.nft"
    sed -i '6s/.*/        tcp sport { 23, 80, 443, 5201, 7000-7100 } accept/' "$WORK/policy.nft"
}
version() { field policy.version; }
version_is_not() { [ "$(version)" != "$1" ]; }

say "reload under traffic"
check_not "port 23 is refused" telnet
traffic_start 600 RATE=2000
before=$(version)
telnet_is accept
kill -HUP "$GATEWAY_PID"
check "SIGHUP sets the new policy" wait_for 60 version_is_not "$before"
check "port 23 is open now" telnet_within 60
for _ in 1 2 3 4 5; do answer=$(gateway_ask '{"cmd":"reload"}'); done
say "        $answer"
check "reload over the socket tells version and hash" grep -q '"version":.*"sha256":' <<<"$answer"
telnet_is drop
check "closed again" grep -q '"version"' <<<"$(gateway_ask '{"cmd":"reload"}')"
check_not "port 23 is refused again" telnet
traffic_end
check "no datagram was lost meanwhile" traffic_is_whole 1000
sed 's/^/        /' "$WORK/check.log"

say "bad policy"
before=$(version)
telnet_is 'ct mark 7 accept'
answer=$(gateway_ask '{"cmd":"reload"}')
say "        $answer"
check "is refused with a sentence that quotes it" grep -q '"error".*old policy stays.*ct mark' <<<"$answer"
echo 'table inet x {' >"$WORK/half.nft"
cp "$WORK/half.nft" "$WORK/policy.nft"
kill -HUP "$GATEWAY_PID"
check "SIGHUP says so in the log" wait_for 60 grep -q 'old policy stays: policy' "$WORK/gateway.log"
check "the old policy is in force: version" [ "$(version)" = "$before" ]
check "the old policy is in force: what it allows passes" passes_within 60
check_not "the old policy is in force: what it forbids does not" telnet
policy_default
telnet_is drop
check "a good one is taken again" grep -q '"version"' <<<"$(gateway_ask '{"cmd":"reload"}')"

say "rules by name"
telnet
rule=$("$SAFELIB" explain --socket "$WORK/gateway.sock" 'tcp 10.1.0.2:1234 > 10.2.0.2:23' |
    sed -n 's/.*by rule \([0-9]*\).*/\1/p')
rule_shown() { # the image tells its counters twice a second
    "$SAFELIB" status --socket "$WORK/gateway.sock" >"$WORK/status.log"
    grep -qE "rule $rule  policy.nft:4  .*tcp dport 23 drop.*  [0-9]+ packets [0-9.]+ ?[kMG]?B" "$WORK/status.log"
}
check "status shows the rule as explain numbers it, its line and text" wait_for 60 rule_shown
grep -E '^    (rule|default)' "$WORK/status.log" | sed 's/^/    /'

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
    wait_for 60 eval '[ "$(field tunnel.slots.0.counters.drop_source)" = $((before + 5)) ]'

say "gateway restarted, same image"
spi=$(field tunnel.slots.0.sa_out.spi)
key=$(field image.key_sha256)
stop "$GATEWAY_PID"
# A lease that a machine outlives which stands still for three seconds.
GW_EXTRA='tunnel: {lease_seconds: 5, rekey_packets: 1000, rekey_seconds: 10}'
gateway_start
check "state running" wait_for 60 state_is running
check "the image is the same" [ "$(field image.key_sha256)" = "$key" ]
check "keys are new" [ "$(field tunnel.slots.0.sa_out.spi)" != "$spi" ]
check "traffic passes" wait_for 60 passes

say "rekey by packets and by time"
rekeys_are() { [ "$(field session.rekeys)" -ge "$1" ]; }
traffic_start 600 RATE=5000
check "by packets: at least 10 times" wait_for 600 rekeys_are 10
traffic_end
check "no datagram was lost meanwhile" traffic_is_whole 5000
sed 's/^/        /' "$WORK/check.log"
spi=$(field tunnel.slots.1.sa_out.spi)
check "nearly idle, by time" wait_for 60 eval '[ "$(field tunnel.slots.1.sa_out.spi)" != "$spi" ]'
check "nothing was refused" [ "$(field tunnel.slots.0.counters.drop_spi)$(field tunnel.slots.1.counters.drop_spi)" = 00 ]

say "lease"
has_deleted() { [ "$(field image.status.control.leases_over)" -gt "$leases" ]; } # the image, its SAs
wait_for 60 eval '[ "$(field image.status.control.lease_s)" = 5 ]'
leases=$(field image.status.control.leases_over)
control_cut drop
check "control channel dead: SAs live on for the lease" passes_within 4
spi=$(field tunnel.slots.0.sa_out.spi)
check "then they are deleted, and the state says so" wait_for 60 eval 'gateway_reason | grep -q "lease over" || grep -q "lease over" "$WORK/gateway.log"'
check "the gateway holds none" [ "$(field tunnel.slots.0.sa_out)" = None ]
check_not "nothing passes" passes
control_mend
check "it comes back by itself" wait_for 60 state_is running
check "the image had deleted its SAs as well" wait_for 60 has_deleted
check "keys are new" [ "$(field tunnel.slots.0.sa_out.spi)" != "$spi" ]
check "traffic passes" wait_for 60 passes

say "a gateway that slept"
leases=$(field image.status.control.leases_over)
kill -STOP "$GATEWAY_PID"
sleep 9 # the lease, and as long as a machine may stand still
kill -CONT "$GATEWAY_PID"
check "the image had deleted the SAs; they are set anew" \
    wait_for 60 eval 'has_deleted && state_is running'
check "traffic passes" wait_for 60 passes

say "two gateways with the same key"
sed -e 's/gateway.sock/second.sock/' -e 's,/state$,/state2,' -e 's/tun: sl-lan, interface: lan0/tun: sl-lan2/' \
    -e 's/tun: sl-wan, interface: wan0/tun: sl-wan2/' "$WORK/gateway.yaml" >"$WORK/second.yaml"
background gw second.log "$GATEWAY" --config "$WORK/second.yaml"
second=$LAST_PID
check "the later one has the image" wait_for 60 grep -q 'running' "$WORK/second.log"
check "the earlier one stops, and says why" wait_for 60 eval 'state_is stopped && gateway_reason | grep -q "another gateway"'
check_not "nothing passes through it" passes
sleep 1
check_not "they do not fight" grep -q "another gateway" "$WORK/second.log"
stop "$second"
check "when the later one ends, the earlier goes on" wait_for 60 state_is running
check "traffic passes" wait_for 60 passes
finish
