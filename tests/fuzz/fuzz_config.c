// SPDX-License-Identifier: MIT
/*
 * Any bytes as a configuration, through the real config_load. What it refuses it must explain;
 * what it takes must hold together. The JSON parser's library stays loaded between inputs.
 */
#include "config/value.h"
#include "fuzz.h"

#include <stdlib.h>

static void check_model(const struct config_model *model)
{
    for (uint32_t i = 0; i < model->n_functions; i++) {
        const struct config_function *f = &model->functions[i];

        FUZZ_CHECK(f->max_entries >= 1 && f->max_bytes >= 1);
        FUZZ_CHECK(f->prototype.n_parameters <= PROTOTYPE_MAX_PARAMETERS);
        for (uint32_t j = 0; j < f->prototype.n_parameters; j++) {
            const struct config_description *d = &f->parameters[j];
            const struct ctype *type = f->prototype.parameters[j].type;

            FUZZ_CHECK(f->prototype.parameters[j].name != NULL);
            FUZZ_CHECK(type->kind != CTYPE_OPAQUE && type->kind != CTYPE_VOID);
            FUZZ_CHECK(type->kind == CTYPE_POINTER
                           ? d->kind != DESCRIBE_VALUE
                           : d->kind == DESCRIBE_VALUE || d->kind == DESCRIBE_IGNORE ||
                                 d->kind == DESCRIBE_ALTERNATIVES);
            FUZZ_CHECK(d->kind != DESCRIBE_MEMORY ||
                       (d->element_size >= 1 && (d->is_in || d->is_out)));
            FUZZ_CHECK(!d->is_out || !type->target->is_const);
            FUZZ_CHECK(d->count.n_steps <= CONFIG_COUNT_MAX_STEPS);
            FUZZ_CHECK(!d->is_secret || !d->is_in || f->has_secret);
        }
        FUZZ_CHECK(f->result.lifetime.kind != LIFETIME_INTO ||
                   f->result.lifetime.parameter < f->prototype.n_parameters);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static struct diagnostic_list list;
    static char output[4096];
    struct fuzz_memory blocks = {NULL, 0};
    struct config_memory memory = {fuzz_memory_alloc, &blocks};
    struct config_model model;
    static bool is_held;
    const char *reason;
    int result;

    if (!is_held) {
        FUZZ_CHECK(parser_acquire(&reason) == 0);
        is_held = true;
    }
    diagnostics_init(&list, memory);
    result = config_load("fuzz", (const char *)data, n_bytes, memory, &model, &list);
    FUZZ_CHECK((result == 0) == (list.n_items == 0));
    diagnostics_print(&list, output, sizeof(output));
    for (uint32_t i = 0; i < list.n_items; i++) {
        FUZZ_CHECK(list.items[i].text[0] != '\0');
        FUZZ_CHECK(list.items[i].line <= n_bytes + 1 && list.items[i].column <= n_bytes + 1);
    }
    if (result == 0) {
        check_model(&model);
    }
    fuzz_memory_free(&blocks);
    return 0;
}
