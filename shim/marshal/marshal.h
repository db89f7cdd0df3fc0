// SPDX-License-Identifier: MIT
/*
 * Between live arguments and bytes, driven by a function's description:
 *
 *     arguments before the call ─ marshal_key ──► key bytes
 *     results after the call ──── marshal_capture ► record ─ marshal_replay ► results again
 *
 * Keys are injective: two calls have equal keys exactly when every described input is equal. Parts
 * of fixed size stand as they are, in the order of the parameters; the others are framed with a
 * kind byte and a length, so that no two argument lists run into one another.
 *
 * Nothing here calls the program or its allocator; all memory is the shim's own. A record belongs
 * to one function of one process and is checked against its own length before it is believed.
 */
#ifndef MARSHAL_MARSHAL_H
#define MARSHAL_MARSHAL_H

#include "abi/abi.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "config/config.h"
#include "marshal/bindings.h"
#include "marshal/freeing.h"
#include "marshal/short_text.h"
#include "marshal/text_length.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Out parameters whose counts can be told before the call; more are refused. */
#define MARSHAL_MAX_OUTS 16

/* Longest text that is taken for a NUL-terminated string; beyond it a call is passed through. */
#define MARSHAL_MAX_STRING_BYTES ((size_t)1024 * 1024)

/* No key and no record is longer than this, nor than the function's max_bytes. */
#define MARSHAL_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* A result "into" an argument lies within so many bytes from its start. */
#define MARSHAL_MAX_OFFSET ((int64_t)1024 * 1024)

/* ---- buffers --------------------------------------------------------------------------------- */

#define MARSHAL_ROOM_BYTES 256

/*
 * Bytes under construction: on the caller's stack while they are few, in a block of the shim's own
 * beyond that. Not tied to the thread: the bytes live across the real call, which may suspend a
 * coroutine or come back on another stack. If the real call never returns, the block is lost.
 */
struct marshal_buffer {
    unsigned char *data;
    size_t n_bytes, capacity;
    bool is_secret; /* wiped when given back; its blocks are locked and not dumped */
    _Alignas(8) unsigned char room[MARSHAL_ROOM_BYTES];
};

void marshal_buffer_init(struct marshal_buffer *buffer, bool is_secret);
void marshal_buffer_fini(struct marshal_buffer *buffer);

/* Where there is no room yet, or too much already. */
int marshal_buffer_put_more(struct marshal_buffer *buffer, const void *bytes, size_t n_bytes,
                            size_t limit_bytes);

/* Appends n_bytes. -E2BIG beyond limit_bytes in all, -ENOMEM. */
static inline int marshal_buffer_put(struct marshal_buffer *buffer, const void *bytes,
                                     size_t n_bytes, size_t limit_bytes)
{
    size_t n_left = buffer->capacity - buffer->n_bytes;

    if (__builtin_expect(n_bytes == 0 || n_bytes > n_left || buffer->capacity > limit_bytes, 0)) {
        return marshal_buffer_put_more(buffer, bytes, n_bytes, limit_bytes);
    }
    memcpy(buffer->data + buffer->n_bytes, bytes, n_bytes);
    buffer->n_bytes += n_bytes;
    return 0;
}

/* ---- plans ----------------------------------------------------------------------------------- */

struct marshal_plan;

/*
 * Compiles a function's description into arena. bindings: what was found for it in the process, or
 * NULL: nothing. 0; -ENOTSUP with *ret_reason (a sentence) when it asks for more than this module
 * can do, or than was found; -ENOMEM.
 */
int marshal_plan_create(const struct config_function *function, const struct abi_call *call,
                        const struct marshal_bindings *bindings, struct arena *arena,
                        struct marshal_plan **ret_plan, const char **ret_reason);

/* Sets what holds of memory that the plan follows: what a prototype does not show. */
void marshal_note_float(const struct marshal_plan *plan, bool *uses_float);

/* The size that every key, every record has; 0 when they differ from call to call. */
uint32_t marshal_key_bytes(const struct marshal_plan *plan);
uint32_t marshal_record_bytes(const struct marshal_plan *plan);

/* A replay calls nothing of the program's, and writes to static memory and variables alone. */
bool marshal_replays_alone(const struct marshal_plan *plan);

#define MARSHAL_FLAT_WORDS     3
#define MARSHAL_FLAT_KEY_BYTES 16

/*
 * A function whose every key is the first n_bytes bytes of each word of its arguments, one after
 * the other, and whose every record is the first n_result_bytes bytes of its result.
 */
struct marshal_flat {
    uint32_t n_words;
    struct {
        uint32_t parameter, at; /* in its value: a multiple of 8 */
        uint32_t n_bytes;       /* at most 8; 0: the argument is not in it */
    } words[MARSHAL_FLAT_WORDS];
    uint32_t n_key_bytes;    /* 1 to MARSHAL_FLAT_KEY_BYTES */
    uint32_t n_result_bytes; /* 1 to 8 */
    bool result_is_signed;
};

bool marshal_is_flat(const struct marshal_plan *plan, struct marshal_flat *ret_flat);

#define MARSHAL_FLAT_TEXT_BYTES 64

/* The same of one parameter that is text, of bytes, instead. No key of at most that many bytes is
 * too long. */
bool marshal_is_flat_text(const struct marshal_plan *plan, struct marshal_flat *ret_flat);

/*
 * How far marshal_short_text may read ahead, for marshal_is_ahead. Nothing at all once it was said
 * that somebody looks at each byte that is read, which is to be said before the first call.
 */
uint32_t marshal_ahead_offsets(void);
void marshal_read_nothing_ahead(void);

#define MARSHAL_WIDE_RESULT_BYTES 16

#define MARSHAL_WIDE_PARTS 14
#define MARSHAL_WIDE_OUTS  4
#define MARSHAL_WIDE_BYTES 64

#define MARSHAL_WIDE_TEXT_BYTES 256

/*
 * A function whose keys are bytes of its arguments and nothing else, and whose records are the
 * first bytes of each of the two words of its result, if there is one, and what it writes behind
 * pointers that are arguments, so many bytes each. Keys of calls where such a pointer is NULL, or
 * where two of them lead to memory that overlaps, are others than `key` and `parts` say.
 *
 * With texts among the parameters nothing is written, and keys differ in size: n_key_bytes is 0. No
 * key of at most MARSHAL_WIDE_TEXT_BYTES is too long then.
 */
struct marshal_wide {
    uint32_t n_key_bytes, n_record_bytes; /* 1 to MARSHAL_WIDE_BYTES, each */
    bool has_texts; /* parts stand one behind the other; one of no bytes is text in its frame */
    unsigned char key[MARSHAL_WIDE_BYTES]; /* what is the same in all of them; else 0 */
    uint32_t n_parts;
    struct {
        uint32_t parameter, from; /* in its value, within a word of which they are n_bytes */
        uint32_t at, n_bytes;     /* in the key; at most 8 */
        bool is_approximate;      /* but for marshal_approximate_argument */
    } parts[MARSHAL_WIDE_PARTS];
    uint32_t n_outs;
    struct {
        uint32_t parameter, at, n_bytes; /* in the record; at is a multiple of 8 */
    } outs[MARSHAL_WIDE_OUTS];
    uint32_t result_at, n_result_bytes; /* the same; 0: no result */
    uint32_t n_first_bytes;             /* of them, how many are in the first word of its value */
    bool result_is_signed;
    bool has_errno; /* what is done to errno is in the record, in four bytes */
    uint32_t errno_at;
};

bool marshal_is_wide(const struct marshal_plan *plan, struct marshal_wide *ret_wide);

/* The value of an argument becomes what keys have in its place. Raises no floating-point flag. */
void marshal_approximate_argument(const struct marshal_plan *plan, uint32_t parameter, void *value);

#define MARSHAL_IMAGE_PARTS     4
#define MARSHAL_IMAGE_KEY_BYTES 16

/*
 * A function whose keys are `key`, with the first bytes of arguments, or of what they lead to, in
 * their places, and the number of what else it reads; and whose records are replayed alone. Keys of
 * calls where such a pointer is NULL, or leads to memory that ends behind apart_begin and begins
 * before apart_end, are made the long way, if there are any.
 */
struct marshal_imaged {
    uint32_t n_key_bytes; /* 8 to MARSHAL_IMAGE_KEY_BYTES */
    uint64_t key[2];      /* what is the same in all of them; else 0 */
    uint32_t n_parts;
    struct {
        uint32_t parameter, at, n_bytes; /* 1, 2, 4 or 8 of them */
        bool is_behind;                  /* the pointer that is the argument */
    } parts[MARSHAL_IMAGE_PARTS];
    bool has_number;
    uint32_t number_at;
    bool looks_at_files; /* the number hangs on clock_coarse_ns */
    uintptr_t apart_begin, apart_end;
};

bool marshal_is_imaged(const struct marshal_plan *plan, struct marshal_imaged *ret_imaged);

/*
 * The number for keys of a function that has_number; 0: it takes the long way. now_ns:
 * clock_coarse_ns, if looks_at_files.
 */
uint32_t marshal_number_now(const struct marshal_plan *plan, uint64_t now_ns);

/*
 * False after marshal_ask_no_kernel: a sandbox may end the program for a system call that the real
 * function would not have made. Then there are no keys of functions that rest on files, folders or
 * users, and nothing is captured of them. For good; any thread, at any time.
 */
bool marshal_may_ask_kernel(void);
void marshal_ask_no_kernel(void);

/*
 * The program is about to give a thread users or groups for files alone, so from here on they are
 * asked for; else they are the effective ones. For good; any thread, at any time.
 */
void marshal_ask_file_ids(void);

/* Per-thread memory of "static" results is set up once, and the process's time begins. 0 or -errno.
 */
int marshal_init(void);

/* In a forked child: locks anew. */
void marshal_after_fork(const struct marshal_plan *plan);

/* What a call that did nothing to errno set it to. */
#define MARSHAL_ERRNO_UNTOUCHED INT32_MIN

/* ---- one call -------------------------------------------------------------------------------- */

struct seen_inputs;

/* What was seen before the real call and is needed after it. */
struct marshal_call {
    int64_t out_counts[MARSHAL_MAX_OUTS]; /* -1: not known before the call */
    uint32_t variant;                     /* which of the alternatives the arguments chose */
    uint64_t seen; /* a hash of further inputs and of states of files, as the key has them */
    const struct seen_inputs *found; /* what the number in the key stands for; NULL: it has none */
};

/*
 * Builds the key. For a function with a secret the bytes are a MAC under mac_key and what it was
 * made of is wiped before this returns. 0; -E2BIG: a string or a count beyond the bounds;
 * -EOVERFLOW: a count that is negative or overflows; -EFAULT: a count hangs on a NULL pointer;
 * -EAGAIN: a file that is part of the key has just changed; -ENOTSUP: a path that names something
 * else than a regular file, or "strings" and memory behind other pointers where the function
 * writes; -EPERM: it takes what marshal_ask_no_kernel forbids; -ELOOP: memory behind pointers leads
 * back to itself or is shared; -ENOMEM. With an error, call the real function.
 */
int marshal_key(const struct marshal_plan *plan, void *const *arguments,
                const struct hash_mac_key *mac_key, struct marshal_buffer *buffer,
                struct marshal_call *ret_call);

/*
 * The bytes of a key that stand for one argument: of a parameter that one of the function's rules
 * of invalidation matches, so that it stands in front, and of a function without secrets.
 */
struct bytes marshal_key_part(const struct marshal_plan *plan, struct bytes key,
                              uint32_t parameter);

/*
 * The same bytes from *value, an argument of a type that can be equal to the parameter's.
 * by_content: the parameter is text. -E2BIG: more than n_room.
 */
int marshal_part(uint32_t n_value_bytes, bool by_content, const void *value, void *room,
                 size_t n_room, size_t *ret_n_bytes);

/*
 * Captures a finished call. set_errno is the value it set, or MARSHAL_ERRNO_UNTOUCHED. 0 or a
 * reason not to store it: -E2BIG, -EOVERFLOW, -EFAULT (a result outside the memory it is said to
 * point into, or one that lies on an input), -ELOOP (what was written is not a tree), -ESTALE (a
 * further input changed during the call), -ENOMEM.
 */
int marshal_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                    const struct marshal_call *call, int32_t set_errno,
                    struct marshal_buffer *buffer);

/*
 * Gives a captured call back: out parameters, result, and in *ret_errno what to do to errno.
 * Writes nothing unless it returns 0. -EBADMSG: not a record of this function, or one that this
 * caller's memory has no place for; -ENOSPC: a storage is smaller than one that the real function
 * is known to do with; -ENOMEM. Memory that the program is to free comes from its malloc: no lock
 * of ours may be held.
 */
int marshal_replay(const struct marshal_plan *plan, struct bytes record, void *const *arguments,
                   void *result, int32_t *ret_errno);

/*
 * What marshal_replay would return, but for memory that cannot be obtained. Writes nothing.
 */
int marshal_try(const struct marshal_plan *plan, struct bytes record, void *const *arguments);

/*
 * The same as marshal_replay where a real call, whose answer this replaces, has written to the
 * caller's memory already: how much room there is was seen before it, in call.
 */
int marshal_replay_after(const struct marshal_plan *plan, struct bytes record,
                         const struct marshal_call *call, void *const *arguments, void *result,
                         int32_t *ret_errno);

/* ---- conditions ------------------------------------------------------------------------------ */

/*
 * Whether every comparison of the condition holds for a finished call, or, with a result of NULL,
 * for one that has not begun. NULL text equals nothing; a comparison that reads through a NULL
 * pointer does not hold, nor one that reads a result which is not there. set_errno is what the call
 * did to errno. Raises no floating-point flag.
 */
bool marshal_condition_holds(const struct config_condition *condition,
                             const struct config_function *function, void *const *arguments,
                             const void *result, int32_t set_errno);

/*
 * What the finished call gave there, as a number. False: it is none, or there is nothing. Loads a
 * long double: the caller stands between float_x87_shield_begin and its end.
 */
bool marshal_condition_number(const struct condition_operand *operand,
                              const struct config_function *function, void *const *arguments,
                              const void *result, int32_t set_errno, long double *ret_number);

/* ---- two calls beside each other ------------------------------------------------------------- */

enum marshal_part {
    MARSHAL_PART_NONE,
    MARSHAL_PART_ERRNO,
    MARSHAL_PART_RESULT,
    MARSHAL_PART_OUT,    /* what a parameter points to */
    MARSHAL_PART_GLOBAL, /* a variable */
};

/* The first part in which two records differ. */
struct marshal_difference {
    enum marshal_part part;
    uint32_t index; /* of the parameter, or of the variable */
};

/* Both are records of calls whose keys equal that of these arguments. */
struct marshal_difference marshal_compare(const struct marshal_plan *plan, struct bytes remembered,
                                          struct bytes fresh, void *const *arguments);

/*
 * The key's arguments for people, as text that ends with a NUL and is cut to n_room (at least 1).
 * Of a function with a secret it says just that. Formats with vsnprintf: not for signal handlers.
 */
void marshal_show_key(const struct marshal_plan *plan, struct bytes key, char *text, size_t n_room);

#endif
