// SPDX-License-Identifier: MIT
/*
 * Any bytes as a declaration. What parses is printed, and what was printed must parse to an equal
 * prototype and print the same. What does not parse has exactly one diagnostic, inside the text.
 */
#include "config/language.h"
#include "fuzz_text.h"

#include <stdlib.h>
#include <string.h>

static bool parse(struct workspace *work, const char *text, struct prototype *ret)
{
    struct source_text source = {text, {"fuzz", 1, 1}, text, strlen(text)};
    const uint32_t *offsets;
    bool is_good = prototype_parse(work, &source, ret, &offsets);

    FUZZ_CHECK(work->list->n_items == (is_good ? 0 : 1));
    if (!is_good) {
        FUZZ_CHECK(work->list->items[0].column <= source.n_raw + 2);
        return false;
    }
    for (uint32_t i = 0; i < ret->n_parameters; i++) {
        FUZZ_CHECK(offsets[i] < source.n_raw);
    }
    return true;
}

static void check_equal(const struct prototype *a, const struct prototype *b)
{
    FUZZ_CHECK(strcmp(a->name, b->name) == 0);
    FUZZ_CHECK(ctype_equal(a->result, b->result));
    FUZZ_CHECK(a->n_parameters == b->n_parameters);
    for (uint32_t i = 0; i < a->n_parameters; i++) {
        FUZZ_CHECK(strcmp(a->parameters[i].name, b->parameters[i].name) == 0);
        FUZZ_CHECK(ctype_equal(a->parameters[i].type, b->parameters[i].type));
    }
}

static void parse_print_parse(struct workspace *work, const char *text)
{
    struct prototype first, second;
    const char *printed;

    if (!parse(work, text, &first)) {
        return;
    }
    printed = prototype_print(work, &first);
    if (strlen(printed) > PROTOTYPE_MAX_BYTES) {
        return; /* names like arg1 were added to a text that was just short enough */
    }
    FUZZ_CHECK(parse(work, printed, &second));
    check_equal(&first, &second);
    FUZZ_CHECK(strcmp(prototype_print(work, &second), printed) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    fuzz_text(parse_print_parse, data, n_bytes);
    return 0;
}
