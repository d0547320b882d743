#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
#   packets ──┬─► TUN lan ─► kernel forwarding + nftables(rules) ─► TUN wan ──► verdict ─┐
#             │        (one namespace, made for this and gone with it)                    ├─► equal?
#             └─► safelib policy compile(rules) ─► chain ───────────────────► verdict ─┘
#
# The same rule files in the kernel's nftables and in the firewall: random packets (seed printed), and the captures of
# Debian's nDPI source where it can be had (cached in BUILD/cache).
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
differ=$build/tests/system/firewall_kernel/firewall_kernel_differ
if [ "$(id -u)" -ne 0 ] || [ ! -e /dev/net/tun ] || ! command -v nft >/dev/null || ! unshare -n true 2>/dev/null; then
    echo "skipped: needs root, /dev/net/tun, nft and network namespaces"
    exit 77
fi
. "$here/captures.sh"
if [ "${2:-}" != inside ]; then
    exec unshare -n -- "$here/run.sh" "$build" inside
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

. "$here/path.sh"
seed=${SL_SEED:-$(date +%s)}
echo "seed $seed"
for i in 1 2 3 4 5 6; do "$here/random_rules.py" $((seed + i)) $((i * 15)) >"$work/random$i.nft"; done
"$differ" "$seed" "${SL_PACKETS:-20000}" "$here/mixed.nft" "$here/families.nft" "$here/fragments.nft" "$work"/random?.nft

if [ ! -s "$orig" ]; then
    echo "captures skipped: Debian's source package ndpi 4.2 could not be fetched"
    exit 0
fi
captures_unpack
echo "${#captures[@]} captures"
"$differ" "$seed" 0 "$here/mixed.nft" "$here/families.nft" "$here/fragments.nft" "$work"/random?.nft --captures "${captures[@]}"
