// SPDX-License-Identifier: MIT
/* A function put together by hand, and its plan, for the tests of marshal. */
#ifndef TESTS_MARSHAL_SUBJECT_H
#define TESTS_MARSHAL_SUBJECT_H

#include "marshal/marshal.h"
#include "types.h"

struct subject {
    struct arena arena;
    struct config_function function;
    struct prototype_parameter parameters[PROTOTYPE_MAX_PARAMETERS];
    struct config_description descriptions[PROTOTYPE_MAX_PARAMETERS];
    struct marshal_plan *plan;
    const char *reason;
};

static inline void subject_begin(struct subject *subject, const struct ctype *result)
{
    *subject = (struct subject){.function = {.named = "f", .symbol = "f", .max_bytes = UINT64_MAX}};
    arena_init(&subject->arena, (size_t)1 << 20);
    subject->function.prototype = (struct prototype){"f", result, subject->parameters, 0};
    subject->function.parameters = subject->descriptions;
}

static inline void subject_add(struct subject *subject, const struct ctype *type,
                               struct config_description description)
{
    uint32_t i = subject->function.prototype.n_parameters++;

    subject->parameters[i] = (struct prototype_parameter){"x", type};
    subject->descriptions[i] = description;
}

/* The plan, or why not. */
static inline int subject_try(struct subject *subject)
{
    struct abi_call *call;

    assert_int_equal(abi_call_create(&subject->function.prototype, &subject->arena, &call), 0);
    return marshal_plan_create(&subject->function, call, &subject->arena, &subject->plan,
                               &subject->reason);
}

static inline void subject_finish(struct subject *subject)
{
    assert_int_equal(subject_try(subject), 0);
}

static inline void subject_end(struct subject *subject)
{
    arena_fini(&subject->arena);
}

#endif
