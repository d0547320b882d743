#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One commit, one MRENCLAVE: builds the standard image a second time, in a folder of another depth and name, as another
# user where possible, in another time zone and locale, and compares it with the one that was built.
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

# the options of the first build: another optimisation is another image
mapfile -t options < <(meson introspect --buildoptions "$build" | python3 -c '
import json, sys
for o in json.load(sys.stdin):
    if o["name"] in ("buildtype", "optimization", "debug", "b_lto", "b_ndebug", "b_pie", "b_staticpic", "c_std"):
        print("-D%s=%s" % (o["name"], str(o["value"]).lower() if isinstance(o["value"], bool) else o["value"]))')
folder=$work/another/much/longer/folder-name
mkdir -p "$folder"
(cd "$source" && git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -cf - 2>/dev/null) | tar -C "$folder" -xf -
as=()
if [ "$(id -u)" -eq 0 ]; then
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chown -R nobody "$folder"
fi
export TZ=Pacific/Auckland LC_ALL=C
(cd "$folder" && "${as[@]}" env HOME="$folder" CCACHE_DISABLE=1 meson setup "${options[@]}" out &&
    "${as[@]}" env HOME="$folder" CCACHE_DISABLE=1 ninja -j2 -C out cmd/safelib-nf/safelib-nf) >"$work/log" 2>&1 ||
    { tail -n 30 "$work/log"; exit 1; }

a=$build/cmd/safelib-nf/safelib-nf
b=$folder/out/cmd/safelib-nf/safelib-nf
echo "first   $("$safelib" image measure "$a")"
echo "second  $("$safelib" image measure "$b")"
"$safelib" image diff "$a" "$b"
cmp "$a" "$b" && echo "and the files are the same, byte for byte"
