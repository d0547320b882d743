# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by system tests that run the standard image behind safelib-host, alone in a network namespace:
#
#   tenant (gateway's part) --- lo: TCP 4433 control, UDP 4500 ESP --- safelib-host --- image

# Runs the calling script again in a network namespace of its own, with loopback up.
own_namespace() {
    if [ -z "${SL_IN_NAMESPACE:-}" ]; then
        command -v unshare >/dev/null || { echo "skipped: no unshare"; exit 77; }
        unshare -n true 2>/dev/null || { echo "skipped: cannot make a network namespace"; exit 77; }
        SL_IN_NAMESPACE=1 exec unshare -n "$0" "$@"
    fi
    ip link set lo up
}

# start_host LOG KEYHASH OPTION...: sets HOST_PID; returns once the image says that it is ready.
start_host() {
    local log=$1 hash=$2
    shift 2
    : >"$log" # the last run's would say "ready" until the new process has opened it
    "$BUILD/cmd/safelib-host/safelib-host" --image "$BUILD/cmd/safelib-nf/safelib-nf" \
        --listen 127.0.0.1:4500 --control 127.0.0.1:4433 --tenant-key-sha256 "$hash" "$@" >"$log" 2>&1 &
    HOST_PID=$!
    for _ in $(seq 1200); do
        grep -q 'image: ready' "$log" && return 0
        kill -0 "$HOST_PID" 2>/dev/null || break
        sleep 0.1
    done
    echo "the image did not start:"
    cat "$log"
    return 1
}

# Ends it as an operator would; its exit code must be 0.
stop_host() {
    local code=0
    kill -TERM "$HOST_PID"
    wait "$HOST_PID" || code=$?
    HOST_PID=
    [ "$code" -eq 0 ] || { echo "safelib-host ended with code $code"; return 1; }
}
