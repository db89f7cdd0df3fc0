// SPDX-License-Identifier: MIT
/*
 * Look-up by name in one object, through DT_GNU_HASH or the older DT_HASH, and the names of symbol
 * versions. Formats: System V ABI chapter 5; "GNU Hash ELF Sections" (A. Roenigk, 2006);
 * Linux Standard Base, "Symbol Versioning". Loops are bounded by the tables, so that a cyclic or
 * endless chain ends.
 */
#include "interpose/elf_view.h"

uint32_t elf_name_hash(const char *name)
{
    uint32_t hash = 5381;

    for (; *name != '\0'; name++) {
        hash = hash * 33 + (unsigned char)*name;
    }
    return hash;
}

static uint32_t sysv_name_hash(const char *name)
{
    uint32_t hash = 0;

    for (; *name != '\0'; name++) {
        hash = (hash << 4) + (unsigned char)*name;
        hash ^= (hash >> 24) & 0xf0;
        hash &= 0x0fffffff;
    }
    return hash;
}

/* Not strcmp: early.c and own_calls.c come here when whoever replaced it may not be ready. */
bool elf_name_is(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Takes the symbol if it has this name and an address; the new number of those taken. */
static size_t take(const struct elf_view *view, size_t index, const char *name,
                   struct elf_symbol *ret_symbols, size_t n_taken, size_t n_room)
{
    struct elf_symbol symbol;

    if (n_taken < n_room && elf_view_symbol(view, index, &symbol) && symbol.address != 0 &&
        symbol.binding != STB_LOCAL && elf_name_is(symbol.name, name)) {
        ret_symbols[n_taken++] = symbol;
    }
    return n_taken;
}

static size_t find_gnu(const struct elf_view *view, const char *name, uint32_t hash,
                       struct elf_symbol *ret_symbols, size_t n_room)
{
    uint64_t word = view->gnu_bloom[(hash / 64) & (view->n_gnu_bloom - 1)];
    size_t n_found = 0;
    size_t chain;

    if (((word >> (hash % 64)) & (word >> ((hash >> view->gnu_bloom_shift) % 64)) & 1) == 0) {
        return 0;
    }
    chain = view->gnu_buckets[hash % view->n_gnu_buckets];
    if (chain < view->gnu_first_symbol) {
        return 0;
    }
    for (chain -= view->gnu_first_symbol; chain < view->n_gnu_chains; chain++) {
        if ((view->gnu_chains[chain] | 1) == (hash | 1)) {
            n_found =
                take(view, chain + view->gnu_first_symbol, name, ret_symbols, n_found, n_room);
        }
        if (view->gnu_chains[chain] & 1) {
            break;
        }
    }
    return n_found;
}

static size_t find_sysv(const struct elf_view *view, const char *name,
                        struct elf_symbol *ret_symbols, size_t n_room)
{
    size_t index = view->sysv_buckets[sysv_name_hash(name) % view->n_sysv_buckets];
    size_t n_found = 0;

    for (size_t n_steps = 0; index != 0 && index < view->n_sysv_chains; n_steps++) {
        if (n_steps >= view->n_sysv_chains) {
            break;
        }
        n_found = take(view, index, name, ret_symbols, n_found, n_room);
        index = view->sysv_chains[index];
    }
    return n_found;
}

size_t elf_view_find(const struct elf_view *view, const char *name, uint32_t name_hash,
                     struct elf_symbol *ret_symbols, size_t n_room)
{
    if (view->n_gnu_buckets > 0) {
        return find_gnu(view, name, name_hash, ret_symbols, n_room);
    }
    if (view->n_sysv_buckets > 0) {
        return find_sysv(view, name, ret_symbols, n_room);
    }
    return 0;
}

/* Behind the end of the last chain. */
static size_t count_gnu(const struct elf_view *view)
{
    size_t last = 0;

    for (size_t i = 0; i < view->n_gnu_buckets; i++) {
        last = view->gnu_buckets[i] > last ? view->gnu_buckets[i] : last;
    }
    if (last < view->gnu_first_symbol) {
        return 0;
    }
    while (last - view->gnu_first_symbol < view->n_gnu_chains &&
           (view->gnu_chains[last - view->gnu_first_symbol] & 1) == 0) {
        last++;
    }
    return last + 1;
}

size_t elf_view_count_symbols(const struct elf_view *view)
{
    return view->n_gnu_buckets > 0 ? count_gnu(view) : view->n_sysv_chains;
}

static const char *string_at(const struct elf_view *view, size_t offset)
{
    return offset < view->strings_bytes ? view->strings + offset : NULL;
}

/* True when a record of n_bytes may be read at address. */
static bool is_record(const struct elf_view *view, uintptr_t address, size_t n_bytes)
{
    return address % 4 == 0 && elf_view_has(view, address, n_bytes, PF_R);
}

static const char *defined_version(const struct elf_view *view, uint16_t version)
{
    uintptr_t address = view->version_definitions;

    for (size_t i = 0; i < view->n_version_definitions; i++) {
        const ElfW(Verdef) *record = (const ElfW(Verdef) *)address;

        if (!is_record(view, address, sizeof(*record))) {
            return NULL;
        }
        if ((record->vd_ndx & 0x7fff) == version) {
            uintptr_t name = address + record->vd_aux;

            return is_record(view, name, sizeof(ElfW(Verdaux)))
                       ? string_at(view, ((const ElfW(Verdaux) *)name)->vda_name)
                       : NULL;
        }
        if (record->vd_next == 0) {
            return NULL;
        }
        address += record->vd_next;
    }
    return NULL;
}

static const char *needed_version(const struct elf_view *view, uint16_t version, bool *ret_is_exact)
{
    uintptr_t address = view->version_needs;

    for (size_t i = 0; i < view->n_version_needs; i++) {
        const ElfW(Verneed) *record = (const ElfW(Verneed) *)address;
        uintptr_t inner;

        if (!is_record(view, address, sizeof(*record))) {
            return NULL;
        }
        inner = address + record->vn_aux;
        for (size_t k = 0; k < record->vn_cnt; k++) {
            const ElfW(Vernaux) *asked = (const ElfW(Vernaux) *)inner;

            if (!is_record(view, inner, sizeof(*asked))) {
                return NULL;
            }
            if ((asked->vna_other & 0x7fff) == version) {
                *ret_is_exact = (asked->vna_other & 0x8000) != 0;
                return string_at(view, asked->vna_name);
            }
            if (asked->vna_next == 0) {
                break;
            }
            inner += asked->vna_next;
        }
        if (record->vn_next == 0) {
            return NULL;
        }
        address += record->vn_next;
    }
    return NULL;
}

const char *elf_view_version(const struct elf_view *view, uint16_t version, bool *ret_is_exact)
{
    const char *name;

    *ret_is_exact = false;
    if (version <= VER_NDX_GLOBAL) { /* none; the record of index 1 names the file */
        return NULL;
    }
    name = defined_version(view, version);
    return name != NULL ? name : needed_version(view, version, ret_is_exact);
}
