#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
#   packets ──┬─► TUN lan ─► kernel forwarding + snat to 198.51.100.1 ─► TUN wan ──► packet ─┐
#             │        (one namespace, made for this and gone with it)                        ├─► equal?
#             └─► safelib policy compile(nat.yaml) ─► chain ─────────────────────► packet ─┘
#
# Random sessions of TCP, UDP and pings through the kernel's NAT and ours: out, answers, ICMP errors from both sides with
# whole and cut quotes; some of all of these in two to six fragments, in any order, with duplicates and overlaps. Prints its seed.
# Then the captures of Debian's nDPI source, where they can be had: whoever speaks first sits inside.
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ] || [ ! -e /dev/net/tun ] || ! command -v nft >/dev/null || ! unshare -n true 2>/dev/null; then
    echo "skipped: needs root, /dev/net/tun, nft and network namespaces"
    exit 77
fi
# shellcheck source=../firewall_kernel/captures.sh
. "$here/../firewall_kernel/captures.sh"
if [ "${2:-}" != inside ]; then
    exec unshare -n -- "$here/run.sh" "$build" inside
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=../firewall_kernel/path.sh
. "$here/../firewall_kernel/path.sh"
cat >"$work/nat.yaml" <<YAML
inside: [10.0.0.0/8]
outside: {addresses: [198.51.100.1]}
ttl: decrement
YAML
cat >"$work/nat.nft" <<RULES
table ip nat {
    chain post {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "wan" ip saddr 10.0.0.0/8 snat to 198.51.100.1
    }
}
RULES
seed=${SL_SEED:-$(date +%s)}
echo "seed $seed"
"$build/tests/system/nat_kernel/nat_kernel_differ" "$seed" "${SL_SESSIONS:-2000}" "$work/nat.yaml" "$work/nat.nft"
if [ -s "$orig" ]; then
    captures_unpack
    cd "$work"
    # our NAT follows TCP's states and no windows; the setting appears with the first rule that asks for connections
    nft 'add table t; add chain t c { type filter hook forward priority 0; }; add rule t c ct state new'
    echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal
    some=() # a quarter of them, another one for each seed; SL_CAPTURED=N: N packets of each of all
    for i in "${!captures[@]}"; do
        if [ -n "${SL_CAPTURED:-}" ] || [ $(((i + seed) % 4)) -eq 0 ]; then some+=("${captures[i]}"); fi
    done
    "$build/tests/system/nat_kernel/nat_kernel_captures" "${SL_CAPTURED:-30}" "${some[@]}"
else
    echo "captures skipped: Debian's source package ndpi 4.2 could not be fetched"
fi
