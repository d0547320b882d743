#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The real image on every device and scheduling: provisioned over its control channel, packets bounced
# through it and compared byte by byte, rekeyed under traffic, strangers refused, closed by SA_CLEAR.
#
#   tenant --- lo --- safelib-host --- image on bare, emu direct, emu trap
set -eu
BUILD=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/tools/image_lib.sh
. "$here/../../tools/image_lib.sh"
own_namespace "$@"
[ -x "$BUILD/cmd/safelib-nf/safelib-nf" ] || { echo "skipped: no image in this build"; exit 77; }
dir=$(mktemp -d)
HOST_PID=
cleanup() {
    [ -z "$HOST_PID" ] || kill "$HOST_PID" 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT

tenant="$BUILD/tests/tools/tenant"
hash=$("$tenant" --make-key "$dir/tenant.pem")
"$tenant" --make-key "$dir/stranger.pem" >/dev/null
talk() {
    "$tenant" --control 127.0.0.1 4433 --esp 127.0.0.1 4500 --status "$dir/status.json" --seconds 1 "$@"
}

run_one() { # NAME SIZE OPTION...
    local name=$1 size=$2 code=0
    shift 2
    echo "== $name"
    start_host "$dir/host.log" "$hash" "$@"
    talk --key "$dir/stranger.pem" 2>"$dir/refused.log" || code=$?
    [ "$code" -eq 3 ] || { echo "a stranger's key was not refused: code $code"; cat "$dir/refused.log"; exit 1; }
    talk --key "$dir/tenant.pem" --size "$size" || { cat "$dir/host.log"; exit 1; }
    grep -q '"failed_auth":1' "$dir/status.json" || { echo "the refusal is not in the status"; exit 1; }
    grep -q '"violation_desc":0' "$dir/status.json" || { echo "boundary violations"; exit 1; }
    stop_host
}

# Pages of the enclave that are in memory, in KiB.
resident() {
    local range
    range=$(sed -n 's/^  enclave *0x\([0-9a-f]*\)-0x\([0-9a-f]*\)$/\1 \2/p' "$dir/host.log")
    # shellcheck disable=SC2086
    python3 - "$HOST_PID" $range <<'END'
import re
import sys
pid, low, high = sys.argv[1], int(sys.argv[2], 16), int(sys.argv[3], 16)
total, inside = 0, False
for line in open(f"/proc/{pid}/smaps"):
    place = re.match(r"([0-9a-f]+)-[0-9a-f]+ ", line)
    if place:
        inside = low <= int(place[1], 16) < high
    elif inside and line.startswith("Rss:"):
        total += int(line.split()[1])
print(total)
END
}

echo "== 10,000 rules"
start_host "$dir/host.log" "$hash" --device emu
talk --key "$dir/tenant.pem" --rules 10000 || { cat "$dir/host.log"; exit 1; }
size=$(resident)
echo "image resident: $size KiB; $(grep -o '"heap_peak_bytes":[0-9]*' "$dir/status.json")"
if [ "$size" -lt 10000 ] || [ "$size" -gt 65536 ]; then
    echo "expected at most 64 MiB"
    exit 1
fi
stop_host

# 10,000 rules replaced ten times under traffic: not a packet is lost, and memory holds two policies, not eleven.
echo "== 10,000 rules, replaced under traffic"
start_host "$dir/host.log" "$hash" --device emu --shards 4
talk --key "$dir/tenant.pem" --rules 10000 --swaps 10 || { cat "$dir/host.log"; exit 1; }
peak=$(grep -o '"heap_peak_bytes":[0-9]*' "$dir/status.json" | grep -o '[0-9]*$')
echo "4 shards: heap at most $((peak >> 10)) KiB"
if [ "$peak" -lt $((10 << 20)) ] || [ "$peak" -gt $((56 << 20)) ]; then # 12 rings between 4 shards are among it
    echo "expected at most 56 MiB"
    exit 1
fi
stop_host

run_one "bare, batch" 1000 --device bare
run_one "bare, polling" 1000 --device bare --scheduling polling
run_one "emu direct, batch" 1000 --device emu
run_one "emu direct, polling" 200 --device emu --scheduling polling
run_one "emu direct, batch, 2 shards, jumbo" 8900 --device emu --shards 2
run_one "emu trap, batch" 1000 --device emu --speed trap
run_one "emu trap, polling" 64 --device emu --speed trap --scheduling polling
echo "image_e2e: all devices good"
