#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Large packets simply pass: underlay MTU x ICMP x inner IPv4/IPv6 x TCP/UDP with DF, 1 MiB each way.
#
#   lan --9000-- gw --9000-- r1 --MTU-- r2 --9000-- cloud: safelib-host [ safelib-nf ]
#                 |              ^ ICMP allowed or dropped
#                wan --9000
#
# shellcheck source=../lib.sh
export NET_ROUTERS=1 EDGE_MTU=9000 NET_MTU=1500
. "$(dirname "$0")/../lib.sh" "${1:-build}"
all_up || exit 1
TRANSFER=$(cd "$(dirname "$0")" && pwd)/transfer.py
background wan server.log python3 "$TRANSFER" server
wait_for 60 listens wan 7000
wait_for 60 listens wan 7001 u

icmp() { # allowed | dropped: in both routers, both families
    local ns
    for ns in r1 r2; do
        in_ns $ns nft flush ruleset
        [ "$1" = dropped ] && in_ns $ns nft -f - <<'NFT'
table inet quiet {
    chain out {
        type filter hook output priority 0;
        icmp type destination-unreachable drop
        icmpv6 type packet-too-big drop
    }
}
NFT
    done
}
forget() { # what the senders learnt of paths
    local ns
    for ns in lan wan; do
        in_ns $ns ip route flush cache
        in_ns $ns ip -6 route flush cache
    done
}
cell() { # NAME
    check "$1 TCP IPv4" in_ns lan timeout 240 python3 "$TRANSFER" tcp 10.2.0.2
    check "$1 TCP IPv6" in_ns lan timeout 240 python3 "$TRANSFER" tcp fd02::2
    check "$1 UDP IPv4 with DF" in_ns lan timeout 240 python3 "$TRANSFER" udp 10.2.0.2
    check "$1 UDP IPv6" in_ns lan timeout 240 python3 "$TRANSFER" udp fd02::2
}
inner_is() { mtu_settled && [ "$(field tunnel.mtu.inner)" = "$1" ]; }
mtu_settled() { case "$(field tunnel.mtu.state)" in complete | base*) ;; *) return 1 ;; esac; }

# underlay MTU: inner MTU expected (outer IPv4: 28 of IP and UDP, 34 of ESP, multiples of 4)
for pair in 1500:1438 1280:1218 1400:1338 1492:1430 9000:8938; do
    mtu=${pair%:*}
    for mode in allowed dropped; do
        stop "$GATEWAY_PID"
        in_ns r1 ip link set mid0 mtu "$mtu"
        in_ns r2 ip link set mid0 mtu "$mtu"
        icmp $mode
        forget
        gateway_start
        check "underlay $mtu, ICMP $mode: found ${pair#*:}" wait_for 60 inner_is "${pair#*:}"
        cell "underlay $mtu, ICMP $mode:"
    done
done

say "the path narrows under way, without a word (9000 to 1400, ICMP dropped)"
in_ns r1 ip link set mid0 mtu 1400
in_ns r2 ip link set mid0 mtu 1400
check "the black hole is found" wait_for 60 inner_is 1338
cell "after:"
check "and counted" [ "$(field tunnel.mtu.black_holes)" -ge 1 ]

say "a path too narrow for IPv6 inside"
in_ns r1 ip link set mid0 mtu 1280
in_ns r2 ip link set mid0 mtu 1280
check "found again" wait_for 60 inner_is 1218
check "status says so in a sentence" wait_for 60 eval 'gateway_reason | grep -q "less than IPv6 needs"'
check "IPv6 packets of 1280 bytes pass all the same" in_ns lan ping -6 -c 3 -i 0.2 -W 30 -M "do" -s 1232 fd02::2
check "TCP through it" in_ns lan timeout 240 python3 "$TRANSFER" tcp fd02::2
finish
