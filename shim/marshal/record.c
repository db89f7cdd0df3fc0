// SPDX-License-Identifier: MIT
/*
 * Results to a record, and a record to results. In this order, each part only where the function
 * has it:
 *
 *     errno(4)                       "errno": true
 *     the result's value             a scalar, a struct without its padding, or a pointer that is
 *                                    its own meaning
 *     offset(8), -1 for NULL         a result that points into an argument
 *     length(8) text NUL             a result that is text; length 0: NULL
 *     length(8) bytes                each out parameter that is not NULL
 *
 * Functions that hand out more than that, or write pointers, have another kind: graph_record.c; and
 * so have those that write nothing but a few bytes: fixed.c.
 */
#include "marshal/record.h"
#include "marshal/fixed.h"
#include "marshal/graph.h"
#include "marshal/graph_image.h"
#include "marshal/reader.h"
#include "marshal/variants.h"

#include <errno.h>
#include <string.h>

/* ---- capture --------------------------------------------------------------------------------- */

static int put(const struct marshal_plan *plan, struct marshal_buffer *buffer, const void *bytes,
               size_t n_bytes)
{
    return marshal_buffer_put(buffer, bytes, n_bytes, plan->limit_bytes);
}

static int put_text(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                    const char *text)
{
    uint64_t n_bytes = text == NULL ? 0 : strnlen(text, MARSHAL_MAX_STRING_BYTES) + 1;
    int error;

    if (n_bytes > MARSHAL_MAX_STRING_BYTES) {
        return -E2BIG;
    }
    error = put(plan, buffer, &n_bytes, sizeof(n_bytes));
    return error != 0 ? error : put(plan, buffer, text, n_bytes);
}

/* The result as a distance from the argument it points into; -1 for NULL. */
static int put_offset(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                      void *const *arguments, const char *pointer)
{
    uint32_t into = plan->function->result.lifetime.parameter;
    const char *base = marshal_pointer(arguments, into);
    int64_t offset = -1;

    if (pointer != NULL) {
        int64_t end = MARSHAL_MAX_OFFSET;

        if (base == NULL) {
            return -EFAULT;
        }
        if (marshal_is_text(&plan->parameters[into])) {
            size_t n_bytes = marshal_text_bytes(
                base, marshal_character_bytes(plan->parameters[into].description),
                MARSHAL_MAX_OFFSET);

            end = n_bytes < MARSHAL_MAX_OFFSET ? (int64_t)n_bytes : MARSHAL_MAX_OFFSET;
        }
        offset = (int64_t)((intptr_t)pointer - (intptr_t)base);
        if (offset < 0 || offset > end) {
            return -EFAULT;
        }
    }
    return put(plan, buffer, &offset, sizeof(offset));
}

static int put_result(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                      void *const *arguments, const void *result)
{
    const struct config_description *description = &plan->function->result;
    uint32_t into = description->lifetime.parameter;
    const char *pointer;
    unsigned char *at;
    int error;

    if (plan->result_value_bytes > 0) {
        error = marshal_buffer_extend(buffer, plan->result_value_bytes, plan->limit_bytes, &at);
        if (error == 0) {
            abi_copy_value(plan->function->prototype.result, result, at);
        }
        return error;
    }
    if (description->kind != DESCRIBE_OUT_STRING && description->kind != DESCRIBE_OFFSET) {
        return 0;
    }
    memcpy(&pointer, result, sizeof(pointer));
    if (description->lifetime.kind == LIFETIME_INTO) {
        error = put_offset(plan, buffer, arguments, pointer);
        if (error != 0 || description->kind == DESCRIBE_OFFSET) {
            return error;
        }
        if (pointer != NULL && marshal_is_read_at(plan, arguments, into, pointer,
                                                  strnlen(pointer, MARSHAL_MAX_STRING_BYTES) + 1)) {
            return -EFAULT;
        }
    }
    return put_text(plan, buffer, pointer);
}

/* Of text in that many elements those up to its end; all of them when it has none. */
static int count_text(const void *memory, uint32_t element_bytes, int64_t *count)
{
    size_t n_room, n_bytes;

    if (__builtin_mul_overflow((uint64_t)*count, (uint64_t)element_bytes, &n_room)) {
        return -EOVERFLOW;
    }
    if (n_room > 0) {
        n_bytes = marshal_text_bytes(memory, element_bytes, n_room - 1);
        if (n_bytes < n_room) {
            *count = (int64_t)(n_bytes / element_bytes) + 1;
        }
    }
    return 0;
}

int record_count_out(const struct marshal_plan *plan, uint32_t i, void *const *arguments,
                     const void *result, const struct marshal_call *call, int64_t *ret_count)
{
    const struct marshal_parameter *parameter = &plan->parameters[i];
    int64_t before = call->out_counts[parameter->out_slot];
    int error = marshal_count(plan, &parameter->description->count, arguments, result, ret_count);

    /* A length that the call changed: it wrote no more than there was room for. */
    if (error == 0 && before >= 0 && *ret_count > before) {
        *ret_count = before;
    }
    if (error == 0 && parameter->description->is_text) {
        error = count_text(marshal_pointer(arguments, i), parameter->element_bytes, ret_count);
    }
    return error;
}

static int put_out(const struct marshal_plan *plan, struct marshal_buffer *buffer, uint32_t i,
                   void *const *arguments, const void *result, const struct marshal_call *call)
{
    const struct marshal_parameter *parameter = &plan->parameters[i];
    int64_t count;
    uint64_t n_bytes;
    int error = record_count_out(plan, i, arguments, result, call, &count);

    if (error != 0) {
        return error;
    }
    if (__builtin_mul_overflow((uint64_t)count, (uint64_t)parameter->element_bytes, &n_bytes)) {
        return -EOVERFLOW;
    }
    if (n_bytes > plan->limit_bytes) {
        return -E2BIG;
    }
    error = put(plan, buffer, &n_bytes, sizeof(n_bytes));
    return error != 0 ? error : put(plan, buffer, marshal_pointer(arguments, i), n_bytes);
}

int marshal_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                    const struct marshal_call *call, int32_t set_errno,
                    struct marshal_buffer *buffer)
{
    int error = 0;

    if (plan->variants != NULL) {
        return variants_capture(plan, arguments, result, call, set_errno, buffer);
    }
    if (plan->has_states && !marshal_inputs_hold(plan, arguments, call)) {
        return -ESTALE;
    }
    if (plan->fixed != NULL) {
        return fixed_capture(plan, arguments, result, set_errno, buffer);
    }
    if (plan->image != NULL) {
        return image_capture(plan, arguments, result, call, set_errno, buffer);
    }
    if (plan->has_graph_record) {
        return graph_capture(plan, arguments, result, call, set_errno, buffer);
    }
    if (plan->function->captures_errno) {
        error = put(plan, buffer, &set_errno, sizeof(set_errno));
    }
    if (error == 0) {
        error = put_result(plan, buffer, arguments, result);
    }
    for (uint32_t i = 0; i < plan->n_parameters && error == 0; i++) {
        if (plan->parameters[i].out_slot >= 0 && marshal_pointer(arguments, i) != NULL) {
            error = put_out(plan, buffer, i, arguments, result, call);
        }
    }
    return error;
}

/* ---- replay ---------------------------------------------------------------------------------- */

void record_give_value(const struct ctype *type, const unsigned char *value, void *result)
{
    int64_t widened;
    uint64_t bits;

    switch (type->kind) {
    case CTYPE_SIGNED:
        marshal_read_integer(type, value, &widened);
        memcpy(result, &widened, sizeof(widened));
        break;
    case CTYPE_BOOL:
    case CTYPE_UNSIGNED:
        bits = 0;
        memcpy(&bits, value, type->size_bytes); /* zero-extended: little-endian */
        memcpy(result, &bits, sizeof(bits));
        break;
    case CTYPE_LONG_DOUBLE:
    case CTYPE_COMPLEX_LONG_DOUBLE:
    case CTYPE_STRUCT:
    case CTYPE_UNION:
        abi_restore_value(type, value, result);
        break;
    default:
        memcpy(result, value, type->size_bytes);
        break;
    }
}

bool record_has_room(const struct replay *replay, uint32_t i, uint64_t n_bytes)
{
    const struct marshal_plan *plan = replay->plan;
    const struct marshal_parameter *parameter = &plan->parameters[i];
    int64_t count;
    uint64_t room_bytes;

    if (parameter->out_slot < 0 || !parameter->count_known_before) {
        return true;
    }
    if (replay->call != NULL) {
        count = replay->call->out_counts[parameter->out_slot];
    } else if (marshal_count(plan, &parameter->description->count, replay->arguments, NULL,
                             &count) != 0) {
        return false;
    }
    return count >= 0 && (__builtin_mul_overflow((uint64_t)count,
                                                 (uint64_t)parameter->element_bytes, &room_bytes) ||
                          n_bytes <= room_bytes);
}

/*
 * The result that is text or an offset. Reads the same parts on both passes; hands out memory only
 * on the second.
 */
static int give_described(const struct replay *replay, struct reader *reader, bool write)
{
    const struct marshal_plan *plan = replay->plan;
    void *const *arguments = replay->arguments;
    const struct config_description *description = &plan->function->result;
    char *pointer = NULL;
    uint64_t n_bytes, offset = 0;
    const unsigned char *text;

    if (description->lifetime.kind == LIFETIME_INTO) {
        char *base = marshal_pointer(arguments, description->lifetime.parameter);

        if (!take_word(reader, &offset)) {
            return -EBADMSG;
        }
        if (offset != UINT64_MAX) {
            if (base == NULL || offset > (uint64_t)MARSHAL_MAX_OFFSET) {
                return -EBADMSG;
            }
            pointer = base + offset;
        }
    }
    if (description->kind == DESCRIBE_OUT_STRING) {
        if (!take_word(reader, &n_bytes)) {
            return -EBADMSG;
        }
        text = take(reader, n_bytes);
        if (text == NULL || (n_bytes > 0 && text[n_bytes - 1] != '\0') ||
            (description->lifetime.kind == LIFETIME_INTO && (pointer == NULL) != (n_bytes == 0))) {
            return -EBADMSG;
        }
        if (!write && pointer != NULL &&
            (!record_has_room(replay, description->lifetime.parameter, offset + n_bytes) ||
             marshal_is_read_at(plan, arguments, description->lifetime.parameter, pointer,
                                n_bytes))) {
            return -EBADMSG;
        }
        if (description->lifetime.kind == LIFETIME_STATIC && n_bytes > 0) {
            pointer = thread_memory_get(plan->static_slot, n_bytes);
            if (pointer == NULL) {
                return -ENOMEM;
            }
        }
        if (write && n_bytes > 0) {
            memcpy(pointer, text, n_bytes);
        }
    }
    if (write) {
        memcpy(replay->result, &pointer, sizeof(pointer));
    }
    return 0;
}

static int replay_pass(const struct replay *replay, struct bytes record, int32_t *ret_errno,
                       bool write)
{
    const struct marshal_plan *plan = replay->plan;
    const struct config_function *function = plan->function;
    void *const *arguments = replay->arguments;
    struct reader reader = {record.data, record.n_bytes};
    const unsigned char *at;

    *ret_errno = MARSHAL_ERRNO_UNTOUCHED;
    if (function->captures_errno) {
        at = take(&reader, sizeof(*ret_errno));
        if (at == NULL) {
            return -EBADMSG;
        }
        memcpy(ret_errno, at, sizeof(*ret_errno));
    }
    if (plan->result_value_bytes > 0) {
        at = take(&reader, plan->result_value_bytes);
        if (at == NULL) {
            return -EBADMSG;
        }
        if (write) {
            record_give_value(function->prototype.result, at, replay->result);
        }
    } else if (function->result.kind == DESCRIBE_OUT_STRING ||
               function->result.kind == DESCRIBE_OFFSET) {
        int error = give_described(replay, &reader, write);

        if (error != 0) {
            return error;
        }
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        uint64_t n_bytes;

        if (plan->parameters[i].out_slot < 0 || marshal_pointer(arguments, i) == NULL) {
            continue;
        }
        if (!take_word(&reader, &n_bytes) || (at = take(&reader, n_bytes)) == NULL ||
            (!write && !record_has_room(replay, i, n_bytes))) {
            return -EBADMSG;
        }
        if (write) {
            memcpy(marshal_pointer(arguments, i), at, n_bytes);
        }
    }
    return reader.n_left == 0 ? 0 : -EBADMSG;
}

static int run_variant(const struct replay *replay, struct bytes record, int32_t *ret_errno);

static int run(const struct replay *replay, struct bytes record, int32_t *ret_errno)
{
    if (replay->plan->variants != NULL) {
        return run_variant(replay, record, ret_errno);
    }
    if (replay->plan->fixed != NULL) {
        return fixed_replay(replay, record, ret_errno);
    }
    if (replay->plan->image != NULL) {
        return image_replay(replay, record, ret_errno);
    }
    if (replay->plan->has_graph_record) {
        return graph_replay(replay, record, ret_errno);
    }
    /* One pass is enough when there is nothing that could be found missing half-way. */
    if (replay->plan->record_bytes == 0) {
        int error = replay_pass(replay, record, ret_errno, false);

        if (error != 0) {
            return error;
        }
    } else if (record.n_bytes != replay->plan->record_bytes) {
        return -EBADMSG;
    }
    return replay->is_trial ? 0 : replay_pass(replay, record, ret_errno, true);
}

static int run_variant(const struct replay *replay, struct bytes record, int32_t *ret_errno)
{
    struct replay chosen = *replay;
    uint32_t variant = 0;
    int error = 0;

    /* After a real call the arguments may lead to something else. */
    if (replay->call != NULL) {
        variant = replay->call->variant;
    } else {
        error = variants_choose(replay->plan, replay->arguments, &variant);
    }
    if (error == 0) {
        error = variants_open(replay->plan, record, variant, &chosen.plan, &record);
    }
    return error != 0 ? -EBADMSG : run(&chosen, record, ret_errno);
}

int marshal_replay(const struct marshal_plan *plan, struct bytes record, void *const *arguments,
                   void *result, int32_t *ret_errno)
{
    return run(&(struct replay){.plan = plan, .arguments = arguments, .result = result}, record,
               ret_errno);
}

int marshal_try(const struct marshal_plan *plan, struct bytes record, void *const *arguments)
{
    int32_t unused;

    return run(&(struct replay){.plan = plan, .arguments = arguments, .is_trial = true}, record,
               &unused);
}

int marshal_replay_after(const struct marshal_plan *plan, struct bytes record,
                         const struct marshal_call *call, void *const *arguments, void *result,
                         int32_t *ret_errno)
{
    return run(&(struct replay){plan, arguments, call, result, false}, record, ret_errno);
}
