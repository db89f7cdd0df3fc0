// SPDX-License-Identifier: MIT
/* The program's own malloc: libc's, with a count of the blocks that are in use. */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

void *__libc_malloc(size_t n_bytes);
void *__libc_calloc(size_t n, size_t n_bytes);
void *__libc_realloc(void *block, size_t n_bytes);
void *__libc_memalign(size_t alignment, size_t n_bytes);
void __libc_free(void *block);
long counting_live(void);

static _Atomic long n_live;

long counting_live(void)
{
    return n_live;
}

static void *count(void *block)
{
    n_live += block != NULL;
    return block;
}

void *malloc(size_t n_bytes)
{
    return count(__libc_malloc(n_bytes));
}

void *calloc(size_t n, size_t n_bytes)
{
    return count(__libc_calloc(n, n_bytes));
}

void *realloc(void *block, size_t n_bytes)
{
    void *larger = __libc_realloc(block, n_bytes);

    n_live += (block == NULL && larger != NULL) - (block != NULL && n_bytes == 0);
    return larger;
}

void *memalign(size_t alignment, size_t n_bytes)
{
    return count(__libc_memalign(alignment, n_bytes));
}

void *aligned_alloc(size_t alignment, size_t n_bytes)
{
    return memalign(alignment, n_bytes);
}

int posix_memalign(void **ret_block, size_t alignment, size_t n_bytes)
{
    *ret_block = memalign(alignment, n_bytes);
    return *ret_block != NULL ? 0 : ENOMEM;
}

void free(void *block)
{
    n_live -= block != NULL;
    __libc_free(block);
}
