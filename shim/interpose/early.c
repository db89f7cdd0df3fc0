// SPDX-License-Identifier: MIT
/*
 * The real dlsym and dlvsym before interpose_init knows them. Our own start calls libc, and what it
 * calls may be a wrapper, of another preload or a sanitizer's runtime, which looks the real
 * function up on its first call: it must get its answer, or it ends the program.
 *
 * Such a wrapper must not be needed for the answer itself. So the loader's own list is walked here,
 * and nothing is called but our own code, getauxval, and what the compiler makes of assignments.
 */
#include "interpose/early.h"

#include "interpose/interpose.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

enum {
    VERSIONS_ROOM = 4
};

static bool view_executable(struct elf_view *ret_view)
{
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t n_segments = getauxval(AT_PHNUM);
    uintptr_t base = 0;

    for (size_t i = 0; segments != NULL && i < n_segments; i++) {
        if (segments[i].p_type == PT_PHDR) {
            base = (uintptr_t)segments - segments[i].p_vaddr;
        }
    }
    return segments != NULL && elf_view_init(ret_view, base, "", segments, n_segments);
}

const struct link_map *early_first(void)
{
    const struct r_debug *state = NULL;
    struct elf_view executable;

    if (view_executable(&executable)) {
        state = (const struct r_debug *)executable.debug;
    }
    return state != NULL ? state->r_map : NULL;
}

bool early_view_library(const struct link_map *map, struct elf_view *ret_view)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)map->l_addr;

    if (header == NULL || header->e_ident[EI_MAG0] != ELFMAG0 ||
        header->e_ident[EI_MAG1] != ELFMAG1 || header->e_ident[EI_MAG2] != ELFMAG2 ||
        header->e_ident[EI_MAG3] != ELFMAG3) {
        return false;
    }
    return elf_view_init(ret_view, map->l_addr, map->l_name,
                         (const ElfW(Phdr) *)(map->l_addr + header->e_phoff), header->e_phnum);
}

void interpose_start_runtime(void)
{
    static const char name[] = "__tsan_init";
    struct elf_symbol symbol;
    struct elf_view view;

    if (view_executable(&view) &&
        elf_view_find(&view, name, elf_name_hash(name), &symbol, 1) == 1 && symbol.is_defined &&
        symbol.type == STT_FUNC) {
        ((void (*)(void))symbol.address)();
    }
}

/* With a function of this name, or with calls of one. */
static bool has_function(const struct elf_view *view, const char *name, bool is_defined)
{
    size_t n_symbols = elf_view_count_symbols(view);
    struct elf_symbol symbol;

    for (size_t i = 1; i < n_symbols; i++) {
        if (elf_view_symbol(view, i, &symbol) && symbol.is_defined == is_defined &&
            symbol.type == STT_FUNC && elf_name_is(symbol.name, name)) {
            return true;
        }
    }
    return false;
}

bool interpose_allocator_must_wait(void)
{
    static const char *const rest[] = {"aligned_alloc", "memalign", "posix_memalign"};
    struct elf_view view;

    if (!view_executable(&view) || !has_function(&view, "malloc", true) ||
        !has_function(&view, "sbrk", false)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        if (has_function(&view, rest[i], true)) {
            return false;
        }
    }
    return true;
}

void *interpose_early_dl(const char *name)
{
    bool is_behind_own = false;
    uint32_t name_hash = elf_name_hash(name);

    for (const struct link_map *map = early_first(); map != NULL; map = map->l_next) {
        struct elf_symbol found[VERSIONS_ROOM];
        struct elf_view view;
        size_t n_found;

        /* The first is the executable, which need not have its header at its load address. */
        if (map->l_prev == NULL || !early_view_library(map, &view)) {
            continue;
        }
        if (!is_behind_own) {
            is_behind_own = elf_view_has(&view, (uintptr_t)interpose_early_dl, 1, 0);
            continue;
        }
        n_found = elf_view_find(&view, name, name_hash, found, VERSIONS_ROOM);
        for (size_t i = 0; i < n_found; i++) {
            if (found[i].is_defined && !found[i].is_hidden && found[i].type == STT_FUNC) {
                return (void *)found[i].address;
            }
        }
    }
    return NULL;
}
