#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signatures that evmctl and openssl made, in lists of every template that carries them, judged by
# `safelib ima verify --keys` and by a policy's ima.keys; evmctl judges the same lists where it can.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$build/cmd/safelib/safelib" ] || { echo "safelib was not built"; exit 77; }
command -v evmctl >/dev/null || { echo "evmctl is not installed (ima-evm-utils)"; exit 77; }
exec python3 "$here/signatures.py" "$build/cmd/safelib/safelib"
