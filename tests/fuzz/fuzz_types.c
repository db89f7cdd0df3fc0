// SPDX-License-Identifier: MIT
/*
 * Any bytes as the declarations of `types` and, behind the last '@', a type that they may have
 * declared. Of what they declare every member lies within what it is a member of, aligned, and
 * behind the one before it; declaring all of it again changes nothing.
 */
#include "config/language.h"
#include "fuzz_text.h"

#include <stdlib.h>
#include <string.h>

static void check_layout(const struct ctype *type)
{
    uint64_t end = 0;

    FUZZ_CHECK(type->depth <= TYPE_MAX_DEPTH);
    FUZZ_CHECK(type->size_bytes <= TYPE_MAX_BYTES);
    if (type->kind == CTYPE_ARRAY) {
        FUZZ_CHECK(type->target->size_bytes > 0 && type->size_bytes > 0);
        FUZZ_CHECK(type->size_bytes % type->target->size_bytes == 0);
        check_layout(type->target);
    }
    if (!ctype_is_record(type)) {
        return;
    }
    FUZZ_CHECK(type->n_members > 0 && type->size_bytes > 0);
    FUZZ_CHECK(type->size_bytes % type->alignment_bytes == 0);
    for (uint32_t i = 0; i < type->n_members; i++) {
        const struct ctype_member *member = &type->members[i];

        FUZZ_CHECK(member->type->size_bytes > 0 && member->type->depth < type->depth);
        FUZZ_CHECK(member->offset_bytes % member->type->alignment_bytes == 0);
        FUZZ_CHECK(type->alignment_bytes % member->type->alignment_bytes == 0);
        FUZZ_CHECK(member->offset_bytes >= (type->kind == CTYPE_UNION ? 0 : end));
        FUZZ_CHECK(member->offset_bytes - end < 16 || type->kind == CTYPE_UNION);
        end = (uint64_t)member->offset_bytes + member->type->size_bytes;
        FUZZ_CHECK(end <= type->size_bytes);
        check_layout(member->type);
    }
}

/* As a string that stands in the configuration just so. */
static void make_string(struct value *value, const char *text)
{
    *value =
        (struct value){.kind = VALUE_STRING, .source = {text, {"fuzz", 1, 1}, text, strlen(text)}};
}

static void declare_twice(struct workspace *work, const char *text)
{
    struct value string, list = {.kind = VALUE_ARRAY, .first = &string, .n_children = 1};
    const char *at = strrchr(text, '@');
    const struct ctype *type, *again;

    make_string(&string, at != NULL ? work_copy_text(work, text, (size_t)(at - text)) : text);
    types_read(work, &list);
    FUZZ_CHECK(work->list->n_items <= 1);
    if (work->list->n_items > 0) {
        FUZZ_CHECK(work->list->items[0].column <= string.source.n_raw + 2);
        return;
    }
    make_string(&string, string.source.text);
    if (at != NULL) {
        struct source_text source = {at + 1, {"fuzz", 1, 1}, at + 1, strlen(at + 1)};

        type = prototype_parse_type(work, &source);
        FUZZ_CHECK((type == NULL) == (work->list->n_items == 1));
        if (type == NULL) {
            return;
        }
        check_layout(type);
        types_read(work, &list);
        again = prototype_parse_type(work, &source);
        FUZZ_CHECK(work->list->n_items > 0 || (again != NULL && ctype_equal(type, again)));
    } else {
        types_read(work, &list);
    }
    /* Only a type that was incomplete at first may now be known, where a body has its own name. */
    FUZZ_CHECK(work->list->n_items <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    fuzz_text(declare_twice, data, n_bytes);
    return 0;
}
