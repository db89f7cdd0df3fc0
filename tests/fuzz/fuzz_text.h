// SPDX-License-Identifier: MIT
/* For the fuzz targets whose input is text for one of the parsers in config/. */
#ifndef TESTS_FUZZ_TEXT_H
#define TESTS_FUZZ_TEXT_H

#include "config/language.h"
#include "fuzz.h"

static inline void fuzz_text_run(void (*parse)(struct workspace *work, const char *text),
                                 struct workspace *work, const uint8_t *data, size_t n_bytes)
{
    if (setjmp(work->on_no_memory) == 0) {
        parse(work, work_copy_text(work, (const char *)data, n_bytes));
    }
}

/*
 * Calls parse with the input as text, in memory that is given back afterwards. Bytes behind a NUL
 * never reach the parser: configuration text has none.
 */
static inline void fuzz_text(void (*parse)(struct workspace *work, const char *text),
                             const uint8_t *data, size_t n_bytes)
{
    static struct diagnostic_list list;
    struct fuzz_memory blocks = {NULL, 0};
    struct workspace work = {.memory = {fuzz_memory_alloc, &blocks}, .list = &list};

    diagnostics_init(&list, work.memory);
    fuzz_text_run(parse, &work, data, n_bytes);
    fuzz_memory_free(&blocks);
}

#endif
