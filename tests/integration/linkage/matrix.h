// SPDX-License-Identifier: MIT
/*
 * The library whose functions are reached in every way there is, and what it counts: for each path
 * and each site (the code that calls, numbered in the order of the first call) how often the
 * function really ran. A function's argument is the number of the site.
 */
#ifndef MATRIX_H
#define MATRIX_H

#ifdef __cplusplus
extern "C" {
#endif

typedef long (*step_fn)(long site);

enum matrix_path {
#define PATH(name)    MATRIX_##name,
#define SPECIAL(name) MATRIX_##name,
#include "paths.def"
#undef PATH
#undef SPECIAL
    MATRIX_PATHS
};

/* Counts a real call and gives its result. */
long matrix_real(enum matrix_path path, long site);

/* The number of the site that begins now. */
long matrix_next_site(void);

/* Writes the counts to the file that MATRIX_COUNTS names: "PATH SITE COUNT" on each line. */
void matrix_write_counts(void);

#define PATH(name) long matrix_##name(long site);
#define SPECIAL(name)
#include "paths.def"
#undef PATH
#undef SPECIAL

extern step_fn matrix_copied_pointer;
extern const step_fn matrix_copied_fixed_pointer;
long matrix_other_name(long site);
long matrix_versioned(long site);
long matrix_ifunc(long site);
long matrix_ifunc_fixed(long site);

/* Of one function, whose address is compared wherever it can be had. */
long matrix_same(long unused);
extern step_fn matrix_same_pointer;

/* A look-up by the library, of no interest by itself. */
void matrix_look_up(void *handle);

/* The library's own calls. */
long matrix_via_own(long site);
long matrix_via_own_pointer(long site);
long matrix_via_own_protected(long site);
long matrix_via_own_hidden(long site);
long matrix_via_own_static(long site);
long matrix_via_own_symbolic(long site);

/* The paths of one site. The first in the object at hand, the second in a library or a plugin. */
__attribute__((visibility("hidden"))) void run_paths(long site);
void matrix_run(void);

__attribute__((visibility("hidden"))) extern step_fn volatile mixed_pointer;
__attribute__((visibility("hidden"))) long run_vtable(long site);
__attribute__((visibility("hidden"))) long run_copied_vtable(long site);

#ifdef __cplusplus
}

/* Their only functions are the library's. */
struct MatrixInherited {
    virtual long step(long site) const;
};

struct MatrixCopied {
    virtual long step(long site) const;
};
#endif
#endif
