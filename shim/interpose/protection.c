// SPDX-License-Identifier: MIT
/*
 * FUTEX_WAKE_OP changes one word atomically before it wakes anybody, and says EFAULT where the word
 * is not writable. "Or zero" changes nothing, and nobody waits on the words.
 */
#include "interpose/protection.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum protection protection_of(uintptr_t address)
{
    static uint32_t nobody_waits;
    int saved_errno = errno;
    long result = syscall(SYS_futex, &nobody_waits, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, NULL,
                          address, FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0));
    enum protection protection = result >= 0       ? PROTECTION_WRITABLE
                                 : errno == EFAULT ? PROTECTION_READ_ONLY
                                                   : PROTECTION_UNKNOWN;

    errno = saved_errno;
    return protection;
}
