// SPDX-License-Identifier: MIT
/*
 * Which objects of the start have slots of a binding, and how many of each kind. Those that come
 * later may go again, so of them only the sums in the binding are kept. Written under the patch
 * lock, by passes over all objects of the start; read without.
 */
#ifndef INTERPOSE_IMPORTERS_H
#define INTERPOSE_IMPORTERS_H

#include "interpose/interpose.h"
#include "interpose/objects.h"
#include "interpose/slots.h"

/* Called by interpose_init. */
void importers_init(void);

/* A pass over the binding begins: nothing is seen yet. */
void importers_begin_locked(struct interpose_binding *binding);

/* A slot of the object, of a kind that elf_machine_slot_kind gives, was written or refused. */
void importers_count_locked(struct interpose_binding *binding, const struct object *object,
                            enum elf_slot_kind kind, enum slots_outcome outcome);

/* The pass is over: readers see what it saw. */
void importers_end_locked(struct interpose_binding *binding);

#endif
