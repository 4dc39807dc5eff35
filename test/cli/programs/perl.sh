#!/bin/bash
# SPDX-License-Identifier: MIT
# What: perl: files, regexes, sort, fork, pipes, sockets, signals
# Needs: perl
perl -e 'my %c; $c{$_ % 3}++ for 1..100; print "$_=$c{$_}\n" for sort keys %c'
perl -ne 'print if /root|nobody/' /etc/passwd
perl -e 'open F, ">", "f" or die; print F "line $_\n" for 1..1000; close F; open F, "<", "f"; my @l = <F>; print scalar(@l), $l[-1]'
perl -e 'pipe R, W; if (my $p = fork) { close W; print <R>; waitpid $p, 0; print $? >> 8, "\n" } else { close R; print W "from child\n"; close W; exit 6 }'
perl -e 'print `echo backticks`; system "exit 3"; print $? >> 8, "\n"; open P, "-|", "seq", "3"; print reverse <P>'
perl -e '$SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 20 }; print $@'
perl -MSocket -e 'socketpair A, B, AF_UNIX, SOCK_STREAM, 0; syswrite A, "hello\n"; sysread B, my $x, 100; print $x'
perl -MPOSIX -e 'print POSIX::strftime("%F", gmtime 0), " ", POSIX::floor(3.7), "\n"'
perl -MData::Dumper -MTime::HiRes=sleep -e '$Data::Dumper::Sortkeys = 1; sleep 0.01; print Dumper {a => [1, 2]}'
perl -pe 's/(\d+)/$1 * 2/e' <<< 'a 21'; perl -e 'exit 5'; echo $?
perl -e 'my $s = "x" x 1e6; $s =~ s/x/yy/g; print length $s, "\n"; chdir "/usr"; mkdir "/tmp/p$$"; print -d "/tmp/p$$" ? "dir\n" : "none\n"; rmdir "/tmp/p$$"'
perl -MFile::Find -e 'find(sub { $n++ }, "/usr/share/perl"); print $n > 10 ? "many\n" : "few\n"'
