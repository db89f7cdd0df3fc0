// SPDX-License-Identifier: MIT
/*
 * What the shim asks of the GNU C library and others lack. A program of another one (musl) may have
 * been started by one that has LD_PRELOAD in its environment, and its loader ends a program whose
 * preload lacks a symbol. So these are weak: there they are NULL, and the constructor, which asks
 * libc_is_gnu first of all, calls none of them. Nothing else may: nothing here tells whether they
 * are there. Whoever uses one includes this; tests/lint/exports.py sees one that is not weak.
 */
#ifndef BASE_FOREIGN_LIBC_H
#define BASE_FOREIGN_LIBC_H

#include <gnu/libc-version.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/single_threaded.h>
#if defined(__x86_64__)
#include <sys/platform/x86.h> /* clang wants to see what is to be weak */
#endif

#pragma weak gnu_get_libc_version
#pragma weak strerrordesc_np
#pragma weak __libc_single_threaded
#if defined(__x86_64__)
#pragma weak __x86_get_cpuid_feature_leaf
#endif

/*
 * libc's own, declared by no header: those that are in its headers come with a part that is linked
 * into each object, and which calls these by a symbol that is not weak. A NULL object: not tied to
 * the unloading of anything. They return 0, or an errno (__register_atfork), or less than 0.
 */
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                      void *object) __attribute__((weak));
int __cxa_at_quick_exit(void (*function)(void *), void *object) __attribute__((weak));

/* Whether this process has the C library that the shim was built for. */
static inline bool libc_is_gnu(void)
{
    return gnu_get_libc_version != NULL;
}

#endif
