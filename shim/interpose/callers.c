// SPDX-License-Identifier: MIT
/* See callers.h. Patterns are compared anew for each slot that matches: there are few of those. */
#include "interpose/callers.h"

#include "base/pattern.h"
#include "interpose/objects.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char executable_file[PATH_MAX]; /* written by callers_init; "": not known */

static const char *basename_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

void callers_init(void)
{
    int saved_errno = errno;
    long n_bytes = 0;

    if (executable_file[0] == '\0') {
        n_bytes = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", executable_file,
                          sizeof(executable_file) - 1);
    }

    if (n_bytes > 0) {
        executable_file[n_bytes] = '\0';
    }
    errno = saved_errno;
}

struct caller_names callers_names_of(const struct elf_view *view)
{
    struct caller_names names = {{objects_library_of(view)}};

    if (view->path[0] != '\0') {
        names.names[1] = basename_of(view->path);
    } else if (executable_file[0] != '\0') {
        names.names[1] = basename_of(executable_file);
    }
    if (view->path[0] == '\0' && view->soname != NULL) { /* an executable that is a library, too */
        names.names[2] = objects_started_as();
    }
    return names;
}

static bool is_one_of(const char *pattern, const struct caller_names *names)
{
    for (size_t i = 0; i < sizeof(names->names) / sizeof(names->names[0]); i++) {
        if (names->names[i] != NULL && pattern_matches(pattern, names->names[i])) {
            return true;
        }
    }
    return false;
}

bool callers_have(const struct interpose_binding *binding, const struct caller_names *names)
{
    for (uint32_t i = 0; i < binding->n_callers; i++) {
        if (is_one_of(binding->callers[i], names)) {
            return true;
        }
    }
    return binding->n_callers == 0;
}

void callers_note_locked(struct interpose_binding *binding, const struct caller_names *names)
{
    for (uint32_t i = 0; i < binding->n_callers; i++) {
        if (is_one_of(binding->callers[i], names)) {
            __atomic_fetch_or(&binding->callers_seen, UINT64_C(1) << i, __ATOMIC_RELAXED);
        }
    }
}

struct address_search {
    const struct interpose_binding *binding;
    uintptr_t address;
    bool is_found;
};

static void search_address(const struct elf_view *view, void *context)
{
    struct address_search *search = context;

    if (elf_view_has(view, search->address, 1, 0)) {
        struct caller_names names = callers_names_of(view);

        search->is_found = callers_have(search->binding, &names);
    }
}

bool callers_have_address(const struct interpose_binding *binding, const void *address)
{
    const struct object *object;
    struct address_search search = {.binding = binding, .address = (uintptr_t)address};

    if (binding->n_callers == 0) {
        return true;
    }
    object = objects_containing(address);
    if (object != NULL) {
        search_address(&object->view, &search);
    } else {
        objects_each_later(search_address, &search);
    }
    return search.is_found;
}
