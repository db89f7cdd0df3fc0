// SPDX-License-Identifier: MIT
/*
 * Which plans have a short way of quick_wide.c or quick_pairs.c, and of those that are shorter
 * still (quick_outs.c, quick_rows.c, quick_many.c), and all that the code of these reads.
 */
#include "base/arena.h"
#include "call/quick_wide.h"

/* Words of abi_words before the vectors. */
#define N_INTEGERS (offsetof(struct abi_words, vectors) / sizeof(uint64_t))

static bool has_approximate(const struct marshal_wide *described)
{
    bool has = false;

    for (uint32_t i = 0; i < described->n_parts; i++) {
        has = has || described->parts[i].is_approximate;
    }
    return has;
}

static void note_approximate(struct call_wide *wide, const struct marshal_wide *described)
{
    for (uint32_t i = 0; i < described->n_parts; i++) {
        if (described->parts[i].is_approximate) {
            wide->approximate[wide->n_approximate++] = (uint8_t)described->parts[i].parameter;
        }
    }
}

/*
 * The same for keys of at most two words. False: there is more to a register than one part at its
 * beginning, or arguments are elsewhere.
 */
static bool place_parts(struct call_wide *wide, const struct abi_call *abi,
                        const struct marshal_wide *described)
{
    for (uint32_t i = 0; i < described->n_parts; i++) {
        uint32_t word =
            abi_word_of(abi, described->parts[i].parameter, described->parts[i].from) / 8u;
        uint32_t bits = 8 * described->parts[i].n_bytes;
        uint32_t at = 8 * described->parts[i].at, shift = at % 64;
        struct quick_part part = {
            .mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1,
            .in_low = at < 64 ? UINT64_MAX << shift : 0,
            .shift = shift,
        };

        if (described->parts[i].from % 8 != 0) {
            return false;
        }
        if (word < QUICK_ROW_INTEGERS) {
            wide->integers[word] = part;
        } else if (word >= N_INTEGERS && word - N_INTEGERS < QUICK_ROW_VECTORS) {
            wide->vectors[word - N_INTEGERS] = part;
        }
    }
    return abi->n_stack_words == 0;
}

static void place_answer(struct call_wide *wide, const struct abi_call *abi,
                         const struct marshal_wide *described)
{
    wide->n_outs = described->n_outs;
    for (uint32_t i = 0; i < described->n_outs; i++) {
        wide->outs[i] = (struct quick_out){
            .from = abi->word_at[described->outs[i].parameter],
            .word = (uint8_t)(described->outs[i].at / 8),
            .n_bytes = (uint8_t)described->outs[i].n_bytes,
        };
    }
    for (uint32_t i = 0; i < wide->n_outs && i < QUICK_ROW_OUTS; i++) {
        uint32_t at = wide->rows.value_at + described->outs[i].at;

        wide->row_outs[i] = (struct quick_row_out){
            .integer = wide->outs[i].from / 8u,
            .first_at = at,
            .second_at = described->outs[i].n_bytes > 8 ? at + 8 : at,
            .n_bytes = described->outs[i].n_bytes,
        };
    }
    /* Without a result anything will do for one. */
    wide->row_result_at =
        wide->rows.value_at + (described->n_result_bytes == 0 ? 0 : described->result_at);
    wide->n_first_bytes = described->n_first_bytes;
    wide->n_second_bytes = described->n_result_bytes - described->n_first_bytes;
    wide->row_errno_at = described->has_errno ? wide->rows.value_at + described->errno_at : 0;
    wide->result_word = described->n_result_bytes == 0 ? QUICK_NO_WORD : described->result_at / 8;
    wide->errno_word = described->has_errno ? described->errno_at / 8 : QUICK_NO_WORD;
}

int quick_prepare_wide(struct call_plan *plan, struct arena *arena)
{
    struct marshal_wide described;
    struct cache_rows rows;
    struct call_wide *wide;
    bool is_in_rows = false;

    if ((plan->quick.code != NULL && !plan->quick.is_text) || !plan->abi->is_typed ||
        plan->abi->result == ABI_RESULT_MEMORY || plan->is_watched || plan->instances != NULL ||
        plan->files.n > 0 || plan->function->keys_rounding || plan->holds_secrets ||
        !marshal_is_wide(plan->marshal, &described) || !cache_rows_init(&rows, plan->cache)) {
        return 0;
    }
    if (plan->abi->result != ABI_RESULT_WORD && described.n_result_bytes <= sizeof(uint64_t)) {
        return 0;
    }
    /* Where arguments are taken from elsewhere than from registers that are copied. */
    if (!abi_is_in_words(plan->abi) && (described.has_texts || has_approximate(&described))) {
        return 0;
    }
    wide = arena_alloc(arena, sizeof(*wide));
    if (wide == NULL) {
        return -ENOMEM;
    }
    wide->rows = rows;
    wide->n_key_bytes = described.n_key_bytes;
    wide->n_record_bytes = described.n_record_bytes;
    wide->seeds = hash_seeds(described.n_key_bytes, plan->seed);
    if (described.has_texts) {
        quick_texts_prepare(&wide->texts, plan->abi, &described);
    } else {
        quick_keys_prepare(&wide->keys, plan->abi, &described);
        note_approximate(wide, &described);
        is_in_rows = place_parts(wide, plan->abi, &described);
        wide->n_words = rows.n_key_words;
    }
    place_answer(wide, plan->abi, &described);
    wide->code = quick_wide_code(wide->n_words);
    plan->wide = wide;
    if (plan->abi->result != ABI_RESULT_WORD) {
        wide->code = quick_pairs_code(plan);
        wide->first = quick_pairs_first(plan);
    } else if (!described.has_texts) {
        plan->quick.code = abi_is_in_words(plan->abi) ? quick_outs_code(plan) : NULL;
        if (plan->quick.code == NULL && is_in_rows) {
            plan->quick.code = quick_rows_code(plan->abi, wide);
        }
        if (plan->quick.code == NULL) {
            wide->first = quick_many_code(plan);
        }
    }
    plan->quick.widening = described.result_is_signed ? 64 - 8 * described.n_result_bytes : 0;
    plan->quick.n_result_bytes = described.n_result_bytes;
    quick_prepare_misses(plan);
    plan->quick.looks_at_rounding = plan->uses_float;
    quick_follow_share(plan, atomic_load_explicit(&plan->measure.share, memory_order_relaxed));
    return 0;
}

abi_words_fn call_plan_words(const struct call_plan *plan)
{
    if (plan->wide == NULL) {
        return quick_images_code(plan);
    }
    if (plan->quick.code != NULL) {
        return NULL;
    }
    return plan->wide->first != NULL ? plan->wide->first : plan->wide->code;
}
