#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Container events for real: runc's containers on this kernel, watched by fanotify, measured by the agent into PCR 14 of a
# software TPM, judged by safelib-trustd. This kernel need not have IMA: the list of PCR 10 is the test's own, with the true
# digests of what ran.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
agent=$build/cmd/safelib-agent/safelib-agent
safelib=$build/cmd/safelib/safelib
trustd=$build/cmd/safelib-trustd/safelib-trustd
python=/usr/bin/python3
[ "$(id -u)" = 0 ] || { echo "skipped: needs root for runc and fanotify"; exit 77; }
for tool in swtpm swtpm_setup tpm2_pcrextend runc openssl gcc; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not here"; exit 77; }
done
work=$(mktemp -d /tmp/sl-events.XXXXXX)
pids=()
end() {
    for id in red blue late; do runc --root "$work/runc" delete --force "slev-$$-$id" >/dev/null 2>&1; done
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; done
    [ ! -f "$work/swtpm.pid" ] || kill "$(cat "$work/swtpm.pid")" 2>/dev/null
    wait
    umount "$work/blue/rootfs" 2>/dev/null
    if [ "${KEEP:-0}" = 1 ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap end EXIT
cd "$work" || exit 1
passed=0
fail() {
    echo "FAIL: $*"
    tail -n 30 host.log tree agent.err trustd.err runc.log 2>/dev/null
    exit 1
}
happens() { # TEXT COMMAND...: within 20 s
    local text=$1 limit=$((SECONDS + 20))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $limit ] || fail "$text: $*"
        sleep 0.05
    done
    passed=$((passed + 1))
    echo "  ok    $text"
}

port_free() { "$python" -c 'import socket, sys; s = socket.socket(type=getattr(socket, "SOCK_" + sys.argv[1])); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' "$1"; }
tpm_up() {
    mkdir tpm
    swtpm_setup --tpm2 --tpmstate tpm --pcr-banks sha256 >setup.log 2>&1 || { cat setup.log; echo "skipped: swtpm_setup does not work here"; exit 77; }
    swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --server "type=unixio,path=$work/t" --ctrl "type=unixio,path=$work/t.ctrl" \
        --flags not-need-init,startup-clear --pid "file=$work/swtpm.pid" --daemon
}
measure() { # FILE PATH: as IMA does when it is executed
    "$python" - "$work/ima" "$(sha256sum <"$1" | cut -c1-64)" "$2" <<'PY' >extends
import hashlib, struct, sys
digest, path = b"sha256:\0" + bytes.fromhex(sys.argv[2]), sys.argv[3].encode() + b"\0"
data = struct.pack("<I", len(digest)) + digest + struct.pack("<I", len(path)) + path
with open(sys.argv[1], "ab") as out:
    out.write(struct.pack("<I", 10) + hashlib.sha1(data).digest() + struct.pack("<I", 6) + b"ima-ng" + struct.pack("<I", len(data)) + data)
print("10:sha256=" + hashlib.sha256(data).hexdigest())
PY
    tpm2_pcrextend -T "swtpm:path=$work/t" "$(cat extends)"
}
program() { # NAME: static, of its own digest
    printf '#include <unistd.h>\nstatic const char name[] = "%s";\nint main(int c, char **v) { (void)v; if (c > 1) { for (;;) pause(); } return name[0] == 0; }\n' "$1" >"$1.c"
    gcc -O1 -static -o "$1" "$1.c" || fail "gcc"
}
container() { # NAME
    mkdir -p "$1/rootfs/proc" "$1/rootfs/dev" "$1/rootfs/sys" "$1/rootfs/bin"
    [ "$1" != blue ] || mount -t overlay overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/over" "$1/rootfs" 2>/dev/null || true
    mkdir -p "$1/rootfs/bin" "$1/rootfs/proc" "$1/rootfs/dev" "$1/rootfs/sys"
    cp web "$1/rootfs/bin/web"
    cp evil other "$1/rootfs/bin/"
    (cd "$1" && rm -f config.json && runc spec &&
        "$python" - <<'PY')
import json
with open("config.json", encoding="utf-8") as file:
    spec = json.load(file)
spec["process"].update(terminal=False, args=["/bin/web", "stay"])
spec["root"]["readonly"] = False
spec["annotations"] = {"org.opencontainers.image.ref.name": "web:1"}
with open("config.json", "w", encoding="utf-8") as file:
    json.dump(spec, file)
PY
}
up() { # NAME: as podman and containerd do, created first, started then
    runc --root "$work/runc" create -b "$work/$1" "slev-$$-$1" </dev/null >>runc.log 2>&1 || { tail -n 2 runc.log; echo "skipped: runc does not work here"; exit 77; }
    sleep 0.3 # what these have to do in between
    runc --root "$work/runc" start "slev-$$-$1" >>runc.log 2>&1 || fail "runc start"
}
inside() { runc --root "$work/runc" exec "slev-$$-$1" "$2" >>runc.log 2>&1; } # NAME PROGRAM

# An image of network functions beside the containers, on the emulator; where none was built, the rest goes on.
host_up() {
    nf=$build/cmd/safelib-nf/safelib-nf
    [ -x "$nf" ] || { echo "  --    no image was built here: its evidence is left out"; return; }
    "$safelib" key new tenant.pem >key.log 2>&1 || fail "key: $(cat key.log)"
    "$build/cmd/safelib-host/safelib-host" --image "$nf" --device emu --listen "127.0.0.1:$(port_free DGRAM)" --control "127.0.0.1:$(port_free STREAM)" \
        --tenant-key-sha256 "$(grep -oE '[0-9a-f]{64}' key.log | head -n 1)" --evidence-socket "$work/evidence" >host.log 2>&1 &
    pids+=($!)
    happens "an NF image runs" test -S evidence
}
tee_policy() {
    [ ! -S evidence ] || printf 'tee: {insecure_allow_emulated: true, references: [{mrenclave: %s}]}\n' "$("$safelib" image measure "$nf")"
}
tee_agent() { [ ! -S evidence ] || printf '{id: fw, socket: %s/evidence}' "$work"; }
monitor_up() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost 2>/dev/null
    mkdir policies sums
    port=$(port_free STREAM)
    printf 'listen: 127.0.0.1:%s\ncertificate: server.pem\nkey: server.key\nstate_dir: monitor-state\npolicy_dir: policies\nrefvals: refvals\n' "$port" >trustd.yaml
    cat >policies/test.yaml <<YAML
class: test
ek: {insecure_any: true}
accept_any_boot: the test's TPM boots nothing
pcrs: [{bank: sha256, required: [10, 14]}]
bootlog: optional
ima: {sets: [host]}
events: {sets: [agent], measured: ["*/safelib-agent"]}
images: [{image: "web:*", sets: [web]}]
$(tee_policy)
lease: 30s
interval: 1s
YAML
    sha256sum "$agent" init | sed 's,  .*/,  /usr/sbin/,' >sums/host
    grep safelib-agent sums/host >sums/agent
    sha256sum web other >sums/web
    for set in host agent web; do "$safelib" refvals import --set $set --store refvals --from sums sums/$set >>import.log 2>&1 || fail "refvals: $(cat import.log)"; done
    "$trustd" --config trustd.yaml 2>trustd.err &
    pids+=($!)
    happens "the monitor listens" grep -q "listening on port" trustd.err
    "$trustd" token add --role enroller --name t --config trustd.yaml >enroller.token
    "$trustd" token add --role operator --name me --config trustd.yaml >operator.token
    printf 'url: https://localhost:%s\nca: server.pem\ntoken: operator.token\n' "$port" >monitor.yaml
}
agent_up() {
    cat >agent.yaml <<YAML
monitor: {url: "https://localhost:$port", ca: $work/server.pem}
name: node-a
class: test
tpm: {tcti: "swtpm:path=$work/t"}
logs: {ima: $work/ima, boot: $work/none, boot_id: $work/boot_id}
runtimes: [{name: runc, state: $work/runc}]
events: {pcr: 14}
tee: [$(tee_agent)]
state_dir: $work/state
YAML
    [ -d state ] || "$agent" enroll --token-file enroller.token --config agent.yaml >enroll.log 2>&1 || fail "enroll: $(cat enroll.log)"
    "$agent" --config agent.yaml 2>>agent.err &
    agent_pid=$!
    pids+=("$agent_pid")
    before=$(round_now)
    happens "the agent brings evidence" round_passed "${before:-0}"
    ! grep -q "cannot be watched" agent.err || { cat agent.err; echo "skipped: no fanotify here"; exit 77; }
}
round_now() { "$safelib" node show --monitor monitor.yaml node-a 2>/dev/null | sed -n 's/.*, round \([0-9]*\),.*/\1/p'; }
round_passed() { [ "$(round_now)" -gt "$1" ]; }
verdict() { # KIND VERDICT ID [WORDS]
    "$safelib" node show --monitor monitor.yaml node-a >tree 2>&1
    awk -v head="─ $1 +$2 +$3( |\$)" -v words="${4:-}" '/─ / { inside = $0 ~ head; found = found || inside }
        inside { sub(/^[│├└─ ]+(- )?/, ""); text = text " " $0 }
        END { exit !(found && index(text, words)) }' tree
}

mkdir -p lower upper over
for name in web evil other init; do program $name; done
cat /proc/sys/kernel/random/boot_id >boot_id
: >ima
host_up
tpm_up
measure init /sbin/init
measure "$agent" /usr/sbin/safelib-agent
monitor_up
for name in red blue late; do container $name; done
up late # before the agent
agent_up
up red
up blue
echo "Containers that start under the agent's eyes"
happens "the host is trusted" verdict host trusted host
happens "red is trusted: its start and its programs were seen" verdict container trusted "slev-$$-red"
happens "blue as well (its root is an overlay)" verdict container trusted "slev-$$-blue"
happens "what ran before the agent is degraded" verdict container degraded "slev-$$-late" "nobody looked"

if [ -S evidence ]; then
    echo "The NF image beside them"
    happens "is what the policy names, alive now, and called emulated" verdict tee degraded fw "emulated"
    # what the host says of it is signed as well
    "$python" - evidence >vouched.json <<'PY' || fail "evidence socket"
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(bytes(32))
while data := s.recv(65536):
    sys.stdout.write(data.decode())
PY
    grep -q '"type":"sgx"' vouched.json || fail "the evidence socket says: $(head -c 300 vouched.json)"
fi
echo "A program of the image, then one that nobody knows"
inside red /bin/other
measure other /bin/other
inside red /bin/evil
measure evil /bin/evil
happens "red alone falls, by path and digest" verdict container untrusted "slev-$$-red" "/bin/evil sha256:$(sha256sum <evil | cut -c1-64)"
happens "its host is trusted" verdict host trusted host
happens "its neighbour is trusted" verdict container trusted "slev-$$-blue"
inside blue /bin/evil
happens "the neighbour that runs the same, which the kernel lists no second time, falls too" verdict container untrusted "slev-$$-blue" "/bin/evil"

echo "It stops; the agent is killed and started again"
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
tpm2_flushcontext -T "swtpm:path=$work/t" -t # what a resource manager does when its client is gone
runc --root "$work/runc" delete --force "slev-$$-red"
agent_up
happens "what stopped meanwhile is not forgotten" verdict container untrusted "slev-$$-red" "/bin/evil"
happens "the host is trusted: log and PCR agree" verdict host trusted host
runc --root "$work/runc" delete --force "slev-$$-late"
up late
happens "a container that is started anew is trusted" verdict container trusted "slev-$$-late"

echo "A process of the host, in a container's files, by a path that the events excuse nobody for"
measure evil /tmp/evil
happens "the host falls" verdict host untrusted host "/tmp/evil"
"$safelib" journal verify --journal monitor-state/journal >last 2>&1 || fail "journal: $(cat last)"
"$safelib" journal replay --journal monitor-state/journal --refvals refvals >last 2>&1 || fail "replay: $(cat last)"
echo "$((passed + 2)) checks passed, 0 failed"
