// SPDX-License-Identifier: MIT
/*
 * Replaces functions that memoshim's own start needs by wrappers which look the real one up on
 * their first call, as wrappers do: so dlsym is asked before memoshim knows where the real one is.
 */
#include "counted.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of what glibc has had from its first release for the processor on. */
#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#else
#define FIRST_VERSION "GLIBC_2.17"
#endif

static unsigned n_not_found;

void *mmap(void *address, size_t n_bytes, int protection, int flags, int file, off_t offset)
{
    static void *(*real)(void *, size_t, int, int, int, off_t);

    if (real == NULL) {
        real = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    }
    if (real == NULL) {
        n_not_found++;
        return (void *)syscall(SYS_mmap, address, n_bytes, protection, flags, file, offset);
    }
    return real(address, n_bytes, protection, flags, file, offset);
}

int mprotect(void *address, size_t n_bytes, int protection)
{
    static int (*real)(void *, size_t, int);

    if (real == NULL) {
        real = (int (*)(void *, size_t, int))dlvsym(RTLD_NEXT, "mprotect", FIRST_VERSION);
    }
    if (real == NULL) {
        n_not_found++;
        return (int)syscall(SYS_mprotect, address, n_bytes, protection);
    }
    return real(address, n_bytes, protection);
}

int main(void)
{
    long sum = 0;
    void *found;

    mprotect(mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, PROT_READ);
    for (int i = 0; i < 100; i++) {
        sum += counted_square(i % 10);
    }
    printf("%ld, %u not found\n", sum, n_not_found);
    /* What was asked in vain is forgotten as soon as something is found. */
    dlsym(RTLD_DEFAULT, "nobody defines this");
    found = dlsym(RTLD_DEFAULT, "counted_square");
    printf("%d %d\n", found == (void *)counted_square, dlerror() == NULL);
    return 0;
}
