#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A whole node, for real: Debian's cloud kernel with IMA and a software TPM under QEMU (TCG), runc with two containers, the
# agent as first thing that talks. A container runs what nobody knows: it alone falls and is paused; the host does: all fall;
# after a reboot all is good again. The monitor is the test's own (../agent/monitor.py).
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
for tool in qemu-system-x86_64 swtpm swtpm_setup swtpm_localca tpm2_makecredential mke2fs dpkg-deb openssl; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not here"; exit 77; }
done
work=$(mktemp -d /tmp/sl-agent-vm.XXXXXX)
pids=()
end() {
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; done
    [ ! -f "$work/swtpm.pid" ] || kill "$(cat "$work/swtpm.pid")" 2>/dev/null
    if [ "${KEEP:-0}" = 1 ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap end EXIT
cd "$work" || exit 1
passed=0 failed=0
happens() { # TEXT COMMAND...: within 60 s
    local text=$1 limit=$((SECONDS + 60))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $limit ]; then
            failed=$((failed + 1))
            echo "  FAIL  $text: $*"
            tail -5 console verdicts log 2>/dev/null
            return 1
        fi
        sleep 0.1
    done
    passed=$((passed + 1))
    echo "  ok    $text (${SECONDS} s)"
}
verdict() { grep -qE "^$1 $2 $3" verdicts; }
all_trusted() { verdict host host trusted && verdict container web trusted && verdict container dns trusted; }

tpm_make() {
    mkdir ca tpm
    printf 'statedir = %s/ca\nsigningkey = %s/ca/key.pem\nissuercert = %s/ca/cert.pem\ncertserial = %s/ca/serial\n' \
        "$work" "$work" "$work" "$work" >localca.conf
    : >localca.options
    printf 'create_certs_tool = %s\ncreate_certs_tool_config = %s/localca.conf\ncreate_certs_tool_options = %s/localca.options\n' \
        "$(command -v swtpm_localca)" "$work" "$work" >setup.conf
    swtpm_setup --tpm2 --tpmstate tpm --create-ek-cert --lock-nvram --config setup.conf --pcr-banks sha256 >setup.log 2>&1 ||
        { cat setup.log; echo "skipped: swtpm_setup does not work here"; exit 77; }
}
boot() {
    swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --ctrl "type=unixio,path=$work/c" --pid "file=$work/swtpm.pid" --terminate --daemon
    : >console
    qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -m 512 -nodefaults -no-reboot -display none -serial stdio \
        -kernel vmlinuz -append "console=ttyS0 root=/dev/nvme0n1 rw init=/sbin/init panic=-1 quiet ima_policy=tcb ima_hash=sha256" \
        -drive file=disk.img,if=none,id=d0,format=raw -device nvme,drive=d0,serial=x \
        -chardev "socket,id=c,path=$work/c" -tpmdev emulator,id=t,chardev=c -device tpm-crb,tpmdev=t \
        -netdev user,id=n -device virtio-net-pci,netdev=n,romfile= <input >console 2>&1 &
    qemu=$!
    pids+=("$qemu")
    happens "the node boots" grep -q "RIG ready" console || exit 1
    if grep -E "refused|failed" console; then failed=$((failed + 1)); fi
}
node() { printf '%s\n' "$1" >&9; } # COMMAND: on the node's console
off() {
    node "poweroff -f"
    for _ in $(seq 100); do kill -0 "$qemu" 2>/dev/null || break; sleep 0.1; done
    for _ in $(seq 50); do [ -e swtpm.pid ] || break; sleep 0.1; done
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem -days 2 \
    -subj /CN=monitor -addext subjectAltName=IP:10.0.2.2 2>/dev/null
mkdir etc
cp server.pem etc/ca.pem
echo enroller >etc/token
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >etc/agent.yaml <<YAML
monitor: {url: "https://10.0.2.2:$port", ca: /etc/safelib/ca.pem}
name: node-vm
class: test
runtimes: [{name: runc, state: /run/runc, command: /usr/sbin/runc, actions: [pause, resume]}]
YAML
bash "$source/tests/rig/image.sh" "$build" "$work" || exit $?
echo '{"11": 100000, "12": 300000}' >slots
tpm_make
/usr/bin/python3 "$source/tests/system/agent/monitor.py" "$work" "$build/cmd/safelib/safelib" "$port" 2>monitor.err &
pids+=($!)
mkfifo input
exec 9<>input

boot
node "safelib-agent enroll --token-file /etc/safelib/token --config /etc/safelib/agent.yaml"
happens "the agent enrols" grep -q enrolled log
node "safelib-agent --config /etc/safelib/agent.yaml 2>/run/agent.log &"
happens "host and both containers are trusted" all_trusted
node "cp /etc/safelib/unknown /containers/web/rootfs/new; chmod 755 /containers/web/rootfs/new; mv /containers/web/rootfs/new /containers/web/rootfs/run-me"
happens "a container that runs an unknown program falls, and the entry says why" verdict container web "untrusted entry [0-9]+: /run-me"
happens "it is paused through the agent" grep -q '"state": "paused"' containers
happens "its host stays trusted" verdict host host trusted
happens "its neighbour stays trusted" verdict container dns trusted
node "/etc/safelib/unknown true"
happens "the host runs one: it falls" verdict host host "untrusted entry [0-9]+: /etc/safelib/unknown"
happens "and its containers with it" verdict container dns "untrusted its host"
node "rm -f /containers/web/rootfs/run-me"
sleep 0.5
off
: >verdicts
boot
node "safelib-agent --config /etc/safelib/agent.yaml 2>/run/agent.log &"
happens "after a reboot, all is trusted again, from entry 0" all_trusted
off
echo "$passed checks passed, $failed failed"
[ "$failed" -eq 0 ]
