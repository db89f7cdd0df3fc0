// SPDX-License-Identifier: MIT
/*
 * The loader's own list of objects, for what is done before interpose_init knows any. Nothing here
 * calls a function that another preload or a sanitizer's runtime may have replaced.
 */
#ifndef INTERPOSE_EARLY_H
#define INTERPOSE_EARLY_H

#include "interpose/elf_view.h"
#include <link.h>

/* The executable, the first of the list; NULL when it does not lead to the list. */
const struct link_map *early_first(void);

/* Of a library, whose first page is mapped at its load address; false when it is not. */
bool early_view_library(const struct link_map *map, struct elf_view *ret_view);

#endif
