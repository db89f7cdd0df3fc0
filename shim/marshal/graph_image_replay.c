// SPDX-License-Identifier: MIT
/*
 * From an image back to memory, and two of them beside each other: see graph_image.h. Nothing is
 * believed: what does not lie within the memory that it is for is no image. That is found out
 * before anything is written.
 */
#include "marshal/graph_image_private.h"
#include "marshal/graph_regions.h"

#include <errno.h>

/* An image and where its parts begin. */
struct view {
    const struct marshal_image *image;
    const unsigned char *head, *wheres, *result, *globals, *places;
    uint32_t n_pointers, absent;
    uint32_t n_places;
    const unsigned char *froms[1 + MARSHAL_MAX_PLACES]; /* by number, of places, as the next two */
    unsigned char *bases[1 + MARSHAL_MAX_PLACES];
    uint32_t n_bytes[1 + MARSHAL_MAX_PLACES];
};

/* Most pieces are a number or a pointer, or two. */
static inline void copy(unsigned char *to, const unsigned char *from, uint32_t n_bytes)
{
    switch (n_bytes) {
    case sizeof(uint32_t):
        memcpy(to, from, sizeof(uint32_t));
        break;
    case sizeof(uint64_t):
        memcpy(to, from, sizeof(uint64_t));
        break;
    case 2 * sizeof(uint64_t):
        memcpy(to, from, 2 * sizeof(uint64_t));
        break;
    default:
        memcpy(to, from, n_bytes);
        break;
    }
}

/* It leads to what is taken of a place, or to its end. */
static inline bool leads_into_place(const struct view *view, uint64_t pointer)
{
    uint64_t place = pointer >> 32;

    return place - 1 < view->n_places && view->n_bytes[place] > 0 &&
           (uint32_t)pointer <= view->n_bytes[place];
}

static inline bool is_null_or_leads_into_place(const struct view *view, uint64_t pointer)
{
    return pointer == 0 || leads_into_place(view, pointer);
}

static inline unsigned char *address_of(const struct view *view, uint64_t pointer)
{
    return view->bases[pointer >> 32] + (uint32_t)pointer;
}

/* Where a pointer stands in a place: false if it does not. */
static inline bool find_where(const struct view *view, uint32_t i, uint32_t *ret_place,
                              uint32_t *ret_offset)
{
    uint32_t where = image_load32(view->wheres + i * sizeof(where));

    *ret_place = where >> IMAGE_WHERE_BITS;
    *ret_offset = where & ((1u << IMAGE_WHERE_BITS) - 1);
    return *ret_place - 1 < view->n_places &&
           *ret_offset + sizeof(void *) <= view->n_bytes[*ret_place];
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* Where its parts are. False: it is too short, or too long. */
static inline bool open_image(const struct marshal_plan *plan, struct bytes record,
                              struct view *view)
{
    const struct marshal_image *image = plan->image;
    uint64_t n_wheres, n_bytes;

    if (record.n_bytes < image->n_head_bytes) {
        return false;
    }
    view->image = image;
    view->head = record.data;
    view->n_places = plan->places->n; /* the compiler does not know how many there can be */
    view->n_pointers = image_load32(view->head + IMAGE_POINTERS_AT);
    view->absent = image_load32(view->head + IMAGE_ABSENT_AT);
    n_wheres = (uint64_t)view->n_pointers * sizeof(uint32_t);
    if (n_wheres > record.n_bytes || view->n_places > MARSHAL_MAX_PLACES ||
        view->absent >> plan->function->n_globals != 0) {
        return false;
    }
    view->wheres = view->head + image->n_head_bytes;
    view->result = view->wheres + n_wheres;
    view->globals = view->result + (plan->result_writes != NULL ? sizeof(uint64_t) : 0);
    view->places = view->globals + image_globals_bytes(image, view->absent);
    n_bytes = (uint64_t)(view->places - view->head);
    for (uint32_t i = 1; i <= view->n_places; i++) {
        view->froms[i] = view->head + n_bytes;
        view->n_bytes[i] = image_load32(view->head + IMAGE_TAKEN_AT + (i - 1) * sizeof(uint32_t));
        n_bytes += view->n_bytes[i];
    }
    return n_bytes == record.n_bytes;
}

static bool are_pointer_pieces_good(const struct view *view)
{
    const unsigned char *at = view->globals;

    for (uint32_t i = 0; i < view->image->n_pieces; i++) {
        const struct image_piece *piece = &view->image->pieces[i];

        if (image_is_absent(view->absent, piece->global)) {
            continue;
        }
        if (piece->is_pointer && !is_null_or_leads_into_place(view, image_load64(at))) {
            return false;
        }
        at += piece->n_bytes;
    }
    return true;
}

/* Those that stand in places, where there is one place: with less to tell of each. */
static inline bool are_pointers_in_one_place_good(const struct view *view)
{
    uint32_t n_bytes = view->n_bytes[1];
    bool are_good = true;

    if (view->n_pointers > 0 && n_bytes < sizeof(void *)) {
        return false;
    }
    for (uint32_t i = 0; i < view->n_pointers; i++) {
        uint32_t offset = image_load32(view->wheres + i * sizeof(offset)) - image_where(1, 0);

        if (offset > n_bytes - sizeof(void *)) {
            return false;
        }
        are_good &= image_load64(view->froms[1] + offset) - image_pointer(1, 0) <= n_bytes;
    }
    return are_good;
}

static inline bool are_pointers_good(const struct view *view)
{
    uint32_t place, offset;

    if (view->image->is_result_held &&
        !is_null_or_leads_into_place(view, image_load64(view->result))) {
        return false;
    }
    if (view->n_places == 1) {
        return are_pointers_in_one_place_good(view) &&
               (!view->image->has_pointer_pieces || are_pointer_pieces_good(view));
    }
    for (uint32_t i = 0; i < view->n_pointers; i++) {
        if (!find_where(view, i, &place, &offset) ||
            !leads_into_place(view, image_load64(view->froms[place] + offset))) {
            return false;
        }
    }
    return !view->image->has_pointer_pieces || are_pointer_pieces_good(view);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* All places. -ENOMEM. */
static inline int obtain(const struct replay *replay, struct view *view)
{
    const struct marshal_places *places = replay->plan->places;

    for (uint32_t i = 1; i <= view->n_places; i++) {
        view->bases[i] = NULL;
        if (view->n_bytes[i] > 0) {
            view->bases[i] = regions_place_memory(replay, &places->items[i - 1], view->n_bytes[i]);
            if (view->bases[i] == NULL) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

static inline void write_places(const struct view *view)
{
    for (uint32_t i = 1; i <= view->n_places; i++) {
        if (view->n_bytes[i] > 0) {
            memcpy(view->bases[i], view->froms[i], view->n_bytes[i]);
        }
    }
    for (uint32_t i = 0; i < view->n_pointers; i++) {
        uint32_t place, offset;
        unsigned char *pointer;

        if (view->n_places == 1) {
            offset = image_load32(view->wheres + i * sizeof(offset)) - image_where(1, 0);
            pointer = view->bases[1] + (uint32_t)image_load64(view->froms[1] + offset);
            memcpy(view->bases[1] + offset, &pointer, sizeof(pointer));
            continue;
        }
        find_where(view, i, &place, &offset);
        pointer = address_of(view, image_load64(view->froms[place] + offset));
        memcpy(view->bases[place] + offset, &pointer, sizeof(pointer));
    }
}

/* A pointer that is held becomes an address; others are written as they are. */
static inline void write_pointer(const struct view *view, unsigned char *to,
                                 const unsigned char *from, bool is_held)
{
    uint64_t value = image_load64(from);

    if (is_held && value != 0) {
        value = (uintptr_t)address_of(view, value);
    }
    memcpy(to, &value, sizeof(value));
}

/* Of those that are not absent no byte more than they have pieces. */
static inline void write_globals(const struct view *view)
{
    const unsigned char *from = view->globals;

    for (uint32_t i = 0; i < view->image->n_pieces; i++) {
        const struct image_piece *piece = &view->image->pieces[i];

        if (__builtin_expect(image_is_absent(view->absent, piece->global), 0)) {
            continue;
        }
        if (__builtin_expect(piece->is_pointer, 0)) {
            write_pointer(view, piece->at, from, true);
        } else {
            copy(piece->at, from, piece->n_bytes);
        }
        from += piece->n_bytes;
    }
}

int image_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno)
{
    struct view view;
    int error;

    *ret_errno = MARSHAL_ERRNO_UNTOUCHED;
    if (!open_image(replay->plan, record, &view) || !are_pointers_good(&view)) {
        return -EBADMSG;
    }
    if (replay->plan->function->captures_errno) {
        memcpy(ret_errno, view.head + IMAGE_ERRNO_AT, sizeof(*ret_errno));
    }
    if (replay->is_trial) {
        return 0;
    }
    error = obtain(replay, &view);
    if (error == 0) {
        write_places(&view);
        write_globals(&view);
        if (replay->plan->result_writes != NULL) {
            write_pointer(&view, replay->result, view.result, view.image->is_result_held);
        }
    }
    return error;
}

/* ---- comparison ------------------------------------------------------------------------------ */

static struct marshal_difference differs(enum marshal_part part, uint32_t i)
{
    return (struct marshal_difference){.part = part, .index = i};
}

/* The bytes of each variable; what of them is absent was found equal. */
static uint32_t find_other_global(const struct marshal_plan *plan, const struct view *a,
                                  const struct view *b)
{
    uint32_t i = 0, at = 0;

    for (; i < plan->function->n_globals; i++) {
        if (image_is_absent(a->absent, i)) {
            continue;
        }
        if (memcmp(a->globals + at, b->globals + at, plan->image->global_bytes[i]) != 0) {
            break;
        }
        at += plan->image->global_bytes[i];
    }
    return i;
}

static bool are_equal_places(const struct view *a, const struct view *b)
{
    size_t n_a = (size_t)(a->result - a->wheres), n_b = (size_t)(b->result - b->wheres);

    if (n_a != n_b || memcmp(a->wheres, b->wheres, n_a) != 0) {
        return false;
    }
    for (uint32_t i = 1; i <= a->n_places; i++) {
        if (a->n_bytes[i] != b->n_bytes[i] ||
            memcmp(a->froms[i], b->froms[i], a->n_bytes[i]) != 0) {
            return false;
        }
    }
    return true;
}

struct marshal_difference image_compare(const struct marshal_plan *plan, struct bytes remembered,
                                        struct bytes fresh)
{
    bool has_result = plan->result_writes != NULL, are_equal;
    enum marshal_part first = has_result ? MARSHAL_PART_RESULT : MARSHAL_PART_GLOBAL;
    struct view a, b;
    uint32_t i;

    if (!open_image(plan, remembered, &a) || !open_image(plan, fresh, &b)) {
        return differs(first, 0);
    }
    if (plan->function->captures_errno &&
        memcmp(a.head + IMAGE_ERRNO_AT, b.head + IMAGE_ERRNO_AT, sizeof(int32_t)) != 0) {
        return differs(MARSHAL_PART_ERRNO, 0);
    }
    are_equal = are_equal_places(&a, &b);
    if (has_result && (!are_equal || memcmp(a.result, b.result, sizeof(uint64_t)) != 0)) {
        return differs(MARSHAL_PART_RESULT, 0);
    }
    if (a.absent != b.absent) {
        return differs(MARSHAL_PART_GLOBAL, (uint32_t)__builtin_ctz(a.absent ^ b.absent));
    }
    i = find_other_global(plan, &a, &b);
    if (i < plan->function->n_globals) {
        return differs(MARSHAL_PART_GLOBAL, i);
    }
    return differs(are_equal ? MARSHAL_PART_NONE : MARSHAL_PART_GLOBAL, 0);
}
