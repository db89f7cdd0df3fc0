// SPDX-License-Identifier: MIT
/* What a function reads besides its arguments as text for people: see inputs.c. */
#include "marshal/inputs.h"
#include "marshal/show.h"

bool show_state(struct writer *writer, struct reader *key)
{
    const unsigned char *at = take(key, MARSHAL_STATE_BYTES);
    uint64_t words[MARSHAL_STATE_BYTES / sizeof(uint64_t)];

    if (at == NULL) {
        return false;
    }
    memcpy(words, at, sizeof(words));
    if (words[0] != 0) {
        add(writer, "(no file)");
    } else {
        add(writer, "(inode %llu, %llu bytes, changed %llu.%09llu)", (unsigned long long)words[2],
            (unsigned long long)words[3], (unsigned long long)words[6],
            (unsigned long long)words[7]);
    }
    return true;
}

/* Text in its frame, or 'N', which is shown as absent. */
static bool add_framed(struct writer *writer, struct reader *key, const char *absent)
{
    const unsigned char *kind = take(key, 1), *text;
    size_t n_bytes;

    if (kind == NULL) {
        return false;
    }
    if (*kind != 'S') {
        add(writer, "%s", *kind == '=' ? "=" : absent);
        return *kind == 'N' || *kind == '=';
    }
    if ((text = show_take_text(key, &n_bytes)) == NULL) {
        return false;
    }
    show_text(writer, text, n_bytes);
    return true;
}

static bool add_zone(struct writer *writer, struct reader *key)
{
    const unsigned char *kind;

    if (take(key, MARSHAL_HELD_ZONE_WORDS * sizeof(uint64_t)) == NULL ||
        !add_framed(writer, key, "(not set)")) {
        return false;
    }
    add(writer, " in ");
    if (!add_framed(writer, key, "(not set)") || (kind = take(key, 1)) == NULL) {
        return false;
    }
    add(writer, " ");
    if (*kind == 'Z') {
        return show_state(writer, key);
    }
    add(writer, "(no file)");
    return true;
}

static bool add_numbers(struct writer *writer, struct reader *key, int n_numbers, bool is_hex)
{
    for (int i = 0; i < n_numbers; i++) {
        uint64_t number;

        if (!take_word(key, &number)) {
            return false;
        }
        add(writer, is_hex ? "%s0x%llx" : "%s%llu", i > 0 ? "/" : "", (unsigned long long)number);
    }
    return true;
}

static bool add_ids(struct writer *writer, struct reader *key)
{
    const unsigned char *at = take(key, MARSHAL_IDS_BYTES);
    uint32_t ids[MARSHAL_IDS_BYTES / sizeof(uint32_t)], group;
    uint64_t n_groups;

    if (at == NULL) {
        return false;
    }
    memcpy(ids, at, sizeof(ids));
    add(writer, "%u/%u/%u:%u/%u/%u", ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]);
    if (ids[6] != ids[1] || ids[7] != ids[4]) {
        add(writer, "(%u:%u)", ids[6], ids[7]);
    }
    if (!take_word(key, &n_groups)) {
        return false;
    }
    for (uint64_t i = 0; i < n_groups; i++) {
        if ((at = take(key, sizeof(group))) == NULL) {
            return false;
        }
        memcpy(&group, at, sizeof(group));
        add(writer, "%s%u", i > 0 ? "," : "+", group);
    }
    return true;
}

static bool add_locale(struct writer *writer, struct reader *key)
{
    bool is_good = true;

    for (int i = 0; i < MARSHAL_LOCALE_CATEGORIES && is_good; i++) {
        add(writer, i > 0 ? " " : "");
        is_good = add_framed(writer, key, "(none)");
    }
    return is_good;
}

static bool add_input(struct writer *writer, const struct config_input *input, struct reader *key)
{
    switch (input->kind) {
    case INPUT_VARIABLE:
        return add_framed(writer, key, "(not set)");
    case INPUT_ZONE:
        return add_zone(writer, key);
    case INPUT_FILE:
        return show_state(writer, key);
    case INPUT_FOLDER:
        if (!add_framed(writer, key, "(no path)")) {
            return false;
        }
        add(writer, " on ");
        return add_numbers(writer, key, 2, false);
    case INPUT_IDS:
        return add_ids(writer, key);
    case INPUT_LOCALE:
        return add_locale(writer, key);
    case INPUT_THREAD:
        return add_numbers(writer, key, 1, false);
    default:
        return add_numbers(writer, key, 1, true);
    }
}

/* Those that are shared, or the others. */
static bool add_inputs(struct writer *writer, const struct marshal_plan *plan, struct reader *key,
                       bool are_shared, const char *separator)
{
    bool is_good = true;

    for (uint32_t i = 0; i < plan->function->n_inputs && is_good; i++) {
        const struct config_input *input = &plan->function->inputs[i];

        if (input_is_shared(input) == are_shared) {
            add(writer, "%s%s=", separator, input->text);
            is_good = add_input(writer, input, key);
            separator = ", ";
        }
    }
    return is_good;
}

bool show_inputs(struct writer *writer, const struct marshal_plan *plan, struct reader *key)
{
    const char *separator = plan->n_parameters > 0 ? ", " : "";
    struct reader elsewhere, *shared = key;
    const unsigned char *at;
    struct bytes bytes;
    uint32_t number;

    if (plan->n_shared_inputs > 0) {
        at = take(key, sizeof(number));
        if (at == NULL) {
            return false;
        }
        memcpy(&number, at, sizeof(number));
        if (number != 0) {
            bytes = marshal_shared_inputs(plan, number);
            elsewhere = (struct reader){bytes.data, bytes.n_bytes};
            shared = &elsewhere;
        }
        if (!add_inputs(writer, plan, shared, true, separator)) {
            return false;
        }
        separator = ", ";
    }
    return add_inputs(writer, plan, key, false, separator);
}
