// SPDX-License-Identifier: GPL-2.0-only
#include "stats/units.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

struct unit {
	const char *name;
	__u64 scale;
};

static const struct unit time_units[] = {
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", NSEC_PER_SEC }
};

static const struct unit size_units[] = {
	{ "TiB", 1ULL << 40 }, { "GiB", 1ULL << 30 }, { "MiB", 1ULL << 20 },
	{ "KiB", 1ULL << 10 }, { "bytes", 1 },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* "1.20" becomes "1.2", "10.00" becomes "10". */
static void strip_zeros(char *s)
{
	size_t n = strlen(s);

	if (!strchr(s, '.'))
		return;
	while (s[n - 1] == '0')
		s[--n] = 0;
	if (s[n - 1] == '.')
		s[n - 1] = 0;
}

/* @n / @scale, rounded to three digits; false when that takes four. */
static bool three_digits(__u64 n, __u64 scale, char *s, size_t len)
{
	__u64 pow = scale > 1 ? 100 : 1;

	for (int digits = scale > 1 ? 2 : 0; digits >= 0; digits--, pow /= 10) {
		__u64 r = (__u64)(((unsigned __int128)n * pow + scale / 2) / scale);

		if (r >= 1000)
			continue;
		if (digits)
			snprintf(s, len, "%llu.%0*llu", r / pow, digits, r % pow);
		else
			snprintf(s, len, "%llu", r);
		return true;
	}
	return false;
}

static const char *len_digits(__u64 ns, char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(time_units); i++) {
		if (three_digits(ns, time_units[i].scale, s, len))
			return time_units[i].name;
	}
	snprintf(s, len, "%llu", ns / NSEC_PER_SEC + (ns % NSEC_PER_SEC >= NSEC_PER_SEC / 2));
	return "s";
}

struct rs_fmt rs_fmt_len(__u64 ns)
{
	char num[24];
	const char *unit = len_digits(ns, num, sizeof(num));
	struct rs_fmt f;

	snprintf(f.s, sizeof(f.s), "%s %s", num, unit);
	return f;
}

struct rs_fmt rs_fmt_len_tight(__u64 ns)
{
	char num[24];
	const char *unit = len_digits(ns, num, sizeof(num));
	struct rs_fmt f;

	strip_zeros(num);
	snprintf(f.s, sizeof(f.s), "%s%s", num, unit);
	return f;
}

struct rs_fmt rs_fmt_len_exact(__u64 ns)
{
	const struct unit *u = &time_units[ARRAY_SIZE(time_units) - 1];
	struct rs_fmt f;
	char num[32];
	int digits;

	while (u > time_units && ns < u->scale)
		u--;
	digits = (int)(u - time_units) * 3;
	if (digits)
		snprintf(num, sizeof(num), "%llu.%0*llu", ns / u->scale, digits, ns % u->scale);
	else
		snprintf(num, sizeof(num), "%llu", ns);
	strip_zeros(num);
	snprintf(f.s, sizeof(f.s), "%s%s", num, u->name);
	return f;
}

struct rs_fmt rs_fmt_at(__u64 ns, __u64 origin, int digits)
{
	__u64 d = ns >= origin ? ns - origin : origin - ns;
	__u64 frac = d % NSEC_PER_SEC;
	struct rs_fmt f;

	for (int i = digits; i < 9; i++)
		frac /= 10;
	if (digits)
		snprintf(f.s, sizeof(f.s), "%c%llu.%0*llu s", ns >= origin ? '+' : '-',
			 d / NSEC_PER_SEC, digits, frac);
	else
		snprintf(f.s, sizeof(f.s), "%c%llu s", ns >= origin ? '+' : '-', d / NSEC_PER_SEC);
	return f;
}

/* The largest unit that @bytes is a whole number of hundredths of. */
static bool size_exact(__u64 bytes, struct rs_fmt *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(size_units); i++) {
		const struct unit *u = &size_units[i];
		unsigned __int128 hundredths = (unsigned __int128)bytes * 100;
		char num[32];

		if (bytes < u->scale && u->scale > 1)
			continue;
		if (hundredths % u->scale || bytes / u->scale > 99999)
			continue;
		hundredths /= u->scale;
		snprintf(num, sizeof(num), "%llu.%02llu", (__u64)(hundredths / 100),
			 (__u64)(hundredths % 100));
		strip_zeros(num);
		snprintf(f->s, sizeof(f->s), "%s %s", num, u->name);
		return true;
	}
	return false;
}

struct rs_fmt rs_fmt_size(__u64 bytes)
{
	struct rs_fmt f;

	if (!size_exact(bytes, &f))
		snprintf(f.s, sizeof(f.s), "0x%llx", bytes);
	return f;
}

struct rs_fmt rs_fmt_size_about(__u64 bytes)
{
	const struct unit *u = size_units;
	struct rs_fmt f;
	char num[24];

	if (size_exact(bytes, &f))
		return f;
	while (bytes < u->scale)
		u++;
	/* Up to 1023 of a unit: all its whole digits, no fraction. */
	if (!three_digits(bytes, u->scale, num, sizeof(num)))
		snprintf(num, sizeof(num), "%llu", bytes / u->scale);
	snprintf(f.s, sizeof(f.s), "%s %s", num, u->name);
	return f;
}

struct rs_fmt rs_fmt_count(__u64 n)
{
	struct rs_fmt f;
	char num[24];
	int digits = snprintf(num, sizeof(num), "%llu", n);
	char *o = f.s;

	for (int i = 0; i < digits; i++) {
		if (i && !((digits - i) % 3))
			*o++ = ',';
		*o++ = num[i];
	}
	*o = 0;
	return f;
}

struct rs_fmt rs_fmt_utc(__s64 realtime_ns)
{
	__s64 sec = realtime_ns / (__s64)NSEC_PER_SEC;
	__s64 nsec = realtime_ns % (__s64)NSEC_PER_SEC;
	time_t t;
	struct rs_fmt f = { "" };
	struct tm tm;
	char day[24];

	if (nsec < 0) {
		nsec += NSEC_PER_SEC;
		sec--;
	}
	t = sec;
	if (!gmtime_r(&t, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		return f;
	snprintf(f.s, sizeof(f.s), "%s.%03lldZ", day, nsec / 1000000);
	return f;
}
