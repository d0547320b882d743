#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lying agents against the real safelib-trustd with its real drivers: every lie is refused, for its reason. The TPMs and
# kernels are made in Python (machine.py), so that they can lie as well; loopback only.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
/usr/bin/python3 -c 'import cryptography' 2>/dev/null || { echo "skipped: no python3-cryptography"; exit 77; }
PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore exec /usr/bin/python3 "$here/hostile.py" \
    "$build/cmd/safelib-trustd/safelib-trustd" "$build/cmd/safelib/safelib"
