/* SPDX-License-Identifier: MIT */
/*
 * A server with a thread for each connection and clients that ask it, over TCP
 * and a selector; collection of garbage, timers, a child, files. What is printed
 * does not depend on scheduling.
 */
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

public class Server {
	static final int CLIENTS = 16, ASKS = 200;

	static void serve(Socket s) {
		try (s; var in = new BufferedReader(new InputStreamReader(s.getInputStream()));
		     var out = new PrintWriter(s.getOutputStream(), true)) {
			for (String line; (line = in.readLine()) != null;)
				out.println(Long.parseLong(line) * 2);
		} catch (IOException e) {
			System.out.println("server: " + e);
		}
	}

	static long ask(int port, int client) throws IOException {
		long sum = 0;
		try (var s = new Socket("127.0.0.1", port);
		     var in = new BufferedReader(new InputStreamReader(s.getInputStream()));
		     var out = new PrintWriter(s.getOutputStream(), true)) {
			s.setTcpNoDelay(true);
			for (int i = 0; i < ASKS; i++) {
				out.println(client * 1000L + i);
				sum += Long.parseLong(in.readLine());
			}
		}
		return sum;
	}

	static void threads() throws Exception {
		try (var listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
			var acceptor = new Thread(() -> {
				try {
					while (true) {
						Socket s = listener.accept();
						new Thread(() -> serve(s)).start();
					}
				} catch (IOException e) {
					System.out.println("closed: " + e.getMessage());
				}
			});
			acceptor.start();
			var pool = Executors.newFixedThreadPool(CLIENTS);
			var sums = new ArrayList<Future<Long>>();
			for (int i = 0; i < CLIENTS; i++) {
				final int client = i;
				sums.add(pool.submit(() -> ask(listener.getLocalPort(), client)));
			}
			long total = 0;
			for (var f : sums)
				total += f.get(60, TimeUnit.SECONDS);
			System.out.println("sum " + total);
			pool.shutdown();
			System.out.println(pool.awaitTermination(30, TimeUnit.SECONDS));
			listener.close();
			acceptor.join();
		}
	}

	static void selector() throws Exception {
		try (var selector = Selector.open(); var server = ServerSocketChannel.open()) {
			server.bind(new InetSocketAddress("127.0.0.1", 0));
			server.configureBlocking(false);
			server.register(selector, SelectionKey.OP_ACCEPT);
			var client = SocketChannel.open(server.getLocalAddress());
			client.write(ByteBuffer.wrap("hello selector".getBytes()));
			client.shutdownOutput();
			var text = new ByteArrayOutputStream();
			for (boolean open = true; open;) {
				selector.select(30000);
				for (var it = selector.selectedKeys().iterator(); it.hasNext();) {
					var key = it.next();
					it.remove();
					if (key.isAcceptable()) {
						var c = server.accept();
						c.configureBlocking(false);
						c.register(selector, SelectionKey.OP_READ);
						continue;
					}
					var b = ByteBuffer.allocate(5);
					int n = ((SocketChannel)key.channel()).read(b);
					open = n >= 0;
					if (open)
						text.write(b.array(), 0, n);
				}
			}
			client.close();
			System.out.println(text);
		}
	}

	/* Garbage from several threads, some of it kept; faults that the VM turns
	 * into exceptions; a deep stack. */
	static int depth(int n) { return n == 0 ? 0 : 1 + depth(n - 1); }
	static int endless(int n) { return endless(n + 1) + 1; }

	static void memory() throws Exception {
		var kept = new ConcurrentHashMap<Integer, byte[]>();
		var ts = new ArrayList<Thread>();
		for (int t = 0; t < 4; t++) {
			final int base = t * 1000000;
			ts.add(new Thread(() -> {
				for (int i = 0; i < 40000; i++)
					kept.put(base + i % 100, new byte[1000 + i % 3000]);
			}));
		}
		for (var t : ts) t.start();
		for (var t : ts) t.join();
		System.gc();
		System.out.println("kept " + kept.size());
		int nulls = 0;
		String nothing = null;
		for (int i = 0; i < 20000; i++) {
			try {
				nulls += (i % 2 == 0 ? nothing : "x").length() - 1;
			} catch (NullPointerException e) {
				nulls++;
			}
		}
		System.out.println("nulls " + nulls + ", depth " + depth(2000));
		try {
			endless(0);
		} catch (StackOverflowError e) {
			System.out.println("overflow");
		}
	}

	static void system() throws Exception {
		var p = new ProcessBuilder("sh", "-c", "read x; echo got $x; exit 3").redirectErrorStream(true).start();
		p.getOutputStream().write("line\n".getBytes());
		p.getOutputStream().close();
		System.out.print(new String(p.getInputStream().readAllBytes()));
		System.out.println("status " + p.waitFor());
		Path file = Path.of("data");
		try (var c = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			var map = c.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
			for (int i = 0; i < map.capacity(); i += 4)
				map.putInt(i, i);
			map.force();
			var b = ByteBuffer.allocate(8);
			c.read(b, 4096);
			System.out.println(b.getInt(0) + " " + b.getInt(4) + " " + c.size() + " " + (c.tryLock() != null));
		}
		Files.move(file, Path.of("moved"));
		System.out.println(Files.exists(file) + " " + Files.size(Path.of("moved")));
		var timer = new ScheduledThreadPoolExecutor(1);
		var ticks = new CountDownLatch(5);
		timer.scheduleAtFixedRate(ticks::countDown, 1, 2, TimeUnit.MILLISECONDS);
		System.out.println("ticks " + ticks.await(30, TimeUnit.SECONDS));
		timer.shutdownNow();
		var watch = FileSystems.getDefault().newWatchService();
		Path.of(".").register(watch, StandardWatchEventKinds.ENTRY_CREATE);
		Files.writeString(Path.of("new"), "x");
		var key = watch.poll(30, TimeUnit.SECONDS);
		System.out.println(key.pollEvents().get(0).context());
		watch.close();
	}

	public static void main(String[] args) throws Exception {
		threads();
		selector();
		memory();
		system();
		Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
		System.exit(7);
	}
}
