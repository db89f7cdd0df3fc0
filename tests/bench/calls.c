// SPDX-License-Identifier: MIT
/*
 * One function of libc, called as a program would: the nanoseconds of a call with an argument that
 * is new, and of one that was seen before. The first call of all, in which libc reads its files, is
 * none of them. Of processor time.
 *
 *     bench_calls localtime|getpwuid|page N_KEYS N_CALLS N_BATCHES
 *
 * page is no function: a call is the first touch of a page of memory, or another one.
 */
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static long call_localtime(long key)
{
    time_t time = 1700000000 + key;

    return localtime(&time)->tm_sec;
}

static long call_getpwuid(long key)
{
    struct passwd *entry = getpwuid((uid_t)key);

    return entry == NULL ? 0 : entry->pw_name[0];
}

#define N_PAGES    65536
#define PAGE_BYTES 4096

static volatile char *pages;

static long call_page(long key)
{
    return ++pages[key % N_PAGES * PAGE_BYTES];
}

static void map_pages(void)
{
    void *memory = mmap(NULL, (size_t)N_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    madvise(memory, (size_t)N_PAGES * PAGE_BYTES, MADV_NOHUGEPAGE); /* where there are such */
    pages = memory;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Nanoseconds of a call, in the mean; the first key follows on the last. */
static double pass(long (*call)(long), long n_keys, long n_calls, volatile long *sum)
{
    uint64_t began_ns = now_ns();

    for (long i = 0; i < n_calls; i++) {
        *sum += call(i % n_keys);
    }
    return (double)(now_ns() - began_ns) / (double)n_calls;
}

int main(int argc, char **argv)
{
    long (*call)(long);
    long n_keys, n_calls, n_batches;
    volatile long sum = 0;
    double *hits, miss;

    if (argc != 5) {
        fprintf(stderr, "usage: %s localtime|getpwuid|page N_KEYS N_CALLS N_BATCHES\n", argv[0]);
        return 2;
    }
    call = strcmp(argv[1], "localtime") == 0  ? call_localtime
           : strcmp(argv[1], "getpwuid") == 0 ? call_getpwuid
                                              : call_page;
    if (call == call_page) {
        map_pages();
    }
    n_keys = atol(argv[2]);
    n_calls = atol(argv[3]);
    n_batches = atol(argv[4]);
    hits = calloc((size_t)n_batches, sizeof(*hits));
    if (hits == NULL) {
        return 2;
    }
    sum += call(n_keys);
    miss = pass(call, n_keys, n_keys, &sum);
    for (long i = 0; i < n_batches; i++) {
        hits[i] = pass(call, n_keys, n_calls, &sum);
    }
    qsort(hits, (size_t)n_batches, sizeof(*hits), compare);
    printf("{\"miss\": %.2f, \"hit\": %.2f, \"sum\": %ld}\n", miss, hits[n_batches / 2], sum);
    return 0;
}
