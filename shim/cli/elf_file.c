// SPDX-License-Identifier: MIT
#include "cli/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#error "no machine of this name is known here"
#endif

#define NOTES_MAX_BYTES 4096
#define GO_NOTE_NAME    "Go\0" /* with its padding, 4 bytes */

/* Exactly n_bytes from offset, or false. */
static bool read_at(int fd, void *ret_bytes, size_t n_bytes, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, ret_bytes, n_bytes, (off_t)offset) == (ssize_t)n_bytes;
}

static int read_interpreter(int fd, const Elf64_Phdr *segment, struct elf_file *file)
{
    if (segment->p_filesz < 2 || segment->p_filesz > sizeof(file->interpreter) ||
        !read_at(fd, file->interpreter, segment->p_filesz, segment->p_offset) ||
        file->interpreter[segment->p_filesz - 1] != '\0') {
        return -EINVAL;
    }
    return 0;
}

static bool has_go_note(int fd, const Elf64_Phdr *segment)
{
    _Alignas(4) char notes[NOTES_MAX_BYTES];
    size_t n_bytes = segment->p_filesz < sizeof(notes) ? segment->p_filesz : sizeof(notes);
    size_t at = 0;

    if (!read_at(fd, notes, n_bytes, segment->p_offset)) {
        return false;
    }
    while (n_bytes - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        uint64_t n_note;

        memcpy(&note, notes + at, sizeof(note));
        n_note = sizeof(note) + (((uint64_t)note.n_namesz + 3) & ~(uint64_t)3) +
                 (((uint64_t)note.n_descsz + 3) & ~(uint64_t)3);
        if (note.n_namesz == sizeof(GO_NOTE_NAME) && n_bytes - at >= sizeof(note) + 4 &&
            memcmp(notes + at + sizeof(note), GO_NOTE_NAME, sizeof(GO_NOTE_NAME)) == 0) {
            return true;
        }
        if (n_note > n_bytes - at) {
            return false;
        }
        at += n_note;
    }
    return false;
}

static void read_dynamic(int fd, const Elf64_Phdr *segment, struct elf_file *file)
{
    uint64_t n_entries = segment->p_filesz / sizeof(Elf64_Dyn);

    for (uint64_t i = 0; i < n_entries && i < 1000; i++) {
        Elf64_Dyn entry;

        if (!read_at(fd, &entry, sizeof(entry), segment->p_offset + i * sizeof(entry)) ||
            entry.d_tag == DT_NULL) {
            return;
        }
        switch (entry.d_tag) {
        case DT_SONAME: /* tells a shared object, which may be executed too, from a static-pie */
            file->is_shared = true;
            break;
        case DT_FLAGS_1:
            file->is_initfirst = (entry.d_un.d_val & DF_1_INITFIRST) != 0;
            break;
        case DT_AUDIT:
        case DT_DEPAUDIT:
            file->is_audited = true;
            break;
        default:
            break;
        }
    }
}

static int read_segments(int fd, const Elf64_Ehdr *header, struct elf_file *file)
{
    int error = 0;

    if (header->e_phnum > 0 && header->e_phentsize != sizeof(Elf64_Phdr)) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < header->e_phnum && error == 0; i++) {
        Elf64_Phdr segment;

        if (!read_at(fd, &segment, sizeof(segment), header->e_phoff + i * sizeof(segment))) {
            return -EINVAL;
        }
        if (segment.p_type == PT_INTERP) {
            error = read_interpreter(fd, &segment, file);
        } else if (segment.p_type == PT_NOTE) {
            file->is_go = file->is_go || has_go_note(fd, &segment);
        } else if (segment.p_type == PT_DYNAMIC) {
            read_dynamic(fd, &segment, file);
        }
    }
    return error;
}

int elf_file_read(int fd, struct elf_file *ret_file)
{
    static const struct elf_file nothing;
    Elf64_Ehdr header;
    int byte_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

    if (!read_at(fd, header.e_ident, sizeof(header.e_ident), 0) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return -ENOEXEC;
    }
    *ret_file = nothing;
    ret_file->is_32bit = header.e_ident[EI_CLASS] != ELFCLASS64;
    ret_file->is_foreign = header.e_ident[EI_DATA] != byte_order;
    if (ret_file->is_32bit || ret_file->is_foreign) {
        return 0;
    }
    if (!read_at(fd, &header, sizeof(header), 0)) {
        return -EINVAL;
    }
    ret_file->is_foreign = header.e_machine != OUR_MACHINE;
    ret_file->is_pie = header.e_type == ET_DYN;
    return ret_file->is_foreign ? 0 : read_segments(fd, &header, ret_file);
}
