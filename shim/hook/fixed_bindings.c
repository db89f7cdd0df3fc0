// SPDX-License-Identifier: MIT
/*
 * What is redirected whatever the configuration names: functions that may end the process image,
 * so that statistics are written before; prctl and syscall, by which a program locks itself into a
 * sandbox that may kill it for reading a clock, changing a page's protection or looking at a file,
 * so that none of this is done from there on; what gives a thread another user for files alone; and
 * the loader's look-ups where an object finds them past the shim's own.
 */
#include "process.h"

#include "entry/entry.h"
#include "marshal/marshal.h"

#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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

/* What is looked at before it happens. */
enum watched {
    WATCH_PRCTL,
    WATCH_SYSCALL,
    WATCH_SETFSUID,
    WATCH_SETFSGID,
    N_WATCHED
};

static const char *const watched[N_WATCHED] = {"prctl", "syscall", "setfsuid", "setfsgid"};
static int watched_notices[N_WATCHED]; /* their numbers, or -1; written by fixed_bindings_fill */

#define N_LOOKUPS (sizeof(lookups) / sizeof(lookups[0]))

size_t fixed_bindings_room(void)
{
    return N_ANNOUNCED + N_WATCHED + N_LOOKUPS;
}

static struct interpose_binding binding_of(const char *symbol, void *original, void *replacement)
{
    return (struct interpose_binding){
        .symbol = symbol, .original = original, .replacement = replacement};
}

/* The number of the notice, or -1. */
static int announce(const char *symbol, struct interpose_binding *bindings, size_t *n_bindings)
{
    struct interpose_definition definition;
    int notice = -1;

    if (interpose_find(symbol, NULL, NULL, &definition, 1) > 0) {
        notice = entry_open_notice(definition.address);
    }
    if (notice >= 0) {
        bindings[(*n_bindings)++] =
            binding_of(symbol, definition.address, entry_notice_thunk(notice));
    }
    return notice < 0 ? -1 : notice;
}

static bool prctl_confines(int option)
{
    return option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS || option == PR_SET_TSC;
}

/* A system call that is made by its number, of those that matter here. */
static void note_system_call(const uint64_t *integers)
{
    switch ((long)integers[0]) {
    case SYS_prctl:
        if (prctl_confines((int)integers[1])) {
            call_be_confined();
        }
        break;
    case SYS_seccomp:
        call_be_confined();
        break;
    case SYS_setfsuid:
    case SYS_setfsgid:
        marshal_ask_file_ids();
        break;
    default:
        break;
    }
}

void fixed_bindings_notice(int notice, const uint64_t *integers)
{
    enum watched which = 0;

    while (which < N_WATCHED && watched_notices[which] != notice) {
        which++;
    }
    switch (which) {
    case WATCH_PRCTL:
        if (prctl_confines((int)integers[0])) {
            call_be_confined();
        } else {
            call_look_at_resting();
        }
        break;
    case WATCH_SYSCALL:
        note_system_call(integers);
        break;
    case WATCH_SETFSUID:
    case WATCH_SETFSGID:
        marshal_ask_file_ids();
        break;
    default:
        report_dump();
    }
}

size_t fixed_bindings_fill(struct interpose_binding *ret_bindings)
{
    size_t n = 0;

    for (size_t i = 0; process.settings.has_target && i < N_ANNOUNCED; i++) {
        announce(announced[i], ret_bindings, &n);
    }
    for (size_t i = 0; i < N_WATCHED; i++) {
        watched_notices[i] = announce(watched[i], ret_bindings, &n);
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
