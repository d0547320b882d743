#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
#   packets ──┬─► TUN lan ─► kernel forwarding + snat to 198.51.100.1 ─► TUN wan ──► packet ─┐
#             │        (one namespace, made for this and gone with it)                        ├─► equal?
#             └─► safelib policy compile(nat.yaml) ─► chain ─────────────────────► packet ─┘
#
# Random sessions of TCP, UDP and pings through the kernel's NAT and ours: out, answers, ICMP errors from both sides with
# whole and cut quotes; some of all of these in two to six fragments, in any order, with duplicates and overlaps. Prints its seed.
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ] || [ ! -e /dev/net/tun ] || ! command -v nft >/dev/null || ! unshare -n true 2>/dev/null; then
    echo "skipped: needs root, /dev/net/tun, nft and network namespaces"
    exit 77
fi
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
