#!/bin/sh
# SPDX-License-Identifier: MIT
# What: executing scripts: #! lines with arguments, env, nested, without #!, permissions
printf '#!/bin/sh\necho "sh $0 $*"\n' >a
printf '#!/usr/bin/env -S bash -e\necho "bash $1"\n' >b
printf 'echo "no line $1"\n' >c; printf '#!./a opt arg\n' >d
printf '#!/nonexistent\n' >e; chmod +x a b c d e
./a 1 "2 3"; ./b x; ./c y; ./d z; ./e 2>/dev/null; echo $?; chmod -x a
./a 2>/dev/null; echo $?; sh a q; bash -c ./c; env ./c 2>/dev/null; echo $?
mkdir x; ./x 2>/dev/null; echo $?; printf '\177ELF garbage' >g; chmod +x g
./g 2>/dev/null; echo $?; PATH=$PWD:$PATH; b found; exec ./b last
