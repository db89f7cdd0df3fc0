// SPDX-License-Identifier: MIT
/* Another preload that defines dlsym, after the one of early.c: the next in the chain. */
#include "early.h"

void *dlsym(void *handle, const char *symbol)
{
    return 0;
}

void *chain_dlsym(void)
{
    return (void *)dlsym;
}
