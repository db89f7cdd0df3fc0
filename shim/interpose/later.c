// SPDX-License-Identifier: MIT
/*
 * interpose_look. ld.so binds most slots of later objects to us by itself (dynslots.c); what is
 * left are names with several definitions, objects opened with RTLD_DEEPBIND, and the counts. No
 * slot and no object is remembered beyond what tells old objects from new ones, and nothing at all
 * once one was unloaded: another may stand at its place.
 */
#include "interpose/later.h"

#include "interpose/interpose.h"
#include "interpose/patch.h"

/*
 * A thread that is inside ld.so's lazy binding while a slot is redirected writes the original over
 * it a moment later. After such a slot was redirected, or a new binding applied, this many looks
 * visit everything again.
 */
#define RECHECKS 8

enum {
    DONE_ROOM = 1024, /* a power of two; with more objects the surplus is visited at each change */
};

/* Guarded by the patch lock, apart from what says so. */
static struct {
    uintptr_t done[DONE_ROOM]; /* load addresses, by hash; 0: free */
    size_t n_done;
    uint64_t n_unloaded;
    bool must_recount;
    uint32_t n_rechecks; /* so many of the next looks begin anew */
    bool is_incomplete;  /* an object was still being relocated */
    /* The following are read without the lock. */
    bool were_there; /* later objects, at the last look */
    /* Loaded and unloaded together at the last complete look. */
    uint64_t n_seen_changes;
} state = {.n_seen_changes = UINT64_MAX};

/* Where the address is or belongs; NULL when it is not there and there is no room. */
static uintptr_t *place_of(uintptr_t address)
{
    size_t i = (address / 4096 * 0x9e3779b97f4a7c15u) >> 32;

    for (;; i++) {
        uintptr_t *place = &state.done[i % DONE_ROOM];

        if (*place == address) {
            return place;
        }
        if (*place == 0) {
            return state.n_done < DONE_ROOM / 2 ? place : NULL;
        }
    }
}

static void visit_new(const struct elf_view *view, void *context)
{
    struct pass *pass = context;
    uintptr_t *place = place_of(view->load_start);

    if (place != NULL && *place != 0) {
        return;
    }
    patch_object_locked(view, pass);
    if (!pass->is_counted) {
        state.is_incomplete = true;
    } else if (pass->is_ambiguous) {
        /* Counted, so that the next look must begin anew. */
        state.is_incomplete = state.must_recount = true;
    } else if (place != NULL) {
        *place = view->load_start;
        state.n_done++;
    }
}

static void forget_done(void)
{
    for (size_t i = 0; i < DONE_ROOM; i++) {
        state.done[i] = 0;
    }
    state.n_done = 0;
}

bool interpose_has_later_objects(void)
{
    return objects_are_later() || __atomic_load_n(&state.were_there, __ATOMIC_RELAXED);
}

/* All later objects, or those that are new. */
static void look_locked(const struct objects_changes *changes)
{
    bool is_rechecking = state.n_rechecks > 0;
    bool is_recount =
        state.must_recount || is_rechecking || changes->n_unloaded != state.n_unloaded;
    struct pass pass;

    state.must_recount = state.is_incomplete = false;
    state.n_rechecks -= is_rechecking;
    state.n_unloaded = changes->n_unloaded;
    if (is_recount) {
        forget_done();
    }
    patch_begin_later_locked(&pass);
    if (objects_each_later(visit_new, &pass)) {
        patch_end_later_locked(is_recount);
    } else {
        state.is_incomplete = state.must_recount = true;
    }
    if (pass.has_preceded) {
        state.n_rechecks = RECHECKS;
    }
    __atomic_store_n(&state.were_there, objects_are_later(), __ATOMIC_RELAXED);
    if (!state.is_incomplete && state.n_rechecks == 0) {
        __atomic_store_n(&state.n_seen_changes, changes->n_loaded + changes->n_unloaded,
                         __ATOMIC_RELEASE);
    }
}

uint64_t interpose_look(bool is_patient)
{
    struct objects_changes changes;
    uint64_t n_changes;

    if (!interpose_has_later_objects() || !objects_read_changes(&changes, is_patient)) {
        return 0;
    }
    n_changes = changes.n_loaded + changes.n_unloaded;
    if (n_changes == __atomic_load_n(&state.n_seen_changes, __ATOMIC_ACQUIRE)) {
        return n_changes;
    }
    if (is_patient ? !patch_lock_acquire() : !patch_try_lock()) {
        return 0;
    }
    /* What is loaded between these two is visited now and, in vain, at the next look. */
    if (!objects_read_changes(&changes, is_patient)) {
        patch_unlock();
        return 0;
    }
    look_locked(&changes);
    patch_unlock();
    return changes.n_loaded + changes.n_unloaded;
}

void later_recount_locked(void)
{
    state.n_rechecks = RECHECKS;
    state.must_recount = true;
    __atomic_store_n(&state.n_seen_changes, UINT64_MAX, __ATOMIC_RELEASE);
}

void later_after_fork(void)
{
    /* Whoever held the lock may have been in the middle of a look. */
    later_recount_locked();
}
