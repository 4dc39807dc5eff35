/* SPDX-License-Identifier: MIT */
/* Tables of names for --strace; numbers come from the UAPI headers. */
#include "linux/strace_names.h"
#include "lib/string.h"
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>

#define FLAG(f)		{ #f, f, f }
#define FIELD(f, m)	{ #f, f, m }
#define EXACT(f)	{ #f, f, 0 }
#define END		{ NULL, 0, 0 }

static const struct strace_flag oflags[] = {
	FIELD(O_RDONLY, O_ACCMODE), FIELD(O_WRONLY, O_ACCMODE),
	FIELD(O_RDWR, O_ACCMODE), FLAG(O_CREAT), FLAG(O_EXCL), FLAG(O_NOCTTY),
	FLAG(O_TRUNC), FLAG(O_APPEND), FLAG(O_NONBLOCK),
	FIELD(O_SYNC, O_SYNC), FLAG(O_DSYNC), FLAG(O_DIRECT), FLAG(O_LARGEFILE),
	FIELD(O_TMPFILE, O_TMPFILE), FLAG(O_DIRECTORY), FLAG(O_NOFOLLOW),
	FLAG(O_NOATIME), FLAG(O_CLOEXEC), FLAG(O_PATH), END
};

static const struct strace_flag prot[] = {
	EXACT(PROT_NONE), FLAG(PROT_READ), FLAG(PROT_WRITE), FLAG(PROT_EXEC),
	FLAG(PROT_GROWSDOWN), FLAG(PROT_GROWSUP), END
};

static const struct strace_flag mapflags[] = {
	FIELD(MAP_SHARED, MAP_TYPE), FIELD(MAP_PRIVATE, MAP_TYPE),
	FIELD(MAP_SHARED_VALIDATE, MAP_TYPE), FLAG(MAP_FIXED),
	FLAG(MAP_ANONYMOUS), FLAG(MAP_GROWSDOWN), FLAG(MAP_LOCKED),
	FLAG(MAP_NORESERVE), FLAG(MAP_POPULATE), FLAG(MAP_NONBLOCK),
	FLAG(MAP_STACK), FLAG(MAP_HUGETLB), FLAG(MAP_FIXED_NOREPLACE),
	{ "MAP_DENYWRITE", 0x800, 0x800 }, END
};

static const struct strace_flag atflags[] = {
	FLAG(AT_SYMLINK_NOFOLLOW), FLAG(AT_REMOVEDIR), FLAG(AT_SYMLINK_FOLLOW),
	FLAG(AT_NO_AUTOMOUNT), FLAG(AT_EMPTY_PATH), END
};

static const struct strace_flag cloneflags[] = {
	FIELD(SIGCHLD, CSIGNAL), FLAG(CLONE_VM), FLAG(CLONE_FS),
	FLAG(CLONE_FILES), FLAG(CLONE_SIGHAND), FLAG(CLONE_VFORK),
	FLAG(CLONE_PARENT), FLAG(CLONE_THREAD), FLAG(CLONE_SYSVSEM),
	FLAG(CLONE_SETTLS), FLAG(CLONE_PARENT_SETTID),
	FLAG(CLONE_CHILD_CLEARTID), FLAG(CLONE_CHILD_SETTID), END
};

static const struct strace_flag futexop[] = {
	FIELD(FUTEX_WAIT, FUTEX_CMD_MASK), FIELD(FUTEX_WAKE, FUTEX_CMD_MASK),
	FIELD(FUTEX_REQUEUE, FUTEX_CMD_MASK),
	FIELD(FUTEX_CMP_REQUEUE, FUTEX_CMD_MASK),
	FIELD(FUTEX_WAKE_OP, FUTEX_CMD_MASK),
	FIELD(FUTEX_LOCK_PI, FUTEX_CMD_MASK),
	FIELD(FUTEX_UNLOCK_PI, FUTEX_CMD_MASK),
	FIELD(FUTEX_WAIT_BITSET, FUTEX_CMD_MASK),
	FIELD(FUTEX_WAKE_BITSET, FUTEX_CMD_MASK), FLAG(FUTEX_PRIVATE_FLAG),
	FLAG(FUTEX_CLOCK_REALTIME), END
};

static const struct strace_flag whence[] = {
	{ "SEEK_SET", 0, 0 }, { "SEEK_CUR", 1, 0 }, { "SEEK_END", 2, 0 },
	{ "SEEK_DATA", 3, 0 }, { "SEEK_HOLE", 4, 0 }, END
};

static const struct strace_flag fcntlcmd[] = {
	EXACT(F_DUPFD), EXACT(F_GETFD), EXACT(F_SETFD), EXACT(F_GETFL),
	EXACT(F_SETFL), EXACT(F_GETLK), EXACT(F_SETLK), EXACT(F_SETLKW),
	EXACT(F_DUPFD_CLOEXEC), EXACT(F_GETPIPE_SZ), EXACT(F_SETPIPE_SZ),
	EXACT(F_ADD_SEALS), EXACT(F_GET_SEALS), END
};

static const struct {
	const char *kind;
	const struct strace_flag *flags;
} kinds[] = {
	{ "oflags", oflags }, { "prot", prot }, { "mapflags", mapflags },
	{ "atflags", atflags }, { "cloneflags", cloneflags },
	{ "futexop", futexop }, { "whence", whence }, { "fcntlcmd", fcntlcmd },
};

const struct strace_flag *strace_flags_of(const char *kind, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].kind) == len &&
		    !memcmp(kinds[i].kind, kind, len))
			return kinds[i].flags;
	return NULL;
}

static const char *const signals[] = {
	"0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT",
	"SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2",
	"SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD",
	"SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG",
	"SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",
	"SIGPWR", "SIGSYS",
};

const char *strace_signal_name(int signo)
{
	return signo >= 0 && signo < (int)ARRAY_LEN(signals) ?
	       signals[signo] : signo >= 32 && signo <= 64 ? "SIGRT" : "?";
}

#define E(n) [n] = #n
static const char *const errors[] = {
	E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO), E(ENXIO), E(E2BIG),
	E(ENOEXEC), E(EBADF), E(ECHILD), E(EAGAIN), E(ENOMEM), E(EACCES),
	E(EFAULT), E(ENOTBLK), E(EBUSY), E(EEXIST), E(EXDEV), E(ENODEV),
	E(ENOTDIR), E(EISDIR), E(EINVAL), E(ENFILE), E(EMFILE), E(ENOTTY),
	E(ETXTBSY), E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK),
	E(EPIPE), E(EDOM), E(ERANGE), E(EDEADLK), E(ENAMETOOLONG), E(ENOLCK),
	E(ENOSYS), E(ENOTEMPTY), E(ELOOP), E(ENOMSG), E(EIDRM), E(ECHRNG),
	E(EL2NSYNC), E(EL3HLT), E(EL3RST), E(ELNRNG), E(EUNATCH), E(ENOCSI),
	E(EL2HLT), E(EBADE), E(EBADR), E(EXFULL), E(ENOANO), E(EBADRQC),
	E(EBADSLT), E(EBFONT), E(ENOSTR), E(ENODATA), E(ETIME), E(ENOSR),
	E(ENONET), E(ENOPKG), E(EREMOTE), E(ENOLINK), E(EADV), E(ESRMNT),
	E(ECOMM), E(EPROTO), E(EMULTIHOP), E(EDOTDOT), E(EBADMSG),
	E(EOVERFLOW), E(ENOTUNIQ), E(EBADFD), E(EREMCHG), E(ELIBACC),
	E(ELIBBAD), E(ELIBSCN), E(ELIBMAX), E(ELIBEXEC), E(EILSEQ),
	E(ERESTART), E(ESTRPIPE), E(EUSERS), E(ENOTSOCK), E(EDESTADDRREQ),
	E(EMSGSIZE), E(EPROTOTYPE), E(ENOPROTOOPT), E(EPROTONOSUPPORT),
	E(ESOCKTNOSUPPORT), E(EOPNOTSUPP), E(EPFNOSUPPORT), E(EAFNOSUPPORT),
	E(EADDRINUSE), E(EADDRNOTAVAIL), E(ENETDOWN), E(ENETUNREACH),
	E(ENETRESET), E(ECONNABORTED), E(ECONNRESET), E(ENOBUFS), E(EISCONN),
	E(ENOTCONN), E(ESHUTDOWN), E(ETOOMANYREFS), E(ETIMEDOUT),
	E(ECONNREFUSED), E(EHOSTDOWN), E(EHOSTUNREACH), E(EALREADY),
	E(EINPROGRESS), E(ESTALE), E(EUCLEAN), E(ENOTNAM), E(ENAVAIL),
	E(EISNAM), E(EREMOTEIO), E(EDQUOT), E(ENOMEDIUM), E(EMEDIUMTYPE),
	E(ECANCELED), E(ENOKEY), E(EKEYEXPIRED), E(EKEYREVOKED),
	E(EKEYREJECTED), E(EOWNERDEAD), E(ENOTRECOVERABLE), E(ERFKILL),
	E(EHWPOISON),
};

const char *strace_errno_name(int err)
{
	switch (err) {
	case ERESTARTSYS:
		return "ERESTARTSYS";
	case ERESTARTNOINTR:
		return "ERESTARTNOINTR";
	case ERESTARTNOHAND:
		return "ERESTARTNOHAND";
	case ERESTART_RESTARTBLOCK:
		return "ERESTART_RESTARTBLOCK";
	}
	if (err > 0 && err < (int)ARRAY_LEN(errors) && errors[err])
		return errors[err];
	return "E?";
}
