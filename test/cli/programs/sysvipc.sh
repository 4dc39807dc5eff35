#!/bin/bash
# SPDX-License-Identifier: MIT
# What: perl and util-linux on System V memory, semaphores and messages
perl <<'P'
use IPC::SysV qw(IPC_PRIVATE IPC_RMID IPC_CREAT IPC_NOWAIT SEM_UNDO SETVAL GETVAL);
use IPC::Semaphore; use IPC::Msg; use IPC::SharedMem;
my $shm = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) // die "shmget $!";
my $sem = IPC::Semaphore->new(IPC_PRIVATE, 2, IPC_CREAT | 0600) or die "semget $!";
my $msg = IPC::Msg->new(IPC_PRIVATE, IPC_CREAT | 0600) or die "msgget $!";
$sem->setall(1, 0);
shmwrite($shm, pack("l", 0), 0, 4);
my @pids;
for my $n (1 .. 4) {
	my $pid = fork();
	if (!$pid) {
		for (1 .. 200) {
			my $v;
			$sem->op(0, -1, SEM_UNDO);
			shmread($shm, $v, 0, 4);
			shmwrite($shm, pack("l", 1 + unpack("l", $v)), 0, 4);
			$sem->op(0, 1, SEM_UNDO);
		}
		$msg->snd($n, "child $n is done");
		exit $n;
	}
	push @pids, $pid;
}
for my $n (1 .. 4) {
	my $buf;
	print "type ", $msg->rcv($buf, 100, $n), ": $buf\n";
}
waitpid($_, 0) && print "status ", $? >> 8, "\n" for @pids;
my $v;
shmread($shm, $v, 0, 4);
print "counted ", unpack("l", $v), "\n";
print "semaphores ", join(" ", $sem->getall), "\n";
print "nsems ", $sem->stat->nsems, " messages ", $msg->stat->qnum, "\n";
my $m = IPC::SharedMem->new(IPC_PRIVATE, 100, 0600);
$m->attach; $m->write("text", 10, 4); print $m->read(10, 4), "\n"; $m->detach; $m->remove;
shmctl($shm, IPC_RMID, 0); $sem->remove; $msg->remove;
print "gone: $!\n" if !defined shmread($shm, $v, 0, 1);
P
m=$(ipcmk -M 12345 | sed 's/.*: //')
s=$(ipcmk -S 3 | sed 's/.*: //')
q=$(ipcmk -Q | sed 's/.*: //')
ipcs -m -i $m | grep -E 'bytes|mode' | sed 's/cpid=[0-9]*/cpid/'
ipcs -s -i $s | grep -E 'nsems|mode|^[0-2] '
ipcs -q -i $q | grep -E 'qnum|mode'
for i in m:$m s:$s q:$q; do ipcs -${i%:*} | awk -v id=${i#*:} '$2 == id { print $4, $5 }'; done
ipcrm -m $m -s $s -q $q; echo $?
ipcrm -m $m 2>&1 | sed 's/[0-9][0-9]*/N/'
