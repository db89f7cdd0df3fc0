// SPDX-License-Identifier: MIT
/* The lock of dl_iterate_phdr, to be looked at and never to be touched. */
#ifndef INTERPOSE_LOADER_LOCK_H
#define INTERPOSE_LOADER_LOCK_H

#include "interpose/elf_view.h"

/* The word that is 0 while the lock is free, or NULL. While there is one thread. */
const int *loader_lock_find(const struct elf_view *loader);

#endif
