#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job: LAN traffic to the WAN and back, each packet through the firewall in the enclave.
#
#   lan ---- gw ==== ESP in UDP ==== cloud: safelib-host [ safelib-nf: firewall ]
#             |
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
all_up || exit 1

server() { # NS PORT: answers one line on TCP, IPv4 and IPv6
    background "$1" "server$2.log" socat "TCP6-LISTEN:$2,fork,reuseaddr,ipv6only=0" 'SYSTEM:echo hello'
}
server wan 80
server wan 23
background wan udp.log socat UDP6-LISTEN:7001,fork,ipv6only=0 'SYSTEM:echo datagram'
for port in 80 23; do wait_for 60 listens wan $port; done
wait_for 60 listens wan 7001 u

say "IPv4 and IPv6"
check "ping" in_ns lan ping -c 3 -i 0.2 -W 30 10.2.0.2
check "ping IPv6" in_ns lan ping -6 -c 3 -i 0.2 -W 30 fd02::2
check "ping of 4000 bytes, fragmented on the way in" in_ns lan ping -c 2 -i 0.2 -W 30 -s 4000 10.2.0.2
check "ping of 1400 bytes with DF" in_ns lan ping -c 2 -i 0.2 -W 30 -M "do" -s 1400 10.2.0.2
check "TCP" bash -c "ip netns exec $P-lan timeout 60 socat -u TCP:10.2.0.2:80 - | grep -q hello"
check "TCP IPv6" bash -c "ip netns exec $P-lan timeout 60 socat -u TCP6:[fd02::2]:80 - | grep -q hello"
check "UDP" wait_for 60 bash -c "echo x | ip netns exec $P-lan timeout 3 socat -t2 - UDP:10.2.0.2:7001 | grep -q datagram"

say "policy"
check_not "telnet is refused" in_ns lan timeout 3 socat -u TCP:10.2.0.2:23,connect-timeout=2 -
# TCP SYN 10.1.0.2:1234 > 10.2.0.2:23
syn=4500002800010000400664cd0a0100020a02000204d2001700000001000000005002ffff00000000
answer=$(gateway_ask "{\"cmd\":\"eval\",\"port\":\"lan\",\"packet\":\"$syn\"}")
say "        $answer"
check "the rule that refused it is named with its line" grep -q '"verdict":"drop".*"line":4' <<<"$answer"
check_not "a port that no rule allows" in_ns lan timeout 3 socat -u TCP:10.2.0.2:9,connect-timeout=2 -

say "bulk"
iperf() { # NAME OPTION...
    local name=$1
    shift
    iperf_serve
    in_ns lan timeout 120 iperf3 "$@" -J --logfile "$WORK/$name.json"
}
check "iperf3 TCP" iperf up -c 10.2.0.2 -t 3
check "iperf3 TCP, reverse" iperf down -c 10.2.0.2 -t 3 -R
check "iperf3 TCP IPv6" iperf up6 -6 -c fd02::2 -t 2
check "iperf3 UDP" iperf udp -u -b 200M -c 10.2.0.2 -t 2
for f in up down up6; do
    [ -s "$WORK/$f.json" ] && python3 - "$WORK/$f.json" "$f" <<'PY'
import json, sys
end = json.load(open(sys.argv[1]))["end"]
print("        %-5s %.2f Gbit/s, %d retransmits" % (sys.argv[2], end["sum_received"]["bits_per_second"] / 1e9,
                                                   end["sum_sent"].get("retransmits", 0)))
PY
done

say "marks"
background wan dump.log timeout 300 tcpdump -l -n -v -i eth0 -c 3 'icmp[icmptype] == icmp-echo'
wait_for 60 grep -q listening "$WORK/dump.log"
in_ns lan ping -c 3 -i 0.2 -W 30 -Q 0xba 10.2.0.2 >/dev/null
check "DSCP EF and ECT(0) arrive" wait_for 60 grep -q 'tos 0xba' "$WORK/dump.log"

say "counters"
check "the MTU was found: 1438 inner on a 1500 path" wait_for 60 eval '[ "$(field tunnel.mtu.inner)" = 1438 ]'
check "nothing was refused as forged" [ "$(field tunnel.slots.0.counters.drop_auth)" = 0 ]
check "trains were sent" [ "$(field tunnel.slots.0.udp.gso_trains)" -gt 0 ]
check "the image told its counters" wait_for 60 eval '[ "$(field image.status.policy.version)" -ge 0 ]'

say "the command"
check "safelib ping" "$SAFELIB" ping -c 3 -i 50 -t 10000 --socket "$WORK/gateway.sock"
check "safelib ping at the tunnel's MTU, by the other port" \
    "$SAFELIB" ping -c 2 -i 50 -t 10000 -s 1438 -p wan --socket "$WORK/gateway.sock"
check "safelib status" "$SAFELIB" status --socket "$WORK/gateway.sock" --host-socket "$WORK/host.sock"
sed 's/^/        /' "$WORK/check.log"
check "safelib status --json" bash -c "'$SAFELIB' status --json --socket '$WORK/gateway.sock' | python3 -m json.tool"
stop "$GATEWAY_PID"
check "the gateway ends cleanly" grep -q ending "$WORK/gateway.log"
finish
