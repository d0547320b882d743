#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What kind of NAT we are, as coturn's turnutils_natdiscovery finds out (RFC 5780), through image and tunnel:
#
#   lan: turnutils_natdiscovery ---- gw ==== cloud: safelib-host [ safelib-nf: nat44, 198.51.100.0/30 ]
#                                     |
#                        wan: turnserver on 10.2.0.2 and 10.2.0.3
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
if ! command -v turnutils_natdiscovery >/dev/null || ! command -v turnserver >/dev/null; then skip "coturn is not installed"; fi
require_root
key_new
NET_MTU=9000 # the tunnel takes whole what the sites send
net_up || exit 1
addr wan eth0 10.2.0.3/24

policy_nat() { # MAPPING FILTERING
    cat >"$WORK/nat.yaml" <<YAML
inside: [10.1.0.0/16]
outside: {addresses: [198.51.100.0/30]}
mapping: $1
filtering: $2
YAML
    "$SAFELIB" policy compile --kind nat "$WORK/nat.yaml" -o "$WORK/policy.nft"
}
reload_to() { # MAPPING FILTERING
    policy_nat "$1" "$2" >/dev/null || return 1
    gateway_ask '{"cmd":"reload"}' >/dev/null
    kill -HUP "$GATEWAY_PID"
    local version
    version=$(in_policy)
    wait_for 60 policy_is "$version"
}
in_policy() { "$SAFELIB" policy show "$WORK/policy.nft" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["version"])'; }
policy_is() { [ "$(field image.status.policy.version)" = "$1" ]; }

policy_nat endpoint_independent endpoint_independent >/dev/null
host_start
gateway_start
wait_for 60 state_is running || {
    tail -n 8 "$WORK/gateway.log"
    tail -n 8 "$WORK/host.log"
    exit 1
}
wait_for 60 mtu_found
background wan turn.log turnserver -n --no-tls --no-dtls --no-auth --no-cli --log-file stdout --no-software-attribute \
    -L 10.2.0.2 -L 10.2.0.3 -p 3478 --alt-listening-port 3479 --relay-ip 10.2.0.2 --pidfile "$WORK/turn.pid" --db "$WORK/turn.db"
for port in 3478 3479; do wait_for 60 eval "[ \$(in_ns wan ss -Hlnu sport = :$port | grep -cE '10\.2\.0\.[23]:') -ge 2 ]"; done

# behaviours as policy words, and as coturn calls them
finds() { # OPTION BEHAVIOUR KIND
    local text
    case $2 in
    endpoint_independent) text="Endpoint Independent" ;;
    address_dependent) text="Address Dependent" ;;
    *) text="Address and Port Dependent" ;;
    esac
    # It sends everything once and waits three seconds for the answer, which looks like filtering on a machine that stands
    # still for so long: then it is asked again. What our NAT filters, it filters each time.
    for _ in 1 2 3; do
        in_ns lan timeout 120 turnutils_natdiscovery "$1" -p 3478 10.2.0.2 >"$WORK/discovery.log" 2>&1
        if grep -q "NAT with $text $3" "$WORK/discovery.log"; then return 0; fi
        cat "$WORK/discovery.log"
        grep -q "receive timeout" "$WORK/discovery.log" || return 1
    done
    return 1
}
for setting in "endpoint_independent endpoint_independent" "address_dependent address_dependent" \
    "address_and_port_dependent address_and_port_dependent"; do
    # shellcheck disable=SC2086
    set -- $setting
    say "mapping $1, filtering $2"
    check "the policy is taken, live" reload_to "$1" "$2"
    check "turnutils_natdiscovery finds that mapping" finds -m "$1" Mapping
    check "turnutils_natdiscovery finds that filtering" finds -f "$2" Filtering
done

say "one host to another by its outside address"
reload_to endpoint_independent endpoint_independent
in_ns lan ip addr add 10.1.0.3/24 dev eth0
background lan server.log socat -u UDP4-RECV:7000,bind=10.1.0.3,reuseaddr OPEN:"$WORK/got",creat,append
# the server's mapping: what the WAN sees of it
background wan sees.log socat -u -d -d UDP4-RECVFROM:7001 OPEN:/dev/null
wait_for 60 listens wan 7001 u
wait_for 60 listens lan 7000 u
echo x | in_ns lan socat -u - UDP4-SENDTO:10.2.0.2:7001,bind=10.1.0.3:7000,reuseaddr,reuseport 2>/dev/null
wait_for 60 grep -q 198.51.100 "$WORK/sees.log"
OUTSIDE=$(grep -o '198\.51\.100\.[0-9]*:[0-9]*' "$WORK/sees.log" | head -n 1)
say "        10.1.0.3:7000 is $OUTSIDE outside"
hairpin() {
    echo hairpin | in_ns lan socat -u - "UDP4-SENDTO:$OUTSIDE,bind=10.1.0.2:7002,reuseaddr"
    grep -q hairpin "$WORK/got"
}
check "hairpinning" wait_for 60 hairpin

say "the rest"
check "ping" in_ns lan ping -c 2 -i 0.2 -W 30 10.2.0.2
check "ping in fragments" in_ns lan ping -c 3 -i 0.3 -W 30 -s 4000 10.2.0.2
background wan big.log socat -u UDP4-RECV:7005,bind=10.2.0.2,rcvbuf=200000 OPEN:"$WORK/big",creat,append
head -c 9000 /dev/zero | tr '\0' f >"$WORK/sent"
wait_for 60 listens wan 7005 u
big_came() {
    in_ns lan socat -u -b 9000 FILE:"$WORK/sent" UDP4-SENDTO:10.2.0.2:7005
    head -c 9000 "$WORK/big" 2>/dev/null | cmp -s - "$WORK/sent"
}
check "a datagram of 9000 bytes, in fragments" wait_for 60 big_came
whole() { # a ping that got lost is made up for
    in_ns lan ping -c 1 -W 30 -s 4000 10.2.0.2
    [ "$("$SAFELIB" status --socket "$WORK/gateway.sock" --json | grep -o '"datagrams": *[0-9]*' | grep -o '[0-9]*$' | sort -n | tail -n 1)" -ge 7 ]
}
check "the image has put them together" wait_for 60 whole
background wan web.log socat TCP-LISTEN:80,fork,reuseaddr "SYSTEM:echo you are \$SOCAT_PEERADDR"
check "TCP: the server sees an outside address" wait_for 60 bash -c \
    "ip netns exec $P-lan timeout 60 socat -u TCP:10.2.0.2:80 - | grep -q 'you are 198.51.100'"
check "a closed port's ICMP error finds its host" bash -c \
    "echo x | ip netns exec $P-lan timeout 60 socat -t30 - UDP:10.2.0.2:9 2>&1 | grep -q 'Connection refused'"
check "nobody gets in unasked" bash -c "! ip netns exec $P-wan timeout 2 socat -u TCP:198.51.100.1:80,connect-timeout=1 - 2>/dev/null"
check "counters are told" wait_for 60 bash -c "'$SAFELIB' status --socket '$WORK/gateway.sock' | grep -A60 nat44 | grep -q hairpinned"
"$SAFELIB" status --socket "$WORK/gateway.sock" | sed -n '/nat44/,/heap/p' | head -n 60 | sed 's/^/        /'
say "NAT64: what the IPv4 side sends without DF is cut to what IPv6 takes"
cat >"$WORK/nat.yaml" <<'YAML'
inside: ['fd01::/64']
outside: {addresses: [198.51.100.0/30]}
nat64: {prefix: 'fd64::/96'}
YAML
to_nat64() {
    "$SAFELIB" policy compile --kind nat "$WORK/nat.yaml" -o "$WORK/policy.nft" >/dev/null
    kill -HUP "$GATEWAY_PID"
    wait_for 60 policy_is "$(in_policy)"
}
check "the policy is taken, live" to_nat64
background lan cut.log tcpdump -n -l -i eth0 'ip6[6] == 44 and src net fd64::/96'
wait_for 60 grep -q listening "$WORK/cut.log"
check "ping, whole" in_ns lan ping -c 2 -i 0.2 -W 30 fd64::10.2.0.2
check "an answer of 1500 bytes" in_ns lan ping -c 2 -i 0.2 -W 30 -s 1472 fd64::10.2.0.2
check "in fragments of 1500 bytes" in_ns lan ping -c 2 -i 0.2 -W 30 -s 4000 fd64::10.2.0.2
of_two_and_five() { [ "$(grep -c "frag (" "$WORK/cut.log")" -eq 14 ] && ! grep -q "frag (.*|1[3-9]" "$WORK/cut.log"; }
check "which came in two fragments each, and in five, of at most 1280 bytes" wait_for 60 of_two_and_five
[ "$FAILED" -eq 0 ] || grep "frag (" "$WORK/cut.log" | head -n 20
finish
