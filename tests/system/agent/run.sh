#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# safelib-agent with a software TPM, a measurement list that grows, and a small monitor (monitor.py) that verifies every
# quote: enrolment, rounds, increments, a trimmed list, restart, reboot, a lost message, a foreign CA, containers, actions.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
agent=$build/cmd/safelib-agent/safelib-agent
safelib=$build/cmd/safelib/safelib
python=/usr/bin/python3
for tool in swtpm swtpm_setup swtpm_localca tpm2_makecredential tpm2_pcrextend openssl; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not here"; exit 77; }
done
work=$(mktemp -d /tmp/sl-agent.XXXXXX)
pids=()
end() {
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; done
    [ ! -f "$work/swtpm.pid" ] || kill "$(cat "$work/swtpm.pid")" 2>/dev/null
    if [ "${KEEP:-0}" = 1 ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap end EXIT
cd "$work" || exit 1
passed=0 failed=0
# expect STATUS WORDS COMMAND...
expect() {
    local status=$1 words=$2 rc=0
    shift 2
    timeout 300 "$@" >out 2>err </dev/null || rc=$?
    if [ "$rc" -eq "$status" ] && { [ -z "$words" ] || cat out err | grep -qF -- "$words"; }; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAIL: $* -> $rc (expected $status with \"$words\")"
        head -5 out err
    fi
}
happens() { # COMMAND...: within two minutes
    local end=$((SECONDS + 120))
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            failed=$((failed + 1))
            echo "FAIL: $* did not happen"
            return 1
        fi
        sleep 0.05
    done
    passed=$((passed + 1))
}

tpm_start() {
    swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --server "type=unixio,path=$work/t" --ctrl "type=unixio,path=$work/t.ctrl" \
        --flags not-need-init,startup-clear --pid "file=$work/swtpm.pid" --daemon
}
tpm_up() { # with a certificate of a vendor of our own
    mkdir ca tpm
    printf 'statedir = %s/ca\nsigningkey = %s/ca/key.pem\nissuercert = %s/ca/cert.pem\ncertserial = %s/ca/serial\n' \
        "$work" "$work" "$work" "$work" >localca.conf
    : >localca.options
    printf 'create_certs_tool = %s\ncreate_certs_tool_config = %s/localca.conf\ncreate_certs_tool_options = %s/localca.options\n' \
        "$(command -v swtpm_localca)" "$work" "$work" >setup.conf
    swtpm_setup --tpm2 --tpmstate tpm --create-ek-cert --lock-nvram --config setup.conf --pcr-banks sha256 >setup.log 2>&1 ||
        { cat setup.log; echo "skipped: swtpm_setup does not work here"; exit 77; }
    tpm_start
}
tpm_reset() { # what a reboot does to it
    kill "$(cat swtpm.pid)"
    happens test ! -e swtpm.pid
    rm -f t t.ctrl
    tpm_start
}
measure() { # COUNT [FIRST]: entries into the list and PCR 10, as the kernel does
    "$python" - "$work/ima" "$1" "${2:-0}" <<'PY' >extends
import hashlib, struct, sys
name, count, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(name, "ab") as out:
    for i in range(first, first + count):
        digest, path = b"sha256:\0" + hashlib.sha256(b"%d" % i).digest(), b"/usr/bin/program-%d\0" % i
        data = struct.pack("<I", len(digest)) + digest + struct.pack("<I", len(path)) + path
        out.write(struct.pack("<I", 10) + hashlib.sha1(data).digest() + struct.pack("<I", 6) + b"ima-ng" + struct.pack("<I", len(data)) + data)
        print("10:sha256=" + hashlib.sha256(data).hexdigest())
PY
    # shellcheck disable=SC2046 # one argument an extend
    tpm2_pcrextend -T "swtpm:path=$work/t" $(cat extends)
}
certificate() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -days 2 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
}
monitor_up() {
    certificate server
    certificate other
    "$python" "$source/tests/system/agent/monitor.py" "$work" "$safelib" 2>monitor.err &
    pids+=($!)
    happens test -s port || { cat monitor.err; exit 1; }
}
config() { # CA [EK]
    cat <<YAML
monitor: {url: "https://localhost:$(cat port)", ca: $work/$1}
name: node-a
class: test
tpm: {tcti: "swtpm:path=$work/t", ek: ${2:-rsa}}
logs: {ima: $work/ima, boot: $work/boot, boot_id: $work/boot_id}
runtimes:
  - {name: runc, state: $work/runc, command: $work/runtime, actions: [pause, kill]}
state_dir: $work/state
YAML
}
container() { # ID PID
    mkdir -p "runc/$1"
    cat >"runc/$1/state.json" <<JSON
{"id": "$1", "init_process_pid": $2, "config": {"rootfs": "$work", "labels": ["bundle=/b", "org.opencontainers.image.digest=sha256:aa"],
 "uid_mappings": [{"container_id": 0, "host_id": 100000, "size": 65536}]}}
JSON
}

enrolment() {
    expect 0 "usage: safelib-agent" "$agent" --help
    expect 2 "--config FILE is missing" "$agent"
    expect 2 "is not understood" "$agent" --nonsense
    expect 0 "configuration is good" "$agent" --check --config agent.yaml
    expect 1 "not enrolled?" "$agent" --once --config agent.yaml
    expect 1 "status 403, field token: not an enroller" "$agent" enroll --token-file wrong --config agent.yaml
    expect 1 "certificate" "$agent" enroll --token-file token --config foreign.yaml
    expect 0 "enrolled as node node-1" "$agent" enroll --token-file token --config agent.yaml
    expect 0 "Issuer" openssl x509 -inform DER -in ek.der -noout -text
    expect 0 "600" stat -c %a state/node.json
}
rounds() {
    expect 0 "host host: trusted" "$agent" --once --config agent.yaml
    expect 0 "round 5 trusted" cat log
    expect 0 '"image": "sha256:aa"' cat containers
    expect 0 '"state": "running"' cat containers
    measure 3 5
    expect 0 "host host: trusted" "$agent" --once --config agent.yaml # another process: from entry 5
    expect 0 "round 8 trusted" cat log
}
trimmed() { # by the kernel: the archive has what is gone
    rm -f ima
    "$python" - <<'PY'
import glob, struct
data = open(glob.glob("state/ima-*")[0], "rb").read()
at = 0
for _ in range(6):
    size = struct.unpack_from("<I", data, at + 24)[0]
    at += 32 + size + struct.unpack_from("<I", data, at + 28 + size)[0]
open("ima", "wb").write(data[at:])
PY
    measure 2 8
    expect 0 "host host: trusted" "$agent" --once --config agent.yaml
    expect 0 "round 10 trusted" cat log
}
hidden() { # an entry that is in the PCR and not in the list
    cp ima good
    measure 1 10
    cp good ima
    expect 0 "host host: untrusted" "$agent" --once --config agent.yaml
}
reboot() { # PCRs from zero, another boot: everything from entry 0 with the boot log
    tpm_reset
    "$python" -c 'import uuid; print(uuid.uuid4())' >boot_id
    : >ima
    measure 4
    expect 0 "host host: trusted" "$agent" --once --config agent.yaml
    expect 0 "round 4 trusted" cat log
    expect 0 "1" sh -c 'ls state | grep -c ^ima-'
}
running() { # a busy monitor, a message that is lost, a monitor that acts, a signal
    local daemon rc=0
    touch busy drop
    echo '{"do": "pause", "container": "web"}' >act
    "$agent" --config agent.yaml 2>daemon.err &
    daemon=$!
    pids+=("$daemon")
    happens grep -q busy log
    happens grep -q dropped log
    happens grep -q "pause web" acted
    kill "$sleeper"
    rm -rf runc/web
    happens grep -q stopped containers.all # told once
    happens grep -qx "\[\]" containers
    echo '{"do": "resume", "container": "web"}' >act
    happens grep -q "no container here" daemon.err
    expect 0 "Seccomp:	2" grep Seccomp: "/proc/$daemon/status"
    kill -TERM "$daemon"
    wait "$daemon" || rc=$?
    expect 0 "0" echo "$rc"
}

# A TPM that is busy: between agent and TPM, every command of a kind is refused for a while (TPM_RC_RETRY, 0x922; YIELDED, 0x908).
busy_tpm() { # COMMAND_CODE CODE TIMES
    "$python" - "$work" "$@" 2>busy.err <<'PY' &
import os, select, socket, sys, threading
work, code, answer, left = sys.argv[1], int(sys.argv[2], 0), int(sys.argv[3], 0), int(sys.argv[4])

def carry(a, b, is_commands):
    global left
    a, b = a.accept()[0], socket_to(b)
    while True:
        for ready in select.select([a, b], [], [])[0]:
            try:
                data = ready.recv(8192)
            except ConnectionError:
                data = b""
            if not data:
                a.close()
                b.close()
                return
            if is_commands and ready is a and left > 0 and int.from_bytes(data[6:10], "big") == code:
                left -= 1
                with open(work + "/refused", "a", encoding="ascii") as out:
                    out.write("x")
                a.sendall(bytes.fromhex("80010000000a") + answer.to_bytes(4, "big"))
            else:
                (b if ready is a else a).sendall(data)

def socket_to(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s

def serve(path, to, is_commands):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o666)
    s.listen()
    return threading.Thread(target=lambda: [carry(s, to, is_commands) for _ in range(99)], daemon=True)

threads = [serve(work + "/b", work + "/t", True), serve(work + "/b.ctrl", work + "/t.ctrl", False)]
for thread in threads:
    thread.start()
threads[0].join()
PY
    pids+=($!)
    happens test -S b.ctrl
}
busy() {
    busy_tpm 0x158 0x922 9 # TPM2_Quote: more often than the library tries by itself
    sed "s,path=$work/t,path=$work/b," agent.yaml >busy.yaml
    expect 0 "host host: trusted" "$agent" --once --config busy.yaml
    expect 0 "xxxxxxxxx" cat refused
    sed 's,swtpm:path=.*t",device:/nonexistent",' agent.yaml >device.yaml
    expect 1 "/nonexistent: No such file or directory: no TPM 2.0, or no driver for it" "$agent" --once --config device.yaml
}
# Another user, who could neither read the logs nor the list of root's containers by himself.
as_user() {
    local daemon
    if [ "$(id -u)" != 0 ]; then echo "  --    another user needs root: left out"; return; fi
    chmod 600 ima boot
    chmod 666 t t.ctrl
    { cat agent.yaml; echo "user: nobody"; echo "events: {pcr: 14}"; } >user.yaml
    expect 1 'there is no "nobody-here"' "$agent" --once --config <(sed 's/user: nobody/user: nobody-here/' user.yaml)
    expect 0 "host host: trusted" "$agent" --once --config user.yaml
    measure 1 20
    : >log
    "$agent" --config user.yaml 2>user.err &
    daemon=$!
    pids+=("$daemon")
    happens grep -q "^round" log # by then it has no more rights than it keeps
    happens grep -q "^Uid:	$(id -u nobody)	$(id -u nobody)" "/proc/$daemon/status"
    expect 0 "CapEff:	0000000000080004" grep CapEff "/proc/$daemon/status" # DAC_READ_SEARCH, SYS_PTRACE
    if grep -q "cannot be watched" user.err; then
        echo "  --    no fanotify here: the helper's rights are left out"
    else # SYS_ADMIN besides, in the helpers alone; the one that acts stays root
        expect 0 "CapEff:	0000000000280004" sh -c "for c in \$(cat /proc/$daemon/task/$daemon/children); do cat /proc/\$c/status; done"
        expect 0 "Seccomp:	2" sh -c "for c in \$(cat /proc/$daemon/task/$daemon/children); do cat /proc/\$c/status; done"
    fi
    kill -TERM "$daemon"
    wait "$daemon"
}
pieces() { # a list that is longer than a message of the real monitor, safelib-trustd
    local trustd=$build/cmd/safelib-trustd/safelib-trustd
    mkdir -p policies
    for i in $(seq 0 399); do printf '%s  program-%d\n' "$(printf %d "$i" | sha256sum | cut -d' ' -f1)" "$i"; done >sums
    expect 0 "400 digests" "$safelib" refvals import --set all --store refvals --from sums sums
    cat >policies/test.yaml <<YAML
class: test
ek: {insecure_any: true}
pcrs: [{bank: sha256, required: [10]}]
accept_any_boot: nothing boots in this test
bootlog: optional
ima: {sets: [all]}
YAML
    printf 'listen: 127.0.0.1:0\ncertificate: server.pem\nkey: server.key\nstate_dir: trust\npolicy_dir: policies\nrefvals: refvals\nlimits: {body_bytes: 16384}\n' >trustd.yaml
    "$trustd" --config trustd.yaml 2>trustd.err &
    pids+=("$!")
    happens grep -qE "port [0-9]+$" trustd.err || cat trustd.err
    "$trustd" token add --role enroller --name test --config trustd.yaml >token
    sed -n 's/.*port //p' trustd.err >port
    tpm_reset
    "$python" -c 'import uuid; print(uuid.uuid4())' >boot_id
    : >ima
    measure 150
    measure 150 150
    rm -rf state boot
    config server.pem >agent.yaml
    expect 0 "enrolled" "$agent" enroll --token-file token --config agent.yaml
    expect 0 "host host: unknown" "$agent" --once --config agent.yaml
    expect 0 "longer than one message" "$agent" --once --config agent.yaml
    measure 10 300 # while it comes in
    for _ in 1 2 3 4; do
        "$agent" --once --config agent.yaml >said 2>&1
        grep -q "host host: unknown" said || break
    done
    expect 0 "host host: trusted" cat said
    measure 1 310
    expect 0 "host host: trusted" "$agent" --once --config agent.yaml
}

tpm_up
monitor_up
head -c 100 /dev/zero >boot
cat /proc/sys/kernel/random/boot_id >boot_id
echo enroller >token
echo nobody >wrong
# shellcheck disable=SC2016 # $@ is the script's
printf '#!/bin/sh\necho "$@" >>%s/acted\n' "$work" >runtime
chmod +x runtime
config server.pem >agent.yaml
config other.pem >foreign.yaml
: >ima
measure 5
sleep infinity &
sleeper=$!
pids+=("$sleeper")
container web "$sleeper"
enrolment
rounds
trimmed
hidden
reboot
busy
as_user
running
# the other kind of endorsement key
rm -rf state
config server.pem ecc >agent.yaml
expect 0 "enrolled as node node-1" "$agent" enroll --token-file token --config agent.yaml
expect 0 "host host: trusted" "$agent" --once --config agent.yaml
pieces
echo "$passed checks passed, $failed failed"
[ "$failed" -eq 0 ]
