#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TEEs as nodes of the real monitor: published SGX, TDX and SEV-SNP evidence under a clock of its time (libfaketime: the
# monitor has no option for that), collateral that comes, is renewed and expires; the emulator's evidence over a real nonce.
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
vectors=${SL_VECTORS:-$here/../../../../shared/vectors}
[ -d "$vectors/sgx/phala-dcap-qvl" ] || { echo "skipped: no published vectors at $vectors"; exit 77; }
faketime=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
[ -n "$faketime" ] || { echo "skipped: no libfaketime"; exit 77; }
PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore PYTHONPATH=$here/../trustd exec python3 "$here/tee.py" "$build" "$vectors" "$faketime"
