/* SPDX-License-Identifier: MIT */
/* Every answer of a service, through every reader of answers. */
#include "xml.h"

#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	struct xml_error error;
	struct s3_page page = {0};
	struct s3_parts parts = {0};
	struct s3_uploads uploads = {0};
	struct xml_marker next_part = {0}, next_upload = {0};
	struct xml_delete_result result = {0};
	struct s3_etag etag;
	char *id = NULL;

	log_setup(LOG_LEVEL_ERROR, 0);
	(void)!xml_read_error(s, size, &error);
	if (!xml_read_list(s, size, &page))
		s3_page_fini(&page);
	if (!xml_read_upload_id(s, size, &id))
		free(id);
	(void)!xml_read_etag(s, size, &etag);
	(void)!xml_read_parts(s, size, &parts, &next_part);
	s3_parts_fini(&parts);
	xml_marker_fini(&next_part);
	(void)!xml_read_uploads(s, size, size % 2, &uploads, &next_upload);
	s3_uploads_fini(&uploads);
	xml_marker_fini(&next_upload);
	if (!xml_read_tags(s, size, &id)) {
		struct buf body = BUF_INIT;

		(void)!xml_add_tags(&body, id);
		buf_fini(&body);
		free(id);
	}
	if (!xml_read_delete(s, size, &result))
		xml_delete_result_fini(&result);
	return 0;
}
