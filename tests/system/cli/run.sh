#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The `safelib` command as an operator meets it, with nothing running: exit codes (0 good, 1 judged bad, 2 not done), JSON that
# parses, sentences that name what is wrong, colour on terminals only, captures of every make, nothing left behind.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
safelib=$build/cmd/safelib/safelib
dying=$build/tests/system/host_program/dying_image # by the last of its parameters, here the device
for file in "$safelib" "$dying" "$build/cmd/safelib-nf/safelib-nf"; do
    [ -x "$file" ] || { echo "$file was not built"; exit 77; }
done
work=$(mktemp -d /tmp/sl-cli.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
# expect STATUS WORDS COMMAND...: exit status, and words that output or errors must hold
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
is_json() { python3 -c 'import json, sys; json.load(sys.stdin)' <"$1"; }
expect_json() { # STATUS COMMAND...: standard output must be one JSON value
    local status=$1
    shift
    expect "$status" "" "$@"
    if is_json out; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAIL: no JSON from: $*"
    fi
}
pcap() { # LINK_TYPE FRAME_HEX[+MISSING]...: a little-endian pcap
    python3 -c '
import struct, sys
out = struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, int(sys.argv[1]))
for text in sys.argv[2:]:
    text, _, missing = text.partition("+")
    frame = bytes.fromhex(text)
    out += struct.pack("<IIII", 1, 0, len(frame), len(frame) + int(missing or 0)) + frame
sys.stdout.buffer.write(out)' "$@"
}
dns=4500001c00000000401100000a000001c000020104d2003500080000
ether=0000000000000000000000000800

# evidence that is none: which file, and what it should be
: >empty
head -c 600 /dev/zero | tr '\0' '\377' >noise
for what in show replay verify; do expect 2 "noise: not a measurement list: entry 1" "$safelib" ima "$what" --log noise; done
expect 2 "0 to 23 expected" "$safelib" ima show --log noise
expect 1 "the list is empty" "$safelib" ima verify --log empty
for what in show replay; do expect 2 "noise: event log" "$safelib" bootlog "$what" --log noise; done
expect 2 "empty: 0 bytes, expected a quote (TPMS_ATTEST)" "$safelib" tpm verify-quote --msg empty --sig noise --ak noise
expect 2 "empty: 0 bytes, expected its signature" "$safelib" tpm verify-quote --msg noise --sig empty --ak noise
expect 2 "empty: 0 bytes, expected an attestation key" "$safelib" tpm verify-quote --msg noise --sig noise --ak empty
for what in msg sig ak; do expect 2 "no-such-file" "$safelib" tpm verify-quote --msg noise --sig noise --ak noise "--$what" no-such-file; done

# what a node's operator asks without network and TPM
printf 'containers: [{name: web, uids: 100000-165535, pcr: 11}]\n' >slots.yaml
expect 0 "pcr=11" "$safelib" agent ima-policy --containers slots.yaml
expect 2 "--containers FILE is needed" "$safelib" agent ima-policy
expect 2 "no-such-file" "$safelib" agent ima-policy --containers no-such-file
printf 'monitor: {url: "https://x:1", ca: /x}\nname: n\nclass: c\nruntimes: [{name: runc, state: %s/runc}]\n' "$work" >agent.yaml
expect 0 "no container in" "$safelib" agent containers --config agent.yaml
mkdir -p runc/web && printf '{' >runc/web/state.json
expect 1 "web/state.json: no JSON" "$safelib" agent containers --config agent.yaml
expect 2 "no-such-file" "$safelib" agent containers --config no-such-file
expect 1 "runtimes: runc: $work/agent.yaml: Not a directory" "$safelib" agent containers --config <(sed 's,/runc},/agent.yaml},' agent.yaml)
: >token
expect 1 "token: is empty" "$build/cmd/safelib-agent/safelib-agent" enroll --token-file token --config agent.yaml
expect 2 "monitor.ca: /x: No such file" "$build/cmd/safelib-agent/safelib-agent" --check --config agent.yaml
# a monitor's configuration is good where a start would succeed and somebody could talk to it
certificate() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -days "$2" -subj /CN=monitor 2>/dev/null; }
certificate good 2
certificate other 2
mkdir policies
trustd() { # CERTIFICATE KEY LISTEN [MORE]
    printf 'certificate: %s\nkey: %s\nlisten: "%s"\nstate_dir: monitor-state\npolicy_dir: policies\n%s\n' "$1" "$2" "$3" "${4:-}" >trustd.yaml
    printf '%s' "$build/cmd/safelib-trustd/safelib-trustd"
}
expect 0 "0 policies in policies: no node can be trusted" "$(trustd good.pem good.key 127.0.0.1:0)" --check --config trustd.yaml
expect 2 "key: other.key: not a key (PEM), or not that of the certificate" "$(trustd good.pem other.key 127.0.0.1:0)" --check --config trustd.yaml
expect 2 "certificate: no.pem: No such file" "$(trustd no.pem good.key 127.0.0.1:0)" --check --config trustd.yaml
expect 2 'port "70000", expected 0 to 65535' "$(trustd good.pem good.key 127.0.0.1:70000)" --check --config trustd.yaml
expect 2 "no-refvals: No such file" "$(trustd good.pem good.key 127.0.0.1:0 "refvals: no-refvals")" --check --config trustd.yaml
if command -v faketime >/dev/null; then
    faketime '2020-01-01' openssl req -x509 -key good.key -out old.pem -days 1 -subj /CN=monitor 2>/dev/null
    expect 2 "certificate: old.pem: has expired" "$(trustd old.pem good.key 127.0.0.1:0)" --check --config trustd.yaml
fi
expect 1 "state_dir: monitor-state: No such file or directory; the monitor makes it" "$(trustd good.pem good.key 127.0.0.1:0)" token list --config trustd.yaml
printf 'class: x\nnonsense: 1\n' >policies/x.yaml
expect 2 "policies/x.yaml: Unexpected key: nonsense" "$(trustd good.pem good.key 127.0.0.1:0)" --check --config trustd.yaml
expect 1 "trustd.yaml: expected a folder" "$(trustd good.pem good.key 127.0.0.1:0)" --config <(sed 's/monitor-state/trustd.yaml/' trustd.yaml)

cat >rules.nft <<'RULES'
table inet filter {
    chain forward {
        type filter hook forward priority filter; policy drop;
        tcp dport { 80, 443 } accept
        udp dport 53 accept comment "names"
    }
}
RULES
printf 'table inet t {\n chain f {\n  type filter hook forward priority 0\n  ct mark 7 accept comment "caf\xe9"\n }\n}\n' >latin1.nft
# bytes without a meaning; always the same, as luck has a line break or a # at the start now and then, and the fault in line 2
python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(1).randbytes(2000))' >junk
mkfifo pipe

# shellcheck disable=SC2016 # backticks are part of the sentences
policies() {
    expect 0 "2 rules" "$safelib" policy compile rules.nft -o rules.slp
    expect 0 "     1  line 4     accept" "$safelib" policy show rules.slp
    expect 1 'latin1.nft:4: chain f: cannot honour `ct mark 7 accept comment "caf?"`' "$safelib" policy check latin1.nft
    expect_json 1 "$safelib" policy check --json latin1.nft
    expect_json 1 "$safelib" policy check --json junk
    expect 1 "nft refuses junk:1" "$safelib" policy check junk
    if LC_ALL=C grep -q '[^[:print:][:space:]]' err && ! iconv -f UTF-8 -t UTF-8 err >/dev/null; then
        failed=$((failed + 1)) && echo "FAIL: raw bytes of the file reach the terminal"
    fi
    expect 2 "expected a file of rules" "$safelib" policy check pipe
    expect 2 "expected a file of rules" "$safelib" policy check .
    expect 2 "No such file" "$safelib" policy check missing
    expect 2 "No such file" "$safelib" policy compile rules.nft -o nowhere/out
    expect 2 "expected one of nftables, classbench" "$safelib" policy check --kind iptables rules.nft
    expect_json 0 "$safelib" policy show --json rules.slp
    printf 'chain:\n- {nf: firewall, policy: rules.nft}\n' >chain.yaml
    printf 'chain:\n- {nf: nosuch, policy: rules.nft}\n' >nosuch.yaml
    printf 'chain:\n- {nf: firewall, policy: missing}\n' >missing.yaml
    printf 'chain:\n- {nf: firewall, policy: latin1.nft}\n' >latin1.yaml
    expect 0 "a chain of 1" "$safelib" policy chain chain.yaml -o chain.slp
    expect 0 "MiB in the enclave" "$safelib" policy chain chain.yaml --dry-run
    expect_json 0 "$safelib" policy chain chain.yaml --dry-run --json
    expect 0 "a chain of 4" "$safelib" policy chain "$source/packaging/examples/chain.yaml" --dry-run
    expect 0 "     2  line 5     accept" "$safelib" policy show chain.slp
    expect 0 "rules.nft:5" "$safelib" explain -p chain.slp 'udp 10.0.0.1 > 192.0.2.1:53'
    expect 0 "rules.nft:5" "$safelib" explain -p chain.yaml 'udp 10.0.0.1 > 192.0.2.1:53'
    expect 2 "say where to" "$safelib" policy chain chain.yaml
    expect 1 "latin1.nft:4" "$safelib" policy chain latin1.yaml -o none.slp
    expect 2 'missing.yaml:2:26: `missing`: ' "$safelib" policy chain missing.yaml -o none.slp
    expect 0 "not known here, not checked" "$safelib" policy chain nosuch.yaml -o nosuch.slp
}

explanations() {
    expect 0 "accept by rule 2 of firewall" "$safelib" explain -p rules.slp 'udp 10.0.0.1 > 192.0.2.1:53'
    expect 0 'rules.nft:5: udp dport 53 accept comment "names"' "$safelib" explain -p rules.slp 'udp 10.0.0.1:9>192.0.2.1:53'
    expect 0 "drop by the default policy of firewall" "$safelib" explain -p rules.nft 'icmpv6 2001:db8::1 > 2001:db8::2 type=1'
    expect_json 0 "$safelib" explain --json -p rules.slp 'tcp 10.0.0.1:9 > 192.0.2.1:80 flags=syn,ack'
    while IFS='|' read -r flow words; do
        expect 2 "$words" "$safelib" explain -p rules.slp "$flow"
    done <<'FLOWS'
tpc 10.0.0.1:9 > 192.0.2.1:80|`tpc`: expected tcp, udp
tcp 10.0.0.500:9 > 192.0.2.1:80|`10.0.0.500:9`: not an IPv4 address
tcp 10.0.0.1:99999 > 192.0.2.1:80|`10.0.0.1:99999`: expected a port
tcp 10.0.0.1:9 > 192.0.2.1:www|`192.0.2.1:www`: expected a port
tcp 10.0.0.1 > ::1|`::1`: one address is IPv4
tcp [::1:80 > [::1]:5|`[::1:80`: expected [ADDRESS]:PORT
udp 10.0.0.1:5 > 10.0.0.2|`10.0.0.2`: the rule may depend on the port
icmp 10.0.0.1:5 > 10.0.0.2|`10.0.0.1:5`: this protocol has no ports
icmp ::1 > ::2|`icmp`: between IPv6 addresses it is icmpv6
udp 10.0.0.1:5 > 10.0.0.2:5 flags=syn|`udp`: flags= is for tcp
tcp 10.0.0.1:5 > 10.0.0.2:5 type=3|`tcp`: type= and code= are for icmp
tcp 10.0.0.1:5 > 10.0.0.2:5 flgs=syn|`flgs=syn`: expected
tcp 10.0.0.1:5|the destination is missing
|the protocol is missing
FLOWS
}

captures() {
    local run=("$safelib" replay --chain rules.slp --device bare)
    pcap 1 $ether$dns $ether${dns}00000000 ffffffffffff0000000000000806 >ether.pcap
    pcap 101 $dns 45 >raw.pcap
    pcap 101 ${dns:0:42}+7 >snapped.pcap
    pcap 101 >none.pcap
    pcap 9 ff030021$dns 21$dns 0021$dns c02100 >ppp.pcap # RFC 1661 6.5: a compressed protocol number
    pcap 105 00 >wifi.pcap
    head -c 60 ether.pcap >cut.pcap
    : >empty.pcap
    expect 0 "3 frames: 2 accepted, 0 dropped (0 of them malformed), 0 answered; 1 not IP" "${run[@]}" --in ether.pcap
    expect 0 "1	accept	firewall	2" "${run[@]}" --in ether.pcap
    expect 0 "2	drop	-	malformed" "${run[@]}" --in raw.pcap
    expect 0 "4 frames: 3 accepted" "${run[@]}" --in ppp.pcap
    expect 2 "link type IEEE802_11" "${run[@]}" --in wifi.pcap
    # the same, told NF by NF
    expect 0 "rules.nft:5: " "$safelib" explain --chain chain.yaml --in ether.pcap
    expect 0 "malformed: dropped before any NF" "$safelib" explain --chain rules.nft --in raw.pcap --frame 2
    expect_json 0 "$safelib" explain --chain chain.slp --in ether.pcap --json
    expect 0 "the capture lacks its last 7 bytes (snap length)" "$safelib" explain --chain rules.nft --in snapped.pcap
    expect 0 "none.pcap: no IP packet in it" "$safelib" explain --chain rules.nft --in none.pcap
    expect 0 "only the original direction has been seen" "$safelib" explain --chain "$source/packaging/examples/chain.yaml" --in ether.pcap
    expect 2 "no IP packet in frame 99" "$safelib" explain --chain rules.nft --in ether.pcap --frame 99
    expect 2 "expected one packet in words, or --in PCAP" "$safelib" explain --chain rules.nft
    expect 2 "with --chain FILE" "$safelib" explain --in ether.pcap
    expect 2 "cannot be read to its end" "${run[@]}" --in cut.pcap
    expect 2 "not a capture" "${run[@]}" --in empty.pcap
    expect 2 "not a capture" "${run[@]}" --in junk
    expect 2 'this image has no NF "nosuch"' "$safelib" replay --chain nosuch.slp --device bare --in ether.pcap
    expect 2 "would overwrite" "${run[@]}" --in ether.pcap --out ./ether.pcap
    expect 2 "could not be written" bash -c "${run[*]} --in ether.pcap >/dev/full"
    # an image that dies (page fault) or ends under the command: told at once, not after the channel's patience
    expect 2 "the image died: " timeout 120 "${run[@]}" --in ether.pcap --image "$dying"
    expect 2 "the image ended by itself with exit code 0" timeout 120 "$safelib" replay --chain rules.slp --device emu \
        --in ether.pcap --image "$dying"
    expect_json 0 "${run[@]}" --in ether.pcap --json
    expect_json 2 "${run[@]}" --in cut.pcap --json
    expect 0 "" "${run[@]}" --in ether.pcap --out b.pcap --verdicts b.txt
    expect 0 "" "$safelib" replay --chain rules.nft --device emu --in ether.pcap --out e.pcap --verdicts e.txt
    expect 0 "" cmp b.txt e.txt
    expect 0 "" cmp b.pcap e.pcap
}

nothing_runs() {
    local sockets=(--socket "$work/none" --host-socket "$work/none")
    expect 2 "safelib doctor" "$safelib" status "${sockets[@]}"
    expect_json 2 "$safelib" status --json "${sockets[@]}"
    expect 2 "is it running?" "$safelib" ping --socket "$work/none"
    expect 2 "--policy FILE" "$safelib" explain --socket "$work/none" 'udp 10.0.0.1:9 > 192.0.2.1:53'
    expect 2 'did you mean "safelib status"' "$safelib" statsu
    "$safelib" doctor --json >doctor.json 2>doctor.err # its status says whether this machine has a TEE
    is_json doctor.json || { failed=$((failed + 1)) && echo "FAIL: no JSON from safelib doctor --json"; }
}

# Escape sequences on a terminal, none in a pipe, none where NO_COLOR says so.
colours() {
    local escape=$'\e['
    expect 0 "$escape" script -qec "$safelib explain -p rules.slp 'udp 10.0.0.1:9 > 192.0.2.1:53'" /dev/null
    expect 1 "$escape" bash -c "$safelib explain -p rules.slp 'udp 10.0.0.1:9 > 192.0.2.1:53' | grep -F '$escape' || { echo '$escape'; exit 1; }"
    expect 1 "$escape" bash -c "NO_COLOR=1 script -qec '$safelib status --socket $work/none' /dev/null | grep -F '$escape' || { echo '$escape'; exit 1; }"
}

# A compilation that is interrupted leaves no namespace, no process and no file.
interrupted() {
    local before after pid
    python3 -c 'print("table inet t {\n chain f {\n type filter hook forward priority 0")
for i in range(20000): print(f" ip saddr 10.{i // 250}.{i % 250}.0/24 tcp dport {i % 60000} accept")
print(" }\n}")' >big.nft
    before=$(find /tmp . -maxdepth 1 | sort | md5sum)
    # a group of its own, so that the interrupt reaches nft too, as Ctrl-C does
    setsid "$safelib" policy compile big.nft -o big.slp >/dev/null 2>&1 &
    pid=$!
    sleep 0.5
    kill -INT -- "-$pid" 2>/dev/null || kill -TERM -- "-$pid" 2>/dev/null
    sleep 0.3
    kill -TERM -- "-$pid" 2>/dev/null # a background process of a script may ignore SIGINT
    wait "$pid" 2>/dev/null
    after=$(find /tmp . -maxdepth 1 ! -name big.slp | sort | md5sum)
    for _ in $(seq 600); do pgrep -g "$pid" >/dev/null || break && sleep 0.1; done
    expect 1 "" pgrep -g "$pid"
    expect 1 "" test -e big.slp.part
    [ "$before" = "$after" ] || echo "note: /tmp changed meanwhile (other programs use it, too)"
}

policies
explanations
captures
nothing_runs
colours
interrupted
echo "$passed checks passed, $failed failed"
[ "$failed" -eq 0 ]
