// SPDX-License-Identifier: MIT
/*
 * Images of a result that is text, or elements in which nothing stands that leads further than to
 * text: made straight from the memory where the real function left it. See graph_image.h; all
 * others are made by graph_image.c.
 */
#include "marshal/graph_image_private.h"

#include <errno.h>

struct simple {
    const struct marshal_plan *plan;
    struct marshal_buffer *buffer;
    size_t image_at;           /* where in the buffer it begins, as the next two */
    size_t where_at;           /* the next of the wheres */
    size_t wheres_end;         /* there is room for no more */
    size_t place_at;           /* the one place */
    uint32_t place;            /* its number, from 1 on */
    const unsigned char *from; /* what the result points to */
};

static bool holds(const struct simple *simple, const struct config_condition *when,
                  void *const *arguments, const void *result, int32_t set_errno)
{
    return when->n_comparisons == 0 ||
           marshal_condition_holds(when, simple->plan->function, arguments, result, set_errno);
}

/*
 * Text behind what is taken of the place. Its end is ours: where another thread calls the function,
 * too, the real one's memory may change at any time.
 */
static int put_text(const struct simple *simple, const char *text)
{
    size_t n_bytes = strnlen(text, MARSHAL_MAX_STRING_BYTES + 1);
    int error;

    if (n_bytes > MARSHAL_MAX_STRING_BYTES) {
        return -E2BIG;
    }
    error = n_bytes == 0
                ? 0
                : marshal_buffer_put(simple->buffer, text, n_bytes, simple->plan->limit_bytes);
    return error != 0 ? error
                      : marshal_buffer_put(simple->buffer, "", 1, simple->plan->limit_bytes);
}

static const char *text_at(const unsigned char *at)
{
    const char *text;

    memcpy(&text, at, sizeof(text));
    return text;
}

/* How many pointers there are to texts. */
static uint32_t count_texts(const struct simple *simple, const struct graph_node *node)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < simple->plan->image->n_elements; i++) {
        const unsigned char *element = simple->from + (size_t)i * node->size_bytes;

        for (uint32_t k = 0; k < node->n_edges; k++) {
            n += node->edges[k].target->kind == GRAPH_TEXT &&
                 text_at(element + node->edges[k].offset) != NULL;
        }
    }
    return n;
}

/* Of one element, at this offset of the place: its own bytes, but not its padding. */
static void put_runs(const struct simple *simple, const struct graph_node *node, uint32_t offset)
{
    unsigned char *to = simple->buffer->data + simple->place_at + offset;
    const unsigned char *from = simple->from + offset;

    if (node->packed_bytes == node->size_bytes) {
        memcpy(to, from, node->size_bytes);
        return;
    }
    memset(to, 0, node->size_bytes);
    for (uint32_t k = 0; k < node->n_runs; k++) {
        memcpy(to + node->runs[k].offset, from + node->runs[k].offset, node->runs[k].n_bytes);
    }
}

/* What its pointers lead to. */
static int put_edges(struct simple *simple, const struct graph_node *node, uint32_t offset)
{
    int error = 0;

    for (uint32_t k = 0; k < node->n_edges && error == 0; k++) {
        uint32_t at = offset + node->edges[k].offset;
        size_t end = simple->buffer->n_bytes - simple->place_at;
        const char *text = text_at(simple->from + at);
        uint64_t pointer = (uintptr_t)text;

        if (node->edges[k].target->kind == GRAPH_TEXT && text != NULL) {
            if (simple->where_at == simple->wheres_end) {
                return -EFAULT; /* it was NULL when they were counted */
            }
            image_put32(simple->buffer->data + simple->where_at, image_where(simple->place, at));
            simple->where_at += sizeof(uint32_t);
            pointer = image_pointer(simple->place, (uint32_t)end);
            error = put_text(simple, text);
        }
        memcpy(simple->buffer->data + simple->place_at + at, &pointer, sizeof(pointer));
    }
    return error;
}

/* What the result leads to. */
static int put_place(struct simple *simple, const struct graph_node *node)
{
    int error = 0;

    if (node->kind == GRAPH_TEXT) {
        return put_text(simple, (const char *)simple->from);
    }
    for (uint32_t i = 0; i < simple->plan->image->n_elements; i++) {
        put_runs(simple, node, i * node->size_bytes);
    }
    for (uint32_t i = 0; i < simple->plan->image->n_elements && error == 0; i++) {
        error = put_edges(simple, node, i * node->size_bytes);
    }
    return error;
}

/* Those of the variables that are not absent. */
static void put_globals(const struct simple *simple, uint32_t absent, unsigned char *to)
{
    const struct marshal_image *image = simple->plan->image;

    for (uint32_t i = 0; i < image->n_pieces; i++) {
        const struct image_piece *piece = &image->pieces[i];

        if (!image_is_absent(absent, piece->global)) {
            memcpy(to, piece->at, piece->n_bytes);
            to += piece->n_bytes;
        }
    }
}

/* Which variables' `when` does not hold. */
static uint32_t find_absent(const struct simple *simple, void *const *arguments, const void *result,
                            int32_t set_errno)
{
    const struct config_function *function = simple->plan->function;
    uint32_t absent = 0;

    for (uint32_t i = 0; i < function->n_globals; i++) {
        absent |= (uint32_t)!holds(simple, &function->globals[i].description.when, arguments,
                                   result, set_errno)
                  << i;
    }
    return absent;
}

int image_capture_simple(const struct marshal_plan *plan, void *const *arguments,
                         const void *result, int32_t set_errno, struct marshal_buffer *buffer)
{
    const struct marshal_image *image = plan->image;
    const struct graph_node *node = plan->result_writes;
    struct simple simple = {.plan = plan, .buffer = buffer, .image_at = buffer->n_bytes};
    uint32_t absent = find_absent(&simple, arguments, result, set_errno), n_pointers = 0;
    size_t n_result = node == NULL ? 0 : sizeof(void *), n_elements_bytes = 0, n_wheres;
    uint64_t pointer = 0;
    unsigned char *at;
    int error;

    if (node != NULL) {
        memcpy(&simple.from, result, sizeof(simple.from));
    }
    if (simple.from != NULL) {
        /* As graph_capture: what it points to was not written. */
        if (!holds(&simple, &plan->function->result.when, arguments, result, set_errno)) {
            return -EFAULT;
        }
        simple.place = 1 + node->place;
        pointer = image_pointer(simple.place, 0);
        n_elements_bytes = (size_t)image->n_elements * node->size_bytes;
        n_pointers = count_texts(&simple, node);
    }
    n_wheres = n_pointers * sizeof(uint32_t);
    error = marshal_buffer_extend(buffer,
                                  image->n_head_bytes + n_wheres + n_result +
                                      image_globals_bytes(image, absent) + n_elements_bytes,
                                  plan->limit_bytes, &at);
    if (error != 0) {
        return error;
    }
    memset(at, 0, image->n_head_bytes);
    memcpy(at + IMAGE_ERRNO_AT, &set_errno, sizeof(set_errno));
    image_put32(at + IMAGE_POINTERS_AT, n_pointers);
    image_put32(at + IMAGE_ABSENT_AT, absent);
    at += image->n_head_bytes;
    memcpy(at + n_wheres, &pointer, n_result);
    put_globals(&simple, absent, at + n_wheres + n_result);
    simple.where_at = simple.image_at + image->n_head_bytes;
    simple.wheres_end = simple.where_at + n_wheres;
    simple.place_at = buffer->n_bytes - n_elements_bytes;
    if (simple.from != NULL) {
        error = put_place(&simple, node);
        image_put32(buffer->data + simple.image_at + IMAGE_TAKEN_AT +
                        (simple.place - 1) * sizeof(uint32_t),
                    (uint32_t)(buffer->n_bytes - simple.place_at));
    }
    return error == 0 && simple.where_at != simple.wheres_end ? -EFAULT : error;
}
