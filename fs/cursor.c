/* SPDX-License-Identifier: MIT */
#include "cursor.h"

#include <stdlib.h>

int cursor_next(struct cursor *c, const struct s3_entry **out, struct s3_call *call)
{
	*out = NULL;
	while (c->next == c->page.n && !c->last) {
		int err;

		s3_page_fini(&c->page);
		c->next = 0;
		err = s3_list(c->m->s3, c->prefix, 0, NULL, c->token, 1000, &c->page, call);
		if (err)
			return err;
		free(c->token);
		c->token = c->page.next;
		c->page.next = NULL;
		c->last = !c->token;
	}
	if (c->next < c->page.n)
		*out = &c->page.v[c->next++];
	return 0;
}

void cursor_fini(struct cursor *c)
{
	s3_page_fini(&c->page);
	free(c->token);
	c->token = NULL;
}
