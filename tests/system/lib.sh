# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Namespaces LAN - gateway - cloud - WAN, the programs in them, and waiting that always ends.
# Source it, then: net_up; host_start; gateway_start; ... Everything goes away on exit and Ctrl-C.
#
#   lan 10.1.0.2 ---- 10.1.0.1 gw 192.0.2.1 ---- 192.0.2.2 cloud (safelib-host + NF image)
#       fd01::2       fd01::1  |    fd92::1        fd92::2
#                              | 10.2.0.1 / fd02::1
#                              +---- 10.2.0.2 / fd02::2 wan
#
# Overrides by environment: NET_MTU (underlay gw-cloud), NET_ROUTERS, EDGE_MTU, OUTER_VERSION, HOST_ARGS, GW_EXTRA (YAML), GW_ATTESTATION (YAML), DEVICE, GATEWAY, HOST, IMAGE (programs).
set -u
set -o pipefail

BUILD=$(cd "${1:-${BUILD:-build}}" && pwd)
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
P=${PREFIX:-sl$$}
WORK=$(mktemp -d "/tmp/$P.XXXXXX")
PIDS=()
PASSED=0
FAILED=0
OUTER_VERSION=${OUTER_VERSION:-4}

program() { # NAME: path of one of our programs
    if [ -x "$BUILD/cmd/$1/$1" ]; then echo "$BUILD/cmd/$1/$1"; else echo "$BUILD/$1"; fi
}
# overrides: a sanitized gateway with the image of the normal build, say
GATEWAY=${GATEWAY:-$(program safelib-gateway)}
HOST=${HOST:-$(program safelib-host)}
IMAGE=${IMAGE:-$(program safelib-nf)}
SAFELIB=$(program safelib)

say() { printf '%s\n' "$*"; }
pass() { PASSED=$((PASSED + 1)); say "  ok    $*"; }
fail() {
    FAILED=$((FAILED + 1))
    say "  FAIL  $*"
}
check() { # TEXT COMMAND...: the command must succeed
    local text=$1
    shift
    if "$@" >"$WORK/check.log" 2>&1; then pass "$text"; else
        fail "$text: $*"
        sed 's/^/        /' "$WORK/check.log" | tail -15
    fi
}
check_not() { # TEXT COMMAND...: the command must fail
    local text=$1
    shift
    if "$@" >"$WORK/check.log" 2>&1; then fail "$text: $*"; else pass "$text"; fi
}
finish() { # last line of a scenario
    say "$PASSED checks passed, $FAILED failed"
    [ "$FAILED" -eq 0 ]
}
skip() {
    say "skipped: $*"
    exit 77
}

require_root() {
    [ "$(id -u)" -eq 0 ] || skip "needs root (network namespaces)"
    [ -c /dev/net/tun ] || skip "/dev/net/tun is not there"
    ip netns list >/dev/null 2>&1 || skip "ip netns does not work here"
    [ -x "$IMAGE" ] || skip "the NF image was not built"
}

in_ns() { # NS COMMAND...
    local ns=$1
    shift
    ip netns exec "$P-$ns" "$@"
}
background() { # NS LOG COMMAND...: LAST_PID is the program itself
    local ns=$1 log=$2
    shift 2
    ip netns exec "$P-$ns" "$@" >"$WORK/$log" 2>&1 &
    LAST_PID=$!
    disown "$LAST_PID" # bash would report its end into the scenario's output
    PIDS+=("$LAST_PID")
}
is_alive() { [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
# Give what must become true a minute at least: a machine may be slow, or stand still for seconds. It costs nothing where
# the condition holds. What must not become true is not to be waited for with this.
wait_for() { # SECONDS COMMAND...: until it succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}
listens() { # NS PORT [u]: whether a program there has the TCP (UDP) port
    in_ns "$1" ss -Hln"${3:-t}" "sport = :$2" | grep -q .
}
telnet_within() { # SECONDS: whether the WAN's port 23 says hello
    in_ns lan timeout "$1" socat -u "TCP:10.2.0.2:23,connect-timeout=$1" - 2>/dev/null | grep -q hello
}
telnet() { telnet_within 2; }
control_cut() { # RULE: what becomes of the control channel's packets, until control_mend
    in_ns cloud nft add table inet cut
    in_ns cloud nft add chain inet cut in '{ type filter hook input priority 0; }'
    in_ns cloud nft add rule inet cut in tcp dport 4433 "$@"
}
control_mend() { in_ns cloud nft delete table inet cut; }
# A server for one measurement: one that has just served another may be between two listening sockets.
iperf_serve() { # [NS]
    if [ -n "${IPERF_PID:-}" ]; then
        wait_for 60 eval '! is_alive "$IPERF_PID"' || stop "$IPERF_PID"
    fi
    background "${1:-wan}" iperf.log iperf3 -s -1
    IPERF_PID=$LAST_PID
    wait_for 60 listens "${1:-wan}" 5201
}
# Datagrams LAN to WAN and back of which none may be lost, however slow the machine is: see window.py.
traffic_serve() { # PORT
    background wan traffic.log python3 "$SOURCE/tests/system/window.py" serve 10.2.0.2 "$1"
    wait_for 60 listens wan "$1" u
    TRAFFIC_PORT=$1
}
traffic_start() { # SECONDS [NAME=VALUE...]: at the most so long
    local seconds=$1
    shift
    rm -f "$WORK/enough"
    in_ns lan env "$@" python3 "$SOURCE/tests/system/window.py" send 10.2.0.2 "$TRAFFIC_PORT" "$seconds" "$WORK/enough" >"$WORK/traffic.json" &
    TRAFFIC_PID=$!
}
traffic_end() { # sends no more, waits for what is under way
    touch "$WORK/enough"
    wait "$TRAFFIC_PID"
}
traffic() { # sent | lost
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$WORK/traffic.json" "$1"
}
traffic_is_whole() { # LEAST: sent so many at least, and lost none
    say "$(traffic sent) datagrams, $(traffic lost) lost"
    [ "$(traffic sent)" -ge "$1" ] && [ "$(traffic lost)" = 0 ]
}
stop() { # PID [SIGNAL]: ends it, waits, at most a minute
    local pid=$1
    kill "-${2:-TERM}" "$pid" 2>/dev/null || return 0
    for _ in $(seq 600); do
        is_alive "$pid" || break
        sleep 0.1
    done
    is_alive "$pid" && kill -KILL "$pid" 2>/dev/null
    return 0
}

net_down() {
    local ns
    for ns in lan gw cloud wan r1 r2; do
        ip netns pids "$P-$ns" 2>/dev/null | xargs -r kill -KILL 2>/dev/null # a server's children, say, with a connection that never ends
        ip netns del "$P-$ns" 2>/dev/null
    done
    return 0
}
cleanup() {
    trap - EXIT INT TERM
    local pid
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do kill -TERM "$pid" 2>/dev/null; done
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do
        for _ in $(seq 30); do
            is_alive "$pid" || break
            sleep 0.1
        done
        is_alive "$pid" && kill -KILL "$pid" 2>/dev/null
    done
    net_down
    if [ "${KEEP:-0}" = 1 ]; then say "kept: $WORK"; else rm -rf "$WORK"; fi
}
on_signal() {
    cleanup
    exit 130
}
trap cleanup EXIT
trap on_signal INT TERM

link_up() { # NS_A IF_A NS_B IF_B MTU
    ip link add "$2" netns "$P-$1" mtu "$5" type veth peer name "$4" netns "$P-$3" mtu "$5"
    in_ns "$1" ip link set "$2" up
    in_ns "$3" ip link set "$4" up
}
addr() { # NS IF ADDRESS...
    local ns=$1 dev=$2 a
    shift 2
    for a in "$@"; do
        case $a in
        *:*) in_ns "$ns" ip -6 addr add "$a" dev "$dev" nodad ;;
        *) in_ns "$ns" ip addr add "$a" dev "$dev" ;;
        esac
    done
}
# With NET_ROUTERS=1 the underlay is gw --9000-- r1 --NET_MTU-- r2 --9000-- cloud: no end sees the
# narrow link, and only the routers know of it.
routers_up() { # MTU
    local ns
    for ns in r1 r2; do
        ip netns add "$P-$ns"
        in_ns $ns ip link set lo up
        in_ns $ns sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0
    done
    link_up gw up0 r1 up0 9000
    link_up r1 mid0 r2 mid0 "$1"
    link_up r2 down0 cloud eth0 9000
    addr gw up0 192.0.2.1/30 fd92::1/126
    addr r1 up0 192.0.2.2/30 fd92::2/126
    addr r1 mid0 192.0.2.5/30 fd92::5/126
    addr r2 mid0 192.0.2.6/30 fd92::6/126
    addr r2 down0 192.0.2.9/30 fd92::9/126
    addr cloud eth0 192.0.2.10/30 fd92::a/126
    in_ns gw ip route add 192.0.2.8/30 via 192.0.2.2
    in_ns gw ip -6 route add fd92::8/126 via fd92::2
    in_ns r1 ip route add 192.0.2.8/30 via 192.0.2.6
    in_ns r1 ip -6 route add fd92::8/126 via fd92::6
    in_ns r2 ip route add default via 192.0.2.5
    in_ns r2 ip -6 route add default via fd92::5
    in_ns cloud ip route add default via 192.0.2.9
    in_ns cloud ip -6 route add default via fd92::9
}
net_up() {
    local ns mtu=${NET_MTU:-1500} edge=${EDGE_MTU:-1500}
    for ns in lan gw cloud wan; do
        ip netns add "$P-$ns" || return 1
        in_ns $ns ip link set lo up
    done
    link_up lan eth0 gw lan0 "$edge"
    link_up gw wan0 wan eth0 "$edge"
    if [ "${NET_ROUTERS:-0}" = 1 ]; then routers_up "$mtu"; else
        link_up gw up0 cloud eth0 "$mtu"
        addr gw up0 192.0.2.1/24 fd92::1/64
        addr cloud eth0 192.0.2.2/24 fd92::2/64
    fi
    addr lan eth0 10.1.0.2/24 fd01::2/64
    addr gw lan0 10.1.0.1/24 fd01::1/64
    addr gw wan0 10.2.0.1/24 fd02::1/64
    addr wan eth0 10.2.0.2/24 fd02::2/64
    in_ns lan ip route add default via 10.1.0.1
    in_ns lan ip -6 route add default via fd01::1
    in_ns wan ip route add default via 10.2.0.1
    in_ns wan ip -6 route add default via fd02::1
    in_ns gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}
host_address() {
    local last=2
    [ "${NET_ROUTERS:-0}" = 1 ] && last=10
    if [ "$OUTER_VERSION" = 6 ]; then printf 'fd92::%x\n' $last; else echo 192.0.2.$last; fi
}

key_new() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/${1:-tenant}.pem" 2>/dev/null
    chmod 600 "$WORK/${1:-tenant}.pem"
}
key_hash() { # the SPKI hash that the host gives to the image
    openssl pkey -in "$WORK/${1:-tenant}.pem" -pubout -outform DER 2>/dev/null | sha256sum | cut -d' ' -f1
}
policy_default() { # the rules every scenario starts with: web, iperf3, DNS, ping; port 23 is forbidden
    cat >"$WORK/policy.nft" <<'RULES'
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        tcp dport 23 drop comment "no telnet"
        tcp dport { 80, 443, 5201, 7000-7100 } accept
        tcp sport { 80, 443, 5201, 7000-7100 } accept
        udp dport { 53, 5201, 7000-7100 } accept
        udp sport { 53, 5201, 7000-7100 } accept
        ip protocol icmp accept
        meta l4proto ipv6-icmp accept
    }
}
RULES
}
host_start() { # [more options]: HOST_PID
    local any=0.0.0.0
    [ "$OUTER_VERSION" = 6 ] && any='[::]'
    # shellcheck disable=SC2086
    background cloud host.log "$HOST" --image "$IMAGE" --device "${DEVICE:-emu}" \
        --listen "$any:4500" --control "$any:4433" --status "$WORK/host.sock" \
        --tenant-key-sha256 "$(key_hash)" ${HOST_ARGS:-} "$@"
    HOST_PID=$LAST_PID
}
attestation_default() { # accepts our image, also where it runs on the emulator
    printf 'attestation: {references: [{mrenclave: %s}], insecure_allow_emulated: true}\n' "$("$SAFELIB" image measure "$IMAGE")"
}
gateway_config() {
    cat >"$WORK/gateway.yaml" <<YAML
host: {address: "${GW_HOST:-$(host_address)}"${GW_HOST_MORE:-}}
tenant_key: $WORK/${GW_KEY:-tenant}.pem
${GW_ATTESTATION:-$(attestation_default)}
policy: $WORK/policy.nft
status_socket: $WORK/gateway.sock
state_dir: $WORK/state
lan: {tun: sl-lan, interface: lan0}
wan: {tun: sl-wan, interface: wan0}
${GW_EXTRA:-}
YAML
}
gateway_start() { # GATEWAY_PID
    gateway_config
    background gw gateway.log "$GATEWAY" --config "$WORK/gateway.yaml"
    GATEWAY_PID=$LAST_PID
}
gateway_ask() { # JSON request, as text
    printf '%s\n' "$1" | timeout 30 socat -t30 - "UNIX-CONNECT:$WORK/gateway.sock"
}
gateway_state() { field state; }
gateway_reason() { field reason; }
state_is() { [ "$(gateway_state)" = "$1" ]; }
field() { # dotted path in the gateway's status
    gateway_ask '{"cmd":"status"}' 2>/dev/null | python3 -c '
import json, sys
at = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    at = at[int(key)] if isinstance(at, list) else at[key]
print(at)' "$1" 2>/dev/null
}
mtu_found() { [ "$(field tunnel.mtu.state)" = complete ]; }
all_up() { # keys, policy, host, gateway; waits until traffic can pass
    require_root
    key_new
    policy_default
    net_up || return 1
    host_start
    gateway_start
    if ! wait_for 60 state_is running; then
        say "the gateway does not get to state running:"
        sed 's/^/  gateway: /' "$WORK/gateway.log" | tail -10
        sed 's/^/  host:    /' "$WORK/host.log" | tail -10
        return 1
    fi
    wait_for 60 mtu_found
}
