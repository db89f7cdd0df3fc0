// SPDX-License-Identifier: MIT
/*
 * A preload in libc's place that ends the program with status 99 when memoshim, and nobody else,
 * calls one of its functions. They are some of those that memoshim calls at its start, on each call
 * and when it writes statistics, and that no memoized function ends with: such a call would seem to
 * come from memoshim.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <link.h>

static void look_at(const void *caller)
{
    static const char name[] = "/libmemoshim.so";
    static const char text[] = "jealous: called by memoshim\n";
    struct dl_find_object found;
    const char *path;
    size_t n = 0, n_same = 0;

    if (_dl_find_object((void *)caller, &found) != 0 || found.dlfo_link_map == NULL) {
        return;
    }
    path = found.dlfo_link_map->l_name;
    while (path[n] != '\0') { /* strcmp is our own */
        n++;
    }
    while (n_same < sizeof(name) && n_same <= n &&
           path[n - n_same] == name[sizeof(name) - 1 - n_same]) {
        n_same++;
    }
    if (n_same == sizeof(name) && write(2, text, sizeof(text) - 1) >= 0) {
        _exit(99);
    }
}

/* The next definition, looked up once. */
#define NEXT(name)                                        \
    static __typeof__(name) *next;                        \
                                                          \
    look_at(__builtin_return_address(0));                 \
    if (next == NULL) {                                   \
        next = (__typeof__(next))dlsym(RTLD_NEXT, #name); \
    }

int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context)
{
    NEXT(dl_iterate_phdr)
    return next(visit, context);
}

int mprotect(void *address, size_t n_bytes, int protection)
{
    NEXT(mprotect)
    return next(address, n_bytes, protection);
}

int madvise(void *address, size_t n_bytes, int advice)
{
    NEXT(madvise)
    return next(address, n_bytes, advice);
}

int munmap(void *address, size_t n_bytes)
{
    NEXT(munmap)
    return next(address, n_bytes);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *ret_before)
{
    NEXT(sigaction)
    return next(number, action, ret_before);
}

void *dlmopen(Lmid_t space, const char *path, int flags)
{
    NEXT(dlmopen)
    return next(space, path, flags);
}

int vsnprintf(char *text, size_t n_room, const char *format, va_list arguments)
{
    NEXT(vsnprintf)
    return next(text, n_room, format, arguments);
}

int memcmp(const void *a, const void *b, size_t n_bytes)
{
    const unsigned char *x = a, *y = b;

    look_at(__builtin_return_address(0));
    for (; n_bytes > 0 && *x == *y; n_bytes--) {
        x++;
        y++;
    }
    return n_bytes > 0 ? *x - *y : 0;
}

int strcmp(const char *a, const char *b)
{
    look_at(__builtin_return_address(0));
    for (; *a != '\0' && *a == *b; a++) {
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}
