// SPDX-License-Identifier: MIT
/*
 * Finds functions in the loaded objects and redirects the slots through which objects call them.
 * Patches resolved address slots, matched by name and by current value; never code. Knows nothing
 * of prototypes or caching.
 *
 * All functions here may be called from an initfirst constructor, where libc's environ is empty
 * and no other constructor has run. None allocates from the program's malloc, but interpose_pin
 * may.
 */
#ifndef INTERPOSE_INTERPOSE_H
#define INTERPOSE_INTERPOSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Makes the calls of the shim itself go to libc, past other preloads and sanitizers' runtimes. The
 * very first step.
 */
void interpose_bind_own_calls(void);

/*
 * Starts the run-time of clang's ThreadSanitizer if the executable contains one, by the function
 * that each instrumented object calls when it starts. Otherwise it starts in the preinit array,
 * after initfirst constructors, and until then its malloc, which dlmopen calls, crashes.
 */
void interpose_start_runtime(void);

/*
 * Whether the executable has an allocator that must not be asked before main, as dlmopen would: one
 * that takes memory by sbrk for itself and is no replacement of libc's (it lacks aligned_alloc and
 * its like). That of GNU Common Lisp counts on a break that it only gets by executing itself again.
 */
bool interpose_allocator_must_wait(void);

/* Learns the shim's own load range and the real dlsym and dlvsym. 0 or -errno. Called first. */
int interpose_init(void);

/* The path that the shim was loaded from, as the loader has it. Borrowed. After interpose_init. */
const char *interpose_own_path(void);

/* Why this symbol must never be redirected (returns twice, allocators, the loader ...), or NULL. */
const char *interpose_denied(const char *symbol);

/* One definition of a symbol in a loaded object of the base namespace, the shim excluded. */
struct interpose_definition {
    const char *library; /* soname, else basename, of the object; borrowed from the loader */
    const char *path;    /* the object's path as loaded; "" for the executable */
    const char *version; /* symbol version, or NULL */
    bool is_default;     /* the version a plain reference binds to */
    bool is_startup;     /* defined by an object loaded at start */
    bool is_vector_call; /* its arguments travel in registers of vectors: not to be hooked */
    void *address;       /* what a resolved slot holds: for an IFUNC the chosen implementation */
    uint64_t size_bytes; /* st_size, or 0 */
};

/*
 * All definitions of symbol, in the order of the global scope. version and library restrict, NULL
 * means any; library matches the soname or the basename of the path. Two names for one address in
 * the same object count once. Returns the number found, of which at most n_room are written.
 */
size_t interpose_find(const char *symbol, const char *version, const char *library,
                      struct interpose_definition *ret_definitions, size_t n_room);

/*
 * What a call of this name, by an object of the start that asks for no version, leads to by the
 * rules of the global scope; NULL when that is nothing, or no function. The shim's own slots are
 * not asked.
 */
void *interpose_find_called(const char *symbol);

struct interpose_arrival;

/* A variable as the program sees it. */
struct interpose_variable {
    void *address;
    uint64_t size_bytes; /* st_size, or 0 */
};

/*
 * The first definition of the name in the global scope of the start, the shim excluded: so the
 * executable's copy goes before the library's own. Where there is none, and arrival is not NULL,
 * the one of that pinned object. NULL, or why it cannot be had ("cannot be written").
 */
const char *interpose_find_variable(const char *symbol, const struct interpose_arrival *arrival,
                                    struct interpose_variable *ret_variable);

struct interpose_slots {
    uint32_t jump, got, pointers; /* in the PLT's table, in the GOT, in data */
};

/* What one object of the start has of a binding's slots. */
struct interpose_share {
    struct interpose_slots slots; /* redirected; pointers without the following */
    uint32_t copied;              /* pointers that a COPY relocation duplicated into it */
    uint32_t unaligned, sealed;   /* could not be written: no single store, RELRO not opened */
};

/*
 * Copies a struct of such counts while other threads read or write it: each number is whole. What
 * is in the following structs may be read so at any time.
 */
static inline void interpose_copy_counts(void *to, const void *from, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes / sizeof(uint32_t); i++) {
        uint32_t count = __atomic_load_n((const uint32_t *)from + i, __ATOMIC_RELAXED);

        __atomic_store_n((uint32_t *)to + i, count, __ATOMIC_RELAXED);
    }
}

struct interpose_importer {
    const char *library, *path; /* as those of interpose_definition */
    struct interpose_share share, seen;
    const void *object; /* kept by this module, as are seen and next */
    struct interpose_importer *next;
};

/*
 * One redirection: slots that refer to `symbol` and hold `original` get `replacement`. What is not
 * said is zero.
 */
struct interpose_binding {
    const char *symbol;
    void *original;
    void *replacement;
    /*
     * Only slots of objects that match one of these patterns (base/pattern.h) by soname or
     * basename, and dlsym called by them. Such a name is not exported to later objects: the look
     * finds them.
     */
    const char *const *callers;
    uint32_t n_callers;    /* at most 64; 0: of all objects */
    uint64_t callers_seen; /* out: bit i: there was an object that matches callers[i] */
    /*
     * Only slots of objects that come later, and no dlsym, lead to the replacement: for functions
     * of ld.so that the shim exports itself, which RTLD_DEEPBIND finds elsewhere first.
     */
    bool is_for_later;
    /* out: slots redirected, by kind, and those that could not be written (unaligned, RELRO not
     * opened). Any thread may read them. */
    _Atomic uint32_t n_jump_slots, n_got_slots, n_pointers, n_refused;
    /*
     * out: slots of later objects that a look had to redirect, ever: ld.so had bound them, and
     * calls may have gone through. Any thread may read it.
     */
    _Atomic uint32_t n_redirected_late;
    uint32_t exported_as; /* out: the shim's symbol that carries the name for later objects; or 0 */
    /* out: why none does, in a sentence, or NULL. Any thread may read it. */
    const char *_Atomic unexported_because;
    bool is_active;               /* kept by this module, as is all that follows */
    struct interpose_slots later; /* part of the counts: in objects that came after the start */
    struct interpose_slots seen;  /* counted by the walk that is going on */
    struct interpose_slots seen_at_start; /* those of them in objects of the start */
    struct interpose_importer *importers, *last_importer;
};

/*
 * Registers the bindings (the array is kept and must stay) and redirects their slots in every
 * object loaded now. Also makes dlsym and dlvsym answer with the replacements, and, the first time
 * it is called, the dynamic linker bind later objects to the replacement of each name that has one
 * definition only. 0 or -errno; with an error some slots may be redirected: their count is in the
 * bindings.
 */
int interpose_apply(struct interpose_binding *bindings, size_t n_bindings);

/*
 * Why the names of the first interpose_apply are not exported to objects that are loaded later, or
 * NULL. A name that has more than one definition is not exported either; that is no problem here.
 */
const char *interpose_export_problem(void);

/*
 * The objects of the start that have, or had, slots of the binding, in the order of the scope:
 * after NULL the first one, NULL after the last. Nothing is ever taken out of the list; with too
 * little memory some may be missing. Takes no lock.
 */
const struct interpose_importer *interpose_next_importer(const struct interpose_binding *binding,
                                                         const struct interpose_importer *importer);

/*
 * Gives the slots of one binding their original back, for good or until interpose_restore. Their
 * counts say what is redirected afterwards. 0; -EBUSY while another thread is at it: nothing was
 * done, try again later; -EACCES when some slots could not be written and stay as they were.
 */
int interpose_revert(struct interpose_binding *binding);
int interpose_restore(struct interpose_binding *binding);

/*
 * False as long as no object was loaded after the start: then there is nothing to look for. A load
 * or two, for use on hot paths.
 */
bool interpose_has_later_objects(void);

/*
 * Looks whether objects were loaded or unloaded since the last look, and redirects the slots of new
 * ones. Asks the loader, so it takes the loader's lock for a moment, and for the length of a walk
 * when something is new; waits for the patch lock, within bounds, if is_patient. Returns how often
 * objects were loaded or unloaded so far, or 0 when there are none or nobody can be asked now.
 */
uint64_t interpose_look(bool is_patient);

/* Makes the following known, while there is one thread; until then it is false. */
void interpose_find_loader_lock(void);

/*
 * False while somebody holds the loader's lock, or when that cannot be known. Where the program
 * itself would not call the loader (a mere call, which may stand in a signal handler or in a forked
 * child) nobody looks without asking this.
 */
bool interpose_loader_is_free(void);

/* A function to be found in objects that come later. version and library may be NULL: any. */
struct interpose_wish {
    const char *symbol, *version, *library;
    uint32_t name_hash; /* kept by this module */
};

/* Makes the names known: interpose_may_know says so from here on. */
void interpose_expect(struct interpose_wish *wishes, size_t n_wishes);

/* False when no binding and no wish has this name; may be true for others. */
bool interpose_may_know(const char *symbol);

/* An object that came after the start. */
struct interpose_arrival {
    uintptr_t base;
    char path[4096];
};

/*
 * The first later object that defines one of the wishes and is not among those passed over, which
 * are told by their bases. It may be gone or not quite there until it is pinned.
 */
bool interpose_find_arrival(const struct interpose_wish *wishes, size_t n_wishes,
                            const uintptr_t *passed_over, size_t n_passed_over,
                            struct interpose_arrival *ret_arrival);

/*
 * Keeps the object loaded for good: dlopen of exactly this object, which waits for a dlopen of it
 * that is going on. Only where the program may call dlopen itself, and without any lock. 0, or
 * -ENOENT when it is gone.
 */
int interpose_pin(const struct interpose_arrival *arrival);

/* As interpose_find, in a pinned object. */
size_t interpose_find_in_arrival(const struct interpose_arrival *arrival,
                                 const struct interpose_wish *wish,
                                 struct interpose_definition *ret_definitions, size_t n_room);

/*
 * In a new child of fork: the lock starts anew, since its holder may be gone, and pages that the
 * holder had opened for writing are closed.
 */
void interpose_after_fork(void);

/*
 * The decision behind the exported dlsym (version NULL) and dlvsym. `caller` is the return address
 * of the program's call. Returns true with *ret_address set when the answer is one of ours, false
 * when the real function must be jumped to with the caller's own frame.
 */
bool interpose_answer_dlsym(void *handle, const char *symbol, const char *version,
                            const void *caller, void **ret_address);

/* ---- survey.c: what is told about functions before a program runs ------------------------------
 * For the constructor, while there is one thread.
 */

enum interpose_role {
    INTERPOSE_ORDINARY,
    INTERPOSE_OWN,    /* the shim */
    INTERPOSE_LOADER, /* its slots are its own affair */
    INTERPOSE_VDSO,
};

/* The i-th object of the start, in the order of the global scope; false after the last. */
struct interpose_object {
    const char *library, *path; /* as those of interpose_definition */
    enum interpose_role role;
};
bool interpose_object_at(size_t i, struct interpose_object *ret_object);

/* True when libc has begun already, so that other constructors have run before ours. */
bool interpose_is_late(void);

/* More about the definition of a binding; all false for one that came after the start. */
struct interpose_traits {
    bool is_default;   /* the version a plain reference binds to */
    bool is_ifunc;     /* a resolver chose among implementations */
    bool is_protected; /* its object is always bound to itself */
    bool is_symbolic;  /* its object was linked to look in itself first */
};
struct interpose_traits interpose_describe(const struct interpose_binding *binding);

/* Another exported name of the same code in the same object. */
struct interpose_alias {
    const char *name;
    uint32_t n_slots; /* in objects of the start, under that name, leading to the binding's code */
};

/* The number of them, of which at most n_room are written. After interpose_apply. */
size_t interpose_find_aliases(const struct interpose_binding *binding,
                              struct interpose_alias *ret_aliases, size_t n_room);

/* A symbol of some name in an object of the start, whatever it is. */
struct interpose_namesake {
    const char *library, *path, *version;
    enum interpose_role role;    /* of the object */
    bool is_function, is_hidden; /* hidden: not for other objects */
};
size_t interpose_find_namesakes(const char *symbol, struct interpose_namesake *ret_namesakes,
                                size_t n_room);

/* The next dlsym and dlvsym after the shim in the scope: what the tail jumps go to. */
void *interpose_real_dlsym(void);
void *interpose_real_dlvsym(void);

/* The same by name, for those who ask before interpose_init has run; NULL when not found. */
void *interpose_early_dl(const char *name);

/* The real dladdr and dladdr1; NULL when there is none. */
void *interpose_real_dladdr(void);
void *interpose_real_dladdr1(void);

/* A function of the kernel's vDSO, such as "__vdso_clock_gettime", or NULL. */
void *interpose_vdso_function(const char *symbol);

/* Makes [address, address + n_bytes) (whole pages of the shim's own data) read-only. 0 or -errno.
 */
int interpose_seal(void *address, size_t n_bytes);

/* Makes them writable again, for a moment. */
int interpose_unseal(void *address, size_t n_bytes);

#endif
