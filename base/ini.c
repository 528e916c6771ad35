/* SPDX-License-Identifier: MIT */
#include "ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r", s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static int add(struct ini *ini, const char *section, const char *parent, const char *key,
               const char *value)
{
	struct ini_entry one = {.section = strdup(section), .value = strdup(value)}, *v;

	if (parent) {
		one.key = malloc(strlen(parent) + strlen(key) + 2);
		if (one.key)
			strcat(strcat(strcpy(one.key, parent), "."), key);
	} else {
		one.key = strdup(key);
	}
	v = reallocarray(ini->v, ini->n + 1, sizeof(*v));
	if (v)
		ini->v = v;
	if (!v || !one.section || !one.key || !one.value) {
		free(one.section);
		free(one.key);
		free(one.value);
		return -ENOMEM;
	}
	ini->v[ini->n++] = one;
	return 0;
}

/* What a line stands in; both point into the text, or are "" and NULL. */
struct place {
	const char *section, *parent;
};

static int parse_section(struct ini *ini, struct place *at, char *s)
{
	char *end = strchr(s, ']');

	if (!end || (*trim(end + 1) && !strchr("#;", *trim(end + 1))))
		return -EINVAL;
	*end = '\0';
	at->section = trim(s + 1);
	at->parent = NULL;
	/* An empty section is there all the same. */
	return add(ini, at->section, NULL, "", "");
}

static int parse_line(struct ini *ini, struct place *at, char *line)
{
	bool indented = *line == ' ' || *line == '\t';
	char *s = trim(line), *equals, *key, *value, *comment;

	if (*s == '\0' || *s == '#' || *s == ';')
		return 0;
	if (*s == '[' && !indented)
		return parse_section(ini, at, s);
	equals = strchr(s, '=');
	if (!equals)
		return -EINVAL;
	*equals = '\0';
	key = trim(s);
	value = trim(equals + 1);
	/* The AWS tools take " #" and " ;" for comments, "#" alone not. */
	for (comment = value; *comment; comment++)
		if (strchr(" \t", *comment) && strchr("#;", comment[1]) && comment[1])
			break;
	*comment = '\0';
	value = trim(value);
	if (*key == '\0' || (indented && !at->parent))
		return -EINVAL;
	if (!indented)
		at->parent = key;
	return add(ini, at->section, indented ? at->parent : NULL, key, value);
}

int ini_parse(struct ini *ini, const char *text, size_t n, unsigned *line)
{
	struct place at = {.section = ""};
	char *copy = malloc(n + 1), *next;
	int err = 0;

	*ini = (struct ini){0};
	*line = 0;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (strlen(copy) != n)
		err = -EINVAL;
	for (char *s = copy; !err && s; s = next) {
		++*line;
		next = strchr(s, '\n');
		if (next)
			*next++ = '\0';
		err = parse_line(ini, &at, s);
	}
	explicit_bzero(copy, n);
	free(copy);
	if (err)
		ini_fini(ini);
	return err;
}

const char *ini_get(const struct ini *ini, const char *section, const char *key)
{
	for (size_t i = ini->n; i-- > 0;)
		if (strcmp(ini->v[i].section, section) == 0 && strcmp(ini->v[i].key, key) == 0)
			return ini->v[i].value;
	return NULL;
}

bool ini_has(const struct ini *ini, const char *section)
{
	return ini_get(ini, section, "") != NULL;
}

void ini_fini(struct ini *ini)
{
	for (size_t i = 0; i < ini->n; i++) {
		explicit_bzero(ini->v[i].value, strlen(ini->v[i].value));
		free(ini->v[i].section);
		free(ini->v[i].key);
		free(ini->v[i].value);
	}
	free(ini->v);
	*ini = (struct ini){0};
}
