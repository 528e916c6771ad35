/* SPDX-License-Identifier: MIT */
/* keep.c - directories that have no object of their own outlive their contents. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "dir.h"
#include "names.h"

/* What is known without a question: another object is in it. */
static bool has_another_locked(struct mount *m, struct node *dir, const char *name)
{
	bool found = false;

	if (!dir_is_fresh_locked(dir))
		return false;
	for (size_t i = 0; i < dir->listing->n && !found; i++) {
		char other[DIR_NAME_MAX + 1];
		struct node *n;

		listing_name(dir->listing, i, other);
		if (!strcmp(other, name))
			continue;
		n = tree_find_locked(m->tree, dir, other);
		/* Without a node it was listed, so it is there; a directory may
		 * be there for a file that is being written alone. */
		found = n ? n->etag.s[0] != 0 : true;
		if (n)
			tree_put_locked(m->tree, n);
	}
	return found;
}

static int has_another(struct mount *m, const char *key, const char *name, bool *found,
                       struct s3_call *call)
{
	struct s3_page page = {0};
	size_t skip = strlen(key), len = strlen(name);
	int err = s3_list(m->s3, key, '/', NULL, NULL, 3, &page, call);

	*found = false;
	for (size_t i = 0; !err && i < page.n; i++) {
		const char *is = page.v[i].key + skip;
		bool same = !strncmp(is, name, len) && (!is[len] || !strcmp(is + len, "/"));

		*found |= !same;
	}
	s3_page_fini(&page);
	return err;
}

static int make_marker(struct mount *m, struct node *dir, const char *key, struct s3_call *call)
{
	struct s3_headers h = {0};
	struct s3_body nothing = {0};
	struct s3_etag made;
	struct attr a;
	unsigned taken = 0;
	int err = attr_take(m, dir, NULL, META_ALL, &a, &h, &taken);

	if (!err)
		err = s3_put(m->s3, key, &h, &nothing, 0, &made, call);
	if (err)
		attr_untake(m, dir, taken);
	else
		attr_made(m, dir, &a, &made, &h);
	s3_headers_fini(&h);
	return err;
}

int names_keep_parent(struct mount *m, struct node *dir, const char *name, struct s3_call *call)
{
	struct buf key = BUF_INIT;
	bool found;
	int err;

	tree_lock(m->tree);
	found = !dir->parent || dir->etag.s[0] || has_another_locked(m, dir, name);
	err = found ? 0 : tree_busy_locked(m->tree, dir, call->cancel);
	if (found || err) {
		tree_unlock(m->tree);
		return err;
	}
	err = mount_key_locked(m, dir, NULL, &key);
	tree_unlock(m->tree);
	if (!err)
		err = has_another(m, key.s, name, &found, call);
	if (!err && !found)
		err = make_marker(m, dir, key.s, call);
	tree_lock(m->tree);
	tree_idle_locked(m->tree, dir);
	tree_unlock(m->tree);
	buf_fini(&key);
	/* It has no name to keep, or may not have a marker: then it goes. */
	return err == -ENOENT || err == -EACCES ? 0 : err;
}
