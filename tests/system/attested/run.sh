#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attestation is the only way in: what the gateway gives, to which image, and what it takes back.
#
#   lan ---- gw ==== ESP in UDP ==== cloud: safelib-host [ the image | an image with one byte changed ]
#             |  \_ or through a relay on port 4434 that flips one bit _/
#            wan
#
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh" "${1:-build}"
CACHE=$WORK/collateral
mkdir "$CACHE"
GENUINE=$("$SAFELIB" image measure "$IMAGE")
gw_attestation() { # EXTRA: YAML keys more
    printf 'attestation: {references: [{mrenclave: %s}], collateral: %s, %s}' "$GENUINE" "$CACHE" "$1"
}
GW_ATTESTATION=$(gw_attestation 'insecure_allow_emulated: true')
GW_EXTRA='tunnel: {reattest_seconds: 2, lease_seconds: 60}'
all_up || exit 1

refused_for() { state_is stopped && gateway_reason | grep -q -- "^attestation: .*$1"; }
passes() { in_ns lan ping -q -c 2 -i 0.05 -W 1 10.2.0.2; }
attested() { [ "$(field attestation.verified)" -ge "$1" ]; }
given() { field session.provisions; }
no_sas() { # at either end
    [ "$(field tunnel.slots.0.sa_out)" = None ] && [ "$(field tunnel.slots.0.sa_in)" = None ]
}
host_again() { # [options]
    stop "$HOST_PID"
    host_start "$@"
}

say "the genuine image"
check "traffic passes" wait_for 60 passes
check "status names the measurement" [ "$(field attestation.measurement)" = "$GENUINE" ]
check "and that it is the emulator's" [ "$(field attestation.emulated)" = True ]
check "the console was told at the start" grep -q 'WARNING: insecure_allow_emulated is on' "$WORK/gateway.log"
check "and what was attested" grep -q "image attested: sgx, measurement $GENUINE, TCB UpToDate; EMULATED" "$WORK/gateway.log"
"$SAFELIB" status --socket "$WORK/gateway.sock" >"$WORK/status.txt"
check "safelib status says so" grep -q 'EMULATED: PROTECTS NOTHING' "$WORK/status.txt"

say "the certificate, for other tools"
openssl req -x509 -new -key "$WORK/tenant.pem" -subj /CN=tenant -days 1 -out "$WORK/tenant.crt" 2>/dev/null
certificate() { # the image's, as any TLS client with the tenant's key sees it
    in_ns gw timeout 60 openssl s_client -connect "$(host_address):4433" -cert "$WORK/tenant.crt" -key "$WORK/tenant.pem" \
        </dev/null 2>/dev/null | openssl x509 -outform DER -out "$WORK/image.der" 2>/dev/null
    openssl x509 -inform DER -in "$WORK/image.der" -noout -text >"$WORK/image.txt" 2>/dev/null &&
        grep -q '2\.23\.133\.5\.4\.9' "$WORK/image.txt"
}
check "carries DICE tagged evidence" wait_for 60 certificate
check "a quote that safelib attest can read" python3 - "$WORK/image.der" "$WORK/image.quote" <<'PY'
import sys
der = open(sys.argv[1], "rb").read()
at = der.index(bytes.fromhex("d9ea608259"))  # CBOR: tag 60000, array of two, bytes
size = int.from_bytes(der[at + 5:at + 7], "big")
open(sys.argv[2], "wb").write(der[at + 7:at + 7 + size])
PY
"$SAFELIB" attest inspect --evidence "$WORK/image.quote" >"$WORK/inspect.txt" 2>&1
check "of the same image" grep -q "${GENUINE:0:8}" "$WORK/inspect.txt"

say "again, by the timer and on demand"
background lan ping.log ping -q -i 0.01 -c 500 10.2.0.2
check "every 2 seconds" wait_for 60 attested 3
before=$(field attestation.verified)
check "safelib attest now" "$SAFELIB" attest now --socket "$WORK/gateway.sock"
sed 's/^/        /' "$WORK/check.log"
check "counts" [ "$(field attestation.verified)" -gt "$before" ]
wait_for 60 grep -q received "$WORK/ping.log"
check "and loses no packet" grep -q '500 received, 0% packet loss' "$WORK/ping.log"
check "one connection, keyed once" [ "$(given)" = 1 ]

say "evidence that cannot be judged any more"
for ca in platform processor; do echo 'not JSON' >"$CACHE/sgx-534c454d5530-$ca.json"; done # the emulator's FMSPC
check "is refused" wait_for 60 refused_for 'collateral'
check "and the SAs are gone" no_sas
check_not "nothing passes" passes
check_not "safelib attest now says so, and ends with 1" "$SAFELIB" attest now --socket "$WORK/gateway.sock"
rm "$CACHE"/sgx-*
check "when it can be judged again, it goes on" wait_for 60 passes
check "with new keys" [ "$(given)" = 2 ]

say "the cloud starts an image with one byte changed"
python3 - "$IMAGE" "$WORK/changed-nf" <<'PY'
import os, sys
image = bytearray(open(sys.argv[1], "rb").read())
at = image.index(b"SafeLib NF image")
image[at] ^= 0x20
open(sys.argv[2], "wb").write(image)
os.chmod(sys.argv[2], 0o755)
PY
IMAGE=$WORK/changed-nf host_again
check "is refused: its measurement is another" wait_for 60 refused_for 'identity'
check "status shows which" [ "$(field attestation.measurement)" = "$("$SAFELIB" image measure "$WORK/changed-nf")" ]
check "the image is not called attested" [ "$(field image.is_attested)" = False ]
check "it was given nothing" [ "$(given)" = 2 ]
check "the gateway holds no SAs" no_sas
check_not "nothing passes" passes
check "every failed check is on the console, once" [ "$(grep -c '^safelib-gateway:   identity: ' "$WORK/gateway.log")" = 1 ]
check "and in the audit log" grep -rq '"refused".*'"$(field attestation.measurement)" "$WORK/state"

say "the cloud gives no evidence"
host_again --evidence none
check "is refused" wait_for 60 refused_for 'gives no evidence'
check "it was given nothing" [ "$(given)" = 2 ]

say "the genuine image again"
host_again
check "traffic passes" wait_for 60 passes

say "a relay that flips a bit"
cat >"$WORK/relay.py" <<'PY'
import socket, sys, threading
def pump(source, sink, flip):
    at = 0
    while True:
        try:
            data = bytearray(source.recv(65536))
            if not data:
                break
            if at <= flip < at + len(data):
                data[flip - at] ^= 1
                print("flipped", flush=True)
            at += len(data)
            sink.sendall(data)
        except OSError:
            break
    for s in (source, sink):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
listener = socket.create_server(("0.0.0.0", 4434))
up, down = int(sys.argv[1]), int(sys.argv[2])
while True:
    peer, _ = listener.accept()
    print("connection", flush=True)
    image = socket.create_connection(("127.0.0.1", 4433))
    threading.Thread(target=pump, args=(peer, image, up), daemon=True).start()
    threading.Thread(target=pump, args=(image, peer, down), daemon=True).start()
PY
stop "$GATEWAY_PID"
GW_HOST_MORE=', control_port: 4434'
given_up() { awk '/flipped/ { is_flipped = 1 } /connection/ && is_flipped { again = 1 } END { exit !again }' "$WORK/relay.log"; }
flips() { # UP DOWN: nothing comes of it
    background cloud relay.log python3 "$WORK/relay.py" "$1" "$2"
    local relay_pid=$LAST_PID
    gateway_start
    check "bit of byte $1 up, $2 down: that connection is given up, for another" wait_for 60 given_up
    check_not "not running" state_is running
    check "nothing was given" [ "$(given)" = 0 ]
    stop "$GATEWAY_PID"
    stop "$relay_pid"
}
flips 60 -1   # in the hello
flips -1 200  # in the image's answer
flips -1 3000 # in the evidence
flips 700 -1  # in the gateway's Finished or first request

say "the relay alone"
background cloud relay.log python3 "$WORK/relay.py" -1 -1
relay_pid=$LAST_PID
gateway_start
check "does no harm" wait_for 60 state_is running
stop "$GATEWAY_PID"
stop "$relay_pid"
GW_HOST_MORE=

say "without consent to the emulator"
GW_ATTESTATION=$(gw_attestation 'insecure_allow_emulated: false')
gateway_start
check "its evidence is refused" wait_for 60 refused_for 'emulated'
check "nothing was given" [ "$(given)" = 0 ]
check_not "nothing passes" passes
"$SAFELIB" status --socket "$WORK/gateway.sock" >"$WORK/status.txt"
sed -n '/^attestation/,/^tunnel/p' "$WORK/status.txt" | sed '$d; s/^/        /'
finish
