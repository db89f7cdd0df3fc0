// SPDX-License-Identifier: MIT
#include "base/demangle.h"

#include <libiberty/demangle.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct writing {
    char *room;
    size_t n_room, n_used;
    jmp_buf on_full;
};

/*
 * libiberty was compiled to call it where others call sprintf, and only the GNU C library has it
 * (base/foreign_libc.h).
 */
int __sprintf_chk(char *text, int flags, size_t n_room, const char *format, ...)
    __attribute__((format(printf, 4, 5), visibility("hidden")));

int __sprintf_chk(char *text, int flags, size_t n_room, const char *format, ...)
{
    va_list arguments;
    int n_bytes;

    va_start(arguments, format);
    n_bytes = vsnprintf(text, n_room < INT_MAX ? n_room : INT_MAX, format, arguments);
    va_end(arguments);
    if (n_bytes >= 0 && (size_t)n_bytes >= n_room) {
        __builtin_trap(); /* as glibc's ends the program: what lies behind is somebody else's */
    }
    return n_bytes;
}

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
