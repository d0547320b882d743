#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the examples of the man pages: every line "$ command" between ".Bd -literal" and ".Ed" must exit 0, in order, in a
# folder that holds the standard image and a copy of it.
#   run.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../../.." && pwd)
[ -f "$build/cmd/safelib-nf/safelib-nf" ] || { echo "no image in $build"; exit 77; }
work=$(mktemp -d /tmp/sl-man.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/run" "$work/run/copy"
for program in safelib safelib-host safelib-gateway; do
    [ ! -x "$build/cmd/$program/$program" ] || ln -s "$build/cmd/$program/$program" "$work/bin/"
done
PATH=$work/bin:$PATH
cp "$build/cmd/safelib-nf/safelib-nf" "$work/run/"
cp "$build/cmd/safelib-nf/safelib-nf" "$work/run/copy/"
cd "$work/run" || exit 1
failed=0 count=0
# Pages whose examples need nothing but an image; the others' examples run in the scenarios that set a network up.
for page in safelib safelib-image; do
    while IFS= read -r line; do
        count=$((count + 1))
        if ! out=$(bash -c "$line" 2>&1); then
            echo "$page: \"$line\" failed: $out"
            failed=$((failed + 1))
        fi
    done < <(sed -n '/^\.Bd -literal/,/^\.Ed/s/^\$ //p' "$source/man/$page.1" | sed 's/\\-/-/g; s/\\&//g')
done
echo "$count examples, $failed failed"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
