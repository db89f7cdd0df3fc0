// SPDX-License-Identifier: MIT
/*
 * The driver's view of the functions of subject.h: how their arguments are drawn, laid out in a
 * list, passed in a loop, and judged. All lists are of one type of argument; nobody's are shared.
 */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shape {
    const char *name;
    size_t bytes; /* of one argument in a list */

    /* Argument number n, of as many as 2^32; two numbers are two arguments. */
    void (*draw)(uint64_t n, void *ret_argument);

    /* Where it belongs in a table mapped directly (memo.h). NULL: nobody wrote one by hand. */
    uint32_t (*fold)(const void *argument);

    /* What is measured: n_passes times over the list. Nothing but calls and the sum of results. */
    void (*call)(const void *list, uint32_t n, uint32_t n_passes);

    /* One call, and whether it said what the function says. */
    bool (*is_right)(const void *argument);
};

/* NULL if there is none of that name. */
const struct shape *shape_find(const char *name);

#endif
