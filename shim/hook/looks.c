// SPDX-License-Identifier: MIT
/*
 * When the shim looks for objects that were loaded while the program runs. dlopen is not wrapped;
 * but whoever loads a plugin looks something up in it next, so each dlsym on a handle looks, and a
 * miss now and then. As long as nothing was loaded, a look is one load.
 */
#include "process.h"

#include "base/fork_page.h"
#include "base/guard.h"

#include <dlfcn.h>
#include <errno.h>

/* One look for so many misses of a thread, its first among them. A look takes two system calls. */
#define MISSES_BETWEEN_LOOKS 32

static bool is_started;            /* written by later_start */
static _Atomic uint64_t n_settled; /* changes up to which definitions were looked for */
static __thread uint32_t misses_until_look;

void later_start(void)
{
    is_started = true;
}

/* Not inlined: most misses come to see nothing new. */
__attribute__((noinline)) static void look_on_miss(void)
{
    uint32_t shield;

    if (misses_until_look == 0) {
        misses_until_look = MISSES_BETWEEN_LOOKS;
        shield = float_shield_begin();
        if (interpose_loader_is_free() && interpose_look(false) != 0) {
            triggers_settle();
            freeing_settle();
        }
        float_shield_end(shield);
    }
    misses_until_look--;
}

void later_look_on_miss(void)
{
    if (__builtin_expect(interpose_has_later_objects(), 0)) {
        look_on_miss();
    }
}

/*
 * Slots first; then what new objects define, which pins them. A forked child may have inherited the
 * loader's lock from a thread that is no more.
 */
static void look_patiently(void)
{
    uint64_t n_changes = process.is_child && !interpose_loader_is_free() ? 0 : interpose_look(true);

    if (n_changes != 0) {
        triggers_settle();
        freeing_settle();
    }
    if (n_changes != 0 && n_changes != atomic_load_explicit(&n_settled, memory_order_acquire)) {
        hooks_look_for_definitions();
        atomic_store_explicit(&n_settled, n_changes, memory_order_release);
    }
}

bool later_answer_dlsym(void *handle, const char *symbol, const char *version, const void *caller,
                        void **ret_address)
{
    if (is_started && memoshim_guard == 0) {
        int saved_errno = errno;

        guard_enter();
        call_look_at_resting();
        guard_leave();
        errno = saved_errno;
    }
    /* Not in the middle of our own work: a signal handler may call dlsym. */
    if (is_started && memoshim_guard == 0 && interpose_has_later_objects() &&
        ((handle != RTLD_DEFAULT && handle != RTLD_NEXT) || interpose_may_know(symbol))) {
        int saved_errno = errno;

        guard_enter();
        if (fork_page_is_new_child()) {
            report_new_child();
        }
        look_patiently();
        guard_leave();
        errno = saved_errno;
    }
    return interpose_answer_dlsym(handle, symbol, version, caller, ret_address);
}
