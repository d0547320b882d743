#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What outlives a run: instances and their sealed state, epochs, policy versions, the audit log; and a host that plays with them.
#
#   lan ---- gw ==== cloud: safelib-host --state [ safelib-nf ]
#             |
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
require_root
state=$WORK/image.state
log=$WORK/state/audit.log
HOST_ARGS="--state $state"
# Long: no check waits for its end, and a machine that stops for some seconds must not come to it. Where it has to be over,
# it is short, and its end is waited for.
GW_EXTRA='tunnel: {lease_seconds: 120}'
all_up || exit 1

passes() { in_ns lan ping -q -c 1 -W 1 10.2.0.2; }
verdict() { field image.instance.verdict; }
verdict_is() { [ "$(verdict)" = "$1" ]; }
id() { field image.instance.id; }
epoch() { field image.status.instance.epoch; }
epoch_is() { [ "$(epoch)" = "$1" ]; }
# The host is stopped, its file replaced by what COMMAND makes of it, and started again.
host_gone() {
    stop "$HOST_PID" KILL
    wait_for 60 eval '! state_is running'
}
restart_host() { # COMMAND...
    host_gone
    "$@"
    host_start
}
says() { gateway_reason | grep -q -- "$1"; } # WORDS; between two attempts the gateway is provisioning, without a reason
restart_gateway() {
    stop "$GATEWAY_PID"
    gateway_start
}

say "first start"
check "the image is a new instance" verdict_is fresh
check "it was given epoch 1" wait_for 60 epoch_is 1
check "its state is with the host, for nobody else to read" [ "$(stat -c %a "$state")" = 600 ]
first=$(id)
cp "$state" "$WORK/epoch1"

say "restart, state handed back"
restart_host true
check "running again" wait_for 60 state_is running
check "it is known" verdict_is known
check "the same instance" [ "$(id)" = "$first" ]
check "epoch 2" wait_for 60 epoch_is 2
check "traffic passes" wait_for 60 passes

say "the host hands back an older state"
long_lease=$GW_EXTRA
GW_EXTRA='tunnel: {lease_seconds: 2}'
restart_gateway
check "running again" wait_for 60 state_is running
host_gone
cp "$state" "$WORK/newest"
no_keys() { [ "$(field tunnel.slots.0.sa_out)" = None ] && { state_is connecting || state_is stopped; }; }
check "its lease is over" wait_for 60 no_keys
cp "$WORK/epoch1" "$state"
host_start
check "status names it" wait_for 60 verdict_is rolled_back
check "the gateway stops" wait_for 60 state_is stopped
check "and says why" wait_for 60 says "handed it an old one"
check_not "nothing passes" passes
check "the audit log names it" grep -q '"event":"instance","outcome":"refused".*"verdict":"rolled_back"' "$log"
restart_host cp "$WORK/newest" "$state"
check "with the newest one it goes on" wait_for 60 state_is running
check "it is known" verdict_is known
GW_EXTRA=$long_lease
restart_gateway
check "running again" wait_for 60 state_is running

say "the host spoils the state"
flip() { python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[int(sys.argv[2])] ^= 1; open(sys.argv[1], "wb").write(d)' "$state" "$1"; }
spoilt() { # TEXT COMMAND...
    local text=$1 before
    shift
    before=$(id)
    restart_host "$@"
    if wait_for 60 state_is running && verdict_is fresh && [ "$(id)" != "$before" ] && [ "$(field image.instance.origin)" = refused ]; then
        pass "$text: a new instance, attested as such, and said to be"
    else
        fail "$text: $(gateway_state) $(gateway_reason) $(verdict) $(field image.instance.origin)"
        tail -3 "$WORK/host.log"
    fi
}
spoilt "a bit of the ciphertext" flip 110
spoilt "a bit of the header" flip 30
spoilt "cut off" truncate -s 100 "$state"
spoilt "other bytes" bash -c "head -c 173 /dev/urandom >$state"
other=$(id)
restart_host rm "$state"
check "withheld: a new instance" wait_for 60 state_is running
check "which is said" [ "$(verdict) $(field image.instance.origin)" = "fresh fresh" ]
check "not the one before" [ "$(id)" != "$other" ]

say "two from one state"
in_ns cloud nft add table ip swap
in_ns cloud nft add chain ip swap in '{ type nat hook prerouting priority -100; }'
in_ns cloud nft add chain ip swap cut '{ type filter hook input priority 0; }'
first_key=$(field image.key_sha256)
cp "$state" "$WORK/clone.state"
background cloud clone.log "$HOST" --image "$IMAGE" --device emu --listen 0.0.0.0:4501 --control 0.0.0.0:4434 \
    --tenant-key-sha256 "$(key_hash)" --state "$WORK/clone.state"
clone=$LAST_PID
wait_for 60 grep -q 'image: ready' "$WORK/clone.log"
swap() { # to the other: cut what is open, and lead elsewhere
    in_ns cloud nft add rule ip swap cut tcp dport 4433 reject with tcp reset
    wait_for 60 says 'control channel lost'
    in_ns cloud nft flush chain ip swap in
    [ "$1" = clone ] && in_ns cloud nft add rule ip swap in tcp dport 4433 redirect to :4434
    in_ns cloud nft flush chain ip swap cut
}
swap clone
key_is_not() { [ -n "$(field image.key_sha256)" ] && [ "$(field image.key_sha256)" != "$1" ]; }
check "the clone is taken for the image, restarted: the first loses" wait_for 60 key_is_not "$first_key"
has_keys() { [ "$(field tunnel.slots.0.sa_out)" != None ] && ! says 'control channel lost'; } # its packets go to the first: no probe comes back
check "it is known, and has the keys" wait_for 60 eval 'verdict_is known && has_keys'
swap back
check "the first comes back: fork" wait_for 60 verdict_is fork
check "the gateway stops and says so" wait_for 60 says "fork:"
check_not "nothing passes" passes
check "the audit log names it" grep -q '"verdict":"fork"' "$log"
stop "$clone"
in_ns cloud nft delete table ip swap
restart_host rm "$state"
check "a new instance ends it" wait_for 60 state_is running

say "an upgraded image of the same signer"
original=$IMAGE
stop "$GATEWAY_PID"
cp "$original" "$WORK/nf1"
python3 - "$original" "$WORK/nf2" <<'PY'
import os, sys
image = bytearray(open(sys.argv[1], "rb").read())
image[image.index(b"SafeLib NF image")] ^= 0x20
open(sys.argv[2], "wb").write(image)
os.chmod(sys.argv[2], 0o755)
PY
"$SAFELIB" image sign --new-key --key "$WORK/author.pem" --svn 1 "$WORK/nf1" >/dev/null
signer=$("$SAFELIB" image sign --key "$WORK/author.pem" --svn 2 --json "$WORK/nf2" | python3 -c 'import json, sys; print(json.load(sys.stdin)["mrsigner"])')
GW_ATTESTATION="attestation: {references: [{mrsigner: $signer, isv_prod_id: 1, min_isv_svn: 1}], insecure_allow_emulated: true}"
gateway_start
kept_args=$HOST_ARGS
HOST_ARGS="$kept_args --seal signer"
IMAGE=$WORK/nf1
restart_host rm -f "$state"
check "its first version runs, by its signer" wait_for 60 state_is running
wait_for 60 test -s "$state"
first=$(id)
IMAGE=$WORK/nf2
restart_host true
check "the upgrade runs" wait_for 60 state_is running
check "as the same instance" [ "$(id) $(verdict)" = "$first known" ]
check "traffic passes" wait_for 60 passes
IMAGE=$WORK/nf1
restart_host true
check "the way back: what the newer one sealed stays shut" wait_for 60 state_is running
check "a new instance" [ "$(verdict) $(field image.instance.origin)" = "fresh refused" ]
IMAGE=$original
HOST_ARGS=$kept_args
GW_ATTESTATION=
stop "$GATEWAY_PID"
gateway_start
restart_host rm -f "$state"
check "the image as before" wait_for 60 state_is running

say "policies only go forward"
"$SAFELIB" policy compile "$WORK/policy.nft" -o "$WORK/old.slp" >/dev/null
"$SAFELIB" policy compile "$WORK/policy.nft" -o "$WORK/new.slp" >/dev/null
cp "$WORK/new.slp" "$WORK/used.slp"
cp "$WORK/new.slp.rules.json" "$WORK/used.slp.rules.json"
config_policy() { sed -i "s,^policy: .*,policy: $WORK/$1," "$WORK/gateway.yaml"; }
stop "$GATEWAY_PID"
gateway_config
config_policy used.slp
background gw gateway.log "$GATEWAY" --config "$WORK/gateway.yaml"
GATEWAY_PID=$LAST_PID
check "a compiled policy is set" wait_for 60 state_is running
version=$(field policy.version)
check "status tells what the image itself reports beside what is configured" \
    [ "$(field image.status.policy.version)$(field image.status.policy.sha256)" = "$version$(field policy.sha256)" ]
cp "$WORK/old.slp" "$WORK/used.slp"
answer=$(gateway_ask '{"cmd":"reload"}')
say "        $answer"
check "an older one is refused at reload" grep -q '"STALE".*only go forward' <<<"$answer"
check "and what to do is said" grep -q 'safelib policy renew' <<<"$answer"
check "the version stays" [ "$(field policy.version)" = "$version" ]
stop "$GATEWAY_PID"
in_ns gw timeout 60 "$GATEWAY" --config "$WORK/gateway.yaml" >"$WORK/refused.log" 2>&1
check "refused at start as well" grep -q 'only go forward' "$WORK/refused.log"
cp -r "$WORK/state" "$WORK/state.kept"
mv "$log" "$WORK/audit.away"
rm -rf "$WORK/state"
restart_host true
background gw gateway.log "$GATEWAY" --config "$WORK/gateway.yaml"
GATEWAY_PID=$LAST_PID
check "a gateway that has forgotten: the restarted image refuses" wait_for 60 says "which this image has had"
check_not "nothing passes" passes
stop "$GATEWAY_PID"
rm -rf "$WORK/state"
mv "$WORK/state.kept" "$WORK/state"
check "renewed, the old rules go forward" "$SAFELIB" policy renew "$WORK/used.slp"
background gw gateway.log "$GATEWAY" --config "$WORK/gateway.yaml"
GATEWAY_PID=$LAST_PID
wait_for 60 state_is running
check "and are taken" [ "$(field policy.version)" -gt "$version" ]

say "durable state"
stop "$GATEWAY_PID"
cp "$WORK/state/gateway.state" "$WORK/gateway.state"
refused() { # TEXT EXPECTED
    in_ns gw timeout 60 "$GATEWAY" --config "$WORK/gateway.yaml" >"$WORK/refused.log" 2>&1
    local code=$?
    if [ $code = 1 ] && grep -q "$2" "$WORK/refused.log"; then pass "$1"; else
        fail "$1: exit $code"
        cat "$WORK/refused.log"
    fi
}
sed -i 's/"epoch": [0-9]*/"epoch": 1/' "$WORK/state/gateway.state"
refused "edited: refused, with what to do" 'is damaged.*backup'
: >"$WORK/state/gateway.state"
refused "empty: refused" 'is damaged'
rm "$WORK/state/gateway.state"
refused "gone: refused, never silently new" 'is gone'
cp "$WORK/gateway.state" "$WORK/state/gateway.state"

say "audit log"
head=$(python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print("%d:%s" % (s["audit_seq"], s["audit_hash"]))' "$WORK/gateway.state")
check "whole, and the image's own records as well" "$SAFELIB" audit verify --head "$head" "$log"
sed 's/^/        /' "$WORK/check.log"
"$SAFELIB" audit show "$log" | cut -c1-150 | sed -n 's/^/        /;1,12p'
for event in attest instance provision policy image; do
    check "it tells of $event" grep -q "\"event\":\"$event\"" "$log"
done
tampered() { # TEXT PYTHON over lines
    python3 -c 'import sys; lines = open(sys.argv[1]).readlines(); exec(sys.argv[3]); open(sys.argv[2], "w").writelines(lines)' "$log" "$WORK/tampered.log" "$2"
    "$SAFELIB" audit verify --head "$head" "$WORK/tampered.log" >"$WORK/tampered.out"
    if [ $? = 1 ]; then pass "$1: $(head -1 "$WORK/tampered.out" | cut -d: -f3-)"; else
        fail "$1"
        cat "$WORK/tampered.out"
    fi
}
tampered "edited" 'at = [i for i, line in enumerate(lines) if "\"outcome\":\"ok\"" in line][5]; lines[at] = lines[at].replace("ok", "OK")'
tampered "removed" 'del lines[7]'
tampered "reordered" 'lines[3], lines[4] = lines[4], lines[3]'
tampered "its end cut off" 'del lines[-8:]'
tampered "written anew" 'del lines[1:]'
gateway_config
gateway_start
wait_for 60 state_is running
stop "$GATEWAY_PID" KILL
printf '{"seq":' >>"$log"
gateway_start
check "after kill -9 in the middle of a line the gateway starts" wait_for 60 state_is running
check "and the torn line is told" grep -q '"event":"log_torn","outcome":"lost"' "$log"
stop "$GATEWAY_PID" # it may be writing a line
check "the log is whole" "$SAFELIB" audit verify "$log"
sed -i '3d' "$log"
refused "a log that was changed: the gateway refuses to start, with what to do" 'safelib audit verify'
finish
