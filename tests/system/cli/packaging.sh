#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The examples in packaging/ are taken by the programs as they are: only paths of keys and images are put in. And the
# programs that the README names are where it says.
#   packaging.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
cmd=$build/cmd
[ -x "$cmd/safelib-nf/safelib-nf" ] || { echo "the image was not built"; exit 77; }
work=$(mktemp -d /tmp/sl-packaging.XXXXXX)
host=
trap '[ -z "$host" ] || kill "$host" 2>/dev/null; rm -rf "$work"' EXIT
failed=0
fail() { failed=$((failed + 1)) && echo "FAIL: $*"; }

"$source/tools/collect" "$build" || fail "tools/collect"
while read -r program; do
    [ -x "$build/$program" ] || fail "the README says that build/ holds $program"
    named=1
done < <(sed -n '/^## Programs/,/^## /s/^| `\([a-z-]*\)` .*/\1/p' "$source/README.md")
[ -n "${named:-}" ] || fail "the README names no program"

mkdir -p "$work/plain/tools"
cp "$source/tools/check" "$work/plain/tools"
said=$("$work/plain/tools/check" build gates 2>&1) && fail "check passes where git lists no file: $said"
"$source/tools/check" "$build" unit >"$work/check.log" 2>&1 && fail "check takes a part that there is not: $(cat "$work/check.log")"
[[ $said == *"git does not list the files of $work/plain"* ]] || fail "check without git: $said"

"$cmd/safelib/safelib" key new "$work/tenant.pem" >"$work/key.log" 2>&1 || fail "key new: $(cat "$work/key.log")"
hash=$(grep -oE '[0-9a-f]{64}' "$work/key.log" | head -1)
"$cmd/safelib/safelib" policy check "$source/packaging/policy.nft" || fail "policy.nft"
sed "s,/etc/safelib/tenant.pem,$work/tenant.pem,; s,/etc/safelib/policy.nft,$source/packaging/policy.nft," \
    "$source/packaging/gateway.yaml" >"$work/gateway.yaml"
"$cmd/safelib-gateway/safelib-gateway" --check --config "$work/gateway.yaml" || fail "gateway.yaml"

# No --check here: the host starts with it, on loopback (of its own where that can be had: the ports are fixed), and tells its status.
alone=()
for how in -n -rn; do
    if unshare "$how" true 2>/dev/null; then alone=(unshare "$how" sh -c 'ip link set lo up; exec "$@"' -) && break; fi
done
sed "s,/usr/lib/safelib/safelib-nf,$cmd/safelib-nf/safelib-nf,; s,0000*$,$hash,; s,/run/safelib,$work,; s,0\.0\.0\.0:4,127.0.0.1:2,
    s,device: auto,device: bare," "$source/packaging/host.yaml" >"$work/host.yaml"
"${alone[@]}" "$cmd/safelib-host/safelib-host" --config "$work/host.yaml" >"$work/host.log" 2>&1 &
host=$!
for _ in $(seq 600); do
    [ ! -S "$work/host.sock" ] || break
    sleep 0.1
done
"$cmd/safelib/safelib" status --json --socket "$work/none" --host-socket "$work/host.sock" >"$work/status.json" 2>&1 ||
    fail "host.yaml: $(cat "$work/host.log" "$work/status.json")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/monitor.key" -out "$work/monitor.pem" -days 2 \
    -subj /CN=localhost 2>/dev/null
cp "$work/monitor.pem" "$work/monitor-ca.pem"
sed "s,/etc/safelib/,$work/,; s,/var/lib/safelib-agent,$work/agent," "$source/packaging/agent.yaml" >"$work/agent-plain.yaml"
"$cmd/safelib-agent/safelib-agent" --check --config "$work/agent-plain.yaml" >/dev/null || fail "agent.yaml"
sed 's,^ *# \( *- {name: \|tee: \),\1,; s,^- {name,  - {name,' "$work/agent-plain.yaml" >"$work/agent.yaml"
"$cmd/safelib-agent/safelib-agent" --check --config "$work/agent.yaml" >/dev/null || fail "agent.yaml with what it has in comments"
mkdir "$work/policies" "$work/refvals"
sed "s,/etc/safelib/,$work/,; s,/var/lib/safelib-refvals,$work/refvals,; s,/var/lib,$work," "$source/packaging/trustd.yaml" >"$work/trustd.yaml"
"$cmd/safelib-trustd/safelib-trustd" --check --config "$work/trustd.yaml" >/dev/null || fail "trustd.yaml"
if command -v systemd-analyze >/dev/null; then
    for unit in gateway host trustd agent; do
        sed 's,^Exec\([A-Za-z]*\)=/usr/sbin/[a-z-]*,Exec\1=/bin/true,' "$source/packaging/systemd/safelib-$unit.service" \
            >"$work/safelib-$unit.service"
        said=$(systemd-analyze verify --man=no "$work/safelib-$unit.service" 2>&1 | grep -F "safelib-$unit.service:")
        [ -z "$said" ] || fail "$said"
        # how much of the machine a service that was taken over could reach (10: all), as systemd counts it
        case $unit in trustd) most=2.0 ;; agent) most=6.0 ;; *) most=10.0 ;; esac
        systemd-analyze security --offline=true --threshold="${most/./}" --no-pager "$work/safelib-$unit.service" >"$work/security" 2>&1 ||
            fail "safelib-$unit.service is more exposed than $most: $(tail -n 1 "$work/security")"
    done
fi
[ "$failed" -eq 0 ] && echo "the examples are good"
