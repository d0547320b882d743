# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced with $build set: captures out of Debian's source packages in BUILD/cache, fetched where they are not there and
# there is a network (not in the namespaces of the tests: their second argument is "inside").
cache=$build/cache
orig=$cache/ndpi_4.2.orig.tar.gz
tcpdump_orig=$cache/tcpdump_4.99.3.orig.tar.gz
# Several tests want the same at the same time: one fetches and unpacks, the others wait for it.
locked() { # COMMAND...
    mkdir -p "$cache"
    (flock 9 && "$@") 9>"$cache/lock"
}
source_download() { # PACKAGE FILE
    [ ! -s "$2" ] || return 0
    mkdir -p "$cache/lists/partial"
    echo 'deb-src http://deb.debian.org/debian bookworm main' >"$cache/src.list"
    local options=(-o "Dir::Etc::sourcelist=$cache/src.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$cache/lists"
        -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root -o Acquire::Retries=0 -o Acquire::http::Timeout=20)
    (cd "$cache" && timeout 120 apt-get "${options[@]}" update >"$cache/fetch.log" 2>&1 &&
        timeout 300 apt-get "${options[@]}" source --download-only "$1" >>"$cache/fetch.log" 2>&1) || true
}
source_fetch() { locked source_download "$@"; } # PACKAGE FILE
source_extract() { # NAME ARCHIVE FOLDER
    [ ! -d "$cache/$1" ] || return 0
    rm -rf "$cache/$1.part" # of one that was interrupted
    mkdir -p "$cache/$1.part" && tar xzf "$2" -C "$cache/$1.part" --wildcards "$3" && mv "$cache/$1.part" "$cache/$1"
}
source_unpack() { # NAME ARCHIVE FOLDER: sets captures
    locked source_extract "$@"
    mapfile -t captures < <(find "$cache/$1" -name '*.pcap*' -o -name '*.cap' | sort)
}
[ "${2:-}" = inside ] || source_fetch ndpi "$orig" # outside: the namespaces have no network
captures_unpack() { source_unpack ndpi "$orig" '*/tests/pcap/*'; }
tcpdump_unpack() { source_unpack tcpdump "$tcpdump_orig" '*/tests/*'; }
