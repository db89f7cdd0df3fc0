// SPDX-License-Identifier: MIT
/*
 * What a configuration means, in sentences: which calls are the same, what is given back, when it
 * is stored, how long it lives, and what about it is probably not meant so. One list for each
 * function, in the order in which it is read. Memory is that of cli_memory and stays.
 */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include "config/config.h"
#include <stdbool.h>
#include <stddef.h>

enum fact_topic {
#define TOPIC(topic, word, heading) TOPIC_##topic,
#include "cli/topics.def"
#undef TOPIC
    TOPIC_COUNT
};

enum fact_weight {
    FACT_SAID,
    FACT_WARNED, /* probably not what was meant */
};

enum fact_name {
#define FACT(name, topic, weight, text) FACT_##name,
#include "cli/facts.def"
#undef FACT
    FACT_COUNT
};

#define FACT_ARGUMENTS 3

struct fact {
    enum fact_topic topic;
    enum fact_weight weight;
    const char *code;  /* the name of the sentence */
    const char *about; /* a parameter, "result", "errno", or NULL: the function */
    const char *arguments[FACT_ARGUMENTS];
    const char *text;
};

struct facts {
    const struct config_function *function;
    struct fact *items;
    size_t n_items, n_room;
};

/* All of a function's facts. Without memory the process ends. */
struct facts facts_collect(const struct config_function *function);

/* Of these only what to mind: a configuration may have very many functions. */
struct facts facts_collect_mind(const struct config_function *function);

/* "key", and "What makes two calls the same". */
const char *facts_topic_word(enum fact_topic topic);
const char *facts_topic_heading(enum fact_topic topic);

/* ---- for those who collect ------------------------------------------------------------------- */

void facts_add(struct facts *facts, enum fact_name name, const char *about,
               const char *const arguments[FACT_ARGUMENTS]);

#define ADD_FACT(facts, name, about, ...) \
    facts_add(facts, FACT_##name, about, (const char *const[FACT_ARGUMENTS]){__VA_ARGS__})

/* Text that stays. */
const char *facts_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "10 minutes", or, as configurations have it, "10m". */
const char *facts_duration(uint64_t ns);
const char *facts_duration_short(uint64_t ns);
/* "64 MiB". */
const char *facts_size(uint64_t n_bytes);

/* The parameters and the result (explain_key.c); lives, bounds and calls (explain_life.c); what is
 * probably not meant so (explain_mind.c). */
void facts_add_key(struct facts *facts);
void facts_add_given(struct facts *facts);
void facts_add_life(struct facts *facts);
void facts_add_mind(struct facts *facts);

/*
 * explain_memory.c: "'len' bytes", what a description's memory is; what lies behind it, and in the
 * records that are met there; who owns what is handed out, and when it is. reads may be NULL.
 */
const char *facts_amount(const struct config_description *description);
const char *facts_result_memory(const struct config_description *result);
void facts_add_reads(struct facts *facts, const char *about, const struct config_pointee *reads);
void facts_add_writes(struct facts *facts, const char *about,
                      const struct config_description *description);

/* "env:TZ, uid": what key_also names. */
const char *facts_inputs(const struct config_function *function, const char *between);

/* Some file's state is part of the key. */
bool facts_reads_files(const struct config_function *function);

/* The same, or an argument names one. */
bool facts_names_files(const struct config_function *function);

/* Some value that goes in or out is floating-point. */
bool facts_uses_float(const struct config_function *function);

#endif
