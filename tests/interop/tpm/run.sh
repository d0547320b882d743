#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Quotes and credentials against a TPM that we did not write:
#
#   tpm2-tools --> swtpm (libtpms) --quote--> safelib tpm verify-quote
#                    ^--- TPM2_ActivateCredential of what credential_tool made
#
# Exit 77: swtpm or tpm2-tools are not installed.
#   run.sh SAFELIB CREDENTIAL_TOOL
set -u
safelib=$(realpath "$1") credential_tool=$(realpath "$2")
for program in swtpm swtpm_setup tpm2_quote tpm2_activatecredential; do
    command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
done
work=$(mktemp -d /tmp/sl-tpm.XXXXXX)
cd "$work" || exit 1
passed=0 failed=0
finish() {
    [ ! -s pid ] || kill "$(cat pid)" 2>/dev/null
    cd / && rm -rf "$work"
}
trap finish EXIT
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
mkdir state
swtpm_setup --tpm2 --tpmstate "$work/state" --pcr-banks sha1,sha256,sha384 >setup.log 2>&1 || { cat setup.log; exit 1; }
swtpm socket --tpm2 --tpmstate "dir=$work/state" --server "type=unixio,path=$work/tpm" --ctrl "type=unixio,path=$work/tpm.ctrl" \
    --flags not-need-init,startup-clear --pid "file=$work/pid" --daemon || exit 1
export TPM2TOOLS_TCTI=swtpm:path=$work/tpm
quote() { tpm2_flushcontext -t; tpm2_quote -c ak.ctx "$@" -m q.msg -s q.sig -o q.pcrs >/dev/null; }
verify=("$safelib" tpm verify-quote --msg q.msg --sig q.sig)

# KIND HASH SCHEME of the AK, under an EK of each kind
for ak in "rsa sha256 rsassa" "rsa sha256 rsapss" "rsa sha384 rsassa" "ecc sha256 ecdsa" "ecc384 sha384 ecdsa"; do
    read -r kind hash scheme <<<"$ak"
    ek=${kind%384}
    tpm2_createek -c ek.ctx -G "$ek" -u ek.pub >/dev/null || exit 1
    if ! tpm2_createak -C ek.ctx -c ak.ctx -G "$kind" -g "$hash" -s "$scheme" -u ak.pub -f pem -n ak.name >/dev/null 2>&1; then
        echo "swtpm makes no AK of $ak: left out"
        tpm2_flushcontext -t
        continue
    fi
    tpm2_flushcontext -t
    tpm2_readpublic -c ak.ctx -o ak.area >/dev/null
    tpm2_flushcontext -t
    tpm2_pcrextend 16:sha256="$(printf '%s' "$ak" | sha256sum | cut -d' ' -f1)"
    quote -l sha256:0,7,16+sha1:10 -q 9009 -g "$hash" --scheme "$scheme"
    expect 0 "good quote" "${verify[@]}" --ak ak.pub --nonce 9009 --pcrs q.pcrs
    expect 0 "good quote" "${verify[@]}" --ak ak.area --nonce 9009 --pcrs sha256:0,16
    tpm2_pcrread sha256:0,7,16+sha1:10 >values.yaml
    expect 0 "good quote" "${verify[@]}" --ak ak.area --nonce 9009 --pcrs values.yaml
    expect 0 "may be an old quote" "${verify[@]}" --ak ak.area
    expect 1 "tpm-nonce" "${verify[@]}" --ak ak.area --nonce 9010
    expect 1 "PCR 11 of bank sha256" "${verify[@]}" --ak ak.area --nonce 9009 --pcrs sha256:11
    tpm2_pcrextend 16:sha256="$(printf x | sha256sum | cut -d' ' -f1)"
    tpm2_pcrread sha256:0,7,16+sha1:10 >values.yaml
    expect 1 "tpm-pcrs" "${verify[@]}" --ak ak.area --nonce 9009 --pcrs values.yaml
    # another key's quote, of the same kind
    cp ak.pub other.pub
    tpm2_createak -C ek.ctx -c ak.ctx -G "$kind" -g "$hash" -s "$scheme" -u ak.pub -f pem -n ak.name >/dev/null
    tpm2_flushcontext -t
    tpm2_readpublic -c ak.ctx -o ak.area >/dev/null
    tpm2_flushcontext -t
    quote -l sha256:0 -q 01 -g "$hash" --scheme "$scheme"
    expect 1 "signature" "${verify[@]}" --ak other.pub --nonce 01
    # plain signatures
    tpm2_flushcontext -t
    tpm2_quote -c ak.ctx -l sha256:0 -q 02 -g "$hash" --scheme "$scheme" -m q.msg -s q.sig -f plain >/dev/null
    if [ "$hash" = sha256 ] && [ "$scheme" != rsapss ]; then
        expect 0 "good quote" "${verify[@]}" --ak ak.pub --nonce 02
    fi
    # a credential that our own code wrapped is activated by the TPM, for this AK and no other
    tpm2_flushcontext -t
    "$credential_tool" ek.pub ak.name "secret of $ak" cred || failed=$((failed + 1))
    tpm2_startauthsession --policy-session -S session >/dev/null
    tpm2_policysecret -S session -c e >/dev/null
    expect 0 "" tpm2_activatecredential -c ak.ctx -C ek.ctx -i cred -o opened -P session:session
    if [ "$(cat opened)" = "secret of $ak" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL: credential"; fi
    tpm2_flushcontext session
    tpm2_flushcontext -t
done

# a signing key that is not restricted signs anything: no AK
tpm2_createprimary -c primary.ctx >/dev/null
tpm2_create -C primary.ctx -G ecc:ecdsa-sha256 -u key.pub -r key.priv -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' >/dev/null
tpm2_flushcontext -t
tpm2_load -C primary.ctx -u key.pub -r key.priv -c ak.ctx >/dev/null
tpm2_flushcontext -t
quote -l sha256:0 -q 03
expect 1 "attribute restricted is clear" "${verify[@]}" --ak key.pub --nonce 03
echo "$passed passed, $failed failed"
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
