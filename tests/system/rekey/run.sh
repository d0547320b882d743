#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A thousand rekeys under load lose nothing; nor does a control connection or a link that breaks in the middle of one.
#
#   lan ---- gw ==== cloud: safelib-host [ safelib-nf, 4 shards ]
#             |
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
HOST_ARGS='--shards 4'
GW_EXTRA=$'shards: 4\ntunnel: {rekey_bytes: 65536, lease_seconds: 60}'
all_up || exit 1
traffic_serve 7001

busy=()
load_start() {
    for _ in 1 2; do
        bash -c 'while :; do :; done' &
        busy+=($!)
        PIDS+=($!)
        disown $!
    done
}
load_stop() {
    for pid in ${busy[@]+"${busy[@]}"}; do kill -KILL "$pid"; done
    busy=()
}
rekeys_are() { [ "$(field session.rekeys)" -ge "$1" ]; }
resumes_are() { [ "$(field session.resumes)" -ge "$1" ]; }

say "a thousand rekeys under load"
before=$(field session.rekeys)
load_start
start=$SECONDS
traffic_start 600
wait_for 600 rekeys_are $((before + 1000))
seconds=$((SECONDS - start))
traffic_end
load_stop
count=$(($(field session.rekeys) - before))
say "        $count rekeys, the first 1000 in $seconds s; $(traffic sent) datagrams each way, $(traffic lost) lost"
check "at least 1000 rekeys" [ "$count" -ge 1000 ]
check "no datagram was lost, of many" traffic_is_whole 10000

say "the control connection is cut in the middle of rekeys"
resumes=$(field session.resumes)
rekeys=$(field session.rekeys)
traffic_start 600 RATE=4000
for round in 1 2 3 4; do
    wait_for 60 rekeys_are $(($(field session.rekeys) + 10))
    control_cut reject with tcp reset
    wait_for 60 eval '! state_is running'
    control_mend
    wait_for 60 resumes_are $((resumes + round))
done
traffic_end
say "        $(traffic sent) datagrams, $(traffic lost) lost; $(($(field session.resumes) - resumes)) connections resumed, $(($(field session.rekeys) - rekeys)) rekeys"
check "the channel was resumed each time" resumes_are $((resumes + 4))
check "no datagram was lost, of many" traffic_is_whole 1000
check "state running" wait_for 60 state_is running

say "the link goes down in the middle of rekeys"
down=() up=()
traffic_start 600 RATE=4000 GIVE_UP=1 PATIENCE=300 TRACE="$WORK/trace"
for length in 0.2 0.5 6.5; do # the last one outlives the channel's patience
    wait_for 60 rekeys_are $(($(field session.rekeys) + 10))
    down+=("$(date +%s.%N)")
    in_ns gw ip link set up0 down
    sleep $length
    in_ns gw ip link set up0 up
    up+=("$(date +%s.%N)")
done
wait_for 60 rekeys_are $(($(field session.rekeys) + 10))
traffic_end
check "nothing is lost but what was sent into a dead link" python3 "$SOURCE/tests/system/rekey/outside.py" "$WORK/trace" "${down[*]}" "${up[*]}"
sed 's/^/        /' "$WORK/check.log"
check "state running" wait_for 60 state_is running
check "traffic passes" in_ns lan ping -q -c 3 -i 0.2 -W 30 10.2.0.2
check "nothing was refused for its SPI" [ "$(field tunnel.slots.0.counters.drop_spi)$(field tunnel.slots.1.counters.drop_spi)" = 00 ]
finish
