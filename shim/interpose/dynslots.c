// SPDX-License-Identifier: MIT
/*
 * Rewrites placeholders of the shim's dynamic symbol table and its hash table, which lie in a
 * segment that is neither writable nor executable: it is opened for the stores and closed again,
 * and never becomes executable.
 *
 * A definition without version satisfies a request for any version (glibc's elf/dl-lookup.c), so a
 * name is exported only where all requests end at one function: its first definition behind the
 * shim has one address, and is itself without version or is the only one. pow, with its two
 * versions in libm, is not: an object that asks for pow@GLIBC_2.2.5 must get that. Names that the
 * executable or a preload before the shim defines are found there first and need no export; names
 * that are redirected for some callers only must not be found by others.
 *
 * Layout of the hash table: "GNU Hash ELF Sections" (A. Roenigk, 2006). The symbols keep their
 * places, so one chain runs from the first to the last symbol that is to be found; the filter in
 * front of it, rebuilt for these alone, keeps other names from walking it.
 */
#include "interpose/dynslots.h"

#include "base/arena.h"
#include "interpose/bindings.h"
#include "interpose/resolve.h"
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PLACEHOLDER_PREFIX "memoshim_slot_"

enum {
    MAX_EXPORTS = 512, /* as many as entry/placeholders.S has */
    NAMES_BYTES = 65536,
    MAX_DEFINITIONS = 16,
};

/* st_name is an offset of 32 bits from the string table: the new names lie in our own .bss. */
static _Alignas(ELF_MACHINE_MAX_PAGE) char names[NAMES_BYTES];

/* Guarded by the patch lock; written by the first export. */
static struct {
    bool is_tried;
    const char *problem;
    size_t n_names_bytes;
    uint32_t symbols[MAX_EXPORTS]; /* indices of placeholders */
    size_t n_placeholders, n_exports;
    size_t n_symbols; /* of the table */
    struct {
        void *start;
        size_t n_bytes;
        bool is_open;
    } pages;
} slots;

static const struct elf_view *own_view(void)
{
    return &interpose_known.objects[interpose_known.own].view;
}

/* ---- is the name the hooked function's alone? ------------------------------------------------ */

/* What the definitions of one name in one object are, seen from this binding. */
enum definers {
    DEFINES_NOTHING,
    DEFINES_ORIGINAL,         /* under versions */
    DEFINES_ORIGINAL_FOR_ALL, /* without a version: satisfies a request for any */
    DEFINES_OTHER,
};

static enum definers definitions_in(const struct elf_view *view,
                                    const struct interpose_binding *binding, uint32_t name_hash)
{
    struct elf_symbol found[MAX_DEFINITIONS];
    size_t n_found = elf_view_find(view, binding->symbol, name_hash, found, MAX_DEFINITIONS);
    enum definers result = DEFINES_NOTHING;

    for (size_t i = 0; i < n_found; i++) {
        bool is_exact_unused;

        if (!found[i].is_defined || found[i].visibility == STV_HIDDEN ||
            found[i].visibility == STV_INTERNAL) {
            continue;
        }
        if (n_found == MAX_DEFINITIONS ||
            resolve_function(view, &found[i]) != (uintptr_t)binding->original) {
            return DEFINES_OTHER;
        }
        if (!found[i].is_hidden &&
            elf_view_version(view, found[i].version, &is_exact_unused) == NULL) {
            result = DEFINES_ORIGINAL_FOR_ALL;
        } else if (result == DEFINES_NOTHING) {
            result = DEFINES_ORIGINAL;
        }
    }
    return result;
}

/* NULL when every look-up of the name that passes the shim finds this original; else why not. */
static const char *why_not_alone(const struct interpose_binding *binding)
{
    static const char is_before[] = "an object that is searched before memoshim defines it";
    uint32_t name_hash = elf_name_hash(binding->symbol);
    bool is_found = false;

    if (binding->n_callers > 0) {
        return "it has callers, and others must not find it";
    }
    if (binding->is_for_later) {
        return "memoshim exports it itself";
    }
    for (size_t i = 0; i < interpose_known.n_objects; i++) {
        const struct object *object = &interpose_known.objects[i];

        if (object->role == OBJECT_OWN || object->role == OBJECT_VDSO) {
            continue;
        }
        switch (definitions_in(&object->view, binding, name_hash)) {
        case DEFINES_NOTHING:
            break;
        case DEFINES_OTHER:
            return "the name has several definitions or versions";
        case DEFINES_ORIGINAL_FOR_ALL:
            return i > interpose_known.own ? NULL : is_before;
        case DEFINES_ORIGINAL:
            if (i < interpose_known.own) {
                return is_before;
            }
            is_found = true;
            break;
        }
    }
    return is_found ? NULL : "its library came after the start";
}

/* ---- the tables ------------------------------------------------------------------------------ */

/* The segment of the symbol and hash tables may be opened: readable, nothing else. */
static bool is_plain_data(const struct elf_view *view, uintptr_t address, size_t n_bytes)
{
    return elf_view_has(view, address, n_bytes, PF_R) &&
           !elf_view_has(view, address, n_bytes, PF_W) &&
           !elf_view_has(view, address, n_bytes, PF_X);
}

static uintptr_t page_down(uintptr_t address)
{
    return address & ~((uintptr_t)pages_size() - 1);
}

/* Finds the placeholders and the pages to open; NULL, or why it cannot be done. */
static const char *survey(const struct elf_view *view)
{
    uintptr_t hash_start = (uintptr_t)view->gnu_bloom, symbols_start = (uintptr_t)view->symbols;
    uintptr_t hash_end, symbols_end, start, end;

    if (view->n_gnu_buckets == 0 || (slots.n_symbols = elf_view_count_symbols(view)) == 0) {
        return "the shim has no hash table of the GNU kind";
    }
    symbols_end = (uintptr_t)(view->symbols + slots.n_symbols);
    hash_end = (uintptr_t)(view->gnu_chains + slots.n_symbols - view->gnu_first_symbol);
    if (!is_plain_data(view, symbols_start, symbols_end - symbols_start) ||
        !is_plain_data(view, hash_start, hash_end - hash_start)) {
        return "the shim's symbol table does not lie in a segment of its own";
    }
    if ((uintptr_t)names < (uintptr_t)view->strings ||
        (uintptr_t)names + sizeof(names) - (uintptr_t)view->strings > UINT32_MAX) {
        return "the shim's data is out of reach of its string table";
    }
    for (size_t i = view->gnu_first_symbol; i < slots.n_symbols; i++) {
        struct elf_symbol symbol;

        if (elf_view_symbol(view, i, &symbol) && symbol.is_defined && symbol.version <= 1 &&
            !symbol.is_hidden && slots.n_placeholders < MAX_EXPORTS &&
            strncmp(symbol.name, PLACEHOLDER_PREFIX, sizeof(PLACEHOLDER_PREFIX) - 1) == 0) {
            slots.symbols[slots.n_placeholders++] = (uint32_t)i;
        }
    }
    if (slots.n_placeholders == 0) {
        return "the shim was linked without placeholders";
    }
    start = page_down(hash_start < symbols_start ? hash_start : symbols_start);
    end = hash_end > symbols_end ? hash_end : symbols_end;
    slots.pages.start = (void *)start;
    slots.pages.n_bytes = page_down(end + pages_size() - 1) - start;
    return NULL;
}

static bool open_pages(void)
{
    slots.pages.is_open =
        mprotect(slots.pages.start, slots.pages.n_bytes, PROT_READ | PROT_WRITE) == 0;
    return slots.pages.is_open;
}

static void close_pages(void)
{
    mprotect(slots.pages.start, slots.pages.n_bytes, PROT_READ);
    slots.pages.is_open = false;
}

static ElfW(Sym) * symbol_at(uint32_t index)
{
    return (ElfW(Sym) *)&own_view()->symbols[index];
}

/*
 * The filter, the buckets and the chain anew, for the shim's ordinary exports and, if asked for,
 * the first n_exports placeholders. The pages are open.
 */
static void write_hash_table(size_t n_exports)
{
    const struct elf_view *view = own_view();
    uint64_t *bloom = (uint64_t *)view->gnu_bloom;
    uint32_t *buckets = (uint32_t *)view->gnu_buckets, *chains = (uint32_t *)view->gnu_chains;
    size_t first = view->gnu_first_symbol, n_chain = slots.n_symbols - first;
    size_t n_passed = 0; /* placeholders, which stand in ascending order */

    memset(bloom, 0, view->n_gnu_bloom * sizeof(*bloom));
    memset(buckets, 0, view->n_gnu_buckets * sizeof(*buckets));
    for (size_t i = 0; i < n_chain; i++) {
        const char *name = view->strings + view->symbols[first + i].st_name;
        uint32_t hash = elf_name_hash(name);

        chains[i] = hash & ~1u;
        if (n_passed < slots.n_placeholders && slots.symbols[n_passed] == first + i &&
            n_passed++ >= n_exports) {
            continue;
        }
        bloom[(hash / 64) & (view->n_gnu_bloom - 1)] |=
            1ull << (hash % 64) | 1ull << ((hash >> view->gnu_bloom_shift) % 64);
        buckets[hash % view->n_gnu_buckets] = (uint32_t)first;
    }
    chains[n_chain - 1] |= 1;
}

/* ---- exporting ------------------------------------------------------------------------------- */

static bool take_placeholder(struct interpose_binding *binding)
{
    const struct elf_view *view = own_view();
    size_t n_bytes = strlen(binding->symbol) + 1;
    ElfW(Sym) * symbol;

    if (slots.n_exports == slots.n_placeholders || NAMES_BYTES - slots.n_names_bytes < n_bytes) {
        return false;
    }
    memcpy(names + slots.n_names_bytes, binding->symbol, n_bytes);
    binding->exported_as = slots.symbols[slots.n_exports];
    symbol = symbol_at(binding->exported_as);
    symbol->st_name = (uint32_t)(names + slots.n_names_bytes - view->strings);
    symbol->st_value = (uintptr_t)binding->replacement - view->base;
    slots.n_names_bytes += n_bytes;
    slots.n_exports++;
    return true;
}

/* Whose answers the test trusts: libc's own dlsym, since another preload's may not be ready yet. */
static void *trusted_dlsym(void)
{
    struct resolve_request walk = {.name = "dl_iterate_phdr",
                                   .name_hash = elf_name_hash("dl_iterate_phdr"),
                                   .is_for_call = true};
    struct resolve_request request = {
        .name = "dlsym", .name_hash = elf_name_hash("dlsym"), .is_from_dlsym = true};
    const struct object *libc;
    struct elf_symbol symbol;

    if (resolve_in_scope(&walk, interpose_known.own + 1, &symbol, &libc) &&
        resolve_in_object(&libc->view, &request, &symbol)) {
        return (void *)resolve_function(&libc->view, &symbol);
    }
    return interpose_known.real_dlsym;
}

/* The dynamic linker finds every exported name where it should, and our own dlsym as before. */
static bool are_found(const struct interpose_binding *bindings, size_t n_bindings)
{
    void *(*lookup)(void *, const char *) = (void *(*)(void *, const char *))trusted_dlsym();

    for (size_t i = 0; i < n_bindings; i++) {
        if (bindings[i].exported_as != 0 &&
            lookup(RTLD_DEFAULT, bindings[i].symbol) != bindings[i].replacement) {
            return false;
        }
    }
    return true;
}

static void set_reason(struct interpose_binding *bindings, size_t n_bindings, const char *reason)
{
    for (size_t i = 0; i < n_bindings; i++) {
        bindings[i].unexported_because = reason;
    }
}

void dynslots_export_locked(struct interpose_binding *bindings, size_t n_bindings)
{
    if (slots.is_tried) {
        set_reason(bindings, n_bindings, "its library came after the start");
        return;
    }
    slots.is_tried = true;
    slots.problem = survey(own_view());
    if (slots.problem == NULL && !open_pages()) {
        slots.problem = "the shim's symbol table could not be made writable";
    }
    if (slots.problem != NULL) {
        set_reason(bindings, n_bindings, slots.problem);
        return;
    }
    for (size_t i = 0; i < n_bindings; i++) {
        bindings[i].unexported_because = why_not_alone(&bindings[i]);
        if (bindings[i].unexported_because == NULL && !take_placeholder(&bindings[i])) {
            slots.problem = "there are more functions than placeholders";
            bindings[i].unexported_because = slots.problem;
        }
    }
    write_hash_table(slots.n_exports);
    if (!are_found(bindings, n_bindings)) {
        slots.problem = "the dynamic linker does not find the shim's symbols";
        write_hash_table(0);
        for (size_t i = 0; i < n_bindings; i++) {
            bindings[i].exported_as = 0;
        }
        set_reason(bindings, n_bindings, slots.problem);
    }
    close_pages();
    interpose_seal(names, sizeof(names));
}

void dynslots_switch_locked(const struct interpose_binding *binding, bool is_active)
{
    const void *target = is_active ? binding->replacement : binding->original;

    if (binding->exported_as != 0 && open_pages()) {
        __atomic_store_n(&symbol_at(binding->exported_as)->st_value,
                         (uintptr_t)target - own_view()->base, __ATOMIC_RELEASE);
        close_pages();
    }
}

void dynslots_after_fork(void)
{
    if (slots.pages.is_open) {
        close_pages();
    }
}

const char *interpose_export_problem(void)
{
    return slots.problem;
}
