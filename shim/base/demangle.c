// SPDX-License-Identifier: MIT
#include "base/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

struct writing {
    char *room;
    size_t n_room, n_used;
    jmp_buf on_full;
};

/* A short name can stand for an endless text, so writing stops where the room ends. */
static void write_piece(const char *text, size_t n_bytes, void *context)
{
    struct writing *writing = context;
    size_t n_left = writing->n_room - 1 - writing->n_used;
    size_t n = n_bytes < n_left ? n_bytes : n_left;

    memcpy(writing->room + writing->n_used, text, n);
    writing->n_used += n;
    if (n < n_bytes) {
        longjmp(writing->on_full, 1);
    }
}

const char *demangle(const char *symbol, char *room, size_t n_room)
{
    struct writing writing = {.room = room, .n_room = n_room};

    if (n_room == 0 || symbol[0] != '_' || symbol[1] != 'Z' ||
        strnlen(symbol, DEMANGLE_MAX_NAME + 1) > DEMANGLE_MAX_NAME) {
        return NULL;
    }
    if (setjmp(writing.on_full) == 0 &&
        cplus_demangle_v3_callback(symbol, DMGL_PARAMS | DMGL_ANSI, write_piece, &writing) == 0) {
        return NULL;
    }
    room[writing.n_used] = '\0';
    return room;
}
