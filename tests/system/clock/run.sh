#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A host that bends the image's clock: noticed, told, and by policy the end.
#
#   lan ---- gw ==== cloud: safelib-host with bent clocks [ safelib-nf ]
#             |
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
require_root
[ -f "$BUILD/tests/system/life/bent_clock.so" ] || skip "bent_clock.so was not built"
straight=$HOST
bend() { # RATE_PERCENT REAL_SECONDS
    printf '#!/bin/sh\nexec env LD_PRELOAD=%s BENT_RATE=%s BENT_REAL_S=%s %s "$@"\n' \
        "$BUILD/tests/system/life/bent_clock.so" "$1" "$2" "$straight" >"$WORK/bent"
    chmod +x "$WORK/bent"
    HOST=$WORK/bent
}
warps() { field image.clock.warps; }
off_hour() { # the image's wall clock against ours: less than a minute
    local told now
    told=$(field image.status.time_ms)
    now=$(date +%s%3N)
    echo "image $told, here $now"
    [ $((told - now)) -lt 60000 ] && [ $((now - told)) -lt 60000 ]
}

say "a host whose wall clock is an hour back"
bend 100 -3600
all_up || exit 1
check "the image goes by the gateway's time" wait_for 60 off_hour
sleep 2
check "its pace is right: nothing to tell" [ "$(warps)" = 0 ]
check "state running" wait_for 60 state_is running

say "a host that stretches the image's time by a tenth"
stop "$HOST_PID" KILL
wait_for 60 eval '! state_is running'
bend 90 0
host_start
wait_for 60 state_is running
check "noticed within the window" wait_for 90 eval '[ "$(warps)" -ge 1 ]'
check "state degraded, and the reason says by how much" wait_for 60 eval 'state_is degraded && gateway_reason | grep -qE "clock was -?[0-9]+ ms off"'
check "the audit log tells of it" grep -q '"event":"clock","outcome":"lost"' "$WORK/state/audit.log"
check "traffic passes, by policy" wait_for 60 in_ns lan ping -q -c 1 -W 2 10.2.0.2

say "on_clock_warp: stop"
stop "$GATEWAY_PID"
GW_EXTRA='tunnel: {on_clock_warp: stop}'
gateway_start
wait_for 60 state_is running
check "the gateway stops" wait_for 90 eval 'gateway_reason | grep -q "on_clock_warp: stop" || grep -q "on_clock_warp: stop" "$WORK/gateway.log"'
check "what was given is taken back" grep -q '"event":"clock","outcome":"refused"' "$WORK/state/audit.log"
finish
