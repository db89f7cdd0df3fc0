// SPDX-License-Identifier: MIT
/*
 * Where the return addresses of calls under way are kept: a table of fixed size in which a call
 * stands at one of a few places, by the address of its return address. Lock-free, and entered from
 * signal handlers too. A call that leaves by longjmp or an exception does not give its place back;
 * it is found out when another call needs the place, since its return address is no longer on the
 * stack.
 */
#include "entry/around.h"

#include "base/foreign_libc.h"
#include <errno.h>
#include <stddef.h>
#include <sys/platform/x86.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define N_CALLS  1024
#define N_PLACES 16 /* that one address may take */

#define SLOT_BITS    UINT64_C(0x0000fffffffffff8)
#define NUMBER_SHIFT 48

_Static_assert(sizeof(struct around_call) == 256, "whole cache lines");
_Static_assert(offsetof(struct around_call, word) == AROUND_CALL_WORD, "assembly");
_Static_assert(offsetof(struct around_call, return_address) == AROUND_CALL_RETURN, "assembly");
_Static_assert(offsetof(struct around_call, rbx) == AROUND_CALL_RBX, "assembly");
_Static_assert(offsetof(struct abi_registers, integers) == REGISTERS_INTEGERS, "assembly");
_Static_assert(offsetof(struct abi_registers, stack) == REGISTERS_STACK, "assembly");
_Static_assert(offsetof(struct abi_registers, vectors) == REGISTERS_VECTORS, "assembly");
_Static_assert(sizeof(struct abi_registers) == REGISTERS_BYTES, "assembly");

extern char memoshim_around_return[];

static _Alignas(64) struct around_call calls[N_CALLS];
static _Atomic uint32_t n_taken; /* ever: tells the uses of a place apart */

/* Read by the assembly; written by around_init. */
extern uint8_t memoshim_around_width;
uint8_t memoshim_around_width;

bool around_init(void)
{
    /*
     * As ld.so found it out. The compiler's own way is a constructor that asks the processor, which
     * in a virtual machine takes as long as all the rest of a start without a configuration.
     */
    if (CPU_FEATURE_ACTIVE(AVX512F)) {
        memoshim_around_width = AROUND_WIDTH_AVX512;
    } else if (CPU_FEATURE_ACTIVE(AVX)) {
        memoshim_around_width = AROUND_WIDTH_AVX;
    }
    return true;
}

/* With a shadow stack only the address that was pushed can be returned to. */
static bool has_shadow_stack(void)
{
    uint64_t pointer = 0;

    __asm__ volatile("rdsspq %0" : "+r"(pointer)); /* does nothing where there is none */
    return pointer != 0;
}

/* That stack may be gone: the kernel looks. */
static bool leads_to_us(uint64_t slot)
{
    void *found = NULL;
    struct iovec here = {&found, sizeof(found)};
    struct iovec there = {(void *)(uintptr_t)slot, sizeof(found)};
    int saved_errno = errno;
    /* The flags travel on the stack, where an int would leave the upper half of them undefined. */
    ssize_t n_read = syscall(SYS_process_vm_readv, syscall(SYS_getpid), &here, 1, &there, 1, 0ul);
    bool is_known = n_read == (ssize_t)sizeof(found) || errno == EFAULT;

    errno = saved_errno;
    return !is_known || found == memoshim_around_return;
}

static bool place_take(struct around_call *call, uint64_t seen, uint64_t wanted)
{
    return atomic_compare_exchange_strong_explicit(&call->word, &seen, wanted, memory_order_acquire,
                                                   memory_order_relaxed);
}

static struct around_call *place_find(uint64_t slot, bool is_tail_call, bool look_at_stacks)
{
    uint64_t number = atomic_fetch_add_explicit(&n_taken, 1, memory_order_relaxed);
    uint64_t wanted = number << NUMBER_SHIFT | slot | AROUND_BUSY;
    uint32_t first = (uint32_t)((slot * UINT64_C(0x9e3779b97f4a7c15)) >> 40);

    for (uint32_t i = 0; i < N_PLACES; i++) {
        struct around_call *call = &calls[(first + i) % N_CALLS];
        uint64_t word = atomic_load_explicit(&call->word, memory_order_acquire);
        bool is_free = word == 0;

        if (!is_free && (word & AROUND_BUSY) == 0) {
            /* One return address at a time lies there; but a tail call passes it on. */
            is_free = (word & SLOT_BITS) == slot ? !is_tail_call
                                                 : look_at_stacks && !leads_to_us(word & SLOT_BITS);
        }
        if (is_free && place_take(call, word, wanted)) {
            return call;
        }
    }
    return NULL;
}

struct around_call *around_call_take(void **slot)
{
    uint64_t address = (uint64_t)(uintptr_t)slot;
    bool is_tail_call = *slot == memoshim_around_return;
    struct around_call *call;

    if ((address & ~SLOT_BITS) != 0 || has_shadow_stack()) {
        return NULL;
    }
    call = place_find(address, is_tail_call, false);
    if (call == NULL) {
        call = place_find(address, is_tail_call, true);
    }
    if (call != NULL) {
        call->return_address = *slot;
    }
    return call;
}

void around_call_release(struct around_call *call)
{
    atomic_store_explicit(&call->word, 0, memory_order_release);
}
