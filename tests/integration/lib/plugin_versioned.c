// SPDX-License-Identifier: MIT
/* A plugin that was built against both versions of versioned_step. */

long versioned_step(long x);
long old_step(long x);
long plugin_new(long x);
long plugin_old(long x);

__asm__(".symver old_step, versioned_step@VERSIONED_1");

long plugin_new(long x)
{
    return versioned_step(x);
}

long plugin_old(long x)
{
    return old_step(x);
}
