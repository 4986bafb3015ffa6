// SPDX-License-Identifier: GPL-2.0-only
/* Trace files that no recorder of this version wrote: foreign, newer, or lying with right checksums. */
#include "trace/layout.h"
#include "trace_file.h"

/* A file put together by hand, with right checksums and, at will, wrong contents. */
struct forge {
	unsigned char data[64 << 10];
	size_t len;
};

static void forge_head(struct forge *f, struct rs_trace_head head, size_t more)
{
	static const unsigned char zeros[8192];

	f->len = 0;
	head.crc = rs_trace_head_crc(head, zeros, more);
	memcpy(f->data, &head, sizeof(head));
	memset(f->data + sizeof(head), 0, more);
	f->len = sizeof(head) + more;
}

static struct rs_trace_head good_head(void)
{
	struct rs_trace_head head = {
		.major = RS_TRACE_MAJOR,
		.minor = RS_TRACE_MINOR,
		.head_size = sizeof(head),
		.event_abi = sizeof(struct rs_event),
	};

	memcpy(head.magic, RS_TRACE_MAGIC, sizeof(head.magic));
	return head;
}

static void forge_chunk(struct forge *f, struct rs_chunk_head head, const void *payload, size_t len)
{
	head.magic = RS_CHUNK_MAGIC;
	head.payload_crc = rs_crc(payload, len);
	head.head_crc = rs_chunk_head_crc(head);
	assert_true(f->len + sizeof(head) + len <= sizeof(f->data));
	memcpy(f->data + f->len, &head, sizeof(head));
	memcpy(f->data + f->len + sizeof(head), payload, len);
	f->len += sizeof(head) + len;
}

static void forge_text(struct forge *f, __u32 type, const char *text)
{
	struct rs_chunk_head head = { .type = type };

	head.stored = head.raw = (__u32)strlen(text);
	forge_chunk(f, head, text, strlen(text));
}

static void forge_begin(struct forge *f)
{
	forge_head(f, good_head(), 0);
	forge_text(f, RS_CHUNK_META, "{}");
}

/* @tweak: changes the head, which is right for @raw; @tail: bytes after the compressed ones */
static void forge_events(struct forge *f, const unsigned char *raw, size_t len, __u32 nr,
			 void (*tweak)(struct rs_chunk_head *head), size_t tail)
{
	struct rs_chunk_head head = { .type = RS_CHUNK_EVENTS, .nr = nr, .first_ts = ~0ULL };
	unsigned char packed[32 << 10] = { 0 };
	uLongf packed_len = sizeof(packed) - tail;
	size_t at;
	__u32 i;

	assert_int_equal(compress(packed, &packed_len, raw, len), Z_OK);
	for (at = 0, i = 0; i < nr && at + sizeof(struct rs_event) <= len; i++) {
		struct rs_event ev;

		memcpy(&ev, raw + at, sizeof(ev));
		if (ev.ts < head.first_ts)
			head.first_ts = ev.ts;
		if (ev.ts > head.last_ts)
			head.last_ts = ev.ts;
		at += ev.size;
	}
	head.stored = (__u32)(packed_len + tail);
	head.raw = (__u32)len;
	if (tweak)
		tweak(&head);
	forge_chunk(f, head, packed, packed_len + tail);
}

/* Records 0 to @nr - 1, one after the other. Return: their length */
static size_t some_records(unsigned char *raw, __u32 nr)
{
	union record rec;
	size_t len = 0;
	__u32 i;

	for (i = 0; i < nr; i++) {
		make_record(&rec, i);
		memcpy(raw + len, rec.bytes, rec.ev.size);
		len += rec.ev.size;
	}
	return len;
}

static void forge_three(struct forge *f)
{
	unsigned char raw[3 * RS_EVENT_MAX];

	forge_events(f, raw, some_records(raw, 3), 3, NULL, 0);
}

static void test_foreign_files(void **state)
{
	static const char text[] = "PK\3\4 this is something else, long enough to hold a head";
	struct rs_msg msg;
	struct rs_trace_reader *r;

	(void)state;
	put_file("", 0);
	expect_open_fails(-EINVAL, "\" is empty");
	put_file(text, sizeof(text));
	expect_open_fails(-EINVAL, "\" is not a remapscope trace");
	put_file("R\n", 2);
	expect_open_fails(-EINVAL, "\" is not a remapscope trace");
	put_file(RS_TRACE_MAGIC, 8);
	expect_open_fails(-EINVAL, "\" is damaged: it ends inside its head");
	unlink(file);
	expect_open_fails(-ENOENT, "No such file or directory");
	assert_int_equal(rs_trace_open(dir, &r, &msg), -EISDIR);
}

static void test_versions(void **state)
{
	struct rs_trace_head head = good_head();
	struct forge f;

	(void)state;
	head.major = 2;
	forge_head(&f, head, 0);
	put_file(f.data, f.len);
	expect_open_fails(-EPROTONOSUPPORT,
			  "\" was written by a newer remapscope (format 2.0, this one reads up to "
			  "1.x)");
	f.data[28] ^= 1; /* its checksum may be another one */
	put_file(f.data, f.len);
	expect_open_fails(-EPROTONOSUPPORT, "or its head is damaged");

	head.major = 0;
	forge_head(&f, head, 0);
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, "there is no format 0");

	head = good_head();
	head.event_abi = 48;
	forge_head(&f, head, 0);
	put_file(f.data, f.len);
	expect_open_fails(-EPROTONOSUPPORT, "newer remapscope (its records' heads have 48 bytes");
	head.event_abi = 32;
	forge_head(&f, head, 0);
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, "its records' heads are too short");

	head = good_head();
	head.major = __builtin_bswap16(head.major);
	head.head_size = __builtin_bswap32(head.head_size);
	head.event_abi = __builtin_bswap32(head.event_abi);
	forge_head(&f, head, 0);
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, "big-endian");

	/* a newer minor version with a longer head, and the longest */
	head = good_head();
	head.minor = 7;
	head.head_size = 48;
	forge_head(&f, head, 16);
	forge_text(&f, RS_CHUNK_META, "{}");
	forge_three(&f);
	forge_text(&f, RS_CHUNK_END, "{}");
	put_file(f.data, f.len);
	assert_true(read_file_state(NULL).complete);
	f.data[40] = 1; /* in the part that this version does not know */
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, "its head's checksum is wrong");
	head.head_size = RS_TRACE_HEAD_MAX;
	forge_head(&f, head, RS_TRACE_HEAD_MAX - sizeof(head));
	forge_text(&f, RS_CHUNK_META, "{}");
	forge_text(&f, RS_CHUNK_END, "{}");
	put_file(f.data, f.len);
	assert_true(read_file_state(NULL).complete);

	head.head_size = RS_TRACE_HEAD_MAX + 8;
	forge_head(&f, head, RS_TRACE_HEAD_MAX + 8 - sizeof(head));
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, " is damaged");
	head.head_size = 16;
	forge_head(&f, head, 0);
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, " is damaged");
}

static void test_bad_meta(void **state)
{
	static const char *const texts[] = { "", "[]", "{", "{} x", "7", "{\"a\":\"\xff\"}" };
	struct rs_chunk_head sizes = { .type = RS_CHUNK_META, .stored = 2, .raw = 3 };
	struct forge f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		forge_head(&f, good_head(), 0);
		forge_text(&f, RS_CHUNK_META, texts[i]);
		put_file(f.data, f.len);
		expect_open_fails(-EINVAL, "it holds no JSON object");
	}
	forge_head(&f, good_head(), 0);
	forge_text(&f, RS_CHUNK_END, "{}");
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, "it is not the META chunk");
	forge_head(&f, good_head(), 0);
	forge_chunk(&f, sizes, "{}", 2);
	put_file(f.data, f.len);
	expect_open_fails(-EINVAL, "its two sizes differ");
}

static void test_unknown_chunk(void **state)
{
	struct rs_chunk_head odd = { .type = 77, .nr = 9, .stored = 5, .raw = 1, .first_ts = 5 };
	struct forge f;

	(void)state;
	forge_begin(&f);
	forge_chunk(&f, odd, "hello", 5);
	forge_three(&f);
	odd.stored = 0;
	forge_chunk(&f, odd, "", 0);
	forge_text(&f, RS_CHUNK_END, "{}");
	put_file(f.data, f.len);
	assert_true(read_file_state(NULL).complete);
	assert_int_equal(read_file_state(NULL).records, 3);

	/* unknown is no excuse for a wrong checksum */
	forge_begin(&f);
	odd.stored = 5;
	forge_chunk(&f, odd, "hello", 5);
	f.data[f.len - 1] ^= 1;
	forge_three(&f);
	put_file(f.data, f.len);
	expect_stops(0, "its checksum is wrong");
}

static void test_after_end(void **state)
{
	struct rs_trace_state st;
	struct forge f;
	bool has_end;

	(void)state;
	forge_begin(&f);
	forge_three(&f);
	forge_text(&f, RS_CHUNK_END, "{}");
	forge_three(&f);
	put_file(f.data, f.len);
	st = read_file_state(&has_end);
	assert_false(st.complete);
	assert_true(has_end);
	assert_int_equal(st.records, 3);
	assert_non_null(strstr(st.reason, "something follows the END chunk"));

	forge_begin(&f);
	forge_text(&f, RS_CHUNK_END, "[]");
	put_file(f.data, f.len);
	expect_stops(0, "it holds no JSON object");

	forge_begin(&f);
	forge_three(&f);
	forge_text(&f, RS_CHUNK_META, "{}");
	put_file(f.data, f.len);
	expect_stops(3, "second META");
}

static void nr_more(struct rs_chunk_head *head)
{
	head->nr++;
}

static void nr_less(struct rs_chunk_head *head)
{
	head->nr--;
}

static void raw_more(struct rs_chunk_head *head)
{
	head->raw += 8;
}

static void raw_less(struct rs_chunk_head *head)
{
	head->raw -= 8;
}

static void raw_huge(struct rs_chunk_head *head)
{
	head->raw = RS_CHUNK_MAX + 1;
}

static void stored_huge(struct rs_chunk_head *head)
{
	head->stored = 0xffffffffU;
}

static void stored_less(struct rs_chunk_head *head)
{
	head->stored -= 4;
}

static void earlier(struct rs_chunk_head *head)
{
	head->first_ts--;
}

static void later(struct rs_chunk_head *head)
{
	head->last_ts++;
}

/* Chunks with right checksums that lie. */
static void test_lying_chunks(void **state)
{
	static const struct {
		void (*tweak)(struct rs_chunk_head *head);
		size_t tail;
		const char *sentence;
	} cases[] = {
		{ nr_more, 0, "as many records" },
		{ nr_less, 0, "as many records" },
		{ raw_more, 0, "does not unpack" },
		{ raw_less, 0, "does not unpack" },
		{ NULL, 3, "does not unpack" },
		{ raw_huge, 0, "larger than a chunk may be" },
		{ stored_huge, 0, "larger than a chunk may be" },
		{ stored_less, 0, "its checksum is wrong" },
		{ earlier, 0, "from the time" },
		{ later, 0, "from the time" },
	};
	unsigned char raw[3 * RS_EVENT_MAX];
	size_t len = some_records(raw, 3), i;
	struct forge f;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forge_begin(&f);
		forge_three(&f);
		forge_events(&f, raw, len, 3, cases[i].tweak, cases[i].tail);
		forge_text(&f, RS_CHUNK_END, "{}");
		put_file(f.data, f.len);
		expect_stops(3, cases[i].sentence);
	}
	forge_begin(&f);
	forge_events(&f, raw, 0, 0, NULL, 0);
	put_file(f.data, f.len);
	expect_stops(0, "as many records");
}

static void test_chunk_magic(void **state)
{
	struct rs_chunk_head head;
	struct forge f;
	size_t at;

	(void)state;
	forge_begin(&f);
	at = f.len;
	forge_text(&f, RS_CHUNK_END, "{}");
	memcpy(&head, f.data + at, sizeof(head));
	head.magic = 0;
	head.head_crc = rs_chunk_head_crc(head);
	memcpy(f.data + at, &head, sizeof(head));
	put_file(f.data, f.len);
	expect_stops(0, "no chunk begins there");
}

static void test_bad_record_in_file(void **state)
{
	static const struct {
		__u16 size;
		const char *sentence;
	} cases[] = {
		{ 0, "size is not possible" },
		{ 32, "size is not possible" },
		{ RS_EVENT_MAX + 8, "size is not possible" },
		{ RS_EVENT_MAX, "its last record is cut" },
	};
	unsigned char raw[3 * RS_EVENT_MAX];
	union record rec;
	struct forge f;
	size_t len, i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = some_records(raw, 1);
		make_record(&rec, 1);
		rec.ev.size = cases[i].size;
		memcpy(raw + len, rec.bytes, 200);
		forge_begin(&f);
		forge_events(&f, raw, len + 200, 2, NULL, 0);
		put_file(f.data, f.len);
		expect_stops(0, cases[i].sentence);
	}
	/* fits, but what came after it would not be aligned */
	len = some_records(raw, 1);
	make_record(&rec, 1);
	rec.ev.size = 44;
	memcpy(raw + len, rec.bytes, 44);
	forge_begin(&f);
	forge_events(&f, raw, len + 44, 2, NULL, 0);
	put_file(f.data, f.len);
	expect_stops(0, "size is not possible");
	/* too little for even a record's head */
	len = some_records(raw, 1);
	memset(raw + len, 0, 8);
	forge_begin(&f);
	forge_events(&f, raw, len + 8, 1, NULL, 0);
	put_file(f.data, f.len);
	expect_stops(0, "its last record is cut");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_files), cmocka_unit_test(test_versions),
		cmocka_unit_test(test_bad_meta),      cmocka_unit_test(test_unknown_chunk),
		cmocka_unit_test(test_after_end),     cmocka_unit_test(test_lying_chunks),
		cmocka_unit_test(test_chunk_magic),   cmocka_unit_test(test_bad_record_in_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
