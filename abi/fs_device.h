/* SPDX-License-Identifier: MIT */
/*
 * The file system device: virtio-fs (device 26), spoken between the kernel of
 * the kvm platform (platform/kvm/server.c) and a tender (tender/dev/fs.c).
 * The protocol is FUSE as <linux/fuse.h> defines it, version 7.31, without
 * DAX; any FUSE client can use it. This header says what is ours.
 *
 * Queues: 0 is the high-priority queue (FORGET, BATCH_FORGET, INTERRUPT), 1
 * takes requests. Replies come in any order.
 *
 * The root (node 1) is made up. Its children are the exports, named by their
 * number in decimal ("0", "1", ...; export_id of struct abi_mount), and the
 * special nodes below. A still or live export that is one file is a regular
 * file. Nothing else exists there, and nothing there can be changed. These
 * nodes are for ever and have fixed numbers: no LOOKUP has to come before. The
 * special ones are open from the start, by fixed handles whose RELEASE does
 * nothing.
 *
 * Where FUSE leaves room:
 *  - entry.generation is the object's birth time in ns, 0 if unknown;
 *    attr.ino is unique within its export, whatever the host has mounted
 *    below it, and the same for the same object.
 *  - READDIR and READDIRPLUS ask for no OPENDIR and ignore the handle. There
 *    are no entries for "." and "..". READDIRPLUS gives attributes without a
 *    reference: entry.nodeid is 0; where there are none attr.ino is 0.
 *  - STATFS: kstatfs.padding is the host's f_type.
 *  - Times, identities, permission checks and set-id bits: the rules of
 *    abi/fileserver.h. OPEN truncates if O_TRUNC is set. CREATE is exclusive
 *    always; MKNOD makes no devices. RENAME2 takes RENAME_NOREPLACE and
 *    RENAME_EXCHANGE.
 *  - A HARD LINK's source is a node; one of a symbolic link may be refused.
 *
 * Streams ("stdin", "stdout", "stderr"; "log" takes writes only)
 *  - OPEN gives a handle; READ and WRITE never wait: -EAGAIN. They may do
 *    less than asked for. A READ of 0 bytes is the end of the file.
 *  - offset FS_STREAM_POSITION is the stream's own position; any other is an
 *    offset, for streams that are regular files. LSEEK moves the position.
 *  - POLL answers with what is there now. With FUSE_POLL_SCHEDULE_NOTIFY, if
 *    nothing of poll.events is there, it arms: one event ABI_EVENT_POLL
 *    comes once something is. fuse_poll_in.kh is not looked at.
 *  - IOCTL, never "unrestricted": TCGETS2, TCSETS2, TCSETSW2, TCSETSF2,
 *    TIOCGWINSZ, FIONREAD; and TIOCGPGRP, whose int is 1, or 0 if the tender
 *    is a background job of that terminal.
 *
 * "control": READ waits until there are events, then gives an array of struct
 * abi_event (abi/control.h), one READ at a time. WRITE takes one struct
 * abi_report.
 */
#pragma once
#include <stdint.h>

#define FS_DEVICE_TAG		"mica"
#define FS_NODE_STDIN		"stdin"
#define FS_NODE_STDOUT		"stdout"
#define FS_NODE_STDERR		"stderr"
#define FS_NODE_LOG		"log"
#define FS_NODE_CONTROL		"control"

/* In this order by their numbers: */
enum fs_special {
	FS_STDIN, FS_STDOUT, FS_STDERR, FS_LOG, FS_CONTROL, FS_NR_SPECIAL,
};
#define FS_NODEID_SPECIAL	2u	/* of the first */
#define FS_NODEID_EXPORT	7u	/* of export 0 */
#define FS_HANDLE_SPECIAL	1u	/* of the first */

#define FS_STREAM_POSITION	UINT64_MAX	/* offset of READ and WRITE */
#define FS_WRITE_MAX		(1u << 20)	/* bytes of one READ or WRITE */
