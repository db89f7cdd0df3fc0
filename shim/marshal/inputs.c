// SPDX-License-Identifier: MIT
/*
 * What a function reads besides its arguments, as bytes of its key:
 *
 *     number(4)    of what the shared inputs are found to be: see inputs_seen.c. 0: that stands
 * here the others   in the order of `key_also`
 *
 * Each kind by itself; those up to `file` are the shared ones:
 *
 *     env          text, or 'N' when the variable is not there
 *     tz           libc's zone as far as it shows: tzname(16) timezone(8) daylight(8); TZ and TZDIR
 *                  like env, then the state of the file they name, or 'n' for none
 *     file         its state
 *     cwd          text, or 'N' when it has no path; device(8) inode(8)
 *     uid          real, effective and saved user, the same of the group, user and group for files
 *                  (4 each); number(8) of supplementary groups, these (4 each)
 *     locale       the name of each category like env, or '=' when it is that of the one before
 *     thread       number(8), never given to another thread of the process
 *     rounding     mode(8)
 *
 * The function reads all this later than the key does. So it is read again when the call is over:
 * what was computed while it changed belongs to no key and is not kept.
 */
#include "marshal/inputs.h"

#include "base/clock.h"
#include "base/environment.h"

#include <errno.h>
#include <unistd.h>

/* ---- bytes ----------------------------------------------------------------------------------- */

int input_extend_for_now(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                         size_t n_bytes, unsigned char **ret_at)
{
    size_t limit_bytes = plan->limit_bytes + n_bytes;

    return marshal_buffer_extend(
        buffer, n_bytes, limit_bytes < MARSHAL_MAX_BYTES ? limit_bytes : MARSHAL_MAX_BYTES, ret_at);
}

int input_put_bytes(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                    const void *bytes, size_t n_bytes)
{
    return marshal_buffer_put(buffer, bytes, n_bytes, plan->limit_bytes);
}

int input_put_variable(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                       const char *value)
{
    return value == NULL ? input_put_bytes(plan, buffer, "N", 1)
                         : marshal_put_text(plan, buffer, value);
}

/* Written by marshal_ask_no_kernel. */
static _Atomic bool asks_no_kernel;

void marshal_ask_no_kernel(void)
{
    atomic_store_explicit(&asks_no_kernel, true, memory_order_relaxed);
}

bool marshal_may_ask_kernel(void)
{
    return !atomic_load_explicit(&asks_no_kernel, memory_order_relaxed);
}

static bool is_asked_of_kernel(enum input_kind kind)
{
    return kind == INPUT_ZONE || kind == INPUT_FILE || kind == INPUT_FOLDER || kind == INPUT_IDS;
}

static int put_input(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                     const struct config_input *input)
{
    if (is_asked_of_kernel(input->kind) && !marshal_may_ask_kernel()) {
        return -EPERM;
    }
    switch (input->kind) {
    case INPUT_VARIABLE:
        return input_put_variable(plan, buffer, environment_get(environ, input->name));
    case INPUT_ZONE:
        return input_put_zone(plan, buffer);
    case INPUT_FILE:
        return input_put_file(plan, buffer, input->name);
    case INPUT_FOLDER:
        return input_put_folder(plan, buffer);
    case INPUT_IDS:
        return input_put_ids(plan, buffer);
    case INPUT_LOCALE:
        return input_put_locale(plan, buffer);
    case INPUT_THREAD:
        return input_put_thread(plan, buffer);
    default:
        return input_put_rounding(plan, buffer);
    }
}

/* Those that are shared, or the others. */
static int put_inputs(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                      bool are_shared)
{
    const struct config_function *function = plan->function;
    int error = 0;

    for (uint32_t i = 0; i < function->n_inputs && error == 0; i++) {
        if (input_is_shared(&function->inputs[i]) == are_shared) {
            error = put_input(plan, buffer, &function->inputs[i]);
        }
    }
    return error;
}

/* ---- one call -------------------------------------------------------------------------------- */

static uint64_t hash_behind(const struct marshal_buffer *buffer, size_t n_before)
{
    return hash_bytes((struct bytes){buffer->data + n_before, buffer->n_bytes - n_before}, 0);
}

static int put_number(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                      uint32_t number)
{
    return input_put_bytes(plan, buffer, &number, sizeof(number));
}

/*
 * The shared inputs, by a look at what they are now: the number of what is found takes the place of
 * the bytes, if it has one.
 */
__attribute__((noinline)) static int look_at_shared(const struct marshal_plan *plan,
                                                    struct marshal_buffer *buffer, uint64_t *seen,
                                                    const struct seen_inputs **ret_found)
{
    const struct seen_inputs *noted = NULL;
    uint64_t looked_ns = clock_coarse_ns(), hash = 0;
    size_t n_before = buffer->n_bytes, n_number;
    int error = put_number(plan, buffer, 0);

    n_number = buffer->n_bytes;
    error = error != 0 ? error : put_inputs(plan, buffer, true);
    if (error != 0) {
        return error;
    }
    hash = hash_behind(buffer, n_number);
    input_see(seen, hash);
    if (plan->seen != NULL) {
        noted = seen_note(plan, (struct bytes){buffer->data + n_number, buffer->n_bytes - n_number},
                          hash, looked_ns);
    }
    *ret_found = noted;
    if (noted != NULL) {
        buffer->n_bytes = n_before;
        error = put_number(plan, buffer, noted->number);
    }
    return error;
}

static int put_others(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                      uint64_t *seen)
{
    size_t n_before = buffer->n_bytes;
    int error = put_inputs(plan, buffer, false);

    if (error == 0) {
        input_see(seen, hash_behind(buffer, n_before));
    }
    return error;
}

int marshal_put_inputs(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                       struct marshal_call *call)
{
    int error = 0;

    if (plan->n_shared_inputs > 0) {
        const struct seen_inputs *found = plan->seen != NULL ? seen_find(plan, 0) : NULL;

        if (found != NULL) {
            input_see(&call->seen, found->hash);
            call->found = found;
            error = put_number(plan, buffer, found->number);
        } else {
            error = look_at_shared(plan, buffer, &call->seen, &call->found);
        }
    }
    return error == 0 && plan->n_shared_inputs < plan->function->n_inputs
               ? put_others(plan, buffer, &call->seen)
               : error;
}

static int put_path_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                          const char *path, uint64_t *seen)
{
    size_t n_before = buffer->n_bytes;
    int error = marshal_may_ask_kernel() ? input_put_path_state(plan, buffer, path) : -EPERM;

    if (error == 0) {
        input_see(seen, hash_behind(buffer, n_before));
    }
    return error;
}

int marshal_put_path_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                           const char *path, struct marshal_call *call)
{
    return put_path_state(plan, buffer, path, &call->seen);
}

bool marshal_inputs_hold(const struct marshal_plan *plan, void *const *arguments,
                         const struct marshal_call *call)
{
    const struct seen_inputs *unused;
    struct marshal_buffer buffer;
    uint64_t seen = 0;
    int error = 0;

    /* The commonest case: nothing has changed, which is seen without writing it down. */
    if (call->found != NULL && plan->key_words != NULL && marshal_may_ask_kernel() &&
        seen_holds(plan, call->found)) {
        return true;
    }
    marshal_buffer_init(&buffer, plan->function->has_secret);
    for (uint32_t k = 0; k < plan->n_parameters && error == 0; k++) {
        uint32_t i = plan->order[k];

        if (plan->parameters[i].description->kind == DESCRIBE_PATH &&
            marshal_pointer(arguments, i) != NULL) {
            error = put_path_state(plan, &buffer, marshal_pointer(arguments, i), &seen);
        }
    }
    /* Files are looked at now, whenever that was done for the last time. */
    if (error == 0 && plan->n_shared_inputs > 0) {
        error = look_at_shared(plan, &buffer, &seen, &unused);
    }
    if (error == 0 && plan->n_shared_inputs < plan->function->n_inputs) {
        error = put_others(plan, &buffer, &seen);
    }
    marshal_buffer_fini(&buffer);
    return error == 0 && seen == call->seen;
}

/* ---- plans ----------------------------------------------------------------------------------- */

int64_t marshal_inputs_bytes(const struct config_function *function)
{
    int64_t n_bytes = 0;

    for (uint32_t i = 0; i < function->n_inputs; i++) {
        if (function->inputs[i].kind != INPUT_THREAD &&
            function->inputs[i].kind != INPUT_ROUNDING) {
            return -1;
        }
        n_bytes += (int64_t)sizeof(uint64_t);
    }
    return n_bytes;
}

int marshal_inputs_create(struct marshal_plan *plan, struct arena *arena)
{
    for (uint32_t i = 0; i < plan->function->n_inputs; i++) {
        plan->n_shared_inputs += input_is_shared(&plan->function->inputs[i]);
    }
    /* Of a function with a secret nothing is written down that its keys rest on. */
    return plan->n_shared_inputs > 0 && !plan->function->has_secret ? seen_create(plan, arena) : 0;
}

void marshal_after_fork(const struct marshal_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_variants; i++) {
        marshal_after_fork(plan->variants[i]);
    }
    if (plan->seen != NULL) {
        seen_after_fork(plan);
    }
    tied_memory_after_fork();
}

void marshal_inputs_init(void)
{
    input_zone_init();
}
