#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `safelib replay` prints for every packet of a capture what the same chain decides in an ordinary process.
#
#   capture ──┬─► safelib replay: control channel ─► image on bare and emu ─► verdicts ──┐
#             └─► reference: the chain's code, one packet at a time ────────► verdicts ──┴─► the same lines?
#
# Captures: random packets, good and broken (the seed is printed), and some of Debian's nDPI source where
# system/firewall_kernel has fetched it.
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
safelib=$build/cmd/safelib/safelib
reference=$build/tests/system/replay/replay_reference
[ -x "$build/cmd/safelib-nf/safelib-nf" ] || { echo "skipped: no image in this build"; exit 77; }
work=$(mktemp -d /tmp/sl-replay.XXXXXX)
trap 'rm -rf "$work"' EXIT

seed=${SL_SEED:-$(date +%s)}
echo "seed $seed"
"$here/random_capture.py" "$seed" 6000 "$work/random.pcap"
captures=("$work/random.pcap")
if [ -d "$build/cache/ndpi" ]; then
    mapfile -t more < <(find "$build/cache/ndpi" -name '*.pcap*' -size -2000k | sort | awk 'NR % 60 == 1')
    captures+=("${more[@]}")
fi
failed=0 count=0
for rules in mixed families fragments; do
    "$safelib" policy compile "$here/../firewall_kernel/$rules.nft" -o "$work/$rules.slp" >/dev/null 2>"$work/err" || {
        cat "$work/err"
        grep -q "network namespace\|not installed" "$work/err" && exit 77
        exit 1
    }
    device=bare
    for capture in "${captures[@]}"; do
        "$reference" "$work/$rules.slp" "$capture" >"$work/want" || { failed=1 && continue; }
        "$safelib" replay --chain "$work/$rules.slp" --in "$capture" --device $device --verdicts "$work/got" 2>"$work/err" || {
            cat "$work/err"
            failed=1
        }
        if ! cmp -s "$work/want" "$work/got"; then
            echo "DIFFERENT: $rules, $capture on $device:"
            diff "$work/want" "$work/got" | head -6
            failed=1
        fi
        count=$((count + $(wc -l <"$work/want")))
        [ $device = bare ] && device=emu || device=bare # by turns
    done
    cut -f2 "$work/want" | sort | uniq -c | sort -rn | tr '\n' ' '
    echo "by $rules of ${capture##*/}"
done
echo "$count verdicts compared"
[ "$count" -gt 10000 ] && [ "$failed" -eq 0 ]
