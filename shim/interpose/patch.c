// SPDX-License-Identifier: MIT
/*
 * Redirects slots: walks over those of each object, and changes the ones that match (match.c).
 *
 * Two locks meet here: the patch lock outside, the loader's inside (dl_iterate_phdr). A thread in
 * somebody's dl_iterate_phdr callback may come the other way round through a redirected function,
 * so interpose_revert and interpose_restore only try the patch lock, and visit objects that came
 * after the start only when one of them may have been redirected.
 */
#include "interpose/patch.h"

#include "base/lock.h"
#include "interpose/dynslots.h"
#include "interpose/importers.h"
#include "interpose/later.h"
#include "interpose/match.h"
#include "interpose/resolve.h"
#include <errno.h>

static struct lock patch_lock;

/* Guarded by patch_lock. */
static bool has_later_slots; /* an object that came after the start was redirected */

static uintptr_t new_value(const struct pass *pass, const struct interpose_binding *binding)
{
    return (uintptr_t)(pass->is_revert ? binding->original : binding->replacement);
}

static void count_slot(const struct pass *pass, struct interpose_binding *binding,
                       enum elf_slot_kind kind)
{
    if (pass->is_counted) {
        binding->seen.jump += kind == ELF_SLOT_JUMP;
        binding->seen.got += kind == ELF_SLOT_GOT;
        binding->seen.pointers += kind == ELF_SLOT_POINTER || kind == ELF_SLOT_COPY;
    }
}

/* False when it could not be written. */
static bool redirect_slot_locked(struct pass *pass, const struct elf_view *view, uintptr_t slot,
                                 enum elf_slot_kind kind, struct interpose_binding *binding)
{
    enum slots_outcome outcome =
        slots_write_locked(&pass->relro, view, slot, new_value(pass, binding), pass->is_later);

    if (outcome == SLOTS_NOT_YET) {
        return false; /* the object is not counted, so the next look comes back to it */
    }
    if (pass->object != NULL && (!pass->is_revert || outcome != SLOTS_WRITTEN)) {
        importers_count_locked(binding, pass->object, kind, outcome);
    }
    if (outcome != SLOTS_WRITTEN) {
        binding->n_refused++;
        return false;
    }
    has_later_slots |= pass->is_later;
    if (!pass->is_revert) {
        binding->n_redirected_late += pass->is_later;
        count_slot(pass, binding, kind);
    }
    return true;
}

static void visit_slot_locked(struct pass *pass, const struct elf_view *view,
                              const struct elf_relocation *relocation)
{
    uintptr_t value = slots_read(relocation->slot);
    bool may_match = filter_may_have(&pass->values, filter_hash_address(value));
    bool may_be_unresolved = relocation->kind == ELF_SLOT_JUMP && !pass->is_revert &&
                             !view->binds_now && elf_view_has(view, value, 1, PF_X);
    bool is_unbound = false;
    struct interpose_binding *binding = NULL;
    struct elf_symbol symbol;

    if ((!may_match && !may_be_unresolved) || !elf_view_symbol(view, relocation->symbol, &symbol)) {
        return;
    }
    if (may_match) {
        binding = match_value(pass, symbol.name, value);
    }
    if (binding == NULL && may_match && pass->is_later && !pass->is_revert) {
        struct interpose_binding *redirected = match_redirected(pass, symbol.name, value);

        if (redirected != NULL) {
            count_slot(pass, redirected, relocation->kind);
            return;
        }
    }
    if (binding == NULL && may_be_unresolved) {
        binding = match_unresolved(pass, view, &symbol, value);
        is_unbound = binding != NULL;
    }
    if (binding != NULL && callers_have(binding, &pass->caller) &&
        redirect_slot_locked(pass, view, relocation->slot, relocation->kind, binding)) {
        pass->has_preceded |= is_unbound;
    }
}

/*
 * A COPY relocation duplicated data of a library into the executable, pointers included. The
 * library's relocations say which words of the copy are pointers, and to what. They stay the
 * library's: whether a linker copied them is nothing that a caller's name should depend on.
 */
static void visit_copy_locked(struct pass *pass, const struct elf_view *executable,
                              const struct elf_relocation *copy)
{
    struct resolve_request request = {0};
    const struct elf_view *source_view;
    struct caller_names caller;
    const struct object *provider;
    struct elf_symbol symbol, source;
    uint64_t n_bytes;

    if (!elf_view_symbol(executable, copy->symbol, &symbol)) {
        return;
    }
    request.name = symbol.name;
    request.name_hash = elf_name_hash(symbol.name);
    request.version = elf_view_version(executable, symbol.version, &request.is_exact);
    if (!resolve_in_scope(&request, 1, &source, &provider)) {
        return;
    }
    source_view = &provider->view;
    caller = callers_names_of(source_view);
    n_bytes = source.size_bytes < symbol.size_bytes ? source.size_bytes : symbol.size_bytes;
    for (size_t table = 0; table < ELF_RELOCATION_TABLES; table++) {
        for (size_t i = 0; i < source_view->relocations[table].n_entries; i++) {
            struct interpose_binding *binding;
            struct elf_relocation pointer;
            uintptr_t offset, slot;

            if (!elf_view_relocation(source_view, table, i, &pointer) ||
                pointer.kind != ELF_SLOT_POINTER || pointer.slot < source.address) {
                continue;
            }
            offset = pointer.slot - source.address;
            slot = copy->slot + offset;
            if (offset >= n_bytes || n_bytes - offset < sizeof(uintptr_t) ||
                !elf_view_has(executable, slot, sizeof(uintptr_t), 0) ||
                !elf_view_symbol(source_view, pointer.symbol, &symbol)) {
                continue;
            }
            binding = match_value(pass, symbol.name, slots_read(slot));
            if (binding != NULL && callers_have(binding, &caller)) {
                redirect_slot_locked(pass, executable, slot, ELF_SLOT_COPY, binding);
            }
        }
    }
}

/* The object's names, and which patterns they match. */
static void name_caller_locked(struct pass *pass, const struct elf_view *view)
{
    struct pass_cursor cursor = {0};
    struct interpose_binding *binding;

    pass->caller = callers_names_of(view);
    while ((binding = match_next_binding(pass, &cursor)) != NULL) {
        callers_note_locked(binding, &pass->caller);
    }
}

void patch_object_locked(const struct elf_view *view, struct pass *pass)
{
    int error;

    lock_assert_held(&patch_lock);
    if (pass->has_callers) {
        name_caller_locked(pass, view);
    }
    /* Counted when it is through with, so that nothing is counted twice. */
    pass->is_ambiguous = false;
    pass->is_counted = !pass->is_later || slots_are_relocated(view);
    for (size_t table = 0; table < ELF_RELOCATION_TABLES; table++) {
        for (size_t i = 0; i < view->relocations[table].n_entries; i++) {
            struct elf_relocation relocation;

            if (!elf_view_relocation(view, table, i, &relocation)) {
                continue;
            }
            if (relocation.kind != ELF_SLOT_COPY) {
                visit_slot_locked(pass, view, &relocation);
            } else if (view == &interpose_known.objects[0].view) {
                visit_copy_locked(pass, view, &relocation);
            }
        }
    }
    error = slots_close_locked(&pass->relro);
    if (error != 0) {
        pass->error = error;
    }
}

static void visit_later(const struct elf_view *view, void *pass)
{
    patch_object_locked(view, pass);
}

/* ---- passes ---------------------------------------------------------------------------------- */

static void begin_pass_locked(struct pass *pass)
{
    struct pass_cursor cursor = {0};
    struct interpose_binding *binding;

    lock_assert_held(&patch_lock);
    while ((binding = match_next_binding(pass, &cursor)) != NULL) {
        filter_add(&pass->names, elf_name_hash(binding->symbol));
        filter_add(&pass->values, filter_hash_address((uintptr_t)binding->original));
        filter_add(&pass->values, filter_hash_address((uintptr_t)binding->replacement));
        binding->seen = (struct interpose_slots){0};
        pass->has_callers |= binding->n_callers > 0;
    }
}

static void set_count(_Atomic uint32_t *count, uint32_t value)
{
    atomic_store_explicit(count, value, memory_order_relaxed);
}

void patch_begin_later_locked(struct pass *pass)
{
    *pass = (struct pass){.is_later = true};
    begin_pass_locked(pass);
}

void patch_end_later_locked(bool is_recount)
{
    struct bindings_cursor cursor = {0};
    struct interpose_binding *binding;

    while ((binding = bindings_next_active(&cursor)) != NULL) {
        struct interpose_slots *seen = &binding->seen, *later = &binding->later;

        if (!is_recount) {
            seen->jump += later->jump;
            seen->got += later->got;
            seen->pointers += later->pointers;
        }
        set_count(&binding->n_jump_slots, binding->n_jump_slots - later->jump + seen->jump);
        set_count(&binding->n_got_slots, binding->n_got_slots - later->got + seen->got);
        set_count(&binding->n_pointers, binding->n_pointers - later->pointers + seen->pointers);
        interpose_copy_counts(later, seen, sizeof(*later));
    }
}

/* 0, or why an object's pages could not be closed again. */
static int run_pass_locked(struct interpose_binding *bindings, size_t n_bindings, bool is_revert,
                           bool visits_later)
{
    struct pass pass = {.bindings = bindings, .n_bindings = n_bindings, .is_revert = is_revert};

    lock_assert_held(&patch_lock);
    begin_pass_locked(&pass);
    for (size_t i = 0; i < n_bindings; i++) {
        bindings[i].n_refused = 0;
        importers_begin_locked(&bindings[i]);
    }
    for (size_t i = 0; i < interpose_known.n_objects; i++) {
        pass.object = &interpose_known.objects[i];
        if (pass.object->role == OBJECT_ORDINARY) {
            patch_object_locked(&pass.object->view, &pass);
        }
    }
    pass.object = NULL;
    for (size_t i = 0; i < n_bindings; i++) {
        bindings[i].seen_at_start = bindings[i].seen;
        importers_end_locked(&bindings[i]);
    }
    if (visits_later) {
        pass.is_later = true;
        objects_each_later(visit_later, &pass);
    }
    for (size_t i = 0; i < n_bindings; i++) {
        const struct interpose_slots *seen = &bindings[i].seen;
        const struct interpose_slots *at_start = &bindings[i].seen_at_start;
        const struct interpose_slots later = {seen->jump - at_start->jump,
                                              seen->got - at_start->got,
                                              seen->pointers - at_start->pointers};

        set_count(&bindings[i].n_jump_slots, seen->jump);
        set_count(&bindings[i].n_got_slots, seen->got);
        set_count(&bindings[i].n_pointers, seen->pointers);
        interpose_copy_counts(&bindings[i].later, &later, sizeof(later));
    }
    return pass.error;
}

bool patch_lock_acquire(void)
{
    return lock_acquire(&patch_lock);
}

bool patch_try_lock(void)
{
    return lock_try_acquire(&patch_lock);
}

void patch_unlock(void)
{
    lock_release(&patch_lock);
}

void patch_init(void)
{
    lock_init(&patch_lock, LOCK_RANK_PATCH);
}

int interpose_apply(struct interpose_binding *bindings, size_t n_bindings)
{
    int saved_errno = errno;
    bool has_callers = false;
    int result;

    for (size_t i = 0; i < n_bindings; i++) {
        if (bindings[i].symbol == NULL || bindings[i].original == NULL ||
            bindings[i].replacement == NULL || bindings[i].n_callers > 64) {
            return -EINVAL;
        }
        has_callers |= bindings[i].n_callers > 0;
    }
    if (!lock_acquire(&patch_lock)) {
        return -EBUSY;
    }
    for (size_t i = 0; i < n_bindings; i++) {
        binding_set_active(&bindings[i], false);
    }
    if (has_callers) {
        callers_init();
    }
    result = bindings_register_locked(bindings, n_bindings);
    if (result == 0) {
        for (size_t i = 0; i < n_bindings; i++) {
            binding_set_active(&bindings[i], true);
        }
        /* First, so that a slot that is bound meanwhile can only be bound to us. */
        dynslots_export_locked(bindings, n_bindings);
        objects_guard_forks();
        result = run_pass_locked(bindings, n_bindings, false, true);
        later_recount_locked();
    }
    lock_release(&patch_lock);
    errno = saved_errno;
    return result;
}

static int switch_one(struct interpose_binding *binding, bool is_active)
{
    int saved_errno = errno;
    int result;

    if (!lock_try_acquire(&patch_lock)) {
        return -EBUSY;
    }
    binding_set_active(binding, is_active);
    dynslots_switch_locked(binding, is_active);
    later_recount_locked();
    result = run_pass_locked(binding, 1, !is_active, has_later_slots || binding->exported_as != 0);
    if (result == 0 && binding->n_refused > 0) {
        result = -EACCES;
    }
    lock_release(&patch_lock);
    errno = saved_errno;
    return result;
}

int interpose_revert(struct interpose_binding *binding)
{
    return switch_one(binding, false);
}

int interpose_restore(struct interpose_binding *binding)
{
    return switch_one(binding, true);
}

void interpose_after_fork(void)
{
    int saved_errno = errno;

    slots_after_fork();
    dynslots_after_fork();
    later_after_fork();
    objects_after_fork();
    patch_init();
    errno = saved_errno;
}
