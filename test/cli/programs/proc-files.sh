#!/bin/sh
# SPDX-License-Identifier: MIT
# What: /proc as programs read it: self, status, meminfo, cpuinfo, mounts, sys
readlink /proc/self/exe; tr '\0' ' ' </proc/self/cmdline; echo
grep -c '^Name:\|^State:\|^Pid:\|^PPid:\|^Uid:\|^VmRSS:\|^Threads:' /proc/self/status
grep -c '^MemTotal:\|^MemFree:\|^MemAvailable:' /proc/meminfo
grep -q '^processor' /proc/cpuinfo; echo $?; grep -q ' / ' /proc/mounts
echo $?
grep -q ' / ' /proc/self/mountinfo; echo $?; cat /proc/sys/kernel/ostype
grep -c . /proc/uptime; grep -c . /proc/loadavg
ls -d /proc/self/fd >/dev/null; echo $?
ls /proc/self/fd | wc -w | grep -c .
grep -c 'libc' /proc/self/maps | grep -qv '^0$'; echo $?
grep -q '\[stack\]' /proc/self/maps; echo $?; wc -w </proc/self/stat
test -d /proc/$$; echo $?
awk '{ print NF }' /proc/self/statm; head -c 3 /proc/version; echo
cat /proc/sys/kernel/pid_max >/dev/null; echo $?; test -r /proc/self/environ
echo $?; grep -c '^cpu ' /proc/stat; readlink /proc/self/cwd | grep -c /
cat /proc/self/comm; ls /proc/$$/task | grep -c .
cat /proc/filesystems | grep -c tmpfs
