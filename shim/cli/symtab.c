// SPDX-License-Identifier: MIT
/* See symtab.h. */
#include "cli/symtab.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTIONS_MAX    100000
#define STRINGS_MAX     ((uint64_t)1 << 30)
#define SYMBOLS_AT_ONCE 4096

/* An open file with its table of symbols and their names. */
struct table {
    int fd;
    Elf64_Shdr symbols;
    char *strings; /* from malloc; ends with a NUL */
    uint64_t n_strings;
};

static bool read_at(int fd, void *ret_bytes, size_t n_bytes, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, ret_bytes, n_bytes, (off_t)offset) == (ssize_t)n_bytes;
}

static bool read_section(int fd, const Elf64_Ehdr *header, uint64_t i, Elf64_Shdr *ret_section)
{
    return i < header->e_shnum &&
           read_at(fd, ret_section, sizeof(*ret_section), header->e_shoff + i * sizeof(Elf64_Shdr));
}

/* Fills in symbols and strings. False when the file has none. */
static bool find_table(struct table *table)
{
    Elf64_Shdr strings;
    Elf64_Ehdr header;
    struct stat status;
    bool is_found = false;

    if (fstat(table->fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        !read_at(table->fd, &header, sizeof(header), 0) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_shentsize != sizeof(Elf64_Shdr)) {
        return false;
    }
    for (uint64_t i = 0; !is_found && i < header.e_shnum && i < SECTIONS_MAX; i++) {
        if (!read_section(table->fd, &header, i, &table->symbols)) {
            return false;
        }
        is_found = table->symbols.sh_type == SHT_SYMTAB;
    }
    if (!is_found || table->symbols.sh_entsize != sizeof(Elf64_Sym) ||
        !read_section(table->fd, &header, table->symbols.sh_link, &strings) ||
        strings.sh_type != SHT_STRTAB || strings.sh_size == 0 || strings.sh_size > STRINGS_MAX ||
        strings.sh_size > (uint64_t)status.st_size) {
        return false;
    }
    table->n_strings = strings.sh_size;
    table->strings = malloc(strings.sh_size);
    return table->strings != NULL &&
           read_at(table->fd, table->strings, strings.sh_size, strings.sh_offset) &&
           table->strings[strings.sh_size - 1] == '\0';
}

/* The compiler cuts functions into parts, and makes copies for some arguments: f.part.0 */
static bool is_name_or_part(const char *found, const char *name)
{
    size_t n_bytes = strlen(name);

    return strncmp(found, name, n_bytes) == 0 && (found[n_bytes] == '\0' || found[n_bytes] == '.');
}

static enum symtab_found classify(const Elf64_Sym *symbol)
{
    unsigned char visibility = ELF64_ST_VISIBILITY(symbol->st_other);

    /* The linker makes hidden ones local; some leave them their visibility, some do not. */
    if (visibility == STV_HIDDEN || visibility == STV_INTERNAL) {
        return SYMTAB_HIDDEN;
    }
    return ELF64_ST_BIND(symbol->st_info) == STB_LOCAL ? SYMTAB_STATIC : SYMTAB_INTERNAL;
}

static void look_at(const struct table *table, const Elf64_Sym *symbol, const char *const *names,
                    size_t n, enum symtab_found *found)
{
    unsigned char type = ELF64_ST_TYPE(symbol->st_info);

    if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol->st_shndx == SHN_UNDEF ||
        symbol->st_name >= table->n_strings) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_name_or_part(table->strings + symbol->st_name, names[i])) {
            enum symtab_found one = classify(symbol);

            found[i] = one > found[i] ? one : found[i];
        }
    }
}

static void search(const struct table *table, const char *const *names, size_t n,
                   enum symtab_found *found)
{
    static Elf64_Sym symbols[SYMBOLS_AT_ONCE];
    uint64_t n_left = table->symbols.sh_size / sizeof(Elf64_Sym);
    uint64_t offset = table->symbols.sh_offset;

    while (n_left > 0) {
        size_t n_now = n_left < SYMBOLS_AT_ONCE ? (size_t)n_left : SYMBOLS_AT_ONCE;

        if (!read_at(table->fd, symbols, n_now * sizeof(symbols[0]), offset)) {
            return;
        }
        for (size_t i = 0; i < n_now; i++) {
            look_at(table, &symbols[i], names, n, found);
        }
        offset += n_now * sizeof(symbols[0]);
        n_left -= n_now;
    }
}

/* Opening anything but a file might do something. */
static int open_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode)
               ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
               : -1;
}

void symtab_search(const char *path, const char *const *names, size_t n,
                   enum symtab_found *ret_found)
{
    struct table table = {.fd = open_file(path)};
    bool has_table = table.fd >= 0 && find_table(&table);

    for (size_t i = 0; i < n; i++) {
        ret_found[i] = has_table ? SYMTAB_NOTHING : SYMTAB_STRIPPED;
    }
    if (has_table) {
        search(&table, names, n, ret_found);
    }
    free(table.strings);
    if (table.fd >= 0) {
        close(table.fd);
    }
}
