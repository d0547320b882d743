#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# safelib-host by itself: start, banner, status, idle cost, stop, and every way an image may end.
#
#   cloud: safelib-host [ safelib-nf | an image that dies ]     (no gateway)
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
require_root
DYING=$BUILD/tests/system/host_program/dying_image
HASH=$(printf 'd%.0s' $(seq 64))
ip netns add "$P-cloud" && in_ns cloud ip link set lo up || exit 1

status() { timeout 60 socat -u "UNIX-CONNECT:$WORK/status" -; }
is_up() { [ "$(status | python3 -c 'import json,sys; print(json.load(sys.stdin)["program"])')" = safelib-host ]; }
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
wakes() { cat "/proc/$1"/task/*/status | awk '/^voluntary/ { n += $2 } END { print n }'; }
# 2 % of a core that is as fast as those on which it was measured; of a slower one as much more as it takes for the same work
slow=$(python3 -c 'import time; begin = time.process_time(); sum(range(3000000)); print(1 + int((time.process_time() - begin) / 0.1))')
is_quiet() { # PID: 4 s of it; sets used, woken
    local before
    before=$(ticks "$1") woken=$(wakes "$1")
    sleep 4
    used=$(($(ticks "$1") - before)) # hundredths of a second
    woken=$(($(wakes "$1") - woken))
    [ "$used" -le $((8 * slow)) ] && [ "$woken" -le 1600 ] # polling looks 200 times a second
}

# run_to_end LOG ARGS...: exit code of a host that ends by itself
# A busy machine may take seconds to make a throw-away key.
run_to_end() {
    local log=$1
    shift
    timeout 120 ip netns exec "$P-cloud" "$HOST" --tenant-key-sha256 "$HASH" "$@" >"$WORK/$log" 2>&1
}

say "idle cost, status, clean stop"
for args in "bare batch" "bare polling" "emu batch" "emu polling"; do
    read -r device scheduling <<<"$args"
    background cloud host.log "$HOST" --image "$IMAGE" --tenant-key-sha256 "$HASH" --device "$device" \
        --scheduling "$scheduling" --status "$WORK/status"
    pid=$LAST_PID
    if ! wait_for 120 is_up; then
        fail "$args: did not start"
        tail -5 "$WORK/host.log"
        stop "$pid" KILL
        continue
    fi
    check "$args: ready" wait_for 120 grep -q 'image: ready' "$WORK/host.log"
    # a machine that takes the core away bills that to whoever had it: one window that it leaves alone tells
    check "$args: idle, it costs below 2 % of a core" wait_for 60 is_quiet "$pid"
    say "        ${used}0 ms of processor time in 4 s, $woken wakes"
    check "$args: banner names device, protection and mrenclave" \
        sh -c "grep -q 'device     $device' $WORK/host.log && grep -q '^  protection ' $WORK/host.log &&
               grep -qE 'mrenclave  [0-9a-f]{64}' $WORK/host.log"
    check "$args: the warning" grep -q 'PROTECTS NOTHING' "$WORK/host.log"
    begin=$(date +%s%N)
    stop "$pid" TERM
    check "$args: stopped in $((($(date +%s%N) - begin) / 1000000)) ms" grep -q 'stopped by signal 15' "$WORK/host.log"
    check_not "$args: the status socket is gone" test -e "$WORK/status"
done

say "images that end"
for device in bare emu; do
    for end in "a;invalid opcode;the image died" "b;page fault;the image died" "c;exit 7;exit code 7" "e;exit 0;exit code 0"; do
        IFS=';' read -r letter text expected <<<"$end"
        HASH=$(printf "$letter%.0s" $(seq 64))
        run_to_end end.log --image "$DYING" --device "$device"
        code=$?
        check "$device: $text: exit code 3" test "$code" -eq 3
        check "$device: $text: '$expected'" grep -q "$expected" "$WORK/end.log"
    done
    check "$device: no escape sequence of the image reaches the terminal" \
        sh -c "grep -q 'line with' $WORK/end.log && ! grep -q \$(printf '\\033') $WORK/end.log"
    HASH=$(printf 'd%.0s' $(seq 64))
    background cloud spin.log "$HOST" --image "$DYING" --tenant-key-sha256 "$HASH" --device "$device"
    wait_for 120 grep -q scheduling "$WORK/spin.log"
    sleep 0.3
    begin=$(date +%s%N)
    stop "$LAST_PID" TERM
    check "$device: an image that never waits is stopped, too, in $((($(date +%s%N) - begin) / 1000000)) ms" \
        grep -q 'stopped by signal 15' "$WORK/spin.log"
done

say "bad configuration"
bad() { # TEXT CODE EXPECTED ARGS...
    local text=$1 code=$2 expected=$3
    shift 3
    timeout 60 "$HOST" "$@" >"$WORK/bad.log" 2>&1
    local got=$?
    check "$text" sh -c "[ $got -eq $code ] && grep -q -- '$expected' $WORK/bad.log"
}
bad "no image" 2 "image: expected the path"
bad "no tenant key" 2 "tenant_key_sha256: expected 64" --image "$IMAGE"
bad "a device that is none" 2 "none of auto, sgx, emu, bare" --image "$IMAGE" --tenant-key-sha256 "$HASH" --device tpm
bad "an image that is not there" 1 "/nowhere" --image /nowhere --tenant-key-sha256 "$HASH"
bad "an image that is no image" 1 "safelib-host: " --image /bin/sh --tenant-key-sha256 "$HASH" --device bare
bad "a file that is not there" 2 "/nowhere.yaml: " --config /nowhere.yaml
bad "an unknown option" 2 "usage:" --wrong
bad "an argument" 2 "unexpected argument" stray
bad "several at once" 2 "tenant_key_sha256: expected.*none of auto, sgx, emu, bare.*is neither udp nor native" \
    --image "$IMAGE" --device tpm --framing tcp
printf 'image: x\nspede: trap\n' >"$WORK/bad.yaml"
bad "an unknown key: which, and where" 2 "Unexpected key: spede (line: 2" --config "$WORK/bad.yaml"
finish
