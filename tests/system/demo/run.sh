#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job, shown: real traffic through a firewall inside an enclave.
#
#      10.1.0.2          10.1.0.1 | 192.0.2.1            192.0.2.2
#     ┌───────┐           ┌───────────────┐           ┌──────────────────────────────┐
#     │  LAN  ├───────────┤    gateway    ╞═══════════╡ cloud: safelib-host          │
#     │ curl  │           │               │ ESP/UDP   │        └─ safelib-nf (TEE):  │
#     └───────┘           └───────┬───────┘  4500     │           decrypt, firewall, │
#                        10.2.0.1 │                   │           encrypt            │
#     ┌───────┐                   │                   └──────────────────────────────┘
#     │  WAN  ├───────────────────┘      every packet LAN→WAN and back goes
#     │  web  │                          gateway ═> enclave ═> gateway
#     └───────┘ 10.2.0.2
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
seconds=${DEMO_SECONDS:-5}
MEMSCAN=$BUILD/tests/tools/memscan
marker="SafeLib-demo-page-$RANDOM$RANDOM$RANDOM"

bold='' dim='' red='' green='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; fi
step() { say "" && say "${bold}$*${plain}"; }
indent() { sed "s/^/    /"; }
die() {
    say "${red}demo: $*${plain}"
    for log in gateway host; do [ -s "$WORK/$log.log" ] && tail -n 8 "$WORK/$log.log" | sed "s/^/    $log: /"; done
    exit 1
}

policy_demo() {
    cat >"$WORK/policy.nft" <<'RULES'
table inet demo {
    chain forward {
        type filter hook forward priority 0; policy drop;
        tcp dport 23 drop comment "telnet is forbidden here"
        tcp dport { 80, 5201 } accept
        tcp sport { 80, 5201 } accept
        ip protocol icmp accept
    }
}
RULES
}

show_topology() {
    sed -n "5,15s/^# /  /p" "$0"
}

start_everything() {
    key_new
    policy_demo
    net_up || die "the namespaces could not be made"
    background cloud wire.log tcpdump -i eth0 -s 256 -c 2000 -U -w "$WORK/wire.pcap" udp port 4500
    wait_for 60 grep -q listening "$WORK/wire.log"
    mkdir "$WORK/www" && printf '<h1>%s</h1>\n' "$marker" >"$WORK/www/index.html"
    background wan web.log python3 -m http.server --directory "$WORK/www" --bind 10.2.0.2 80
    host_start
    gateway_start
    wait_for 60 state_is running || die "the gateway does not get to state running"
    wait_for 60 mtu_found || die "the path MTU was not found"
    wait_for 60 in_ns wan curl -s -o /dev/null http://10.2.0.2/ || die "the web server does not answer on its own side"
}

show_what_runs() {
    grep -E 'mrenclave|device|protection' "$WORK/host.log" | indent
    grep -hE '^WARNING|: WARNING' "$WORK/host.log" "$WORK/gateway.log" | awk '!seen[$0]++' |
        sed "s/^/    ${red}/; s/\$/${plain}/"
}

show_attestation() {
    say "    \$ safelib attest now"
    "$SAFELIB" attest now --socket "$WORK/gateway.sock" | indent || die "the image could not be attested again"
    "$SAFELIB" status --socket "$WORK/gateway.sock" | sed -n '/^attestation/,/^tunnel/p' | sed '$d' | fold -s -w 140 | indent
}

# The same gateway, and a host that has changed one letter of the image.
swap_image() {
    python3 - "$IMAGE" "$WORK/changed-nf" <<'PY' || die "no changed image"
import os, sys
image = bytearray(open(sys.argv[1], "rb").read())
image[image.index(b"SafeLib NF image")] ^= 0x20
open(sys.argv[2], "wb").write(image)
os.chmod(sys.argv[2], 0o755)
PY
    stop "$HOST_PID"
    IMAGE=$WORK/changed-nf host_start
    refused() { state_is stopped && gateway_reason | grep -q '^attestation: identity'; }
    wait_for 60 refused || die "the changed image was not refused: $(gateway_state): $(gateway_reason)"
    "$SAFELIB" status --socket "$WORK/gateway.sock" | sed -n '2d; /^tunnel/q; p' | fold -s -w 140 | indent
    in_ns lan timeout 5 curl -s -m 2 -o /dev/null http://10.2.0.2/ && die "something passed"
    say "    curl http://10.2.0.2/: no answer. The changed image got no key, no rule and no packet."
}

fetch_page() {
    local page
    page=$(in_ns lan curl -s -m 60 http://10.2.0.2/) || die "curl got no page through the chain"
    say "$page" | indent
    [[ $page == *"$marker"* ]] || die "that is not the page"
}

try_forbidden() {
    in_ns lan timeout 5 curl -s -m 2 telnet://10.2.0.2:23 </dev/null >/dev/null && die "port 23 was not refused"
    say "    curl telnet://10.2.0.2:23: no answer. Why?"
    say "    \$ safelib explain 'tcp 10.1.0.2:1234 > 10.2.0.2:23'"
    "$SAFELIB" explain --socket "$WORK/gateway.sock" 'tcp 10.1.0.2:1234 > 10.2.0.2:23' >"$WORK/explain.log" 2>&1
    indent <"$WORK/explain.log"
    grep -qi 'drop' "$WORK/explain.log" || die "explain does not name the verdict"
}

measure() {
    iperf_serve
    in_ns lan timeout $((seconds + 120)) iperf3 -c 10.2.0.2 -t "$seconds" -f g >"$WORK/iperf3.log" 2>&1 ||
        die "iperf3 failed: $(tail -n 1 "$WORK/iperf3.log")"
    grep -E 'sender|receiver' "$WORK/iperf3.log" | indent
}

# The host's memory outside the enclave, the wire and the files, searched for the page's marker, the rules'
# text and the compiled policy. A copy of the marker planted in a file proves that the search finds.
search_secrets() {
    "$SAFELIB" policy compile "$WORK/policy.nft" -o "$WORK/policy.slp" >/dev/null || die "the policy does not compile"
    {
        printf 'page-marker %s\n' "$(printf %s "$marker" | od -An -v -tx1 | tr -d ' \n')"
        printf 'rule-comment %s\n' "$(printf %s 'telnet is forbidden here' | od -An -v -tx1 | tr -d ' \n')"
        printf 'compiled-policy %s\n' "$(tail -c +49 "$WORK/policy.slp" | head -c 64 | od -An -v -tx1 | tr -d ' \n')"
    } >"$WORK/patterns"
    printf 'xx%sxx' "$marker" >"$WORK/planted"
    if "$MEMSCAN" --patterns "$WORK/patterns" --file "$WORK/planted" >/dev/null; then
        die "the search does not find a planted marker"
    fi
    local range
    range=$(sed -n 's/^ *enclave *0x\([0-9a-f]*\)-0x\([0-9a-f]*\).*/\1-\2/p' "$WORK/host.log")
    local processor
    processor=$(sed -n "s/^ *emulated processor's registers 0x\([0-9a-f]*\)-0x\([0-9a-f]*\).*/\1-\2/p" "$WORK/host.log")
    [ -n "$range" ] && [ -n "$processor" ] || die "the host does not say where the enclave lies"
    in_ns lan curl -s -m 60 -o /dev/null http://10.2.0.2/
    "$MEMSCAN" --patterns "$WORK/patterns" --pid "$HOST_PID" --exclude "$range" --exclude "$processor" \
        --file "$WORK/wire.pcap" --file "$WORK/host.log" >"$WORK/scan.log" 2>&1
    local rc=$?
    indent <"$WORK/scan.log"
    [ $rc -eq 0 ] || die "something was found that the cloud must not see"
}

show_wire() {
    tcpdump -r "$WORK/wire.pcap" -nn -X -c 1 'udp[4:2] > 200' 2>/dev/null | head -n 8 | indent
    say "    ${dim}$(tcpdump -r "$WORK/wire.pcap" -nn 2>/dev/null | wc -l) packets recorded first on the wire (trains count once)${plain}"
}

show_status() {
    "$SAFELIB" status --socket "$WORK/gateway.sock" | indent || die "status failed"
}

require_root
say "${bold}SafeLib: a firewall in an enclave on a machine that is not trusted${plain}"
say ""
show_topology
step "1. Start: namespaces, host, image, gateway"
start_everything
show_what_runs
step "2. What the gateway has verified before it gave the image anything"
show_attestation
step "3. Fetch a web page from the LAN, through the enclave"
fetch_page
step "4. A forbidden port is refused, and the rule that did it is named"
try_forbidden
step "5. iperf3 for $seconds seconds through gateway and enclave"
measure
step "6. What the cloud could see: the wire"
show_wire
step "7. What the cloud could see: memory of safelib-host outside the enclave, wire and log, searched"
search_secrets
step "8. Counters, from inside the enclave and from the gateway"
show_status
step "9. The cloud starts an image with one letter changed"
swap_image
say ""
say "${green}demo: done${plain}; everything is stopped and removed."
