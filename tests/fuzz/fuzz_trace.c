// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzing the trace reader. Every input is read three times: as a file; as a file whose checksums were
 * put right, so that what lies behind them is reached; as the records of one well-formed chunk.
 *
 * With libFuzzer:  clang -fsanitize=fuzzer,address,undefined
 * Without:         gcc -DRS_FUZZ_STANDALONE -fsanitize=address,undefined; then: fuzz_trace ROUNDS [SEED]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace/layout.h"
#include "trace/trace.h"

#define INPUT_MAX (64U << 10)
#define FILE_MAX  (2 * INPUT_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char work[FILE_MAX];
static volatile __u32 sink;

#define CHECK(cond)                                                                              \
	do {                                                                                     \
		if (!(cond)) {                                                                   \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond); \
			abort();                                                                 \
		}                                                                                \
	} while (0)

/* What trace.h promises of every file. Return: records read, or -errno of the open */
static long read_through(const unsigned char *data, size_t size)
{
	const struct rs_event *ev;
	struct rs_trace_reader *r;
	struct rs_trace_state st;
	struct rs_msg msg = { "" };
	__u64 nr = 0, last = 0;
	char path[64];
	int fd, ret;

	fd = memfd_create("trace", MFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = rs_trace_open(path, &r, &msg);
	if (ret) {
		CHECK(ret < 0 && !r && strstr(msg.text, path));
		close(fd);
		return ret;
	}
	CHECK(json_is_object(rs_trace_meta(r)));
	while ((ret = rs_trace_next(r, &ev, &msg)) == 1) {
		CHECK(ev->size >= sizeof(*ev) && ev->size <= RS_EVENT_MAX && ev->size % 8 == 0);
		CHECK((uintptr_t)ev % 8 == 0);
		sink ^= rs_crc(ev, ev->size); /* touches every byte */
		nr++;
		if (ev->ts > last)
			last = ev->ts;
	}
	CHECK(ret == 0 && rs_trace_next(r, &ev, &msg) == 0);
	rs_trace_state(r, &st);
	CHECK(st.records == nr && st.last_ts == last && st.bytes <= size);
	CHECK(st.complete == !st.reason[0]);
	CHECK(!st.complete || (st.bytes == size && json_is_object(rs_trace_end(r))));
	rs_trace_close(r);
	close(fd);
	return (long)nr;
}

/* Make heads and checksums such that the reader gets past them. */
static void repair(unsigned char *data, size_t size)
{
	struct rs_trace_head head;
	size_t at = sizeof(head);

	if (size < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	memcpy(head.magic, RS_TRACE_MAGIC, sizeof(head.magic));
	head.major = RS_TRACE_MAJOR;
	head.event_abi = sizeof(struct rs_event);
	if (head.head_size < sizeof(head) || head.head_size > RS_TRACE_HEAD_MAX ||
	    head.head_size > size)
		head.head_size = sizeof(head);
	head.crc = rs_trace_head_crc(head, data + at, head.head_size - sizeof(head));
	memcpy(data, &head, sizeof(head));
	at = head.head_size;
	while (size - at >= sizeof(struct rs_chunk_head)) {
		struct rs_chunk_head ch;

		memcpy(&ch, data + at, sizeof(ch));
		ch.magic = RS_CHUNK_MAGIC;
		if (ch.stored <= size - at - sizeof(ch))
			ch.payload_crc = rs_crc(data + at + sizeof(ch), ch.stored);
		ch.head_crc = rs_chunk_head_crc(ch);
		memcpy(data + at, &ch, sizeof(ch));
		if (ch.stored > size - at - sizeof(ch))
			break;
		at += sizeof(ch) + ch.stored;
	}
}

static size_t put_chunk(unsigned char *file, size_t at, struct rs_chunk_head ch,
			const void *payload)
{
	ch.magic = RS_CHUNK_MAGIC;
	ch.payload_crc = rs_crc(payload, ch.stored);
	ch.head_crc = rs_chunk_head_crc(ch);
	memcpy(file + at, &ch, sizeof(ch));
	memcpy(file + at + sizeof(ch), payload, ch.stored);
	return at + sizeof(ch) + ch.stored;
}

/*
 * A file with one chunk of the records in @raw, its head as right as it can be made.
 * Return: the file's size; *@nr: records before the first impossible one
 */
static size_t wrap(unsigned char *file, const unsigned char *raw, size_t size, __u32 *nr)
{
	struct rs_trace_head head = {
		.major = RS_TRACE_MAJOR,
		.head_size = sizeof(head),
		.event_abi = sizeof(struct rs_event),
	};
	struct rs_chunk_head text = { .type = RS_CHUNK_META, .stored = 2, .raw = 2 };
	struct rs_chunk_head ch = { .type = RS_CHUNK_EVENTS, .first_ts = ~0ULL };
	unsigned char packed[FILE_MAX - 1024];
	uLongf packed_len = sizeof(packed);
	size_t at;

	for (at = 0; size - at >= sizeof(struct rs_event); ch.nr++) {
		struct rs_event ev;

		memcpy(&ev, raw + at, sizeof(ev));
		if (ev.size < sizeof(ev) || ev.size > RS_EVENT_MAX || ev.size % 8 ||
		    ev.size > size - at)
			break;
		if (ev.ts < ch.first_ts)
			ch.first_ts = ev.ts;
		if (ev.ts > ch.last_ts)
			ch.last_ts = ev.ts;
		at += ev.size;
	}
	*nr = at == size ? ch.nr : 0;
	CHECK(compress2(packed, &packed_len, raw, size, 1) == Z_OK);
	ch.stored = (__u32)packed_len;
	ch.raw = (__u32)size;
	memcpy(head.magic, RS_TRACE_MAGIC, sizeof(head.magic));
	head.crc = rs_trace_head_crc(head, NULL, 0);
	memcpy(file, &head, sizeof(head));
	at = put_chunk(file, sizeof(head), text, "{}");
	at = put_chunk(file, at, ch, packed);
	text.type = RS_CHUNK_END;
	return put_chunk(file, at, text, "{}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	__u32 nr;

	if (size > INPUT_MAX)
		return 0;
	read_through(data, size);
	memcpy(work, data, size);
	repair(work, size);
	read_through(work, size);
	len = wrap(work, data, size, &nr);
	/* whole records are read, all of them; anything else costs the chunk */
	CHECK(read_through(work, len) == (long)nr);
	return 0;
}

#ifdef RS_FUZZ_STANDALONE
static uint64_t state;

static uint64_t rng(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t make_records(unsigned char *raw, unsigned int nr)
{
	size_t len = 0;

	while (nr--) {
		struct rs_event ev = { .ts = 1000 + len, .type = (__u16)(rng() % RS_EV_NR) };
		size_t i;

		ev.size = (__u16)(sizeof(ev) + rng() % 60 * 8);
		if (ev.size > RS_EVENT_MAX)
			ev.size = RS_EVENT_MAX;
		for (i = sizeof(ev); i < ev.size; i++)
			raw[len + i] = (unsigned char)(rng() % 3);
		memcpy(raw + len, &ev, sizeof(ev));
		len += ev.size;
	}
	return len;
}

/* A file of three EVENTS chunks and one of an unknown type. */
static size_t make_file(unsigned char *file)
{
	static const char meta[] = "{\"format\":\"remapscope-trace\",\"plan\":[{\"a\":1},null]}";
	struct rs_chunk_head text = { .type = RS_CHUNK_META };
	unsigned char raw[8 * RS_EVENT_MAX];
	unsigned char *one = malloc(FILE_MAX);
	size_t at = sizeof(struct rs_trace_head) + sizeof(text) + 2, len = 0;
	unsigned int i;
	__u32 nr;

	CHECK(one);
	for (i = 0; i < 3; i++) {
		/* what lies between META and END of a wrapped file is the chunk */
		size_t whole = wrap(one, raw, make_records(raw, 1 + rng() % 8), &nr);

		CHECK(nr);
		if (!i) {
			memcpy(file, one, sizeof(struct rs_trace_head));
			text.stored = text.raw = sizeof(meta) - 1;
			len = put_chunk(file, sizeof(struct rs_trace_head), text, meta);
		}
		whole -= at + sizeof(text) + 2;
		memcpy(file + len, one + at, whole);
		len += whole;
	}
	text.type = 9;
	len = put_chunk(file, len, text, meta);
	text.type = RS_CHUNK_END;
	text.stored = text.raw = 2;
	free(one);
	return put_chunk(file, len, text, "{}");
}

static size_t mutate(unsigned char *data, size_t len, size_t room)
{
	static const uint32_t odd[] = { 0,    1,	  7,	       8,	    39,
					40,   0x7fffffff, 0x80000000U, 0xffffffffU, RS_CHUNK_MAX,
					0x200 };
	unsigned int n = 1 + rng() % 4;

	while (n-- && len > 4) {
		size_t at = rng() % (len - 3), cut;
		uint32_t v;

		switch (rng() % 7) {
		case 0:
			data[at] ^= (unsigned char)(1U << rng() % 8);
			break;
		case 1:
			data[at] = (unsigned char)rng();
			break;
		case 2:
			v = odd[rng() % (sizeof(odd) / sizeof(odd[0]))];
			memcpy(data + at, &v, sizeof(v));
			break;
		case 3: /* the same, where heads have their fields */
			v = odd[rng() % (sizeof(odd) / sizeof(odd[0]))];
			memcpy(data + (at & ~(size_t)3), &v, sizeof(v));
			break;
		case 4: /* a little more or less */
			memcpy(&v, data + at, sizeof(v));
			v += (uint32_t)(rng() % 17) - 8;
			memcpy(data + at, &v, sizeof(v));
			break;
		case 5:
			if (rng() % 4 == 0)
				len = at;
			break;
		default: /* a piece doubled */
			cut = rng() % 200;
			if (cut > len - at)
				cut = len - at;
			if (len + cut > room)
				break;
			memmove(data + at + cut, data + at, len - at);
			len += cut;
			break;
		}
	}
	return len;
}

int main(int argc, char **argv)
{
	static unsigned char good[FILE_MAX], bad[FILE_MAX > INPUT_MAX ? FILE_MAX : INPUT_MAX];
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000, i;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : ((uint64_t)getpid() << 20) + 1;
	unsigned long deep = 0;

	printf("seed %llu, %lu rounds\n", (unsigned long long)seed, rounds);
	fflush(stdout);
	for (i = 0; i < rounds; i++) {
		bool records;
		size_t len;

		/* each round stands alone: "1 SEED+i" repeats it */
		state = (seed + i) * 0x9e3779b97f4a7c15ULL | 1;
		records = rng() % 3 == 0;
		len = records ? make_records(good, 1 + rng() % 20) : make_file(good);
		if (!records)
			CHECK(read_through(good, len) > 0);
		CHECK(len <= INPUT_MAX);
		memcpy(bad, good, len);
		len = mutate(bad, len, INPUT_MAX);
		LLVMFuzzerTestOneInput(bad, len);
		memcpy(work, bad, len);
		repair(work, len);
		if (!records && memcmp(work, good, len) && read_through(work, len) > 0)
			deep++;
	}
	printf("%lu mutated files got records past repaired checksums\n", deep);
	return 0;
}
#endif
