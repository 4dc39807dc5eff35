#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 tempfile, shutil, pathlib, os: directories, links, renames, fds
# Needs: python3
/usr/bin/python3 - <<'E'
import tempfile, shutil, pathlib, os, stat, fcntl
with tempfile.TemporaryDirectory() as d:
    p = pathlib.Path(d); (p / "a" / "b").mkdir(parents=True); (p / "a" / "f").write_text("x" * 10)
    os.symlink("f", p / "a" / "l"); os.link(p / "a" / "f", p / "a" / "h")
    print(sorted(str(q.relative_to(p)) for q in p.rglob("*")), os.stat(p / "a" / "f").st_nlink)
    shutil.copytree(p / "a", p / "c", symlinks=True); os.rename(p / "c", p / "d"); shutil.rmtree(p / "a")
    print(sorted(os.listdir(p)), sorted(os.listdir(p / "d")), oct(stat.S_IMODE(os.stat(p).st_mode)))
print(os.path.exists(d))
with tempfile.NamedTemporaryFile() as f:
    f.write(b"data"); f.flush(); print(os.path.getsize(f.name), fcntl.flock(f, fcntl.LOCK_EX))
with tempfile.TemporaryFile() as f:
    f.write(b"0123456789"); f.seek(3); print(f.read(4), os.fstat(f.fileno()).st_nlink); f.truncate(2); print(os.fstat(f.fileno()).st_size)
with tempfile.SpooledTemporaryFile(10) as f:
    f.write(b"x" * 100); f.seek(0); print(len(f.read()))
fd = os.memfd_create("m"); os.write(fd, b"abc"); print(os.pread(fd, 2, 1)); r, w = os.pipe(); os.write(w, b"z"); print(os.read(r, 5))
os.makedirs("x/y"); fd = os.open("x", os.O_RDONLY); print(os.listdir(fd), os.stat("y", dir_fd=fd).st_nlink); print(shutil.disk_usage(".").total > 0)
e = os.scandir("."); print(sorted((x.name, x.is_dir()) for x in e))
E
