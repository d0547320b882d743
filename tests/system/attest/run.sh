#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `safelib attest` as an operator meets it: exit codes (0 accepted, 1 rejected with reasons on stderr, 2 not judged), JSON, a
# policy, the cache with import, export and expiry. Evidence is the emulator's, made here; the published one where it is.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
safelib=$build/cmd/safelib/safelib
sample=$build/tests/tools/attest-sample
vectors=${SL_VECTORS:-$source/../shared/vectors}
for file in "$safelib" "$sample"; do
    [ -x "$file" ] || { echo "$file was not built"; exit 77; }
done
work=$(mktemp -d /tmp/sl-attest.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export SAFELIB_COLLATERAL=$work/cache
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
# holds FILE WORDS: of the last command, on that stream
holds() {
    if grep -qF -- "$2" "$1"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAIL: $1 lacks \"$2\""
        head -5 "$1"
    fi
}
json() { # EXPRESSION: over the last output, as d
    if python3 -c "import json, sys; d = json.load(open('out')); sys.exit(0 if ($1) else 1)"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAIL: $1"
        head -5 out
    fi
}
verify=("$safelib" attest verify)
"$sample" s "hello nonce" || exit 1
hello=$(printf 'hello nonce' | xxd -p)

usage() {
    expect 0 "usage: safelib attest COMMAND" "$safelib" attest --help
    expect 0 "Nothing is fetched" "${verify[@]}" --help
    expect 2 "--evidence FILE is missing" "${verify[@]}" --type sgx
    expect 2 "No such file" "${verify[@]}" --evidence none
    expect 2 "--type takes sgx, tdx or snp" "${verify[@]}" --type sev --evidence s/quote.dat
    expect 2 "--time takes RFC 3339" "${verify[@]}" --evidence s/quote.dat --time yesterday
    expect 2 "--nonce takes 1 to 64 bytes" "${verify[@]}" --evidence s/quote.dat --nonce abc
    expect 2 "--report-data takes 64 bytes" "${verify[@]}" --evidence s/quote.dat --report-data 00
    expect 2 "expected one of them" "${verify[@]}" --evidence s/quote.dat --nonce 00 --report-data 00
    expect 2 "No such file" "${verify[@]}" --evidence s/quote.dat --policy none
    expect 2 "No such file" "${verify[@]}" --evidence s/quote.dat --collateral none
    expect 2 "No such file" "${verify[@]}" --evidence s/quote.dat --root none
    expect 2 "No such file" "${verify[@]}" --type tdx --evidence s/quote.dat --ccel none
    mkdir empty
    expect 2 "holds none of tcb_info.json" "${verify[@]}" --evidence s/quote.dat --collateral empty
    printf 'text' >text
    expect 2 "begins like neither" "${verify[@]}" --evidence text
    expect 1 "evidence-" "${verify[@]}" --type sgx --evidence text
    printf 'references: []\n' >bad.yaml
    expect 2 "bad.yaml: references: expected at least one" "${verify[@]}" --evidence s/quote.dat --policy bad.yaml
}

judging() {
    local good=(--evidence s/quote.dat --collateral s/pcs --policy s/policy.yaml)
    expect 0 "accepted" "${verify[@]}" --type sgx "${good[@]}"
    holds err "warning [emulated]"
    holds out "this machine's clock"
    holds out "nothing is protected"
    holds out "mrenclave       11111111 11111111"
    expect 0 "" "${verify[@]}" --json "${good[@]}"
    json "d['accepted'] and d['status'] == 'warning' and d['tcb']['status'] == 'UpToDate'"
    json "any(f['code'] == 'emulated' for f in d['findings'])"
    holds err "warning [emulated]"
    expect 0 "" "${verify[@]}" "${good[@]}" --nonce "$hello"
    expect 1 "rejected [report-data]" "${verify[@]}" "${good[@]}" --nonce "00$hello"
    expect 0 "" "${verify[@]}" "${good[@]}" --report-data "$hello$(printf '0%.0s' $(seq $((128 - ${#hello}))))"
    expect 1 "rejected [emulated]" "${verify[@]}" --evidence s/quote.dat --collateral s/pcs
    sed 's/^  - mrenclave: 11/  - mrenclave: 12/; s/min_isv_svn: 2/min_isv_svn: 3/' s/policy.yaml >other.yaml
    expect 1 "rejected" "${verify[@]}" --evidence s/quote.dat --collateral s/pcs --policy other.yaml
    expect 1 "rejected" "${verify[@]}" "${good[@]}" --time 2020-01-01T00:00:00Z
    holds err "[collateral-not-yet-valid]"
    expect 1 "rejected" "${verify[@]}" "${good[@]}" --time 2099-01-01T00:00:00Z
    holds err "[cert-expired]"
    for part in tcb_info qe_identity tcb_signing_chain pck_crl root_crl; do
        cp -r s/pcs less && rm less/$part.*
        expect 1 "$part is missing" "${verify[@]}" --evidence s/quote.dat --collateral less --policy s/policy.yaml
        rm -r less
    done
    python3 -c 'import json; d = json.load(open("s/pcs/tcb_info.json")); json.dump(d, open("indented.json", "w"), indent=1)'
    cp -r s/pcs indented && mv indented.json indented/tcb_info.json
    expect 1 "[collateral-signature]" "${verify[@]}" --evidence s/quote.dat --collateral indented --policy s/policy.yaml
    cp s/quote.dat flipped && printf '\x55' | dd of=flipped bs=1 seek=200 conv=notrunc 2>/dev/null
    expect 1 "rejected [signature]" "${verify[@]}" --evidence flipped --collateral s/pcs --policy s/policy.yaml
    openssl ecparam -name prime256v1 -genkey -noout -out ear.pem
    expect 0 "eyJ" "${verify[@]}" "${good[@]}" --ear-key ear.pem
    expect 2 "P-256 private key" "${verify[@]}" "${good[@]}" --ear-key text
}

inspecting() {
    expect 0 "Not judged" "$safelib" attest inspect s/quote.dat
    holds out "11111111 11111111"
    expect 0 "" "$safelib" attest inspect --json --evidence s/quote.dat
    json "d['enclave_report']['isv_svn'] == 2"
    expect 2 "cannot be read" "$safelib" attest inspect --type snp s/quote.dat
    expect 2 "expected one file" "$safelib" attest inspect
    if grep -q "$(printf '\033')" out; then failed=$((failed + 1)) && echo "FAIL: colour without a terminal"; fi
}

caching() {
    local cache=("$safelib" attest collateral)
    expect 0 "holds nothing yet" "${cache[@]}" list
    expect 1 "rejected" "${verify[@]}" --evidence s/quote.dat --policy s/policy.yaml
    holds out "none in the cache for sgx-534c454d5530-processor"
    expect 0 "sgx-534c454d5530-processor" "${cache[@]}" import s/pcs
    expect 0 "cache, sgx-534c454d5530-processor" "${verify[@]}" --evidence s/quote.dat --policy s/policy.yaml
    expect 0 "days left" "${cache[@]}" list
    expect 0 "tcb_signing_chain" "${cache[@]}" show sgx-534c
    expect 0 "" "${cache[@]}" list --json
    json "d[0]['parts']['pck_crl']['size'] > 0"
    expect 0 "1 platforms, 0 parts" "${cache[@]}" check --days 7
    expect 1 "tcb_info is good until" "${cache[@]}" check --days 60
    expect 1 "was good until" "${cache[@]}" check --time 2099-01-01T00:00:00Z
    expect 0 "" "${cache[@]}" export sgx-534c -o out1
    expect 0 "" diff -r out1 s/pcs
    expect 0 "" "${cache[@]}" export --bundle sgx-534c -o bundle.json
    expect 0 "" "${verify[@]}" --evidence s/quote.dat --collateral bundle.json --policy s/policy.yaml
    expect 0 "" "${cache[@]}" remove sgx-534c
    expect 2 "holds nothing for" "${cache[@]}" show sgx-534c
    expect 0 "sgx-534c454d5530-processor" "${cache[@]}" import bundle.json
    expect 0 "" "${cache[@]}" remove sgx-534c
    expect 0 "sgx-534c454d5530-processor" "${cache[@]}" import s/pcs/*
    expect 1 "expected a CRL" env sh -c "cp -r s/pcs broken && echo x >broken/pck_crl.der && exec '$safelib' attest collateral import broken"
    expect 1 "tcb_info.json is missing" "${cache[@]}" import s/pcs/pck_crl.der
    expect 1 "no collateral bundle" "${cache[@]}" import text
    expect 2 "No such file" "${cache[@]}" import none
    expect 0 "cache, sgx-534c" "${verify[@]}" --evidence s/quote.dat --policy s/policy.yaml
    expect 0 "700 600" sh -c "stat -c %a cache cache/* | xargs"
    # two at a time: whoever reads sees a whole set
    (for _ in 1 2 3 4 5 6 7 8; do "$safelib" attest collateral import s/pcs >/dev/null; done) &
    for _ in 1 2 3 4; do expect 0 "accepted" "${verify[@]}" --evidence s/quote.dat --policy s/policy.yaml; done
    wait $!
}

published() {
    local tdx=$vectors/tdx/phala-dcap-qvl sgx=$vectors/sgx/phala-dcap-qvl/sample snp=$vectors/snp/virtee-sev/tests/certs_data
    [ -d "$tdx" ] || { echo "vectors absent: $vectors"; return; }
    expect 0 "UpToDate" "${verify[@]}" --type tdx --evidence "$tdx/tdx_quote" --collateral "$tdx/tdx_quote_collateral.json" --time 2025-07-01T00:00:00Z
    expect 1 "ConfigurationAndSWHardeningNeeded" "${verify[@]}" --type sgx --evidence "$sgx/sgx_quote" \
        --collateral "$sgx/sgx_quote_collateral.json" --time 2025-07-01T00:00:00Z
    holds err "TCB component 7 is 0, level of 2024-03-13 needs 12"
    printf 'insecure_any_identity: true\ntcb_status: [ConfigurationAndSWHardeningNeeded]\n' >lax.yaml
    expect 0 "ConfigurationAndSWHardeningNeeded" "${verify[@]}" --type sgx --evidence "$sgx/sgx_quote" \
        --collateral "$sgx/sgx_quote_collateral.json" --time 2025-07-01T00:00:00Z --policy lax.yaml
    mkdir kds && cp "$snp/vcek_milan.der" kds/vcek.der && cp "$snp/cert_chain_milan" kds/cert_chain.pem
    xxd -r -p "$snp/report_milan.hex" >report.bin
    expect 0 "accepted" "${verify[@]}" --type snp --evidence report.bin --collateral kds --time 2024-01-01T00:00:00Z
    expect 1 "rejected" "${verify[@]}" --type snp --evidence report.bin --collateral kds --time 2019-01-01T00:00:00Z
    printf 'insecure_any_identity: true\nmin_snp_tcb: {milan: {microcode: 116}}\n' >snp.yaml
    expect 1 "[snp-tcb]" "${verify[@]}" --type snp --evidence report.bin --collateral kds --time 2024-01-01T00:00:00Z --policy snp.yaml
}

documented() { # every code is explained to the operator
    local code
    while read -r code; do expect 0 "" grep -qF "| \`$code\` |" "$source/docs/attestation.md"; done < <(
        tr -d '\\\n' <"$source/include/safelib/attest_checks.h" | grep -oE 'X\([A-Z0-9_]+, *"[a-z-]+"' | sed 's/.*"\(.*\)"/\1/')
}

# A TPM's quote, with its AK's public area, and with one that says that the key may sign anything.
tpm_quotes() {
    local keylime=$vectors/tpm/keylime
    [ -d "$keylime" ] || { echo "vectors absent: $keylime"; return; }
    cp "$keylime/ak.pub" unrestricted.pub && chmod u+w unrestricted.pub
    printf '\x04' | dd of=unrestricted.pub bs=1 seek=7 conv=notrunc 2>/dev/null
    expect 0 "good quote" "$safelib" tpm verify-quote --msg "$keylime/quote.out" --sig "$keylime/quotesig.out" --ak "$keylime/ak.pub"
    expect 1 "tpm-key" "$safelib" tpm verify-quote --msg "$keylime/quote.out" --sig "$keylime/quotesig.out" --ak unrestricted.pub
}

usage
documented
tpm_quotes
judging
inspecting
caching
published
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
