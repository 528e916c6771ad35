/* SPDX-License-Identifier: MIT */
#include "xml.h"

#include "buf.h"
#include "log.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define NS "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static int read_list(const char *s, struct s3_page *page)
{
	*page = (struct s3_page){0};
	return xml_read_list(s, strlen(s), page);
}

TEST(a_list_page_has_keys_and_prefixes_in_order)
{
	struct s3_page p;

	check_int(read_list(NS
	                    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
	                    "<Name>b</Name><Prefix/><IsTruncated>true</IsTruncated>"
	                    "<NextContinuationToken>a+b/=%20</NextContinuationToken>"
	                    "<Contents><Key>z%2Bq+r</Key><LastModified>2015-08-30T12:36:00.000Z"
	                    "</LastModified><ETag>&quot;abc-2&quot;</ETag><Size>5368709120</Size>"
	                    "<Owner><ID>Key</ID></Owner></Contents>"
	                    "<CommonPrefixes><Prefix>m%20n/</Prefix></CommonPrefixes>"
	                    "<EncodingType>url</EncodingType></ListBucketResult>",
	                    &p),
	          0);
	check_int(p.n, 2);
	check_str(p.next, "a+b/=%20");
	if (p.n == 2) {
		check_str(p.v[0].key, "m n/");
		check(p.v[0].prefix);
		check_str(p.v[1].key, "z+q r");
		check(!p.v[1].prefix);
		check_int(p.v[1].size, 5368709120);
		check_int(p.v[1].modified, 1440938160);
		check_str(p.v[1].etag.s, "abc-2");
	}
	s3_page_fini(&p);
}

TEST(keys_are_decoded_only_if_the_service_encoded_them)
{
	struct s3_page p;

	check_int(read_list("<ListBucketResult><Contents><Key>a%2Bb+&amp;&lt;&#233;</Key>"
	                    "<Size>0</Size></Contents></ListBucketResult>",
	                    &p),
	          0);
	check_int(p.n, 1);
	check_str(p.v[0].key, "a%2Bb+&<\xc3\xa9");
	check(p.next == NULL);
	s3_page_fini(&p);
}

TEST(a_key_with_a_nul_is_left_out)
{
	struct s3_page p;

	log_setup(LOG_LEVEL_ERROR, 0);
	check_int(read_list("<ListBucketResult><EncodingType>url</EncodingType>"
	                    "<Contents><Key>a%00b</Key></Contents>"
	                    "<Contents><Key>c</Key></Contents></ListBucketResult>",
	                    &p),
	          0);
	check_int(p.n, 1);
	check_str(p.v[0].key, "c");
	s3_page_fini(&p);
}

TEST(a_listing_that_goes_on_nowhere_is_an_error)
{
	struct s3_page p;

	check_int(read_list("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
	                    &p),
	          -EIO);
	check_int(p.n, 0);
}

TEST(damaged_and_hostile_documents_are_refused)
{
	const char *bad[] = {
		"",
		"not xml",
		"<ListBucketResult>",
		"<ListBucketResult><Contents></ListBucketResult>",
		"<ListBucketResult/><ListBucketResult/>",
		"<Other/>",
		"<List/>",
		"<!DOCTYPE x><ListBucketResult/>",
		"<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
		"<ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>",
		"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>"
		"<ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>&nope;</Key></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents>"
		"</ListBucketResult>",
		"<ListBucketResult><Contents><Key>a</Key><Size>9223372036854775808</Size>"
		"</Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a</Key><Size>1x</Size></Contents>"
		"</ListBucketResult>",
		"<ListBucketResult><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>"
		"</ListBucketResult>",
	};
	struct s3_page p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (read_list(bad[i], &p) != -EIO)
			check_fail("accepted: %s", bad[i]);
		check_int(p.n, 0);
	}
}

TEST(an_error_is_told_from_any_other_document)
{
	const char *error = NS "<Error><Code>AuthorizationHeaderMalformed</Code>"
			       "<Message>line\nforged\xc2\x9b</Message>"
			       "<RequestId>R1</RequestId><Region>eu-west-1</Region></Error>";
	const char *other = "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>";
	struct xml_error e;

	check_int(xml_read_error(error, strlen(error), &e), 1);
	check_str(e.code, "AuthorizationHeaderMalformed");
	check_str(e.message, "line?forged?");
	check_str(e.request_id, "R1");
	check_str(e.region, "eu-west-1");
	check_int(xml_read_error(other, strlen(other), &e), 0);
	check_int(xml_read_error("<html><br></html>", 17, &e), -EIO);
}

TEST(upload_ids_and_etags_are_read_or_missed)
{
	const char *id = "<InitiateMultipartUploadResult><UploadId>2~x</UploadId>"
			 "</InitiateMultipartUploadResult>";
	const char *none = "<InitiateMultipartUploadResult/>";
	const char *done = "<CompleteMultipartUploadResult><ETag>\"ab-3\"</ETag>"
			   "</CompleteMultipartUploadResult>";
	const char *empty = "<CompleteMultipartUploadResult><ETag></ETag>"
			    "</CompleteMultipartUploadResult>";
	const char *error = "<Error><Code>InternalError</Code></Error>";
	struct s3_etag etag = {"old"};
	char *got = NULL;

	check_int(xml_read_upload_id(id, strlen(id), &got), 0);
	check_str(got, "2~x");
	free(got);
	check_int(xml_read_upload_id(none, strlen(none), &got), -EIO);
	check_int(xml_read_etag(error, strlen(error), &etag), -EIO);
	check_str(etag.s, "old");
	check_int(xml_read_etag(empty, strlen(empty), &etag), -ENODATA);
	check_str(etag.s, "old");
	check_int(xml_read_etag(done, strlen(done), &etag), 0);
	check_str(etag.s, "ab-3");
}

static int read_parts(const char *s, struct s3_parts *parts, struct xml_marker *next)
{
	return xml_read_parts(s, strlen(s), parts, next);
}

TEST(parts_are_joined_over_pages_that_must_move_on)
{
	const char *one = "<ListPartsResult><IsTruncated>true</IsTruncated>"
			  "<NextPartNumberMarker>2</NextPartNumberMarker>"
			  "<Part><PartNumber>1</PartNumber><Size>7</Size><ETag>\"a\"</ETag></Part>"
			  "<Part><PartNumber>2</PartNumber><Size>8</Size><ETag>\"b\"</ETag></Part>"
			  "</ListPartsResult>";
	const char *two = "<ListPartsResult><IsTruncated>false</IsTruncated>"
			  "<Part><PartNumber>9</PartNumber><Size>9</Size><ETag>\"c\"</ETag></Part>"
			  "</ListPartsResult>";
	struct s3_parts parts = {0};
	struct xml_marker next = {0};

	check_int(read_parts(one, &parts, &next), 0);
	check_int(next.part, 2);
	check_int(read_parts(one, &parts, &next), -EIO);
	check_int(parts.n, 2);
	check_int(read_parts(two, &parts, &next), 0);
	check_int(next.part, 0);
	check_int(parts.n, 3);
	check_int(parts.v[2].number, 9);
	check_int(parts.v[2].size, 9);
	check_str(parts.v[1].etag.s, "b");
	s3_parts_fini(&parts);
}

TEST(uploads_are_joined_over_pages_that_must_move_on)
{
	const char *one = "<ListMultipartUploadsResult>"
			  "<IsTruncated>true</IsTruncated><NextKeyMarker>k+1</NextKeyMarker>"
			  "<NextUploadIdMarker>u1</NextUploadIdMarker>"
			  "<Upload><Key>k+1</Key><UploadId>u1</UploadId>"
			  "<Initiated>2015-08-30T12:36:00.000Z</Initiated></Upload>"
			  "</ListMultipartUploadsResult>";
	const char *end = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
			  "<NextKeyMarker/></ListMultipartUploadsResult>";
	struct s3_uploads u = {0};
	struct xml_marker next = {0};

	check_int(xml_read_uploads(one, strlen(one), true, &u, &next), 0);
	check_str(next.key, "k 1");
	check_str(next.upload_id, "u1");
	check_int(u.n, 1);
	check_str(u.v[0].key, "k 1");
	check_str(u.v[0].id, "u1");
	check_int(u.v[0].initiated, 1440938160);
	check_int(xml_read_uploads(one, strlen(one), true, &u, &next), -EIO);
	check_int(u.n, 1);
	check_int(xml_read_uploads(end, strlen(end), false, &u, &next), 0);
	check(next.key == NULL);
	s3_uploads_fini(&u);
	xml_marker_fini(&next);
}

TEST(keys_that_were_not_deleted_are_named)
{
	const char *s = "<DeleteResult><Error><Key>a&amp;b</Key><Code>AccessDenied</Code>"
			"<Message>no</Message></Error><Deleted><Key>c</Key></Deleted>"
			"</DeleteResult>";
	struct xml_delete_result r = {0};

	check_int(xml_read_delete(s, strlen(s), &r), 0);
	check_int(r.n, 1);
	check_str(r.v[0].key, "a&b");
	check_str(r.v[0].code, "AccessDenied");
	xml_delete_result_fini(&r);
}

TEST(bodies_escape_what_they_carry)
{
	const char *keys[] = {"a&b<c>\"d\"", "plain"};
	struct s3_part parts[] = {{1, 5, {"e1"}}, {2, 5, {"<"}}};
	struct buf b = BUF_INIT;

	xml_add_delete(&b, keys, 2);
	check_str(b.s, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
	               "<Object><Key>a&amp;b&lt;c&gt;&quot;d&quot;</Key></Object>"
	               "<Object><Key>plain</Key></Object><Quiet>true</Quiet></Delete>");
	buf_clear(&b);
	xml_add_complete(&b, parts, 2);
	check_str(b.s, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
	               "<Part><PartNumber>1</PartNumber><ETag>&quot;e1&quot;</ETag></Part>"
	               "<Part><PartNumber>2</PartNumber><ETag>&quot;&lt;&quot;</ETag></Part>"
	               "</CompleteMultipartUpload>");
	buf_fini(&b);
}

TEST(an_echoed_key_that_xml_cannot_carry_does_no_harm)
{
	const char *raw = "<InitiateMultipartUploadResult><Key>a\x01</Key><UploadId>u</UploadId>"
			  "</InitiateMultipartUploadResult>";
	const char *refs = "<Error><Code>NoSuchKey</Code><Key>&#x1;&#31;&#x1f;&amp;</Key>"
			   "<Message>&#65;&#x1</Message></Error>";
	const char *list = "<ListBucketResult><Contents><Key>\x01</Key></Contents>"
			   "</ListBucketResult>";
	struct xml_error e;
	struct s3_page p;
	char *id = NULL;

	check_int(xml_read_upload_id(raw, strlen(raw), &id), 0);
	check_str(id, "u");
	free(id);
	check_int(xml_read_error(refs, strlen(refs), &e), -EIO);
	refs = "<Error><Code>NoSuchKey</Code><Key>&#x1;&#31;&#x1f;&amp;</Key>"
	       "<Message>&#65;&#x1;b</Message></Error>";
	check_int(xml_read_error(refs, strlen(refs), &e), 1);
	check_str(e.code, "NoSuchKey");
	check_str(e.message, "A?????b");
	check_int(read_list(list, &p), -EIO);
}

TEST(tags_become_a_header_and_a_document_again)
{
	const char *said = "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>"
			   "<Tag><Key>a b</Key><Value>1&amp;2=3</Value></Tag>"
			   "<Tag><Value/><Key>\xc3\xa9</Key></Tag></TagSet></Tagging>";
	struct buf body = BUF_INIT;
	char *tags = NULL, *again = NULL;

	check_int(xml_read_tags(said, strlen(said), &tags), 0);
	check_str(tags, "a%20b=1%262%3D3&%C3%A9=");
	check_int(xml_add_tags(&body, tags), 0);
	check_int(xml_read_tags(body.s, body.len, &again), 0);
	check_str(again, tags);
	free(again);
	free(tags);
	buf_fini(&body);
}

TEST(tags_that_are_none_or_damaged)
{
	const char *none = "<Tagging><TagSet></TagSet></Tagging>";
	const char *nameless = "<Tagging><TagSet><Tag><Value>v</Value></Tag></TagSet></Tagging>";
	struct buf body = BUF_INIT;
	char *tags = NULL;

	check_int(xml_read_tags(none, strlen(none), &tags), 0);
	check_str(tags, "");
	free(tags);
	tags = NULL;
	check_int(xml_read_tags(nameless, strlen(nameless), &tags), -EIO);
	check_int(xml_read_tags("<Error/>", 8, &tags), -EIO);
	check(!tags);
	check_int(xml_add_tags(&body, "no value"), -EINVAL);
	check_int(xml_add_tags(&body, "k=%zz"), -EINVAL);
	buf_fini(&body);
}

TEST(keys_that_xml_cannot_carry_are_known)
{
	check(xml_can_carry("a/b \xc3\xa9 \xf0\x9f\x8e\xac&<>"));
	check(!xml_can_carry("a\x01"));
	check(!xml_can_carry("a\nb"));
	check(!xml_can_carry("a\x7f"));
	check(!xml_can_carry("\xff"));
	check(!xml_can_carry("\xc3"));
	check(!xml_can_carry("\xef\xbf\xbf"));
	check(xml_can_carry("\xef\xbf\xbd"));
}

TEST(etags_lose_their_quotes_and_nothing_else)
{
	struct s3_etag e;
	char longest[100];

	xml_set_etag(&e, "\"abc-12\"");
	check_str(e.s, "abc-12");
	xml_set_etag(&e, "W/\"x\"");
	check_str(e.s, "x");
	xml_set_etag(&e, "bare");
	check_str(e.s, "bare");
	xml_set_etag(&e, "\"a b\"");
	check_str(e.s, "");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	xml_set_etag(&e, longest);
	check_str(e.s, "");
	longest[79] = '\0';
	xml_set_etag(&e, longest);
	check_int(strlen(e.s), 79);
}

TEST(a_token_with_a_control_character_is_read)
{
	struct s3_page p;

	check_int(read_list("<ListBucketResult><EncodingType>url</EncodingType>"
	                    "<IsTruncated>true</IsTruncated>"
	                    "<Contents><Key>esc%1B</Key></Contents>"
	                    "<NextContinuationToken>esc&#x1b;</NextContinuationToken>"
	                    "</ListBucketResult>",
	                    &p),
	          0);
	check_int(p.n, 1);
	check_str(p.v[0].key, "esc\x1b");
	check_str(p.next, "esc\x1b");
	s3_page_fini(&p);
}

static void *read_a_list(void *arg)
{
	struct s3_page p;

	check_int(read_list("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
	                    &p),
	          0);
	s3_page_fini(&p);
	return arg;
}

/* What libxml2 shares among them is there before: the thread sanitizer looks. */
TEST(threads_read_their_first_answers_at_once)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, read_a_list, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

TEST_MAIN
