// SPDX-License-Identifier: MIT
/* libtarget, see target.h. target_chosen is an IFUNC. */
#include "target.h"

unsigned target_calls[N_TARGETS];

#define TARGET(name)                                                           \
    static int real_##name(int x)                                              \
    {                                                                          \
        __atomic_fetch_add(&target_calls[TARGET_##name], 1, __ATOMIC_RELAXED); \
        return x + TARGET_##name;                                              \
    }
TARGET_FUNCTIONS
#undef TARGET

#define DEFINE(name)           \
    int target_##name(int x)   \
    {                          \
        return real_##name(x); \
    }
DEFINE(called)
DEFINE(taken)
DEFINE(pointed)
DEFINE(fixed)
DEFINE(packed)
DEFINE(copied)
DEFINE(exported)

__attribute__((used)) static int (*choose(void))(int x)
{
    return real_chosen;
}

int target_chosen(int x) __attribute__((ifunc("choose")));

struct target_copy target_copy = {1, target_copied};
const struct target_copy target_const_copy = {2, target_copied};

int target_call_exported(int x)
{
    return target_exported(x);
}

int target_call_copied(int x)
{
    return target_copy.function(x);
}

int versioned_1(int x);
int versioned_2(int x);
int alias_1(int x);
int alias_2(int x);

int versioned_1(int x)
{
    return x + 100;
}

int versioned_2(int x)
{
    return x + 200;
}

int alias_1(int x)
{
    return x + 300;
}
extern __typeof(alias_1) alias_2 __attribute__((alias("alias_1")));

__asm__(".symver versioned_1, target_versioned@TARGET_1");
__asm__(".symver versioned_2, target_versioned@@TARGET_2");
__asm__(".symver alias_1, target_alias@TARGET_1");
__asm__(".symver alias_2, target_alias@@TARGET_2");
