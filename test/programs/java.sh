#!/bin/sh
# SPDX-License-Identifier: MIT
# What: java: compiler, hello world, a threaded server with clients, collectors
# Needs: java javac
# Files: Server.java
# Timeout: 120
cat > Hello.java <<'J'
public class Hello {
	public static void main(String[] args) {
		System.out.println("hello " + args.length);
	}
}
J
javac Hello.java Server.java; echo "javac $?"
java -cp . Hello a b
java -Xint -cp . Hello
for gc in Serial Parallel G1 Z; do
	java -Xmx256m -XX:+Use${gc}GC -cp . Server > out 2>&1
	echo "$gc $?"
	cat out
	rm -f moved new
done
java -Xmx64m -cp . Hello &
wait $!
java -cp . None 2>&1 | head -1
