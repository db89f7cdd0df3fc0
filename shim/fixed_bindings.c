// SPDX-License-Identifier: MIT
/*
 * What is redirected whatever the configuration names: functions that may end the process image,
 * so that statistics are written before, and the loader's look-ups where an object finds them past
 * the shim's own.
 */
#include "process.h"

#include "entry/entry.h"

#include <dlfcn.h>

/* Functions whose call may end the process image without running exit handlers. */
static const char *const announced[] = {"_exit",  "_Exit",   "execve",  "execv",
                                        "execvp", "execvpe", "execl",   "execlp",
                                        "execle", "fexecve", "execveat"};

#define N_ANNOUNCED (sizeof(announced) / sizeof(announced[0]))

/* What the shim exports itself. Objects with a scope of their own (RTLD_DEEPBIND) find ld.so's. */
static const struct {
    const char *symbol;
    void *(*original)(void);
    void *replacement;
} lookups[] = {
    {"dlsym", interpose_real_dlsym, (void *)dlsym},
    {"dlvsym", interpose_real_dlvsym, (void *)dlvsym},
    {"dladdr", interpose_real_dladdr, (void *)dladdr},
    {"dladdr1", interpose_real_dladdr1, (void *)dladdr1},
};

#define N_LOOKUPS (sizeof(lookups) / sizeof(lookups[0]))

size_t fixed_bindings_room(void)
{
    return N_ANNOUNCED + N_LOOKUPS;
}

static struct interpose_binding binding_of(const char *symbol, void *original, void *replacement)
{
    return (struct interpose_binding){
        .symbol = symbol, .original = original, .replacement = replacement};
}

size_t fixed_bindings_fill(struct interpose_binding *ret_bindings)
{
    size_t n = 0;

    for (size_t i = 0; process.settings.has_target && i < N_ANNOUNCED; i++) {
        struct interpose_definition definition;
        int notice;

        if (interpose_find(announced[i], NULL, NULL, &definition, 1) == 0) {
            continue;
        }
        notice = entry_open_notice(definition.address);
        if (notice >= 0) {
            ret_bindings[n++] =
                binding_of(announced[i], definition.address, entry_notice_thunk(notice));
        }
    }
    for (size_t i = 0; i < N_LOOKUPS; i++) {
        void *original = lookups[i].original();

        if (original != NULL) {
            ret_bindings[n] = binding_of(lookups[i].symbol, original, lookups[i].replacement);
            ret_bindings[n++].is_for_later = true;
        }
    }
    return n;
}
