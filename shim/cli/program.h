// SPDX-License-Identifier: MIT
/* Finding the program that is to be run, and whether a preload can reach it. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "cli/elf_file.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Where execvp would find name: a path as it stands, or the first executable file of that name in
 * the folders of PATH. 0; -ENOENT; -EACCES when something is there that may not be executed;
 * -ENAMETOOLONG.
 */
int program_find(const char *name, char *ret_path, size_t n_room);

enum program_refusal {
    PROGRAM_REACHED,
#define REFUSAL(name, text, hint) PROGRAM_##name,
#include "cli/refusals.def"
#undef REFUSAL
};

/* What is executed in the end: a script is followed to what runs it, through env(1) as well. */
struct program_image {
    char path[PATH_MAX];
    char started_as[PATH_MAX]; /* of a script: the name under which its interpreter is started */
    bool is_script;
    int error;                    /* 0, or -errno: the file could not be read */
    struct elf_file file;         /* if error is 0 */
    enum program_refusal refusal; /* if error is 0: run's reasons */
};

void program_look(const char *path, struct program_image *ret_image);

#define PROGRAM_REFUSED_MAX (PATH_MAX + 200)

/*
 * Why a preload cannot reach the program: a sentence without full stop, in room; NULL when it can,
 * or when nothing can be said (execution will tell).
 */
const char *program_refused(const struct program_image *image, char *room, size_t n_room);

/*
 * The same for check, which starts nothing but the system's dynamic linker, and for which what
 * cannot be read is a reason too.
 */
enum program_refusal program_refused_for_check(const struct program_image *image);

/* The sentence, behind the path; its hint or NULL; and its name, as in refusals.def. */
const char *program_refusal_text(enum program_refusal refusal);
const char *program_refusal_hint(enum program_refusal refusal);
const char *program_refusal_name(enum program_refusal refusal);

#endif
