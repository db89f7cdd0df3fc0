// SPDX-License-Identifier: MIT
/*
 * Collects the functions that lifetimes name as those that free, and how each is called: as the
 * configuration says, or with the block alone. Lifetimes of several functions may name one.
 */
#include "hook/freeing.h"
#include "process.h"

#include <errno.h>
#include <string.h>

static struct freeing_name *names;
static size_t n_names;

/* What a function takes and gives of which only the name is known. */
static const struct ctype word = {
    .kind = CTYPE_UNSIGNED, .size_bytes = 8, .alignment_bytes = 8, .text = "uintptr_t"};
static const struct prototype_parameter one_word[] = {{"block", &word}};

struct freeing_name *freeing_find_name(const char *symbol)
{
    for (size_t i = 0; i < n_names; i++) {
        if (strcmp(names[i].symbol, symbol) == 0) {
            return &names[i];
        }
    }
    return NULL;
}

static unsigned pointer_depth(const struct ctype *type)
{
    unsigned depth = 0;

    for (; type != NULL && type->kind == CTYPE_POINTER; type = type->target) {
        depth++;
    }
    return depth;
}

/* Of the pointer to such a block. */
static unsigned block_depth(const struct config_pointee *pointee)
{
    if (pointee == NULL || pointee->kind == POINTEE_TEXT) {
        return 1;
    }
    return 1 +
           (pointee->target != NULL ? block_depth(pointee->target) : pointer_depth(pointee->type));
}

/* Pointers that both lead to are owned by the same. */
static bool is_alike(const struct config_pointee *a, const struct config_pointee *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind || a->target != NULL || b->target != NULL ||
        a->fields == NULL || b->fields == NULL || a->fields->n_fields != b->fields->n_fields) {
        return false;
    }
    for (uint32_t i = 0; i < a->fields->n_fields; i++) {
        const struct config_field *x = &a->fields->fields[i], *y = &b->fields->fields[i];

        if (x->offset_bytes != y->offset_bytes ||
            x->pointee.lifetime.kind != y->pointee.lifetime.kind) {
            return false;
        }
    }
    return true;
}

static bool is_same_call(const struct freeing_name *name, const struct prototype *prototype,
                         uint32_t at, bool is_indirect)
{
    bool is_same = name->prototype.n_parameters == prototype->n_parameters && name->at == at &&
                   name->is_indirect == is_indirect;

    for (uint32_t i = 0; is_same && i < prototype->n_parameters; i++) {
        const struct ctype *a = name->prototype.parameters[i].type;
        const struct ctype *b = prototype->parameters[i].type;

        is_same = a->kind == b->kind && a->size_bytes == b->size_bytes;
    }
    return is_same;
}

static const char *judge_name(const char *symbol, const struct prototype *prototype)
{
    const char *denied = interpose_denied(symbol);

    if (strcmp(symbol, "free") == 0) {
        return "what free frees has the lifetime \"caller\"";
    }
    if (denied != NULL) {
        return hook_compose("its results are freed by ", symbol,
                            ", which cannot be hooked: ", denied);
    }
    for (uint32_t i = 0; i < process.model.n_functions; i++) {
        if (strcmp(process.model.functions[i].symbol, symbol) == 0) {
            return hook_compose("its results are freed by ", symbol, ", which is memoized itself",
                                "");
        }
    }
    if (prototype->result->kind != CTYPE_VOID && prototype->result != &word) {
        return hook_compose("its results are freed by ", symbol,
                            ", whose own result memoshim cannot know", "");
    }
    return NULL;
}

static int add_name(const struct config_lifetime *lifetime, const struct prototype *prototype,
                    bool is_indirect, const struct config_pointee *pointee)
{
    const char *symbol = lifetime->freed_by;
    struct freeing_name *name = &names[n_names++];
    struct abi_call *abi = NULL;
    int error;

    *name = (struct freeing_name){
        .symbol = symbol,
        .prototype = *prototype,
        .at = lifetime->freeing_parameter,
        .is_indirect = is_indirect,
        .as = pointee,
        .are_alike = true,
        .problem = judge_name(symbol, prototype),
        .unknown =
            hook_compose("no loaded object defines ", symbol, " yet, which frees its results", ""),
        .unused = hook_compose("no loaded object imports ", symbol,
                               ", which frees its results; only dlsym reaches it", ""),
        .unseen = hook_compose("some calls of ", symbol,
                               ", which frees its results, are not seen, so it is bypassed", ""),
    };
    error = abi_call_create(&name->prototype, &process.arena, &abi);
    if (error == -ENOTSUP && name->problem == NULL) {
        name->problem = "what frees its results has a type that libffi cannot pass";
    }
    name->abi = abi;
    return name->unknown == NULL || name->unused == NULL || name->unseen == NULL || error == -ENOMEM
               ? -ENOMEM
               : 0;
}

/* A config_visit_lifetime_fn: takes note of the function that a lifetime names. */
static int note_name(const struct config_lifetime *lifetime, const struct config_pointee *pointee,
                     void *context)
{
    struct prototype prototype = lifetime->freeing;
    const struct ctype *type;
    struct freeing_name *name;
    bool is_indirect;

    if (lifetime->kind != LIFETIME_FREED_BY) {
        return 0;
    }
    if (prototype.name == NULL) {
        prototype = (struct prototype){lifetime->freed_by, &word, one_word, 1};
    } else if (prototype.result == NULL) {
        prototype.result = &word;
    }
    type = prototype.parameters[lifetime->freeing_parameter].type;
    is_indirect = pointer_depth(type) == block_depth(pointee) + 1;
    name = freeing_find_name(lifetime->freed_by);
    if (name == NULL) {
        return n_names == MAX_FREEING ? -E2BIG
                                      : add_name(lifetime, &prototype, is_indirect, pointee);
    }
    name->are_alike = name->are_alike && is_alike(name->as, pointee);
    if (!is_same_call(name, &prototype, lifetime->freeing_parameter, is_indirect) &&
        name->problem == NULL) {
        name->problem = hook_compose("what frees its results, ", name->symbol,
                                     ", is described in two ways", "");
    }
    return 0;
}

int freeing_collect_names(struct freeing_name **ret_names, size_t *ret_n_names)
{
    names = arena_alloc(&process.arena, MAX_FREEING * sizeof(*names));
    if (names == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < process.model.n_functions; i++) {
        const struct config_function *function = &process.model.functions[i];

        if (settings_mode(function) != CONFIG_MODE_OFF &&
            config_each_lifetime(function, note_name, NULL) == -ENOMEM) {
            return -ENOMEM;
        }
    }
    *ret_names = names;
    *ret_n_names = n_names;
    return 0;
}
