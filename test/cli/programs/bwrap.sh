#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bubblewrap: a container of its own mounts, processes and network
# Needs: bwrap ps ip
bwrap --ro-bind / / --unshare-all --proc /proc --dev /dev true 2>/dev/null || { echo "no containers"; exit 77; }
bwrap --ro-bind / / --unshare-all --proc /proc --dev /dev sh -c 'ps -e -o comm=; ls /dev'
bwrap --ro-bind / / --unshare-pid --as-pid-1 --proc /proc sh -c 'echo $$; ps -e -o comm='
bwrap --ro-bind / / --tmpfs /tmp --unshare-user --uid 7 --gid 8 sh -c 'id -u; id -g; touch /tmp/a && ls /tmp'
bwrap --ro-bind / / --unshare-net ip -o link | cut -d: -f2
bwrap --ro-bind / / --unshare-uts --hostname inside hostname
bwrap --ro-bind / / sh -c 'touch /usr/x 2>/dev/null || echo "read-only"'
bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 ls /
bwrap --ro-bind / / --die-with-parent --unshare-pid sh -c 'exit 9'
echo $?
