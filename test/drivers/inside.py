# SPDX-License-Identifier: MIT
"""What runs inside the sandbox for test/drivers/run: inside.py NAME [ARG...].

Each function does something with a device and prints what it saw; the runner
outside, which made the device, knows what that must be.
"""
import errno
import fcntl
import hashlib
import os
import random
import socket
import struct
import sys
import threading
import time

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
    return hashlib.sha256(data).hexdigest()[:16]


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
    sock, total = packet_socket(ETH_P_TEST), hashlib.sha256()
    sock.send(frame(b"ready"))
    for _ in range(int(nr_frames)):
        data = sock.recv(20000)
        total.update(data)
        sock.send(data[6:12] + data[:6] + data[12:])
    # a frame counts when the device is done with it
    wait_until(lambda: statistics("tx_packets") == [int(nr_frames) + 1])
    say(total.hexdigest()[:16],
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


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
