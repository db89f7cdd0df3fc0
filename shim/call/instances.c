// SPDX-License-Identifier: MIT
/* Which of a plan's caches a call is for, where each value of a parameter has its own. */
#include "call/call_private.h"

/* Longest value, where it is not found in the key: text beside a secret. */
#define VALUE_ROOM_BYTES 256

int call_find_instance(struct call_plan *plan, void *const *arguments, struct bytes key,
                       struct cache **ret_cache)
{
    const struct config_function *function = plan->function;
    uint32_t parameter = function->instance_parameter;
    unsigned char room[VALUE_ROOM_BYTES];
    struct bytes value = {room, 0};
    int error = 0;

    if (function->has_secret) { /* the key is a digest */
        error = marshal_part(abi_value_bytes(function->prototype.parameters[parameter].type),
                             function->parameters[parameter].kind == DESCRIBE_STRING,
                             arguments[parameter], room, sizeof(room), &value.n_bytes);
    } else {
        value = marshal_key_part(plan->marshal, key, parameter);
    }
    return error != 0 ? error
                      : cache_instances_find(plan->instances, value, hash_bytes(value, plan->seed),
                                             ret_cache);
}
