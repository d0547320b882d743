#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First process of the test's node: file systems, network, IMA policy, containers; then one command a line from the console.
export PATH=/bin:/sbin:/usr/sbin:/usr/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
mount -t securityfs none /sys/kernel/security
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net; do
    insmod /modules/$name.ko
done
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
sh /etc/safelib/ima-policy.sh || echo "RIG policy refused"
for name in web dns; do
    runc run -d -b /containers/$name $name </dev/null >/run/$name.log 2>&1 || { echo "RIG container $name failed"; cat /run/$name.log; }
done
echo "RIG ready"
while read -r line; do
    sh -c "$line" </dev/null
    echo "RIG done $?"
done
poweroff -f
