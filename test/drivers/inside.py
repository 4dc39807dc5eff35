# SPDX-License-Identifier: MIT
"""What runs inside the sandbox for test/drivers/run: inside.py NAME [ARG...].

Each function does something with a device and prints what it saw; the runner
outside, which made the device, knows what that must be.
"""
import errno
import fcntl
import os
import random
import select
import socket
import struct
import sys
import threading
import time
import zlib

BLKROGET, BLKGETSIZE64, BLKFLSBUF = 0x125E, 0x80081272, 0x1261
SIOCGIFNAME, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8910, 0x8913, 0x8914
SIOCGIFADDR, SIOCGIFMTU, SIOCGIFHWADDR = 0x8915, 0x8921, 0x8927
SIOCGIFINDEX = 0x8933
ETH_P_ALL, ETH_P_TEST, ETH_P_OTHER = 3, 0x88B5, 0x88B6
IFF_UP = 1


def say(*words):
    print(*words, flush=True)


def error_of(function, *arguments):
    """Name of the error that the call ends with, or its result."""
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def digest(data):
    return f"{zlib.crc32(data):08x}"


# --- disks ------------------------------------------------------------------

def ask_number(fd, request, size=8):
    answer = fcntl.ioctl(fd, request, bytes(size))
    return int.from_bytes(answer, "little")


def read_disks(*names):
    """Size and contents of each."""
    for name in names:
        with open("/dev/" + name, "rb", buffering=0) as disk:
            data = b"".join(iter(lambda d=disk: d.read(1 << 20), b""))
            say(name, ask_number(disk, BLKGETSIZE64), digest(data))


def no_disk(name):
    say(error_of(os.open, "/dev/" + name, os.O_RDONLY))


def write_read_only(name):
    disk = os.open("/dev/" + name, os.O_RDWR)
    say("ro", ask_number(disk, BLKROGET, 4))
    say(error_of(os.pwrite, disk, b"x" * 512, 0))
    say(error_of(os.pwrite, disk, b"x", 7))
    say(error_of(os.fsync, disk))


def write_at_end(name):
    """Across the end, at it, behind it; positions that do not exist."""
    disk = os.open("/dev/" + name, os.O_RDWR)
    size = os.lseek(disk, 0, os.SEEK_END)
    say(size)
    say(error_of(os.pwrite, disk, b"e" * 1000, size - 300))
    say(error_of(os.pwrite, disk, b"e", size))
    say(error_of(os.pwrite, disk, b"e" * 4096, size + 4096))
    say(len(os.pread(disk, 1000, size - 300)), len(os.pread(disk, 10, size)))
    say(error_of(os.lseek, disk, size + 1, os.SEEK_SET))
    os.fsync(disk)


def write_pieces(name, seed):
    """Pieces of odd sizes at odd places, O_DIRECT too; then what is there."""
    pick = random.Random(int(seed))
    disk = os.open("/dev/" + name, os.O_RDWR)
    direct = os.open("/dev/" + name, os.O_RDWR | os.O_DIRECT)
    size = os.lseek(disk, 0, os.SEEK_END)
    model = bytearray(os.pread(disk, size, 0))
    for _ in range(100):
        at = pick.randrange(size)
        length = min(pick.choice((1, 511, 512, 513, 4096, 70000)), size - at)
        fd = disk
        if pick.random() < 0.3:
            at, length, fd = at & ~511, (length + 511) & ~511, direct
        data = pick.randbytes(length)
        done = os.pwrite(fd, data, at)
        model[at:at + done] = data[:done]
    os.fsync(disk)
    say(ask_number(disk, BLKFLSBUF, 4))
    say(bytes(model) == os.pread(direct, size, 0), digest(bytes(model)))


def read_together(name, readers):
    """Many readers at once, each at places of its own."""
    disk = os.open("/dev/" + name, os.O_RDONLY)
    size = os.lseek(disk, 0, os.SEEK_END)
    whole = os.pread(disk, size, 0)
    good = []

    def work(seed):
        pick = random.Random(seed)
        for _ in range(40):
            at, length = pick.randrange(size), pick.randrange(1, 20000)
            if os.pread(disk, length, at) != whole[at:at + length]:
                return
        good.append(seed)

    threads = [threading.Thread(target=work, args=(n,))
               for n in range(int(readers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(len(good), digest(whole))


# --- the console, random numbers ---------------------------------------------

def console(nr_bytes):
    """Send back what comes in, upper case, until so much came."""
    port, left = os.open("/dev/hvc0", os.O_RDWR), int(nr_bytes)
    while left:
        data = os.read(port, min(left, 5000))
        left -= len(data)
        data = data.upper()
        while data:
            data = data[os.write(port, data):]
    say("done")


def random_numbers():
    one, two = os.urandom(4096), os.urandom(4096)
    say(one != two, len(set(one)) > 200)


def random_numbers_for_seconds():
    """The device is asked a second after the start."""
    random_numbers()
    time.sleep(3)


# --- network -------------------------------------------------------------------

def packet_socket(protocol=ETH_P_ALL):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(protocol))
    sock.bind(("eth0", protocol))
    sock.settimeout(20)
    return sock


def sys_file(name):
    with open("/sys/class/net/eth0/" + name, encoding="ascii") as file:
        return file.read().strip()


def statistics(*names):
    return [int(sys_file("statistics/" + name)) for name in names]


def proc_line():
    with open("/proc/net/dev", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name.strip() == "eth0":
                return [int(n) for n in rest.split()]
    return []


def interface_ioctl(request, data=b"eth0"):
    with socket.socket(socket.AF_UNIX) as sock:
        return fcntl.ioctl(sock, request, data.ljust(40, b"\0"))[16:]


def interface():
    """Everything that tells about eth0."""
    say(*(sys_file(n) for n in ("address", "mtu", "operstate", "carrier",
                                "ifindex", "type", "flags")))
    say(os.listdir("/sys/class/net"), len(proc_line()))
    hardware = interface_ioctl(SIOCGIFHWADDR)
    flags = struct.unpack("H", interface_ioctl(SIOCGIFFLAGS)[:2])[0]
    say(struct.unpack("H", hardware[:2])[0], hardware[2:8].hex(":"),
        *struct.unpack("i", interface_ioctl(SIOCGIFMTU)[:4]),
        *struct.unpack("i", interface_ioctl(SIOCGIFINDEX)[:4]), hex(flags))
    with socket.socket(socket.AF_UNIX) as sock:
        name = fcntl.ioctl(sock, SIOCGIFNAME,
                           bytes(16) + struct.pack("i", 2) + bytes(20))
        say(name[:16].rstrip(b"\0").decode())
    say(error_of(interface_ioctl, SIOCGIFADDR),
        error_of(interface_ioctl, SIOCGIFMTU, b"eth7"))
    sock = packet_socket()
    say(sock.getsockname()[0], sock.getsockopt(socket.SOL_SOCKET,
                                               socket.SO_DOMAIN))


def no_interface():
    say(os.listdir("/sys/class/net"), proc_line())


def echo(nr_frames):
    """Send each frame back, addresses exchanged; the last words are sums."""
    sock, total = packet_socket(ETH_P_TEST), 0
    sock.send(frame(b"ready"))
    for _ in range(int(nr_frames)):
        data = sock.recv(20000)
        total = zlib.crc32(data, total)
        sock.send(data[6:12] + data[:6] + data[12:])
    # a frame counts when the device is done with it
    wait_until(lambda: statistics("tx_packets") == [int(nr_frames) + 1])
    say(f"{total:08x}",
        *statistics("rx_packets", "rx_bytes", "tx_packets", "tx_bytes"))
    line = proc_line()
    say(line[1], line[0], line[9], line[8])


def mac():
    return bytes.fromhex(sys_file("address").replace(":", ""))


def frame(payload, to=b"\xff" * 6, protocol=ETH_P_TEST):
    return to + mac() + struct.pack("!H", protocol) + payload


def flood(nr_frames):
    """Send that many, numbered, faster than the ring has room."""
    sock = packet_socket(ETH_P_TEST)
    for number in range(int(nr_frames)):
        sock.send(frame(struct.pack("!I", number)))
    say(*statistics("tx_errors", "tx_dropped"))


def errors():
    """Frames that can not be sent, sockets that can not be made."""
    sock = packet_socket(ETH_P_TEST)
    mtu = int(sys_file("mtu"))
    say(error_of(sock.send, b"x" * 13), error_of(sock.send, b""))
    say(error_of(sock.send, frame(bytes(mtu + 1))),
        error_of(sock.send, frame(bytes(mtu + 4), protocol=0x8100)),
        error_of(sock.send, frame(bytes(mtu + 5), protocol=0x8100)))
    say(error_of(sock.sendto, frame(b""), ("eth0", ETH_P_TEST)))
    say(error_of(sock.listen), error_of(sock.getpeername),
        error_of(sock.shutdown, socket.SHUT_RD))
    loose = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    say(error_of(loose.send, frame(b"")), error_of(loose.bind, ("eth9", 0)))
    say(error_of(socket.socket, socket.AF_PACKET, socket.SOCK_STREAM, 0),
        error_of(socket.socketpair, socket.AF_PACKET, socket.SOCK_RAW))
    if os.fork() == 0:
        os.setuid(1000)
        say(error_of(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0))
        os._exit(0)
    os.wait()


def filters():
    """Who sees what: by protocol, sent by others, peeking, cut short."""
    every, mine = packet_socket(), packet_socket(ETH_P_TEST)
    other = packet_socket(ETH_P_OTHER)
    mine.send(frame(b"go"))
    seen = {}
    for _ in range(5):
        data, name = every.recvfrom(2000)
        seen[data[14:]] = (name[2], name[4] == data[6:12])
    say(sorted(seen.items()))
    say(mine.recv(2000, socket.MSG_PEEK)[14:], mine.recv(2000)[14:],
        mine.recv(16)[14:],
        mine.recv_into(bytearray(2), 2, socket.MSG_TRUNC))
    say(other.recv(2000)[14:])
    for sock in (every, mine, other):
        sock.setblocking(False)
        say(error_of(sock.recv, 100))


def overflow(nr_frames):
    """A socket that is not read keeps some and loses the rest."""
    lazy, reader = packet_socket(ETH_P_TEST), packet_socket(ETH_P_TEST)
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.send(frame(b"go"))
    for _ in range(int(nr_frames)):
        reader.recv(2000)
    lazy.setblocking(False)
    kept = 0
    while isinstance(error_of(lazy.recv, 2000), bytes):
        kept += 1
    say(0 < kept < int(nr_frames))


def link():
    """Wait for the link's state that the monitor sets; the socket stays."""
    sock = packet_socket(ETH_P_TEST)
    for state in ("down", "up"):
        say("make it", state)
        wait_until(lambda s=state: sys_file("operstate") == s)
        say(sys_file("operstate"), sys_file("carrier"))
    flags = interface_ioctl(SIOCGIFFLAGS)
    value = struct.unpack("H", flags[:2])[0]
    interface_ioctl(SIOCSIFFLAGS, b"eth0".ljust(16, b"\0") +
                    struct.pack("H", value & ~IFF_UP))
    say(error_of(sock.send, frame(b"no")), sys_file("operstate"))
    interface_ioctl(SIOCSIFFLAGS, b"eth0".ljust(16, b"\0") +
                    struct.pack("H", value))
    say(error_of(sock.send, frame(b"yes")), sys_file("operstate"))


# --- vsock ---------------------------------------------------------------------

HOST, GET_LOCAL_CID = 2, 0x7B9
# as in vsock_peer.c
(ECHO, SOURCE, REFUSE, MUTE, SMALL, FLOOD, CUT, CALL, NOISE,
 ODD) = range(1, 11)


def vsock(port=None, attempts=10):
    """A socket, connected if there is a port; a busy host may take longer
    than a connect waits."""
    sock = socket.socket(socket.AF_VSOCK)
    try:
        if port:
            sock.connect((HOST, port))
    except TimeoutError:
        if attempts == 1:
            raise
        return vsock(port, attempts - 1)
    return sock


def receive(sock, size):
    """So many bytes, or those before the end."""
    data = b""
    while len(data) < size:
        part = sock.recv(min(size - len(data), 30000))
        if not part:
            break
        data += part
    return data


def vsock_names():
    with open("/dev/vsock", "rb", buffering=0) as node:
        say(ask_number(node, GET_LOCAL_CID, 4))
        say(error_of(fcntl.ioctl, node, BLKGETSIZE64))
    sock = vsock(ECHO)
    say(sock.getsockname(), sock.getpeername(), sock.getsockopt(
        socket.SOL_SOCKET, socket.SO_DOMAIN))
    other = vsock()
    other.bind((socket.VMADDR_CID_ANY, 77))
    say(vsock().getsockname()[1] == socket.VMADDR_PORT_ANY,
        other.getsockname())
    say(error_of(vsock().bind, (42, 77)), error_of(vsock().bind, (43, 78)),
        error_of(other.bind, (42, 79)))
    other.close()
    say(error_of(vsock().bind, (42, 77)))


def vsock_errors():
    say(error_of(vsock, REFUSE), error_of(vsock, MUTE, 1), error_of(vsock, ODD),
        error_of(vsock, 4000000000))
    loose = vsock()
    say(error_of(loose.connect, (socket.VMADDR_CID_ANY, 1)),
        error_of(loose.connect, (42, 1)), error_of(loose.getpeername),
        error_of(loose.send, b"x"), error_of(loose.recv, 1),
        error_of(loose.listen), error_of(loose.accept),
        error_of(loose.shutdown, socket.SHUT_RDWR))
    # a socket that was refused can try again
    say(error_of(loose.connect, (HOST, REFUSE)),
        error_of(loose.connect, (HOST, ECHO)),
        error_of(loose.connect, (HOST, ECHO)), error_of(loose.listen))
    say(error_of(socket.socket, socket.AF_VSOCK, socket.SOCK_DGRAM),
        error_of(socket.socket, socket.AF_VSOCK, socket.SOCK_STREAM, 6),
        error_of(socket.socketpair, socket.AF_VSOCK))
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    say(error_of(fcntl.ioctl, unix, GET_LOCAL_CID))


def no_vsock():
    say(error_of(vsock), os.path.exists("/dev/vsock"))


def vsock_echo(port, nr_bytes, connections):
    """Through the host and back, on some connections at once."""
    good = []

    def work(seed):
        data = random.Random(seed).randbytes(int(nr_bytes))
        with vsock(int(port)) as sock:
            writer = threading.Thread(target=sock.sendall, args=(data,))
            writer.start()
            if receive(sock, len(data)) == data:
                good.append(seed)
            writer.join()

    threads = [threading.Thread(target=work, args=(n,))
               for n in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(len(good))


def vsock_source():
    """A reader that wants all at once; then the end."""
    with vsock(SOURCE) as sock:
        data = sock.recv(300000, socket.MSG_WAITALL)
        say(len(data), data == bytes((i * 7 + i // 256) & 255
                                     for i in range(300000)))
        say(sock.recv(10))


def vsock_ends():
    """Shutdown of one side; cuts; a peer that sends more than it may."""
    with vsock(ECHO) as sock:
        sock.sendall(bytes(50000))
        sock.shutdown(socket.SHUT_WR)
        say(error_of(sock.send, b"x"), len(receive(sock, 60000)),
            sock.recv(1))
    with vsock(CUT) as sock:
        sock.send(b"x")
        say(sock.recv(1), error_of(sock.send, b"x"))
    with vsock(FLOOD) as sock:
        # nothing is read, so the buffer overflows
        broken = select.poll()
        broken.register(sock, 0)
        say(broken.poll(20000) == [(sock.fileno(),
                                    select.POLLERR | select.POLLHUP)])
        total, data = 0, b"x"
        while isinstance(data, bytes) and data:
            data = error_of(sock.recv, 100000)
            total += len(data) if isinstance(data, bytes) else 0
        say(total <= 65536, data, error_of(sock.send, b"x"))


def vsock_server(connections):
    """The host calls: listen, accept, talk, refuse when the queue is full."""
    server, call = vsock(), vsock(CALL)
    server.bind((socket.VMADDR_CID_ANY, 1234))
    server.listen(50)
    server.setblocking(False)
    say(error_of(server.accept))
    server.setblocking(True)
    for number in range(int(connections)):
        call.send(b"1234")
        sock, name = server.accept()
        text = b"hello %d" % number
        sock.send(text)
        say(name, sock.getsockname(), receive(sock, len(text)) == text)
        sock.close()
    call.send(b"1235")  # nobody listens
    call.send(b"1234")
    ready = select.poll()
    ready.register(server, select.POLLIN)
    say(ready.poll(20000) == [(server.fileno(), select.POLLIN)])
    server.close()  # a connection that nobody accepted
    call.close()


def vsock_nonblocking():
    """Connect and poll; write until nothing fits; read it all back."""
    sock = vsock()
    sock.setblocking(False)
    say(error_of(sock.connect, (HOST, ECHO)))
    ready = select.poll()
    ready.register(sock, select.POLLOUT)
    say(ready.poll(20000) == [(sock.fileno(), select.POLLOUT)],
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    # what the host holds and what waits here is the least that fits
    sent, quiet, end = b"", 0, time.monotonic() + 20
    while (quiet < 20 or len(sent) < 2 * 65536) and time.monotonic() < end:
        n = error_of(sock.send, random.Random(len(sent)).randbytes(5000))
        if isinstance(n, int):
            sent += random.Random(len(sent)).randbytes(5000)[:n]
            quiet = 0
        else:
            quiet += 1
            time.sleep(0.01)
    say(n, 2 * 65536 <= len(sent) <= 2 * 65536 + 425984)
    sock.setblocking(True)
    say(receive(sock, len(sent)) == sent)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
