// SPDX-License-Identifier: MIT
/* See matrix.h. */
#include "matrix.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_SITES 16

static long counts[MATRIX_PATHS][MAX_SITES];
static const char *const names[] = {
#define PATH(name)    #name,
#define SPECIAL(name) #name,
#include "paths.def"
#undef PATH
#undef SPECIAL
};

long matrix_real(enum matrix_path path, long site)
{
    counts[path][site]++;
    return 100 * (path + 1) + site;
}

long matrix_next_site(void)
{
    static long n_sites;

    return n_sites++;
}

void matrix_write_counts(void)
{
    const char *path = getenv("MATRIX_COUNTS");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;

    if (file == NULL) {
        exit(3);
    }
    for (int i = 0; i < MATRIX_PATHS; i++) {
        for (int site = 0; site < MAX_SITES; site++) {
            if (counts[i][site] > 0) {
                fprintf(file, "%s %d %ld\n", names[i], site, counts[i][site]);
            }
        }
    }
    fclose(file);
}

void matrix_look_up(void *handle)
{
    dlsym(handle, "matrix_call");
}

#define PATH(name)                               \
    long matrix_##name(long site)                \
    {                                            \
        return matrix_real(MATRIX_##name, site); \
    }
#define SPECIAL(name)
#include "paths.def"
#undef PATH
#undef SPECIAL

step_fn matrix_copied_pointer = matrix_copied;
const step_fn matrix_copied_fixed_pointer = matrix_copied_fixed;

__attribute__((alias("matrix_aliased"))) long matrix_aliased_too(long site);

/* ---- the same address under another name ----------------------------------------------------- */

long matrix_alias(long site);

long matrix_alias(long site)
{
    return matrix_real(MATRIX_alias, site);
}

__attribute__((alias("matrix_alias"))) long matrix_other_name(long site);

/* ---- two versions ---------------------------------------------------------------------------- */

long version_new(long site);
long version_old(long site);
long dlsym_new(long site);
long dlvsym_old(long site);

long version_new(long site)
{
    return matrix_real(MATRIX_version_new, site);
}

long version_old(long site)
{
    return matrix_real(MATRIX_version_old, site);
}

long dlsym_new(long site)
{
    return matrix_real(MATRIX_dlsym_new, site);
}

long dlvsym_old(long site)
{
    return matrix_real(MATRIX_dlvsym_old, site);
}

__asm__(".symver version_new, matrix_versioned@@MATRIX_2");
__asm__(".symver version_old, matrix_versioned@MATRIX_1");
__asm__(".symver dlsym_new, matrix_found@@MATRIX_2");
__asm__(".symver dlvsym_old, matrix_found@MATRIX_1");

/* ---- chosen when it is bound ----------------------------------------------------------------- */

static long run_ifunc(long site)
{
    return matrix_real(MATRIX_ifunc, site);
}

static long run_ifunc_fixed(long site)
{
    return matrix_real(MATRIX_ifunc_fixed, site);
}

__attribute__((used)) static step_fn choose_ifunc(void)
{
    return run_ifunc;
}

__attribute__((used)) static step_fn choose_ifunc_fixed(void)
{
    return run_ifunc_fixed;
}

__attribute__((ifunc("choose_ifunc"))) long matrix_ifunc(long site);
__attribute__((ifunc("choose_ifunc_fixed"))) long matrix_ifunc_fixed(long site);

/* ---- the address ----------------------------------------------------------------------------- */

long matrix_same(long unused)
{
    return unused;
}

step_fn matrix_same_pointer = matrix_same;

/* ---- calls that do not leave the library ----------------------------------------------------- */

static step_fn volatile own_pointer = matrix_own_pointer;

long matrix_own_protected(long site);
long matrix_own_hidden(long site);

__attribute__((visibility("protected"))) long matrix_own_protected(long site)
{
    return matrix_real(MATRIX_own_protected, site);
}

__attribute__((visibility("hidden"))) long matrix_own_hidden(long site)
{
    return matrix_real(MATRIX_own_hidden, site);
}

__attribute__((noinline)) static long matrix_own_static(long site)
{
    return matrix_real(MATRIX_own_static, site);
}

long matrix_via_own(long site)
{
    return matrix_own(site);
}

long matrix_via_own_pointer(long site)
{
    return own_pointer(site);
}

long matrix_via_own_protected(long site)
{
    return matrix_own_protected(site);
}

long matrix_via_own_hidden(long site)
{
    return matrix_own_hidden(site);
}

long matrix_via_own_static(long site)
{
    return matrix_own_static(site);
}
