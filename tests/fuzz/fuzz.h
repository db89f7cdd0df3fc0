// SPDX-License-Identifier: MIT
/* What the fuzz targets share: an entry point, a check that ends the process, bounded memory. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

#define FUZZ_CHECK(condition)                                               \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

#define FUZZ_MEMORY_MAX_BYTES (64u << 20) /* what no honest configuration comes near to */

/* Single blocks, so that a sanitizer sees the end of each; all given back after one input. */
struct fuzz_memory {
    struct fuzz_block *blocks;
    size_t n_bytes;
};

struct fuzz_block {
    struct fuzz_block *next;
    void *padding; /* what follows stays aligned to 16 */
};

static inline void *fuzz_memory_alloc(void *context, size_t n_bytes)
{
    struct fuzz_memory *memory = context;
    struct fuzz_block *block;

    if (n_bytes > FUZZ_MEMORY_MAX_BYTES - memory->n_bytes) {
        return NULL;
    }
    block = calloc(1, sizeof(*block) + n_bytes);
    block->next = memory->blocks;
    memory->blocks = block;
    memory->n_bytes += n_bytes;
    return block + 1;
}

static inline void fuzz_memory_free(struct fuzz_memory *memory)
{
    while (memory->blocks != NULL) {
        struct fuzz_block *next = memory->blocks->next;

        free(memory->blocks);
        memory->blocks = next;
    }
    memory->n_bytes = 0;
}

#endif
