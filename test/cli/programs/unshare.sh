#!/bin/bash
# SPDX-License-Identifier: MIT
# What: util-linux unshare, nsenter, lsns: users, mounts, host names, networks
# Needs: unshare nsenter lsns ip hostname
unshare -Ur true 2>/dev/null || { echo "no user namespaces"; exit 77; }
unshare -Ur id -u
unshare -Ur cat /proc/self/setgroups
unshare -U --map-users=auto true 2>/dev/null
unshare -Ur sh -c 'id -un; touch f; stat -c "%u %g" f; chown 1 f 2>/dev/null || echo "not 1"'
unshare -Urm sh -c 'mount -t tmpfs t /mnt && touch /mnt/a && ls /mnt && grep -c " /mnt " /proc/mounts'
ls /mnt/a 2>/dev/null || echo "not outside"
unshare -Uru sh -c 'hostname inside; hostname; unshare -u sh -c "hostname deeper"; hostname'
[ "$(hostname)" = inside ] || echo "kept"
unshare -Urn sh -c 'ip -o link | cut -d: -f2; ip link set lo up; ip -4 -o addr | cut -d" " -f2,7'
unshare -Uri sh -c 'ipcmk -Q >/dev/null; ipcs -q | grep -c 0x; unshare -i ipcs -q | grep -c 0x'
unshare -Uru sh -c 'hostname shared; sleep 100 & p=$!
nsenter -t $p -u hostname; lsns -n -t uts -o NPROCS,COMMAND -p $p | sed "s/^ *//" | grep -c sleep; kill $p'
[ "$(readlink /proc/self/ns/uts)" != "$(unshare -Uru readlink /proc/self/ns/uts)" ] && echo "other"
[ "$(readlink /proc/self/ns/mnt)" = "$(unshare -Uru readlink /proc/self/ns/mnt)" ] && echo "same"
