// SPDX-License-Identifier: MIT
/*
 * Loads a configuration: the order of the steps, and the only use of cJSON. cJSON is loaded into a
 * link namespace of its own while a text is read, so that it neither sees nor serves a cJSON_* of
 * the program; what it allocates comes from the caller's memory. It decodes strings and gives the
 * tree; positions and numbers as written come from the scanner, which reads the text first and
 * walks in step with cJSON's tree here.
 */
#include "config/language.h"
#include "config/value.h"

#include <cjson/cJSON.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* A libc that lacks it must still load us, if only to find nothing to do: base/foreign_libc.h. */
#pragma weak dlmopen

/* ---- the parser ------------------------------------------------------------------------------ */

/* Written by config_load's callers one at a time, as the header demands of them. */
static struct {
    unsigned n_holders;
    void *handle;
    void (*init_hooks)(cJSON_Hooks *hooks);
    cJSON *(*parse)(const char *text, size_t n_bytes);
    struct config_memory memory; /* of the load in progress: what the hooks take from */
    bool is_refused_memory;      /* set by a hook */
} parser;

static void *parser_allocate(size_t n_bytes)
{
    void *block = parser.memory.alloc(parser.memory.context, n_bytes);

    parser.is_refused_memory |= block == NULL;
    return block;
}

/* The tree goes with the caller's memory as a whole. */
static void parser_free(void *block)
{
}

int parser_acquire(const char **reterr)
{
    cJSON_Hooks hooks = {parser_allocate, parser_free};
    const char *reason;

    if (parser.n_holders > 0) {
        parser.n_holders++;
        return 0;
    }
    parser.handle = dlmopen(LM_ID_NEWLM, "libcjson.so.1", RTLD_NOW | RTLD_LOCAL);
    if (parser.handle == NULL) {
        reason = dlerror();
        *reterr = reason != NULL ? reason : "libcjson.so.1";
        return -ENOENT;
    }
    *(void **)&parser.init_hooks = dlsym(parser.handle, "cJSON_InitHooks");
    *(void **)&parser.parse = dlsym(parser.handle, "cJSON_ParseWithLength");
    if (parser.init_hooks == NULL || parser.parse == NULL) {
        dlclose(parser.handle);
        *reterr = "libcjson.so.1 is older than 1.7.13";
        return -ENOENT;
    }
    parser.init_hooks(&hooks);
    parser.n_holders = 1;
    return 0;
}

void parser_release(void)
{
    parser.n_holders--;
    if (parser.n_holders == 0) {
        dlclose(parser.handle);
        parser.handle = NULL;
    }
}

/* ---- the tree -------------------------------------------------------------------------------- */

struct builder {
    struct workspace *work;
    const char *file;
    const char *text;
    const struct place *fixed;
    const struct scan_token *tokens;
    uint32_t n_tokens;
    uint32_t at; /* the token that the next key or value of cJSON's tree must be */
};

static bool kinds_agree(const cJSON *item, enum value_kind kind)
{
    switch (item->type & 0xff) {
    case cJSON_NULL:
        return kind == VALUE_NULL;
    case cJSON_False:
    case cJSON_True:
        return kind == VALUE_BOOL;
    case cJSON_Number:
        return kind == VALUE_NUMBER;
    case cJSON_String:
        return kind == VALUE_STRING;
    case cJSON_Array:
        return kind == VALUE_ARRAY;
    case cJSON_Object:
        return kind == VALUE_OBJECT;
    default:
        return false;
    }
}

static struct place token_place(const struct builder *builder, const struct scan_token *token)
{
    return builder->fixed != NULL ? *builder->fixed
                                  : (struct place){builder->file, token->line, token->column};
}

/* NULL if cJSON read something else than the scanner did. */
static struct value *build_value(struct builder *builder, const cJSON *item)
{
    struct value *value = work_alloc(builder->work, sizeof(*value));
    const struct value **link = &value->first;
    const struct scan_token *token;

    if (item->string != NULL) {
        if (builder->at == builder->n_tokens || !builder->tokens[builder->at].is_key) {
            return NULL;
        }
        value->key = item->string;
        value->key_place = token_place(builder, &builder->tokens[builder->at++]);
    }
    if (builder->at == builder->n_tokens) {
        return NULL;
    }
    token = &builder->tokens[builder->at++];
    if (token->is_key || !kinds_agree(item, token->kind)) {
        return NULL;
    }
    value->kind = token->kind;
    value->is_true = (item->type & 0xff) == cJSON_True;
    value->source.place = token_place(builder, token);
    if (value->key == NULL) {
        value->key_place = value->source.place;
    }
    if (value->kind == VALUE_STRING) {
        value->source.text = item->valuestring;
        if (builder->fixed == NULL) {
            value->source.raw = builder->text + token->offset + 1;
            value->source.n_raw = token->n_bytes - 2;
        }
    } else {
        value->source.text =
            work_copy_text(builder->work, builder->text + token->offset, token->n_bytes);
    }
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        struct value *built = build_value(builder, child);

        if (built == NULL) {
            return NULL;
        }
        *link = built;
        link = &built->next;
        value->n_children++;
    }
    if (value->kind == VALUE_OBJECT) {
        value_report_duplicates(builder->work, value);
    }
    return value;
}

int value_read(struct workspace *work, const char *file, const char *text, size_t n_bytes,
               const struct place *fixed, const struct value **ret_root)
{
    struct builder builder = {.work = work, .file = file, .fixed = fixed};
    struct scan_token *tokens;
    const cJSON *item;
    struct value *root;

    if (scan_text(file, text, n_bytes, NULL, &builder.n_tokens, work->list) < 0) {
        return -EINVAL;
    }
    tokens = work_alloc(work, builder.n_tokens * sizeof(*tokens));
    scan_text(file, text, n_bytes, tokens, &builder.n_tokens, work->list);
    builder.tokens = tokens;
    builder.text = text;
    parser.memory = work->memory;
    parser.is_refused_memory = false;
    item = parser.parse(text, n_bytes);
    if (parser.is_refused_memory) {
        longjmp(work->on_no_memory, 1);
    }
    root = item != NULL ? build_value(&builder, item) : NULL;
    if (root == NULL || builder.at != builder.n_tokens) {
        /* Cannot happen with the scanner as it is; without a tree there is nothing to go on with.
         */
        REPORT(work->list, ((struct place){file, 0, 0}), PARSER_DISAGREES);
        return -EINVAL;
    }
    *ret_root = root;
    return 0;
}

/* ---- the entry point ------------------------------------------------------------------------- */

static int load_model(struct workspace *work, const char *file, const char *text, size_t n_bytes,
                      struct config_model *ret_model)
{
    uint32_t n_before = work->list->n_items;
    struct config_model model = {.file = work_copy_text(work, file, strlen(file))};
    const struct value *root;
    int result = value_read(work, model.file, text, n_bytes, NULL, &root);

    if (result < 0) {
        return result;
    }
    model_read(work, root, &model);
    if (work->list->n_items > n_before) {
        return -EINVAL;
    }
    *ret_model = model;
    return 0;
}

int config_load(const char *file, const char *text, size_t n_bytes, struct config_memory memory,
                struct config_model *ret_model, struct diagnostic_list *reterr)
{
    struct workspace work = {.memory = memory, .list = reterr};
    const char *reason;
    int result;

    if (parser_acquire(&reason) < 0) {
        REPORT(reterr, ((struct place){file, 0, 0}), NO_PARSER, reason);
        return -ENOENT;
    }
    if (setjmp(work.on_no_memory) == 0) {
        result = load_model(&work, file, text, n_bytes, ret_model);
    } else {
        REPORT(reterr, ((struct place){file, 0, 0}), NO_MEMORY);
        result = -ENOMEM;
    }
    parser_release();
    return result;
}
