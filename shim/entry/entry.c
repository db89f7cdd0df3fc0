// SPDX-License-Identifier: MIT
/*
 * The pool: which thunk belongs to which function. Records are written once, before any slot
 * leads to them, and sealed; what changes later (switches, counts) lies elsewhere. The general
 * entry is a closure entry of libffi, which takes its closure from a register and so needs no
 * generated code.
 */
#include "entry/entry.h"

#include "base/guard.h"
#include "entry/around.h"
#include "entry/closure.h"
#include "entry/layout.h"
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

struct entry_record {
    void *original;
    void *code; /* what the thunk jumps to */
    union {
        struct entry_closure closure;
        struct { /* of the others */
            union {
                void (*quick)(void);
                abi_words_fn words;
            };
            const struct abi_call *call;
        };
    };
    entry_handler_fn handler;
    void *plan;
    void *handed; /* what a typed entry hands to its C: the plan, or this */
};

struct around_record {
    void *original;
    void *context;
};

_Static_assert(sizeof(struct around_record) == ENTRY_NOTICE_BYTES, "assembly");
_Static_assert(offsetof(struct around_record, original) == ENTRY_NOTICE_ORIGINAL, "assembly");

struct entry_notice {
    void *original;
    void *reserved; /* keeps the step a power of two */
};

_Static_assert(sizeof(struct entry_record) <= ENTRY_RECORD_BYTES, "thunks step by this");
_Static_assert(offsetof(struct entry_record, original) == ENTRY_RECORD_ORIGINAL, "assembly");
_Static_assert(offsetof(struct entry_record, code) == ENTRY_RECORD_CODE, "assembly");
_Static_assert(offsetof(struct entry_record, closure) == ENTRY_RECORD_CLOSURE, "assembly");
_Static_assert(offsetof(struct entry_record, quick) == ENTRY_RECORD_QUICK, "assembly");
_Static_assert(offsetof(struct entry_record, plan) == ENTRY_RECORD_PLAN, "assembly");
_Static_assert(offsetof(struct entry_record, handed) == ENTRY_RECORD_HANDED, "assembly");
_Static_assert(sizeof(struct entry_notice) == ENTRY_NOTICE_BYTES, "assembly");

/* Everything here holds code pointers and is sealed as a whole. */
struct entry_sealed {
    union {
        struct entry_record record;
        char room[ENTRY_RECORD_BYTES];
    } records[ENTRY_MAX_THUNKS];
    struct entry_notice notices[ENTRY_MAX_NOTICES];
    struct around_record arounds[ENTRY_MAX_AROUNDS];
    struct entry_around around;
    struct entry_dl dl;
    int n_records, n_notices, n_arounds;
    bool has_arounds;
};

_Static_assert(offsetof(struct entry_sealed, notices) == ENTRY_MAX_THUNKS * ENTRY_RECORD_BYTES,
               "assembly");
_Static_assert(offsetof(struct entry_sealed, arounds) ==
                   ENTRY_MAX_THUNKS * ENTRY_RECORD_BYTES + ENTRY_MAX_NOTICES * ENTRY_NOTICE_BYTES,
               "assembly");

/*
 * What thunk_*.S refers to by name. All of it is .bss: pages that no configuration needs are never
 * touched.
 */
union entry_sealed_pages {
    struct entry_sealed sealed;
    char
        pages[(sizeof(struct entry_sealed) + ENTRY_PAGE_MAX - 1) / ENTRY_PAGE_MAX * ENTRY_PAGE_MAX];
};

extern union entry_sealed_pages memoshim_entry_sealed;
extern _Atomic uint8_t memoshim_entry_on[ENTRY_MAX_THUNKS];
extern _Atomic uint64_t memoshim_entry_passed[ENTRY_MAX_THUNKS];
extern char memoshim_thunks[], memoshim_notice_thunks[], memoshim_around_thunks[];

/* What thunk_*.S and dl_address.c call. */
bool memoshim_dl_answer(void *handle, const char *symbol, const char *version, const void *caller,
                        void **ret_address);
void *memoshim_dl_real(bool versioned);
void *memoshim_dl_real_address(bool with_extra);
void memoshim_notice(uint64_t notice, const uint64_t *integers);
struct around_call *memoshim_around_before(uint64_t number, const struct abi_registers *registers,
                                           void **slot);
void memoshim_around_after(struct around_call *call);

__attribute__((aligned(ENTRY_PAGE_MAX))) union entry_sealed_pages memoshim_entry_sealed;
_Atomic uint8_t memoshim_entry_on[ENTRY_MAX_THUNKS];
_Atomic uint64_t memoshim_entry_passed[ENTRY_MAX_THUNKS];

static struct entry_sealed *const pool = &memoshim_entry_sealed.sealed;

void entry_init(const struct entry_dl *dl)
{
    pool->dl = *dl;
}

bool memoshim_dl_answer(void *handle, const char *symbol, const char *version, const void *caller,
                        void **ret_address)
{
    return pool->dl.answer != NULL && pool->dl.answer(handle, symbol, version, caller, ret_address);
}

void *memoshim_dl_real(bool versioned)
{
    void *real = versioned ? pool->dl.real_dlvsym : pool->dl.real_dlsym;

    return real != NULL || entry_early_dl == NULL ? real : entry_early_dl(versioned);
}

void *memoshim_dl_real_address(bool with_extra)
{
    return with_extra ? pool->dl.real_dladdr1 : pool->dl.real_dladdr;
}

void memoshim_notice(uint64_t notice, const uint64_t *integers)
{
    int saved_errno = errno;

    guard_enter();
    pool->dl.notice((int)notice, integers);
    guard_leave();
    errno = saved_errno;
}

extern char memoshim_typed[], memoshim_quick[];

_Static_assert(TYPED_FRAME_WORDS + sizeof(struct abi_words) <= TYPED_FRAME_BYTES, "assembly");
_Static_assert(ABI_STACK_AT == TYPED_FRAME_BYTES + TYPED_RETURN_BYTES - TYPED_FRAME_WORDS,
               "assembly");
_Static_assert(offsetof(struct abi_words, vectors) == TYPED_VECTORS, "assembly");

/* The way from a typed entry to a handler, which leaves the result's value in memory. */
static inline __attribute__((always_inline)) void run_handler(const struct entry_record *record,
                                                              struct abi_words *words,
                                                              struct abi_joined *room, void *result)
{
    void *arguments[ABI_MAX_WORDS];

    abi_point_arguments(record->call, words, room, arguments);
    record->handler(record->plan, result, arguments);
}

/* Not inlined, for the room. */
__attribute__((noinline)) static void run_apart(const struct entry_record *record,
                                                struct abi_words *words, void *result)
{
    struct abi_joined room;

    run_handler(record, words, &room, result);
}

static inline __attribute__((always_inline)) void run(const struct entry_record *record,
                                                      struct abi_words *words, void *result)
{
    if (record->call->is_apart) {
        run_apart(record, words, result);
    } else {
        run_handler(record, words, NULL, result);
    }
}

static struct abi_both enter_typed(void *handed, struct abi_words *words)
{
    struct abi_both both;
    uint64_t result = 0;

    run(handed, words, &result);
    both.integer = result;
    memcpy(&both.vector, &result, sizeof(result));
    return both;
}

/* The same with results in other registers: of the types that return them there. */
#define DEFINE_ENTER(name, type)                                 \
    static type name(void *handed, struct abi_words *words)      \
    {                                                            \
        uint64_t value[2] = {0};                                 \
        type result;                                             \
                                                                 \
        _Static_assert(sizeof(result) == sizeof(value), "room"); \
        run(handed, words, value);                               \
        memcpy(&result, value, sizeof(result));                  \
        return result;                                           \
    }

DEFINE_ENTER(enter_rax_rdx, struct abi_rax_rdx)
DEFINE_ENTER(enter_xmm0_xmm1, struct abi_xmm0_xmm1)
DEFINE_ENTER(enter_rax_xmm0, struct abi_both)
DEFINE_ENTER(enter_xmm0_rax, struct abi_xmm0_rax)
DEFINE_ENTER(enter_x87, long double)

static struct abi_both enter_memory(void *handed, struct abi_words *words)
{
    uint64_t address = words->integers[0];

    run(handed, words, (void *)(uintptr_t)address);
    return (struct abi_both){.integer = address};
}

typedef void (*enter_fn)(void);

static const enter_fn enter[] = {
    [ABI_RESULT_WORD] = (enter_fn)enter_typed,
    [ABI_RESULT_RAX_RDX] = (enter_fn)enter_rax_rdx,
    [ABI_RESULT_XMM0_XMM1] = (enter_fn)enter_xmm0_xmm1,
    [ABI_RESULT_RAX_XMM0] = (enter_fn)enter_rax_xmm0,
    [ABI_RESULT_XMM0_RAX] = (enter_fn)enter_xmm0_rax,
    [ABI_RESULT_X87] = (enter_fn)enter_x87,
    [ABI_RESULT_MEMORY] = (enter_fn)enter_memory,
};

static void *typed_code(const struct abi_call *call)
{
    return memoshim_typed + TYPED_NUMBER(call->n_integers, call->n_vectors) * TYPED_BYTES;
}

static void *quick_code(const struct abi_call *call)
{
    return memoshim_quick + QUICK_NUMBER(call->n_integers, call->result_is_vector) * QUICK_BYTES;
}

static void enter_closure(ffi_cif *cif, void *result, void **arguments, void *closure)
{
    const struct entry_record *record =
        (const struct entry_record *)((char *)closure - ENTRY_RECORD_CLOSURE);

    record->handler(record->plan, result, arguments);
}

int entry_open(const struct abi_call *call, void *original, entry_handler_fn handler, void *plan)
{
    struct entry_record *record;

    if (pool->n_records == ENTRY_MAX_THUNKS) {
        return -ENOSPC;
    }
    record = &pool->records[pool->n_records].record;
    if (call->is_typed) {
        record->call = call;
        record->quick = enter[call->result];
        record->handed = record;
        record->code = typed_code(call);
    } else {
        record->code = entry_closure_prepare(&record->closure, call->cif, enter_closure);
    }
    if (record->code == NULL) {
        return -ENOTSUP;
    }
    record->original = original;
    record->handler = handler;
    record->plan = plan;
    return pool->n_records++;
}

int entry_open_quick(const struct abi_call *call, void *original, void (*code)(void), void *plan)
{
    struct entry_record *record;

    assert(abi_is_in_registers(call) && call->n_integers <= QUICK_MAX_INTEGERS);
    if (pool->n_records == ENTRY_MAX_THUNKS) {
        return -ENOSPC;
    }
    record = &pool->records[pool->n_records].record;
    record->code = quick_code(call);
    record->quick = code;
    record->original = original;
    record->plan = plan;
    return pool->n_records++;
}

int entry_open_words(const struct abi_call *call, void *original, abi_words_fn code, void *plan)
{
    struct entry_record *record;

    assert(call->is_typed);
    if (pool->n_records == ENTRY_MAX_THUNKS) {
        return -ENOSPC;
    }
    record = &pool->records[pool->n_records].record;
    record->code = typed_code(call);
    record->words = code;
    record->original = original;
    record->handed = plan;
    return pool->n_records++;
}

void *entry_thunk(int entry)
{
    return memoshim_thunks + (size_t)entry * ENTRY_THUNK_BYTES;
}

void *entry_original(const void *address)
{
    uintptr_t thunk = (uintptr_t)address - (uintptr_t)memoshim_thunks;
    uintptr_t notice = (uintptr_t)address - (uintptr_t)memoshim_notice_thunks;
    uintptr_t around = (uintptr_t)address - (uintptr_t)memoshim_around_thunks;

    if (thunk / ENTRY_THUNK_BYTES < (uintptr_t)pool->n_records) {
        return pool->records[thunk / ENTRY_THUNK_BYTES].record.original;
    }
    if (notice / ENTRY_NOTICE_THUNK_BYTES < (uintptr_t)pool->n_notices) {
        return pool->notices[notice / ENTRY_NOTICE_THUNK_BYTES].original;
    }
    if (around / ENTRY_AROUND_THUNK_BYTES < (uintptr_t)pool->n_arounds) {
        return pool->arounds[around / ENTRY_AROUND_THUNK_BYTES].original;
    }
    return NULL;
}

void entry_switch(int entry, bool on)
{
    /* Pairs with the thunk's read: where that is seen, the record is seen, too. */
    atomic_store_explicit(&memoshim_entry_on[entry], on, memory_order_release);
}

uint64_t entry_passed(int entry)
{
    return atomic_load_explicit(&memoshim_entry_passed[entry], memory_order_relaxed);
}

void entry_reset_passed(int entry)
{
    atomic_store_explicit(&memoshim_entry_passed[entry], 0, memory_order_relaxed);
}

int entry_open_notice(void *original)
{
    if (pool->n_notices == ENTRY_MAX_NOTICES) {
        return -ENOSPC;
    }
    pool->notices[pool->n_notices].original = original;
    return pool->n_notices++;
}

void *entry_notice_thunk(int notice)
{
    return memoshim_notice_thunks + (size_t)notice * ENTRY_NOTICE_THUNK_BYTES;
}

void entry_around_init(const struct entry_around *around)
{
    pool->around = *around;
    pool->has_arounds = around_init();
}

int entry_open_around(void *original, void *context)
{
    if (!pool->has_arounds) {
        return -ENOTSUP;
    }
    if (pool->n_arounds == ENTRY_MAX_AROUNDS) {
        return -ENOSPC;
    }
    pool->arounds[pool->n_arounds] = (struct around_record){original, context};
    return pool->n_arounds++;
}

void *entry_around_thunk(int around)
{
    return memoshim_around_thunks + (size_t)around * ENTRY_AROUND_THUNK_BYTES;
}

/* NULL: the thunk jumps on, and the call returns to its caller. */
struct around_call *memoshim_around_before(uint64_t number, const struct abi_registers *registers,
                                           void **slot)
{
    const struct around_record *record = &pool->arounds[number];
    int saved_errno = errno;
    bool is_inside = memoshim_guard != 0;
    struct around_call *call = around_call_take(slot);

    if (call != NULL) {
        call->context = record->context;
    }
    if (!is_inside) {
        guard_enter();
    }
    pool->around.before(record->context, registers, is_inside, call != NULL ? call->note : NULL);
    if (!is_inside) {
        guard_leave();
    }
    errno = saved_errno;
    return call;
}

void memoshim_around_after(struct around_call *call)
{
    int saved_errno = errno;
    bool is_inside = memoshim_guard != 0;

    if (!is_inside) {
        guard_enter();
    }
    pool->around.after(call->context, is_inside, call->note);
    if (!is_inside) {
        guard_leave();
    }
    around_call_release(call);
    errno = saved_errno;
}

void entry_sealable(void **ret_pages, size_t *ret_n_bytes)
{
    *ret_pages = &memoshim_entry_sealed;
    *ret_n_bytes = sizeof(memoshim_entry_sealed);
}
