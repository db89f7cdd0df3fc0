// SPDX-License-Identifier: MIT
/*
 * Reading and writing single slots. Only data is written, with single aligned stores: another
 * thread sees the old or the new address. RELRO is opened once for each object that has something
 * to change in it and closed again.
 */
#ifndef INTERPOSE_SLOTS_H
#define INTERPOSE_SLOTS_H

#include "interpose/elf_view.h"

/* What became of the RELRO of the object at hand; zeros for a new object. */
struct slots_relro {
    bool is_refused;
    bool is_left_open; /* ld.so has not closed it yet, and will */
};

/* What a slot holds, aligned or not. */
uintptr_t slots_read(uintptr_t slot);

enum slots_outcome {
    SLOTS_WRITTEN,
    SLOTS_UNALIGNED, /* no single store changes it */
    SLOTS_SEALED,    /* not writable, and not to be opened */
    SLOTS_NOT_YET,   /* ld.so is at work on the object, and closes it when it is through */
};

/*
 * Stores value. is_later: ld.so may still be at work on the object. Under the patch lock, as the
 * following.
 */
enum slots_outcome slots_write_locked(struct slots_relro *relro, const struct elf_view *view,
                                      uintptr_t slot, uintptr_t value, bool is_later);

/* The object at hand is done. 0, or -errno when its pages could not be closed again. */
int slots_close_locked(struct slots_relro *relro);

/* In a new child of fork: closes what the lock's holder in the parent had opened. */
void slots_after_fork(void);

/*
 * True when ld.so is through with an object that came later. Before that its slots change and its
 * RELRO is open.
 */
bool slots_are_relocated(const struct elf_view *view);

#endif
