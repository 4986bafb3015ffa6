/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Text within a given width
 *
 * Lines are put together word by word; what does not fit continues on the next line, indented by
 * @hang. Whatever comes from outside (process names, file names) cannot leave the line or reach
 * the terminal as a control sequence.
 */
#ifndef RS_RENDER_TEXT_H
#define RS_RENDER_TEXT_H

#include "render/render.h"

/** enum rs_tone - what a piece of text means; with colour, how it looks */
enum rs_tone {
	RS_TONE_PLAIN = 0,
	RS_TONE_HEAD = 1,
	RS_TONE_DIM = 2,
	RS_TONE_GOOD = 3,
	RS_TONE_WARN = 4,
	RS_TONE_BAD = 5,
};

/** struct rs_text - text being written */
struct rs_text {
	FILE *out;
	const struct rs_style *style;
	int col;     /* columns used of this line */
	int pending; /* blanks due before the next word */
	int hang;
};

/** rs_text_init() - write to @out as @style says */
void rs_text_init(struct rs_text *t, const struct rs_style *style, FILE *out);

/** rs_text_begin() - begin a line at column @indent; it continues at column @hang */
void rs_text_begin(struct rs_text *t, int indent, int hang);

/** rs_text_words() - add words; blanks between them separate, and are lost at a line's end */
void rs_text_words(struct rs_text *t, enum rs_tone tone, const char *s);

/** rs_text_whole() - add something that is to be copied: it stays in one piece, whatever the width */
void rs_text_whole(struct rs_text *t, enum rs_tone tone, const char *s);

/** rs_text_put() - add words, formatted; at most 1023 bytes */
void rs_text_put(struct rs_text *t, enum rs_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** rs_text_keep() - add something that stays in one piece if a line can hold it */
void rs_text_keep(struct rs_text *t, enum rs_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** rs_text_to() - go on at column @col, or one blank further when that is used already */
void rs_text_to(struct rs_text *t, int col);

/** rs_text_right() - like rs_text_keep(), ending before column @end if there is room */
void rs_text_right(struct rs_text *t, enum rs_tone tone, int end, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** rs_text_end() - end the line */
void rs_text_end(struct rs_text *t);

/** rs_text_status() - 0 or the write error of @out */
int rs_text_status(const struct rs_text *t);

/**
 * rs_utf8_next() - the next character of a string that may hold anything
 * @cp: it, U+FFFD for a byte that is not UTF-8
 *
 * Return: its bytes, at least 1; not to be called at the string's end
 */
size_t rs_utf8_next(const char *s, __u32 *cp);

#endif /* RS_RENDER_TEXT_H */
