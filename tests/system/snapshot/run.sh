#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# State that survives: flows of a stateful firewall are saved under traffic, the image is started again, connections go on.
# And a host that hands back an older snapshot, a changed one, a cut one, one in another order, or the same one twice.
#
#   lan ---- gw ==== cloud: safelib-host --state [ safelib-nf: stateful firewall ]
#             |
#            wan: a server that speaks first, which only an established connection lets through
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
require_root
state=$WORK/image.state
flows=$state.flows
log=$WORK/state/audit.log
HOST_ARGS="--state $state"
GW_EXTRA='tunnel: {lease_seconds: 4}' # longer than a machine stands still
policy_default() {
    cat >"$WORK/policy.nft" <<'RULES'
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        ct state invalid drop
        ip saddr 10.1.0.0/24 ct state new accept
        ip protocol icmp accept
    }
}
RULES
}
all_up || exit 1
traffic_serve 7003

# One connection: the server sends a line for each file $WORK/NAME.N that appears; the client writes what it gets.
connect() { # NAME PORT
    background wan "$1.server" python3 -u -c '
import os, socket, sys, time
base, port = sys.argv[1], int(sys.argv[2])
s = socket.create_server(("10.2.0.2", port))
c, _ = s.accept()
n = 1
while True:
    if os.path.exists(f"{base}.{n}"):
        c.sendall(b"line %d\n" % n)
        n += 1
    time.sleep(0.02)' "$WORK/$1" "$2"
    wait_for 60 listens wan "$2"
    background lan "$1.client" python3 -u -c '
import socket, sys
c = socket.create_connection(("10.2.0.2", int(sys.argv[1])))
for line in c.makefile(): print(line, end="", flush=True)' "$2"
}
gets() { # NAME N: the server speaks, the client hears
    : >"$WORK/$1.$2"
    wait_for 60 grep -q "line $2" "$WORK/$1.client"
}
gets_nothing() { # NAME N
    : >"$WORK/$1.$2"
    sleep 3
    ! grep -q "line $2" "$WORK/$1.client"
}
snapshot() { "$SAFELIB" snapshot --socket "$WORK/gateway.sock" "$@"; }
saved() { snapshot >"$WORK/saved" 2>&1 && grep -q '^saved: ' "$WORK/saved"; }
restart_host() { # COMMAND...
    stop "$HOST_PID" KILL
    wait_for 60 eval '! state_is running'
    wait_for 60 eval '[ "$(field tunnel.slots.0.sa_out)" = None ]' # the lease is over
    "$@"
    host_start
    wait_for 60 state_is running
}
told() { field "image.snapshot.$1"; }
many_flows() { # NUMBER: that begin and are never answered
    in_ns lan python3 -c '
import socket, sys
for i in range(int(sys.argv[1])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", 20000 + i))
    s.sendto(b"x", ("10.2.0.2", 9))
    s.close()' "$1"
}
has_flows() { # NUMBER: in the image; a queue may have been too short for all of them at once
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
counters = json.load(sys.stdin)["image"]["status"]["chain"][0]["counters"]
sys.exit(counters["flow table: created"] < int(sys.argv[1]))' "$1" || { many_flows "$1" && false; }
}
in_ns wan nft add table ip quiet
in_ns wan nft add chain ip quiet in '{ type filter hook input priority 0; }'
in_ns wan nft add rule ip quiet in udp dport 9 drop # no ICMP back

say "a connection, and a snapshot under traffic"
connect one 7001
check "the server's first line arrives" gets one 1
check "1000 more flows" wait_for 60 has_flows 1000
traffic_start 600 RATE=1000
wait_for 60 has_flows 1010
check "safelib snapshot: saved" saved
say "        $(cat "$WORK/saved")"
traffic_end
check "no packet was lost meanwhile" traffic_is_whole 100
sed 's/^/        /' "$WORK/check.log"
check "all flows are in it" [ "$(snapshot --look --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["flows"] >= 1001)')" = True ]
check "it is with the host, for nobody else to read" [ "$(stat -c %a "$flows")" = 600 ]
check "the audit log names it" grep -q '"event":"snapshot","outcome":"ok".*"state":"saved"' "$log"

say "the image is started again"
restart_host true
check "it has its flows back" [ "$(told state)" = restored ]
check "all of them" [ "$(told flows)" -ge 1001 ]
check "the server speaks: the connection is still established" gets one 2
check "the gateway's log says so" grep -q 'snapshot: 10.* flows are back, 0 could not be' "$WORK/gateway.log"

say "the same one again"
restart_host true
check "is not asked for: what flows became since is newer" [ "$(told state)" = none ]
check "the connection is not known any more" gets_nothing one 3

say "an older one"
connect two 7002
check "a new connection" gets two 1
check "a snapshot" saved
cp "$flows" "$WORK/older"
check "and a newer one" saved
restart_host cp "$WORK/older" "$flows"
check "is refused" [ "$(told state)" = failed ]
check "by its epoch" eval 'told reason | grep -q "handed back an old one"'
check "which the gateway's log and audit log say" eval "grep -q 'snapshot: refused' '$WORK/gateway.log' && grep -q '\"event\":\"snapshot\",\"outcome\":\"refused\".*STALE' '$log'"
check "the image runs, without flows" [ "$(field image.status.snapshot.flows)" = 0 ]
check "the connection is not known" gets_nothing two 2

refused() { # TEXT CODE COMMAND...: what becomes of a snapshot that COMMAND has changed
    local text=$1 code=$2
    shift 2
    many_flows 400
    saved || fail "$text: no snapshot: $(cat "$WORK/saved")"
    restart_host "$@"
    if [ "$(told state) $(told code)" = "failed $code" ] && [ "$(field image.status.snapshot.flows)" = 0 ]; then
        pass "$text: refused, $code"
    else
        fail "$text: $(told state) $(told code) $(told reason), flows $(told flows)"
    fi
}
edit() { python3 -c '
import sys
d = bytearray(open(sys.argv[1], "rb").read())
room = 4 + 12288
exec(sys.argv[2])
open(sys.argv[1], "wb").write(d)' "$flows" "$1"; }
say "a host that changes it"
# (more of it in tests/unit/image/test_snapshot.c)
refused "a bit of a later chunk" AUTH edit 'd[room + 50] ^= 1'
refused "the end cut off, after flows had come back" TRUNCATED edit 'del d[-room:]'
finish
