#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Container events for real: runc's containers on this kernel, watched by fanotify, measured by the agent into PCR 14 of a
# software TPM, judged by safelib-trustd. This kernel need not have IMA: the list of PCR 10 is the test's own, with the true
# digests of what ran. Where podman, crun and containerd are here, containers of theirs run beside, of an image made of one
# program; what is not here is left out, and said.
#   run.sh BUILD_DIR
set -u
# ports of its own
if [ -z "${SL_IN_NAMESPACE:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then SL_IN_NAMESPACE=1 exec unshare -n "$0" "$@"; fi
[ -z "${SL_IN_NAMESPACE:-}" ] || ip link set lo up
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
    [ ! -d podman ] || unified pod --runtime crun rm --force --all --time 0 >/dev/null 2>&1
    [ ! -S cd/sock ] || { cdctl task kill --signal 9 "slev-$$-cd"; sleep 0.2; cdctl container rm "slev-$$-cd"; } >/dev/null 2>&1
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; done
    [ ! -f "$work/swtpm.pid" ] || kill "$(cat "$work/swtpm.pid")" 2>/dev/null
    wait
    umount "$work/blue/rootfs" 2>/dev/null
    [ ! -d cd ] || rm -rf "/run/containerd/runc/slev-$$"
    rmdir "/sys/fs/cgroup/slev-$$" /sys/fs/cgroup/*/"slev-$$" 2>/dev/null # of containerd's namespace, which it leaves
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
happens() { # TEXT COMMAND...: within two minutes
    local text=$1 limit=$((SECONDS + 120))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $limit ] || fail "$text: $*"
        sleep 0.05
    done
    passed=$((passed + 1))
    echo "  ok    $text"
}

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
create() { runc --root "$work/runc" create -b "$work/$1" "slev-$$-$1" </dev/null >>runc.log 2>&1 || { tail -n 2 runc.log; echo "skipped: runc does not work here"; exit 77; }; } # NAME
start() { # NAME
    runc --root "$work/runc" start "slev-$$-$1" >>runc.log 2>&1 || fail "runc start"
}
# delete NAME: when this is over, the agent has put its end on record
delete() {
    local before
    before=$(events_of "slev-$$-$1")
    runc --root "$work/runc" delete --force "slev-$$-$1"
    happens "$1 is deleted, which is on record" more_events "slev-$$-$1" "$before"
}
# NAME TEXT: as podman and containerd do, created first, started then, and with something to do in between, so that the agent
# comes to look. A program runs after half a second also where that cannot: then it is degraded, for good, and starts anew.
up_seen() {
    local before round _
    for _ in 1 2 3 4 5 6 7 8; do
        before=$(events_of "slev-$$-$1")
        create "$1"
        happens "$1 is created, which is on record" more_events "slev-$$-$1" "$before"
        start "$1"
        round=$(round_now)
        happens "$1 is judged" judged_since "$((${round:-0} + 1))" "$1" # one round may have begun before
        ! verdict container trusted "slev-$$-$1" || break
        delete "$1"
    done
    happens "$2" verdict container trusted "slev-$$-$1"
}
judged_since() { # ROUND NAME
    verdict container trusted "slev-$$-$2" || { round_passed "$1" && verdict container degraded "slev-$$-$2" "nobody looked"; }
}
inside() { runc --root "$work/runc" exec "slev-$$-$1" "$2" >>runc.log 2>&1; } # NAME PROGRAM

export work
pod() { podman --root "$work/podman/store" --runroot "$work/podman/run" --tmpdir "$work/podman/tmp" --cgroup-manager=cgroupfs --storage-driver=vfs --events-backend=none "$@"; }
export -f pod
# crun wants the second version of control groups alone: a view of that, for one command
unified() { unshare -m bash -c 'mount --make-rprivate / && umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && "$@"' - "$@"; }
# By crun, in a user namespace of its own.
pod_up() {
    local tool
    for tool in podman crun unshare; do command -v "$tool" >/dev/null || { echo "  --    $tool is not here: podman's containers are left out"; return; }; done
    mkdir podman
    tar -C blue/rootfs -cf image.tar bin/web
    pod import image.tar localhost/web:1 >podman.log 2>&1 || { tail -n 1 podman.log; echo "  --    podman does not work here: left out"; return; }
    unified pod --runtime crun run --detach --name "slev-$$-pod" --pids-limit=-1 --uidmap 0:200000:65536 --gidmap 0:200000:65536 --network none \
        --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 localhost/web:1 /bin/web stay >podman.id 2>podman.log ||
        { tail -n 1 podman.log; echo "  --    podman with crun does not work here: left out"; return; }
    pod_id=$(tail -n 1 podman.id)
}
cdctl() { ctr --address "$work/cd/sock" "$@"; }
cd_start() { # containerd, with an image of its own; its containers keep their state in /run/containerd/runc/NAMESPACE
    local tool
    for tool in containerd ctr podman; do command -v "$tool" >/dev/null || { echo "  --    $tool is not here: containerd's containers are left out"; return; }; done
    [ -d podman ] && pod save --format oci-archive --output web.oci localhost/web:1 >podman.log 2>&1 || return
    mkdir cd
    printf 'version = 2\nroot = "%s/cd/data"\nstate = "%s/cd/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]\n[grpc]\naddress = "%s/cd/sock"\n[ttrpc]\naddress = "%s/cd/sock.ttrpc"\n' \
        "$work" "$work" "$work" "$work" >cd/config.toml
    containerd --config cd/config.toml >cd/log 2>&1 &
    pids+=($!)
    happens "containerd listens" cdctl version
    export CONTAINERD_NAMESPACE=slev-$$
    cdctl images import --base-name localhost/web web.oci >cd/import.log 2>&1 || fail "ctr images import: $(tail -n 2 cd/import.log)"
    cd_digest=$(cdctl images ls | awk '$1 == "localhost/web:1" { print $3 }')
}
cd_up() {
    [ -n "${cd_digest:-}" ] || return
    cdctl run --detach --snapshotter native localhost/web:1 "slev-$$-cd" /bin/web stay >cd/run.log 2>&1 || { tail -n 2 cd/run.log; echo "  --    containerd does not work here: left out"; cd_digest=''; }
}
events_of() { grep -aoh "$1" state/events-* | wc -l; }
more_events() { [ "$(events_of "$1")" -gt "$2" ]; }
judged() { more_events "$1" 0 && { verdict container trusted "$1" || verdict container degraded "$1" "nobody looked"; }; }
seen() { # ID KEY WORDS: what `safelib agent containers` says of one
    "$safelib" agent containers --config agent.yaml --json | "$python" -c '
import json, sys
found = [c for c in json.load(sys.stdin) if c["id"] == sys.argv[1]]
sys.exit(0 if found and sys.argv[3] in str(found[0][sys.argv[2]]) else 1)' "$@"
}

# An image of network functions beside the containers, on the emulator; where none was built, the rest goes on.
host_up() {
    nf=$build/cmd/safelib-nf/safelib-nf
    [ -x "$nf" ] || { echo "  --    no image was built here: its evidence is left out"; return; }
    "$safelib" key new tenant.pem >key.log 2>&1 || fail "key: $(cat key.log)"
    "$build/cmd/safelib-host/safelib-host" --image "$nf" --device emu --listen 127.0.0.1:4500 --control 127.0.0.1:4433 \
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
    port=8443
    printf 'listen: 127.0.0.1:%s\ncertificate: server.pem\nkey: server.key\nstate_dir: monitor-state\npolicy_dir: policies\nrefvals: refvals\n' "$port" >trustd.yaml
    cat >policies/test.yaml <<YAML
class: test
ek: {insecure_any: true}
accept_any_boot: the test's TPM boots nothing
pcrs: [{bank: sha256, required: [10, 14]}]
bootlog: optional
ima: {sets: [host]}
events: {sets: [agent], measured: ["*/safelib-agent"]}
images: [{image: "web:*", sets: [web]}, {image: "sha256:*", sets: [web]}, {image: "localhost/web:1@sha256:*", sets: [web]}]
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
runtimes:
  - {name: runc, state: $work/runc}
  - {name: podman, kind: crun, state: /run/crun, images: $work/podman/store/vfs-containers/containers.json}
  - {name: containerd, kind: containerd, state: /run/containerd/runc/slev-$$, images: $work/cd/data/io.containerd.metadata.v1.bolt/meta.db}
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
create late && start late # before the agent
agent_up
echo "Containers that start under the agent's eyes"
happens "the host is trusted" verdict host trusted host
up_seen red "red is trusted: its start and its programs were seen"
up_seen blue "blue as well (its root is an overlay)"
happens "what ran before the agent is degraded" verdict container degraded "slev-$$-late" "nobody looked"

echo "Containers of other runtimes"
pod_up
cd_start
cd_up
if [ -n "${pod_id:-}" ]; then
    happens "podman's is there, by its id" seen "$pod_id" state running
    happens "by its image's digest" seen "$pod_id" image "sha256:$(pod image inspect --format '{{.Id}}' localhost/web:1)"
    happens "with its users" seen "$pod_id" uid_first 200000
    happens "its control group" seen "$pod_id" cgroup "/libpod-$pod_id"
    happens "and its device" seen "$pod_id" root_device :
    happens "its start is on record, and it is trusted, or degraded where it was faster than the watch" judged "$pod_id"
    before=$(events_of "$pod_id")
    unified pod --runtime crun rm --force --time 0 "slev-$$-pod" >podman.log 2>&1 || fail "podman rm: $(cat podman.log)"
    happens "its stop is one more event" more_events "$pod_id" "$before"
fi
if [ -n "${cd_digest:-}" ]; then
    happens "containerd's is there, by name and digest of its image" seen "slev-$$-cd" image "localhost/web:1@$cd_digest"
    happens "its control group" seen "slev-$$-cd" cgroup "/slev-$$/slev-$$-cd"
    happens "its start is on record, and it is trusted, or degraded where it was faster than the watch" judged "slev-$$-cd"
fi

if [ -S evidence ]; then
    echo "The NF image beside them"
    happens "is what the policy names, alive now, and called emulated" verdict tee degraded fw "emulated"
    # what the host says of it is signed as well; it answers one at a time, and the agent asks, too
    vouched() {
        "$python" - evidence >vouched.json <<'PY' && grep -q '"type":"sgx"' vouched.json
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(bytes(32))
while data := s.recv(65536):
    sys.stdout.write(data.decode())
PY
    }
    happens "the evidence socket gives its evidence" vouched
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
delete late
up_seen late "a container that is started anew is trusted"

echo "A process of the host, in a container's files, by a path that the events excuse nobody for"
measure evil /tmp/evil
happens "the host falls" verdict host untrusted host "/tmp/evil"
"$safelib" journal verify --journal monitor-state/journal >last 2>&1 || fail "journal: $(cat last)"
"$safelib" journal replay --journal monitor-state/journal --refvals refvals >last 2>&1 || fail "replay: $(cat last)"
echo "$((passed + 2)) checks passed, 0 failed"
