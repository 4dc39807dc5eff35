#!/bin/sh
# SPDX-License-Identifier: MIT
# What: dash: redirections, here-documents, command substitution, exit status
echo out; echo err >&2
{ echo both; echo err >&2; } >file 2>&1
cat file
cat <<'E'
literal $HOME `date`
E
name=world
cat <<E
hello $name $(echo nested)
E
cat <<-E
	tabs removed
	E
echo $(echo a; echo b)
exec 3>third
echo three >&3
exec 3>&-
cat third
ls /nonexistent 2>/dev/null; echo "ls: $?"
nonexistent-command 2>/dev/null; echo "command: $?"
/etc 2>/dev/null; echo "directory: $?"
false || echo or
true && echo and
! true; echo $?
set -e
(set +e; false; echo continued)
umask 027; umask
echo append >>file; tail -n 1 file
wc -c <file
