// SPDX-License-Identifier: MIT
/* System calls of our own: libc's functions keep two signals for themselves. */
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIGNAL_BIT(number) ((uint64_t)1 << ((number)-1))

uint64_t signals_hold(void)
{
    const uint64_t by_instructions = SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) |
                                     SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSYS);
    uint64_t held = ~by_instructions, before = 0;
    int saved_errno = errno;

    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &held, &before, sizeof(held));
    errno = saved_errno;
    return before;
}

void signals_let(uint64_t mask_before)
{
    int saved_errno = errno;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask_before, NULL, sizeof(mask_before));
    errno = saved_errno;
}
