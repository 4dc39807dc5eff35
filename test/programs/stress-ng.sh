#!/bin/bash
# SPDX-License-Identifier: MIT
# What: stress-ng: some of each class, one after another, verified
# Needs: stress-ng
# Timeout: 150
# all of it, for minutes each: test/robust/stress-ng
group() {
	local arguments=()
	for s in "$@"; do arguments+=("--$s" 1); done
	stress-ng "${arguments[@]}" -t 1 --verify --no-rand-seed > log 2>&1
	local status=$?
	# 7: so few rounds that their speed says nothing
	[ $status = 7 ] && status=0
	echo "$* $status"
	grep -E 'fail|error' log
}
# Few at a time: some want an answer within a second.
group qsort stream vecmath memthrash mmap mremap
group mprotect madvise brk stack shm shm-sysv
group fallocate dir dirdeep rename chmod fcntl
group lockf copy-file getdent utime xattr pipe
group fifo splice tee sendfile seek revio
group sock sockpair udp epoll sockfd fork
group vfork clone exec futex switch mutex
group mq sem wait pthread timer timerfd
group msg sem-sysv itimer sigfd sigq sigsegv
group signal nanosleep eventfd inotify memfd
group rawsock rawudp icmp-flood
group dev-shm poll ptrace procfs zombie
exit 0
