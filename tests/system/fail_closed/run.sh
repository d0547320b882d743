#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whatever breaks: a clear message, a defined state, and nothing bypasses the chain.
#
#   lan ---- gw ==== cloud: safelib-host [ safelib-nf ]
#             |
#            wan      kernel routing alone would lead lan -> gw -> wan: the tempting bypass
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"

reaches() { in_ns lan ping -c 1 -W 1 10.2.0.2 && in_ns lan ping -6 -c 1 -W 1 fd02::2; }
# Nothing of the LAN's may arrive, either way: counted by the kernel at the far end.
watch_leaks() {
    in_ns wan nft -f - <<'NFT'
table inet leak {
    counter from_lan { }
    chain in {
        type filter hook input priority 0; policy accept;
        ip saddr 10.1.0.0/24 counter name from_lan
        ip6 saddr fd01::/64 counter name from_lan
    }
}
NFT
}
leaked() { in_ns wan nft list counter inet leak from_lan | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
leaks_nothing() {
    local before after
    before=$(leaked)
    in_ns lan ping -c 2 -i 0.2 -W 1 10.2.0.2 && return 1
    in_ns lan ping -6 -c 2 -i 0.2 -W 1 fd02::2 && return 1
    echo x | in_ns lan timeout 1 socat -t0.2 - UDP:10.2.0.2:7001
    in_ns wan timeout 3 ping -c 1 -W 1 10.1.0.2 && return 1
    after=$(leaked)
    echo "from the LAN: $before before, $after after"
    [ "$after" = "$before" ]
}

say "configuration"
require_root
key_new
key_new other
policy_default
net_up || exit 1
watch_leaks
check "without a gateway the kernel would forward" wait_for 60 reaches
check "which the counter at the far end sees" [ "$(leaked)" -gt 0 ]
gateway_config
refused() { # TEXT SED-EXPRESSION EXPECTED
    sed "$2" "$WORK/gateway.yaml" >"$WORK/bad.yaml"
    in_ns gw "$GATEWAY" --config "$WORK/bad.yaml" >"$WORK/bad.log" 2>&1
    local code=$?
    if [ $code -ne 0 ] && grep -q -- "$3" "$WORK/bad.log"; then pass "$1"; else
        fail "$1 (exit $code)"
        cat "$WORK/bad.log"
    fi
}
refused "a misspelt key: which, and where" 's/tenant_key/tennant_key/' 'Unexpected key: tennant_key (line: 2'
refused "nothing about attestation" '/attestation/d' 'attestation.references: expected at least one identity'
refused "attestation is not to be skipped" '$a insecure_skip_attestation: true' 'insecure_skip_attestation: is gone'
refused "a word that is not quite true" 's/emulated: true/emulated: yep/' 'yep.*line: 3'
refused "no such key file" 's/tenant.pem/absent.pem/' 'tenant_key: .*absent.pem'
refused "no such interface" 's/interface: lan0/interface: lan7/' 'no interface "lan7"'
refused "no such policy" 's/policy.nft/absent.nft/' 'policy: .*absent.nft'
refused "an MTU that IPv6 cannot live with" '$a tunnel: {mtu: 1200}' 'mtu: 1200 is under 1280'
chmod 644 "$WORK/other.pem"
refused "a key that others can read" 's/tenant.pem/other.pem/' 'other.pem'
chmod 600 "$WORK/other.pem"
echo 'table inet t { chain c { type filter hook forward priority 0; tcp dport ; } }' >"$WORK/bad.nft"
refused "a policy that is not one" 's/policy.nft/bad.nft/' 'policy: '
in_ns gw "$GATEWAY" down --config "$WORK/gateway.yaml"
check "after down, the kernel routes as before" wait_for 60 reaches

say "dead host"
gateway_start
check "state connecting" wait_for 60 state_is connecting
check "the reason names address and port" wait_for 60 grep -q "192.0.2.2 port 4433" "$WORK/gateway.log"
check "nothing passes" leaks_nothing
check "dropped packets are counted" wait_for 60 eval '[ "$(field tunnel.slots.0.counters.drop_no_sa)" -gt 0 ]'

say "host appears"
host_start
check "state running" wait_for 60 state_is running
check "traffic passes" wait_for 60 reaches

say "image restarted"
first=$(field image.key_sha256)
old_spi=$(field tunnel.slots.0.sa_out.spi)
stop "$HOST_PID" KILL
check "state degraded or connecting" wait_for 60 eval '! state_is running'
check "nothing passes while it is away" leaks_nothing
host_start
check "state running again" wait_for 60 state_is running
check "traffic passes again" wait_for 60 reaches
check "with another image key" [ "$(field image.key_sha256)" != "$first" ]
check "with other SAs" [ "$(field tunnel.slots.0.sa_out.spi)" != "$old_spi" ]
check "the restart was noticed" wait_for 60 eval '[ "$(field session.image_restarts)" -ge 1 ]'

say "killed gateway"
stop "$GATEWAY_PID" KILL
check "lan is told at once that nothing leads there" bash -c \
    "ip netns exec $P-lan ping -c 4 -i 0.7 -W 1 10.2.0.2 | grep -i unreachable"
check "nothing passes after kill -9" leaks_nothing
gateway_start
check "started again: state running" wait_for 60 state_is running
check "traffic passes" wait_for 60 reaches
stop "$GATEWAY_PID" TERM
check "nothing passes after an orderly end either" leaks_nothing

say "wrong key"
GW_KEY=other
gateway_start
check "state stopped" wait_for 60 state_is stopped
check "the reason says whose key is expected, and by whom" wait_for 60 grep -q 'tenant-key-sha256' "$WORK/gateway.log"
check "nothing passes" leaks_nothing
stop "$GATEWAY_PID"

say "rekey under traffic"
GW_KEY=tenant
GW_EXTRA='tunnel: {rekey_packets: 1000, rekey_seconds: 10}'
gateway_start
check "state running" wait_for 60 state_is running
before=$(field session.rekeys)
traffic_serve 7001
traffic_start 600 RATE=2000
check "keys are changed" wait_for 600 eval '[ "$(field session.rekeys)" -ge $((before + 2)) ]'
traffic_end
check "no datagram was lost meanwhile" traffic_is_whole 400
before=$(field session.rekeys)
check "12000 packets pass" in_ns lan ping -q -f -c 12000 -W 30 10.2.0.2
check "keys were changed meanwhile" wait_for 60 eval '[ "$(field session.rekeys)" -gt "$before" ]'
check "nothing was refused" [ "$(field tunnel.slots.0.counters.drop_spi)" = 0 ]
stop "$GATEWAY_PID"
in_ns gw "$GATEWAY" down --config "$WORK/gateway.yaml"
check_not "down leaves no rule" bash -c "ip netns exec $P-gw ip rule | grep -q 'iif'"
finish
