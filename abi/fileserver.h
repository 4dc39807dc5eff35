/* SPDX-License-Identifier: MIT */
/*
 * The file server protocol. The tender serves directory trees ("exports") to
 * the sandbox over one SOCK_SEQPACKET socket: one request, one reply, no more
 * than one outstanding. The sandbox has no file calls of its own.
 *
 * Rules the server keeps whatever it is sent: names are single components
 * (no "/", not "." or "..", 1..255 bytes, no NUL); symbolic links are never
 * followed, only reported; nothing outside an export is reachable since a
 * handle only ever leads downwards; an export marked "as nobody" serves only
 * what user nobody could read; a read-only export refuses every change.
 *
 * A directory handle is an integer that the server gives out on LOOKUP of a
 * directory and forgets on FORGET. Handle `export_id` (0..exports-1) is the
 * export's own root and is never forgotten. Other objects are named by
 * (directory handle, name). On live exports OPEN and CREATE give a file handle
 * too, so that an open file can be asked for after its name went; GETATTR,
 * SETATTR (with an empty name), FSYNC, FALLOCATE and FORGET take it. An export that is
 * one file is named by its handle and an empty name.
 *
 * Set-user-ID and set-group-ID bits of files are taken out of every mode, and
 * devices are neither made nor opened: nothing that the sandbox does in a
 * volume gives anybody rights on the host.
 */
#pragma once
#include <stdint.h>
#include <stddef.h>

#define FSRV_NAME_MAX	255u
#define FSRV_DATA_MAX	32768u

enum fsrv_op {
	FSRV_LOOKUP = 1,  /* dir,name,flags -> attr; handle if a directory;
			     data = target if a symlink */
	FSRV_FORGET,	  /* dir = any handle */
	FSRV_GETATTR,	  /* dir = any handle -> attr */
	FSRV_OPEN,	  /* dir,name,flags(O_ACCMODE|O_TRUNC) -> fd,attr; file
			     handle if live */
	FSRV_CREATE,	  /* dir,name,flags,mode -> as OPEN; O_EXCL always */
	FSRV_READDIR,	  /* dir,offset,flags -> data: struct fsrv_dirent...;
			     arg = next offset, FSRV_READDIR_END after the
			     last entry. With a name: LOOKUP of that directory
			     first -> handle, attr as well */
	FSRV_MKDIR,	  /* dir,name,mode */
	FSRV_SYMLINK,	  /* dir,name,data=target */
	FSRV_MKNOD,	  /* dir,name,mode: FIFO, socket or regular only */
	FSRV_UNLINK,	  /* dir,name */
	FSRV_RMDIR,	  /* dir,name */
	FSRV_RENAME,	  /* dir,name,dir2,name2,flags(RENAME_*) */
	FSRV_LINK,	  /* dir,name,dir2,name2 */
	FSRV_SETATTR,	  /* dir,name ("" = dir itself),valid,attr -> attr */
	FSRV_STATFS,	  /* dir -> data: struct fsrv_statfs */
	FSRV_FSYNC,	  /* dir = any handle, flags: 1 = data only */
	FSRV_XATTR_GET,	  /* dir,name,data = "user..." name -> data */
	FSRV_XATTR_LIST,  /* dir,name -> data: names with their NULs */
	FSRV_TTY_GET,	  /* arg = stdio 0..2 -> data: struct termios2 bytes */
	FSRV_TTY_SET,	  /* arg = stdio | (0 now,1 drain,2 flush) << 8; data */
	FSRV_TTY_WINSZ,	  /* arg = stdio -> data: struct winsize */
	FSRV_TTY_FIONREAD,/* arg = stdio -> arg */
	FSRV_TTY_FRONT,	  /* arg = stdio -> arg: 0 if the tender is a
			     background job of that terminal */
	FSRV_USAGE,	  /* arg = number of a process inside the sandbox ->
			     data: struct fsrv_usage (platform process) */
	FSRV_READTREE,	  /* dir,name as READDIR,flags,data = names of
			     directories in it with their NULs -> data: struct
			     fsrv_listing..., of each of these and then of what
			     is below it, as far as they fit whole. What can
			     not be listed, or lies on another device, is left
			     out */
	FSRV_OPEN_MANY,	  /* dir of a still export, data = names of files with
			     their NULs -> descriptors for reading of the first
			     ones, up to one that can not be opened; data:
			     struct fsrv_opened of each */
	FSRV_FALLOCATE,	  /* dir = a file handle that is writable, mode =
			     FALLOC_FL_* of FSRV_FALLOCATE_MODES, offset,
			     attr.size = length -> attr */
};

/* Nothing that moves contents: KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE. */
#define FSRV_FALLOCATE_MODES 0x13u

/* fsrv_request.flags of LOOKUP: give no handle for a directory. (Nor is
 * one given for a pseudo file system of the host: it can not be entered.) */
#define FSRV_LOOKUP_ATTR 1u
/* ...: of a still export's regular file, if it can be read, give a descriptor
 * for reading too: most lookups are followed by an open. */
#define FSRV_LOOKUP_OPEN 2u
/* fsrv_request.flags of READDIR: each entry carries its attributes; each
 * directory does, and perhaps others. */
#define FSRV_READDIR_ATTR 1u
#define FSRV_READDIR_ATTR_DIRS 2u
#define FSRV_READDIR_END UINT64_MAX
/* fsrv_request.flags of FSYNC */
#define FSRV_FSYNC_DATA	1u

/* fsrv_request.valid / SETATTR */
enum fsrv_valid {
	FSRV_SET_MODE = 1, FSRV_SET_UID = 2, FSRV_SET_GID = 4,
	FSRV_SET_SIZE = 8, FSRV_SET_ATIME = 16, FSRV_SET_MTIME = 32,
};

struct fsrv_attr {
	uint64_t dev, ino, size, blocks;
	uint32_t mode, nlink, uid, gid, rdev_major, rdev_minor;
	uint32_t blksize, reserved;
	int64_t  atime_ns, mtime_ns, ctime_ns, btime_ns;
};

struct fsrv_request {
	uint32_t op;		/* enum fsrv_op */
	uint32_t dir, dir2;	/* directory handles */
	uint32_t flags, mode, valid;
	uint64_t offset;
	uint64_t arg;		/* but of TTY_* and USAGE: a handle to forget first, 0
				 * none; so FORGET need not be sent alone */
	struct fsrv_attr attr;
	uint16_t name_len, name2_len;
	uint32_t data_len;
	/* followed by name, name2, data; no terminators */
};

struct fsrv_reply {
	int32_t  error;		/* 0 or negative errno */
	uint32_t handle;	/* LOOKUP of a directory */
	uint32_t has_fd;	/* so many descriptors came with SCM_RIGHTS */
	uint32_t data_len;
	uint64_t arg;
	struct fsrv_attr attr;
	/* followed by data */
};

struct fsrv_dirent {
	uint64_t ino;
	uint64_t next_offset;
	uint16_t name_len;
	uint8_t  type;		/* DT_* */
	uint8_t  has_attr;	/* struct fsrv_attr comes before the name */
	uint8_t  reserved[4];
	/* followed by the attributes, if any, and the name, padded to 8 */
};

#define FSRV_FDS_MAX	16u

struct fsrv_opened {
	uint64_t dev, ino;
};

#define FSRV_TREE_DEPTH	8u

/* A directory's listing among others. */
struct fsrv_listing {
	uint32_t depth;		/* 0: named in the request. Else it belongs to
				 * the latest one of depth - 1 before it */
	uint32_t entry;		/* number of the name, or of the entry of that
				 * one, from 0 */
	uint32_t len;		/* bytes of struct fsrv_dirent... that follow */
	uint32_t reserved;
};

struct fsrv_statfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen;
};

/* Memory of a process in bytes, as the host accounts it. */
struct fsrv_usage {
	uint64_t private, private_peak, mapped, tables;
};
_Static_assert(sizeof(struct fsrv_request) == 144, "fsrv_request layout");
_Static_assert(sizeof(struct fsrv_reply) == 120, "fsrv_reply layout");
_Static_assert(sizeof(struct fsrv_attr) == 96, "fsrv_attr layout");
_Static_assert(sizeof(struct fsrv_dirent) == 24, "fsrv_dirent layout");
_Static_assert(sizeof(struct fsrv_listing) == 16, "fsrv_listing layout");
