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
here=$(cd "$(dirname "$0")" && pwd)
HOST_ARGS='--shards 4'
GW_EXTRA=$'shards: 4\ntunnel: {rekey_bytes: 65536, lease_seconds: 30}'
all_up || exit 1
background wan server.log python3 "$here/window.py" serve 10.2.0.2 7001
wait_for 5 in_ns wan sh -c 'ss -uln | grep -q 7001'

traffic() { # SECONDS [GIVE_UP]: into $WORK/traffic.json
    in_ns lan env GIVE_UP="${2:-4}" python3 "$here/window.py" send 10.2.0.2 7001 "$1" "$WORK/enough" >"$WORK/traffic.json"
}
result() { # EXPRESSION over r
    python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$WORK/traffic.json" "$1"
}
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

say "a thousand rekeys under load"
before=$(field session.rekeys)
load_start
start=$SECONDS
traffic 38 &
pid=$!
wait_for 38 eval '[ $(($(field session.rekeys) - before)) -ge 1000 ]'
seconds=$((SECONDS - start))
touch "$WORK/enough"
wait "$pid"
rm "$WORK/enough"
load_stop
count=$(($(field session.rekeys) - before))
say "        $count rekeys, the first 1000 in $seconds s; $(result 'r["sent"]') datagrams each way, $(result 'r["lost"]') lost"
check "at least 1000 rekeys" [ "$count" -ge 1000 ]
check "no datagram was lost" [ "$(result 'r["lost"]')" = 0 ]
check "many were sent" [ "$(result 'r["sent"]')" -gt 10000 ]

say "the control connection is cut in the middle of rekeys"
resumes=$(field session.resumes)
rekeys=$(field session.rekeys)
traffic 8 &
pid=$!
for _ in 1 2 3 4 5 6; do
    sleep 0.7
    in_ns cloud nft add table inet cut
    in_ns cloud nft add chain inet cut in '{ type filter hook input priority 0; }'
    in_ns cloud nft add rule inet cut in tcp dport 4433 reject with tcp reset
    sleep 0.3
    in_ns cloud nft delete table inet cut
done
wait "$pid"
say "        $(result 'r["sent"]') datagrams, $(result 'r["lost"]') lost; $(($(field session.resumes) - resumes)) connections resumed, $(($(field session.rekeys) - rekeys)) rekeys"
check "the channel was resumed, more than once" [ $(($(field session.resumes) - resumes)) -ge 2 ]
check "no datagram was lost" [ "$(result 'r["lost"]')" = 0 ]
check "state running" wait_for 10 state_is running

say "the link goes down in the middle of rekeys"
down=() up=()
traffic 17 1 &
pid=$!
for length in 0.2 0.5 6.5; do # the last one outlives the channel's patience
    sleep 1.5
    down+=("$(date +%s.%N)")
    in_ns gw ip link set up0 down
    sleep $length
    in_ns gw ip link set up0 up
    up+=("$(date +%s.%N)")
done
wait "$pid"
cat >"$WORK/outside.py" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
spans = [(float(a) - 0.5, float(b) + 1.2) for a, b in zip(sys.argv[2].split(), sys.argv[3].split())]
print(sum(1 for t in r["when"] if not any(a <= t <= b for a, b in spans)), r["lost"], r["sent"])
PY
read -r outside lost sent < <(python3 "$WORK/outside.py" "$WORK/traffic.json" "${down[*]}" "${up[*]}")
say "        $sent datagrams; $lost lost, $outside of them outside of the outages"
check "nothing is lost but what was sent into a dead link" [ "$outside" = 0 ]
check "state running" wait_for 10 state_is running
check "traffic passes" in_ns lan ping -q -c 3 -i 0.2 -W 2 10.2.0.2
check "nothing was refused for its SPI" [ "$(field tunnel.slots.0.counters.drop_spi)$(field tunnel.slots.1.counters.drop_spi)" = 00 ]
finish
