// SPDX-License-Identifier: MIT
/* The program of the linkage matrix: takes all paths itself and has libraries and plugins do so. */
#define _GNU_SOURCE
#include "matrix.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *open_plugin(const char *name, int flags)
{
    void *handle = dlopen(name, RTLD_LAZY | flags);

    if (handle == NULL) {
        printf("%s\n", dlerror());
        exit(4);
    }
    return handle;
}

static void *look_up(void *handle, const char *name)
{
    void *found = dlsym(handle, name);

    if (found == NULL) {
        printf("%s\n", dlerror());
        exit(5);
    }
    return found;
}

static void run_plugin(const char *name, int flags)
{
    ((void (*)(void))look_up(open_plugin(name, flags), "matrix_run"))();
}

/* One look-up before each call. */
static void run_twin(void *handle, const char *function, long site)
{
    long sum = 0;

    for (long i = 0; i < site + 2; i++) {
        sum += ((step_fn)look_up(handle, function))(site);
    }
    printf("%ld %s %ld\n", site, function, sum);
}

int main(void)
{
    void *twin_a, *twin_b;
    long site;

    run_paths(matrix_next_site());
    matrix_run();
    run_plugin("plugin.so", 0);
    run_plugin("deep.so", RTLD_DEEPBIND);
    run_plugin("late_plugin.so", 0);
    twin_a = open_plugin("twin_a.so", 0);
    twin_b = open_plugin("twin_b.so", 0);
    site = matrix_next_site();
    run_twin(twin_a, "twin_call", site);
    run_twin(twin_b, "twin_call", site);
    run_twin(twin_a, "twin_call_fixed", site);
    run_twin(twin_b, "twin_call_fixed", site);
    matrix_write_counts();
    return 0;
}
