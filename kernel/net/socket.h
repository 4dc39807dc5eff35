/* SPDX-License-Identifier: MIT */
/*
 * Sockets as objects, without descriptors and names of files: the layer above
 * opens, names and closes them. References: sock_get/sock_put. A socket is
 * "released" once, when its last descriptor goes; peers and messages in flight
 * may hold it for longer.
 *
 * Locks: read_lock (one reader at a time; held while copying to the program),
 * then lock (state and queue; never held while copying), two of the same class
 * by mutex_lock_two. Wait queues last.
 */
#pragma once
#include "core/lock.h"
#include "core/wait.h"
#include "lib/atomic.h"
#include "lib/list.h"

/* Numbers of the Linux interface that no UAPI header has. */
enum {
	AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16,
	AF_PACKET = 17, AF_VSOCK = 40,
};
enum sock_type {
	SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5,
};
enum msg_flags {
	MSG_OOB = 1, MSG_PEEK = 2, MSG_CTRUNC = 8, MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40, MSG_EOR = 0x80, MSG_WAITALL = 0x100,
	MSG_ERRQUEUE = 0x2000, MSG_NOSIGNAL = 0x4000, MSG_WAITFORONE = 0x10000,
	MSG_CMSG_CLOEXEC = 0x40000000,
};
enum shutdown_bits { SHUT_RECV = 1, SHUT_SEND = 2, SHUT_BOTH = 3 };

#define SOCK_BUF_DEFAULT	212992u
#define SOCK_BUF_MAX		425984u
#define SOCK_NAME_MAX		110u	/* struct sockaddr_un */
#define SOCK_BACKLOG_MAX	4096u
#define SOCK_DGRAM_QUEUE	10u	/* net.unix.max_dgram_qlen */

struct sock;
struct sk_buf;
struct unix_addr;
struct sk_files;

struct sock_cred {
	int32_t pid;
	uint32_t uid, gid;
};

/* Bytes of one call, moved by the layer above. */
struct sock_data {
	size_t left;
	/* Between kernel memory and the program. Returns how many bytes;
	 * fewer than n: bad address. Decrements left. */
	size_t (*move)(struct sock_data *d, void *kernel, size_t n);
};

/* One sending or receiving call. */
struct sock_msg {
	struct sock_data *data;
	uint32_t flags;		/* MSG_*; results are or-ed to out_flags */
	bool nonblock;
	struct sock_cred cred;	/* send: of the caller; receive: result */
	struct sk_files *files;	/* send: taken over if bytes were sent;
				 * receive: result, owned by the caller */
	struct sock *to;	/* send: explicit destination (borrowed) */
	const uint8_t *addr;	/* likewise, of families with struct */
	uint32_t addr_len;	/* sock_names; 0: none */
	/* of a UDP datagram: hop limit and traffic class (send: plus one, 0: as
	 * the socket has it); received at this address, as IPv6 has it */
	uint16_t hops, tos;
	uint8_t at[16];
	/* receive */
	bool want_cred;
	bool has_cred;
	uint32_t out_flags;
	bool want_from;
	struct unix_addr *from;	/* referenced, or NULL: unnamed */
};

/*
 * The calls on names, for families whose names are plain bytes, struct
 * sockaddr_*, family first (AF_UNIX's are files: the layer above has them).
 * NULL: -EOPNOTSUPP.
 */
struct sock_names {
	int (*bind)(struct sock *s, const uint8_t *addr, uint32_t len);
	int (*connect)(struct sock *s, const uint8_t *addr, uint32_t len,
		       bool nonblock);
	int (*listen)(struct sock *s, int backlog);
	int (*accept)(struct sock *s, bool nonblock, struct sock **out);
	int (*shutdown)(struct sock *s, int how);
	/* Its own name or its peer's. Returns the length or -errno. */
	int (*name)(struct sock *s, bool peer, uint8_t addr[SOCK_NAME_MAX]);
};

struct sock_ops {
	const struct sock_names *names;	/* NULL: AF_UNIX */
	ssize_t (*send)(struct sock *s, struct sock_msg *m);
	ssize_t (*recv)(struct sock *s, struct sock_msg *m);
	uint32_t (*poll)(struct sock *s);	/* EPOLL* bits */
	/* Connect to `to`. 0, -EAGAIN, -ECONNREFUSED, -EPROTOTYPE... */
	int (*connect)(struct sock *s, struct sock *to, bool nonblock);
	/* The last descriptor went. Drops the caller's reference. */
	void (*release)(struct sock *s);
	/* Where a record came from, referenced; NULL: by its sender. */
	struct unix_addr *(*from)(struct sock *s, const struct sk_buf *b);
	/* Of a record: what m says of its packet; may be NULL. */
	void (*describe)(struct sock_msg *m, const struct sk_buf *b);
	/* A reader of a stream took n bytes; may be NULL. Locks: read_lock. */
	void (*consumed)(struct sock *s, uint32_t n);
	/* A stream's peer takes no more. Returns 0: what was sent is lost, or
	 * -errno. NULL: -EPIPE. Locks: none held. */
	int (*refused)(struct sock *s);
};

enum sock_state { SOCK_CLOSED, SOCK_LISTENING, SOCK_CONNECTED };

/*
 * Sockets of different spaces do not find each other. NULL is the first, which
 * has all interfaces, and whose loopback is always up. Others have only that.
 */
struct net_space {
	struct refcount refs;
	bool loopback_is_up;		/* atomic */
};

struct sock {
	struct refcount refs;
	/* set once */
	struct net_space *space;	/* a reference */
	const struct sock_ops *ops;
	uint32_t type;		/* enum sock_type */
	uint32_t domain, protocol;
	uint64_t id;		/* number of its inode */
	void *family;		/* the family's own; freed with the socket */
	struct mutex read_lock;
	struct mutex lock;
	struct waitq wait;	/* every event of this socket */
	struct waitq peer_wait;	/* senders and connectors: we are full */
	/* under lock; readers of one field may look without */
	enum sock_state state;
	bool released;
	uint32_t shutdown;	/* enum shutdown_bits */
	uint32_t err;		/* SO_ERROR: positive, or 0 */
	struct sock *peer;	/* referenced; constant once connected, but for
				 * SOCK_DGRAM */
	struct unix_addr *addr;	/* bound name; set once */
	struct list queue;	/* struct sk_buf, to be received */
	uint32_t queue_len;	/* buffers */
	uint64_t queue_bytes;
	uint32_t urgent;	/* the byte at the mark, and URGENT_*; 0: none */
	int32_t owner;		/* who gets SIGURG: a process, or -group */
	struct list accept_queue;	/* struct sock.accept_link */
	uint32_t accept_len, backlog;
	struct list accept_link;	/* under the listener's lock */
	struct list senders;	/* SOCK_DGRAM connected to us: sender_link */
	struct list sender_link;	/* under the peer's lock */
	struct sock_cred own_cred, peer_cred;
	/* atomic */
	uint32_t wmem;		/* bytes sent and not yet received */
	/* options; word-sized, the last writer wins */
	uint32_t sndbuf, rcvbuf;
	uint64_t rcvtimeo_ns, sndtimeo_ns;	/* DEADLINE_NEVER: none */
	int32_t peek_off;	/* -1: off */
	int32_t rcvlowat;
	int32_t linger;		/* seconds; -1: off */
	uint32_t flags;		/* 1u << SO_* number; on/off options */
};

/* How the files that messages carry are counted: set once, at start-up. */
struct sock_upcalls {
	void *(*file_get)(void *file);
	void (*file_put)(void *file);
	void (*urgent)(int32_t owner);	/* data came for its socket */
	/* may the caller change the interfaces of this space? */
	bool (*may_admin)(const struct net_space *n);
};
extern struct sock_upcalls sock_upcalls;

static inline struct net_space *net_space_get(struct net_space *n)
{
	if (n)
		ref_get(&n->refs);
	return n;
}
void net_space_put(struct net_space *n);
static inline bool net_space_is_up(const struct net_space *n)
{
	return !n || __atomic_load_n(&n->loopback_is_up, __ATOMIC_RELAXED);
}

struct sock *sock_create(uint32_t domain, uint32_t type,
			 const struct sock_ops *ops);	/* NULL: no memory */
struct sock *sock_get(struct sock *s);
void sock_put(struct sock *s);
/* Take the pending error. Returns 0 or -errno. */
int sock_take_error(struct sock *s);
/* Result of an interrupted or timed-out sleep, by the timeout in force. */
int sock_sleep_error(int err, uint64_t timeo_ns);
uint64_t sock_deadline(uint64_t timeo_ns);

/* --- files in flight (sk_files.c) -----------------------------------------------*/
#define SK_FILES_MAX	253u	/* SCM_MAX_FD */
#define SK_FILES_IN_FLIGHT_MAX	16384u
struct sk_files {
	struct list link;	/* to be dropped */
	uint32_t nr;
	bool in_flight;		/* counted */
	void *file[];		/* referenced */
};
/* Room for n, nr = 0. NULL: no memory. */
struct sk_files *sk_files_create(uint32_t n);
struct sk_files *sk_files_dup(const struct sk_files *f);
/* Count them as in flight. Returns 0 or -ETOOMANYREFS. */
int sk_files_launch(struct sk_files *f);
void sk_files_land(struct sk_files *f);
/* Give up the references and the memory. NULL is allowed. Never recurses,
 * though the last reference to a socket releases what is queued there. */
void sk_files_drop(struct sk_files *f);
uint32_t sk_files_in_flight(void);

/* A buffer of one byte that was sent with MSG_OOB. */
enum sk_urgent {
	SK_PLAIN, SK_MARK, SK_VOID	/* a mark that a later one replaced */
};
enum { URGENT_THERE = 0x100, URGENT_READ = 0x200 };

/* --- buffers (sk_buf.c) ------------------------------------------------------------*/
struct sk_buf {
	struct list link;	/* in the receiver's queue */
	uint32_t len, off;	/* off: consumed */
	uint32_t charge;	/* of sender->wmem */
	uint32_t order;		/* of its pages; 0: on the heap */
	struct sock_cred cred;
	uint32_t urgent;	/* enum sk_urgent */
	struct sock *sender;	/* referenced; NULL: came from outside */
	struct sk_files *files;	/* or NULL */
	uint8_t data[];
};
/* Charges the sender, if there is one. NULL: no memory. */
struct sk_buf *sk_buf_create(struct sock *sender, uint32_t len);
/* Gives memory and charge back, wakes the sender if it can write again. */
void sk_buf_free(struct sk_buf *b);
void sk_queue_purge(struct list *queue);
/* Queue a record for s, as far as its rcvbuf has room. Takes b over. Returns
 * whether there was. */
bool sk_queue_record(struct sock *s, struct sk_buf *b);
/* Sleep until the sender may queue more. Returns 0, -EAGAIN, -ERESTARTSYS,
 * -EINTR, or -EPIPE (its sending side was shut down). */
int sock_wait_space(struct sock *s, bool nonblock);
bool sock_is_writable(const struct sock *s);
