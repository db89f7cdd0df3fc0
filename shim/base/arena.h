// SPDX-License-Identifier: MIT
/*
 * A bump allocator on private mappings, for memory that lives as long as its owner: the validated
 * configuration, plans, tables built once. The program's own allocator is never entered. Single
 * blocks are not freed; arena_fini gives everything back. Not locked: one thread builds, later
 * readers only read.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used_in_chunk;       /* bytes handed out of chunks, its header included */
    size_t total_bytes;         /* mapped in all */
    size_t limit_bytes;         /* total_bytes never exceeds it */
};

/* Makes an empty arena that maps at most limit_bytes. Nothing is mapped yet. */
void arena_init(struct arena *arena, size_t limit_bytes);

/* Unmaps everything; the arena may be used again. */
void arena_fini(struct arena *arena);

/*
 * n_bytes of zeroed memory, aligned to 16; NULL when the limit or the kernel says no.
 * A request of 0 bytes gives a valid pointer.
 */
void *arena_alloc(struct arena *arena, size_t n_bytes);

/* arena_alloc with the signature of an allocation callback: context is a struct arena *. */
void *arena_alloc_callback(void *context, size_t n_bytes);

/* A copy of text[0..n_bytes) with a NUL behind it, or NULL. */
char *arena_copy_text(struct arena *arena, const char *text, size_t n_bytes);

/* Whole pages straight from the kernel, zeroed; NULL when it says no. Round n_bytes up yourself. */
void *pages_map(size_t n_bytes);
void pages_unmap(void *pages, size_t n_bytes);

/*
 * Gives the memory back and keeps the addresses: the pages read as zeroes from now on, and take
 * memory again once they are written; or have kept it, where the kernel takes none back. Undoes
 * pages_protect_secret's lock.
 */
void pages_empty(void *pages, size_t n_bytes);

/*
 * Keeps the pages out of core dumps and, as far as the process's limit on locked memory goes, out
 * of swap. For keys and for whatever is declared secret. Failing to lock is not an error.
 */
void pages_protect_secret(void *pages, size_t n_bytes);

/* The run-time page size in bytes. */
size_t pages_size(void);

#endif
