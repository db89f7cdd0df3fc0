// SPDX-License-Identifier: MIT
/*
 * Plugins come and go while others call, for as many seconds as the first argument says: some
 * threads call counted_square, some load a plugin, call it in several ways and unload it, and one
 * loads libraries with a function that is pending; children are forked in the middle of it and
 * call, too. Prints the number of calls of pending_step, of all processes. Arguments: SECONDS,
 * PLUGIN..., --, LIBRARY...
 */
#include "counted.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLERS     2
#define MAX_THREADS 32
#define KEYS        500

static atomic_bool is_over;
static _Atomic long n_pending, n_loads;
static _Atomic unsigned next_seed = 1;

static void expect(bool is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "plugins: %s\n", what);
        _exit(1);
    }
}

static long call(void *plugin, const char *name, long x)
{
    long (*function)(long x) = (long (*)(long))dlsym(plugin, name);

    expect(function != NULL, dlerror());
    return function(x);
}

static void *call_square(void *unused)
{
    unsigned seed = next_seed++;

    while (!is_over) {
        long x = rand_r(&seed) % KEYS;

        expect(counted_square(x) == x * x, "a wrong square");
    }
    return NULL;
}

static void *load_plugin(void *path)
{
    static const char *const ways[] = {"plugin_call", "plugin_taken", "plugin_pointer",
                                       "plugin_fixed", "plugin_default"};
    unsigned seed = next_seed++;

    while (!is_over) {
        void *plugin = dlopen(path, rand_r(&seed) % 2 == 0 ? RTLD_NOW : RTLD_LAZY);

        expect(plugin != NULL, dlerror());
        for (size_t i = 0; i < 20; i++) {
            long x = rand_r(&seed) % KEYS;

            expect(call(plugin, ways[i % 5], x) == x * x, "a plugin's square is wrong");
        }
        expect(call(plugin, "plugin_constructed", 0) == 2 * 4900, "the constructor saw another");
        expect(dlclose(plugin) == 0, "dlclose");
        n_loads++;
    }
    return NULL;
}

static void *load_pending(void *path)
{
    unsigned seed = next_seed++;

    while (!is_over) {
        void *library = dlopen(path, RTLD_LAZY);
        long x = rand_r(&seed) % 90;
        long result;

        expect(library != NULL, dlerror());
        result = call(library, "pending_step", x);
        expect(result == x * x || result == x / 3, "a wrong step");
        expect(call(library, "pending_own", x) == result, "another step");
        n_pending += 2;
        expect(dlclose(library) == 0, "dlclose");
    }
    return NULL;
}

static void fork_once(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        alarm(20);
        for (long x = 0; x < 100; x++) {
            expect(counted_square(x + KEYS) == (x + KEYS) * (x + KEYS), "a child's square");
        }
        _exit(0);
    }
    expect(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child hangs");
}

int main(int n_arguments, char **arguments)
{
    pthread_t threads[MAX_THREADS];
    int n_threads = 0;
    bool is_plugin = true;
    time_t end = time(NULL) + atol(arguments[1]);

    for (int i = 0; i < CALLERS; i++) {
        pthread_create(&threads[n_threads++], NULL, call_square, NULL);
    }
    for (int i = 2; i < n_arguments && n_threads < MAX_THREADS; i++) {
        if (strcmp(arguments[i], "--") == 0) {
            is_plugin = false;
        } else {
            pthread_create(&threads[n_threads++], NULL, is_plugin ? load_plugin : load_pending,
                           arguments[i]);
        }
    }
    while (time(NULL) < end) {
        fork_once();
        usleep(10000);
    }
    is_over = true;
    for (int i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%ld %ld\n", n_pending, n_loads);
    return 0;
}
