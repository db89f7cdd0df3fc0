// SPDX-License-Identifier: MIT
/*
 * What the files that deal with further inputs share: how each kind of them is written down, and
 * the numbers that stand for those that many calls have in common.
 */
#ifndef MARSHAL_INPUTS_H
#define MARSHAL_INPUTS_H

#include "base/file_state.h"
#include "marshal/marshal_private.h"

#include <stdatomic.h>
#include <string.h>

/* ---- one kind each: appended to the buffer. -EAGAIN, and errors of marshal_buffer_put ---------
 */

/*
 * n_bytes at the end of the buffer for something that is cut back soon, of which the function's own
 * limit says nothing.
 */
int input_extend_for_now(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                         size_t n_bytes, unsigned char **ret_at);

int input_put_bytes(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                    const void *bytes, size_t n_bytes);

/* Text, or 'N' for NULL. */
int input_put_variable(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                       const char *value);

/* inputs_files.c: a look now. -EAGAIN: the file has just changed. */
int input_look(const char *path, struct file_state *ret_state);
int input_put_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                    const struct file_state *state);
int input_put_file(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                   const char *path);

/* A look now finds the state that was written at `at`, and it is settled; returns what stands
 * behind it, or NULL. */
const unsigned char *input_look_at(const unsigned char *at, const char *path);

/* The same of the file that an argument names. -ENOTSUP: it is no regular file. */
int input_put_path_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                         const char *path);

/* inputs_zone.c */
int input_put_zone(const struct marshal_plan *plan, struct marshal_buffer *buffer);
void input_zone_init(void);

/* The zone that is in force, but for its file, is the one that was written at `at`; returns what
 * stands behind it, or NULL. */
const unsigned char *input_match_zone(const unsigned char *at);

/* The same, file included, by a look at it now. */
const unsigned char *input_look_at_zone(const struct marshal_plan *plan, const unsigned char *at);

/* inputs_process.c: of the process, or the thread. */
int input_put_folder(const struct marshal_plan *plan, struct marshal_buffer *buffer);
int input_put_ids(const struct marshal_plan *plan, struct marshal_buffer *buffer);
int input_put_locale(const struct marshal_plan *plan, struct marshal_buffer *buffer);
int input_put_thread(const struct marshal_plan *plan, struct marshal_buffer *buffer);
int input_put_rounding(const struct marshal_plan *plan, struct marshal_buffer *buffer);

/* A variable that has this value was written at `at`; returns what stands behind it, or NULL. */
static inline const unsigned char *input_match_variable(const unsigned char *at, const char *value)
{
    size_t n_bytes;

    if (*at == 'N' || value == NULL) {
        return *at == 'N' && value == NULL ? at + 1 : NULL;
    }
    n_bytes = marshal_framed_bytes(at);
    at += MARSHAL_TEXT_FRAME_BYTES;
    /* The text before its end: if the value is shorter, its end is another byte. */
    return strncmp(value, (const char *)at, n_bytes) == 0 && value[n_bytes] == '\0' ? at + n_bytes
                                                                                    : NULL;
}

/* What a call sees, as one number: each hash in its turn. */
static inline void input_see(uint64_t *seen, uint64_t hash)
{
    *seen = (*seen ^ hash) * UINT64_C(0x9e3779b97f4a7c15);
}

/* ---- inputs_seen.c ---------------------------------------------------------------------------
 */

/* What shared inputs were found to be, as they are written down. Never changed but for the time. */
struct seen_inputs {
    struct seen_inputs *older;
    uint64_t hash;
    uint32_t number;           /* from 1 on */
    _Atomic uint64_t until_ns; /* by clock_coarse_ns; so long nobody looks at the files again */
    size_t n_bytes;
    unsigned char bytes[];
};

/* For others in a key than those that the plan's calls have in common. */
static inline bool input_is_shared(const struct config_input *input)
{
    return input->kind == INPUT_VARIABLE || input->kind == INPUT_ZONE || input->kind == INPUT_FILE;
}

int seen_create(struct marshal_plan *plan, struct arena *arena);
void seen_after_fork(const struct marshal_plan *plan);

/*
 * Those that are so now, without a look at files; NULL: it takes one. Any thread; takes no lock.
 * now_ns: clock_coarse_ns, or 0, and then it is read where it is needed.
 */
const struct seen_inputs *seen_find(const struct marshal_plan *plan, uint64_t now_ns);

/* They are so now, files included, by a look at them. */
bool seen_holds(const struct marshal_plan *plan, const struct seen_inputs *seen);

/*
 * What was found in a look that began at looked_ns. NULL: there is no room for it, or the lock is
 * held by a thread that is gone.
 */
const struct seen_inputs *seen_note(const struct marshal_plan *plan, struct bytes found,
                                    uint64_t hash, uint64_t looked_ns);

#endif
