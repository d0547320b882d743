#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nothing secret outside the enclave, under load: SA keys (raw, round keys, hash keys), policy bytes, a
# rule's address and a marker in the traffic are looked for in the host process's memory (all but the
# enclave's range and the emulated processor's registers; the shared area is part of it), in every datagram and TCP byte on the wire, and in
# every file the host has. The same scanner must find them where they rightly are: in the tenant's
# memory, inside the enclave's range, and in a capture with one of them planted.
#
#   tenant --- lo (captured) --- safelib-host (scanned) --- image on emu
set -eu
BUILD=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/tools/image_lib.sh
. "$here/../../tools/image_lib.sh"
own_namespace "$@"
[ -x "$BUILD/cmd/safelib-nf/safelib-nf" ] || { echo "skipped: no image in this build"; exit 77; }
command -v tcpdump >/dev/null || { echo "skipped: no tcpdump"; exit 77; }
tenant="$BUILD/tests/tools/tenant"
memscan="$BUILD/tests/tools/memscan"
dir=$(mktemp -d)
HOST_PID=
DUMP_PID=
TENANT_PID=
cleanup() {
    for pid in $HOST_PID $DUMP_PID $TENANT_PID; do
        kill "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap cleanup EXIT
mkdir "$dir/host" "$dir/tenant"
hash=$("$tenant" --make-key "$dir/tenant/key.pem")
patterns="$dir/tenant/patterns"

must_find() { # WHAT MEMSCAN-ARGUMENT...
    local what=$1 code=0
    shift
    "$memscan" --patterns "$patterns" "$@" >"$dir/found" || code=$?
    tail -n 1 "$dir/found"
    [ "$code" -eq 1 ] || { echo "the scanner finds nothing in $what: it is blind"; exit 1; }
    for name in key- round-key- hash-key- traffic-marker; do
        grep -q "^FOUND $name" "$dir/found" || { echo "the scanner does not find $name in $what"; exit 1; }
    done
}
must_not_find() { # WHAT MEMSCAN-ARGUMENT...
    local what=$1
    shift
    "$memscan" --patterns "$patterns" "$@" || { echo "SECRETS OUTSIDE: in $what"; exit 1; }
}

scan_one() { # NAME OPTION...
    echo "== $1"
    shift
    rm -f "$dir/ready" "$dir/enough" "$patterns"
    (cd "$dir/host" && rm -f -- *)
    start_host "$dir/host/host.log" "$hash" --status "$dir/host/status.sock" "$@"
    tcpdump -q -i lo -s 0 -B 65536 -w "$dir/host/wire.pcap" 2>"$dir/tcpdump.log" &
    DUMP_PID=$!
    for _ in $(seq 600); do
        grep -q listening "$dir/tcpdump.log" && break
        sleep 0.1
    done
    "$tenant" --key "$dir/tenant/key.pem" --control 127.0.0.1 4433 --esp 127.0.0.1 4500 \
        --patterns "$patterns" --status "$dir/tenant/status.json" --ready "$dir/ready" --seconds 8 --until "$dir/enough" \
        >"$dir/tenant/log" 2>&1 &
    TENANT_PID=$!
    for _ in $(seq 600); do
        [ -e "$dir/ready" ] && break
        sleep 0.1
    done
    range=$(sed -n 's/^  enclave *0x\([0-9a-f]*\)-0x\([0-9a-f]*\)$/\1-\2/p' "$dir/host/host.log")
    # what a real processor holds in itself: on emu, registers lie in the emulator's signal frames
    processor=$(sed -n "s/^  emulated processor's registers 0x\([0-9a-f]*\)-0x\([0-9a-f]*\)$/\1-\2/p" "$dir/host/host.log")
    outside=(--exclude "$range")
    [ -z "$processor" ] || outside+=(--exclude "$processor")
    echo "  controls: the tenant's memory, the enclave"
    must_find "the tenant's memory" --pid "$TENANT_PID" --stop
    must_find "the enclave" --pid "$HOST_PID" --stop
    echo "  outside the enclave, under load, before and after the rekey"
    for _ in 1 2 3 4; do
        must_not_find "the host's memory" --pid "$HOST_PID" "${outside[@]}" --stop
        sleep 0.7
    done
    touch "$dir/enough"
    wait "$TENANT_PID" || { echo "the tenant failed:"; cat "$dir/tenant/log"; exit 1; }
    TENANT_PID=
    cat "$dir/tenant/log"
    # once more at rest: what load left behind
    must_not_find "the host's memory after the load" --pid "$HOST_PID" "${outside[@]}"
    kill -INT "$DUMP_PID"
    wait "$DUMP_PID" || true
    DUMP_PID=
    args=()
    for file in "$dir"/host/*; do
        [ -f "$file" ] && args+=(--file "$file")
    done
    for fd in /proc/"$HOST_PID"/fd/*; do
        file=$(readlink "$fd") || continue
        [ -f "$file" ] && args+=(--file "$file")
    done
    echo "  wire and files: $(du -h "$dir/host/wire.pcap" | cut -f1) captured"
    must_not_find "the wire or a file" "${args[@]}"
    head -c 100000 "$dir/host/wire.pcap" >"$dir/tenant/planted.pcap"
    marker=$(awk '$1 == "traffic-marker" {print $2}' "$patterns" | sed 's/../\\x&/g')
    printf '%b' "$marker" >>"$dir/tenant/planted.pcap"
    "$memscan" --patterns "$patterns" --file "$dir/tenant/planted.pcap" >/dev/null &&
        { echo "the scanner does not find a planted marker"; exit 1; }
    stop_host
}

scan_one "emu direct, batch" --device emu
scan_one "emu trap, polling" --device emu --speed trap --scheduling polling
echo "memory_scan: nothing secret outside the enclave"
