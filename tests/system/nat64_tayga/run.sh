#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
#   packets ──┬─► TUN of tayga (stateless NAT64 in userland, RFC 7915; a namespace of its own) ──► packets ─┐
#             └─► safelib replay (NAT64, one inside address, its ports kept) ──────────────────► packets ─┴─► equal?
#
# Headers both ways, traffic class, hop limit, ICMP errors with what they quote, MTUs, datagrams in two to five fragments in either order, UDP
# without a checksum: everything but identifications that each side chooses. What differs has to be on the list in compare.py, each with its clause.
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ] || [ ! -e /dev/net/tun ] || ! command -v tayga >/dev/null || ! unshare -n true 2>/dev/null; then
    echo "skipped: needs root, /dev/net/tun, tayga and network namespaces"
    exit 77
fi
if [ "${2:-}" != inside ]; then
    exec unshare -n -- "$here/run.sh" "$build" inside
fi
work=$(mktemp -d)
tayga_pid=
trap '[ -z "$tayga_pid" ] || kill "$tayga_pid" 2>/dev/null; rm -rf "$work"' EXIT
cat >"$work/tayga.conf" <<CONF
tun-device nat64
ipv4-addr 198.51.100.254
prefix 2001:db8:64::/96
map 198.51.100.1 2001:db8:1::9
data-dir $work
CONF
cat >"$work/nat64.yaml" <<YAML
inside: ['2001:db8:1::/64']
outside: {addresses: [198.51.100.1]}
nat64: {prefix: '2001:db8:64::/96'}
filtering: endpoint_independent
YAML
tayga --config "$work/tayga.conf" --mktun >"$work/tayga.log" 2>&1
ip link set lo up
ip link set nat64 mtu 1500 up addrgenmode none
tayga --config "$work/tayga.conf" --nodetach >>"$work/tayga.log" 2>&1 &
tayga_pid=$!
for _ in $(seq 1200); do ! ip link show nat64 | grep -q LOWER_UP || break; sleep 0.05; done
"$build/cmd/safelib/safelib" policy compile --kind nat "$work/nat64.yaml" -o "$work/nat64.slp" >/dev/null
/usr/bin/python3 "$here/compare.py" "$build/cmd/safelib/safelib" "$work" || { sed 's/^/  tayga: /' "$work/tayga.log" && exit 1; }
