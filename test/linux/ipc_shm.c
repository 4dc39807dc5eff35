/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory. Ids and times differ; what is done to segments of
 * one's own does not. The host's segments are everybody's, so nothing here
 * counts them.
 */
#include "harness.h"

#include <linux/futex.h>
#include <sys/ipc.h>
#include <sys/shm.h>

static int segment(size_t size)
{
	return (int)must(shmget(IPC_PRIVATE, size, 0600));
}

static char *attach(int id, int flags)
{
	return (char *)must(shmat(id, NULL, flags));
}

static key_t some_key(void)
{
	return 0x6d000000 + getpid();
}

static long nattch(int id)
{
	struct shmid_ds ds;

	must(shmctl(id, IPC_STAT, &ds));
	return (long)ds.shm_nattch;
}

/* Last segment made, removed at the end. */
static int made = -1;

static void remove_made(void)
{
	if (made >= 0)
		shmctl(made, IPC_RMID, NULL);
}

static int temporary(size_t size)
{
	made = segment(size);
	atexit(remove_made);
	return made;
}

TEST(shm_sizes)
{
	show(shmget(IPC_PRIVATE, 0, 0600));
	show(shmget(IPC_PRIVATE, (size_t)-1, 0600));
	show(shmget(IPC_PRIVATE, 1ul << 50, 0600));
	show_ok(temporary(1));
}

TEST(shm_keys)
{
	key_t key = some_key();
	int id;

	show(shmget(key, 100, 0600));
	id = (int)must(shmget(key, 100, IPC_CREAT | 0600));
	made = id;
	atexit(remove_made);
	fact(shmget(key, 100, 0) == id);
	fact(shmget(key, 0, 0600) == id);
	fact(shmget(key, 1, IPC_CREAT | 0600) == id);
	show(shmget(key, 101, 0600));
	show(shmget(key, 100, IPC_CREAT | IPC_EXCL | 0600));
	show(shmctl(id, IPC_RMID, NULL));
	show(shmget(key, 100, 0600));
}

TEST(shm_stat)
{
	struct shmid_ds ds;
	int id = temporary(5000);
	char *p;

	must(shmctl(id, IPC_STAT, &ds));
	num(ds.shm_segsz);
	num(ds.shm_perm.mode);
	num(ds.shm_nattch);
	num(ds.shm_atime);
	num(ds.shm_dtime);
	fact(ds.shm_ctime >= time(NULL) - 2 && ds.shm_ctime <= time(NULL));
	fact(ds.shm_perm.uid == geteuid() && ds.shm_perm.cuid == geteuid());
	fact(ds.shm_perm.gid == getegid() && ds.shm_perm.cgid == getegid());
	fact(ds.shm_cpid == getpid());
	num(ds.shm_lpid);
	p = attach(id, 0);
	must(shmctl(id, IPC_STAT, &ds));
	fact(ds.shm_lpid == getpid());
	fact(ds.shm_atime > 0);
	num(ds.shm_dtime);
	must(shmdt(p));
	must(shmctl(id, IPC_STAT, &ds));
	fact(ds.shm_dtime > 0);
	show(shmctl(id, IPC_STAT, bad_pointer()));
	show(shmctl(-1, IPC_STAT, &ds));
	show(shmctl(id, 77, &ds));
}

TEST(shm_set)
{
	struct shmid_ds ds;
	int id = temporary(1);

	must(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.mode = 01777 | 0400;
	ds.shm_segsz = 99;
	show(shmctl(id, IPC_SET, &ds));
	must(shmctl(id, IPC_STAT, &ds));
	num(ds.shm_perm.mode);
	num(ds.shm_segsz);
	ds.shm_perm.uid = (uid_t)-1;
	show(shmctl(id, IPC_SET, &ds));
	show(shmctl(id, IPC_SET, bad_pointer()));
}

TEST(shm_zeroed_and_kept)
{
	int id = temporary(3 * PAGE);
	char *p = attach(id, 0);
	int sum = 0;

	for (int i = 0; i < 3 * PAGE; i++)
		sum += p[i];
	num(sum);
	p[2 * PAGE + 7] = 'x';
	must(shmdt(p));
	p = attach(id, 0);
	say("%c", p[2 * PAGE + 7]);
}

TEST(shm_twice_in_one)
{
	int id = temporary(PAGE);
	char *a = attach(id, 0), *b = attach(id, SHM_RDONLY);

	fact(a != b);
	num(nattch(id));
	a[5] = 'q';
	say("%c", b[5]);
	show(shmdt(a));
	num(nattch(id));
	say("%c", b[5]);
	show(shmdt(a));
}

static void write_to(char *p)
{
	*p = 1;
}

static int write_byte(void *p)
{
	write_to(p);
	return 0;
}

TEST(shm_read_only)
{
	int id = temporary(PAGE);
	char *p = attach(id, SHM_RDONLY);

	num(p[0]);
	show_exit("writer", spawn(write_byte, p));
	show(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	show(mprotect(p, PAGE, PROT_NONE));
	show(mprotect(p, PAGE, PROT_READ));
}

TEST(shm_beyond_the_size)
{
	int id = temporary(10);
	char *p = attach(id, 0);

	/* the rest of the page is there, nothing behind */
	p[PAGE - 1] = 'e';
	say("%c", p[PAGE - 1]);
	num(nattch(id));
}

static int increment(void *p)
{
	for (int i = 0; i < 20000; i++)
		__atomic_fetch_add((int *)p, 1, __ATOMIC_SEQ_CST);
	return 0;
}

TEST(shm_coherent_between_processes)
{
	int id = temporary(PAGE);
	int *p = (int *)attach(id, 0);
	pid_t a = spawn(increment, p), b = spawn(increment, p);

	increment(p);
	show_exit("a", a);
	show_exit("b", b);
	num(*p);
}

static int attach_and_wait(void *arg)
{
	uint32_t *p = (uint32_t *)attach(*(int *)arg, 0);

	if (nattch(*(int *)arg) != 3)
		return 1;
	__atomic_store_n(p, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, p, FUTEX_WAKE, 1, NULL, NULL, 0);
	return 0;
}

/* A futex in a segment is the same at all its addresses. */
TEST(shm_futex)
{
	int id = temporary(PAGE);
	uint32_t *p = (uint32_t *)attach(id, 0);
	pid_t pid = spawn(attach_and_wait, &id);

	while (!__atomic_load_n(p, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, p, FUTEX_WAIT, 0, NULL, NULL, 0);
	show_exit("child", pid);
	num(nattch(id));
}

static int do_nothing(void *arg)
{
	return 0;
}

TEST(shm_exit_detaches)
{
	int id = temporary(PAGE);

	attach(id, 0);
	attach(id, 0);
	for (int i = 0; i < 20; i++) {
		await(spawn(do_nothing, NULL));
		if (nattch(id) != 2)
			say("attached: %ld", nattch(id));
	}
	num(nattch(id));
}

static int wait_for_kill(void *arg)
{
	pause();
	return 0;
}

TEST(shm_fork_counts)
{
	int id = temporary(PAGE);
	pid_t pid;

	attach(id, 0);
	pid = spawn(wait_for_kill, NULL);
	num(nattch(id));
	must(kill(pid, SIGKILL));
	show_exit("child", pid);
	num(nattch(id));
}

HELPER(count_attached)
{
	say("after exec: %ld", nattch(atoi(argv[1])));
	return 0;
}

TEST(shm_exec_detaches)
{
	int id = temporary(PAGE);
	char text[20];
	pid_t pid;

	attach(id, 0);
	sprintf(text, "%d", id);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		execl(self_path, "x", "--helper", "count_attached", text, NULL);
		_exit(9);
	}
	show_exit("child", pid);
	pid = vfork();
	if (!pid) {
		execl(self_path, "x", "--helper", "count_attached", text, NULL);
		_exit(9);
	}
	show_exit("vfork child", pid);
	num(nattch(id));
}

TEST(shm_removed_lives_on)
{
	int id = segment(PAGE);
	char *p = attach(id, 0);
	struct shmid_ds ds;

	show(shmctl(id, IPC_RMID, NULL));
	must(shmctl(id, IPC_STAT, &ds));
	num(ds.shm_perm.mode);
	num(ds.shm_perm.__key);
	p[3] = 'r';
	/* Linux lets it be attached again */
	say("%c", attach(id, 0)[3]);
	show(shmctl(id, IPC_RMID, NULL));
	num(nattch(id));
	must(shmdt(p));
	num(nattch(id));
}

TEST(shm_removed_goes_with_the_last)
{
	int id = segment(PAGE);
	char *p = attach(id, 0);
	struct shmid_ds ds;

	must(shmctl(id, IPC_RMID, NULL));
	must(shmdt(p));
	show(shmctl(id, IPC_STAT, &ds));
	show(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0);
	show(shmctl(id, IPC_RMID, NULL));
}

TEST(shm_ids_are_not_reused_at_once)
{
	int a = segment(PAGE), b;

	must(shmctl(a, IPC_RMID, NULL));
	b = segment(PAGE);
	fact(a != b);
	must(shmctl(b, IPC_RMID, NULL));
}

static long try_attach(int id, void *at, int flags)
{
	void *p = shmat(id, at, flags);

	return p == (void *)-1 ? -1 : p == at ? 0 : 1;
}

TEST(shm_addresses)
{
	int id = temporary(2 * PAGE);
	char *room = (char *)must(mmap(NULL, 8 * PAGE, PROT_NONE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	show(try_attach(id, room, 0));
	show(try_attach(id, room + 1, 0));
	must(munmap(room, 8 * PAGE));
	show(try_attach(id, room + PAGE, 0));
	show(try_attach(id, room, 0));
	show(try_attach(id, room + 5 * PAGE + 9, SHM_RND));
	num(nattch(id));
	show(shmdt(room + 5 * PAGE));
	show(shmdt(room + 2 * PAGE));
	show(shmdt(room + PAGE + 1));
	show(shmdt(room + PAGE));
	show(try_attach(id, NULL, SHM_REMAP));
	show(try_attach(-1, NULL, 0));
}

TEST(shm_remap)
{
	int id = temporary(PAGE);
	char *p = (char *)must(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	p[0] = 'a';
	p[PAGE] = 'b';
	show(try_attach(id, p, SHM_REMAP));
	num(p[0]);
	say("%c", p[PAGE]);
	show(shmdt(p));
	num(nattch(id));
}

TEST(shm_exec_permission)
{
	static const unsigned char code[] = { 0xb8, 7, 0, 0, 0, 0xc3 };
	int id = (int)must(shmget(IPC_PRIVATE, PAGE, 0700));
	char *p = attach(id, 0);
	int (*fn)(void);

	made = id;
	atexit(remove_made);
	memcpy(p, code, sizeof(code));
	fn = (int (*)(void))attach(id, SHM_EXEC);
	num(fn());
	fn = (int (*)(void))attach(id, SHM_EXEC | SHM_RDONLY);
	num(fn());
	show_exit("without the right", spawn((int (*)(void *))p, NULL));
}

/* A hole in the middle: what is left is detached as one. */
TEST(shm_pieces)
{
	int id = temporary(6 * PAGE);
	char *p = attach(id, 0);
	unsigned char v;

	show(munmap(p + 2 * PAGE, PAGE));
	num(nattch(id));
	show(munmap(p + 5 * PAGE, PAGE));
	num(nattch(id));
	show(shmdt(p));
	num(nattch(id));
	show(mincore(p + 3 * PAGE, PAGE, &v));
}

TEST(shm_start_unmapped)
{
	int id = temporary(3 * PAGE);
	char *p = attach(id, 0);

	must(munmap(p, PAGE));
	show(shmdt(p + PAGE));
	num(nattch(id));
	show(shmdt(p));
	num(nattch(id));
}

TEST(shm_moved)
{
	int id = temporary(PAGE);
	char *p = attach(id, 0), *q;
	char *to = (char *)must(mmap(NULL, 4 * PAGE, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	p[1] = 'm';
	q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	fact(q == to);
	say("%c", q[1]);
	num(nattch(id));
	show(shmdt(p));
	show(shmdt(q));
	num(nattch(id));
}

TEST(shm_maps_name)
{
	int id = temporary(PAGE);
	char line[100], *p = attach(id, 0), *at;

	sprintf(line, "%lx-", (unsigned long)p);
	must(slurp("/proc/self/maps"));
	at = strstr(slurped, line);
	if (!at)
		say("no line");
	else
		*strchrnul(at, '\n') = 0;
	fact(at && strstr(at, "rw-s"));
	fact(at && strstr(at, "/SYSV00000000 (deleted)"));
	fact(at && strtol(strchr(strchr(at, ':'), ' '), NULL, 10) == id);
}

TEST(shm_stat_by_index)
{
	int id = temporary(123), found = 0;
	struct shmid_ds ds;
	struct shm_info si;
	struct shminfo info;
	int last = (int)must(shmctl(0, SHM_INFO, (struct shmid_ds *)&si));

	fact(si.used_ids >= 1);
	fact(si.shm_tot >= 1);
	for (int i = 0; i <= last; i++)
		if (shmctl(i, SHM_STAT, &ds) == id && ds.shm_segsz == 123)
			found++;
	num(found);
	show(shmctl(32760, SHM_STAT, &ds));
	for (int i = found = 0; i <= last; i++)
		found += shmctl(i, SHM_STAT_ANY, &ds) == id;
	num(found);
	fact(shmctl(0, IPC_INFO, (struct shmid_ds *)&info) == last);
	num(info.shmmin);
	num(info.shmmni);
	num(info.shmseg);
	fact(info.shmmax == 18446744073692774399ul);
}

TEST(shm_proc)
{
	int id = temporary(777), seen = 0;
	char *line, want[80];

	must(slurp("/proc/sysvipc/shm"));
	*strchr(slurped, '\n') = 0;
	say("%s", slurped);
	sprintf(want, "         0 %10d   600 %21d ", id, 777);
	for (line = slurped + strlen(slurped) + 1; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		seen += !strncmp(line, want, strlen(want));
	num(seen);
	show_file("/proc/sys/kernel/shmmax");
	show_file("/proc/sys/kernel/shmall");
	show_file("/proc/sys/kernel/shmmni");
}

static int as_nobody(void *arg)
{
	int id = *(int *)arg;
	struct shmid_ds ds;

	must(setgid(65534));
	must(setuid(65534));
	show(try_attach(id, NULL, 0));
	show(try_attach(id, NULL, SHM_RDONLY) < 0 ? -1 : 0);
	show(shmctl(id, IPC_STAT, &ds));
	show(shmctl(id, IPC_RMID, NULL));
	show(shmctl(id, IPC_SET, &ds));
	show(shmctl(id, SHM_LOCK, NULL));
	show(shmctl(id, SHM_STAT_ANY, &ds) >= 0 ? 0 : -1);
	return 0;
}

TEST(shm_rights_of_others)
{
	struct shmid_ds ds;
	int id;

	need_root();
	id = temporary(PAGE);
	say("0600");
	show_exit("other", spawn(as_nobody, &id));
	must(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.mode = 0604;
	must(shmctl(id, IPC_SET, &ds));
	say("0604");
	show_exit("other", spawn(as_nobody, &id));
	ds.shm_perm.uid = 65534;
	ds.shm_perm.mode = 0400;
	must(shmctl(id, IPC_SET, &ds));
	say("owner, 0400");
	show_exit("other", spawn(as_nobody, &id));
}

static int get_as_nobody(void *arg)
{
	must(setgid(65534));
	must(setuid(65534));
	show(shmget(*(key_t *)arg + 0x1000000, 1, 0));
	show(shmget(*(key_t *)arg, 1, 0) < 0 ? -1 : 0);
	show(shmget(*(key_t *)arg, 1, 0400) < 0 ? -1 : 0);
	show(shmget(*(key_t *)arg, 1, 0600) < 0 ? -1 : 0);
	show(shmget(*(key_t *)arg, 1, 0020) < 0 ? -1 : 0);
	return 0;
}

TEST(shm_get_rights)
{
	key_t key = some_key();

	need_root();
	made = (int)must(shmget(key, 1, IPC_CREAT | 0644));
	atexit(remove_made);
	show_exit("other", spawn(get_as_nobody, &key));
}

TEST(shm_lock)
{
	struct shmid_ds ds;
	int id = temporary(PAGE);

	show(shmctl(id, SHM_LOCK, NULL));
	must(shmctl(id, IPC_STAT, &ds));
	num(ds.shm_perm.mode);
	show(shmctl(id, SHM_UNLOCK, NULL));
	must(shmctl(id, IPC_STAT, &ds));
	num(ds.shm_perm.mode);
	show(shmctl(-1, SHM_LOCK, NULL));
}

TEST(shm_huge_pages)
{
	need_root();
	must(slurp("/proc/sys/vm/nr_hugepages"));
	if (atoi(slurped))
		skip("the host has huge pages");
	show(shmget(IPC_PRIVATE, 2 << 20, SHM_HUGETLB | 0600));
}

TEST(shm_address_space_limit)
{
	struct { unsigned long cur, max; } l = { 64 << 20, 64 << 20 };
	int id = temporary(128 << 20);

	must(syscall(SYS_setrlimit, 9, &l));
	show(try_attach(id, NULL, 0));
	num(nattch(id));
}

static int attach_loop(void *arg)
{
	for (int i = 0; i < 300; i++) {
		char *p = attach(*(int *)arg, 0);

		p[i]++;
		must(shmdt(p));
	}
	return 0;
}

TEST(shm_many_attach_at_once)
{
	int id = temporary(PAGE);
	pid_t pid[4];

	for (int i = 0; i < 4; i++)
		pid[i] = spawn(attach_loop, &id);
	for (int i = 0; i < 4; i++)
		show_exit("child", pid[i]);
	num(nattch(id));
}

TEST(shm_many_segments)
{
	int ids[100], distinct = 1;

	for (int i = 0; i < 100; i++) {
		ids[i] = segment(1);
		for (int k = 0; k < i; k++)
			distinct &= ids[i] != ids[k];
	}
	num(distinct);
	for (int i = 0; i < 100; i++)
		must(shmctl(ids[i], IPC_RMID, NULL));
}
