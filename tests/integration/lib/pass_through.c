// SPDX-License-Identifier: MIT
/*
 * libpass_through.so is memoshim, linked once more, with two answers changed: no thunk is ever
 * switched on, so that each call goes through the bypass branch to the real function, and nothing
 * is denied. A thunk that is off needs no prototype, so any function can be named, variadic ones
 * and operator new among them. Calls are counted as bypasses, in the usual statistics.
 *
 * The linker's --wrap sends the calls that memoshim's files make of these two functions here.
 */
#include "entry/entry.h"
#include "interpose/interpose.h"

void __wrap_entry_switch(int entry, bool on);
const char *__wrap_interpose_denied(const char *symbol);

void __wrap_entry_switch(int entry, bool on)
{
}

const char *__wrap_interpose_denied(const char *symbol)
{
    return NULL;
}
