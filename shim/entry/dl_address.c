// SPDX-License-Identifier: MIT
/*
 * The exported dladdr and dladdr1. A program that looks for its own files, or for the name of a
 * function, asks about an address that it got from a slot or from dlsym: about a thunk, if the
 * function is hooked. The answer is that about the real function. Who calls does not matter to
 * these two, so they are ordinary functions.
 */
#include "entry/entry.h"

void *memoshim_dl_real_address(bool with_extra);

/* As <dlfcn.h> has them; what they point to is passed on. */
__attribute__((visibility("default"))) int dladdr(const void *address, void *ret_info);
__attribute__((visibility("default"))) int dladdr1(const void *address, void *ret_info,
                                                   void **ret_extra, int flags);

static const void *translate(const void *address)
{
    const void *original = entry_original(address);

    return original != NULL ? original : address;
}

int dladdr(const void *address, void *ret_info)
{
    int (*real)(const void *, void *) =
        (int (*)(const void *, void *))memoshim_dl_real_address(false);

    return real != NULL ? real(translate(address), ret_info) : 0;
}

int dladdr1(const void *address, void *ret_info, void **ret_extra, int flags)
{
    int (*real)(const void *, void *, void **, int) =
        (int (*)(const void *, void *, void **, int))memoshim_dl_real_address(true);

    return real != NULL ? real(translate(address), ret_info, ret_extra, flags) : 0;
}
