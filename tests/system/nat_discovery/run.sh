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
command -v turnutils_natdiscovery >/dev/null && command -v turnserver >/dev/null || skip "coturn is not installed"
require_root
key_new
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
discover() { # LOG OPTIONS...
    local log=$1
    shift
    in_ns lan timeout 60 turnutils_natdiscovery "$@" -p 3478 10.2.0.2 >"$WORK/$log" 2>&1
}
reload_to() { # MAPPING FILTERING
    policy_nat "$1" "$2" >/dev/null || return 1
    gateway_ask '{"cmd":"reload"}' >/dev/null
    kill -HUP "$GATEWAY_PID"
    local version
    version=$(in_policy)
    wait_for 10 policy_is "$version"
}
in_policy() { "$SAFELIB" policy show "$WORK/policy.nft" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["version"])'; }
policy_is() { [ "$(field image.status.policy.version)" = "$1" ]; }

policy_nat endpoint_independent endpoint_independent >/dev/null
host_start
gateway_start
wait_for 20 state_is running || {
    tail -n 8 "$WORK/gateway.log"
    tail -n 8 "$WORK/host.log"
    exit 1
}
wait_for 10 mtu_found
background wan turn.log turnserver -n --no-tls --no-dtls --no-auth --no-cli --log-file stdout --no-software-attribute \
    -L 10.2.0.2 -L 10.2.0.3 -p 3478 --alt-listening-port 3479 --relay-ip 10.2.0.2 --pidfile "$WORK/turn.pid" --db "$WORK/turn.db"
wait_for 10 in_ns wan socat -u OPEN:/dev/null TCP:10.2.0.2:3478,connect-timeout=1

for setting in "endpoint_independent endpoint_independent" "address_dependent address_dependent" \
    "address_and_port_dependent address_and_port_dependent" "endpoint_independent address_dependent" \
    "endpoint_independent address_and_port_dependent"; do
    # shellcheck disable=SC2086
    set -- $setting
    say "mapping $1, filtering $2"
    check "the policy is taken, live" reload_to "$1" "$2"
    discover m.log -m
    discover f.log -f
    cat "$WORK/m.log" "$WORK/f.log"
done
finish
