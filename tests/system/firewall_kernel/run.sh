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
cache=$build/cache
orig=$cache/ndpi_4.2.orig.tar.gz
if [ ! -s "$orig" ] && [ "${2:-}" != inside ]; then # outside: the namespace below has no network
    mkdir -p "$cache/lists/partial"
    echo 'deb-src http://deb.debian.org/debian bookworm main' >"$cache/src.list"
    options=(-o "Dir::Etc::sourcelist=$cache/src.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$cache/lists"
        -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root -o Acquire::Retries=0 -o Acquire::http::Timeout=20)
    (cd "$cache" && timeout 120 apt-get "${options[@]}" update >/dev/null 2>&1 &&
        timeout 300 apt-get "${options[@]}" source --download-only ndpi >/dev/null 2>&1) || true
fi
if [ "${2:-}" != inside ]; then
    exec unshare -n -- "$here/run.sh" "$build" inside
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ip link set lo up
n=1
for dev in lan wan; do
    ip tuntap add dev $dev mode tun
    ip link set $dev mtu 9000 up addrgenmode none
    ip addr add 100.64.$n.1/32 dev $dev
    ip -6 addr add fd00:$n::1/128 dev $dev nodad
    n=$((n + 1))
done
for conf in ipv4.ip_forward=1 ipv4.conf.all.rp_filter=0 ipv4.conf.lan.rp_filter=0 ipv4.conf.wan.rp_filter=0 \
    ipv4.icmp_ratelimit=0 ipv4.icmp_msgs_per_sec=10000000 ipv4.icmp_msgs_burst=10000000 ipv6.conf.all.forwarding=1 \
    ipv6.icmp.ratelimit=0 ipv4.conf.all.send_redirects=0 ipv4.conf.lan.accept_source_route=1 ipv4.conf.wan.accept_source_route=1; do
    echo "${conf#*=}" >"/proc/sys/net/$(echo "${conf%%=*}" | tr . /)" 2>/dev/null || true
done
for family in -4 -6; do
    ip $family rule add iif lan lookup 100
    ip $family rule add iif wan lookup 101
    ip $family route add default dev wan table 100
    ip $family route add default dev lan table 101
    ip $family route add default dev lan
done

seed=${SL_SEED:-$(date +%s)}
echo "seed $seed"
for i in 1 2 3 4 5 6; do "$here/random_rules.py" $((seed + i)) $((i * 15)) >"$work/random$i.nft"; done
"$differ" "$seed" "${SL_PACKETS:-20000}" "$here/mixed.nft" "$here/families.nft" "$here/fragments.nft" "$work"/random?.nft

if [ ! -s "$orig" ]; then
    echo "captures skipped: Debian's source package ndpi 4.2 could not be fetched"
    exit 0
fi
[ -d "$cache/ndpi" ] || { mkdir -p "$cache/ndpi.part" && tar xzf "$orig" -C "$cache/ndpi.part" --wildcards '*/tests/pcap/*' && mv "$cache/ndpi.part" "$cache/ndpi"; }
mapfile -t captures < <(find "$cache/ndpi" -name '*.pcap*' -o -name '*.cap' | sort)
echo "${#captures[@]} captures"
"$differ" "$seed" 0 "$here/mixed.nft" "$here/families.nft" "$here/fragments.nft" "$work"/random?.nft --captures "${captures[@]}"
