// SPDX-License-Identifier: MIT
/*
 * What the programs get that this one executes: the configuration's `children`. Nothing is wrapped
 * for it. The environment lies in memory before libc knows of it, and whatever the program passes
 * on later, by whatever call, comes from there; an environment of its own making is its own affair.
 *
 * inherit: nothing is touched.
 *
 * off: our entries leave LD_PRELOAD, and LD_PRELOAD leaves with its last entry. The program and all
 * that it executes see what they would see without memoshim.
 *
 * A list: our entries are spelt so that memoshim knows, in a program that was executed, that it
 * was; unless that program is in the list it does nothing there. It stays in LD_PRELOAD, so that a
 * program of the list is reached through a shell, too.
 *
 * MEMOSHIM_* variables stay in any case: alone they do nothing.
 */
#include "process.h"

#include "base/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRELOAD "LD_PRELOAD"
/* Between folder and file. Means nothing to the system, and nobody writes it by hand. */
#define MARK       "/.//./"
#define MARK_BYTES (sizeof(MARK) - 1)

/* One entry of the list: the dynamic linker separates them by colons and spaces. */
struct entry {
    const char *text;
    size_t n_bytes;
};

static bool next_entry(const char **rest, struct entry *ret_entry)
{
    *rest += strspn(*rest, " :");
    ret_entry->text = *rest;
    ret_entry->n_bytes = strcspn(*rest, " :");
    *rest += ret_entry->n_bytes;
    return ret_entry->n_bytes > 0;
}

/* Raw, as all looks at files: another preload may show the program other ones. */
static bool look(const char *path, struct stat *ret_status)
{
    return syscall(SYS_newfstatat, AT_FDCWD, path, ret_status, 0) == 0;
}

static bool is_same_file(const char *path, const char *other)
{
    struct stat of_path, of_other;

    return look(path, &of_path) && look(other, &of_other) && of_path.st_dev == of_other.st_dev &&
           of_path.st_ino == of_other.st_ino;
}

/* "/usr/$LIB/libx.so", "${ORIGIN}/libx.so": the loader put something in the token's place. */
static bool is_expansion(char *entry, const char *own)
{
    char *to = entry;

    if (strpbrk(entry, "*?") != NULL) {
        return false;
    }
    for (const char *from = entry; *from != '\0'; to++) {
        if (*from != '$') {
            *to = *from++;
            continue;
        }
        *to = '*';
        from += from[1] == '{' ? strcspn(from, "}/")
                               : 1 + strspn(from + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        from += *from == '}';
    }
    *to = '\0';
    return pattern_matches(entry, own);
}

/* Whether the entry is what loaded us, or would. */
static bool is_own(const struct entry *entry)
{
    const char *own = interpose_own_path(), *own_file = strrchr(own, '/');
    char text[PATH_MAX];

    if (entry->n_bytes >= sizeof(text)) {
        return false;
    }
    memcpy(text, entry->text, entry->n_bytes);
    text[entry->n_bytes] = '\0';
    if (strcmp(text, own) == 0) {
        return true;
    }
    if (strchr(text, '/') == NULL) {
        return strcmp(text, own_file != NULL ? own_file + 1 : own) == 0;
    }
    return strchr(text, '$') != NULL ? is_expansion(text, own) : is_same_file(text, own);
}

static const char *list_of(const char *variable)
{
    return strncmp(variable, PRELOAD "=", sizeof(PRELOAD)) == 0 ? variable + sizeof(PRELOAD) : NULL;
}

/* Where the file's name begins in an entry. */
static size_t file_of(const struct entry *entry)
{
    size_t i = entry->n_bytes;

    while (i > 0 && entry->text[i - 1] != '/') {
        i--;
    }
    return i;
}

static bool is_marked(const struct entry *entry)
{
    size_t file = file_of(entry);

    return file >= MARK_BYTES && memcmp(entry->text + file - MARK_BYTES, MARK, MARK_BYTES) == 0;
}

/* ---- the list -------------------------------------------------------------------------------- */

bool children_is_one(char *const *environment)
{
    bool has_marked = false;

    for (; *environment != NULL; environment++) {
        const char *rest = list_of(*environment);
        struct entry entry;

        while (rest != NULL && next_entry(&rest, &entry)) {
            if (is_own(&entry)) {
                if (!is_marked(&entry)) {
                    return false; /* somebody put us there on purpose */
                }
                has_marked = true;
            }
        }
    }
    return has_marked;
}

/* The list with our entries marked, or NULL without memory; separators stay as they are. */
static char *mark_list(const char *list)
{
    const char *own = interpose_own_path(), *rest = list, *copied = list;
    struct entry entry;
    size_t n_bytes = sizeof(PRELOAD "=");
    char *variable, *to;

    while (next_entry(&rest, &entry)) {
        n_bytes += strlen(own) + MARK_BYTES;
    }
    variable = arena_alloc(&process.arena, n_bytes + strlen(list));
    if (variable == NULL) {
        return NULL;
    }
    to = stpcpy(variable, PRELOAD "=");
    rest = list;
    while (next_entry(&rest, &entry)) {
        struct entry spelt = entry;
        size_t file;

        to = mempcpy(to, copied, (size_t)(entry.text - copied));
        copied = rest;
        if (!is_own(&entry) || is_marked(&entry)) {
            to = mempcpy(to, entry.text, entry.n_bytes);
            continue;
        }
        if (file_of(&entry) == 0) { /* found by the loader's search: only a path can be marked */
            spelt = (struct entry){own, strlen(own)};
        }
        file = file_of(&spelt);
        to = mempcpy(to, spelt.text, file > 0 ? file - 1 : 0);
        to = file > 0 ? stpcpy(to, MARK) : to;
        to = mempcpy(to, spelt.text + file, spelt.n_bytes - file);
    }
    strcpy(to, copied);
    return variable;
}

static void mark(char **environment)
{
    for (; *environment != NULL; environment++) {
        const char *list = list_of(*environment);
        char *variable = list != NULL ? mark_list(list) : NULL;

        if (variable != NULL) {
            *environment = variable;
        }
    }
}

/* ---- off ------------------------------------------------------------------------------------- */

/* Takes our entries out, in place; the others keep what stood before them. False: none is left. */
static bool remove_own(char *list)
{
    const char *rest = list;
    char *to = list, *end = list + strlen(list);
    struct entry entry;
    bool has_others = false, has_own = false;

    while (next_entry(&rest, &entry)) {
        if (is_own(&entry)) {
            has_own = true;
            continue;
        }
        if (has_others) {
            *to++ = entry.text[-1];
        }
        memmove(to, entry.text, entry.n_bytes);
        to += entry.n_bytes;
        has_others = true;
    }
    if (has_own) {
        memset(to, 0, (size_t)(end - to));
    }
    return has_others || !has_own;
}

static void remove_from(char **environment)
{
    char **to = environment;

    for (; *environment != NULL; environment++) {
        const char *list = list_of(*environment);

        /* As unsetenv does: those behind it move up. */
        if (list == NULL || remove_own(*environment + (list - *environment))) {
            *to++ = *environment;
        }
    }
    *to = NULL;
}

void children_prepare(char **environment)
{
    int saved_errno = errno;

    switch (process.model.children) {
    case CONFIG_CHILDREN_INHERIT:
        break;
    case CONFIG_CHILDREN_OFF:
        remove_from(environment);
        break;
    case CONFIG_CHILDREN_LISTED:
        mark(environment);
        break;
    }
    errno = saved_errno;
}
