// SPDX-License-Identifier: MIT
/*
 * Redirects slots. A slot changes when its relocation names the symbol and it holds the original,
 * or when it is a PLT slot that still leads into its own object's PLT and would be bound to the
 * original. Identity is by value, so equal names in different objects never mix; values that lead
 * to the executable's canonical PLT entry are left alone: calls through them arrive at the
 * executable's own slot.
 *
 * Only data is written, with single aligned stores: another thread sees the old or the new address.
 * RELRO is opened once for each object that has something to change in it and closed again.
 *
 * Two locks meet here: the patch lock outside, the loader's inside (dl_iterate_phdr). A thread in
 * somebody's dl_iterate_phdr callback may come the other way round through a redirected function,
 * so interpose_revert and interpose_restore only try the patch lock, and visit objects that came
 * after the start only when one of them may have been redirected.
 */
#include "interpose/bindings.h"

#include "base/lock.h"
#include "interpose/dynslots.h"
#include "interpose/protection.h"
#include "interpose/resolve.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
    OWN_DEFINITIONS_ROOM = 16
};

static struct lock patch_lock;

/* Guarded by patch_lock. */
static bool has_later_slots; /* an object that came after the start was redirected */
static struct {
    void *start;
    size_t n_bytes; /* 0: none is open */
} open_relro;

/* One walk over the slots of all objects. */
struct pass {
    struct interpose_binding *bindings;
    size_t n_bindings;
    bool is_revert; /* replacement to original, else original to replacement */
    bool is_later;  /* at objects that came after the start */
    struct filter names, values;
    bool is_relro_refused; /* of the object at hand */
    int error;
};

static uintptr_t wanted_value(const struct pass *pass, const struct interpose_binding *binding)
{
    return (uintptr_t)(pass->is_revert ? binding->replacement : binding->original);
}

static uintptr_t new_value(const struct pass *pass, const struct interpose_binding *binding)
{
    return (uintptr_t)(pass->is_revert ? binding->original : binding->replacement);
}

/*
 * Another thread may be inside dlopen: ld.so lists an object before it has relocated it. What it
 * has not closed yet is written to as it is, and left for it to close.
 */
static bool is_still_open(const struct elf_view *view)
{
    return open_relro.n_bytes == 0 && protection_is_writable(view->relro_start);
}

static bool open_relro_locked(struct pass *pass, const struct elf_view *view)
{
    lock_assert_held(&patch_lock);
    if (open_relro.n_bytes == 0 && !pass->is_relro_refused) {
        open_relro.start = (void *)view->relro_start;
        open_relro.n_bytes = view->relro_end - view->relro_start;
        if (mprotect(open_relro.start, open_relro.n_bytes, PROT_READ | PROT_WRITE) != 0) {
            pass->is_relro_refused = true;
            open_relro.n_bytes = 0;
        }
    }
    return !pass->is_relro_refused;
}

static void close_relro_locked(struct pass *pass)
{
    lock_assert_held(&patch_lock);
    if (open_relro.n_bytes != 0 && mprotect(open_relro.start, open_relro.n_bytes, PROT_READ) != 0) {
        pass->error = -errno;
    }
    open_relro.n_bytes = 0;
    pass->is_relro_refused = false;
}

static bool write_slot_locked(struct pass *pass, const struct elf_view *view, uintptr_t slot,
                              uintptr_t value)
{
    lock_assert_held(&patch_lock);
    if (slot % sizeof(uintptr_t) != 0 || !elf_view_has(view, slot, sizeof(uintptr_t), PF_W)) {
        return false;
    }
    if (slot >= view->relro_start && slot < view->relro_end &&
        !(pass->is_later && is_still_open(view)) && !open_relro_locked(pass, view)) {
        return false;
    }
    __atomic_store_n((uintptr_t *)slot, value, __ATOMIC_RELEASE);
    return true;
}

static void redirect_slot_locked(struct pass *pass, const struct elf_view *view, uintptr_t slot,
                                 enum elf_slot_kind kind, struct interpose_binding *binding)
{
    if (!write_slot_locked(pass, view, slot, new_value(pass, binding))) {
        binding->n_refused++;
        return;
    }
    has_later_slots |= pass->is_later;
    if (!pass->is_revert) {
        binding->n_jump_slots += kind == ELF_SLOT_JUMP;
        binding->n_got_slots += kind == ELF_SLOT_GOT;
        binding->n_pointers += kind == ELF_SLOT_POINTER;
    }
}

/* A slot is a word of somebody else's object: a sanitizer may have fenced it off for that object.
 */
__attribute__((no_sanitize("address"))) static uintptr_t read_slot(uintptr_t slot)
{
    struct __attribute__((packed)) unaligned {
        uintptr_t value;
    };

    if (slot % sizeof(uintptr_t) == 0) {
        return __atomic_load_n((const uintptr_t *)slot, __ATOMIC_RELAXED);
    }
    return ((const struct unaligned *)slot)->value;
}

static struct interpose_binding *match_value(const struct pass *pass, const char *name,
                                             uintptr_t value)
{
    for (size_t i = 0; i < pass->n_bindings; i++) {
        struct interpose_binding *binding = &pass->bindings[i];

        if (wanted_value(pass, binding) == value && strcmp(binding->symbol, name) == 0) {
            return binding;
        }
    }
    return NULL;
}

/*
 * True when a value in the object's own code may be a definition of the object's own, or when the
 * object came later with such a definition: opened with RTLD_DEEPBIND it would be its own first.
 */
static bool may_be_own(const struct pass *pass, const struct elf_view *view,
                       const struct resolve_request *request, uintptr_t value)
{
    struct elf_symbol own[OWN_DEFINITIONS_ROOM];
    size_t n_own =
        elf_view_find(view, request->name, request->name_hash, own, OWN_DEFINITIONS_ROOM);

    for (size_t i = 0; i < n_own; i++) {
        if (own[i].is_defined &&
            (own[i].address == value || own[i].type == STT_GNU_IFUNC || pass->is_later)) {
            return true;
        }
    }
    return false;
}

/* For a PLT slot that leads into its own object: the binding that ld.so would bind it to. */
static struct interpose_binding *match_unresolved(const struct pass *pass,
                                                  const struct elf_view *view,
                                                  const struct elf_symbol *symbol, uintptr_t value)
{
    struct resolve_request request = {
        .name = symbol->name, .name_hash = elf_name_hash(symbol->name), .is_for_call = true};
    const struct object *provider;
    struct elf_symbol found;

    if (!filter_may_have(&pass->names, request.name_hash) || symbol->visibility != STV_DEFAULT ||
        may_be_own(pass, view, &request, value)) {
        return NULL;
    }
    request.version = elf_view_version(view, symbol->version, &request.is_exact);
    if (view->is_symbolic && resolve_in_object(view, &request, &found)) {
        return match_value(pass, symbol->name, resolve_function(view, &found));
    }
    if (!resolve_in_scope(&request, 0, &found, &provider)) {
        return NULL;
    }
    return match_value(pass, symbol->name, resolve_function(&provider->view, &found));
}

static void visit_slot_locked(struct pass *pass, const struct elf_view *view,
                              const struct elf_relocation *relocation)
{
    uintptr_t value = read_slot(relocation->slot);
    bool may_match = filter_may_have(&pass->values, filter_hash_address(value));
    bool may_be_unresolved = relocation->kind == ELF_SLOT_JUMP && !pass->is_revert &&
                             !view->binds_now && elf_view_has(view, value, 1, PF_X);
    struct interpose_binding *binding = NULL;
    struct elf_symbol symbol;

    if ((!may_match && !may_be_unresolved) || !elf_view_symbol(view, relocation->symbol, &symbol)) {
        return;
    }
    if (may_match) {
        binding = match_value(pass, symbol.name, value);
    }
    if (binding == NULL && may_be_unresolved) {
        binding = match_unresolved(pass, view, &symbol, value);
    }
    if (binding != NULL) {
        redirect_slot_locked(pass, view, relocation->slot, relocation->kind, binding);
    }
}

/*
 * A COPY relocation duplicated data of a library into the executable, pointers included. The
 * library's relocations say which words of the copy are pointers, and to what.
 */
static void visit_copy_locked(struct pass *pass, const struct elf_view *executable,
                              const struct elf_relocation *copy)
{
    struct resolve_request request = {0};
    const struct elf_view *source_view;
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
            binding = match_value(pass, symbol.name, read_slot(slot));
            if (binding != NULL) {
                redirect_slot_locked(pass, executable, slot, ELF_SLOT_POINTER, binding);
            }
        }
    }
}

static void visit_object_locked(const struct elf_view *view, void *context)
{
    struct pass *pass = context;

    lock_assert_held(&patch_lock);
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
    close_relro_locked(pass);
}

/* 0, or why an object's pages could not be closed again. */
static int run_pass_locked(struct interpose_binding *bindings, size_t n_bindings, bool is_revert,
                           bool visits_later)
{
    struct pass pass = {.bindings = bindings, .n_bindings = n_bindings, .is_revert = is_revert};

    lock_assert_held(&patch_lock);
    for (size_t i = 0; i < n_bindings; i++) {
        filter_add(&pass.names, elf_name_hash(bindings[i].symbol));
        filter_add(&pass.values, filter_hash_address(wanted_value(&pass, &bindings[i])));
        bindings[i].n_jump_slots = bindings[i].n_got_slots = bindings[i].n_pointers = 0;
        bindings[i].n_refused = 0;
    }
    for (size_t i = 0; i < interpose_known.n_objects; i++) {
        if (interpose_known.objects[i].role == OBJECT_ORDINARY) {
            visit_object_locked(&interpose_known.objects[i].view, &pass);
        }
    }
    if (visits_later) {
        pass.is_later = true;
        objects_each_later(visit_object_locked, &pass);
    }
    return pass.error;
}

void patch_init(void)
{
    lock_init(&patch_lock, LOCK_RANK_PATCH);
}

int interpose_apply(struct interpose_binding *bindings, size_t n_bindings)
{
    int saved_errno = errno;
    int result;

    for (size_t i = 0; i < n_bindings; i++) {
        if (bindings[i].symbol == NULL || bindings[i].original == NULL ||
            bindings[i].replacement == NULL) {
            return -EINVAL;
        }
    }
    if (!lock_acquire(&patch_lock)) {
        return -EBUSY;
    }
    for (size_t i = 0; i < n_bindings; i++) {
        binding_set_active(&bindings[i], false);
    }
    result = bindings_register_locked(bindings, n_bindings);
    if (result == 0) {
        for (size_t i = 0; i < n_bindings; i++) {
            binding_set_active(&bindings[i], true);
        }
        /* First, so that a slot that is bound meanwhile can only be bound to us. */
        dynslots_export_locked(bindings, n_bindings);
        result = run_pass_locked(bindings, n_bindings, false, true);
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

    if (open_relro.n_bytes != 0) {
        mprotect(open_relro.start, open_relro.n_bytes, PROT_READ);
        open_relro.n_bytes = 0;
    }
    dynslots_after_fork();
    patch_init();
    errno = saved_errno;
}
