// SPDX-License-Identifier: MIT
/*
 * Every path to the library, as taken by one object: the program, a library, a plugin. Site number
 * n calls each function n + 2 times and prints the sum of the results.
 */
#define _GNU_SOURCE
#include "matrix.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static step_fn volatile pointer = matrix_pointer;
static const step_fn fixed = matrix_fixed;
static const step_fn table[] = {matrix_table, matrix_ifunc_fixed};

static struct {
    char odd;
    step_fn step;
} __attribute__((packed, aligned(8))) packed = {1, matrix_packed};

static step_fn volatile same_pointer = matrix_same;
static const step_fn same_fixed = matrix_same;

__asm__(".symver old_versioned, matrix_versioned@MATRIX_1");
long old_versioned(long site);

/* Constants are read where they lie, not folded into the code. */
static step_fn read_constant(const step_fn *volatile constant)
{
    return *constant;
}

static step_fn read_packed(void)
{
    const volatile char *from = (const volatile char *)&packed.step;
    union {
        char bytes[sizeof(step_fn)];
        step_fn step;
    } copy;

    for (unsigned i = 0; i < sizeof(copy.bytes); i++) {
        copy.bytes[i] = from[i];
    }
    return copy.step;
}

static long call_found(void *found, long site)
{
    step_fn step = (step_fn)found;

    return step != NULL ? step(site) : -1;
}

/* Which of its addresses are one. */
static long compare_addresses(void)
{
    void *found = dlsym(RTLD_DEFAULT, "matrix_same");
    step_fn volatile taken = matrix_same;

    return (found == (void *)taken) + 2 * (same_pointer == taken) +
           4 * (read_constant(&same_fixed) == taken) + 8 * (matrix_same_pointer == taken);
}

#define RUN(path, call)                           \
    do {                                          \
        long sum = 0;                             \
        for (long i = 0; i < site + 2; i++) {     \
            sum += (call);                        \
        }                                         \
        printf("%ld " #path " %ld\n", site, sum); \
    } while (0)

/*
 * In an object that came later, memoshim redirects some slots at the next miss or look-up only. So
 * the calls stand in groups: first those that are neither, last those whose dlsym has been set
 * right by a look-up of the library's.
 */
void run_paths(long site)
{
    step_fn volatile taken = matrix_taken, both = matrix_both;
    void *handle = dlopen("libmatrix.so", RTLD_LAZY | RTLD_NOLOAD);

    RUN(version_new, matrix_versioned(site));
    RUN(version_old, old_versioned(site));
    RUN(call, matrix_call(site));
    RUN(taken, taken(site));
    RUN(both, i % 2 == 0 ? matrix_both(site) : both(site));
    RUN(mixed, i % 2 == 0 ? matrix_mixed(site) : mixed_pointer(site));
    RUN(pointer, pointer(site));
    RUN(fixed, read_constant(&fixed)(site));
    RUN(packed, read_packed()(site));
    RUN(table, read_constant(&table[0])(site));
    RUN(vtable, run_vtable(site));
    RUN(aliased, matrix_aliased(site));
    RUN(alias, matrix_other_name(site));
    RUN(ifunc, matrix_ifunc(site));
    RUN(ifunc_fixed, read_constant(&table[1])(site));
    RUN(handle_early, call_found(dlsym(handle, "matrix_handle_early"), site));

    RUN(copied, matrix_copied_pointer(site));
    RUN(copied_fixed, read_constant(&matrix_copied_fixed_pointer)(site));
    RUN(copied_vtable, run_copied_vtable(site));
    RUN(own, matrix_via_own(site));
    RUN(own_pointer, matrix_via_own_pointer(site));
    RUN(own_protected, matrix_via_own_protected(site));
    RUN(own_hidden, matrix_via_own_hidden(site));
    RUN(own_static, matrix_via_own_static(site));
    RUN(own_symbolic, matrix_via_own_symbolic(site));

    matrix_look_up(handle);
    RUN(handle, call_found(dlsym(handle, "matrix_handle"), site));
    RUN(default, call_found(dlsym(RTLD_DEFAULT, "matrix_default"), site));
    RUN(next, call_found(dlsym(RTLD_NEXT, "matrix_next"), site));
    RUN(dlvsym, call_found(dlvsym(handle, "matrix_dlvsym", "MATRIX_1"), site));
    RUN(dlvsym_default,
        call_found(dlvsym(RTLD_DEFAULT, "matrix_dlvsym_default", "MATRIX_1"), site));
    RUN(dlsym_new, call_found(dlsym(RTLD_DEFAULT, "matrix_found"), site));
    RUN(dlvsym_old, call_found(dlvsym(RTLD_DEFAULT, "matrix_found", "MATRIX_1"), site));
    printf("%ld addresses %ld\n", site, compare_addresses());
    dlclose(handle);
}

__attribute__((constructor)) static void construct(void)
{
    run_paths(matrix_next_site());
}
