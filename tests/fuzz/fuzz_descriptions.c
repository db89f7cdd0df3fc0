// SPDX-License-Identifier: MIT
/*
 * Bytes as descriptions (describe.c), through the real config_load. What it takes must hold
 * together: counts and lifetimes name what is there, fields lie in their record, and what is handed
 * out has an owner. What it refuses it must explain, each thing once. FUZZ_SHOW prints the text.
 */
#include "config/shape.h"
#include "describe.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

struct check {
    const struct config_function *function;
    const struct config_fields *seen[CONFIG_MAX_RECORDS];
    uint32_t n_seen;
};

static void check_count(const struct check *check, const struct config_count *count,
                        const struct ctype *record, bool is_written)
{
    unsigned n_stacked = 0;

    FUZZ_CHECK(count->n_steps <= CONFIG_COUNT_MAX_STEPS);
    for (uint32_t i = 0; i < count->n_steps; i++) {
        const struct count_step *step = &count->steps[i];

        switch (step->kind) {
        case COUNT_PARAMETER:
        case COUNT_POINTEE:
            FUZZ_CHECK(step->parameter < check->function->prototype.n_parameters);
            n_stacked++;
            break;
        case COUNT_MEMBER:
            FUZZ_CHECK(record != NULL && ctype_is_integer(step->member));
            FUZZ_CHECK(step->offset_bytes + step->member->size_bytes <= record->size_bytes);
            n_stacked++;
            break;
        case COUNT_RETURN:
            FUZZ_CHECK(is_written && ctype_is_integer(check->function->prototype.result));
            n_stacked++;
            break;
        case COUNT_NUMBER:
            n_stacked++;
            break;
        case COUNT_OR_STRING:
            FUZZ_CHECK(i + 1 == count->n_steps && n_stacked == 1);
            break;
        default:
            FUZZ_CHECK(n_stacked >= 2);
            n_stacked--;
            break;
        }
    }
    FUZZ_CHECK(count->n_steps == 0 || n_stacked == 1);
}

static void check_lifetime(const struct check *check, const struct config_lifetime *lifetime)
{
    const struct prototype *prototype = &check->function->prototype;
    const struct config_description *parameters = check->function->parameters;

    switch (lifetime->kind) {
    case LIFETIME_STORAGE:
        FUZZ_CHECK(lifetime->size_parameter < prototype->n_parameters);
        FUZZ_CHECK(parameters[lifetime->parameter].kind == DESCRIBE_STORAGE);
        FUZZ_CHECK(parameters[lifetime->size_parameter].kind == DESCRIBE_IGNORE);
        break;
    case LIFETIME_STATIC_ARGUMENT:
    case LIFETIME_INTO:
        FUZZ_CHECK(lifetime->parameter < prototype->n_parameters);
        break;
    case LIFETIME_FREED_BY:
        FUZZ_CHECK(lifetime->freed_by != NULL);
        FUZZ_CHECK(lifetime->freeing.name == NULL ||
                   lifetime->freeing_parameter < lifetime->freeing.n_parameters);
        break;
    case LIFETIME_STATIC_GROUP:
        FUZZ_CHECK(lifetime->group != NULL);
        break;
    default:
        break;
    }
}

/* is_owned: it is handed out, so that somebody must own it. */
static void check_pointee(struct check *check, const struct config_pointee *pointee,
                          const struct ctype *record, bool is_written, bool is_owned);

static void check_fields(struct check *check, const struct config_fields *fields, bool is_written)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < check->n_seen; i++) {
        if (check->seen[i] == fields) {
            return;
        }
    }
    FUZZ_CHECK(check->n_seen < CONFIG_MAX_RECORDS);
    check->seen[check->n_seen++] = fields;
    FUZZ_CHECK(fields->n_fields > 0 && fields->n_fields <= FIELDS_MAX);
    for (uint32_t i = 0; i < fields->n_fields; i++) {
        const struct config_field *field = &fields->fields[i];

        FUZZ_CHECK(field->name != NULL && field->offset_bytes >= end);
        end = (uint64_t)field->offset_bytes + field->size_bytes;
        FUZZ_CHECK(end <= fields->record->size_bytes);
        FUZZ_CHECK(field->pointee.kind == POINTEE_IGNORED || field->size_bytes == sizeof(void *));
        check_pointee(check, &field->pointee, fields->record, is_written, true);
    }
}

static void check_pointee(struct check *check, const struct config_pointee *pointee,
                          const struct ctype *record, bool is_written, bool is_owned)
{
    FUZZ_CHECK(!is_written || pointee->kind != POINTEE_IGNORED);
    FUZZ_CHECK(is_written || pointee->lifetime.kind == LIFETIME_NONE);
    check_lifetime(check, &pointee->lifetime);
    check_count(check, &pointee->count, record, is_written);
    switch (pointee->kind) {
    case POINTEE_TEXT:
        FUZZ_CHECK(pointee->element_size == 1 || pointee->element_size == 2 ||
                   pointee->element_size == 4);
        break;
    case POINTEE_LIST:
        FUZZ_CHECK(pointee->target != NULL && pointee->count.n_steps == 0);
        break;
    case POINTEE_ELEMENTS:
        FUZZ_CHECK(pointee->element_size >= 1);
        FUZZ_CHECK(pointee->target == NULL || pointee->fields == NULL);
        FUZZ_CHECK(pointee->fields == NULL ||
                   pointee->fields->record->size_bytes == pointee->element_size);
        break;
    default:
        return;
    }
    FUZZ_CHECK(!is_written || !is_owned || pointee->lifetime.kind != LIFETIME_NONE);
    if (pointee->target != NULL) {
        check_pointee(check, pointee->target, record, is_written, true);
    }
    if (pointee->fields != NULL) {
        check_fields(check, pointee->fields, is_written);
    }
}

static void check_description(const struct config_function *function,
                              const struct config_description *description, bool is_result)
{
    struct check read = {.function = function}, written = {.function = function};

    FUZZ_CHECK(description->n_alternatives <= CONFIG_MAX_ALTERNATIVES);
    FUZZ_CHECK((description->kind == DESCRIBE_ALTERNATIVES) == (description->n_alternatives > 0));
    for (uint32_t i = 0; i < description->n_alternatives; i++) {
        FUZZ_CHECK(description->alternatives[i].n_alternatives == 0);
        check_description(function, &description->alternatives[i], is_result);
    }
    FUZZ_CHECK((description->kind == DESCRIBE_VIA) == (description->accessor != NULL));
    FUZZ_CHECK(!description->is_secret || !description->is_in || function->has_secret);
    FUZZ_CHECK(!description->is_secret || !description->is_out || function->has_secret_out);
    FUZZ_CHECK(description->when.n_comparisons == 0 || description->is_out);
    check_lifetime(&read, &description->lifetime);
    check_count(&read, &description->count, NULL, description->is_out);
    if (description->reads != NULL) {
        FUZZ_CHECK(description->is_in);
        check_pointee(&read, description->reads, NULL, false, false);
    }
    if (description->writes != NULL) {
        FUZZ_CHECK(description->is_out);
        check_pointee(&written, description->writes, NULL, true,
                      is_result && description->kind == DESCRIBE_MEMORY);
    }
    FUZZ_CHECK(!is_result || description->kind != DESCRIBE_MEMORY || description->writes != NULL);
}

static int count_lifetime(const struct config_lifetime *lifetime,
                          const struct config_pointee *pointee, void *context)
{
    unsigned *n_lifetimes = context;

    FUZZ_CHECK(lifetime->kind != LIFETIME_NONE);
    ++*n_lifetimes;
    return 0;
}

static void check_function(const struct config_function *function)
{
    unsigned n_lifetimes = 0;

    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        const struct config_description *description = &function->parameters[i];

        check_description(function, description, false);
        FUZZ_CHECK(description->kind == DESCRIBE_ALTERNATIVES ||
                   function->prototype.parameters[i].type->kind != CTYPE_POINTER ||
                   description->kind != DESCRIBE_VALUE);
    }
    check_description(function, &function->result, true);
    FUZZ_CHECK(config_each_lifetime(function, count_lifetime, &n_lifetimes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static struct diagnostic_list list;
    static bool is_held;
    struct fuzz_memory blocks = {NULL, 0};
    struct config_memory memory = {fuzz_memory_alloc, &blocks};
    struct config_model model;
    const char *reason, *text;
    int result;

    if (!is_held) {
        FUZZ_CHECK(parser_acquire(&reason) == 0);
        is_held = true;
    }
    text = describe(data, n_bytes);
    if (getenv("FUZZ_SHOW") != NULL) {
        printf("%s\n", text);
    }
    diagnostics_init(&list, memory);
    result = config_load("fuzz", text, strlen(text), memory, &model, &list);
    FUZZ_CHECK((result == 0) == (list.n_items == 0));
    for (uint32_t i = 0; i < list.n_items; i++) {
        FUZZ_CHECK(list.items[i].text[0] != '\0');
        for (uint32_t k = 0; k < i; k++) {
            FUZZ_CHECK(list.items[i].line != list.items[k].line ||
                       list.items[i].column != list.items[k].column ||
                       strcmp(list.items[i].text, list.items[k].text) != 0);
        }
    }
    if (result == 0) {
        check_function(&model.functions[0]);
    }
    fuzz_memory_free(&blocks);
    return 0;
}
