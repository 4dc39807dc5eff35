/* SPDX-License-Identifier: MIT */
/*
 * What a program sees: identity, environment, file tree. Everything here is
 * the caller's own choice; nothing comes from inside the sandbox.
 */
#include "cli/run.h"
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* System directories of the host that are visible without --root. */
static const char *const system_dirs[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
	"/etc", NULL,
};

/* Trees that are mica's own inside. */
static const char *const own_dirs[] = { "/proc", "/sys", "/dev", NULL };

static bool is_inside(const char *path, const char *const *dirs)
{
	for (; *dirs; dirs++) {
		size_t n = strlen(*dirs);

		if (!strncmp(path, *dirs, n) &&
		    (path[n] == '/' || path[n] == 0))
			return true;
	}
	return false;
}

/* --- identity ----------------------------------------------------------------*/

static bool parse_id(const char *s, size_t len, uint32_t *out)
{
	uint64_t v = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*out = (uint32_t)v;
	return v < UINT32_MAX;
}

static FILE *open_database(struct run *r, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/etc/%s",
		 r->opt.root ? r->opt.root : "", name);
	return fopen(path, "re");
}

static bool find_user(struct run *r, const char *name, uint32_t *uid,
		      uint32_t *gid)
{
	FILE *f = open_database(r, "passwd");
	struct passwd *pw;
	bool found = false;

	while (f && !found && (pw = fgetpwent(f))) {
		if (strcmp(pw->pw_name, name))
			continue;
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

static bool find_group(struct run *r, const char *name, uint32_t *gid)
{
	FILE *f = open_database(r, "group");
	struct group *gr;
	bool found = false;

	while (f && !found && (gr = fgetgrent(f))) {
		found = !strcmp(gr->gr_name, name);
		if (found)
			*gid = gr->gr_gid;
	}
	if (f)
		fclose(f);
	return found;
}

int run_set_user(struct run *r, struct err *e)
{
	struct abi_boot *b = r->desc.boot;
	const char *s = r->opt.user, *group;
	char name[256];
	size_t n;

	b->uid = geteuid();
	b->gid = getegid();
	if (!s)
		return 0;
	group = strchr(s, ':');
	n = group ? (size_t)(group - s) : strlen(s);
	if (!n || n >= sizeof(name))
		return err_set(e, EINVAL, "bad value '%s' for --user: want "
			       "UID[:GID] or NAME[:GROUP]", s);
	memcpy(name, s, n);
	name[n] = 0;
	b->gid = 0;
	if (r->opt.image && strspn(s, "0123456789:") != strlen(s))
		return err_set(e, EINVAL, "--user %s: with --image only numbers "
			       "are understood", s);
	if (!parse_id(s, n, &b->uid) &&
	    !find_user(r, name, &b->uid, &b->gid))
		return err_set(e, EINVAL, "--user %s: no such user in "
			       "/etc/passwd", s);
	if (group && !parse_id(group + 1, strlen(group + 1), &b->gid) &&
	    !find_group(r, group + 1, &b->gid))
		return err_set(e, EINVAL, "--user %s: no such group in "
			       "/etc/group", s);
	return 0;
}

/* --- environment -------------------------------------------------------------*/

static void env_set(char **env, size_t *n, char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < *n; i++) {
		if (strncmp(env[i], entry, len + 1) == 0) {
			env[i] = entry;
			return;
		}
	}
	env[(*n)++] = entry;
}

int run_set_environment(struct run *r, struct err *e)
{
	size_t n = 0, old = 0;

	while (environ[old])
		old++;
	r->environ = calloc(old + r->opt.nr_env + 2, sizeof(char *));
	if (!r->environ)
		return err_set(e, ENOMEM, "no memory for the environment");
	for (; n < old; n++)
		r->environ[n] = environ[n];
	for (unsigned int i = 0; i < r->opt.nr_env; i++) {
		char *entry = (char *)r->opt.env[i];

		/* a bare NAME passes the caller's value on: it is there */
		if (strchr(entry, '='))
			env_set(r->environ, &n, entry);
	}
	return 0;
}

/* --- the host's name --------------------------------------------------------*/

static const char usual_hosts[] =
	"127.0.0.1\tlocalhost\n"
	"::1\tlocalhost ip6-localhost ip6-loopback\n"
	"fe00::\tip6-localnet\n"
	"ff00::\tip6-mcastprefix\n"
	"ff02::1\tip6-allnodes\n"
	"ff02::2\tip6-allrouters\n";

/* /etc/hosts as Docker has it; the address is the only one there is. */
int run_set_names(struct run *r, struct err *e)
{
	const char *name = r->opt.hostname ? r->opt.hostname : "mica";
	size_t domain = strcspn(name, "."), size;
	struct abi_boot *b = r->desc.boot;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return err_set(e, ENOMEM, "no memory for /etc/hosts");
	fputs(usual_hosts, f);
	for (unsigned int i = 0; i < r->opt.nr_hosts; i++)
		fprintf(f, "%s\t%s\n", r->opt.hosts[i].address,
			r->opt.hosts[i].name);
	fprintf(f, "127.0.0.1\t%s", name);
	if (name[domain])
		fprintf(f, " %.*s", (int)domain, name);
	if (fclose(f)) {
		free(text);
		return err_set(e, ENOMEM, "no memory for /etc/hosts");
	}
	b->hostname = description_string(&r->desc, name, e);
	b->hosts = description_string(&r->desc, text, e);
	free(text);
	return b->hostname && b->hosts ? 0 : -e->code;
}

/* --- file tree ---------------------------------------------------------------*/

static int add_mount(struct run *r, uint32_t kind, uint32_t export_id,
		     const char *guest, const char *source, bool read_only,
		     bool is_file, struct err *e)
{
	struct abi_boot *b = r->desc.boot;
	struct abi_mount *m = &b->mounts[b->nr_mounts];

	if (b->nr_mounts == ABI_NR_MOUNTS_MAX)
		return err_set(e, E2BIG, "more than %u mounts",
			       ABI_NR_MOUNTS_MAX);
	m->kind = kind;
	m->export_id = export_id;
	m->read_only = read_only;
	m->is_file = is_file;
	m->guest_path = description_string(&r->desc, guest, e);
	m->source = description_string(&r->desc, source, e);
	if (!m->guest_path || !m->source)
		return -e->code;
	b->nr_mounts++;
	return 0;
}

static int add_system_dir(struct run *r, const char *dir, struct err *e)
{
	char target[PATH_MAX];
	struct stat st;
	uint32_t id;
	ssize_t n;

	if (lstat(dir, &st))
		return 0;
	if (S_ISLNK(st.st_mode)) {
		n = readlink(dir, target, sizeof(target) - 1);
		if (n <= 0)
			return 0;
		target[n] = 0;
		return add_mount(r, ABI_MOUNT_SYMLINK, 0, dir, target, false,
				 false, e);
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (fsrv_add_export(r->server, dir, FSRV_EXPORT_READ_ONLY |
			    FSRV_EXPORT_AS_NOBODY, &id, e))
		return -e->code;
	return add_mount(r, ABI_MOUNT_SYSTEM, id, dir, dir, false, false, e);
}

static int add_root(struct run *r, struct err *e)
{
	struct stat st;
	uint32_t id;

	if (stat(r->opt.root, &st))
		return err_set(e, errno, "--root %s: %s", r->opt.root,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "--root %s: not a directory",
			       r->opt.root);
	if (fsrv_add_export(r->server, r->opt.root, FSRV_EXPORT_READ_ONLY, &id,
			    e))
		return -e->code;
	return add_mount(r, ABI_MOUNT_ROOT, id, "/", r->opt.root,
			 r->opt.read_only, false, e);
}

static int add_image(struct run *r, struct err *e)
{
	uint32_t id;
	int err = run_add_image(r, &id, e);

	return err ? err : add_mount(r, ABI_MOUNT_ROOT, id, "/", r->opt.image,
				     r->opt.read_only, true, e);
}

static int add_system(struct run *r, struct err *e)
{
	for (const char *const *d = system_dirs; *d; d++)
		if (add_system_dir(r, *d, e))
			return -e->code;
	return 0;
}

static int add_cwd(struct run *r, struct err *e)
{
	char cwd[PATH_MAX];
	uint32_t id;

	if (!getcwd(cwd, sizeof(cwd)) || cwd[0] != '/')
		strcpy(cwd, "/");
	if (!r->opt.workdir)
		snprintf(r->workdir, sizeof(r->workdir), "%s", cwd);
	if (!strcmp(cwd, "/") || is_inside(cwd, system_dirs) ||
	    is_inside(cwd, own_dirs))
		return 0;
	if (fsrv_add_export(r->server, cwd, FSRV_EXPORT_READ_ONLY, &id, e))
		return -e->code;
	return add_mount(r, ABI_MOUNT_CWD, id, cwd, cwd, false, false, e);
}

static int add_volume(struct run *r, const struct volume *v, struct err *e)
{
	unsigned int flags = FSRV_EXPORT_LIVE;
	char full[PATH_MAX];
	struct stat st;
	uint32_t id;

	if (!realpath(v->host, full) || stat(full, &st))
		return err_set(e, errno, "volume %s: %s", v->host,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "volume %s: neither a file nor a "
			       "directory", v->host);
	if (v->read_only)
		flags |= FSRV_EXPORT_READ_ONLY;
	if (!S_ISDIR(st.st_mode))
		flags |= FSRV_EXPORT_IS_FILE;
	if (fsrv_add_export(r->server, full, flags, &id, e))
		return -e->code;
	return add_mount(r, ABI_MOUNT_VOLUME, id, v->guest, full,
			 v->read_only, !S_ISDIR(st.st_mode), e);
}

static int add_tmpfs(struct run *r, const char *spec, struct err *e)
{
	char path[PATH_MAX];
	const char *colon = strchr(spec, ':');
	size_t n = colon ? (size_t)(colon - spec) : strlen(spec);

	if (n >= sizeof(path))
		return err_set(e, ENAMETOOLONG, "--tmpfs %s", spec);
	memcpy(path, spec, n);
	path[n] = 0;
	return add_mount(r, ABI_MOUNT_TMPFS, 0, path,
			 colon ? colon + 1 : "", false, false, e);
}

int run_add_mounts(struct run *r, struct err *e)
{
	int err;

	strcpy(r->workdir, "/");
	if (r->opt.workdir)
		snprintf(r->workdir, sizeof(r->workdir), "%s", r->opt.workdir);
	err = r->opt.root ? add_root(r, e) : r->opt.image ? add_image(r, e) :
							    add_system(r, e);
	if (!err && !r->opt.root && !r->opt.image)
		err = add_cwd(r, e);
	for (unsigned int i = 0; !err && i < r->opt.nr_tmpfs; i++)
		err = add_tmpfs(r, r->opt.tmpfs[i], e);
	for (unsigned int i = 0; !err && i < r->opt.nr_volumes; i++)
		err = add_volume(r, &r->opt.volumes[i], e);
	return err;
}
