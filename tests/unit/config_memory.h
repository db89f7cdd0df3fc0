// SPDX-License-Identifier: MIT
/* Memory for the tests of config: malloc'ed blocks, so that a sanitizer sees each one's bounds. */
#ifndef TESTS_CONFIG_MEMORY_H
#define TESTS_CONFIG_MEMORY_H

#include "config/config.h"

#include <stdlib.h>
#include <string.h>

/* Blocks in a list; budget: how many more may be handed out. */
struct test_memory {
    struct test_block *blocks;
    unsigned long budget;
};

struct test_block {
    struct test_block *next;
    void *padding; /* what follows stays aligned to 16 */
};

static inline void *test_memory_alloc(void *context, size_t n_bytes)
{
    struct test_memory *memory = context;
    struct test_block *block;

    if (memory->budget == 0) {
        return NULL;
    }
    memory->budget--;
    block = calloc(1, sizeof(*block) + n_bytes);
    block->next = memory->blocks;
    memory->blocks = block;
    return block + 1;
}

static inline void test_memory_free(struct test_memory *memory)
{
    while (memory->blocks != NULL) {
        struct test_block *next = memory->blocks->next;

        free(memory->blocks);
        memory->blocks = next;
    }
}

static inline struct config_memory test_memory_init(struct test_memory *memory)
{
    *memory = (struct test_memory){.budget = (unsigned long)-1};
    return (struct config_memory){test_memory_alloc, memory};
}

#endif
