/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdlib.h>

void s3_page_fini(struct s3_page *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].key);
	free(p->v);
	free(p->next);
	*p = (struct s3_page){0};
}

void s3_parts_fini(struct s3_parts *p)
{
	free(p->v);
	*p = (struct s3_parts){0};
}

void s3_uploads_fini(struct s3_uploads *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->v[i].key);
		free(u->v[i].id);
	}
	free(u->v);
	*u = (struct s3_uploads){0};
}
