# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced with $build set: the captures of Debian's nDPI source in BUILD/cache, fetched where they are not there and
# there is a network (not in the namespaces of the tests: their second argument is "inside").
cache=$build/cache
orig=$cache/ndpi_4.2.orig.tar.gz
if [ ! -s "$orig" ] && [ "${2:-}" != inside ]; then # outside: the namespace below has no network
    mkdir -p "$cache/lists/partial"
    echo 'deb-src http://deb.debian.org/debian bookworm main' >"$cache/src.list"
    options=(-o "Dir::Etc::sourcelist=$cache/src.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$cache/lists"
        -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root -o Acquire::Retries=0 -o Acquire::http::Timeout=20)
    (cd "$cache" && timeout 120 apt-get "${options[@]}" update >/dev/null 2>&1 &&
        timeout 300 apt-get "${options[@]}" source --download-only ndpi >/dev/null 2>&1) || true
fi
captures_unpack() { # sets captures
    [ -d "$cache/ndpi" ] || { mkdir -p "$cache/ndpi.part" && tar xzf "$orig" -C "$cache/ndpi.part" --wildcards '*/tests/pcap/*' && mv "$cache/ndpi.part" "$cache/ndpi"; }
    mapfile -t captures < <(find "$cache/ndpi" -name '*.pcap*' -o -name '*.cap' | sort)
}
