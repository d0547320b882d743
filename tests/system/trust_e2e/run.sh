#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The trust monitor, whole and for real: safelib-trustd, safelib-agent, and a node.
#
#    this machine                            QEMU (no KVM needed)
#   ┌──────────────────────────┐  TLS 1.3   ┌────────────────────────────────────────┐
#   │ safelib-trustd ◄─────────┼────────────┼─ safelib-agent    PCR 0-9: what booted │
#   │   policy, journal,       │  quotes,   │      │            PCR 10: the host ran │
#   │   reference digests      │  logs      │   /dev/tpmrm0 ─── vTPM (swtpm)         │
#   │ safelib node ...         │            │  Debian's kernel with IMA, runc:       │
#   └──────────────────────────┘            │   web (PCR 11)       dns (PCR 12)      │
#                                           └────────────────────────────────────────┘
#
# Every command and file of docs/trust-quickstart.md is taken from that page, in its order.
#   run.sh BUILD_DIR       exit 0 good, 77 skipped; KEEP=1 keeps the folder
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
page=$source/docs/trust-quickstart.md

file_of() { # NAME: the block behind the line of the page that begins with `NAME`
    awk -v name="\`$1\`" 'index($0, name) == 1 { found = 1 } inside && /^```$/ { exit } inside { print } found && /^```yaml$/ { inside = 1 }' "$page"
}
tpm_make() { # with an EK certificate of a vendor of our own
    mkdir ca tpm
    printf 'statedir = %s/ca\nsigningkey = %s/ca/key.pem\nissuercert = %s/ca/cert.pem\ncertserial = %s/ca/serial\n' \
        "$work" "$work" "$work" "$work" >localca.conf
    : >localca.options
    printf 'create_certs_tool = %s\ncreate_certs_tool_config = %s/localca.conf\ncreate_certs_tool_options = %s/localca.options\n' \
        "$(command -v swtpm_localca)" "$work" "$work" >setup.conf
    swtpm_setup --tpm2 --tpmstate tpm --create-ek-cert --lock-nvram --config setup.conf --pcr-banks sha256 >setup.log 2>&1 ||
        { cat setup.log; echo "skipped: swtpm_setup does not work here"; exit 77; }
    cp ca/swtpm-localca-rootca-cert.pem monitor/policies/tpm-vendors.pem
    cp ca/cert.pem etc/ek-chain.pem
}
prepare() {
    mkdir bin monitor monitor/policies etc
    for program in safelib safelib-trustd; do ln -s "$build/cmd/$program/$program" bin/; done
    for name in trustd.yaml policies/nfv-host.yaml monitor.yaml; do file_of "$name" >"monitor/$name"; done
    for name in agent.yaml slots.yaml; do file_of "/etc/safelib/$name" >"etc/$name"; done
    # the node's first command belongs into its boot sequence
    grep -oE '^node# safelib-agent ima-policy.*' "$page" | sed 's/^node# //' >etc/ima-policy.sh
    tpm_make
    bash "$source/tests/rig/image.sh" "$build" "$work" >image.log 2>&1 || { rc=$?; tail -n 3 image.log; exit "$rc"; }
    mv sums monitor/sums
}

# ---- outside: what needs the network (packages); then a network of our own, so that port 8443 is free ----
if [ "${2:-}" = "" ]; then
    for tool in qemu-system-x86_64 swtpm swtpm_setup swtpm_localca mke2fs dpkg-deb openssl unshare; do
        command -v "$tool" >/dev/null || { echo "skipped: $tool is not here"; exit 77; }
    done
    unshare=(unshare -n)
    [ "$(id -u)" = 0 ] || unshare=(unshare -rn)
    "${unshare[@]}" true 2>/dev/null || { echo "skipped: no network namespace can be made"; exit 77; }
    work=$(mktemp -d /tmp/sl-trust.XXXXXX)
    trap 'if [ "${KEEP:-0}" = 1 ]; then echo "kept: $work"; else rm -rf "$work"; fi' EXIT
    cd "$work" || exit 1
    sed -n '5,12s/^# /  /p' "$source/tests/system/trust_e2e/run.sh"
    prepare
    "${unshare[@]}" bash "$source/tests/system/trust_e2e/run.sh" "$build" "$work"
    exit $?
fi

# ---- inside ----
work=$2
cd "$work" || exit 1
ip link set lo up
PATH=$work/bin:$PATH
pids=()
end() {
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; done
    [ ! -f "$work/swtpm.pid" ] || kill "$(cat "$work/swtpm.pid")" 2>/dev/null
    wait
}
trap end EXIT
bold='' dim='' red='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; fi
passed=0
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
pass() {
    passed=$((passed + 1))
    printf '  %sok%s    %s (%d s)\n' "$dim" "$plain" "$*" "$SECONDS"
}
fail() { # the story has lost its thread: the end
    printf '  %sFAIL%s  %s\n' "$red" "$plain" "$*"
    tail -n 40 last tree console monitor/trustd.log 2>/dev/null
    exit 1
}
expect() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@" >last 2>&1; then pass "$text"; else fail "$text: $*"; fi
}
happens() { # TEXT COMMAND...: within ten minutes, however busy this machine is
    local text=$1 limit=$((SECONDS + 600))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $limit ] || fail "$text: $*"
        sleep 0.1
    done
    pass "$text"
}

# ---- the page's commands ----
mapfile -t commands < <(grep -E '^(monitor\$|node#) .*' "$page")
[ "${#commands[@]}" = 10 ] || fail "the page has ${#commands[@]} commands, not ten"
next=0
command_next() { # monitor|node: the next command, which must be that machine's
    command=${commands[next]}
    next=$((next + 1))
    [[ $command == "$1"* ]] || fail "command $next of the page is not of $1: $command"
    printf '    %s\n' "$command"
    command=${command#* }
}
monitor_next() {
    command_next monitor
    cd monitor || exit 1
    eval "$command" 2>>../monitor.err || fail "command $next: $(tail -n 3 ../monitor.err)"
    cd ..
}
node_next() {
    command_next node
    node "$command" || fail "command $next"
}

# ---- the node ----
boot() { # starts; booted() waits
    swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --ctrl "type=unixio,path=$work/c" --pid "file=$work/swtpm.pid" --terminate --daemon
    : >console
    qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -m 512 -nodefaults -no-reboot -display none -serial stdio \
        -kernel vmlinuz -append "console=ttyS0 root=/dev/nvme0n1 rw init=/sbin/init panic=-1 quiet ima_policy=tcb ima_hash=sha256" \
        -drive file=disk.img,if=none,id=d0,format=raw -device nvme,drive=d0,serial=x \
        -chardev "socket,id=c,path=$work/c" -tpmdev emulator,id=t,chardev=c -device tpm-crb,tpmdev=t \
        -netdev user,id=n -device virtio-net-pci,netdev=n,romfile= <input >console 2>&1 &
    qemu=$!
    pids+=("$qemu")
}
booted() {
    happens "the node has booted" grep -q "RIG ready" console
    if grep -E "refused|failed" console; then fail "the node has trouble"; fi
}
node() { # COMMAND: on the node's console, to its end
    local before limit=$((SECONDS + 600))
    before=$(grep -c "RIG done" console)
    printf '%s\n' "$1" >&9
    until [ "$(grep -c "RIG done" console)" -gt "$before" ]; do
        [ $SECONDS -lt $limit ] || fail "the node does not answer: $1"
        sleep 0.05
    done
    grep "RIG done" console | tail -n 1 | grep -q "RIG done 0"
}
node_file() { # LOCAL REMOTE: over the console
    node "printf '$(awk '{ printf "%s\\n", $0 }' "$1")' >$2" || fail "$2 does not come to the node"
}
off() {
    node "busybox sync"
    printf 'poweroff -f\n' >&9
    wait "$qemu" # the next machine needs its disk
    while [ -e swtpm.pid ]; do sleep 0.1; done # and its TPM; that of the last one removes the next one's socket
}

# ---- what the monitor says ----
ask() { (cd monitor && safelib node "$@" --monitor monitor.yaml); }
show() { ask show node-vm | sed 's/^/    /'; }
verdict() { # KIND VERDICT ID [WORDS]: in the tree as it is now, and its reasons hold the words
    ask show node-vm >tree 2>&1
    awk -v head="─ $1 +$2 +$3( |\$)" -v words="${4:-}" '/─ / { inside = $0 ~ head; found = found || inside }
        inside { sub(/^[│├└─ ]+(- )?/, ""); text = text " " $0 }
        END { exit !(found && index(text, words)) }' tree
}
all_are() { # VERDICT
    verdict host "$1" host && verdict container "$1" web && verdict container "$1" dns
}
listens() { [ "$(grep -c "listening on port" monitor.err)" = "$1" ]; }

mkfifo input
exec 9<>input

say "1. A monitor, from nothing"
monitor_next
monitor_next
monitor_next
trustd=$!
pids+=("$trustd")
happens "it listens" listens 1
monitor_next
monitor_next

say "2. A node: its TPM has a certificate of its vendor; two containers run from the start"
command_next node # the page says: in the boot sequence
boot
booted
node_file monitor/server.pem /etc/safelib/monitor-ca.pem
node_file monitor/enroller /etc/safelib/token
node_next
node_next
happens "its host is degraded: nobody has said yet what it may boot" verdict host degraded host "what booted is not compared"
show

say "3. What it booted is accepted"
monitor_next
happens "host and both containers are trusted, by one quote" all_are trusted
monitor_next

say "4. Container web runs a program that nobody knows"
unknown=$(cut -d' ' -f1 unknown.sha256)
node "cp /etc/safelib/unknown /containers/web/rootfs/new; chmod 755 /containers/web/rootfs/new; mv /containers/web/rootfs/new /containers/web/rootfs/run-me"
happens "it alone is untrusted, with entry, path and digest" verdict container untrusted web "(PCR 11) /run-me sha256:$unknown"
expect "the entry's number is there" grep -qE "entry [0-9]+ \(PCR 11\) /run-me" tree
is_frozen() { node "grep -q 'frozen $2' /sys/fs/cgroup/$1/cgroup.events"; }
happens "it is paused through the agent: its control group is frozen" is_frozen web 1
happens "its host stays trusted" verdict host trusted host
happens "its neighbour stays trusted" verdict container trusted dns
expect "and runs" is_frozen dns 0
show
ear_read() { # by PyJWT, with the key that the monitor publishes
    ask ear --nonce relying-party-1 node-vm >ear.jwt && curl -s --cacert monitor/server.pem https://127.0.0.1:8443/v1/keys >keys.json &&
        /usr/bin/python3 - <<'PY'
import json
import jwt
with open("keys.json", encoding="utf-8") as file:
    key = jwt.PyJWK(json.load(file)["keys"][0]).key
with open("ear.jwt", encoding="utf-8") as file:
    claims = jwt.decode(file.read().strip(), key, algorithms=["ES256"])
assert claims["eat_nonce"] == "relying-party-1" and claims["exp"] > claims["iat"]
for name, submod in sorted(claims["submods"].items()):
    print("   ", name, submod["ear.status"], submod["ear.trustworthiness-vector"])
said = {name: submod["ear.status"] for name, submod in claims["submods"].items()}
assert said == {"host": "affirming", "container/web": "contraindicated", "container/dns": "affirming"}, said
PY
}
if /usr/bin/python3 -c 'import jwt' 2>/dev/null && command -v curl >/dev/null; then
    ear_said() { ear_read >said 2>&1; }
    happens "the same as an EAR, a signed JWT that PyJWT reads" ear_said
    cat said
fi

say "5. Container web is stopped and deleted: what it did is not forgotten"
node "runc delete --force web" || fail "runc delete"
round_now() { ask show node-vm --json | sed -n 's/^  "round": \([0-9]*\).*/\1/p'; }
round_passed() { [ "$(round_now)" -ge "$1" ]; }
happens "two more rounds" round_passed $(($(round_now) + 2))
happens "it is still untrusted" verdict container untrusted web "(PCR 11) /run-me sha256:$unknown"
happens "its host is trusted" verdict host trusted host

say "6. The monitor is killed (SIGKILL) and started again"
before=$(round_now)
kill -KILL "$trustd"
wait "$trustd" 2>/dev/null
command=${commands[2]#* }
printf '    %s\n' "${commands[2]}"
cd monitor && eval "$command" 2>>../monitor.err
cd ..
trustd=$!
pids+=("$trustd")
happens "it listens again" listens 2
happens "the verdicts are there: durable before they were told" verdict container untrusted web "/run-me"
happens "rounds go on" round_passed $((before + 2))
last_job() { # what was judged last
    (cd monitor && safelib journal show --journal state/journal --json) >journal.json
    job=$(sed -n 's/.*"job": "\([0-9a-f]*\)".*/\1/p' journal.json | tail -n 1)
    cat "monitor/state/journal/blobs/$job"
}
goes_on() { last_job | grep -qE '"from":[1-9][0-9]*'; }
happens "from the checkpoint, not from entry 0" goes_on
expect "the journal is whole" safelib journal verify --journal monitor/state/journal

say "7. The host runs an unknown program"
node "/etc/safelib/unknown true"
happens "the host falls" verdict host untrusted host "(PCR 10) /etc/safelib/unknown sha256:$unknown"
happens "and its containers with it: the root cause is named" verdict container untrusted dns "its host is untrusted, root cause: entry"
show

say "8. The node is silent: it boots"
node "rm -f /containers/web/rootfs/run-me"
off
boot
happens "when its lease is over, all is unknown" all_are unknown
show
booted
node_again() { # the page's last command of the node, after each boot
    command=${commands[7]#* }
    printf '    %s\n' "${commands[7]}"
    node "$command" || fail "$command"
}
node_again
happens "after the boot, which was noticed, all is judged from entry 0 and trusted again" all_are trusted
expect "the journal says that it booted" sh -c "cd monitor && safelib journal show --journal state/journal | grep -q '\"reboot\":true'"
show

say "9. Afterwards: every verdict of this hour, judged again from the evidence that was kept"
(cd monitor && safelib journal replay --journal state/journal --refvals refvals) >last 2>&1 || fail "replay"
sed 's/^/    /' last
pass "bit for bit the same"
off
printf '\n%d checks passed, 0 failed\n' "$passed"
