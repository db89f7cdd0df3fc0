// SPDX-License-Identifier: MIT
/*
 * The register classes of structs and unions on x86-64 System V (psABI 3.2.3): those of their
 * members, merged for each eight bytes. What a member that is a struct or union comes to is settled
 * before it is merged: the rules do not give the same in every order. Types without vectors and
 * without packed members, which is all that a configuration can declare.
 */
#include "abi/classes.h"

/* Rules (a) to (f) of the merger. */
static enum abi_class merge(enum abi_class a, enum abi_class b)
{
    if (a == b || b == CLASS_NONE) {
        return a;
    }
    if (a == CLASS_NONE) {
        return b;
    }
    if (a == CLASS_MEMORY || b == CLASS_MEMORY) {
        return CLASS_MEMORY;
    }
    if (a == CLASS_INTEGER || b == CLASS_INTEGER) {
        return CLASS_INTEGER;
    }
    return a == CLASS_X87 || a == CLASS_X87UP || b == CLASS_X87 || b == CLASS_X87UP ? CLASS_MEMORY
                                                                                    : CLASS_SSE;
}

static void add(enum abi_class *classes, uint32_t offset, enum abi_class class)
{
    classes[offset / 8] = merge(classes[offset / 8], class);
}

/* The post merger: memory takes all, and the second half of a long double needs the first. */
static void settle(enum abi_class *classes)
{
    if (classes[0] == CLASS_MEMORY || classes[1] == CLASS_MEMORY ||
        (classes[1] == CLASS_X87UP && classes[0] != CLASS_X87)) {
        classes[0] = classes[1] = CLASS_MEMORY;
    }
}

/* Of type, which begins at offset; all of it lies within CLASSES_MAX times eight bytes. */
static void classify(const struct ctype *type, uint32_t offset, enum abi_class *classes)
{
    switch (type->kind) {
    case CTYPE_FLOAT:
    case CTYPE_DOUBLE:
        add(classes, offset, CLASS_SSE);
        break;
    case CTYPE_COMPLEX_FLOAT:
    case CTYPE_COMPLEX_DOUBLE:
        add(classes, offset, CLASS_SSE);
        add(classes, offset + type->size_bytes / 2, CLASS_SSE);
        break;
    case CTYPE_LONG_DOUBLE:
        add(classes, offset, CLASS_X87);
        add(classes, offset + 8, CLASS_X87UP);
        break;
    case CTYPE_ARRAY:
        for (uint32_t at = 0; at < type->size_bytes; at += type->target->size_bytes) {
            classify(type->target, offset + at, classes);
        }
        break;
    case CTYPE_STRUCT:
    case CTYPE_UNION:
        for (uint32_t i = 0; i < type->n_members; i++) {
            const struct ctype_member *member = &type->members[i];
            enum abi_class own[CLASSES_MAX] = {CLASS_NONE, CLASS_NONE};

            classify(member->type, offset + member->offset_bytes, own);
            for (uint32_t k = 0; k < CLASSES_MAX; k++) {
                classes[k] = merge(classes[k], own[k]);
            }
        }
        settle(classes);
        break;
    default:
        add(classes, offset, CLASS_INTEGER);
        break;
    }
}

void classes_of(const struct ctype *type, enum abi_class ret_classes[CLASSES_MAX])
{
    ret_classes[0] = ret_classes[1] = CLASS_NONE;
    if (type->size_bytes > 8 * CLASSES_MAX) {
        ret_classes[0] = CLASS_MEMORY;
        return;
    }
    classify(type, 0, ret_classes);
    if (ret_classes[0] == CLASS_MEMORY) {
        ret_classes[1] = CLASS_NONE;
    }
}
