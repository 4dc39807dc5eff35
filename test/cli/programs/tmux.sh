#!/bin/bash
# SPDX-License-Identifier: MIT
# What: tmux: panes and windows; bash, vim, htop, less and python's prompt on its terminals
# Needs: tmux vim.tiny htop less python3
# Timeout: 120
export TERM=xterm LC_ALL=C.UTF-8 SHELL=/bin/sh HOME=$PWD
t() { tmux -S "$PWD/socket" -f /dev/null "$@"; }
# see PANE TEXT: what the pane shows, once TEXT is there
see() {
	for i in $(seq 400); do
		t capture-pane -p -t "$1" 2>&1 | grep -q -- "$2" && break
		sleep 0.05
	done
	t capture-pane -p -t "$1" 2>&1 | grep -v '^ *$'
}
type() { t send-keys -t "$@"; }

t new-session -d -x 80 -y 24 -s one "PS1='$ ' exec sh"
see one '^\$' >/dev/null	# typed ahead, the echo comes where it likes
type one 'echo first $((6*7))' Enter
see one '^first 42'
t split-window -t one -h "PS1='$ ' exec sh"
see one.1 '^\$' >/dev/null
type one.1 'stty size; echo done.' Enter
see one.1 '^done'
t list-panes -t one -F '#{pane_index} #{pane_width}x#{pane_height}'
t resize-pane -t one.1 -x 20
type one.1 'clear; until stty size | grep 20; do sleep 0.05; done' Enter
see one.1 '^24 20' | head -1

t new-window -t one -n shell "PS1='> ' exec bash --norc --noediting"
see one:shell '^>' >/dev/null
type one:shell 'sleep 100' Enter
see one:shell '^> sleep 100' >/dev/null
for i in $(seq 400); do	# until it has the terminal
	[ "$(t display -p -t one:shell '#{pane_current_command}')" = sleep ] &&
		break
	sleep 0.05
done
type one:shell C-z
see one:shell Stopped
type one:shell 'bg %1; kill %1; wait; echo over' Enter
see one:shell '^over' | tail -2

printf 'one\ntwo\nthree\n' > text
t new-window -t one -n vim 'vim.tiny -u NONE text; echo left $?; cat'
see one:vim three | head -3
type one:vim ':%s/t/T/g' Enter
see one:vim Three >/dev/null
type one:vim 'ggdGisome lines' Enter 'of new text' Escape
see one:vim 'of new text' | head -2
type one:vim ':wq' Enter
see one:vim 'left' | grep left
cat text

t new-window -t one -n less 'seq 1000 | less; echo left $?; cat'
see one:less '^22'| tail -1
type one:less G
see one:less '^1000' | tail -2
type one:less '?^500' Enter
see one:less '^500' | head -1
type one:less q
see one:less left | tail -1

t new-window -t one -n python 'exec python3 -q'
see one:python '>>>'
type one:python 'print(6 * 7, __import__("sys").stdin.isatty())' Enter
see one:python '^42' | tail -2
type one:python 'print("in" + "side"); import time; time.sleep(100)' Enter
see one:python '^inside' | grep inside$
type one:python C-c
see one:python KeyboardInterrupt | grep Interrupt
type one:python C-d
for i in $(seq 400); do
	t list-windows -t one | grep -q python || break
	sleep 0.05
done

t new-window -t one -n htop 'htop; echo left $?; cat'
see one:htop 'Load average' | grep -c 'Tasks:.*running'
type one:htop q
see one:htop left | grep left

t list-windows -t one -F '#{window_index} #{window_name}' | sed 's/^0.*/0/'
t kill-server
while t list-sessions >/dev/null 2>&1; do
	sleep 0.05
done
