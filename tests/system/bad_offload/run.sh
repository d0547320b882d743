#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A path that breaks trains (as some kernels and NICs do): gateway and image find out, stop sending
# and receiving trains by themselves, say so, and traffic recovers.
#
#   lan ---- gw ==== relay (breaks every third datagram of a train) ==== safelib-host [ safelib-nf ]
#             |      192.0.2.3 in cloud                                  192.0.2.2 in cloud
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
RELAY=$BUILD/tests/system/relay
[ -x "$RELAY" ] || skip "the relay was not built"
require_root
key_new
policy_default
net_up || exit 1
in_ns cloud ip addr add 192.0.2.3/24 dev eth0
in_ns cloud ip addr add 192.0.2.4/24 dev eth0
echo good >"$WORK/mode"
background cloud relay.log "$RELAY" 192.0.2.3 4500 192.0.2.4 192.0.2.2 "$WORK/mode"
# the control channel goes by the relay's address as well
background cloud control.log socat TCP4-LISTEN:4433,bind=192.0.2.3,fork,reuseaddr TCP4:192.0.2.2:4433
GW_HOST=192.0.2.3
background cloud host.log "$HOST" --image "$IMAGE" --device "${DEVICE:-emu}" --listen 192.0.2.2:4500 \
    --control 192.0.2.2:4433 --status "$WORK/host.sock" --tenant-key-sha256 "$(key_hash)"
gateway_start
check "running through the relay" wait_for 20 state_is running
wait_for 10 mtu_found
background wan iperf.log iperf3 -s
sleep 0.3
bulk() { # SECONDS [options]: megabits per second
    local seconds=$1
    shift
    in_ns lan timeout $((seconds + 15)) iperf3 -c 10.2.0.2 -t "$seconds" -J "$@" 2>/dev/null | python3 -c '
import json, sys
try:
    print(int(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"] / 1e6))
except (KeyError, ValueError):
    print(0)'
}
off() { [ "$(field tunnel.offload."$1".state)" = off ]; }
for mode in damage lose; do
    echo good >"$WORK/mode"
    healthy=$(bulk 2)
    check "healthy path: $healthy Mbit/s, offload on" [ "$(field tunnel.offload.send.state)" = on ]
    echo "$mode" >"$WORK/mode"
    # traffic in both directions, while the watch makes up its mind
    touch "$WORK/undecided"
    (while [ -e "$WORK/undecided" ]; do bulk 3 && bulk 3 -R; done) >"$WORK/during" &
    driver=$!
    check "$mode: sending trains is given up" wait_for 40 off send
    check "$mode: receiving trains is given up" wait_for 40 off receive
    rm "$WORK/undecided"
    wait "$driver"
    say "        $(field tunnel.offload.send.reason)"
    say "        $(field tunnel.offload.receive.reason)"
    after=$(bulk 3)
    reverse=$(bulk 3 -R)
    say "        $healthy Mbit/s healthy; $after up and $reverse down without trains; during: $(tr '\n' ' ' <"$WORK/during")"
    check "$mode: traffic recovers" [ "$after" -gt 30 ]
    check "$mode: and the other way" [ "$reverse" -gt 30 ]
    check "$mode: status says so in a sentence" eval 'gateway_reason | grep -q "offload is off"'
    stop "$GATEWAY_PID"
    gateway_start
    wait_for 20 state_is running
    wait_for 10 mtu_found
done
finish
