// SPDX-License-Identifier: MIT
/*
 * Reads program headers, the dynamic section, symbols and relocations of one loaded object. Look-up
 * by name and versions are in elf_lookup.c.
 *
 * glibc adds the base to some addresses of the dynamic section in place (symbol and string table,
 * relocations, hashes, DT_VERSYM), leaves others alone (DT_VERDEF, DT_VERNEED), and touches none of
 * a read-only one (the vDSO); musl adds it to none. So a value is taken as it stands when it lies
 * in the object, else with the base added.
 */
#include "interpose/elf_view.h"

#include "base/arena.h"
#include <string.h>

/* What is wanted of the dynamic section, before any of it is checked. */
struct dynamic_values {
    uintptr_t symbols, strings, versions, version_definitions, version_needs, gnu_hash, sysv_hash;
    uintptr_t rel, rela, jmprel;
    size_t strings_bytes, rel_bytes, rela_bytes, jmprel_bytes, soname;
    size_t n_relative_rel, n_relative_rela;
    size_t n_version_definitions, n_version_needs;
    size_t jmprel_kind; /* DT_REL or DT_RELA */
    bool has_soname;
};

/* Bytes from address to the end of its readable segment; 0 outside. */
static size_t room_at(const struct elf_view *view, uintptr_t address)
{
    for (size_t i = 0; i < view->n_segments; i++) {
        const ElfW(Phdr) *segment = &view->segments[i];
        uintptr_t offset = address - (view->base + segment->p_vaddr);

        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) && offset < segment->p_memsz) {
            return segment->p_memsz - offset;
        }
    }
    return 0;
}

bool elf_view_has(const struct elf_view *view, uintptr_t address, size_t n_bytes, uint32_t flags)
{
    for (size_t i = 0; i < view->n_segments; i++) {
        const ElfW(Phdr) *segment = &view->segments[i];
        uintptr_t offset = address - (view->base + segment->p_vaddr);

        if (segment->p_type == PT_LOAD && (segment->p_flags & flags) == flags &&
            offset < segment->p_memsz && segment->p_memsz - offset >= n_bytes) {
            return true;
        }
    }
    return false;
}

/* The address that a value of the dynamic section means, or 0 when it is not in the object. */
static uintptr_t to_address(const struct elf_view *view, uintptr_t value)
{
    if (room_at(view, value) > 0) {
        return value;
    }
    return value != 0 && room_at(view, view->base + value) > 0 ? view->base + value : 0;
}

static void measure_segments(struct elf_view *view)
{
    uintptr_t page_mask = ~((uintptr_t)pages_size() - 1);

    view->load_start = UINTPTR_MAX;
    for (size_t i = 0; i < view->n_segments; i++) {
        const ElfW(Phdr) *segment = &view->segments[i];
        uintptr_t start = view->base + segment->p_vaddr;

        if (segment->p_type == PT_LOAD) {
            view->load_start = start < view->load_start ? start : view->load_start;
            view->load_end = start + segment->p_memsz > view->load_end ? start + segment->p_memsz
                                                                       : view->load_end;
        } else if (segment->p_type == PT_GNU_RELRO) {
            /* Both ends down, as ld.so does: what shares its page with plain data stays open. */
            view->relro_start = start & page_mask;
            view->relro_end = (start + segment->p_memsz) & page_mask;
        }
    }
    if (view->load_start > view->load_end) {
        view->load_start = view->load_end = 0;
    }
}

static void read_entry(struct elf_view *view, const ElfW(Dyn) * entry,
                       struct dynamic_values *values)
{
    uintptr_t value = entry->d_un.d_ptr;

    switch (entry->d_tag) {
    case DT_SYMTAB:
        values->symbols = to_address(view, value);
        break;
    case DT_STRTAB:
        values->strings = to_address(view, value);
        break;
    case DT_STRSZ:
        values->strings_bytes = value;
        break;
    case DT_SONAME:
        values->soname = value;
        values->has_soname = true;
        break;
    case DT_VERSYM:
        values->versions = to_address(view, value);
        break;
    case DT_VERDEF:
        values->version_definitions = to_address(view, value);
        break;
    case DT_VERDEFNUM:
        values->n_version_definitions = value;
        break;
    case DT_VERNEED:
        values->version_needs = to_address(view, value);
        break;
    case DT_VERNEEDNUM:
        values->n_version_needs = value;
        break;
    case DT_GNU_HASH:
        values->gnu_hash = to_address(view, value);
        break;
    case DT_HASH:
        values->sysv_hash = to_address(view, value);
        break;
    case DT_REL:
        values->rel = to_address(view, value);
        break;
    case DT_RELSZ:
        values->rel_bytes = value;
        break;
    case DT_RELA:
        values->rela = to_address(view, value);
        break;
    case DT_RELASZ:
        values->rela_bytes = value;
        break;
    case DT_RELCOUNT:
        values->n_relative_rel = value;
        break;
    case DT_RELACOUNT:
        values->n_relative_rela = value;
        break;
    case DT_JMPREL:
        values->jmprel = to_address(view, value);
        break;
    case DT_PLTRELSZ:
        values->jmprel_bytes = value;
        break;
    case DT_PLTREL:
        values->jmprel_kind = value;
        break;
    case DT_DEBUG:
        view->debug = value;
        break;
    case DT_SYMBOLIC:
        view->is_symbolic = true;
        break;
    case DT_BIND_NOW:
        view->binds_now = true;
        break;
    case DT_FLAGS:
        view->is_symbolic |= (value & DF_SYMBOLIC) != 0;
        view->binds_now |= (value & DF_BIND_NOW) != 0;
        break;
    case DT_FLAGS_1:
        view->binds_now |= (value & DF_1_NOW) != 0;
        break;
    default:
        break;
    }
}

static void read_strings(struct elf_view *view, const struct dynamic_values *values)
{
    size_t room = room_at(view, values->strings);

    view->strings = (const char *)values->strings;
    view->strings_bytes = values->strings_bytes < room ? values->strings_bytes : room;
    while (view->strings_bytes > 0 && view->strings[view->strings_bytes - 1] != '\0') {
        view->strings_bytes--;
    }
    if (values->has_soname && values->soname < view->strings_bytes) {
        view->soname = view->strings + values->soname;
    }
}

static void read_gnu_hash(struct elf_view *view, uintptr_t address)
{
    const uint32_t *header = (const uint32_t *)address;
    size_t room = room_at(view, address) / 4;
    size_t used;

    if (address % 8 != 0 || room < 4 || header[0] == 0) {
        return;
    }
    /* The bloom filter's words are masked by their number, which is a power of two. */
    if (header[2] == 0 || (header[2] & (header[2] - 1)) != 0) {
        return;
    }
    used = 4 + 2 * (size_t)header[2] + (size_t)header[0];
    if (used > room) {
        return;
    }
    view->n_gnu_buckets = header[0];
    view->gnu_first_symbol = header[1];
    view->n_gnu_bloom = header[2];
    view->gnu_bloom_shift = header[3] % 32; /* hashes have 32 bits */
    view->gnu_bloom = (const ElfW(Addr) *)(header + 4);
    view->gnu_buckets = header + 4 + 2 * (size_t)header[2];
    view->gnu_chains = header + used;
    view->n_gnu_chains = room - used;
}

static void read_sysv_hash(struct elf_view *view, uintptr_t address)
{
    const uint32_t *header = (const uint32_t *)address;
    size_t room = room_at(view, address) / 4;

    if (address % 4 != 0 || room < 2 || header[0] == 0 ||
        2 + (size_t)header[0] + header[1] > room) {
        return;
    }
    view->n_sysv_buckets = header[0];
    view->n_sysv_chains = header[1];
    view->sysv_buckets = header + 2;
    view->sysv_chains = header + 2 + header[0];
}

/*
 * The first n_relative of them name no symbol, as ld.so takes for granted, too: most of what many
 * objects have, and nobody's business here.
 */
static void read_relocations(const struct elf_view *view, struct elf_relocation_table *table,
                             uintptr_t address, size_t n_bytes, size_t entry_bytes,
                             size_t n_relative)
{
    size_t room = room_at(view, address);
    size_t n_entries = (n_bytes < room ? n_bytes : room) / entry_bytes;

    if (address % 8 == 0 && n_relative <= n_entries) {
        table->entries = (const unsigned char *)(address + n_relative * entry_bytes);
        table->entry_bytes = entry_bytes;
        table->n_entries = n_entries - n_relative;
    }
}

bool elf_view_init(struct elf_view *view, uintptr_t base, const char *path,
                   const ElfW(Phdr) * segments, size_t n_segments)
{
    struct dynamic_values values = {0};
    const ElfW(Dyn) *dynamic = NULL;
    size_t n_dynamic = 0;

    *view = (struct elf_view){
        .path = path, .base = base, .segments = segments, .n_segments = n_segments};
    measure_segments(view);
    for (size_t i = 0; i < n_segments; i++) {
        if (segments[i].p_type == PT_DYNAMIC) {
            uintptr_t address = base + segments[i].p_vaddr;
            size_t room = room_at(view, address);

            dynamic = (const ElfW(Dyn) *)address;
            n_dynamic =
                (segments[i].p_memsz < room ? segments[i].p_memsz : room) / sizeof(*dynamic);
        }
    }
    for (size_t i = 0; i < n_dynamic && dynamic[i].d_tag != DT_NULL; i++) {
        read_entry(view, &dynamic[i], &values);
    }
    if (values.symbols == 0 || values.symbols % 8 != 0 || values.strings == 0) {
        return false;
    }
    read_strings(view, &values);
    view->symbols = (const ElfW(Sym) *)values.symbols;
    view->n_symbols = room_at(view, values.symbols) / sizeof(*view->symbols);
    if (values.versions != 0 && values.versions % 2 == 0) {
        view->versions = (const uint16_t *)values.versions;
        view->n_versions = room_at(view, values.versions) / sizeof(*view->versions);
        view->version_definitions = values.version_definitions;
        view->n_version_definitions = values.n_version_definitions;
        view->version_needs = values.version_needs;
        view->n_version_needs = values.n_version_needs;
    }
    read_gnu_hash(view, values.gnu_hash);
    read_sysv_hash(view, values.sysv_hash);
    read_relocations(view, &view->relocations[0], values.rel, values.rel_bytes, sizeof(ElfW(Rel)),
                     values.n_relative_rel);
    read_relocations(view, &view->relocations[1], values.rela, values.rela_bytes,
                     sizeof(ElfW(Rela)), values.n_relative_rela);
    read_relocations(view, &view->relocations[2], values.jmprel, values.jmprel_bytes,
                     values.jmprel_kind == DT_REL ? sizeof(ElfW(Rel)) : sizeof(ElfW(Rela)), 0);
    return true;
}

bool elf_view_symbol(const struct elf_view *view, size_t index, struct elf_symbol *ret_symbol)
{
    const ElfW(Sym) * symbol;
    uint16_t version = index < view->n_versions ? view->versions[index] : 0;

    if (index >= view->n_symbols || view->symbols[index].st_name >= view->strings_bytes) {
        return false;
    }
    symbol = &view->symbols[index];
    *ret_symbol = (struct elf_symbol){
        .name = view->strings + symbol->st_name,
        .size_bytes = symbol->st_size,
        .version = version & 0x7fff,
        .is_hidden = (version & 0x8000) != 0,
        .is_defined = symbol->st_shndx != SHN_UNDEF,
        .is_vector_call = elf_machine_is_vector_call(symbol->st_other),
        .type = ELF64_ST_TYPE(symbol->st_info),
        .binding = ELF64_ST_BIND(symbol->st_info),
        .visibility = ELF64_ST_VISIBILITY(symbol->st_other),
    };
    if (symbol->st_value != 0 && ret_symbol->type != STT_TLS) {
        ret_symbol->address =
            symbol->st_shndx == SHN_ABS ? symbol->st_value : view->base + symbol->st_value;
    }
    return true;
}

bool elf_view_relocation(const struct elf_view *view, size_t table, size_t i,
                         struct elf_relocation *ret_relocation)
{
    const struct elf_relocation_table *from = &view->relocations[table];
    const ElfW(Rel) * entry; /* a Rela begins like a Rel */
    enum elf_slot_kind kind;

    if (i >= from->n_entries) {
        return false;
    }
    entry = (const ElfW(Rel) *)(from->entries + i * from->entry_bytes);
    kind = elf_machine_slot_kind(ELF64_R_TYPE(entry->r_info));
    if (kind == ELF_SLOT_OTHER || ELF64_R_SYM(entry->r_info) == 0 ||
        !elf_view_has(view, view->base + entry->r_offset, sizeof(uintptr_t), 0)) {
        return false;
    }
    *ret_relocation = (struct elf_relocation){
        .slot = view->base + entry->r_offset, .symbol = ELF64_R_SYM(entry->r_info), .kind = kind};
    return true;
}
