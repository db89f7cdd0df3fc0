// SPDX-License-Identifier: MIT
/*
 * A plugin that reaches counted_square in every way that an object loaded later can: its
 * constructor, calls, pointers of each kind, dlsym. Built once for each way of linking; the host
 * calls the functions by name. Each returns counted_square(x), or -1 when two ways disagree.
 */
#include "counted.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long (*square_fn)(long x);

long plugin_call(long x);
long plugin_taken(long x);
long plugin_pointer(long x);
long plugin_fixed(long x);
long plugin_constructed(long x);
long plugin_default(long x);
long plugin_next(long x);
long plugin_same(long address);
long plugin_narrow(long x);
long plugin_named(long x);

static square_fn volatile pointer = counted_square;
static const square_fn fixed = counted_square;
static long constructed;

static void call_square(long x)
{
    counted_square(x);
}

__attribute__((constructor)) static void construct(void)
{
    char text[32];

    snprintf(text, sizeof(text), "%p", (void *)call_square);
    setenv("PLUGIN_HOOK", text, 1);
    constructed = counted_square(70) + pointer(70);
    counted_by_constructors += 2;
}

long plugin_call(long x)
{
    return counted_square(x);
}

long plugin_taken(long x)
{
    square_fn volatile taken = counted_square;
    long first = taken(x);

    return first == counted_square(x) ? first : -1;
}

long plugin_pointer(long x)
{
    return pointer(x);
}

long plugin_fixed(long x)
{
    const square_fn *volatile from = &fixed;

    return (*from)(x);
}

/* What the constructor got: twice 4900. */
long plugin_constructed(long x)
{
    return constructed;
}

static long look_up(void *handle, long x)
{
    square_fn found = (square_fn)dlsym(handle, "counted_square");

    return found == NULL ? -1 : found(x);
}

long plugin_default(long x)
{
    return look_up(RTLD_DEFAULT, x);
}

long plugin_next(long x)
{
    return look_up(RTLD_NEXT, x);
}

/* 1 when the host's pointer and all of ours are the same. */
long plugin_same(long address)
{
    return (long)pointer == address && (long)fixed == address && (long)counted_square == address &&
           (long)dlsym(RTLD_DEFAULT, "counted_square") == address;
}

/* Of a function that nobody else imports. */
long plugin_narrow(long x)
{
    return counted_narrow((short)x);
}

/* 1 when dladdr and dladdr1 say of our pointer what they say of libcounted. */
long plugin_named(long x)
{
    Dl_info about, about_1, library;
    struct link_map *map = NULL;

    return dladdr((void *)pointer, &about) != 0 && dladdr((void *)counted_total, &library) != 0 &&
           dladdr1((void *)pointer, &about_1, (void **)&map, RTLD_DL_LINKMAP) != 0 &&
           about.dli_fbase == library.dli_fbase && about_1.dli_fbase == library.dli_fbase &&
           strcmp(about.dli_fname, library.dli_fname) == 0 &&
           strcmp(about.dli_sname, "counted_square") == 0 && about.dli_saddr == about_1.dli_saddr &&
           strcmp(map->l_name, library.dli_fname) == 0;
}
