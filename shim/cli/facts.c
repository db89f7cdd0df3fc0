// SPDX-License-Identifier: MIT
/*
 * The list of facts, and how quantities are written in them. What is true of a function is found by
 * the explain_*.c files.
 */
#include "cli/facts.h"

#include "cli/cli.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 4 /* facts; most functions have as many to mind */

static const struct {
    enum fact_topic topic;
    enum fact_weight weight;
    const char *code, *text;
} table[FACT_COUNT] = {
#define FACT(name, topic, weight, text) {TOPIC_##topic, FACT_##weight, #name, text},
#include "cli/facts.def"
#undef FACT
};

static const struct {
    const char *word, *heading;
} topics[TOPIC_COUNT] = {
#define TOPIC(topic, word, heading) {word, heading},
#include "cli/topics.def"
#undef TOPIC
};

const char *facts_topic_word(enum fact_topic topic)
{
    return topics[topic].word;
}

const char *facts_topic_heading(enum fact_topic topic)
{
    return topics[topic].heading;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void *need(void *memory)
{
    if (memory == NULL) {
        cli_complain("%s", strerror(ENOMEM));
        exit(CLI_FAILED);
    }
    return memory;
}

static void *keep(size_t n_bytes)
{
    struct config_memory memory = cli_memory();

    return need(memory.alloc(memory.context, n_bytes));
}

const char *facts_format(const char *format, ...)
{
    va_list arguments;
    char *text, *kept;
    int n_bytes;

    va_start(arguments, format);
    n_bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    text = need(n_bytes < 0 ? NULL : text);
    kept = memcpy(keep((size_t)n_bytes + 1), text, (size_t)n_bytes + 1);
    free(text);
    return kept;
}

/* {1} to {3} replaced. */
static const char *fill_in(const char *text, const char *const arguments[FACT_ARGUMENTS])
{
    const char *filled = "";

    for (const char *next = strchr(text, '{'); next != NULL; next = strchr(text, '{')) {
        filled =
            facts_format("%s%.*s%s", filled, (int)(next - text), text, arguments[next[1] - '1']);
        text = next + 3;
    }
    return facts_format("%s%s", filled, text);
}

void facts_add(struct facts *facts, enum fact_name name, const char *about,
               const char *const arguments[FACT_ARGUMENTS])
{
    struct fact *fact;

    if (facts->n_items == facts->n_room) {
        size_t n_room = 2 * facts->n_room + FIRST_ROOM;
        struct fact *grown = keep(n_room * sizeof(*grown));

        if (facts->n_items > 0) {
            memcpy(grown, facts->items, facts->n_items * sizeof(*grown));
        }
        facts->items = grown;
        facts->n_room = n_room;
    }
    fact = &facts->items[facts->n_items++];
    fact->topic = table[name].topic;
    fact->weight = table[name].weight;
    fact->code = table[name].code;
    fact->about = about;
    memcpy(fact->arguments, arguments, sizeof(fact->arguments));
    fact->text = fill_in(table[name].text, arguments);
}

/* ---- quantities ------------------------------------------------------------------------------ */

static const struct {
    uint64_t ns;
    const char *suffix, *word;
} duration_units[] = {
    {UINT64_C(86400000000000), "d", "days"},
    {UINT64_C(3600000000000), "h", "hours"},
    {UINT64_C(60000000000), "m", "minutes"},
    {UINT64_C(1000000000), "s", "seconds"},
    {UINT64_C(1000000), "ms", "ms"},
    {UINT64_C(1000), "us", "us"},
    {UINT64_C(1), "ns", "ns"},
};

/* The largest unit of which it is a whole number, two or more if that can be. */
static size_t duration_unit(uint64_t ns)
{
    size_t last = sizeof(duration_units) / sizeof(duration_units[0]) - 1, i = 0;

    while (i < last && (ns % duration_units[i].ns != 0 || ns / duration_units[i].ns < 2)) {
        i++;
    }
    if (i > 0 && ns == duration_units[i - 1].ns && duration_units[i].ns < UINT64_C(1000000000)) {
        i--; /* "1 second" rather than "1000 ms" */
    }
    return i;
}

const char *facts_duration(uint64_t ns)
{
    size_t unit = duration_unit(ns);

    return facts_format("%llu %s", (unsigned long long)(ns / duration_units[unit].ns),
                        ns == UINT64_C(1000000000) ? "second" : duration_units[unit].word);
}

const char *facts_duration_short(uint64_t ns)
{
    size_t unit = duration_unit(ns);

    return facts_format("%llu%s", (unsigned long long)(ns / duration_units[unit].ns),
                        duration_units[unit].suffix);
}

const char *facts_size(uint64_t n_bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (n_bytes % 1024 == 0 && n_bytes > 0 && unit < sizeof(units) / sizeof(units[0]) - 1) {
        n_bytes /= 1024;
        unit++;
    }
    return facts_format("%llu %s", (unsigned long long)n_bytes,
                        unit == 0 && n_bytes == 1 ? "byte" : units[unit]);
}

const char *facts_inputs(const struct config_function *function, const char *between)
{
    const char *text = "";

    for (uint32_t i = 0; i < function->n_inputs; i++) {
        text = facts_format("%s%s%s", text, i > 0 ? between : "", function->inputs[i].text);
    }
    return text;
}

/* ---- the whole ------------------------------------------------------------------------------- */

struct facts facts_collect(const struct config_function *function)
{
    struct facts facts = {.function = function};

    facts_add_key(&facts);
    facts_add_given(&facts);
    facts_add_life(&facts);
    facts_add_mind(&facts);
    return facts;
}

struct facts facts_collect_mind(const struct config_function *function)
{
    struct facts facts = {.function = function};

    facts_add_mind(&facts);
    return facts;
}
