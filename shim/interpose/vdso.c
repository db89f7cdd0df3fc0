// SPDX-License-Identifier: MIT
/*
 * Functions of the kernel's vDSO, found through the auxiliary vector, so that it also works where
 * the loader does not list the vDSO among its objects.
 */
#include "interpose/interpose.h"

#include "interpose/resolve.h"
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

/* Program headers that are looked for in the vDSO's first page. Linux has four or five. */
enum {
    VDSO_HEADERS_MAX = 32
};

static bool open_vdso(struct elf_view *view, uintptr_t start)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)start;
    const ElfW(Phdr) * segments;

    if (start == 0 || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(*segments) ||
        header->e_phnum > VDSO_HEADERS_MAX || header->e_phoff % 8 != 0 || header->e_phoff > 1024) {
        return false;
    }
    segments = (const ElfW(Phdr) *)(start + header->e_phoff);
    for (size_t i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD) {
            return elf_view_init(view, start + segments[i].p_offset - segments[i].p_vaddr, "",
                                 segments, header->e_phnum);
        }
    }
    return false;
}

void *interpose_vdso_function(const char *symbol)
{
    struct resolve_request request = {
        .name = symbol, .name_hash = elf_name_hash(symbol), .is_from_dlsym = true};
    int saved_errno = errno;
    uintptr_t start = getauxval(AT_SYSINFO_EHDR);
    struct elf_view view;
    struct elf_symbol found;

    errno = saved_errno;
    if (!open_vdso(&view, start) || !resolve_in_object(&view, &request, &found)) {
        return NULL;
    }
    return (void *)resolve_function(&view, &found);
}
