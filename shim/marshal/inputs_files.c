// SPDX-License-Identifier: MIT
/*
 * The state of a file as a part of keys: error(8) device(8) inode(8) size(8) and two times of
 * seconds(8) and nanoseconds(8). A file that changed a moment ago is not trusted at all: one more
 * change could leave the same state.
 */
#include "base/clock.h"
#include "marshal/inputs.h"

#include <errno.h>

struct words {
    uint64_t items[MARSHAL_STATE_BYTES / sizeof(uint64_t)];
};

static struct words words_of(const struct file_state *state)
{
    return (struct words){{
        (uint64_t)state->error,
        state->device,
        state->inode,
        state->size,
        (uint64_t)state->modified.tv_sec,
        (uint64_t)state->modified.tv_nsec,
        (uint64_t)state->changed.tv_sec,
        (uint64_t)state->changed.tv_nsec,
    }};
}

int input_put_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                    const struct file_state *state)
{
    struct words words = words_of(state);

    return input_put_bytes(plan, buffer, &words, sizeof(words));
}

int input_look(const char *path, struct file_state *ret_state)
{
    struct timespec now = clock_wall();

    *ret_state = file_state_read(path);
    return file_state_is_settled(ret_state, now) ? 0 : -EAGAIN;
}

const unsigned char *input_look_at(const unsigned char *at, const char *path)
{
    struct file_state state;
    struct words words;

    if (input_look(path, &state) != 0) {
        return NULL;
    }
    words = words_of(&state);
    return memcmp(at, &words, sizeof(words)) == 0 ? at + sizeof(words) : NULL;
}

int input_put_file(const struct marshal_plan *plan, struct marshal_buffer *buffer, const char *path)
{
    struct file_state state;
    int error = input_look(path, &state);

    return error != 0 ? error : input_put_state(plan, buffer, &state);
}

int input_put_path_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                         const char *path)
{
    struct file_state state;
    int error = input_look(path, &state);

    if (state.error == 0 && !state.is_regular) {
        error = -ENOTSUP; /* however old it is */
    }
    return error != 0 ? error : input_put_state(plan, buffer, &state);
}
