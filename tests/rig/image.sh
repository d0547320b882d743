#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a node that QEMU boots in seconds without KVM: kernel and root file system of Debian packages, our agent, runc and
# two containers, each in a user namespace of its own.
#   image.sh BUILD_DIR OUT        OUT/vmlinuz, OUT/disk.img, OUT/sums/{host,web,dns} and OUT/unknown.sha256 (sha256sum); OUT/etc becomes /etc/safelib; packages are kept in $SL_RIG_CACHE
# Exit 77: a package can neither be found nor fetched.
set -eu
build=$(cd "$1" && pwd)
out=$2
here=$(cd "$(dirname "$0")" && pwd)
cache=${SL_RIG_CACHE:-${TMPDIR:-/tmp}/sl-rig-cache.$(id -u)}
root=$out/root
mkdir -p "$cache" "$root"

package() { # NAME: unpacked, in $cache/NAME
    [ -d "$cache/$1" ] && return
    (cd "$cache" && apt-get -qq download "$1" >download.log 2>&1) || { cat "$cache/download.log"; echo "skipped: no package $1"; exit 77; }
    rm -rf "$cache/$1.new"
    dpkg-deb -x "$cache/$1"_*.deb "$cache/$1.new"
    mv "$cache/$1.new" "$cache/$1"
    rm -f "$cache/$1"_*.deb
}
with_libraries() { # PROGRAM...: what the loader would find for it
    local file
    for file in "$@"; do ldd "$file" | grep -oE '/[^ ]+' || true; done | sort -u | while read -r file; do
        mkdir -p "$root$(dirname "$file")"
        cp -Ln "$file" "$root$file"
    done
}
container() { # NAME FIRST_UID: a bundle whose loop runs what appears as /run-me
    local at=$root/containers/$1
    mkdir -p "$at"/rootfs/{bin,proc,dev,tmp}
    cp "$cache/busybox-static/bin/busybox" "$at/rootfs/bin/sh"
    ln -s sh "$at/rootfs/bin/sleep"
    printf '#!%s\n' "$1" >>"$at/rootfs/bin/sh" # a digest of its own: equal (digest, path, PCR) are listed once
    cat >"$at/config.json" <<JSON
{"ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": false}, "hostname": "$1",
 "annotations": {"org.opencontainers.image.digest": "sha256:$(sha256sum <"$at/rootfs/bin/sh" | cut -d' ' -f1)"},
 "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"],
  "args": ["/bin/sh", "-c", "while :; do [ ! -x /run-me ] || /run-me; sleep 0.2; done"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]}],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "user"}, {"type": "cgroup"}],
  "cgroupsPath": "/$1", "uidMappings": [{"containerID": 0, "hostID": $2, "size": 65536}],
  "gidMappings": [{"containerID": 0, "hostID": $2, "size": 65536}]}}
JSON
}

kernel=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p' | head -1)
[ -n "$kernel" ] || { echo "skipped: no linux-image-cloud-amd64"; exit 77; }
package "$kernel"
package busybox-static
package runc
cp "$cache/$kernel"/boot/vmlinuz-* "$out/vmlinuz"
mkdir -p "$root"/usr/{lib/x86_64-linux-gnu,lib64}
ln -s usr/lib usr/lib64 "$root/"
mkdir -p "$root"/{bin,sbin,etc/safelib,proc,sys,dev,run,tmp,var/lib,modules,usr/sbin,usr/bin}
cp "$cache/busybox-static/bin/busybox" "$root/bin/"
for name in sh mount ip insmod cat sleep ls cp mv chmod chown mkdir poweroff grep rm echo ln kill; do ln -s busybox "$root/bin/$name"; done
cp "$cache/runc/usr/sbin/runc" "$root/usr/sbin/"
cp "$build/cmd/safelib-agent/safelib-agent" "$root/usr/sbin/"
device=$(find /usr/lib /lib -name 'libtss2-tcti-device.so.0' | head -1)
[ -n "$device" ] || { echo "skipped: no libtss2-tcti-device"; exit 77; }
with_libraries "$root/usr/sbin/runc" "$build/cmd/safelib-agent/safelib-agent" "$device"
cp -L "$device" "$root$(dirname "$device")/"
modules=$(dirname "$(find "$cache/$kernel/lib/modules" -name modules.builtin)")
for name in virtio/virtio_ring virtio/virtio virtio/virtio_pci_modern_dev virtio/virtio_pci_legacy_dev virtio/virtio_pci net/net_failover net/virtio_net; do
    cp "$modules/kernel/drivers/$name.ko" "$root/modules/"
done
cp "$modules/kernel/net/core/failover.ko" "$root/modules/"
container web 100000
container dns 300000
cp "$here/init.sh" "$root/sbin/init"
chmod 755 "$root/sbin/init"
printf 'root:x:0:0::/:/bin/sh\n' >"$root/etc/passwd"
if [ -d "$out/etc" ]; then cp -r "$out/etc/." "$root/etc/safelib/"; fi
# what may run on this node: the reference values of the host and of each container
mkdir -p "$out/sums"
(cd "$root" && find . -path ./containers -prune -o -type f -print0 | xargs -0 sha256sum) >"$out/sums/host"
for name in web dns; do (cd "$root/containers/$name/rootfs" && find . -type f -print0 | xargs -0 sha256sum) >"$out/sums/$name"; done
# programs that nobody has approved, for the story's turns
cp "$cache/busybox-static/bin/busybox" "$root/etc/safelib/unknown"
printf 'unknown' >>"$root/etc/safelib/unknown"
sha256sum <"$root/etc/safelib/unknown" >"$out/unknown.sha256"
mke2fs -q -t ext4 -d "$root" "$out/disk.img" 128M
rm -rf "$root"
