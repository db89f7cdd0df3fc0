// SPDX-License-Identifier: MIT
/*
 * One caller, see caller.h; CALLER_NAME is its name. The volatile words keep the compiler from
 * calling directly what the source calls through a pointer.
 */
#include "caller.h"

#include <string.h>

#define GLUE2(a, b) a##b
#define GLUE(a, b)  GLUE2(a, b)
#define TEXT2(a)    #a
#define TEXT(a)     TEXT2(a)

int old_version(int x);
__asm__(".symver old_version, target_versioned@TARGET_1");

static int (*volatile pointed)(int x) = target_pointed;
static int (*const fixed)(int x) = target_fixed;
static struct __attribute__((packed)) {
    char odd;
    int (*function)(int x);
} packed = {1, target_packed};

static int call_called(int x)
{
    return target_called(x);
}

static int call_taken(int x)
{
    int (*volatile taken)(int x) = target_taken;
    int first = taken(x);

    return first == target_taken(x) ? first : -1;
}

static int call_pointed(int x)
{
    return pointed(x);
}

static int call_fixed(int x)
{
    int (*const *volatile from)(int x) = &fixed;

    return (*from)(x);
}

static int call_packed(int x)
{
    int (*function)(int x);
    const void *volatile from = (const char *)&packed + 1;

    memcpy(&function, from, sizeof(function));
    return function(x);
}

static int call_copied(int x)
{
    int first = target_copy.function(x);

    return first == target_const_copy.function(x) ? first : -1;
}

static int call_chosen(int x)
{
    return target_chosen(x);
}

static int call_exported(int x)
{
    return target_call_exported(x);
}

static int call_old(int x)
{
    return old_version(x);
}

static int call_new(int x)
{
    return target_versioned(x);
}

const struct caller GLUE(caller_, CALLER_NAME) = {
    .name = TEXT(CALLER_NAME),
    .calls = {call_called, call_taken, call_pointed, call_fixed, call_packed, call_copied,
              call_chosen, call_exported},
    .packed = (int (*const *)(int))((const char *)&packed + 1),
    .call_old_version = call_old,
    .call_new_version = call_new,
};
