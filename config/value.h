// SPDX-License-Identifier: MIT
/*
 * Internal to config: the JSON document as values that know where they were written. scan.c checks
 * the text and finds the positions, load.c decodes it with cJSON, value.c looks things up.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/diag.h"

#define CONFIG_TEXT_MAX_BYTES (1024 * 1024)
#define SCAN_MAX_DEPTH        32
#define SCAN_MAX_VALUES       65536 /* keys count too; bounds what a 1 MiB text costs in memory */
#define SCAN_MAX_NUMBER_BYTES 60    /* cJSON reads at most 63 characters of a number */

enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT
};

/* One key or value of the text, in the order of the text. */
struct scan_token {
    enum value_kind kind;
    bool is_key; /* then kind is VALUE_STRING */
    uint32_t line, column;
    uint32_t offset, n_bytes; /* of the literal; of arrays and objects only the bracket */
};

/*
 * Checks that text is strictly JSON, as RFC 8259 writes it, with the bounds above, valid UTF-8, no
 * NUL and no lone surrogate in strings. Fills tokens (NULL: only counts) and *ret_n_tokens.
 * 0, or -EINVAL with one item in list.
 */
int scan_text(const char *file, const char *text, size_t n_bytes, struct scan_token *tokens,
              uint32_t *ret_n_tokens, struct diagnostic_list *list);

/* One value; a member of an object has a key. Immutable once built. */
struct value {
    enum value_kind kind;
    bool is_true;              /* of VALUE_BOOL */
    const char *key;           /* decoded, or NULL */
    struct place key_place;    /* of the key's opening quote; without key: that of the value */
    struct source_text source; /* string: decoded; number, true, false, null: as written */
    const struct value *first; /* children of an array or object, in the order of the text */
    const struct value *next;
    uint32_t n_children;
};

/*
 * Reads text into a tree (load.c). With a fixed place, every value stands there: the text is not
 * the user's. The caller holds the parser. Returns 0, -EINVAL with items in work->list if the text
 * is not JSON; a tree with duplicate keys is built, and they are reported.
 */
int value_read(struct workspace *work, const char *file, const char *text, size_t n_bytes,
               const struct place *fixed, const struct value **ret_root);

/*
 * Brings the JSON parser into the process and lets it go; counted. A caller that loads often (a
 * fuzzer) holds it across loads. 0, or -ENOENT with the reason in *reterr.
 */
int parser_acquire(const char **reterr);
void parser_release(void);

/* ---- value.c --------------------------------------------------------------------------------- */

/* The member of this name, or NULL; NULL too if object is NULL or no object. */
const struct value *value_find(const struct value *object, const char *key);

/* "a string", "an object" ... for messages. */
const char *value_kind_text(const struct value *value);

/* Reports each key that stands twice in this object. */
void value_report_duplicates(struct workspace *work, const struct value *object);

/* True if value is of this kind; else reports that WHAT ("'ttl'") must be WANTED ("a string"). */
bool value_expect(struct workspace *work, const struct value *value, enum value_kind kind,
                  const char *wanted);

/* How a value is called in messages: its key in quotes, or "this value". */
const char *value_name(struct workspace *work, const struct value *value);

#endif
