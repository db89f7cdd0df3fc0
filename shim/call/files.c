// SPDX-License-Identifier: MIT
/*
 * One system call a look. As long as a file's last change is so recent that one more could look the
 * same, the next look takes it for changed.
 */
#include "call/files.h"

#include "base/clock.h"

#include <errno.h>

int files_init(struct watched_files *files, const struct config_function *function,
               struct arena *arena)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        n += function->invalidations[i].kind == INVALIDATE_ON_FILE;
    }
    files->files = arena_alloc(arena, n * sizeof(files->files[0]));
    if (files->files == NULL) {
        return -ENOMEM;
    }
    lock_init(&files->lock, LOCK_RANK_FILES);
    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        const struct config_invalidation *rule = &function->invalidations[i];

        if (rule->kind == INVALIDATE_ON_FILE) {
            files->files[files->n].path = rule->file;
            files->files[files->n++].check_every_ns = rule->check_every_ns;
        }
    }
    return 0;
}

void files_after_fork(struct watched_files *files)
{
    lock_init(&files->lock, LOCK_RANK_FILES);
}

static bool has_changed(struct watched_files *files, struct watched_file *file,
                        void (*fence)(void *context), void *context)
{
    struct timespec now = clock_wall();
    struct file_state state = file_state_read(file->path);
    bool has_changed;

    if (!lock_acquire(&files->lock)) {
        return true;
    }
    has_changed = file->was_seen && (!file->is_settled || !file_state_equals(&file->seen, &state));
    if (has_changed) {
        fence(context);
    }
    file->seen = state;
    file->was_seen = true;
    file->is_settled = file_state_is_settled(&state, now);
    lock_release(&files->lock);
    return has_changed;
}

bool files_have_changed(struct watched_files *files, void (*fence)(void *context), void *context)
{
    bool any = false;

    for (uint32_t i = 0; i < files->n; i++) {
        struct watched_file *file = &files->files[i];
        uint64_t now_ns = 0;

        if (file->check_every_ns != 0) {
            now_ns = clock_coarse_ns();
            if (now_ns + clock_coarse_lag_ns() <
                atomic_load_explicit(&file->next_check_ns, memory_order_relaxed)) {
                continue;
            }
        }
        any |= has_changed(files, file, fence, context);
        /* Behind the look: until it is over, others look as well. */
        atomic_store_explicit(&file->next_check_ns, now_ns + file->check_every_ns,
                              memory_order_relaxed);
    }
    return any;
}
