// SPDX-License-Identifier: MIT
/*
 * What kind of executable a file is, as far as preloading is concerned. Reads the ELF header and
 * the program headers of a file that nobody vouches for; every offset and size is bounded.
 */
#ifndef CLI_ELF_FILE_H
#define CLI_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>

struct elf_file {
    bool is_32bit;
    bool is_foreign;            /* of another CPU or byte order than this command */
    bool is_shared;             /* ET_DYN with a soname: the dynamic linker itself, say */
    bool is_pie;                /* ET_DYN: may be loaded anywhere */
    bool is_initfirst;          /* wants its constructors to run before all others */
    bool is_audited;            /* names libraries that watch the dynamic linker */
    bool is_go;                 /* carries the note of Go's linker */
    char interpreter[PATH_MAX]; /* "" for none; read only when of our kind */
};

/* 0; -ENOEXEC when the open file is no ELF file; -EINVAL when it is a broken one; -errno. */
int elf_file_read(int fd, struct elf_file *ret_file);

#endif
