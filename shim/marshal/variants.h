// SPDX-License-Identifier: MIT
/* Plans of functions whose descriptions have alternatives; see variants.c. */
#ifndef MARSHAL_VARIANTS_H
#define MARSHAL_VARIANTS_H

#include "marshal/marshal_private.h"

bool variants_are_needed(const struct config_function *function);

/* Fills in plan->variants. As marshal_plan_create. */
int variants_create(struct marshal_plan *plan, struct arena *arena, const char **ret_reason);

/* plan.c: the plan of one variant, without alternatives; places are shared by all of them. */
int plan_create_variant(const struct config_function *function,
                        const struct marshal_bindings *bindings, struct marshal_places *places,
                        struct arena *arena, struct marshal_plan **ret_plan,
                        const char **ret_reason);

/* Which of plan->variants the arguments of a call choose. -ENOTSUP: none. */
int variants_choose(const struct marshal_plan *plan, void *const *arguments, uint32_t *ret_variant);

/* As marshal_capture. */
int variants_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                     const struct marshal_call *call, int32_t set_errno,
                     struct marshal_buffer *buffer);

/* What a record of that variant holds, and whose it is. -EBADMSG: it is none. */
int variants_open(const struct marshal_plan *plan, struct bytes record, uint32_t variant,
                  const struct marshal_plan **ret_plan, struct bytes *ret_record);

#endif
