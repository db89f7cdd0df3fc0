// SPDX-License-Identifier: MIT
/*
 * From a redirected slot to C, without ever creating executable memory. A fixed pool of thunks
 * stands in the shim's .text; each has a record, which holds the real function and the code to
 * enter, on pages that are sealed read-only once everything is set up.
 *
 *     slot ─► thunk k ─┬─ guard set, switched off, stack misaligned ─► jmp original
 *                      └─ jmp code ─┬─ typed entry ──────────┬─► handler(plan, result, arguments)
 *                                   └─ libffi's closure entry ┘
 *
 * The typed entries carry calls that travel in registers of eight bytes only; the closure entry,
 * which is the general one, carries all. To the handler and to the caller they are the same.
 * The jump to the original touches no argument register.
 */
#ifndef ENTRY_ENTRY_H
#define ENTRY_ENTRY_H

#include "abi/abi.h"
#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Runs one call. arguments[i] points to the i-th value; result has room for the call's
 * result_room_bytes and must be filled (integers widened to eight bytes).
 */
typedef void (*entry_handler_fn)(void *plan, void *result, void **arguments);

/*
 * Takes the next thunk for calls of `original`, and the entry that call->is_typed says. It is
 * switched off until entry_switch. call must outlive it. Returns its number, -ENOSPC when the pool
 * is used up, -ENOTSUP when libffi refuses.
 */
int entry_open(const struct abi_call *call, void *original, entry_handler_fn handler, void *plan);

/*
 * The same where code itself takes the call: a C function of the call's integer arguments, then the
 * plan, and its floating-point arguments, whatever their order, that returns a struct abi_both.
 * What is in several registers is several of them. The call is one of registers alone
 * (abi_is_in_registers) and leaves an integer register free. Returns its number or -ENOSPC.
 */
int entry_open_quick(const struct abi_call *call, void *original, void (*code)(void), void *plan);

/* The same for code that finds the arguments in memory, of any typed call; an integer register need
 * not be free. The code returns what call->result says. */
int entry_open_words(const struct abi_call *call, void *original, abi_words_fn code, void *plan);

/*
 * Tries the ways through thunks, by libffi and without it, with some of the thunks, which are used
 * up. With the guard set, before anybody else can get at a thunk. 0; -EPROTO when wrong answers
 * came back; errors of entry_open.
 */
int entry_self_test(struct arena *arena);

/* What the self-test found calls of this kind to take on their way to the handler and back: ps. */
uint64_t entry_way_ps(const struct abi_call *call, bool is_quick);

/* The address to write into slots. */
void *entry_thunk(int entry);

/* On: calls reach the handler. Off: the thunk jumps to the original. Any thread, any time. */
void entry_switch(int entry, bool on);

/* Calls that were let through to the original, since the start or entry_reset_passed. */
uint64_t entry_passed(int entry);
void entry_reset_passed(int entry);

/*
 * Called, with the guard set, just before the real function is jumped to, with its first integer
 * arguments (there are as many as registers for them). Keeps errno.
 */
typedef void (*entry_notice_fn)(int notice, const uint64_t *integers);

/* A thunk that announces calls of `original` to the function given to entry_init: number or
 * -ENOSPC. */
int entry_open_notice(void *original);
void *entry_notice_thunk(int notice);

#define ENTRY_NOTE_BYTES 192

/*
 * Functions that are seen before and after each call, whatever their signature: arguments stay
 * where they are, and the return address leads through code of ours, which unwinders understand.
 * Both run with the guard set and keep errno. is_inside: the call was made while this thread was in
 * the shim already (a signal handler), so no lock may be taken. note: ENTRY_NOTE_BYTES that
 * `before` may fill for `after`; NULL: there will be no `after`, since too many calls have not
 * returned. A call that leaves by longjmp or an exception has no `after`.
 */
struct entry_around {
    void (*before)(void *context, const struct abi_registers *registers, bool is_inside,
                   void *note);
    void (*after)(void *context, bool is_inside, const void *note);
};

/* Who is told. Before the first entry_open_around. */
void entry_around_init(const struct entry_around *around);

/* A thunk for calls of `original`: its number, -ENOSPC, or -ENOTSUP on this processor. */
int entry_open_around(void *original, void *context);
void *entry_around_thunk(int around);

/* The function whose thunk, of any kind, contains address; NULL when none does. */
void *entry_original(const void *address);

/*
 * The decision behind the exported dlsym (version NULL) and dlvsym: true and *ret_address to
 * answer, false to jump on to what real_dlsym or real_dlvsym of the same struct hold by then.
 */
struct entry_dl {
    bool (*answer)(void *handle, const char *symbol, const char *version, const void *caller,
                   void **ret_address);
    void *real_dlsym, *real_dlvsym;
    void *real_dladdr, *real_dladdr1; /* or NULL: then ours find nothing */
    entry_notice_fn notice;
};

/*
 * Tells the assembly where to go. It stands first in the constructor, whether or not there is a
 * configuration; whoever asks dlsym or dlvsym earlier is sent where entry_early_dl says.
 */
void entry_init(const struct entry_dl *dl);

/*
 * Defined by the composition root: the real dlsym or dlvsym before entry_init. Without one, or when
 * it returns NULL, so do dlsym and dlvsym.
 */
void *entry_early_dl(bool versioned) __attribute__((weak));

/* The pages with code pointers, to be made read-only by whoever can; also the sizes. */
void entry_sealable(void **ret_pages, size_t *ret_n_bytes);

#endif
