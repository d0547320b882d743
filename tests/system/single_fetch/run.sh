#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Single fetch (docs/architecture.md, the boundary): proves by a trace of every load and store that
# ESP reads each byte of a shared source once and never reads a shared destination back.
#
#   probe (valgrind, every memory access) ── lines for two fixed pages ── check_trace.py
#
# Then the probe plays the host that changes a byte before every single instruction: what comes out is
# refused or as sent. Controls break the rule on purpose, and must be found.
set -u
build=${1:?build directory}
here=$(dirname "$0")
probe=$build/tests/system/single_fetch/single_fetch_probe
command -v valgrind >/dev/null || { echo "valgrind is absent"; exit 77; }
[ -x "$probe" ] || { echo "the probe is not built here"; exit 77; }
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# trace MODE KEY: what lackey prints about the two pages
trace() {
    valgrind --tool=lackey --basic-counts=no --trace-mem=yes --log-fd=9 "$probe" "$1" "$2" 9>&1 1>/dev/null 2>"$errors" |
        grep -E '^ [LSM] (2000[01]|3000[0-4])[0-9a-f]{3},'
}

rc=0
for key in 128 256; do
    for mode in open seal; do
        trace "$mode" "$key" | "$here/check_trace.py" "$mode" || rc=1
    done
done
for key in 128 256; do
    "$probe" step "$key" || rc=1
done
if said=$("$probe" step-twice 128); then
    echo "control step-twice was not found"
    rc=1
else
    echo "control found: $said"
fi
for mode in open-twice seal-back; do
    if said=$(trace "$mode" 128 | "$here/check_trace.py" "${mode%%-*}"); then
        echo "control $mode was not found: $said"
        rc=1
    else
        echo "control found: $said"
        case $said in *"read 2 times"* | *"loaded from"*) ;; *) rc=1 ;; esac
    fi
done
if grep -q 'processor lacks' "$errors"; then echo "AES-NI or AVX2 is absent"; exit 77; fi
exit $rc
