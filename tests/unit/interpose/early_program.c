// SPDX-License-Identifier: MIT
/*
 * Runs under the preload of early.c: calls target_called from its preinit array, from a constructor
 * and from main, and expects every one to have been redirected. It brings its own malloc, so that
 * one entered from the preload's constructor is seen.
 */
#include "early.h"

#include "target.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#pragma weak early_calls
#pragma weak early_result
#pragma weak early_mallocs
#pragma weak early_real_dlsym
#pragma weak chain_dlsym

unsigned program_mallocs;

static _Alignas(16) unsigned char heap[1 << 22];
static size_t heap_used;

void *malloc(size_t n_bytes)
{
    void *block = heap + heap_used;

    program_mallocs++;
    heap_used += (n_bytes + 15) & ~(size_t)15;
    return heap_used <= sizeof(heap) ? block : NULL;
}

void free(void *block)
{
}

void *calloc(size_t n, size_t n_bytes)
{
    return malloc(n * n_bytes);
}

void *realloc(void *block, size_t n_bytes)
{
    unsigned char *grown = malloc(n_bytes);

    for (size_t i = 0; block != NULL && grown != NULL && i < n_bytes; i++) {
        grown[i] = ((unsigned char *)block)[i];
    }
    return grown;
}

/* Stands before the preload in the scope, so it is never "the next". */
void *dlsym(void *handle, const char *symbol)
{
    return NULL;
}

static int n_wrong;

static void call_once(void)
{
    n_wrong += target_called(7) != 7 + TARGET_called;
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = call_once;

__attribute__((constructor)) static void construct(void)
{
    call_once();
}

int main(void)
{
    if (&early_calls == NULL) {
        puts("the preload is not there");
        return 1;
    }
    call_once();
    if (early_real_dlsym == NULL || early_real_dlsym == (void *)dlsym ||
        (chain_dlsym != NULL && early_real_dlsym != chain_dlsym())) {
        puts("the wrong dlsym");
        return 1;
    }
    if (early_result != 0 || early_calls != 3 || target_calls[TARGET_called] != 3 ||
        early_mallocs != 0 || n_wrong != 0) {
        printf("result %d, redirected %d, real %u, mallocs %u, wrong %d\n", early_result,
               early_calls, target_calls[TARGET_called], early_mallocs, n_wrong);
        return 1;
    }
    return 0;
}
