#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Clients reach a service through the balancer in the enclave; the gateway checks its backends.
#
#   wan (clients) ---- gw ==== ESP in UDP ==== cloud: safelib-host [ safelib-nf: balancer ]
#                       |                              198.51.100.10:80, [fd99::10]:80
#                       +---- lan: 10.1.0.11, .12, .13, fd01::11, ::12 (backends)
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"

services() { # MORE-OF-BACKEND-TWO
    cat >"$WORK/services.yaml" <<YAML
services:
- name: web
  address: 198.51.100.10
  protocol: tcp
  port: 80
  backends:
  - {name: one, address: 10.1.0.11, port: 8080}
  - {name: two, address: 10.1.0.12, port: 8080${1:-}}
  - {name: three, address: 10.1.0.13, port: 8080}
- name: web6
  address: 'fd99::10'
  protocol: tcp
  port: 80
  backends:
  - {name: one, address: 'fd01::11', port: 8080}
  - {name: two, address: 'fd01::12', port: 8080}
other: drop
YAML
    "$SAFELIB" policy compile --kind balancer "$WORK/services.yaml" -o "$WORK/policy.nft"
}
backend() { # NAME ADDRESS: says its name, then echoes; BACKEND_PID
    local listen=TCP-LISTEN
    case $2 in *:*) listen=TCP6-LISTEN ;; esac
    background lan "backend-$1.log" socat "$listen:8080,bind=$2,fork,reuseaddr" "SYSTEM:echo $1; cat"
    BACKEND_PID=$LAST_PID
}
visit() { # [SERVICE]
    timeout 60 ip netns exec "$P-wan" socat -t30 - "${1:-TCP:198.51.100.10:80},connect-timeout=30" </dev/null 2>/dev/null | head -1
}
visits() { # COUNT BACKENDS [SERVICE]: so many, more until so many backends have answered; their names, counted
    local names=() number=0
    while [ $number -lt "$1" ] || { [ $number -lt 300 ] && [ "$(printf '%s\n' "${names[@]}" | sort -u | wc -l)" -lt "$2" ]; }; do
        names+=("$(visit "${3:-}")")
        number=$((number + 1))
    done
    printf '%s\n' "${names[@]}" | sort | uniq -c | sort -rn
}
are_only() { # NAME...: who answered, in the order of the alphabet
    sed 's/^/        /' "$WORK/visits"
    [ "$(awk '{print $2}' "$WORK/visits" | sort | tr '\n' ' ')" = "$* " ]
}
health_of() { # BACKEND: up or down, and whether the image knows
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
for b in json.load(sys.stdin)["health"]:
    if b["backend"] == sys.argv[1]: print("up" if b["is_up"] else "down", "told" if b["is_told"] else "untold")' "$1"
}
health_is() { [ "$(health_of "$1")" = "$2 told" ]; }
counter() { # NAME of the balancer
    gateway_ask '{"cmd":"status"}' | python3 -c '
import json, sys
def find(at):
    if isinstance(at, dict):
        if at.get("nf") == "balancer":
            return at["counters"]
        at = list(at.values())
    for item in at if isinstance(at, list) else []:
        found = find(item)
        if found is not None: return found
print((find(json.load(sys.stdin)) or {}).get(sys.argv[1], "none"))' "$1"
}
tell() { "$SAFELIB" nf --socket "$WORK/gateway.sock" balancer "$1"; }
reload() { gateway_ask '{"cmd":"reload"}' | grep -q '"version"'; }

require_root
key_new
services
GW_EXTRA='health:
  interval_ms: 500
  fall: 3
  rise: 1
  checks:
  - {backend: web/one, type: http, address: 10.1.0.11, port: 8081, path: /health}
  - {backend: web/two, address: 10.1.0.12, port: 8080}
  - {backend: web/three, type: icmp, address: 10.1.0.13}
  - {backend: web6/one, address: "fd01::11", port: 8080}
  - {backend: web6/two, type: icmp, address: "fd01::12"}'
net_up || exit 1
addr lan eth0 10.1.0.11/24 10.1.0.12/24 10.1.0.13/24 fd01::11/64 fd01::12/64
backend one 10.1.0.11
backend two 10.1.0.12
TWO_PID=$BACKEND_PID
backend three 10.1.0.13
backend six-one '[fd01::11]'
backend six-two '[fd01::12]'
cat >"$WORK/healthy" <<'SH'
#!/bin/sh
while read -r line && [ ${#line} -gt 1 ]; do :; done
printf 'HTTP/1.1 204 No Content\r\n\r\n'
SH
chmod +x "$WORK/healthy"
background lan http.log socat TCP-LISTEN:8081,bind=10.1.0.11,fork,reuseaddr EXEC:"$WORK/healthy"
HTTP_PID=$LAST_PID
host_start
gateway_start
wait_for 60 state_is running || { sed 's/^/  gateway: /' "$WORK/gateway.log"; sed 's/^/  host: /' "$WORK/host.log"; exit 1; }

say "distribution"
wait_for 60 health_is web/two up
wait_for 60 health_is web/three up
visits 30 3 >"$WORK/visits"
check "30 visits, each answered by one of three backends" are_only one three two
sed 's/^/        /' "$WORK/check.log"
visits 18 2 'TCP6:[fd99::10]:80' >"$WORK/visits"
check "IPv6 as well" are_only six-one six-two
check_not "nothing passes beside the services" in_ns wan ping -c 1 -W 1 10.1.0.11

say "a backend dies"
mkfifo "$WORK/in"
background wan long.log sh -c "exec socat - TCP:198.51.100.10:80 <'$WORK/in'"
exec 9>"$WORK/in"
wait_for 60 grep -q . "$WORK/long.log"
LONG=$(head -1 "$WORK/long.log")
say "        an established connection is with backend $LONG"
# the listening program of `two` ends; connections that it had forked live
kill -KILL "$TWO_PID"
wait_for 60 health_is web/two down
check "the gateway saw it and told the image" health_is web/two down
check "safelib status names it" wait_for 60 bash -c "'$SAFELIB' status --socket '$WORK/gateway.sock' | grep -q 'web/two.*down'"
visits 20 2 >"$WORK/visits"
check "20 new visits, all answered by the other two" are_only one three
echo still-here >&9
check "the established connection lives" wait_for 60 grep -q still-here "$WORK/long.log"

say "it comes back"
backend two 10.1.0.12
wait_for 60 health_is web/two up
visits 30 3 >"$WORK/visits"
check "and gets visits again" are_only one three two
kill -KILL "$HTTP_PID"
wait_for 60 health_is web/one down
check "an HTTP check that fails takes its backend out" health_is web/one down
check "three is up by ping" wait_for 60 health_is web/three up

say "draining"
tell "backend web/two drain" >"$WORK/answer"
check "by a line of the operator's" grep -q draining "$WORK/answer"
check "all visits go to the one that is left" [ "$(visits 10 1 | awk '{print $1, $2}')" = "10 three" ]
check_not "a line about nobody is refused" tell "backend web/nobody drain"
tell "backend web/two ready" >/dev/null
services ', state: drain'
check "by the policy" reload
check "drained backends get no new visits" [ "$(visits 10 1 | awk '{print $1, $2}')" = "10 three" ]
check "what the health checks know outlives the reload" wait_for 60 eval '[ "$(counter web/one.down)" = 1 ]'
echo and-still >&9
check "the established connection lives on" wait_for 60 grep -q and-still "$WORK/long.log"

say "none is left"
tell "backend web/three drain" >/dev/null
check "connections are refused at once" bash -c "ip netns exec $P-wan socat -u TCP:198.51.100.10:80,connect-timeout=60 - 2>&1 | grep -q refused"
exec 9>&-
finish
