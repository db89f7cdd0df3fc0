// SPDX-License-Identifier: MIT
/*
 * Chunks double from 64 KiB, so that a small configuration costs one mapping and a large one a
 * handful. A request larger than the next chunk gets a chunk of its own size.
 */
#include "base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define ARENA_ALIGNMENT   16
#define ARENA_FIRST_CHUNK ((size_t)64 * 1024)

struct arena_chunk {
    struct arena_chunk *next;
    size_t n_bytes; /* of the mapping, this header included */
};

_Static_assert(sizeof(struct arena_chunk) % ARENA_ALIGNMENT == 0, "blocks start aligned");

size_t pages_size(void)
{
    /* getauxval and not sysconf: it needs nothing initialised and cannot fail. */
    return getauxval(AT_PAGESZ);
}

void *pages_map(size_t n_bytes)
{
    int saved_errno = errno;
    void *pages = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = saved_errno;
    return pages == MAP_FAILED ? NULL : pages;
}

void pages_unmap(void *pages, size_t n_bytes)
{
    int saved_errno = errno;
    munmap(pages, n_bytes);
    errno = saved_errno;
}

void pages_empty(void *pages, size_t n_bytes)
{
    int saved_errno = errno;

    if (madvise(pages, n_bytes, MADV_DONTNEED) != 0) {
        munlock(pages, n_bytes); /* locked pages stay where they are */
        if (madvise(pages, n_bytes, MADV_DONTNEED) != 0) {
            memset(pages, 0, n_bytes); /* as in a sandbox: the memory is kept, what was in it not */
        }
    }
    errno = saved_errno;
}

void pages_protect_secret(void *pages, size_t n_bytes)
{
    int saved_errno = errno;
    madvise(pages, n_bytes, MADV_DONTDUMP);
    mlock(pages, n_bytes);
    errno = saved_errno;
}

void arena_init(struct arena *arena, size_t limit_bytes)
{
    *arena = (struct arena){.limit_bytes = limit_bytes};
}

void arena_fini(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;

    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        pages_unmap(chunk, chunk->n_bytes);
        chunk = next;
    }
    arena_init(arena, arena->limit_bytes);
}

static bool arena_grow(struct arena *arena, size_t n_bytes)
{
    size_t page = pages_size();
    size_t wanted = arena->chunks == NULL ? ARENA_FIRST_CHUNK : arena->chunks->n_bytes * 2;
    size_t room = arena->limit_bytes - arena->total_bytes;
    struct arena_chunk *chunk;

    if (n_bytes > SIZE_MAX - sizeof(*chunk) - page) {
        return false;
    }
    if (wanted < n_bytes + sizeof(*chunk)) {
        wanted = n_bytes + sizeof(*chunk);
    }
    wanted = (wanted + page - 1) / page * page;
    if (wanted > room) {
        wanted = room / page * page;
    }
    if (wanted < n_bytes + sizeof(*chunk)) {
        return false;
    }
    chunk = pages_map(wanted);
    if (chunk == NULL) {
        return false;
    }
    chunk->next = arena->chunks;
    chunk->n_bytes = wanted;
    arena->chunks = chunk;
    arena->used_in_chunk = sizeof(*chunk);
    arena->total_bytes += wanted;
    return true;
}

void *arena_alloc(struct arena *arena, size_t n_bytes)
{
    size_t rounded;
    void *block;

    if (n_bytes > SIZE_MAX - ARENA_ALIGNMENT) {
        return NULL;
    }
    rounded = (n_bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (arena->chunks == NULL || arena->chunks->n_bytes - arena->used_in_chunk < rounded) {
        if (!arena_grow(arena, rounded)) {
            return NULL;
        }
    }
    block = (char *)arena->chunks + arena->used_in_chunk;
    arena->used_in_chunk += rounded;
    return block;
}

void *arena_alloc_callback(void *context, size_t n_bytes)
{
    return arena_alloc(context, n_bytes);
}

char *arena_copy_text(struct arena *arena, const char *text, size_t n_bytes)
{
    char *copy = n_bytes == SIZE_MAX ? NULL : arena_alloc(arena, n_bytes + 1);

    if (copy != NULL) {
        memcpy(copy, text, n_bytes);
        copy[n_bytes] = '\0';
    }
    return copy;
}
