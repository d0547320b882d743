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
background cloud relay.log "$RELAY" 192.0.2.3 4500 192.0.2.4 192.0.2.2 "$WORK/mode" "$WORK/trains"
# the control channel goes by the relay's address as well
background cloud control.log socat TCP4-LISTEN:4433,bind=192.0.2.3,fork,reuseaddr TCP4:192.0.2.2:4433
GW_HOST=192.0.2.3
background cloud host.log "$HOST" --image "$IMAGE" --device "${DEVICE:-emu}" --listen 192.0.2.2:4500 \
    --control 192.0.2.2:4433 --status "$WORK/host.sock" --tenant-key-sha256 "$(key_hash)"
gateway_start
check "running through the relay" wait_for 60 state_is running
wait_for 60 mtu_found
background wan driver.log iperf3 -s -p 7002
wait_for 60 listens wan 7002
bulk() { # [options]: eight megabytes, however long they take; megabits per second
    iperf_serve
    in_ns lan timeout 240 iperf3 -c 10.2.0.2 -n 8M -J "$@" 2>/dev/null | python3 -c '
import json, sys
try:
    print(int(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"] / 1e6))
except (KeyError, ValueError):
    print(0)'
}
trains() { od -An -tu8 -j "$1" -N 8 "$WORK/trains"; } # 0: that the gateway sent; 8: that it should have received
# One direction, while the watch makes up its mind; then nothing is broken any more, as no train is sent.
find_out() { # MODE send|receive OFFSET [options]
    local mode=$1 side=$2 off=$3 driver before rate
    shift 3
    touch "$WORK/undecided"
    while [ -e "$WORK/undecided" ]; do
        in_ns lan timeout 30 iperf3 -c 10.2.0.2 -p 7002 -t 3 "$@"
        sleep 0.1
    done >/dev/null 2>&1 &
    driver=$!
    check "$mode: trains are given up: $side" wait_for 240 off "$side"
    rm "$WORK/undecided"
    wait "$driver"
    say "        $(field tunnel.offload."$side".reason)"
    flows_on() { # the image may not have been told yet
        before=$(trains "$off")
        rate=$(bulk "$@")
        [ "$rate" -gt 0 ] && [ "$(trains "$off")" = "$before" ]
    }
    check "$mode: traffic recovers, without one train: $side" wait_for 60 flows_on "$@"
    say "        $rate Mbit/s"
}
off() { [ "$(field tunnel.offload."$1".state)" = off ]; }
is_on() { [ "$(field tunnel.offload.send.state)" = on ]; }
for mode in damage lose; do
    echo good >"$WORK/mode"
    before=$(trains 0)
    healthy=$(bulk)
    check "healthy path: $healthy Mbit/s in trains, offload on" eval '[ "$(trains 0)" -gt "$before" ] && wait_for 60 is_on'
    echo "$mode" >"$WORK/mode"
    find_out "$mode" send 0
    find_out "$mode" receive 8 -R
    check "$mode: status says so in a sentence" wait_for 60 eval 'gateway_reason | grep -q "offload is off"'
    stop "$GATEWAY_PID"
    gateway_start
    wait_for 60 state_is running
    wait_for 60 mtu_found
done
finish
