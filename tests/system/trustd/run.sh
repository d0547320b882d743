#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The monitor's server, store and journal with drivers that do as they are told; loopback only.
#   run.sh BUILD_DIR [ROUNDS_OF_KILL [kills]]     kills: these alone (make crash: 50 of them)
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore exec python3 "$here/server.py" "$build/tests/tools/trustd-test" \
    "$build/tests/tools/journal-test" "$here/../../../docs/openapi.yaml" "${2:-10}" "${3:-all}"
