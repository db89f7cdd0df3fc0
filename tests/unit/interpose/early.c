// SPDX-License-Identifier: MIT
/*
 * A preload that redirects target_called from an initfirst constructor, before anything else of the
 * program runs, and notes how often the program's malloc was entered meanwhile.
 */
#include "early.h"

#include "interpose/interpose.h"
#include <errno.h>

int early_calls;
int early_result = -1;
unsigned early_mallocs;
void *early_real_dlsym;

static struct interpose_binding binding;

static int count_call(int x)
{
    early_calls++;
    return ((int (*)(int))binding.original)(x);
}

__attribute__((constructor)) static void start(void)
{
    unsigned mallocs_before = program_mallocs;
    struct interpose_definition definition;

    errno = EXDEV;
    early_result = interpose_init();
    if (early_result == 0 && interpose_find("target_called", NULL, NULL, &definition, 1) == 1) {
        binding = (struct interpose_binding){.symbol = "target_called",
                                             .original = definition.address,
                                             .replacement = (void *)count_call};
        early_result = interpose_apply(&binding, 1);
    }
    early_real_dlsym = interpose_real_dlsym();
    if (errno != EXDEV) {
        early_result = -errno;
    }
    early_mallocs = program_mallocs - mallocs_before;
}
