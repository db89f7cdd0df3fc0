// SPDX-License-Identifier: MIT
/*
 * Internal to config: places in the text, the table of diagnostics, and the workspace that one
 * load carries through all of its parts. Others see struct diagnostic_list of config.h only.
 */
#ifndef CONFIG_DIAG_H
#define CONFIG_DIAG_H

#include "config/config.h"

#include <setjmp.h>

/* A position for a message. Lines and columns count from 1; a column is a code point, not a byte.
 * Line 0: the file as a whole. */
struct place {
    const char *file;
    uint32_t line, column;
};

/*
 * Decoded text and where it was written, so that a message can point into it. raw is the JSON
 * literal behind the opening quote, which place stands for; NULL: every offset is at place.
 */
struct source_text {
    const char *text; /* NUL-terminated */
    struct place place;
    const char *raw;
    size_t n_raw;
};

/* Where byte number offset of the decoded text stands, escapes counted as they were written. */
struct place place_inside(const struct source_text *source, size_t offset);

enum diagnostic_name {
#define DIAGNOSTIC(name, text, hint) DIAG_##name,
#include "config/diagnostics.def"
#undef DIAGNOSTIC
    DIAG_COUNT
};

#define DIAGNOSTIC_ARGUMENTS 5 /* {1} to {4}; number 0 is not used */

/*
 * Adds one diagnostic, unless it is there already. Text and hint of the table have {1} to {4}
 * replaced; control characters are made visible and overlong arguments cut. A hint that names an
 * argument that is NULL is left out. Returns false, so that a check can end with it.
 */
bool diag_report(struct diagnostic_list *list, struct place place, enum diagnostic_name name,
                 const char *const arguments[DIAGNOSTIC_ARGUMENTS]);

#define REPORT(list, place, name, ...)    \
    diag_report(list, place, DIAG_##name, \
                (const char *const[DIAGNOSTIC_ARGUMENTS]){"", ##__VA_ARGS__})

struct type_table;

/*
 * What every part of one load needs. Without memory a load cannot go on, and no part could do
 * anything about it: work_alloc then jumps to on_no_memory, and never returns NULL.
 */
struct workspace {
    struct config_memory memory;
    struct diagnostic_list *list;
    jmp_buf on_no_memory;
    struct type_table *types; /* what `types` declared (types.c); NULL: nothing */
    const char *preset;       /* whose `types` are read; NULL: the user's own are */
};

void *work_alloc(struct workspace *work, size_t n_bytes);
char *work_copy_text(struct workspace *work, const char *text, size_t n_bytes);
const char *work_join(struct workspace *work, const char *a, const char *b, const char *c);
const char *work_number(struct workspace *work, uint64_t number);

/* ---- words.c --------------------------------------------------------------------------------- */

/* Of words[0..n_words) (NULLs skipped) the one nearest to word by edit distance, if it is near
 * enough to be a misspelling of it; else NULL. */
const char *words_nearest(const char *word, const char *const *words, size_t n_words);

/* "did you mean 'x'?", or, when nothing is near, "known here: a, b, c"; NULL without words. */
const char *words_hint(struct workspace *work, const char *word, const char *const *words,
                       size_t n_words);

#endif
