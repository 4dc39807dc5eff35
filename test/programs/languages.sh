#!/bin/bash
# SPDX-License-Identifier: MIT
# What: languages: compilers, virtual machines and their threads, as far as they are installed
# Needs: bash
# Timeout: 120
export HOME=$PWD LC_ALL=C.UTF-8

# run NAME COMMAND...: its last lines and status, if there is such a program
run() {
	local name=$1 out
	shift
	command -v "$1" >/dev/null || return
	out=$("$@" 2>&1)
	echo "$name: $? $(printf %s "$out" | tail -3 | tr '\n' ' ')"
}

run php php -r 'file_put_contents("f", str_repeat("a", 100000)); echo md5_file("f"), array_sum(range(1, 1000));'
run ruby ruby -e 'require "socket"; s = TCPServer.new("127.0.0.1", 0)
t = Thread.new { c = s.accept; c.puts "hi"; c.close }
puts TCPSocket.new("127.0.0.1", s.addr[1]).read
fork { exit 3 }; Process.wait; puts $?.exitstatus
puts 10.times.map { |i| Thread.new { (1..1000).sum * i } }.map(&:value).sum'
run ractors ruby -W0 -e 'puts 4.times.map { |i| Ractor.new(i) { |x| (1..1000).sum * x } }.map(&:take).sum'
run erlang erl -noshell -eval 'Self = self(),
Pids = [spawn(fun() -> Self ! {I, I * I} end) || I <- lists:seq(1, 10000)],
io:format("~p~n", [lists:sum([receive {_, X} -> X end || _ <- Pids])]),
{ok, L} = gen_tcp:listen(0, [binary, {active, false}]), {ok, P} = inet:port(L),
spawn(fun() -> {ok, C} = gen_tcp:connect("127.0.0.1", P, []), gen_tcp:send(C, "hello") end),
{ok, A} = gen_tcp:accept(L), io:format("~p~n", [gen_tcp:recv(A, 5)]), halt().'
run elixir elixir -e 'IO.inspect(Enum.map(1..1000, fn i -> Task.async(fn -> i * i end) end)
|> Enum.map(&Task.await/1) |> Enum.sum())'
run R Rscript -e 'set.seed(1); x <- matrix(rnorm(10000), 100); cat(round(sum(diag(solve(x) %*% x))), "\n")
library(parallel); cat(sum(unlist(mclapply(1:8, function(i) i^2, mc.cores = 2))), "\n")'
cat > h.cs <<'END'
using System; using System.Net; using System.Net.Sockets;
using System.Threading; using System.Threading.Tasks;
class H {
	static void Main() {
		long s = 0;
		Parallel.For(0, 1000, i => Interlocked.Add(ref s, i));
		Console.WriteLine(s);
		var l = new TcpListener(IPAddress.Loopback, 0);
		l.Start();
		Task.Run(() => { var c = l.AcceptTcpClient(); c.GetStream().WriteByte(7); c.Close(); });
		var k = new TcpClient();
		k.Connect("127.0.0.1", ((IPEndPoint)l.LocalEndpoint).Port);
		Console.WriteLine(k.GetStream().ReadByte());
		GC.Collect();
	}
}
END
run mcs mcs h.cs
run mono mono h.exe
run sbcl sbcl --noinform --no-userinit --eval '(progn
(format t "~a~%" (reduce (function +) (mapcar (function sb-thread:join-thread)
(loop for i below 8 collect (sb-thread:make-thread
(lambda () (length (loop for n below 100000 collect n))))))))
(gc :full t) (sb-ext:exit))'
printf 'let () = print_int (Array.fold_left (+) 0 (Array.init 1000 (fun i -> i)))\n' > h.ml
run ocaml ocaml h.ml
run ocamlopt ocamlopt h.ml -o ocaml-native
run ocaml-native ./ocaml-native
run prolog swipl -g 'numlist(1, 1000, L), sum_list(L, S), writeln(S), thread_create(true, T), thread_join(T), halt'
run luajit luajit -e 'local s = 0 for i = 1, 1e7 do s = s + i end print(s)
local ffi = require "ffi" ffi.cdef "int getppid(void);" print(ffi.C.getppid() > 0)'
run lua lua5.4 -e 'print(#string.rep("x", 1000000), io.popen("echo hi"):read("a"))'
run racket racket -e '(displayln (for/sum ([i 1000000]) i))' -e '(displayln (thread-wait (thread (lambda () 1))))'
printf 'set f [open "|echo pipe"]; puts [gets $f]\nafter 10 {set x 1}; vwait x; puts done\n' > h.tcl
run tcl tclsh h.tcl
run forth gforth -e ': t 0 1000 0 do i + loop . ; t bye'
printf 'program h; var i: longint; s: int64; begin s := 0; for i := 1 to 1000 do s := s + i; writeln(s); end.\n' > h.pas
run fpc fpc -v0 -l- h.pas
run pascal ./h
run guile guile -c '(use-modules (ice-9 threads)) (display (apply + (par-map (lambda (x) (* x x)) (iota 100))))'
run clisp clisp -q -x '(print (loop for i below 100000 sum i))'
run octave octave-cli --norc --eval 'a = rand(100); disp(round(trace(a / a)))'
run gs gs -q -dNODISPLAY -dBATCH -c '2 3 add == quit'
run convert convert -size 200x200 gradient:red-blue -rotate 30 -resize 50% x.png
run identify identify -format '%wx%h' x.png
cat > ada_tasks.adb <<'END'
with Ada.Text_IO;
procedure Ada_Tasks is
   task type T;
   task body T is begin null; end T;
begin
   declare X : array (1 .. 20) of T; begin null; end;
   Ada.Text_IO.Put_Line ("ended");
end Ada_Tasks;
END
run gnatmake gnatmake -q ada_tasks.adb
run ada ./ada_tasks
printf 'import std.stdio, std.parallelism, std.range; void main() { writeln(taskPool.reduce!"a+b"(iota(1, 1001))); }' > h.d
run gdc gdc h.d -o d_native
run d ./d_native
