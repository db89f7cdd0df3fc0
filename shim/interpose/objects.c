// SPDX-License-Identifier: MIT
/*
 * Walks the loaded objects with dl_iterate_phdr. Objects are told apart by their load addresses,
 * never by file names. The walk's order, the loader's list, is that of the global scope for the
 * objects of the start.
 */
#include "interpose/objects.h"

#include "base/arena.h"
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

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

/* The loader has no name for the executable; the kernel has. */
static const char *library_of(const struct elf_view *view)
{
    const char *path = view->path;

    if (view->soname != NULL) {
        return view->soname;
    }
    if (path[0] == '\0') {
        const char *started_as = (const char *)getauxval(AT_EXECFN);

        path = started_as != NULL ? started_as : path;
    }
    return basename_of(path);
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
        object->library = library_of(&object->view);
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

void objects_each_later(void (*visit)(const struct elf_view *view, void *context), void *context)
{
    struct later_visit later = {.visit = visit, .context = context};

    dl_iterate_phdr(visit_if_later, &later);
}
