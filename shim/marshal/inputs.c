// SPDX-License-Identifier: MIT
/*
 * What a function reads besides its arguments, as bytes of its key. In the order of `key_also`:
 *
 *     env          text, or 'N' when the variable is not there
 *     tz           libc's zone as far as it shows: tzname(16) timezone(8) daylight(8); TZ and TZDIR
 *                  like env, then the state of the file they name, or 'n' for none
 *     file         its state
 *     cwd          text, or 'N' when it has no path; device(8) inode(8)
 *     uid          real, effective and saved user, the same of the group (4 each); number(8) of
 *                  supplementary groups, these (4 each)
 *     locale       the name of each category like env, or '=' when it is that of the one before
 *     thread       number(8), never given to another thread of the process
 *     rounding     mode(8)
 *
 * A state is error(8) device(8) inode(8) size(8) and two times of seconds(8) and nanoseconds(8).
 *
 * The function reads all this later than the key does. So it is read again when the call is over:
 * what was computed while it changed belongs to no key and is not kept. A file that changed a
 * moment ago is not trusted at all: one more change could leave the same state.
 */
#include "base/clock.h"
#include "base/environment.h"
#include "marshal/marshal_private.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Static_assert(LC_IDENTIFICATION == MARSHAL_LOCALE_CATEGORIES, "the last, and LC_ALL is below");

/* Of one file or zone: its last look. A longer path is looked at for each call. */
#define RECENT_PATH_BYTES 256

struct marshal_recent {
    struct lock lock; /* LOCK_RANK_FILES; guards the rest */
    uint64_t until_ns;
    struct file_state state; /* settled */
    char path[RECENT_PATH_BYTES];
};

/* Written by marshal_inputs_init: when this process, or the one it was forked from, began. */
static struct timespec began;

static _Atomic uint64_t n_threads;
static __thread uint64_t thread_number;

/* ---- bytes ----------------------------------------------------------------------------------- */

/*
 * n_bytes at the end of the buffer for something that is cut back soon, of which the function's own
 * limit says nothing.
 */
static int extend_for_now(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                          size_t n_bytes, unsigned char **ret_at)
{
    size_t limit_bytes = plan->limit_bytes + n_bytes;

    return marshal_buffer_extend(
        buffer, n_bytes, limit_bytes < MARSHAL_MAX_BYTES ? limit_bytes : MARSHAL_MAX_BYTES, ret_at);
}

static int put(const struct marshal_plan *plan, struct marshal_buffer *buffer, const void *bytes,
               size_t n_bytes)
{
    return marshal_buffer_put(buffer, bytes, n_bytes, plan->limit_bytes);
}

static int put_variable(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                        const char *value)
{
    return value == NULL ? put(plan, buffer, "N", 1) : marshal_put_text(plan, buffer, value);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int put_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                     const struct file_state *state)
{
    uint64_t words[MARSHAL_STATE_BYTES / sizeof(uint64_t)] = {
        (uint64_t)state->error,
        state->device,
        state->inode,
        state->size,
        (uint64_t)state->modified.tv_sec,
        (uint64_t)state->modified.tv_nsec,
        (uint64_t)state->changed.tv_sec,
        (uint64_t)state->changed.tv_nsec,
    };

    return put(plan, buffer, words, sizeof(words));
}

/* What was seen of the path not long ago. recent may be NULL. */
static bool remember(struct marshal_recent *recent, const char *path, struct file_state *ret_state)
{
    bool is_recent = false;

    if (recent != NULL && lock_acquire(&recent->lock)) {
        is_recent = clock_coarse_ns() + clock_coarse_tick_ns() < recent->until_ns &&
                    strcmp(recent->path, path) == 0;
        if (is_recent) {
            *ret_state = recent->state;
        }
        lock_release(&recent->lock);
    }
    return is_recent;
}

static void note(const struct marshal_plan *plan, struct marshal_recent *recent, const char *path,
                 uint64_t looked_ns, const struct file_state *state)
{
    size_t n_bytes = strlen(path) + 1;

    if (recent != NULL && n_bytes <= sizeof(recent->path) && lock_acquire(&recent->lock)) {
        memcpy(recent->path, path, n_bytes);
        recent->state = *state;
        recent->until_ns = looked_ns + plan->function->check_every_ns;
        lock_release(&recent->lock);
    }
}

/* -EAGAIN: it has just changed. */
static int look(const struct marshal_plan *plan, struct marshal_recent *recent, const char *path,
                bool is_over, struct file_state *ret_state)
{
    struct timespec now;
    uint64_t looked_ns;

    if (!is_over && remember(recent, path, ret_state)) {
        return 0;
    }
    looked_ns = recent != NULL ? clock_coarse_ns() : 0;
    now = clock_wall();
    *ret_state = file_state_read(path);
    if (!file_state_is_settled(ret_state, now)) {
        return -EAGAIN;
    }
    note(plan, recent, path, looked_ns, ret_state);
    return 0;
}

/* ---- the zone -------------------------------------------------------------------------------- */

/*
 * The path of the file that glibc's tzset looks for, in scratch memory behind the buffer's bytes;
 * NULL: it looks for none. Any value of TZ is a file first, and a rule only when there is none.
 */
static int find_zone(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                     const char *zone, const char *folder, char **ret_path)
{
    size_t n_zone, n_folder;
    unsigned char *at;
    int error;

    *ret_path = NULL;
    if (zone == NULL) {
        zone = "/etc/localtime";
    } else if (*zone == '\0') {
        zone = "Universal";
    } else if (*zone == ':') {
        zone++;
    }
    if (*zone == '\0') {
        return 0;
    }
    if (folder == NULL || *folder == '\0') {
        folder = "/usr/share/zoneinfo";
    }
    n_zone = strlen(zone);
    n_folder = *zone == '/' ? 0 : strlen(folder) + 1;
    error = extend_for_now(plan, buffer, n_folder + n_zone + 1, &at);
    if (error != 0) {
        return error;
    }
    if (n_folder > 0) {
        memcpy(at, folder, n_folder - 1);
        at[n_folder - 1] = '/';
    }
    memcpy(at + n_folder, zone, n_zone + 1);
    *ret_path = (char *)at;
    return 0;
}

/*
 * The zone that libc holds, which is another than TZ names until the next tzset. A function that
 * changes it is not answered from memory then, as others go by it (localtime_r). The names are
 * libc's for good, so their addresses do.
 */
static int put_held_zone(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    uint64_t held[MARSHAL_HELD_ZONE_WORDS] = {(uintptr_t)tzname[0], (uintptr_t)tzname[1],
                                              (uint64_t)timezone, (uint64_t)daylight};

    return put(plan, buffer, held, sizeof(held));
}

static int put_zone(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                    struct marshal_recent *recent, bool is_over)
{
    const char *zone = environment_get(environ, "TZ");
    const char *folder = environment_get(environ, "TZDIR");
    struct file_state state;
    size_t n_bytes;
    char *path;
    int error = put_held_zone(plan, buffer);

    error = error != 0 ? error : put_variable(plan, buffer, zone);
    error = error != 0 ? error : put_variable(plan, buffer, folder);
    if (error != 0) {
        return error;
    }
    n_bytes = buffer->n_bytes;
    error = find_zone(plan, buffer, zone, folder, &path);
    if (error == 0 && path != NULL) {
        error = look(plan, recent, path, is_over, &state);
    }
    buffer->n_bytes = n_bytes;
    if (error != 0) {
        return error;
    }
    if (path == NULL) {
        return put(plan, buffer, "n", 1);
    }
    /*
     * While TZ stays what it is, libc does not look at the file again. If that has changed in this
     * process's time, nobody can tell which content libc holds.
     */
    if (zone != NULL && state.error == 0 &&
        file_state_age_ns(&state, began) < (int64_t)clock_coarse_tick_ns()) {
        return -EAGAIN;
    }
    error = put(plan, buffer, "Z", 1);
    return error != 0 ? error : put_state(plan, buffer, &state);
}

/* ---- the others ------------------------------------------------------------------------------ */

static int put_folder(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    struct file_state state = file_state_read(".");
    uint64_t identity[] = {state.device, state.inode};
    size_t n_before = buffer->n_bytes;
    int saved_errno = errno;
    unsigned char *at;
    size_t n_text;
    long n_path;
    int error = extend_for_now(plan, buffer, MARSHAL_TEXT_FRAME_BYTES + PATH_MAX, &at);

    if (error != 0) {
        return error;
    }
    n_path = syscall(SYS_getcwd, at + MARSHAL_TEXT_FRAME_BYTES, PATH_MAX); /* with its NUL */
    errno = saved_errno;
    if (n_path > 0) {
        n_text = (size_t)n_path - 1;
        marshal_put_text_frame(at, n_text);
        buffer->n_bytes = n_before + MARSHAL_TEXT_FRAME_BYTES + n_text;
    } else {
        at[0] = 'N';
        buffer->n_bytes = n_before + 1;
    }
    return put(plan, buffer, identity, sizeof(identity));
}

/* Rights hang on these, too. errno is not kept. */
static int put_groups(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    long n = syscall(SYS_getgroups, 0, NULL);
    uint64_t n_groups = n > 0 ? (uint64_t)n : 0;
    unsigned char *at;
    int error = put(plan, buffer, &n_groups, sizeof(n_groups));

    if (error == 0) {
        error = marshal_buffer_extend(buffer, n_groups * sizeof(uint32_t), plan->limit_bytes, &at);
    }
    return error != 0 ? error : syscall(SYS_getgroups, n, at) == n ? 0 : -EAGAIN;
}

/* Of the thread: libc keeps those of all threads equal, the kernel does not. */
static int put_ids(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    uint32_t ids[MARSHAL_IDS_BYTES / sizeof(uint32_t)] = {0};
    int saved_errno = errno;

    int error;

    syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]);
    syscall(SYS_getresgid, &ids[3], &ids[4], &ids[5]);
    error = put(plan, buffer, ids, sizeof(ids));
    if (error == 0) {
        error = put_groups(plan, buffer);
    }
    errno = saved_errno;
    return error;
}

static int put_locale(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    const char *before = NULL;
    int error = 0;

    for (int category = 0; category <= LC_IDENTIFICATION && error == 0; category++) {
        const char *name;

        if (category == LC_ALL) {
            continue;
        }
        name = nl_langinfo(NL_LOCALE_NAME(category));
        error = before != NULL && name != NULL && strcmp(name, before) == 0
                    ? put(plan, buffer, "=", 1)
                    : put_variable(plan, buffer, name);
        before = name;
    }
    return error;
}

static int put_thread(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    if (thread_number == 0) {
        thread_number = atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed) + 1;
    }
    return put(plan, buffer, &thread_number, sizeof(thread_number));
}

static int put_rounding(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    uint64_t mode = float_mode_read();

    return put(plan, buffer, &mode, sizeof(mode));
}

static int put_input(const struct marshal_plan *plan, struct marshal_buffer *buffer, uint32_t i,
                     bool is_over)
{
    const struct config_input *input = &plan->function->inputs[i];
    struct marshal_recent *recent = plan->recent != NULL ? &plan->recent[i] : NULL;
    struct file_state state;
    int error;

    switch (input->kind) {
    case INPUT_VARIABLE:
        return put_variable(plan, buffer, environment_get(environ, input->name));
    case INPUT_ZONE:
        return put_zone(plan, buffer, recent, is_over);
    case INPUT_FILE:
        error = look(plan, recent, input->name, is_over, &state);
        return error != 0 ? error : put_state(plan, buffer, &state);
    case INPUT_FOLDER:
        return put_folder(plan, buffer);
    case INPUT_IDS:
        return put_ids(plan, buffer);
    case INPUT_LOCALE:
        return put_locale(plan, buffer);
    case INPUT_THREAD:
        return put_thread(plan, buffer);
    default:
        return put_rounding(plan, buffer);
    }
}

/* ---- one call -------------------------------------------------------------------------------- */

/* Adds what the buffer has got since to a hash. */
static void see(const struct marshal_buffer *buffer, size_t n_before, uint64_t *seen)
{
    *seen = hash_bytes((struct bytes){buffer->data + n_before, buffer->n_bytes - n_before}, *seen);
}

/* is_over: behind the call, when only what is so at this moment counts. */
static int put_inputs(const struct marshal_plan *plan, bool is_over, struct marshal_buffer *buffer,
                      uint64_t *seen)
{
    size_t n_before = buffer->n_bytes;
    int error = 0;

    for (uint32_t i = 0; i < plan->function->n_inputs && error == 0; i++) {
        error = put_input(plan, buffer, i, is_over);
    }
    if (error == 0) {
        see(buffer, n_before, seen);
    }
    return error;
}

static int put_path_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                          const char *path, uint64_t *seen)
{
    size_t n_before = buffer->n_bytes;
    struct file_state state;
    int error = look(plan, NULL, path, true, &state);

    if (state.error == 0 && !state.is_regular) {
        error = -ENOTSUP; /* however old it is */
    }
    if (error == 0) {
        error = put_state(plan, buffer, &state);
    }
    if (error == 0) {
        see(buffer, n_before, seen);
    }
    return error;
}

int marshal_put_inputs(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                       struct marshal_call *call)
{
    return put_inputs(plan, false, buffer, &call->seen);
}

int marshal_put_path_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                           const char *path, struct marshal_call *call)
{
    return put_path_state(plan, buffer, path, &call->seen);
}

bool marshal_inputs_hold(const struct marshal_plan *plan, void *const *arguments,
                         const struct marshal_call *call)
{
    struct marshal_buffer buffer;
    uint64_t seen = 0;
    int error = 0;

    marshal_buffer_init(&buffer, plan->function->has_secret);
    for (uint32_t k = 0; k < plan->n_parameters && error == 0; k++) {
        uint32_t i = plan->order[k];

        if (plan->parameters[i].description->kind == DESCRIBE_PATH &&
            marshal_pointer(arguments, i) != NULL) {
            error = put_path_state(plan, &buffer, marshal_pointer(arguments, i), &seen);
        }
    }
    if (error == 0 && plan->function->n_inputs > 0) {
        error = put_inputs(plan, true, &buffer, &seen);
    }
    marshal_buffer_fini(&buffer);
    return error == 0 && seen == call->seen;
}

/* ---- plans ----------------------------------------------------------------------------------- */

int64_t marshal_input_bytes(const struct config_input *input)
{
    switch (input->kind) {
    case INPUT_FILE:
        return MARSHAL_STATE_BYTES;
    case INPUT_THREAD:
    case INPUT_ROUNDING:
        return sizeof(uint64_t);
    default:
        return -1;
    }
}

/* Forgets when files were last looked at. */
static void begin_anew(const struct marshal_plan *plan)
{
    for (uint32_t i = 0; plan->recent != NULL && i < plan->function->n_inputs; i++) {
        lock_init(&plan->recent[i].lock, LOCK_RANK_FILES);
        plan->recent[i].until_ns = 0;
    }
}

int marshal_inputs_create(struct marshal_plan *plan, struct arena *arena)
{
    uint32_t n_inputs = plan->function->n_inputs;

    if (plan->function->check_every_ns == 0) {
        return 0;
    }
    plan->recent = arena_alloc(arena, n_inputs * sizeof(plan->recent[0]));
    if (plan->recent == NULL) {
        return -ENOMEM;
    }
    begin_anew(plan);
    return 0;
}

void marshal_after_fork(const struct marshal_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_variants; i++) {
        marshal_after_fork(plan->variants[i]);
    }
    begin_anew(plan);
    tied_memory_after_fork();
}

void marshal_inputs_init(void)
{
    began = clock_wall();
}
