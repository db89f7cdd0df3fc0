// SPDX-License-Identifier: MIT
/*
 * Definitions in objects that came after the start. Finding one takes three steps, because the
 * loader's lock cannot be held over all of them: find the object by its tables, pin it, read its
 * definitions. The pin proves that the object is there, completely loaded, and will stay.
 */
#include "interpose/interpose.h"

#include "interpose/bindings.h"
#include "interpose/resolve.h"
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

void interpose_expect(struct interpose_wish *wishes, size_t n_wishes)
{
    for (size_t i = 0; i < n_wishes; i++) {
        wishes[i].name_hash = elf_name_hash(wishes[i].symbol);
        bindings_expect(wishes[i].name_hash);
    }
}

bool interpose_may_know(const char *symbol)
{
    return symbol != NULL && bindings_may_have(elf_name_hash(symbol));
}

struct arrival_search {
    const struct interpose_wish *wishes;
    size_t n_wishes;
    const uintptr_t *passed_over;
    size_t n_passed_over;
    struct interpose_arrival *arrival;
    bool is_found;
};

static bool is_passed_over(const struct arrival_search *search, uintptr_t base)
{
    for (size_t i = 0; i < search->n_passed_over; i++) {
        if (search->passed_over[i] == base) {
            return true;
        }
    }
    return false;
}

static void search_arrival(const struct elf_view *view, void *context)
{
    struct arrival_search *search = context;
    struct object object = {.view = *view, .library = objects_library_of(view)};
    size_t n_bytes = strlen(view->path) + 1;

    /* A path without a slash would be searched for, and one with a dollar sign expanded. */
    if (search->is_found || is_passed_over(search, view->base) ||
        n_bytes > sizeof(search->arrival->path) || strchr(view->path, '/') == NULL ||
        strchr(view->path, '$') != NULL) {
        return;
    }
    for (size_t i = 0; i < search->n_wishes && !search->is_found; i++) {
        const struct interpose_wish *wish = &search->wishes[i];

        search->is_found =
            resolve_is_named(&object, wish->library) &&
            resolve_has_definition(&object, wish->symbol, wish->name_hash, wish->version);
    }
    if (search->is_found) {
        search->arrival->base = view->base;
        memcpy(search->arrival->path, view->path, n_bytes);
    }
}

bool interpose_find_arrival(const struct interpose_wish *wishes, size_t n_wishes,
                            const uintptr_t *passed_over, size_t n_passed_over,
                            struct interpose_arrival *ret_arrival)
{
    struct arrival_search search = {.wishes = wishes,
                                    .n_wishes = n_wishes,
                                    .passed_over = passed_over,
                                    .n_passed_over = n_passed_over,
                                    .arrival = ret_arrival};

    return objects_each_later(search_arrival, &search) && search.is_found;
}

/*
 * What ld.so wrote of the object, it wrote under a lock of its own, which dlopen takes, too;
 * ThreadSanitizer hears of neither.
 */
__attribute__((no_sanitize("thread"))) int interpose_pin(const struct interpose_arrival *arrival)
{
    int saved_errno = errno;
    /* The reference is kept: RTLD_NODELETE alone would do, but not every libc has it. */
    struct link_map *map = dlopen(arrival->path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);

    errno = saved_errno;
    return map != NULL && map->l_addr == arrival->base ? 0 : -ENOENT;
}

struct definition_search {
    uintptr_t base;
    const struct interpose_wish *wish;
    struct interpose_definition *definitions;
    size_t n_room, n_found;
};

static void search_definitions(const struct elf_view *view, void *context)
{
    struct definition_search *search = context;
    const struct interpose_wish *wish = search->wish;
    struct object object = {.view = *view, .library = objects_library_of(view)};

    if (view->base == search->base && resolve_is_named(&object, wish->library)) {
        search->n_found = resolve_definitions(&object, wish->symbol, elf_name_hash(wish->symbol),
                                              wish->version, search->definitions, search->n_room);
    }
}

size_t interpose_find_in_arrival(const struct interpose_arrival *arrival,
                                 const struct interpose_wish *wish,
                                 struct interpose_definition *ret_definitions, size_t n_room)
{
    struct definition_search search = {
        .base = arrival->base, .wish = wish, .definitions = ret_definitions, .n_room = n_room};

    objects_each_later(search_definitions, &search);
    return search.n_found;
}
