// SPDX-License-Identifier: MIT
/*
 * What the shim itself calls is libc, whoever stands before libc in the scope. Wrappers of other
 * preloads and of sanitizers' runtimes are not ready when an initfirst constructor runs, and they
 * may crash, end the program, or ask for an environment that is not there yet; later they would
 * take the shim's reading of memory for the program's. So the shim's own slots, which ld.so bound
 * to the first definition, are bound once more, to libc's. All but the allocator: memory that the
 * program is to free comes from the program's.
 *
 * Not in a sanitized build of the shim, which is to be looked at by its sanitizer.
 */
#include "interpose/interpose.h"

#include "interpose/early.h"
#include "interpose/resolve.h"
#include "interpose/slots.h"

#include <gnu/lib-names.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

enum {
    VERSIONS_ROOM = 16
};

static bool is_allocator(const char *name)
{
    static const char *const names[] = {"malloc",   "calloc",         "realloc",
                                        "free",     "posix_memalign", "aligned_alloc",
                                        "memalign", "reallocarray"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (elf_name_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* libc's definition of the function in the version that the shim was linked to; 0: none. */
static uintptr_t definition_in(const struct elf_view *libc, const struct elf_view *own,
                               const struct elf_symbol *asked)
{
    struct elf_symbol found[VERSIONS_ROOM];
    bool is_exact_unused;
    const char *version = elf_view_version(own, asked->version, &is_exact_unused);
    size_t n_found =
        elf_view_find(libc, asked->name, elf_name_hash(asked->name), found, VERSIONS_ROOM);

    for (size_t i = 0; version != NULL && i < n_found; i++) {
        const char *defined = elf_view_version(libc, found[i].version, &is_exact_unused);

        if (defined != NULL && elf_name_is(defined, version)) {
            return resolve_function(libc, &found[i]);
        }
    }
    return 0;
}

/* Through no slot that is about to change, nor anybody's wrapper. False when it is refused. */
static bool protect_relro(const struct elf_view *own, int protection)
{
    return own->relro_start == own->relro_end ||
           syscall(SYS_mprotect, own->relro_start, own->relro_end - own->relro_start, protection) ==
               0;
}

static void bind_all(const struct elf_view *own, const struct elf_view *libc)
{
    bool is_open = false;

    for (size_t table = 0; table < ELF_RELOCATION_TABLES; table++) {
        for (size_t i = 0; i < own->relocations[table].n_entries; i++) {
            struct elf_relocation relocation;
            struct elf_symbol asked;
            uintptr_t address;

            if (!elf_view_relocation(own, table, i, &relocation) ||
                (relocation.kind != ELF_SLOT_JUMP && relocation.kind != ELF_SLOT_GOT) ||
                !elf_view_symbol(own, relocation.symbol, &asked) || asked.is_defined ||
                is_allocator(asked.name) ||
                elf_view_has(libc, slots_read(relocation.slot), 1, 0)) { /* it is libc's already */
                continue;
            }
            address = definition_in(libc, own, &asked);
            if (address == 0 || slots_read(relocation.slot) == address) {
                continue;
            }
            is_open = is_open || protect_relro(own, PROT_READ | PROT_WRITE);
            if (!is_open) {
                return;
            }
            __atomic_store_n((uintptr_t *)relocation.slot, address, __ATOMIC_RELEASE);
        }
    }
    if (is_open) {
        protect_relro(own, PROT_READ);
    }
}

void interpose_bind_own_calls(void)
{
    struct elf_view own = {0}, libc = {0};

    for (const struct link_map *map = early_first(); !IS_SANITIZED && map != NULL;
         map = map->l_next) {
        struct elf_view view;

        if (map->l_prev == NULL || !early_view_library(map, &view)) {
            continue;
        }
        if (elf_view_has(&view, (uintptr_t)interpose_bind_own_calls, 1, 0)) {
            own = view;
        } else if (view.soname != NULL && elf_name_is(view.soname, LIBC_SO)) {
            libc = view;
        }
    }
    if (own.n_symbols > 0 && libc.n_symbols > 0) {
        bind_all(&own, &libc);
    }
}
