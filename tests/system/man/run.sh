#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the examples of the man pages: every line "$ command" between ".Bd -literal" and ".Ed" must exit 0, in order, in a
# folder that holds the standard image and a copy of it.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
[ -f "$build/cmd/safelib-nf/safelib-nf" ] || { echo "no image in $build"; exit 77; }
work=$(mktemp -d /tmp/sl-man.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/run" "$work/run/copy"
for program in safelib safelib-host safelib-gateway; do
    [ ! -x "$build/cmd/$program/$program" ] || ln -s "$build/cmd/$program/$program" "$work/bin/"
done
PATH=$work/bin:$PATH
cp "$build/cmd/safelib-nf/safelib-nf" "$work/run/"
cp "$build/cmd/safelib-nf/safelib-nf" "$work/run/copy/"
cd "$work/run" || exit 1
# What the pages on policies speak of: a few rules, and a capture of one UDP packet (raw IP).
printf 'table inet filter {\n chain forward {\n type filter hook forward priority filter; policy drop;\n tcp dport { 80, 443 } accept\n tcp dport 23 reject with tcp reset\n }\n}\n' >rules.nft
printf 'inside: [10.1.0.0/24]\noutside: {addresses: [192.0.2.0/29]}\nallocation: {method: deterministic, block_size: 2016}\n' >nat.yaml
{
    printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x65\x00\x00\x00'
    printf '\x01\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x1c\x00\x00\x00'
    printf '\x45\x00\x00\x1c\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x00\x00\x01\xc0\x00\x02\x01\x04\xd2\x00\x35\x00\x08\x00\x00'
} >day.pcap
# A measurement list of one entry.
{
    printf '\x1a\x00\x00\x00sha1:\x00%020d\x0f\x00\x00\x00boot_aggregate\x00' 0 >entry
    printf '10 %s ima-ng sha1:3030303030303030303030303030303030303030 boot_aggregate\n' "$(sha1sum <entry | cut -d' ' -f1)" >list.txt
}
# What the page on attestation speaks of: an emulated quote with its collateral.
if [ -x "$build/tests/tools/attest-sample" ]; then
    "$build/tests/tools/attest-sample" . && mv policy.yaml attest.yaml
fi
failed=0 count=0
# Pages whose examples need nothing but an image; the others' examples run in the scenarios that set a network up.
for page in safelib safelib-image safelib-policy safelib-explain safelib-replay safelib-status safelib-ping safelib-nf safelib-snapshot safelib-doctor safelib-key safelib-tpm safelib-ima safelib-refvals safelib-bootlog; do
    while IFS= read -r line; do
        count=$((count + 1))
        if ! out=$(bash -c "$line" 2>&1); then
            echo "$page: \"$line\" failed: $out"
            failed=$((failed + 1))
        fi
    done < <(sed -n '/^\.Bd -literal/,/^\.Ed/s/^\$ //p' "$source/man/$page.1" | sed 's/\\-/-/g; s/\\&//g')
done
echo "$count examples, $failed failed"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
