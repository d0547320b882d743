#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One commit, one MRENCLAVE: builds the standard image twice, in folders of another depth and name, as another user where
# possible, in another time zone and locale, and compares.
#   run.sh BUILD_DIR
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
safelib=$build/cmd/safelib/safelib
if [ ! -x "$safelib" ] || [ ! -f "$build/cmd/safelib-nf/safelib-nf" ]; then
    echo "no image in $build"
    exit 77
fi
work=$(mktemp -d /tmp/sl-reproducible.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

build_in() { # FOLDER USER_PREFIX...: a build of the same files there
    local folder=$1
    shift
    mkdir -p "$folder"
    (cd "$source" && git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -cf - 2>/dev/null) | tar -C "$folder" -xf -
    [ $# -eq 0 ] || chown -R nobody "$folder"
    (cd "$folder" && "$@" env HOME="$folder" meson setup --buildtype="$type" out &&
        "$@" env HOME="$folder" ninja -j2 -C out cmd/safelib-nf/safelib-nf) >"$work/log" 2>&1 ||
        { tail -n 30 "$work/log"; exit 1; }
}

type=$(meson introspect --buildoptions "$build" | python3 -c '
import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "buildtype"))')
build_in "$work/a"
prefix=()
[ "$(id -u)" -ne 0 ] || prefix=(setpriv --reuid=65534 --regid=65534 --clear-groups)
export TZ=Pacific/Auckland LC_ALL=C
build_in "$work/another/much/longer/folder-name" "${prefix[@]}"

a=$work/a/out/cmd/safelib-nf/safelib-nf
b=$work/another/much/longer/folder-name/out/cmd/safelib-nf/safelib-nf
echo "first   $("$safelib" image measure "$a")"
echo "second  $("$safelib" image measure "$b")"
"$safelib" image diff "$a" "$b"
cmp "$a" "$b" && echo "and the files are the same, byte for byte"
