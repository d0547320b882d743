# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced in a network namespace of its own: makes the kernel's forwarding path between the TUN devices lan and wan.
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
