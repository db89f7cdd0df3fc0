// SPDX-License-Identifier: MIT
/*
 * Walks the loaded objects with dl_iterate_phdr. Objects are told apart by their load addresses,
 * never by file names. The walk's order, the loader's list, is that of the global scope for the
 * objects of the start.
 */
#include "interpose/objects.h"

#include "base/arena.h"
#include "base/foreign_libc.h"
#include "base/signals.h"
#include "interpose/interpose.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Versions of one name in one object that are looked at. */
enum {
    DEFINITIONS_ROOM = 16
};

/* By segments: in the holes of an executable's range something else may have been mapped. */
static bool contains(const struct elf_view *view, uintptr_t address)
{
    return elf_view_has(view, address, 1, 0);
}

static const char *basename_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

const char *objects_started_as(void)
{
    const char *path = (const char *)getauxval(AT_EXECFN);

    return path != NULL ? basename_of(path) : "";
}

/* The loader has no name for the executable; the kernel has. */
const char *objects_library_of(const struct elf_view *view)
{
    const char *path = view->path;

    if (view->soname != NULL) {
        return view->soname;
    }
    return path[0] == '\0' ? objects_started_as() : basename_of(path);
}

static int count_object(struct dl_phdr_info *info, size_t n_bytes, void *context)
{
    ++*(size_t *)context;
    return 0;
}

struct filling {
    struct object *objects;
    size_t n_objects, n_room;
};

static int add_object(struct dl_phdr_info *info, size_t n_bytes, void *context)
{
    struct filling *filling = context;

    if (filling->n_objects < filling->n_room) {
        struct object *object = &filling->objects[filling->n_objects++];

        elf_view_init(&object->view, info->dlpi_addr, info->dlpi_name, info->dlpi_phdr,
                      info->dlpi_phnum);
        object->library = objects_library_of(&object->view);
    }
    return 0;
}

/*
 * Where ld.so was loaded. The kernel says it in AT_BASE, unless ld.so itself was started with the
 * program as its argument; then the executable's DT_DEBUG leads to ld.so's own word on it.
 */
static uintptr_t loader_base(const struct elf_view *executable)
{
    uintptr_t base = getauxval(AT_BASE);

    if (base == 0 && executable->debug != 0) {
        base = ((const struct r_debug *)executable->debug)->r_ldbase;
    }
    return base;
}

/* The loader's list ends here now; objects that are loaded later are linked behind it. */
static const struct link_map *last_listed(const struct elf_view *executable)
{
    const struct r_debug *debug = (const struct r_debug *)executable->debug;
    const struct link_map *last = debug != NULL ? debug->r_map : NULL;

    while (last != NULL && last->l_next != NULL) {
        last = last->l_next;
    }
    return last;
}

static void assign_roles(struct object *objects, size_t n_objects, uintptr_t own_address)
{
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
    uintptr_t loader = loader_base(&objects[0].view);

    for (size_t i = 0; i < n_objects; i++) {
        const struct elf_view *view = &objects[i].view;

        if (contains(view, own_address)) {
            objects[i].role = OBJECT_OWN;
            interpose_known.own = i;
        } else if (vdso != 0 && contains(view, vdso)) {
            objects[i].role = OBJECT_VDSO;
        } else if (loader != 0 && contains(view, loader)) {
            objects[i].role = OBJECT_LOADER;
        }
    }
}

int objects_init(const void *own_address)
{
    size_t page_bytes = pages_size();
    struct filling filling = {0};
    size_t n_bytes;

    dl_iterate_phdr(count_object, &filling.n_room);
    n_bytes = (filling.n_room * sizeof(struct object) + page_bytes - 1) & ~(page_bytes - 1);
    filling.objects = pages_map(n_bytes);
    if (filling.objects == NULL) {
        return -ENOMEM;
    }
    dl_iterate_phdr(add_object, &filling);
    if (filling.n_objects == 0) {
        pages_unmap(filling.objects, n_bytes);
        return -ENOENT;
    }
    interpose_known.own = filling.n_objects;
    assign_roles(filling.objects, filling.n_objects, (uintptr_t)own_address);
    if (interpose_known.own == filling.n_objects ||
        mprotect(filling.objects, n_bytes, PROT_READ) != 0) {
        pages_unmap(filling.objects, n_bytes);
        return -ENOENT;
    }
    interpose_known.last = last_listed(&filling.objects[0].view);
    interpose_known.objects = filling.objects;
    interpose_known.n_objects = filling.n_objects;
    return 0;
}

const struct object *objects_containing(const void *address)
{
    for (size_t i = 0; i < interpose_known.n_objects; i++) {
        if (contains(&interpose_known.objects[i].view, (uintptr_t)address)) {
            return &interpose_known.objects[i];
        }
    }
    return NULL;
}

/* ---- later objects --------------------------------------------------------------------------- */

/*
 * Walks of ours while the program runs. ld.so frees dl_load_lock in a forked child but not the lock
 * of dl_iterate_phdr: a child of a thread that forks during another thread's walk would wait for it
 * for ever, at its next dlopen. So forks wait for walks, and walks do not begin during forks.
 */
static _Atomic uint32_t n_walkers;
static _Atomic bool is_forking, is_child;
static __thread uint32_t walks_here; /* this thread's share of n_walkers */

/* Neither waits for ever: somebody may fork, or look, where nobody else can go on. */
enum {
    FORK_NAPS = 2000,
    FORK_NAP_NS = 50000
};

static void nap(void)
{
    struct timespec time = {.tv_nsec = FORK_NAP_NS};
    int saved_errno = errno;

    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL);
    errno = saved_errno;
}

static void before_fork(void)
{
    atomic_store(&is_forking, true);
    for (int i = 0; i < FORK_NAPS && atomic_load(&n_walkers) > walks_here; i++) {
        nap();
    }
}

static void after_fork_in_parent(void)
{
    atomic_store(&is_forking, false);
}

void objects_after_fork(void)
{
    atomic_store(&is_child, true);
}

bool objects_may_be_walked(void)
{
    return !atomic_load(&is_child) || interpose_loader_is_free();
}

static void after_fork_in_child(void)
{
    objects_after_fork();
    atomic_store(&n_walkers, walks_here);
    atomic_store(&is_forking, false);
}

void objects_guard_forks(void)
{
    static bool is_done;

    if (!is_done) {
        is_done = true;
        __register_atfork(before_fork, after_fork_in_parent, after_fork_in_child, NULL);
    }
}

static bool begin_walk(void)
{
    atomic_fetch_add(&n_walkers, 1);
    walks_here++;
    return walks_here > 1 || !atomic_load(&is_forking);
}

static void end_walk(void)
{
    walks_here--;
    atomic_fetch_sub(&n_walkers, 1);
}

static bool walk(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context,
                 bool is_patient)
{
    /*
     * A thread that is cancelled within may leave the loader's lock held, and the next dlopen of
     * another thread waits for ever. The program asked for nothing: a mere call is what looks.
     */
    uint64_t mask = signals_hold();
    bool may_walk = begin_walk();

    for (int i = 0; !may_walk && is_patient && i < FORK_NAPS; i++) {
        end_walk();
        signals_let(mask);
        nap();
        mask = signals_hold();
        may_walk = begin_walk();
    }
    if (may_walk) {
        dl_iterate_phdr(visit, context);
    }
    end_walk();
    signals_let(mask);
    return may_walk;
}

struct later_visit {
    void (*visit)(const struct elf_view *view, void *context);
    void *context;
};

static int visit_if_later(struct dl_phdr_info *info, size_t n_bytes, void *context)
{
    const struct later_visit *later = context;
    struct elf_view view;

    if (elf_view_init(&view, info->dlpi_addr, info->dlpi_name, info->dlpi_phdr, info->dlpi_phnum) &&
        objects_containing((const void *)view.load_start) == NULL) {
        later->visit(&view, later->context);
    }
    return 0;
}

bool objects_each_later(void (*visit)(const struct elf_view *view, void *context), void *context)
{
    struct later_visit later = {.visit = visit, .context = context};

    return walk(visit_if_later, &later, true);
}

static int read_changes(struct dl_phdr_info *info, size_t n_bytes, void *context)
{
    struct objects_changes *changes = context;

    changes->n_loaded = info->dlpi_adds;
    changes->n_unloaded = info->dlpi_subs;
    return 1;
}

bool objects_read_changes(struct objects_changes *ret_changes, bool is_patient)
{
    return walk(read_changes, ret_changes, is_patient);
}

struct definer_search {
    const char *name;
    uint32_t name_hash;
    enum later_definers definers;
    uintptr_t address;
};

static void search_definer(const struct elf_view *view, void *context)
{
    struct definer_search *search = context;
    struct elf_symbol found[DEFINITIONS_ROOM];
    size_t n_found = elf_view_find(view, search->name, search->name_hash, found, DEFINITIONS_ROOM);

    for (size_t i = 0; i < n_found; i++) {
        if (!found[i].is_defined || found[i].visibility == STV_HIDDEN ||
            found[i].visibility == STV_INTERNAL) {
            continue;
        }
        /* The resolver of an IFUNC may not be ready to be called. */
        if (search->definers != LATER_NONE && search->address == found[i].address) {
            continue;
        }
        search->definers = search->definers == LATER_NONE && found[i].type != STT_GNU_IFUNC
                               ? LATER_ONE
                               : LATER_SEVERAL;
        search->address = found[i].address;
    }
}

enum later_definers objects_later_definers(const char *name, uint32_t name_hash,
                                           uintptr_t *ret_address)
{
    struct definer_search search = {.name = name, .name_hash = name_hash};

    if (!objects_each_later(search_definer, &search)) {
        return LATER_SEVERAL;
    }
    *ret_address = search.address;
    return search.definers;
}
