// SPDX-License-Identifier: MIT
/*
 * A program with an allocator as Lisp systems have it: in one piece that begins at the break, and
 * good for nothing before main has found it. Whoever asks earlier ends the program. With
 * -DWHOLE it is one that can be asked at any time, and has all that libc's has.
 */
#include "counted.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ALIGNMENT 16

void *malloc(size_t n_bytes);
void free(void *block);
void *calloc(size_t n, size_t n_bytes);
void *realloc(void *block, size_t n_bytes);

#ifdef WHOLE
#define is_ready true

void *aligned_alloc(size_t alignment, size_t n_bytes);
#else
static bool is_ready;
#endif

/* Each block has its size before it, and none is used again. */
static void *take(size_t alignment, size_t n_bytes)
{
    uintptr_t start;
    char *room;

    if (!is_ready) {
        _exit(9);
    }
    room = sbrk((intptr_t)(n_bytes + 2 * alignment));
    start = ((uintptr_t)room + 2 * alignment - 1) / alignment * alignment;
    *(size_t *)(start - sizeof(size_t)) = n_bytes;
    return (void *)start;
}

void *malloc(size_t n_bytes)
{
    return take(ALIGNMENT, n_bytes);
}

void free(void *block)
{
}

void *calloc(size_t n, size_t n_bytes)
{
    return take(ALIGNMENT, n * n_bytes); /* memory behind the break is zero */
}

void *realloc(void *block, size_t n_bytes)
{
    void *moved = take(ALIGNMENT, n_bytes);

    if (block != NULL) {
        size_t n_before = ((size_t *)block)[-1];

        memcpy(moved, block, n_before < n_bytes ? n_before : n_bytes);
    }
    return moved;
}

#ifdef WHOLE
void *aligned_alloc(size_t alignment, size_t n_bytes)
{
    return take(alignment < ALIGNMENT ? ALIGNMENT : alignment, n_bytes);
}
#endif

int main(void)
{
    long sum = 0;

#ifndef WHOLE
    is_ready = true;
#endif
    for (long i = 0; i < 100; i++) {
        sum += counted_square(i % 10);
    }
    printf("%ld\n", sum);
    return 3;
}
