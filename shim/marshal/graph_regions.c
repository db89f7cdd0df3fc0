// SPDX-License-Identifier: MIT
/* See graph_regions.h. Blocks of the program's come from its malloc and go back to its free. */
#include "marshal/graph_regions.h"

#include <errno.h>
#include <string.h>

#define MAX_REGION_BYTES ((uint64_t)1 << 30)

struct region {
    unsigned char *base; /* aligned to GRAPH_MAX_ALIGNMENT; NULL until it was obtained */
    uint64_t n_bytes;    /* taken on this pass */
    uint64_t n_skipped;  /* in front, where a storage is less aligned */
    uint64_t room_bytes;
    const struct graph_node *node; /* of a block: what lies at its beginning */
    uint64_t n_elements;
};

static struct region *region_at(const struct regions *regions, uint32_t i)
{
    return (struct region *)(void *)regions->list.data + i;
}

static uint32_t first_block(const struct regions *regions)
{
    return 1 + regions->replay->plan->places->n;
}

static uint32_t n_regions(const struct regions *regions)
{
    return (uint32_t)(regions->list.n_bytes / sizeof(struct region));
}

static int add_region(struct regions *regions, const struct region *region)
{
    return marshal_buffer_put(&regions->list, region, sizeof(*region), MARSHAL_MAX_BYTES);
}

/* A storage begins at the last address in front of it that is aligned for anything. */
static struct region storage_region(const struct regions *regions,
                                    const struct marshal_place *place)
{
    const struct replay *replay = regions->replay;
    uintptr_t buffer = (uintptr_t)marshal_pointer(replay->arguments, place->parameter);
    uint64_t n_skipped = buffer % GRAPH_MAX_ALIGNMENT;
    uint64_t n_bytes = marshal_storage_bytes(replay->plan, place, replay->arguments);

    if (n_bytes > MAX_REGION_BYTES) {
        n_bytes = MAX_REGION_BYTES;
    }
    return (struct region){.base = (unsigned char *)(buffer - n_skipped),
                           .n_skipped = n_skipped,
                           .n_bytes = n_skipped,
                           .room_bytes = n_skipped + n_bytes};
}

int regions_init(struct regions *regions, const struct replay *replay)
{
    const struct marshal_places *places = replay->plan->places;
    int error;

    *regions = (struct regions){.replay = replay};
    marshal_buffer_init(&regions->list, false);
    error = add_region(regions, &(struct region){.room_bytes = 0});
    for (uint32_t i = 0; i < places->n && error == 0; i++) {
        struct region region = {.room_bytes = MAX_REGION_BYTES};

        if (places->items[i].kind == LIFETIME_STORAGE) {
            region = storage_region(regions, &places->items[i]);
        }
        error = add_region(regions, &region);
    }
    if (error != 0) {
        regions_fini(regions);
    }
    return error;
}

void regions_fini(struct regions *regions)
{
    marshal_buffer_fini(&regions->list);
}

void regions_rewind(struct regions *regions)
{
    regions->n_blocks = 0;
    for (uint32_t i = 0; i < n_regions(regions); i++) {
        region_at(regions, i)->n_bytes = region_at(regions, i)->n_skipped;
    }
}

/* ---- room ------------------------------------------------------------------------------------ */

static int take_block(struct regions *regions, const struct graph_node *node, uint64_t n_elements,
                      uint32_t *ret_region)
{
    struct region block = {.room_bytes = MAX_REGION_BYTES, .node = node, .n_elements = n_elements};

    *ret_region = first_block(regions) + regions->n_blocks++;
    return *ret_region == n_regions(regions) ? add_region(regions, &block) : 0;
}

static int choose_region(struct regions *regions, const struct graph_node *node, uint32_t holder,
                         uint64_t n_elements, uint32_t *ret_region)
{
    switch (node->lifetime->kind) {
    case LIFETIME_HOLDER:
        *ret_region = holder;
        return holder == REGION_FIXED ? -EBADMSG : 0;
    case LIFETIME_CALLER:
    case LIFETIME_FREED_BY:
        return take_block(regions, node, n_elements, ret_region);
    case LIFETIME_STATIC:
    case LIFETIME_STATIC_ARGUMENT:
    case LIFETIME_STATIC_GROUP:
    case LIFETIME_STORAGE:
        *ret_region = 1 + node->place;
        return 0;
    default:
        return -EBADMSG;
    }
}

static bool is_place(const struct regions *regions, uint32_t region)
{
    return region != REGION_FIXED && region < first_block(regions);
}

static bool is_storage(const struct regions *regions, uint32_t region)
{
    return is_place(regions, region) &&
           regions->replay->plan->places->items[region - 1].kind == LIFETIME_STORAGE;
}

/*
 * Nobody says what bytes are. Where room is scarce, they are aligned for the largest object that
 * n_bytes can be a whole number of; the real function may have laid them no better.
 */
static uint64_t alignment_of(const struct graph_node *node, size_t n_bytes, bool is_scarce)
{
    uint64_t largest = n_bytes & (~n_bytes + 1);

    if (!is_scarce || node->kind != GRAPH_ELEMENTS || node->pointee->type != NULL) {
        return node->alignment;
    }
    return largest == 0 ? 1 : largest < GRAPH_MAX_ALIGNMENT ? largest : GRAPH_MAX_ALIGNMENT;
}

int regions_take(struct regions *regions, const struct graph_node *node, uint32_t holder,
                 size_t n_bytes, uint64_t n_elements, struct location *ret_location)
{
    struct region *region;
    uint64_t alignment, at;
    int error = choose_region(regions, node, holder, n_elements, &ret_location->region);

    if (error != 0) {
        return error;
    }
    region = region_at(regions, ret_location->region);
    if (n_bytes == 0 && is_place(regions, ret_location->region) &&
        !is_storage(regions, ret_location->region)) {
        n_bytes = 1; /* a place of nothing would have no address */
    }
    alignment = alignment_of(node, n_bytes, is_storage(regions, ret_location->region));
    at = (region->n_bytes + alignment - 1) / alignment * alignment;
    if (at > region->room_bytes || n_bytes > region->room_bytes - at) {
        return is_storage(regions, ret_location->region) ? -ENOSPC : -ENOMEM;
    }
    region->n_bytes = at + n_bytes;
    ret_location->offset = at;
    return 0;
}

bool regions_is_empty(const struct regions *regions, uint32_t place)
{
    const struct region *region = region_at(regions, 1 + place);

    return region->n_bytes == region->n_skipped;
}

unsigned char *regions_address(const struct regions *regions, struct location location)
{
    return (unsigned char *)((uintptr_t)region_at(regions, location.region)->base +
                             location.offset);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The value of the argument that a static result belongs to. */
static uint64_t tied_value(const struct replay *replay, const struct marshal_place *place)
{
    const struct ctype *type = replay->plan->parameters[place->parameter].type;
    uint64_t value = 0;

    memcpy(&value, replay->arguments[place->parameter], type->size_bytes);
    return value;
}

void *regions_place_memory(const struct replay *replay, const struct marshal_place *place,
                           size_t n_bytes)
{
    return place->kind == LIFETIME_STATIC_ARGUMENT
               ? tied_memory_get(place->slot, tied_value(replay, place), n_bytes)
               : thread_memory_get(place->slot, n_bytes);
}

uint64_t regions_place_bytes(const struct regions *regions, uint32_t place)
{
    return region_at(regions, 1 + place)->n_bytes;
}

void regions_lay(struct regions *regions, uint32_t place, void *memory)
{
    region_at(regions, 1 + place)->base = memory;
}

static int obtain_place(struct regions *regions, uint32_t i)
{
    const struct replay *replay = regions->replay;
    const struct marshal_place *place = &replay->plan->places->items[i];
    struct region *region = region_at(regions, 1 + i);
    struct marshal_ranges written;

    if (place->kind == LIFETIME_STORAGE || region->n_bytes == 0) {
        return 0;
    }
    region->base = regions_place_memory(replay, place, region->n_bytes);
    if (region->base == NULL) {
        return -ENOMEM;
    }
    /* The program gave us our own memory, an older result, to be written. */
    marshal_ranges_collect(replay->plan, replay->arguments, &written);
    return marshal_ranges_meet(&written, region->base, region->n_bytes) ? -EBADMSG : 0;
}

static int obtain_block(struct regions *regions, struct region *region)
{
    const struct marshal_bindings *bindings = &regions->replay->plan->bindings;
    const struct graph_node *node = region->node;
    int error = 0;

    region->base = bindings->allocate(region->n_bytes > 0 ? region->n_bytes : 1);
    if (region->base == NULL) {
        return -ENOMEM;
    }
    if ((uintptr_t)region->base % GRAPH_MAX_ALIGNMENT != 0 &&
        region->n_bytes >= GRAPH_MAX_ALIGNMENT) {
        error = -ENOMEM; /* a malloc of some other kind */
    } else if (node->lifetime->kind == LIFETIME_FREED_BY) {
        error = bindings->hand_out(bindings->context, node->lifetime,
                                   node->kind == GRAPH_TEXT ? NULL : node->pointee, region->base,
                                   region->n_elements);
    }
    if (error != 0) {
        bindings->release(region->base);
    }
    return error != 0 ? -ENOMEM : 0;
}

int regions_obtain(struct regions *regions)
{
    uint32_t first = first_block(regions);
    int error = 0;

    for (uint32_t i = 0; i + 1 < first && error == 0; i++) {
        error = obtain_place(regions, i);
    }
    for (uint32_t i = first; i < n_regions(regions) && error == 0; i++) {
        error = obtain_block(regions, region_at(regions, i));
        regions->n_obtained += error == 0;
    }
    if (error != 0) {
        regions_release(regions);
    }
    return error;
}

void regions_release(struct regions *regions)
{
    const struct marshal_bindings *bindings = &regions->replay->plan->bindings;

    for (uint32_t i = 0; i < regions->n_obtained; i++) {
        const struct region *region = region_at(regions, first_block(regions) + i);

        if (region->node->lifetime->kind == LIFETIME_FREED_BY) {
            bindings->forget(bindings->context, region->base);
        }
        bindings->release(region->base);
    }
    regions->n_obtained = 0;
}
