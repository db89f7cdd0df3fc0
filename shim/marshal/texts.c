// SPDX-License-Identifier: MIT
/*
 * "strings", a NULL-terminated array of texts, and "path", a text and the state of the file that it
 * names, as parts of a key, and how long text is:
 *
 *     strings      'N', or 'L' and each text in its frame, then 'E'
 *     path         'N', or text in its frame, then the state (inputs.c)
 *
 * How such texts overlap with what the function writes is not said: such calls have no key.
 */
#include "marshal/marshal_private.h"

#include <errno.h>
#include <string.h>

size_t marshal_text_bytes(const void *text, uint32_t character_bytes, size_t max_bytes)
{
    static const char zero[4];
    const char *at = text;

    if (character_bytes == 1) {
        return strnlen(text, max_bytes + 1);
    }
    /* A program may have it at any address. */
    while (memcmp(at, zero, character_bytes) != 0) {
        at += character_bytes;
        if ((size_t)(at - (const char *)text) > max_bytes) {
            break;
        }
    }
    return (size_t)(at - (const char *)text);
}

int marshal_put_strings(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                        const char *const *strings)
{
    int error = marshal_buffer_put(buffer, "L", 1, plan->limit_bytes);

    /* Ends at the latest when the key is too large: each text takes some of it. */
    for (; error == 0 && *strings != NULL; strings++) {
        error = marshal_put_text(plan, buffer, *strings);
    }
    return error != 0 ? error : marshal_buffer_put(buffer, "E", 1, plan->limit_bytes);
}

static bool is_at(const void *memory, size_t n_bytes, const void *other, size_t n_other)
{
    return (uintptr_t)other - (uintptr_t)memory < n_bytes ||
           (uintptr_t)memory - (uintptr_t)other < n_other;
}

bool marshal_strings_are_at(const char *const *strings, const void *memory, size_t n_bytes)
{
    const char *const *end = strings;

    for (; *end != NULL; end++) {
        if (is_at(memory, n_bytes, *end, strlen(*end) + 1)) {
            return true;
        }
    }
    return is_at(memory, n_bytes, strings, (size_t)(end + 1 - strings) * sizeof(*strings));
}
