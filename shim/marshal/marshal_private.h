// SPDX-License-Identifier: MIT
/* What the files of this module share. */
#ifndef MARSHAL_PRIVATE_H
#define MARSHAL_PRIVATE_H

#include "base/lock.h"
#include "marshal/marshal.h"

#include <string.h>

/* One parameter as the visitors see it. */
struct marshal_parameter {
    const struct ctype *type;
    const struct config_description *description;
    uint32_t value_bytes; /* of the argument itself: abi_value_bytes */
    uint32_t element_bytes,
        element_value_bytes;         /* of DESCRIBE_MEMORY: sizeof, and without padding */
    int8_t out_slot;                 /* in marshal_call.out_counts, or -1 */
    bool count_known_before;         /* the count hangs on nothing that only the call writes */
    int64_t constant_count;          /* it is this for all calls; else -1 */
    const struct graph_node *reads;  /* pointers in what is read are followed; or NULL */
    const struct graph_node *writes; /* what is written, where records are graphs; or NULL */
};

/* Memory that what is handed out lies in, other than blocks of the program's. */
struct marshal_place {
    enum lifetime_kind kind; /* STATIC, STATIC_GROUP, STATIC_ARGUMENT or STORAGE */
    uint32_t slot;           /* of thread memory, or of tied memory */
    const char *group;
    uint32_t parameter, size_parameter;
};

#define MARSHAL_MAX_PLACES 8

struct marshal_places {
    struct marshal_place items[MARSHAL_MAX_PLACES];
    uint32_t n;
};

struct marshal_plan {
    const struct config_function *function;
    struct marshal_parameter *parameters;
    uint32_t n_parameters;
    const uint8_t *order; /* in which parameters stand in the key: those that rules match first */
    uint32_t result_value_bytes;      /* in the record: 0 for void and for described results */
    uint32_t key_bytes, record_bytes; /* 0: vary */
    uint32_t static_slot;             /* of the thread memory, for LIFETIME_STATIC */
    size_t limit_bytes;               /* of a key and of a record */
    bool has_states;                  /* something else than memory is part of the key */
    const struct marshal_key_words *key_words; /* of keys that key_words.c makes; or NULL */
    bool can_overlap;                 /* the memory of parameters can: marshal_can_overlap */
    uint32_t n_shared_inputs;         /* the others are of a process, or a thread: inputs.h */
    bool looks_at_files;              /* as one of them */
    struct marshal_seen *seen;        /* what they were found to be; NULL: nothing is kept of it */
    struct marshal_bindings bindings; /* what was found in the process for it */

    /* Of functions that write pointers, or hand out more than text and offsets: graph_record.c. */
    bool has_graph_record;
    bool has_written_apart; /* variables, or a storage: memory that keys say nothing of */
    bool knows_apart;       /* those are variables between these two addresses, no two at one: */
    uintptr_t apart_begin, apart_end;
    const struct graph_node *result_writes;
    const struct graph_node **global_writes;
    const struct marshal_image
        *image; /* its records lie as they will lie in memory: graph_image.h; or NULL */
    struct marshal_places *places;

    const struct marshal_fixed
        *fixed; /* of functions that write little, as fixed.h says; or NULL */

    struct marshal_plan **variants; /* of alternatives: variants.h; else NULL */
    uint32_t n_variants;
};

/* To n_bytes, of those that it has. What was behind them is gone, if it is secret. */
void marshal_buffer_cut(struct marshal_buffer *buffer, size_t n_bytes);

/*
 * Grows the buffer by n_bytes and says where they are. -E2BIG beyond limit_bytes, -ENOMEM.
 */
int marshal_buffer_extend(struct marshal_buffer *buffer, size_t n_bytes, size_t limit_bytes,
                          unsigned char **ret_at);

_Static_assert(MARSHAL_MAX_STRING_BYTES < 1u << 24, "the length fits");

static inline void marshal_put_text_frame(void *at, size_t n_bytes)
{
    uint32_t frame = marshal_text_frame(n_bytes);

    memcpy(at, &frame, sizeof(frame));
}

/* Of the text whose frame stands there. */
static inline size_t marshal_framed_bytes(const void *at)
{
    uint32_t frame;

    memcpy(&frame, at, sizeof(frame));
    return frame >> 8;
}

/* Appends text in its frame. -E2BIG, -ENOMEM. */
int marshal_put_text(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                     const char *text);

/* Bytes of text of characters of 1, 2 or 4 bytes, up to the one that is 0 and without it; more
 * than max_bytes: it does not end within them. */
size_t marshal_text_bytes(const void *text, uint32_t character_bytes, size_t max_bytes);

/* Text by its content, whatever else the key says of it. */
static inline bool marshal_is_text(const struct marshal_parameter *parameter)
{
    return parameter->description->kind == DESCRIBE_STRING ||
           parameter->description->kind == DESCRIBE_PATH;
}

/* Of text by its content. */
static inline uint32_t marshal_character_bytes(const struct config_description *description)
{
    return description->kind == DESCRIBE_STRING && description->element_size > 1
               ? description->element_size
               : 1;
}

/* ---- approximate.c, texts.c -------------------------------------------------------------------
 */

#if defined(__x86_64__)
#define MARSHAL_LONG_DOUBLE_BYTES 10 /* of one that is packed */
#else
#define MARSHAL_LONG_DOUBLE_BYTES 16
#endif

/* The value, as abi_copy_value left it, becomes what the key has in its place. */
void marshal_approximate(const struct config_description *description, const struct ctype *type,
                         unsigned char *packed);

static inline bool marshal_is_approximate(const struct config_description *description)
{
    return description->round != 0 || description->drop_bits != 0;
}

/* Its bytes in every key are those of the argument's value itself. */
static inline bool marshal_is_plain(const struct marshal_parameter *parameter)
{
    switch (parameter->description->kind) {
    case DESCRIBE_VALUE:
    case DESCRIBE_ADDRESS:
        return parameter->reads == NULL && !marshal_is_approximate(parameter->description);
    case DESCRIBE_IGNORE:
        return true;
    default:
        return false;
    }
}

int marshal_put_strings(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                        const char *const *strings);

/* The array or one of its texts lies in that memory. */
bool marshal_strings_are_at(const char *const *strings, const void *memory, size_t n_bytes);

/* ---- inputs.c: what a function reads besides its arguments ------------------------------------
 */

#define MARSHAL_STATE_BYTES       64
#define MARSHAL_IDS_BYTES         32
#define MARSHAL_HELD_ZONE_WORDS   4  /* tzname, timezone, daylight */
#define MARSHAL_LOCALE_CATEGORIES 12 /* all but LC_ALL */

/* Bytes of all of them in every key, or -1 when they differ from call to call. */
int64_t marshal_inputs_bytes(const struct config_function *function);

/* What a number that stands for shared inputs in a key means: their bytes. None: n_bytes is 0. */
struct bytes marshal_shared_inputs(const struct marshal_plan *plan, uint32_t number);

int marshal_inputs_create(struct marshal_plan *plan, struct arena *arena);
void marshal_inputs_init(void);

/* Appends them; -EAGAIN: a file among them has just changed. Errors of marshal_buffer_put. */
int marshal_put_inputs(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                       struct marshal_call *call);

/* The state of the file that an argument names. -ENOTSUP: it is no regular file; -EAGAIN. */
int marshal_put_path_state(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                           const char *path, struct marshal_call *call);

/* After the real call: further inputs and the files that arguments name are what the key says. */
bool marshal_inputs_hold(const struct marshal_plan *plan, void *const *arguments,
                         const struct marshal_call *call);

/* ---- key_words.c ------------------------------------------------------------------------------
 */

/* Of memory of which as many elements are read by each call. */
#define MARSHAL_KEY_CONSTANT 'K'

/* Settles whether keys are made there. The plan is complete otherwise. 0 or -ENOMEM. */
int marshal_key_words_create(struct marshal_plan *plan, struct arena *arena);

/* All of a key but checks, of a plan with key_words. False, and nothing is appended: it takes the
 * long way. */
bool marshal_put_key_words(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                           void *const *arguments, struct marshal_call *call);

/* ---- counts, overlaps, arguments --------------------------------------------------------------
 */

/*
 * The value of a count in elements. result is NULL before the call. -EOVERFLOW when it is negative
 * or leaves 63 bits, -EFAULT when it reads through NULL, or a result that is not there yet.
 */
int marshal_count(const struct marshal_plan *plan, const struct config_count *count,
                  void *const *arguments, const void *result, int64_t *ret_count);

/* The same; record: the one that holds the pointer, whose members the count names. Or NULL. */
int marshal_count_of(const struct config_function *function, const struct config_count *count,
                     void *const *arguments, const void *result, const void *record,
                     int64_t *ret_count);

/*
 * The same of elements at memory, whose text may be what tells their number. -E2BIG: it does not
 * end.
 */
int marshal_count_elements(const struct config_function *function, const struct config_count *count,
                           void *const *arguments, const void *result, const void *record,
                           const void *memory, uint32_t element_bytes, int64_t *ret_count);

/* It is the same for all calls. */
bool marshal_count_is_constant(const struct config_count *count);

/* The count can be told before the call: it reads nothing that only the call writes. */
bool marshal_count_is_known_before(const struct config_function *function,
                                   const struct config_count *count);

/* An integer of type at value, widened; -EOVERFLOW for unsigned values beyond INT64_MAX. */
int marshal_read_integer(const struct ctype *type, const void *value, int64_t *ret_integer);

/* Memory of the caller's that a call may write. */
struct marshal_range {
    const void *start;
    size_t n_bytes;
};

struct marshal_ranges {
    struct marshal_range items[MARSHAL_MAX_OUTS + CONFIG_MAX_GLOBALS + MARSHAL_MAX_PLACES];
    uint32_t n;
    uint32_t n_outs; /* of parameters: the first of them */
};

void marshal_ranges_collect(const struct marshal_plan *plan, void *const *arguments,
                            struct marshal_ranges *ret_ranges);
bool marshal_ranges_meet(const struct marshal_ranges *ranges, const void *memory, size_t n_bytes);

/* Where variables are, if that is all that the plan writes. It is complete otherwise. */
void marshal_ranges_prepare(struct marshal_plan *plan);

/* -ENOTSUP: variables or a storage overlap something else that is read or written. */
int marshal_ranges_check(const struct marshal_plan *plan, void *const *arguments);

/* What is placed in a storage is aligned to no more. */
#define ROOM_ALIGNMENT 16

/* The room of a storage, as its size parameter says. 0 without a buffer. */
size_t marshal_storage_bytes(const struct marshal_plan *plan, const struct marshal_place *place,
                             void *const *arguments);

/*
 * The same, times 16, and where the buffer lies from an address that is aligned for anything. The
 * real function pads to align what it places there, so that a buffer at another distance may be too
 * small for it, though as large.
 */
uint64_t marshal_room_of(const struct marshal_plan *plan, const struct marshal_place *place,
                         void *const *arguments);

/* Something is written, and something else is written or read through another pointer. */
bool marshal_can_overlap(const struct marshal_plan *plan);

/* Appends which memory overlaps which. After the parameters; errors of marshal_buffer_put. */
int marshal_put_overlaps(const struct marshal_plan *plan, void *const *arguments,
                         const struct marshal_call *call, struct marshal_buffer *buffer);

#define MARSHAL_NO_PARAMETER UINT32_MAX

/* A parameter that is only read, other than `into`, lies in that memory. */
bool marshal_is_read_at(const struct marshal_plan *plan, void *const *arguments, uint32_t into,
                        const void *memory, size_t n_bytes);

/* The pointer that is argument i. */
static inline void *marshal_pointer(void *const *arguments, uint32_t i)
{
    return *(void **)arguments[i];
}

/* Memory of this thread for the static result of one function, kept until the thread ends. */
void *thread_memory_get(uint32_t slot, size_t n_bytes);
int thread_memory_init(void);

/* THREAD_MEMORY_MAX_SLOTS: there is none left. By whoever makes plans. */
uint32_t thread_memory_new_slot(void);

/* The slot that all functions of a group share; group must stay. As thread_memory_new_slot. */
uint32_t thread_memory_group_slot(const char *group);

#define THREAD_MEMORY_MAX_SLOTS 1024

/*
 * Memory of the process for the static result that belongs to one value of an argument, the same
 * at each call until a larger one is asked for; then the former is kept. NULL: ask the real
 * function, there are too many values. Takes a lock.
 */
void *tied_memory_get(uint32_t slot, uint64_t value, size_t n_bytes);

/* TIED_MEMORY_MAX_SLOTS: there is none left. By whoever makes plans. */
uint32_t tied_memory_new_slot(void);
void tied_memory_after_fork(void);

#define TIED_MEMORY_MAX_SLOTS  256
#define TIED_MEMORY_MAX_VALUES 4096 /* of one slot */

#endif
