#!/bin/bash
# SPDX-License-Identifier: MIT
# What: util-linux unshare, nsenter, lsns: users, mounts, host names, networks, processes
# Needs: unshare nsenter lsns ip hostname ps
unshare -Urpf --mount-proc true 2>/dev/null || { echo "no namespaces"; exit 77; }
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
unshare -Urpf --mount-proc sh -c 'echo $$; ps -o pid=,ppid=,comm= | awk "{ print \$1, \$2, \$3 }"; (sleep 100 & echo $!); kill -9 $$; kill -9 1; echo alive'
unshare -Urpf --mount-proc unshare -pf --mount-proc sh -c 'ps -e -o comm=; grep NStgid /proc/self/status | wc -w'
unshare -Urpf sh -c 'sh -c "sleep 100 & exit"; sleep 0.1; exit 5'; echo $?
unshare -Ur sh -c 'unshare -pf --kill-child sh -c "echo \$\$; exec sleep 100" & sleep 0.3
p=$(pgrep -P $(pgrep -P $$ unshare)); nsenter -t $p -p sh -c "echo not 1: \$\$"; lsns -n -t pid -o NPROCS -p $p | tr -d " "; kill -9 $!; wait $!; echo $?'
