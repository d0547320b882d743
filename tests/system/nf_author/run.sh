#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What nf/README.md tells an NF's author to do, done: its chains and policies, its commands, in an image with both examples.
# Ten packets of one UDP flow in two seconds, the third with a TTL of 3: the TTL's NF drops that, the other lets three a second pass.
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
safelib=$build/cmd/safelib/safelib
image=$build/tests/system/nf_author/safelib-nf-examples
[ -x "$image" ] || { echo "skipped: no image in this build"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0
check() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@" >check.log 2>&1; then passed=$((passed + 1)) && echo "  ok    $text"; else failed=$((failed + 1)) && echo "  FAIL  $text" && tail -5 check.log; fi
}
python3 - "$source/nf/README.md" <<'E2'
import re, struct, sys
guide = open(sys.argv[1]).read()
chains = re.findall(r'```yaml\n(.*?)```', guide, re.S)
assert len(chains) == 2, chains
first = re.sub(r'(?m)^   ', '', chains[0]).replace('nf: my_ttl', 'nf: example_ttl')
second = chains[1].replace('nf: my_limit', 'nf: example_flow').replace('chain:\n', '')
open('chain.yaml', 'w').write(first + second)
bytes_of = dict(re.findall(r"printf '([^']*)' >(my_ttl)", guide)), re.search(r"my_limit.policy\s+# four bytes: printf '([^']*)'", guide)
open('prepare', 'w').write(''.join("printf '%s' >%s.policy\n" % item for item in bytes_of[0].items()) + "printf '%s' >my_limit.policy\n" % bytes_of[1].group(1))
def udp(ttl):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 30, 1, 0, ttl, 17, 0, bytes([10, 0, 0, 1]), bytes([192, 0, 2, 1]))
    total = sum(struct.unpack('>10H', head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack('>H', ~total & 0xffff) + head[12:]
    return head + struct.pack('>HHHH', 4000, 53, 10, 0) + b'hi'
with open('day.pcap', 'wb') as out:
    out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
    for i in range(10):
        p = udp(3 if i == 2 else 64)
        out.write(struct.pack('<IIII', 1700000000 + i // 5, i % 5 * 1000, len(p), len(p)) + p)
E2
cat >rules.nft <<'E2'
table inet fw {
    chain forward {
        type filter hook forward priority 0; policy accept;
    }
}
E2
check "policies by the guide's own commands" sh prepare
check "the chain compiles" "$safelib" policy chain chain.yaml -o chain.slp
check "it runs inside an enclave" "$safelib" replay --chain chain.slp --in day.pcap --image "$image" --verdicts verdicts
want="accept accept drop accept drop accept accept accept drop drop"
check "each NF decides as written: $want" test "$(cut -f2 verdicts | xargs)" = "$want"
check "the packet level's NF dropped the third" grep -qP '^3\tdrop\texample_ttl' verdicts
check "the flow level's NF dropped the fifth" grep -qP '^5\tdrop\texample_flow' verdicts
printf '\1\2' >my_limit.policy
"$safelib" policy chain chain.yaml -o cut.slp >/dev/null
"$safelib" replay --chain cut.slp --in day.pcap --image "$image" >refused 2>&1
check "a policy that load refuses: the NF, and why" grep -q 'NF 2 "example_flow": policy refused: input ends too early' refused
"$safelib" replay --chain chain.slp --in day.pcap >refused 2>&1
check "an image without it says so" grep -q 'this image has no NF "example_ttl"' refused
echo "$passed checks passed, $failed failed"
[ "$failed" -eq 0 ]
