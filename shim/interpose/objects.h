// SPDX-License-Identifier: MIT
/*
 * The loaded objects of the base namespace. Those of the start, which are never unloaded, are
 * described once and then read without a lock from everywhere; later ones are visited under the
 * loader's own lock and not remembered.
 */
#ifndef INTERPOSE_OBJECTS_H
#define INTERPOSE_OBJECTS_H

#include "interpose/elf_view.h"

enum object_role {
    OBJECT_ORDINARY,
    OBJECT_OWN,    /* the shim: its slots lead to the real functions, always */
    OBJECT_LOADER, /* ld.so: defines symbols, but its slots are its own affair */
    OBJECT_VDSO,   /* the kernel's: in no scope */
};

struct object {
    struct elf_view view;
    const char *library; /* soname, else basename */
    enum object_role role;
};

/*
 * What interpose_init learns and nobody changes later: one sealed page, because the tail jumps go
 * where it says. `objects` is sealed too, in the order of the global scope, the executable first.
 */
struct interpose_known {
    _Alignas(ELF_MACHINE_MAX_PAGE) const struct object *objects;
    size_t n_objects;
    size_t own;                  /* index of the shim */
    const struct link_map *last; /* the loader's own record of the last of them, or NULL */
    void *real_dlsym, *real_dlvsym, *real_dladdr, *real_dladdr1;
    bool is_sealed;
};

extern struct interpose_known interpose_known;

/*
 * interpose_init with the shim being the object that contains own_address. For tests, whose program
 * contains this code and is also the target.
 */
int interpose_init_as(const void *own_address);

/* Fills in objects, n_objects and own of interpose_known. 0 or -errno. */
int objects_init(const void *own_address);

/* The object of the start whose code or data contains address, or NULL. */
const struct object *objects_containing(const void *address);

/*
 * Visits every ordinary object that was loaded after the start, under the loader's lock: the
 * visitor takes no lock and allocates nothing. Another thread may be inside dlopen: an object is
 * listed before ld.so has relocated it and closed its RELRO. Waits while another thread forks;
 * false when that takes so long that nothing was visited.
 */
bool objects_each_later(void (*visit)(const struct elf_view *view, void *context), void *context);

/* False when none is there. One load. */
static inline bool objects_are_later(void)
{
    const struct link_map *last = interpose_known.last;

    return last == NULL || __atomic_load_n(&last->l_next, __ATOMIC_RELAXED) != NULL;
}

/*
 * False in a forked child that may have inherited the loader's lock from a thread that is no more:
 * there a walk might wait for ever.
 */
bool objects_may_be_walked(void);

/* In a new child of fork. */
void objects_after_fork(void);

/*
 * How often objects were loaded and unloaded so far. False while another thread forks; is_patient
 * waits for that to be over.
 */
struct objects_changes {
    uint64_t n_loaded, n_unloaded;
};
bool objects_read_changes(struct objects_changes *ret_changes, bool is_patient);

/* Which of the objects that were loaded after the start define a name. */
enum later_definers {
    LATER_NONE,
    LATER_ONE, /* function of one address, in however many versions */
    LATER_SEVERAL,
};

/* *ret_address: of LATER_ONE. Says LATER_SEVERAL when it cannot know. */
enum later_definers objects_later_definers(const char *name, uint32_t name_hash,
                                           uintptr_t *ret_address);

/* How the object is called: soname, else basename; borrowed from the loader. */
const char *objects_library_of(const struct elf_view *view);

/* The basename that the kernel was given for the executable; "" if it was given none. */
const char *objects_started_as(void);

/*
 * A thread that forks waits until no other thread of ours holds the loader's lock: ld.so does not
 * free it in the child. Acts once.
 */
void objects_guard_forks(void);

#endif
