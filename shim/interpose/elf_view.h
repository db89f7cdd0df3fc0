// SPDX-License-Identifier: MIT
/*
 * A read-only view of one loaded object: its segments, symbols, versions, hash tables and
 * relocations, read from memory only. Nothing in an object is trusted: every address is checked
 * against the object's own PT_LOAD segments before it is read, every index against its table, and
 * what does not fit is treated as absent. The view borrows everything from the loader and is valid
 * as long as the object is loaded.
 */
#ifndef INTERPOSE_ELF_VIEW_H
#define INTERPOSE_ELF_VIEW_H

#include "interpose/elf_machine.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DT_REL, DT_RELA and DT_JMPREL, in this order; an absent one has no entries. */
enum {
    ELF_RELOCATION_TABLES = 3
};

struct elf_relocation_table {
    const unsigned char *entries;
    size_t n_entries;
    size_t entry_bytes;
};

struct elf_view {
    const char *path;               /* as loaded; "" for the executable */
    const char *soname;             /* or NULL */
    uintptr_t base;                 /* what is added to the addresses in the file */
    uintptr_t load_start, load_end; /* from the first to behind the last PT_LOAD; may have holes */
    uintptr_t relro_start, relro_end; /* whole pages that ld.so made read-only; may be empty */
    const ElfW(Phdr) * segments;
    size_t n_segments;

    const ElfW(Sym) * symbols;
    size_t n_symbols; /* upper bound: as many as the segment has room for */
    const char *strings;
    size_t strings_bytes; /* the last of them is a NUL */

    const uint16_t *versions; /* one for each symbol; NULL: the object knows no versions */
    size_t n_versions;
    uintptr_t version_definitions, version_needs; /* first record, or 0 */
    size_t n_version_definitions, n_version_needs;

    const uint32_t *gnu_buckets, *gnu_chains; /* chain i belongs to symbol i + gnu_first_symbol */
    const ElfW(Addr) * gnu_bloom;
    size_t n_gnu_buckets, n_gnu_bloom, n_gnu_chains;
    uint32_t gnu_first_symbol, gnu_bloom_shift;
    const uint32_t *sysv_buckets, *sysv_chains;
    size_t n_sysv_buckets, n_sysv_chains;

    struct elf_relocation_table relocations[ELF_RELOCATION_TABLES];
    uintptr_t debug;  /* DT_DEBUG: the loader's struct r_debug, or 0 */
    bool binds_now;   /* no slot is left unresolved after loading */
    bool is_symbolic; /* DF_SYMBOLIC: references try the object itself first */
};

/*
 * Describes the object with these program headers. Always fills in the ranges; false when there is
 * no dynamic section to read, and then the object has no symbols and no relocations.
 */
bool elf_view_init(struct elf_view *view, uintptr_t base, const char *path,
                   const ElfW(Phdr) * segments, size_t n_segments);

/* True when all of [address, address + n_bytes) lies in one PT_LOAD that has all of these PF_*. */
bool elf_view_has(const struct elf_view *view, uintptr_t address, size_t n_bytes, uint32_t flags);

struct elf_symbol {
    const char *name;
    uintptr_t address; /* 0 without a value; of an IFUNC, of its resolver */
    uint64_t size_bytes;
    uint16_t version;    /* index for elf_view_version; 0 and 1: none */
    bool is_hidden;      /* an old version, reached only by those who ask for it */
    bool is_defined;     /* else the executable's canonical PLT entry, if it has an address */
    bool is_vector_call; /* its arguments travel in registers of vectors */
    unsigned char type, binding, visibility; /* STT_*, STB_*, STV_* */
};

/* The symbol at an index of the symbol table; false when there is none. */
bool elf_view_symbol(const struct elf_view *view, size_t index, struct elf_symbol *ret_symbol);

struct elf_relocation {
    uintptr_t slot;
    size_t symbol; /* index, never 0 */
    enum elf_slot_kind kind;
};

/* Entry i of a table; false for one without symbol, of no interest, or outside the object. */
bool elf_view_relocation(const struct elf_view *view, size_t table, size_t i,
                         struct elf_relocation *ret_relocation);

/* The hash of DT_GNU_HASH, which every look-up by name wants. */
uint32_t elf_name_hash(const char *name);

/* Whether two names are the same, told without calling anything. */
bool elf_name_is(const char *a, const char *b);

/*
 * All symbols of this name that carry an address: of each version, and the executable's canonical
 * PLT entry. Returns how many were written, at most n_room.
 */
size_t elf_view_find(const struct elf_view *view, const char *name, uint32_t name_hash,
                     struct elf_symbol *ret_symbols, size_t n_room);

/*
 * How many symbols there are, as far as the hash table leads to them: with DT_GNU_HASH those up to
 * the last one that is defined.
 */
size_t elf_view_count_symbols(const struct elf_view *view);

/*
 * The name of a version index, defined here or asked of another object; NULL for none. For an asked
 * one *ret_is_exact says that only a definition of this very version will do.
 */
const char *elf_view_version(const struct elf_view *view, uint16_t version, bool *ret_is_exact);

#endif
