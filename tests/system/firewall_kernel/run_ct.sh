#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
#   conversations ──┬─► TUN lan ◄─► kernel: conntrack + nftables ◄─► TUN wan ──► class or verdict ─┐
#                   │        (a namespace for each rule file: its connections go with it)           ├─► equal?
#                   └─► safelib policy compile(rules) ─► chain with flows ────► class or verdict ───┘
#
# What connection tracking takes every packet for (invalid, new, established, related; which direction), in the kernel and
# in the stateful firewall; and the verdicts of rule files that ask for it. Random conversations (seed printed), and captures
# of Debian's nDPI source where they can be had.
#   run_ct.sh BUILD
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
differ=$build/tests/system/firewall_kernel/firewall_kernel_ct
if [ "$(id -u)" -ne 0 ] || [ ! -e /dev/net/tun ] || ! command -v nft >/dev/null || ! unshare -n true 2>/dev/null; then
    echo "skipped: needs root, /dev/net/tun, nft and network namespaces"
    exit 77
fi
. "$here/captures.sh"
if [ "${2:-}" = inside ]; then # one comparison: inside WORK COMMAND...
    cd "$3" || exit 1
    shift 3
    . "$here/path.sh"
    nft 'add table t; add chain t c { type filter hook forward priority 0; }; add rule t c ct state new' # makes the settings appear
    for file in /proc/sys/net/netfilter/nf_conntrack_*timeout*; do echo 86400 >"$file"; done
    nft flush ruleset
    exec "$@"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seed=${SL_SEED:-$(date +%s)}
echo "seed $seed"
inside() { unshare -n -- "$here/run_ct.sh" "$build" inside "$work" "$differ" "$@"; }
bad=0
inside "$seed" "${SL_PACKETS:-30000}" classes || bad=1
for name in typical hooks; do
    inside $((seed + 9)) 4000 "$here/$name.nft" || bad=1
done
for i in 1 2 3 4; do
    "$here/random_rules.py" $((seed + i)) $((i * 10)) ct >"$work/random$i.nft"
    inside $((seed + i)) 4000 "$work/random$i.nft" || bad=1
done
if [ -s "$orig" ]; then
    captures_unpack
    echo "${#captures[@]} captures"
    inside "$seed" 0 classes --captures "${captures[@]}" || bad=1
else
    echo "captures skipped: Debian's source package ndpi 4.2 could not be fetched"
fi
exit $bad
