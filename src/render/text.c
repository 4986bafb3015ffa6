// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1
#include "render/text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MIN 60
#define WIDTH_MAX 132

struct rs_style rs_style_for(FILE *out)
{
	struct rs_style style = { .width = 80 };
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize ws;
	int fd = fileno(out);

	if (fd < 0 || !isatty(fd))
		return style;
	if (!ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_col)
		style.width = ws.ws_col;
	if (style.width < WIDTH_MIN)
		style.width = WIDTH_MIN;
	if (style.width > WIDTH_MAX)
		style.width = WIDTH_MAX;
	style.color = !(no_color && *no_color) && term && strcmp(term, "dumb");
	return style;
}

size_t rs_utf8_next(const char *s, __u32 *cp)
{
	static const __u32 smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80   ? 1
		     : u[0] < 0xc0 ? 0
		     : u[0] < 0xe0 ? 2
		     : u[0] < 0xf0 ? 3
		     : u[0] < 0xf8 ? 4
				   : 0;
	__u32 c;

	*cp = u[0];
	if (len == 1)
		return 1;
	*cp = 0xfffd;
	if (!len)
		return 1;
	c = u[0] & (0xffU >> (len + 1));
	/* A NUL is no continuation byte either, so that this never reads past the end. */
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 1;
	*cp = c;
	return len;
}

void rs_text_init(struct rs_text *t, const struct rs_style *style, FILE *out)
{
	*t = (struct rs_text){ .out = out, .style = style };
}

void rs_text_begin(struct rs_text *t, int indent, int hang)
{
	t->col = 0;
	t->pending = indent;
	t->hang = hang;
}

void rs_text_end(struct rs_text *t)
{
	fputc('\n', t->out);
	t->col = 0;
	t->pending = 0;
}

int rs_text_status(const struct rs_text *t)
{
	return fflush(t->out) || ferror(t->out) ? -EIO : 0;
}

static const char *tone_code(const struct rs_text *t, enum rs_tone tone)
{
	static const char *const codes[] = {
		[RS_TONE_PLAIN] = NULL,	     [RS_TONE_HEAD] = "\033[1m",
		[RS_TONE_DIM] = "\033[2m",   [RS_TONE_GOOD] = "\033[32m",
		[RS_TONE_WARN] = "\033[33m", [RS_TONE_BAD] = "\033[1;31m",
	};

	return t->style->color ? codes[tone] : NULL;
}

static bool is_control(__u32 cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029 ||
	       (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

static int columns(const char *s, size_t len)
{
	int n = 0;
	__u32 cp;

	for (const char *end = s + len; s < end; n++)
		s += rs_utf8_next(s, &cp);
	return n;
}

static void new_line(struct rs_text *t)
{
	fputc('\n', t->out);
	t->col = 0;
	t->pending = t->hang;
}

/* One word, on the next line when this one is full; one that is longer than a line is cut up. */
static void emit_within(struct rs_text *t, enum rs_tone tone, const char *s, size_t len, int width)
{
	const char *code = tone_code(t, tone);
	__u32 cp;

	if (t->col && t->col + t->pending > t->hang &&
	    t->col + t->pending + columns(s, len) > width)
		new_line(t);
	for (; t->pending > 0; t->pending--, t->col++)
		fputc(' ', t->out);
	if (code)
		fputs(code, t->out);
	for (const char *end = s + len; s < end; t->col++) {
		size_t n = rs_utf8_next(s, &cp);

		if (t->col >= width) {
			new_line(t);
			for (; t->pending > 0; t->pending--, t->col++)
				fputc(' ', t->out);
		}
		if (is_control(cp) || cp == 0xfffd)
			fputc('?', t->out);
		else
			fwrite(s, 1, n, t->out);
		s += n;
	}
	if (code)
		fputs("\033[0m", t->out);
}

static void emit(struct rs_text *t, enum rs_tone tone, const char *s, size_t len)
{
	emit_within(t, tone, s, len, t->style->width);
}

void rs_text_whole(struct rs_text *t, enum rs_tone tone, const char *s)
{
	emit_within(t, tone, s, strlen(s), INT_MAX);
}

void rs_text_words(struct rs_text *t, enum rs_tone tone, const char *s)
{
	while (*s) {
		size_t len = strcspn(s, " ");

		if (len) {
			emit(t, tone, s, len);
			s += len;
		} else {
			t->pending++;
			s++;
		}
	}
}

/* Blanks at both ends only separate: they are not part of what is kept together. */
static void keep(struct rs_text *t, enum rs_tone tone, const char *s)
{
	size_t len, trailing = 0;

	for (; *s == ' '; s++)
		t->pending++;
	len = strlen(s);
	while (trailing < len && s[len - trailing - 1] == ' ')
		trailing++;
	len -= trailing;
	if (columns(s, len) > t->style->width - t->hang) {
		rs_text_words(t, tone, s);
		return;
	}
	if (len)
		emit(t, tone, s, len);
	t->pending += (int)trailing;
}

void rs_text_put(struct rs_text *t, enum rs_tone tone, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	rs_text_words(t, tone, buf);
}

void rs_text_keep(struct rs_text *t, enum rs_tone tone, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	keep(t, tone, buf);
}

void rs_text_to(struct rs_text *t, int col)
{
	t->pending = col > t->col ? col - t->col : 1;
}

void rs_text_right(struct rs_text *t, enum rs_tone tone, int end, const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	rs_text_to(t, end - columns(buf, strlen(buf)));
	keep(t, tone, buf);
}
