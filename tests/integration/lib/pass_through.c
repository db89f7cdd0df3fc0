// SPDX-License-Identifier: MIT
/*
 * libpass_through.so is memoshim, linked once more, with two answers changed: no thunk that slots
 * lead to is ever switched on, so that each call goes through the bypass branch to the real
 * function, and nothing is denied. A thunk that is off needs no prototype, so any function can be
 * named, variadic ones and operator new among them. Calls are counted as bypasses, in the usual
 * statistics.
 *
 * The linker's --wrap sends the calls that memoshim's files make of these functions here.
 */
#include "entry/entry.h"
#include "interpose/interpose.h"

void __real_entry_switch(int entry, bool on);
void __wrap_entry_switch(int entry, bool on);
int __real_entry_self_test(struct arena *arena);
int __wrap_entry_self_test(struct arena *arena);
const char *__wrap_interpose_denied(const char *symbol);

static bool is_testing_itself; /* before there is a thunk that anybody is led to */

void __wrap_entry_switch(int entry, bool on)
{
    if (is_testing_itself) {
        __real_entry_switch(entry, on);
    }
}

int __wrap_entry_self_test(struct arena *arena)
{
    int error;

    is_testing_itself = true;
    error = __real_entry_self_test(arena);
    is_testing_itself = false;
    return error;
}

const char *__wrap_interpose_denied(const char *symbol)
{
    return NULL;
}
