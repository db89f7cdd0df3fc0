// SPDX-License-Identifier: MIT
/* A plugin that brings the library with it whose function it calls. */

long pending_step(long x);
long plugin_step(long x);
long plugin_step_pointer(long x);

static long (*volatile pointer)(long x) = pending_step;

long plugin_step(long x)
{
    return pending_step(x);
}

long plugin_step_pointer(long x)
{
    return pointer(x);
}
