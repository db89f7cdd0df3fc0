// SPDX-License-Identifier: MIT
/*
 * Which keys and words there are, where they may stand, and whether this version does them. What
 * they mean is the business of those who read them.
 */
#include "config/language.h"

#include <string.h>

struct key_row {
    const char *name;
    unsigned places;
    enum key_state state;
};

/* Type and help of the table are for people: the schema has them. */
static const struct key_row key_rows[] = {
#define KEY(name, places, state, type, help) {name, places, state},
#include "config/keys.def"
#undef KEY
};

#define N_ROWS (sizeof(key_rows) / sizeof(key_rows[0]))

static const struct {
    enum word_set set;
    const char *word;
    enum key_state state;
    int number;
} words[] = {
#define WORD(set, word, state, number) {set, word, state, number},
#include "config/words.def"
#undef WORD
};

#define N_WORDS (sizeof(words) / sizeof(words[0]))

static const char *place_text(unsigned places)
{
    static const struct {
        unsigned places;
        const char *text;
    } texts[] = {
        {IN_POLICY, "in an entry of 'functions' or in 'defaults'"},
        {IN_TOP, "at the top of the file"},
        {IN_FUNCTION, "in an entry of 'functions'"},
        {IN_DEFAULTS, "in 'defaults'"},
        {IN_STATS, "in 'stats'"},
        {IN_DESCRIPTION, "in the description of an argument"},
        {IN_LIFETIME, "in a 'lifetime'"},
        {IN_INVALIDATE, "in 'invalidate'"},
        {IN_L2, "in 'l2'"},
        {IN_NEGATIVE, "in 'negative'"},
        {IN_STALE, "in 'stale_if_error'"},
        {IN_REFRESH, "in 'refresh'"},
        {IN_STATIC, "in a static 'lifetime'"},
        {IN_LIST, "beside 'list'"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if ((places & texts[i].places) == texts[i].places) {
            return texts[i].text;
        }
    }
    return NULL;
}

static void report_foreign_key(struct workspace *work, const struct value *member,
                               enum key_place place)
{
    const char *names[N_ROWS];
    size_t n_names = 0;

    for (size_t i = 0; i < N_ROWS; i++) {
        if (strcmp(key_rows[i].name, member->key) == 0) {
            REPORT(work->list, member->key_place, MISPLACED_KEY, member->key, place_text(place),
                   place_text(key_rows[i].places));
            return;
        }
    }
    /* What is near comes from all keys that may stand here, what is listed from those that work. */
    for (size_t i = 0; i < N_ROWS; i++) {
        if ((key_rows[i].places & place) != 0) {
            names[n_names++] = key_rows[i].name;
        }
    }
    if (words_nearest(member->key, names, n_names) == NULL) {
        n_names = 0;
        for (size_t i = 0; i < N_ROWS; i++) {
            if ((key_rows[i].places & place) != 0 && key_rows[i].state == NOW) {
                names[n_names++] = key_rows[i].name;
            }
        }
    }
    REPORT(work->list, member->key_place, UNKNOWN_KEY, member->key, place_text(place),
           words_hint(work, member->key, names, n_names));
}

static const struct key_row *find_row(const char *name, enum key_place place)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if ((key_rows[i].places & place) != 0 && strcmp(key_rows[i].name, name) == 0) {
            return &key_rows[i];
        }
    }
    return NULL;
}

bool keys_check(struct workspace *work, const struct value *object, enum key_place place)
{
    bool is_good = true;

    for (const struct value *member = object->first; member != NULL; member = member->next) {
        const struct key_row *row = find_row(member->key, place);

        if (row == NULL) {
            report_foreign_key(work, member, place);
            is_good = false;
        } else if (row->state == LATER) {
            REPORT(work->list, member->key_place, KEY_LATER, member->key);
            is_good = false;
        }
    }
    return is_good;
}

/* Returns how many: all of the set, or those of this version. */
static size_t list_words(enum word_set set, bool has_later, const char *ret_names[N_WORDS])
{
    size_t n_names = 0;

    for (size_t i = 0; i < N_WORDS; i++) {
        if (words[i].set == set && (has_later || words[i].state == NOW)) {
            ret_names[n_names++] = words[i].word;
        }
    }
    return n_names;
}

bool word_is_near(const char *text, enum word_set set)
{
    const char *names[N_WORDS];

    return words_nearest(text, names, list_words(set, true, names)) != NULL;
}

bool word_read(struct workspace *work, const struct value *value, enum word_set set, int *ret)
{
    const char *names[N_WORDS];
    size_t n_names;

    if (!value_expect(work, value, VALUE_STRING, "a word")) {
        return false;
    }
    for (size_t i = 0; i < N_WORDS; i++) {
        if (words[i].set != set || strcmp(words[i].word, value->source.text) != 0) {
            continue;
        }
        if (words[i].state == LATER) {
            REPORT(work->list, value->source.place, WORD_LATER, value_name(work, value),
                   value->source.text);
            return false;
        }
        *ret = words[i].number;
        return true;
    }
    n_names = list_words(set, word_is_near(value->source.text, set), names);
    REPORT(work->list, value->source.place, UNKNOWN_WORD, value_name(work, value),
           value->source.text, words_hint(work, value->source.text, names, n_names));
    return false;
}
