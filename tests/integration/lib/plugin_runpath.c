// SPDX-License-Identifier: MIT
/* A plugin that loads a library which only its own RUNPATH ($ORIGIN/deps) leads to. */
#include <dlfcn.h>
#include <stddef.h>

long plugin_by_name(long x);
long plugin_by_origin(long x);

static long call_step(const char *path, long x)
{
    void *library = dlopen(path, RTLD_NOW);
    long (*step)(long x) = library != NULL ? (long (*)(long))dlsym(library, "pending_step") : NULL;

    return step != NULL ? step(x) : -1;
}

long plugin_by_name(long x)
{
    return call_step("libonly_here.so", x);
}

long plugin_by_origin(long x)
{
    return call_step("$ORIGIN/deps/libonly_here.so", x);
}
