// SPDX-License-Identifier: MIT
/* See steps.h. Acts only compute: printing would be stepped through, and is nothing to leave. */
#include "steps.h"

#include "counted.h"
#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- calls that are counted and looked at ---------------------------------------------------- */

_Atomic long n_square, n_length, n_wrong;

void expect(bool holds, const char *what)
{
    if (!holds) {
        n_wrong++;
        if (write(2, what, strlen(what)) < 0 || write(2, " is wrong\n", 10) < 0) {
            _exit(3);
        }
    }
}

static long square(long x)
{
    n_square++;
    return counted_square(x);
}

void call_right(long x)
{
    expect(square(x) == x * x, "a square");
}

void call_length(const char *text, long length)
{
    n_length++;
    expect(counted_length(text) == length, "a length");
}

/* ---- acts: what is stepped through ----------------------------------------------------------- */

/* What an act found. Printing is not stepped through, and is nothing to leave half-way. */
static struct {
    long numbers[8];
    double reals[2];
    char text[4][100];
} found;

long last_key = 1000;

static void act_hit(void)
{
    found.numbers[0] = square(5);
}

/* Each a key of its own. */
static void act_miss(void)
{
    last_key++;
    found.numbers[0] = square(last_key) - last_key * last_key;
}

static void act_length(void)
{
    static char text[40] = "some text that is not very short";

    text[0]++;
    n_length += 2;
    found.numbers[0] = counted_length(text);
    found.numbers[1] = counted_length(text);
}

static void act_rounding(void)
{
    fesetround(FE_UPWARD);
    found.reals[0] = counted_scale(3);
    fesetround(FE_TONEAREST);
}

static void act_float(void)
{
    found.reals[0] = counted_scale(3);
    found.reals[1] = counted_scale(1e300);
    found.numbers[0] = (long)(counted_extended(10) * 1e15L);
}

/* A secret in the key; wrong ones are not kept. */
static void act_secret(void)
{
    struct counted_room room;

    strcpy(found.text[0], counted_check("open", "setting", &room));
    strcpy(found.text[1], counted_check("shut", "setting", &room));
}

static void act_results(void)
{
    int quotient = 0, remainder = 0, values[] = {3, 1, 2};
    size_t n_bytes = 16;

    found.numbers[0] = counted_divide(17, 5, &quotient, &remainder);
    found.numbers[1] = quotient * 100 + remainder;
    strcpy(found.text[0], counted_name(7));
    found.numbers[2] = counted_encode("abc", (unsigned char *)found.text[1], &n_bytes);
    found.numbers[3] = (long)n_bytes;
    found.numbers[4] = counted_sort(values, 3);
    found.numbers[5] = values[0] * 100 + values[1] * 10 + values[2];
}

static void act_errno(void)
{
    errno = 0;
    found.numbers[0] = counted_fail(ENOENT);
    found.numbers[1] = errno;
    errno = EAGAIN;
    found.numbers[2] = counted_fail(0);
    found.numbers[3] = errno;
}

static void act_recursion(void)
{
    found.numbers[0] = counted_fib(5);
}

static void act_lookup(void)
{
    long (*square_here)(long) = (long (*)(long))dlsym(RTLD_DEFAULT, "counted_square");

    n_square++;
    found.numbers[0] = square_here(6);
    found.numbers[1] = dlsym(RTLD_DEFAULT, "counted_") == NULL;
}

void show_found(void)
{
    for (unsigned i = 0; i < 8; i++) {
        printf("%ld ", found.numbers[i]);
    }
    printf("%a %a %s %s\n", found.reals[0], found.reals[1], found.text[0], found.text[1]);
}

void load_plugin(void)
{
    const char *path = getenv("STEPS_PLUGIN");

    expect(path == NULL || dlopen(path, RTLD_NOW) != NULL, "the plugin");
    n_square += path == NULL ? 0 : 2; /* its constructor's */
}

void use_loader(void)
{
    const char *path = getenv("STEPS_OTHER");
    void *handle = path != NULL ? dlopen(path, RTLD_NOW) : NULL;

    expect(path == NULL || (handle != NULL && dlclose(handle) == 0), "the loader");
}

/* Loads an object, looks something up in it, calls it, and unloads it. */
static void act_plugin(void)
{
    void *handle = dlopen(getenv("STEPS_PLUGIN"), RTLD_NOW);
    long (*call)(long) = (long (*)(long))dlsym(handle, "plugin_call");

    n_square += 3; /* its constructor calls twice */
    found.numbers[0] = call(6);
    found.numbers[1] = dlclose(handle);
}

static const struct {
    const char *name;
    void (*run)(void);
} acts[] = {
    {"hit", act_hit},           {"miss", act_miss},     {"length", act_length},
    {"rounding", act_rounding}, {"float", act_float},   {"secret", act_secret},
    {"results", act_results},   {"errno", act_errno},   {"recursion", act_recursion},
    {"lookup", act_lookup},     {"plugin", act_plugin},
};

void (*find_act(const char *name))(void)
{
    for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(acts[i].name, name) == 0) {
            return acts[i].run;
        }
    }
    return NULL;
}
