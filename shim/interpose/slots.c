// SPDX-License-Identifier: MIT
/* See slots.h. */
#include "interpose/slots.h"

#include "interpose/protection.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Guarded by the patch lock. */
static struct {
    void *start;
    size_t n_bytes; /* 0: none is open */
} opened;

/*
 * Another thread may be inside dlopen: ld.so lists an object before it has relocated it. What it
 * has not closed yet is left for it to close, which it may do at any moment.
 */
static void look_at_later(struct slots_relro *relro, const struct elf_view *view)
{
    enum protection protection = protection_of(view->relro_start);

    relro->is_left_open = protection == PROTECTION_WRITABLE;
    relro->is_refused = protection == PROTECTION_UNKNOWN;
}

/*
 * A store that fails where it would fault: SLOTS_SEALED then. The kernel copies a whole word at
 * once. A sandbox or an emulator may not have the call, which says nothing of the slot.
 */
static enum slots_outcome write_unless_closed(uintptr_t slot, uintptr_t value)
{
    const struct iovec from = {&value, sizeof(value)}, to = {(void *)slot, sizeof(value)};
    int saved_errno = errno;
    /* The flags travel on the stack, where an int would leave the upper half of them undefined. */
    long n_bytes = syscall(SYS_process_vm_writev, syscall(SYS_getpid), &from, 1, &to, 1, 0ul);
    enum slots_outcome outcome = n_bytes == (long)sizeof(value) ? SLOTS_WRITTEN
                                 : errno == EFAULT              ? SLOTS_SEALED
                                                                : SLOTS_NOT_YET;

    errno = saved_errno;
    return outcome;
}

static bool open_relro(struct slots_relro *relro, const struct elf_view *view, bool is_later)
{
    if (opened.n_bytes != 0 || relro->is_left_open) {
        return true;
    }
    if (is_later && !relro->is_refused) {
        look_at_later(relro, view);
    }
    if (relro->is_left_open || relro->is_refused) {
        return relro->is_left_open;
    }
    opened.start = (void *)view->relro_start;
    opened.n_bytes = view->relro_end - view->relro_start;
    if (mprotect(opened.start, opened.n_bytes, PROT_READ | PROT_WRITE) != 0) {
        relro->is_refused = true;
        opened.n_bytes = 0;
    }
    return !relro->is_refused;
}

int slots_close_locked(struct slots_relro *relro)
{
    int error = 0;

    if (opened.n_bytes != 0 && mprotect(opened.start, opened.n_bytes, PROT_READ) != 0) {
        error = -errno;
    }
    opened.n_bytes = 0;
    *relro = (struct slots_relro){0};
    return error;
}

void slots_after_fork(void)
{
    if (opened.n_bytes != 0) {
        mprotect(opened.start, opened.n_bytes, PROT_READ);
        opened.n_bytes = 0;
    }
}

enum slots_outcome slots_write_locked(struct slots_relro *relro, const struct elf_view *view,
                                      uintptr_t slot, uintptr_t value, bool is_later)
{
    if (slot % sizeof(uintptr_t) != 0) {
        return SLOTS_UNALIGNED;
    }
    if (!elf_view_has(view, slot, sizeof(uintptr_t), PF_W)) {
        return SLOTS_SEALED;
    }
    if (slot >= view->relro_start && slot < view->relro_end) {
        if (!open_relro(relro, view, is_later)) {
            return SLOTS_SEALED;
        }
        if (relro->is_left_open) {
            enum slots_outcome outcome = write_unless_closed(slot, value);

            if (outcome != SLOTS_SEALED) {
                return outcome;
            }
            relro->is_left_open = false; /* ld.so has just closed it */
            if (!open_relro(relro, view, false)) {
                return SLOTS_SEALED;
            }
        }
    }
    __atomic_store_n((uintptr_t *)slot, value, __ATOMIC_RELEASE);
    return SLOTS_WRITTEN;
}

/* A slot is a word of somebody else's object: a sanitizer may have fenced it off for that object.
 */
__attribute__((no_sanitize("address"))) uintptr_t slots_read(uintptr_t slot)
{
    struct __attribute__((packed)) unaligned {
        uintptr_t value;
    };

    if (slot % sizeof(uintptr_t) == 0) {
        return __atomic_load_n((const uintptr_t *)slot, __ATOMIC_RELAXED);
    }
    return ((const struct unaligned *)slot)->value;
}

/* Without RELRO: the last slot that ld.so comes to, which is one of a PLT if there is any. */
static bool is_last_slot_relocated(const struct elf_view *view)
{
    for (size_t table = ELF_RELOCATION_TABLES; table-- > 0;) {
        for (size_t i = view->relocations[table].n_entries; i-- > 0;) {
            struct elf_relocation relocation;

            if (elf_view_relocation(view, table, i, &relocation)) {
                /* Before: an offset in the file, or nothing. */
                return slots_read(relocation.slot) >= view->load_end - view->load_start;
            }
        }
    }
    return true;
}

bool slots_are_relocated(const struct elf_view *view)
{
    if (view->relro_start == view->relro_end) {
        return is_last_slot_relocated(view);
    }
    return protection_of(view->relro_start) != PROTECTION_WRITABLE;
}
