// SPDX-License-Identifier: MIT
/*
 * Walks through everything that a function's descriptions say of memory it hands out. Descriptions
 * of records lead to one another, and back: each record's fields are walked through once.
 */
#include "config/config.h"

#include <errno.h>

struct walk {
    config_visit_lifetime_fn visit;
    void *context;
    const struct config_fields *seen[CONFIG_MAX_RECORDS];
    uint32_t n_seen;
};

static int walk_pointee(struct walk *walk, const struct config_pointee *pointee);

static int walk_fields(struct walk *walk, const struct config_fields *fields)
{
    int answer = 0;

    for (uint32_t i = 0; i < walk->n_seen; i++) {
        if (walk->seen[i] == fields) {
            return 0;
        }
    }
    if (walk->n_seen == CONFIG_MAX_RECORDS) {
        return -E2BIG;
    }
    walk->seen[walk->n_seen++] = fields;
    for (uint32_t i = 0; i < fields->n_fields && answer == 0; i++) {
        answer = walk_pointee(walk, &fields->fields[i].pointee);
    }
    return answer;
}

static int walk_pointee(struct walk *walk, const struct config_pointee *pointee)
{
    int answer = 0;

    /* A list of lists has a target in each; what is described ends. */
    for (; pointee != NULL && answer == 0; pointee = pointee->target) {
        if (pointee->lifetime.kind != LIFETIME_NONE) {
            answer = walk->visit(&pointee->lifetime, pointee, walk->context);
        }
        if (answer == 0 && pointee->fields != NULL) {
            answer = walk_fields(walk, pointee->fields);
        }
    }
    return answer;
}

static int walk_description(struct walk *walk, const struct config_description *description)
{
    int answer = 0;

    for (uint32_t i = 0; i < description->n_alternatives && answer == 0; i++) {
        answer = walk_description(walk, &description->alternatives[i]);
    }
    if (answer == 0 && description->lifetime.kind != LIFETIME_NONE) {
        answer = walk->visit(&description->lifetime, description->writes, walk->context);
    }
    return answer == 0 ? walk_pointee(walk, description->writes) : answer;
}

int config_each_lifetime(const struct config_function *function, config_visit_lifetime_fn visit,
                         void *context)
{
    struct walk walk = {.visit = visit, .context = context};
    int answer = walk_description(&walk, &function->result);

    for (uint32_t i = 0; i < function->prototype.n_parameters && answer == 0; i++) {
        answer = walk_description(&walk, &function->parameters[i]);
    }
    for (uint32_t i = 0; i < function->n_globals && answer == 0; i++) {
        answer = walk_description(&walk, &function->globals[i].description);
    }
    return answer;
}
