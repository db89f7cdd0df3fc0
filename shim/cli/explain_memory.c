// SPDX-License-Identifier: MIT
/*
 * What lies behind pointers, in words: the elements of memory and what they lead to, the fields of
 * each record that is met, and who owns what is handed out.
 */
#include "cli/facts.h"

/* "one double", "3 double", "'len' bytes", "'*n * 2' double". */
static const char *amount(const struct ctype *type, const struct config_count *count,
                          const char *count_text)
{
    const char *unit = type != NULL ? type->text : "bytes";

    if (count->n_steps == 0) {
        return type != NULL ? facts_format("one %s", unit) : "one byte";
    }
    if (count->n_steps == 1 && count->steps[0].kind == COUNT_NUMBER) {
        return facts_format("%s %s", count_text, unit);
    }
    return facts_format("'%s' %s", count_text, unit);
}

const char *facts_amount(const struct config_description *description)
{
    const char *all = amount(description->element, &description->count, description->count_text);

    return description->is_text ? facts_format("text, of at most %s", all) : all;
}

static const char *parameter_name(const struct facts *facts, uint32_t parameter)
{
    return facts->function->prototype.parameters[parameter].name;
}

/* ---- what a pointer leads to ----------------------------------------------------------------- */

/* Descriptions end: only fields lead in circles, and those are said by themselves. */
static const char *phrase_kind(const struct config_pointee *pointee)
{
    const char *target = pointee->target != NULL ? phrase_kind(pointee->target) : NULL;

    switch (pointee->kind) {
    case POINTEE_IGNORED:
        return "ignored";
    case POINTEE_ADDRESS:
        return pointee->lifetime.kind == LIFETIME_INTO ? "a place in an argument's memory"
                                                       : "the pointer itself";
    case POINTEE_TEXT:
        return "text";
    case POINTEE_LIST:
        return facts_format("a list that ends with NULL, each %s", target);
    default:
        target = target != NULL ? facts_format(", each to %s", target) : "";
        return facts_format("%s%s", amount(pointee->type, &pointee->count, pointee->count_text),
                            target);
    }
}

/* Who owns it, when that is not who owns what leads to it. */
static const char *phrase_owner(const struct facts *facts, const struct config_lifetime *lifetime)
{
    switch (lifetime->kind) {
    case LIFETIME_STATIC:
    case LIFETIME_STATIC_ARGUMENT:
    case LIFETIME_STATIC_GROUP:
        return " (static)";
    case LIFETIME_CALLER:
        return " (freed by the caller)";
    case LIFETIME_FREED_BY:
        return facts_format(" (freed by %s)", lifetime->freed_by);
    case LIFETIME_IMMORTAL:
        return " (it never goes)";
    case LIFETIME_INTO:
        return facts_format(" (in '%s')", parameter_name(facts, lifetime->parameter));
    case LIFETIME_STORAGE:
        return facts_format(" (in '%s')", parameter_name(facts, lifetime->parameter));
    default:
        return "";
    }
}

static const char *phrase_fields(const struct facts *facts, const struct config_fields *fields)
{
    const char *text = "";

    for (uint32_t i = 0; i < fields->n_fields; i++) {
        const struct config_field *field = &fields->fields[i];

        text = facts_format("%s%s%s is %s%s", text, i > 0 ? "; " : "", field->name,
                            phrase_kind(&field->pointee),
                            phrase_owner(facts, &field->pointee.lifetime));
    }
    return text;
}

/* ---- the records that are met ---------------------------------------------------------------- */

struct met {
    const struct config_fields *records[CONFIG_MAX_RECORDS];
    uint32_t n_records;
};

static bool is_new(struct met *met, const struct config_fields *fields)
{
    for (uint32_t i = 0; i < met->n_records; i++) {
        if (met->records[i] == fields) {
            return false;
        }
    }
    if (met->n_records == CONFIG_MAX_RECORDS) {
        return false;
    }
    met->records[met->n_records++] = fields;
    return true;
}

static void add_records(struct facts *facts, const char *about,
                        const struct config_pointee *pointee, bool is_read, struct met *met)
{
    for (; pointee != NULL; pointee = pointee->target) {
        const struct config_fields *fields = pointee->fields;

        if (fields == NULL || !is_new(met, fields)) {
            continue;
        }
        if (is_read) {
            ADD_FACT(facts, fields_read, about, fields->record->text, phrase_fields(facts, fields));
        } else {
            ADD_FACT(facts, fields_given, about, fields->record->text,
                     phrase_fields(facts, fields));
        }
        for (uint32_t i = 0; i < fields->n_fields; i++) {
            add_records(facts, about, &fields->fields[i].pointee, is_read, met);
        }
    }
}

void facts_add_reads(struct facts *facts, const char *about, const struct config_pointee *reads)
{
    struct met met = {.n_records = 0};

    if (reads == NULL) {
        return;
    }
    if (reads->kind == POINTEE_LIST) {
        ADD_FACT(facts, list_read, about, phrase_kind(reads->target));
    } else if (reads->target != NULL) {
        ADD_FACT(facts, targets_read, about, phrase_kind(reads->target));
    }
    add_records(facts, about, reads, true, &met);
}

/* ---- who owns what is handed out ------------------------------------------------------------- */

static void add_lifetime(struct facts *facts, const char *about,
                         const struct config_lifetime *lifetime)
{
    const char *parameter = parameter_name(facts, lifetime->parameter);

    switch (lifetime->kind) {
    case LIFETIME_STATIC:
        ADD_FACT(facts, owned_static, about, facts->function->symbol);
        break;
    case LIFETIME_STATIC_ARGUMENT:
        ADD_FACT(facts, owned_argument, about, parameter);
        break;
    case LIFETIME_STATIC_GROUP:
        ADD_FACT(facts, owned_group, about, lifetime->group);
        break;
    case LIFETIME_INTO:
        ADD_FACT(facts, owned_into, about, parameter);
        break;
    case LIFETIME_CALLER:
        ADD_FACT(facts, owned_caller, about, NULL);
        break;
    case LIFETIME_FREED_BY:
        ADD_FACT(facts, owned_freed_by, about, lifetime->freed_by);
        break;
    case LIFETIME_IMMORTAL:
        ADD_FACT(facts, owned_immortal, about, NULL);
        break;
    case LIFETIME_STORAGE:
        ADD_FACT(facts, owned_storage, about, parameter,
                 parameter_name(facts, lifetime->size_parameter));
        break;
    default:
        break;
    }
}

static void add_targets(struct facts *facts, const char *about, const struct config_pointee *target)
{
    if (target->kind != POINTEE_ADDRESS) {
        ADD_FACT(facts, targets_given, about, phrase_kind(target));
    } else if (target->lifetime.kind != LIFETIME_INTO) {
        ADD_FACT(facts, targets_same, about, NULL);
    }
    add_lifetime(facts, about, &target->lifetime);
}

void facts_add_writes(struct facts *facts, const char *about,
                      const struct config_description *description)
{
    const struct config_pointee *writes = description->writes;
    struct met met = {.n_records = 0};

    if (writes != NULL && writes->target != NULL && writes->kind == POINTEE_ELEMENTS) {
        add_targets(facts, about, writes->target);
    }
    add_lifetime(facts, about, &description->lifetime);
    add_records(facts, about, writes, false, &met);
    for (uint32_t i = 0; writes != NULL && writes->fields != NULL && i < writes->fields->n_fields;
         i++) {
        const struct config_lifetime *lifetime = &writes->fields->fields[i].pointee.lifetime;

        if (lifetime->kind == LIFETIME_STORAGE) {
            add_lifetime(facts, about, lifetime); /* of all of them: there is one buffer */
            break;
        }
    }
    if (description->when.n_comparisons > 0) {
        ADD_FACT(facts, given_when, about, description->when.text);
    }
    if (description->is_secret) {
        ADD_FACT(facts, secret_given, about, NULL);
    }
}

const char *facts_result_memory(const struct config_description *result)
{
    return phrase_kind(result->writes);
}
