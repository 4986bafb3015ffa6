// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records that no kernel wrote: of every type, every length, any contents. The analysis may make of them
 * what it likes, but it must come to an end and to a result that can be printed. Each lot runs in a child,
 * so that a crash is told with what caused it and a loop without end is stopped by its CPU time.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "iommufd_fixture.h"
#include "render/render.h"

/* A lot takes a fraction of a second; under sanitizers a few. */
#define CPU_SECONDS 30

static const size_t full_size[RS_EV_NR] = {
	[RS_EV_NONE] = sizeof(struct rs_event),
	[RS_EV_PROC] = sizeof(struct rs_ev_proc),
	[RS_EV_FORK] = sizeof(struct rs_ev_fork),
	[RS_EV_EXEC] = sizeof(struct rs_ev_exec),
	[RS_EV_EXIT] = sizeof(struct rs_ev_exit),
	[RS_EV_OPEN] = sizeof(struct rs_ev_open),
	[RS_EV_RELEASE] = sizeof(struct rs_ev_release),
	[RS_EV_ATTACH] = sizeof(struct rs_ev_group),
	[RS_EV_DETACH] = sizeof(struct rs_ev_group),
	[RS_EV_MAP] = sizeof(struct rs_ev_map),
	[RS_EV_UNMAP] = sizeof(struct rs_ev_map),
	[RS_EV_IOCTL] = sizeof(struct rs_ev_ioctl),
	[RS_EV_RANGE] = sizeof(struct rs_ev_range),
	[RS_EV_BACKING] = sizeof(struct rs_ev_backing),
	[RS_EV_REMOVE] = sizeof(struct rs_ev_remove),
	[RS_EV_REQUEST] = sizeof(struct rs_ev_request),
	[RS_EV_XLATE] = sizeof(struct rs_ev_xlate),
	[RS_EV_IOMMU] = sizeof(struct rs_ev_iommu),
	[RS_EV_SNAPSHOT] = sizeof(struct rs_ev_snapshot),
	[RS_EV_DEVICE] = sizeof(struct rs_ev_device),
	[RS_EV_PAGES] = sizeof(struct rs_ev_pages),
	[RS_EV_VERIFY] = sizeof(struct rs_ev_verify),
	[RS_EV_FLIGHT] = sizeof(struct rs_ev_flight),
	[RS_EV_STATS] = sizeof(struct rs_ev_stats) + 16 * sizeof(struct rs_stat_bucket),
	[RS_EV_VCPU] = sizeof(struct rs_ev_vcpu),
	[RS_EV_VM] = sizeof(struct rs_ev_vm),
	[RS_EV_IRQ] = sizeof(struct rs_ev_irq),
	[RS_EV_DEVOP] = sizeof(struct rs_ev_devop),
	[RS_EV_PASSED] = sizeof(struct rs_ev_passed),
	[RS_EV_MARK] = sizeof(struct rs_ev_mark),
	[RS_EV_IOAS] = sizeof(struct rs_ev_ioas),
	[RS_EV_WAIT] = sizeof(struct rs_ev_wait),
};

/* What the child was about when it ended. */
static struct {
	__u64 seed;
	__u32 type;
	__u32 size;
} * now;

static void print_all(const struct rs_result *r)
{
	struct rs_style style = { .color = true, .width = 80, .verbose = 2 };
	FILE *f = fopen("/dev/null", "w");

	if (!f)
		abort();
	rs_render_report(r, &style, f);
	rs_render_check(r, &style, f);
	rs_render_json(r, f);
	rs_render_junit(r, f);
	fclose(f);
}

static void end_analysis(struct rs_analysis *a)
{
	struct rs_result *r;

	if (rs_analysis_finish(a, NULL, NULL, &r))
		abort();
	print_all(r);
	rs_result_free(r);
	rs_analysis_free(a);
}

/* In every mode: what is made of records depends on it. */
static struct rs_analysis *begin_analysis(__u64 seed)
{
	struct rs_analysis_opts opts = { .source = "malformed" };
	json_t *meta = json_pack("{s:s, s:s}", "mode", rs_mode_name(seed % 2), "verify",
				 rs_verify_name(seed / 2 % 3));
	struct rs_analysis *a;
	struct rs_msg msg;

	if (rs_analysis_new(&opts, &a, &msg) || rs_analysis_meta(a, meta))
		abort();
	json_decref(meta);
	return a;
}

/* Numbers that meet each other: few of a kind, and the edges. */
static __u64 number(__u64 *rng)
{
	static const __u64 some[] = {
		0,
		1,
		2,
		3,
		4,
		5,
		7,
		9,
		QEMU,
		PAGE,
		2 * PAGE,
		4 * PAGE,
		MIB,
		0x3b71,
		1ULL << 31,
		1ULL << 32,
		1ULL << 63,
		-1ULL,
		-2ULL,
		-PAGE,
		0xffffffff,
		0x7fffffffffffffffULL,
		0xffff888100001000ULL,
	};
	__u64 n = synth_random(rng);

	if (n % 8 == 0)
		return synth_random(rng);
	return some[(n >> 8) % (sizeof(some) / sizeof(some[0]))];
}

struct writer {
	struct rs_analysis *a;
	__u64 ts;
	__u32 seq;
};

/* Pushes @ev with a head that gets it past the order. */
static void write_record(struct writer *w, struct rs_event *ev, __u32 type, size_t size)
{
	w->ts += 1000;
	ev->ts = w->ts;
	ev->seq = w->seq++;
	ev->cpu = 0;
	ev->type = type;
	ev->size = size;
	now->type = type;
	now->size = size;
	/* As long as it says, so that a reader beyond its end is seen. */
	ev = memcpy(malloc(size), ev, size);
	if (rs_analysis_event(w->a, ev))
		abort();
	free(ev);
}

static void random_record(struct writer *w, __u64 *rng, __u32 type, size_t size)
{
	__u64 words[RS_EVENT_MAX / 8];

	for (size_t i = 0; i < size / 8; i++)
		words[i] = synth_random(rng) % 3 ? number(rng)
						 : number(rng) << 32 | (__u32)number(rng);
	write_record(w, (struct rs_event *)words, type, size);
}

/* One type of record in a row, in all its lengths, and beyond what is known. */
static void every_length_of(__u64 type)
{
	size_t full = type < RS_EV_NR ? full_size[type] : RS_EVENT_MAX;

	for (size_t size = sizeof(struct rs_event); size <= full + 16 && size <= RS_EVENT_MAX;
	     size += 8) {
		for (__u64 seed = 1; seed <= 20; seed++) {
			struct writer w = { .a = begin_analysis(seed) };
			__u64 rng = seed * 0x9e3779b97f4a7c15ULL + type * 1000 + size;

			now->seed = seed;
			for (int i = 0; i < 20; i++)
				random_record(&w, &rng, type, size);
			end_analysis(w.a);
		}
	}
}

/* All types mixed, so that one makes what the next one breaks. */
static void any_mixture(__u64 lot)
{
	for (__u64 seed = lot * 300; seed < (lot + 1) * 300; seed++) {
		struct writer w = { .a = begin_analysis(seed) };
		__u64 rng = (seed + 1) * 0x9e3779b97f4a7c15ULL;

		now->seed = seed;
		for (int i = 0; i < 150; i++) {
			__u32 type = synth_random(&rng) % (RS_EV_NR + 1);
			size_t full = type < RS_EV_NR ? full_size[type] : RS_EVENT_MAX;
			size_t size = full;

			if (synth_random(&rng) % 8 == 0)
				size -= (synth_random(&rng) % (full / 8 - 4)) * 8;
			random_record(&w, &rng, type, size);
		}
		end_analysis(w.a);
	}
}

static void add_iommufd(struct synth *s)
{
	__u32 ioas, other;
	__u64 x;

	synth_as(s, OTHER);
	x = synth_iommufd(s);
	ioas = synth_ioas(s, x);
	other = synth_ioas(s, x);
	synth_ioas_attach(s, x, ioas, NIC, false);
	synth_ioas_attach(s, x, other, MDEV, true);
	synth_ioas_map_file(s, x, ioas, 0, MIB, INO, 0);
	synth_ioas_copy(s, x, other, 0, ioas, 0);
	synth_ioas_map(s, x, other, 8 * MIB, MIB);
	synth_access_pin(s, x, MDEV, 0, 4, 0);
	synth_iommufd_snapshot(s, x, RS_SNAP_START);
	synth_vcpu_run(s, VM3, 0);
	synth_vcpu_stop(s, VM3, 0);
	synth_change_process(s, x);
	synth_exec(s);
	synth_change_process(s, x);
	synth_ioas_unmap(s, x, other, 8 * MIB);
	synth_change_process(s, x);
	synth_access_unpin(s, x, MDEV, 0, 4);
	synth_vcpu_run(s, VM2, 0);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_ioas_detach(s, x, MDEV);
	synth_ioas_destroy(s, x, other);
	synth_iommufd_release(s, x);
}

/* A good recording in which a few words are others, or records are cut, doubled or exchanged. */
static void damaged_recording(__u64 lot)
{
	for (__u64 seed = lot * 300; seed < (lot + 1) * 300; seed++) {
		struct writer w = { .a = begin_analysis(seed) };
		__u64 rng = (seed + 7) * 0x9e3779b97f4a7c15ULL, c;
		struct synth *s = two_ranges(&c);

		now->seed = seed;
		s->verify = RS_VERIFY_ALL;
		synth_attach(s, c);
		synth_device(s, c + 0x300, c, 5, "edu0");
		s->twist.pfn = 0x1000;
		synth_map(s, c, 16 * MIB, MIB, INO, 16 * MIB);
		s->twist.pfn = 0x1004;
		synth_pin(s, c, 16 * MIB + 4 * PAGE, 4, 1);
		synth_snapshot(s, c, RS_SNAP_START);
		synth_snapshot_begin(s, c, RS_SNAP_OWNER);
		synth_invalidate_all(s, c);
		synth_snapshot_end(s);
		synth_flight(s, synth_event(s, RS_EV_REQUEST, 0));
		synth_fork(s, NEXT, true);
		synth_exec(s);
		remap_both(s, c);
		synth_remap(s, c, 16 * MIB, MIB, INO, 16 * MIB);
		synth_pagemap(s, 0, 256, 0x1000);
		synth_verify(s, 256, 256, true);
		synth_unpin(s, c, 16 * MIB + 4 * PAGE, 4);
		synth_iommu(s, c, 0, PAGE, RS_IOMMU_MAP, 0);
		synth_invalidate(s, c, 0, 2 * MIB);
		synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
		synth_unmap(s, c, 4 * MIB, MIB);
		synth_as(s, NEXT);
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
		synth_as(s, QEMU);
		synth_exit(s, 0);
		synth_detach(s, c);
		synth_release(s, c);
		add_iommufd(s);
		synth_stats(s);
		for (size_t i = 0; i < s->nr; i++) {
			__u64 words[RS_EVENT_MAX / 8] = { 0 };
			size_t from = i, size;

			if (synth_random(&rng) % 20 == 0)
				from = synth_random(&rng) % s->nr;
			size = s->rec[from].ev->size;
			memcpy(words, s->rec[from].ev, size);
			if (synth_random(&rng) % 20 == 0)
				size = sizeof(struct rs_event) +
				       synth_random(&rng) % ((size - 40) / 8 + 1) * 8;
			for (__u64 n = synth_random(&rng) % 4; n == 3;
			     n = synth_random(&rng) % 2 * 3)
				words[synth_random(&rng) % (size / 8)] = number(&rng);
			write_record(&w, (struct rs_event *)words, s->rec[from].ev->type, size);
		}
		end_analysis(w.a);
		synth_free(s);
	}
}

static void in_child(void (*lot)(__u64 arg), __u64 arg)
{
	struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS + 5 }, core = { 0, 0 };
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		setrlimit(RLIMIT_CPU, &cpu);
		setrlimit(RLIMIT_CORE, &core);
		/* Not cmocka's business. */
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGFPE, SIG_DFL);
		lot(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) && WEXITSTATUS(status) == 0)
		return;
	fail_msg("lot %llu, seed %llu, at or after a record of type %u and %u bytes: %s %d%s",
		 (unsigned long long)arg, (unsigned long long)now->seed, now->type, now->size,
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		 WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU ? " (it did not end)" : "");
}

static void every_type_and_length(void **state)
{
	(void)state;
	for (__u32 type = 0; type <= RS_EV_NR; type++)
		in_child(every_length_of, type);
}

static void mixtures(void **state)
{
	(void)state;
	for (__u64 lot = 0; lot < 4; lot++)
		in_child(any_mixture, lot);
}

static void damaged(void **state)
{
	(void)state;
	for (__u64 lot = 0; lot < 4; lot++)
		in_child(damaged_recording, lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_and_length),
		cmocka_unit_test(damaged),
		cmocka_unit_test(mixtures),
	};

	now = mmap(NULL, sizeof(*now), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (now == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests_name("malformed records", tests, NULL, NULL);
}
