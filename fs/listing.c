/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX 1100 /* more than a key can have */
#define SMALL     (UINT32_C(1) << 31)

struct listing *listing_new(void)
{
	struct listing *l = calloc(1, sizeof *l);

	if (l)
		l->held = 1;
	return l;
}

struct listing *listing_hold(struct listing *l)
{
	l->held++;
	return l;
}

void listing_put(struct listing *l)
{
	if (!l || --l->held)
		return;
	free(l->at);
	free(l->text);
	free(l);
}

const char *listing_entry(const struct listing *l, size_t i)
{
	return l->text + (l->at[i] & ~SMALL);
}

bool listing_may_be_small(const struct listing *l, size_t i)
{
	return l->at[i] & SMALL;
}

/* ------------------------------------------------------------------- forms */

static const char *const suffixes[] = {
	[LISTING_DIR] = "/",
	[LISTING_FILE] = "",
	[LISTING_FOLDER] = LISTING_FOLDER_SUFFIX,
	[LISTING_LINK] = LISTING_LINK_SUFFIX,
};

static bool ends_in(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(s + len - n, suffix, n);
}

enum listing_form listing_form(const char *entry, size_t *name_length)
{
	size_t len = strlen(entry);
	enum listing_form form = ends_in(entry, len, suffixes[LISTING_DIR])      ? LISTING_DIR
	                         : ends_in(entry, len, suffixes[LISTING_FOLDER]) ? LISTING_FOLDER
	                         : ends_in(entry, len, suffixes[LISTING_LINK])   ? LISTING_LINK
	                                                                         : LISTING_FILE;

	*name_length = len - strlen(suffixes[form]);
	return form;
}

enum listing_form listing_name(const struct listing *l, size_t i, char *name)
{
	size_t len;
	enum listing_form form = listing_form(listing_entry(l, i), &len);

	memcpy(name, listing_entry(l, i), len);
	name[len] = 0;
	return form;
}

/* -ENAMETOOLONG, or the entry in to. */
static int entry_of(const char *name, size_t len, enum listing_form form, char to[ENTRY_MAX])
{
	int n = snprintf(to, ENTRY_MAX, "%.*s%s", (int)len, name, suffixes[form]);

	return n < ENTRY_MAX ? 0 : -ENAMETOOLONG;
}

/* ----------------------------------------------------------------- finding */

static size_t position(const struct listing *l, const char *entry)
{
	size_t lo = 0, hi = l->n;

	if (hi && strcmp(listing_entry(l, hi - 1), entry) < 0)
		return hi; /* a listing arrives sorted */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strcmp(listing_entry(l, mid), entry) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool has(const struct listing *l, const char *entry)
{
	size_t at = position(l, entry);

	return at < l->n && !strcmp(listing_entry(l, at), entry);
}

bool listing_has(const struct listing *l, const char *name, enum listing_form form)
{
	char entry[ENTRY_MAX];

	return !entry_of(name, strlen(name), form, entry) && has(l, entry);
}

static enum listing_form find(const struct listing *l, const char *name, size_t len)
{
	char entry[ENTRY_MAX];
	size_t n;

	for (enum listing_form form = LISTING_DIR; form <= LISTING_LINK; form++)
		if (!entry_of(name, len, form, entry) && listing_form(entry, &n) == form &&
		    has(l, entry))
			return form;
	return LISTING_NONE;
}

enum listing_form listing_find(const struct listing *l, const char *name)
{
	return find(l, name, strlen(name));
}

size_t listing_index(const struct listing *l, const char *name, enum listing_form form)
{
	char entry[ENTRY_MAX];

	return entry_of(name, strlen(name), form, entry) ? l->n : position(l, entry);
}

bool listing_hidden(const struct listing *l, size_t i)
{
	const char *entry = listing_entry(l, i);
	size_t len;
	enum listing_form form = listing_form(entry, &len);

	return form != LISTING_DIR && find(l, entry, len) != form;
}

bool listing_may_be_hidden_later(const struct listing *l, const char *name)
{
	return l->n && !strncmp(listing_entry(l, l->n - 1), name, strlen(name));
}

/* ---------------------------------------------------------------- changing */

/* A copy of its own, without what was removed. */
static struct listing *copy_of(const struct listing *l)
{
	struct listing *copy = listing_new();
	size_t used = 0;

	if (!copy)
		return NULL;
	copy->room = l->n + l->n / 8 + 1;
	copy->text_room = l->used - l->waste + 64;
	copy->at = malloc(copy->room * sizeof *copy->at);
	copy->text = malloc(copy->text_room);
	if (!copy->at || !copy->text) {
		listing_put(copy);
		return NULL;
	}
	for (size_t i = 0; i < l->n; i++) {
		size_t size = strlen(listing_entry(l, i)) + 1;

		memcpy(copy->text + used, listing_entry(l, i), size);
		copy->at[i] = (uint32_t)used | (l->at[i] & SMALL);
		used += size;
	}
	copy->used = used;
	copy->n = l->n;
	return copy;
}

/* *l held by nobody else. */
static int unshare(struct listing **l)
{
	struct listing *copy;

	if ((*l)->held == 1 && (*l)->waste <= (*l)->used / 2)
		return 0;
	copy = copy_of(*l);
	listing_put(*l);
	*l = copy;
	return copy ? 0 : -ENOMEM;
}

static bool make_room(struct listing *l, size_t size)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 8;
		uint32_t *at = reallocarray(l->at, room, sizeof *at);

		if (!at)
			return false;
		l->at = at;
		l->room = room;
	}
	if (l->used + size > l->text_room) {
		size_t room = 2 * l->text_room + size + 64;
		char *text = room < SMALL ? realloc(l->text, room) : NULL;

		if (!text)
			return false;
		l->text = text;
		l->text_room = room;
	}
	return true;
}

int listing_add(struct listing **to, const char *entry, bool may_be_small)
{
	size_t at, size = strlen(entry) + 1;
	struct listing *l;

	if (has(*to, entry))
		return 0;
	if (unshare(to))
		return -ENOMEM;
	l = *to;
	if (!make_room(l, size)) {
		listing_put(l);
		*to = NULL;
		return -ENOMEM;
	}
	at = position(l, entry);
	memmove(l->at + at + 1, l->at + at, (l->n - at) * sizeof *l->at);
	l->at[at] = (uint32_t)l->used | (may_be_small ? SMALL : 0);
	memcpy(l->text + l->used, entry, size);
	l->used += size;
	l->n++;
	return 0;
}

int listing_remove(struct listing **from, const char *entry)
{
	struct listing *l;
	size_t at;

	if (!has(*from, entry))
		return 0;
	if (unshare(from))
		return -ENOMEM;
	l = *from;
	at = position(l, entry);
	l->waste += strlen(entry) + 1;
	memmove(l->at + at, l->at + at + 1, (l->n - at - 1) * sizeof *l->at);
	l->n--;
	return 0;
}

int listing_add_name(struct listing **l, const char *name, bool dir)
{
	char entry[ENTRY_MAX];

	if (entry_of(name, strlen(name), dir ? LISTING_DIR : LISTING_FILE, entry))
		return 0; /* no path can name it */
	return listing_add(l, entry, true);
}

int listing_remove_form(struct listing **l, const char *name, enum listing_form form)
{
	char entry[ENTRY_MAX];

	if (entry_of(name, strlen(name), form, entry))
		return 0;
	return listing_remove(l, entry);
}

int listing_remove_name(struct listing **l, const char *name)
{
	enum listing_form form = listing_find(*l, name);

	return form ? listing_remove_form(l, name, form) : 0;
}
