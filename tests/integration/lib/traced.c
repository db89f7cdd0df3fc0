// SPDX-License-Identifier: MIT
/*
 * Calls counted_hooked by way of outer_function and inner_function, for debuggers and profilers to
 * look at. The first argument says what happens:
 *
 *     calls      a real call, which reaches real_work, one with the same key, and one with another
 *     backtrace  real_work prints the functions that backtrace() and libunwind see
 *     sampled    a timer's handler looks at the stack until it interrupted the shim often enough,
 *                and prints how often that was, and from how many places there was a way to main
 *     unset      real_work decides something by memory that nobody wrote
 *     work       real_work and the calls are made for some seconds of processor time
 */
#include "counted.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define MAX_FRAMES 64
#define SAMPLES    300 /* inside the shim */
#define WORK_MS    600
#define NOINLINE   __attribute__((noinline))

NOINLINE long outer_function(long key);
NOINLINE long inner_function(long key);
NOINLINE void real_work(long key);

static volatile long sink;

/* The additions keep these calls from being jumps. */
NOINLINE long inner_function(long key)
{
    return counted_hooked(key) + 1;
}

NOINLINE long outer_function(long key)
{
    return inner_function(key) + 1;
}

static void call(long key)
{
    if (outer_function(key) != 3 * key + 2) {
        exit(1);
    }
}

NOINLINE void real_work(long key)
{
    sink = key;
}

/* ---- what the process sees of itself --------------------------------------------------------- */

static void print_frames(const char *by, void *const *frames, int n_frames)
{
    printf("%s:", by);
    for (int i = 0; i < n_frames; i++) {
        Dl_info info;

        if (dladdr(frames[i], &info) != 0 && info.dli_sname != NULL) {
            printf(" %s", info.dli_sname);
        }
    }
    printf("\n");
}

static void trace_here(long key)
{
    int saved_errno = errno; /* or the result is not stored */
    void *frames[MAX_FRAMES];
    void *unwinder = dlopen("libunwind.so.8", RTLD_NOW);
    int (*other)(void **, int) =
        unwinder == NULL ? NULL : (int (*)(void **, int))dlsym(unwinder, "unw_backtrace");

    real_work(key);
    print_frames("backtrace", frames, backtrace(frames, MAX_FRAMES));
    if (other != NULL) {
        print_frames("libunwind", frames, other(frames, MAX_FRAMES));
    }
    errno = saved_errno;
}

static uintptr_t shim_begin, shim_end, main_begin;
static volatile long n_inside, n_complete;

static int find_shim(struct dl_phdr_info *info, size_t n_bytes, void *unused)
{
    if (strstr(info->dlpi_name, "libmemoshim") != NULL) {
        shim_begin = info->dlpi_addr;
        for (int i = 0; i < info->dlpi_phnum; i++) {
            if (info->dlpi_phdr[i].p_type == PT_LOAD) {
                shim_end = shim_begin + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
            }
        }
    }
    return 0;
}

static bool is_in_main(const void *address)
{
    Dl_info info;

    return dladdr(address, &info) != 0 && (uintptr_t)info.dli_saddr == main_begin;
}

/* Frame 0 is this function, 1 the signal's, 2 what was interrupted. */
static void take_sample(int number)
{
    void *frames[MAX_FRAMES];
    int n_frames = backtrace(frames, MAX_FRAMES);
    uintptr_t interrupted = n_frames > 2 ? (uintptr_t)frames[2] : 0;
    bool is_complete = false;

    if (interrupted < shim_begin || interrupted >= shim_end) {
        return;
    }
    for (int i = 0; i < n_frames; i++) {
        is_complete |= is_in_main(frames[i]);
    }
    n_inside++;
    n_complete += is_complete;
    if (!is_complete) {
        printf("lost at %#lx\n", (unsigned long)(interrupted - shim_begin));
    }
}

static void run_sampled(void)
{
    struct sigaction action = {.sa_handler = take_sample, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    void *frames[MAX_FRAMES];

    dl_iterate_phdr(find_shim, NULL);
    backtrace(frames, MAX_FRAMES); /* the first one loads libgcc */
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (long key = 0; n_inside < SAMPLES; key++) {
        call(key / 4); /* a miss, three hits */
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("inside %ld complete %ld\n", n_inside, n_complete);
}

/* ---- what others see ------------------------------------------------------------------------- */

static void depend_on_unset(long key)
{
    long *volatile memory = malloc(sizeof(*memory)); /* volatile: no compiler sees through it */

    if (*memory == key) {
        real_work(key);
    }
    free(memory);
}

static void run_work(void)
{
    while (clock() < WORK_MS * (CLOCKS_PER_SEC / 1000)) {
        for (long key = 0; key < 2000; key++) {
            call(key);
            call(key);
        }
    }
}

static void spin(long key)
{
    for (long i = 0; i < 200; i++) {
        real_work(key);
    }
}

int main(int n_arguments, char **arguments)
{
    const char *act = n_arguments > 1 ? arguments[1] : "calls";

    main_begin = (uintptr_t)main;
    counted_hook = real_work;
    if (strcmp(act, "sampled") == 0) {
        run_sampled();
        return 0;
    }
    if (strcmp(act, "work") == 0) {
        counted_hook = spin;
        run_work();
        return 0;
    }
    if (strcmp(act, "backtrace") == 0) {
        counted_hook = trace_here;
    } else if (strcmp(act, "unset") == 0) {
        counted_hook = depend_on_unset;
    }
    call(5);
    call(5);
    call(6);
    return 0;
}
