#!/bin/sh
# SPDX-License-Identifier: MIT
# What: ping and traceroute to the sandbox itself, by those of Debian and busybox
# Needs: ping traceroute busybox
plain() { sed 's/[0-9.]* ms/T ms/g; s/time [^,]*/time T/; s/= [0-9./]* ms/= T/; /^rtt/d; /round-trip/d'; }
for host in 127.0.0.1 127.1.2.3 ::1; do
	ping -c 2 -i 0.01 $host 2>&1 | plain
	traceroute -n $host 2>&1 | plain
	traceroute -n -I $host 2>&1 | plain
done
ping -c 1 -s 60000 -n 127.0.0.1 | plain
for host in 127.0.0.1 ::1; do
	busybox ping -c 1 -W 5 $host | plain
done
busybox traceroute -n 127.0.0.1 2>&1 | plain
busybox traceroute6 -n ::1 2>&1 | plain
ping -c 1 no.such.host.invalid 2>/dev/null; echo $?
