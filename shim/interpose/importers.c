// SPDX-License-Identifier: MIT
/* See importers.h. Lists that only grow, in memory of their own. */
#include "interpose/importers.h"

#include "base/arena.h"

#define LIMIT_BYTES ((size_t)16 * 1024 * 1024)

static struct arena arena; /* guarded by the patch lock */

void importers_init(void)
{
    arena_init(&arena, LIMIT_BYTES);
    arena_alloc(&arena, 0); /* maps the first pages now, rather than in the middle of a pass */
}

static struct interpose_importer *find_or_add_locked(struct interpose_binding *binding,
                                                     const struct object *object)
{
    struct interpose_importer *importer = binding->last_importer;

    /* Slots come object by object, so it is the last one as a rule. */
    if (importer != NULL && importer->object == object) {
        return importer;
    }
    for (importer = binding->importers; importer != NULL; importer = importer->next) {
        if (importer->object == object) {
            return importer;
        }
    }
    importer = arena_alloc(&arena, sizeof(*importer));
    if (importer != NULL) {
        importer->library = object->library;
        importer->path = object->view.path;
        importer->object = object;
        __atomic_store_n(binding->importers == NULL ? &binding->importers
                                                    : &binding->last_importer->next,
                         importer, __ATOMIC_RELEASE);
        binding->last_importer = importer;
    }
    return importer;
}

void importers_begin_locked(struct interpose_binding *binding)
{
    for (struct interpose_importer *i = binding->importers; i != NULL; i = i->next) {
        i->seen = (struct interpose_share){0};
    }
}

void importers_count_locked(struct interpose_binding *binding, const struct object *object,
                            enum elf_slot_kind kind, enum slots_outcome outcome)
{
    struct interpose_importer *importer = find_or_add_locked(binding, object);
    struct interpose_share *seen;

    if (importer == NULL) {
        return;
    }
    seen = &importer->seen;
    seen->unaligned += outcome == SLOTS_UNALIGNED;
    seen->sealed += outcome == SLOTS_SEALED;
    if (outcome == SLOTS_WRITTEN) {
        seen->slots.jump += kind == ELF_SLOT_JUMP;
        seen->slots.got += kind == ELF_SLOT_GOT;
        seen->slots.pointers += kind == ELF_SLOT_POINTER;
        seen->copied += kind == ELF_SLOT_COPY;
    }
}

void importers_end_locked(struct interpose_binding *binding)
{
    for (struct interpose_importer *i = binding->importers; i != NULL; i = i->next) {
        interpose_copy_counts(&i->share, &i->seen, sizeof(i->share));
    }
}

const struct interpose_importer *interpose_next_importer(const struct interpose_binding *binding,
                                                         const struct interpose_importer *importer)
{
    return __atomic_load_n(importer == NULL ? &binding->importers : &importer->next,
                           __ATOMIC_ACQUIRE);
}
