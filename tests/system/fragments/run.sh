#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fragments as `safelib explain` and `safelib replay` have them.
#
#   capture.py ──► explain ──► word for word what docs/fragments.md and the man page show?
#   captures   ──┬─► explain: the chain in this process, packet by packet ───► last verdict of each ──┐
#   (tcpdump's)  └─► replay: control channel ─► image ─► answers, late ones too ──────────────────────┴─► equal?
#
# And all captures of Debian's tcpdump source, of every protocol and make, through explain: no crash, no hang. They are
# fetched where there is a network (BUILD/cache), and skipped, counted, where not.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)
safelib=$build/cmd/safelib/safelib
[ -x "$build/cmd/safelib-nf/safelib-nf" ] || { echo "skipped: no image in this build"; exit 77; }
work=$(mktemp -d /tmp/sl-fragments.XXXXXX)
trap 'rm -rf "$work"' EXIT
. "$here/../firewall_kernel/captures.sh"
cd "$work" || exit 1
failed=0 passed=0
check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)) && echo "  ok    $what"; else failed=$((failed + 1)) && echo "  FAIL  $what"; fi
}

# The page's rules, its command and what it prints.
block() { awk -v n="$1" '/^```/ { if (inside) { inside = 0 } else { inside = 1; count++; next } } inside && count == n' "$source/docs/fragments.md"; }
block 1 >rules.nft
"$here/capture.py" fragments.pcap
"$safelib" policy compile rules.nft -o rules.slp >/dev/null 2>err || {
    cat err
    grep -q "network namespace\|not installed" err && exit 77
    exit 1
}
block 2 | sed 1d >want
"$safelib" explain --chain rules.nft --in fragments.pcap >got 2>&1
check "explain prints what docs/fragments.md shows" diff want got
sed -n '/^# fragments/,/^\.Ed/p' "$source/man/safelib-explain.1" | sed '1d;$d;s/\\-/-/g' >shown
in_man() { [ "$(wc -l <shown)" -gt 5 ] && diff <(head -n "$(wc -l <shown)" got) shown; }
check "and what the man page shows" in_man
only() { "$safelib" explain --chain rules.nft --in fragments.pcap --frame 1 | grep -c 'released with datagram id 0x1234, whole with #4' | grep -qx 1; }
check "one frame: told to its end, which comes with a later one" only

# The last that is said of each packet, by explain and by replay.
cat >equal.py <<'PY'
import json, sys
def last(name, key):
    out = {}
    for p in json.load(open(name))["packets"]:
        fate = p.get("fragment")
        fate = fate["fate"] if isinstance(fate, dict) else fate
        out[p["index"]] = (p["verdict"], None if fate in ("released", None) else fate)
    return out
a, b = last("explain.json", 0), last("replay.json", 0)
bad = [i for i in sorted(set(a) | set(b)) if a.get(i) != b.get(i)]
for i in bad[:5]:
    print("   packet", i, "explain:", a.get(i), "replay:", b.get(i))
print(len(a), sum(1 for v in a.values() if v[1] or v[0] == "held"))
sys.exit(bool(bad))
PY
equal() { # CAPTURE
    timeout 600 "$safelib" explain --chain rules.slp --in "$1" --json >explain.json 2>/dev/null
    timeout 600 "$safelib" replay --chain rules.slp --in "$1" --device bare --json >replay.json 2>/dev/null
    python3 equal.py >equal.log || { cat equal.log && return 1; }
    tail -n 1 equal.log >>equal.counts
}
check "explain and replay agree: fragments.pcap" equal fragments.pcap
"$safelib" replay --chain rules.slp --in fragments.pcap --device emu --out out.pcap >/dev/null 2>&1
check "what leaves the image explained once more: nothing is left of the overlap" \
    bash -c "! '$safelib' explain --chain rules.slp --in out.pcap | grep -q 0x1236"

source_fetch tcpdump "$tcpdump_orig"
if [ ! -s "$tcpdump_orig" ]; then
    echo "  skip  captures of Debian's source package tcpdump 4.99.3 could not be fetched"
    echo "$passed passed, $failed failed, 1 skipped"
    [ "$failed" -eq 0 ]
    exit
fi
tcpdump_unpack
mkdir merged
printf '%s\n' "${captures[@]}" | "$here/merge.py" merged >others
crashed=0 disagreed=0
: >equal.counts
while read -r capture; do
    timeout 600 "$safelib" explain --chain rules.slp --in "$capture" >said 2>&1
    status=$?
    case $status in
    0) [ "${capture#merged/}" = "$capture" ] || equal "$capture" || { disagreed=$((disagreed + 1)) && echo "   $capture"; } ;;
    2) ;; # another link layer, or cut: told
    *) crashed=$((crashed + 1)) && echo "   $capture: exit status $status" && tail -n 3 said ;;
    esac
done < <(ls merged/*.pcap && cat others)
told() { awk '{ a += $1; b += $2 } END { print a " packets, " b " fragments dropped, joined or left waiting" }' equal.counts; }
check "the frames of ${#captures[@]} captures of tcpdump's source, by link layer, and $(wc -l <others) files that are no pcap: each explained" [ "$crashed" -eq 0 ]
check "explain and replay agree ($(told))" [ "$disagreed" -eq 0 ]

disagreed=0
: >equal.counts
for name in ip_fragmented_garbage dns_fragmented badpackets dnscrypt-v1-and-resolver-pings fuzz-2006-06-26-2594 fuzz-2020-02-16-11740; do
    capture=$(find "$cache/ndpi" -name "$name.pcap" 2>/dev/null | head -n 1) # where system/firewall_kernel has fetched them
    [ -z "$capture" ] || equal "$capture" || { disagreed=$((disagreed + 1)) && echo "   $capture"; }
done
check "and on nDPI's captures of fragments ($(told))" [ "$disagreed" -eq 0 ]
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
