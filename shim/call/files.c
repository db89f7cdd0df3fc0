// SPDX-License-Identifier: MIT
/*
 * One system call a look, past whatever stands in libc's place. The kernel dates changes with the
 * coarse clock: two changes within one tick may leave the same date, and the same size. So as long
 * as a file's last change is not two ticks ago, the next look takes it for changed.
 */
#include "call/files.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static struct file_state look_at(const char *path)
{
    struct file_state state = {0};
    struct stat status;
    int saved_errno = errno;

    if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0) {
        state.error = errno;
        errno = saved_errno;
        return state;
    }
    state.device = status.st_dev;
    state.inode = status.st_ino;
    state.size = (uint64_t)status.st_size;
    state.modified = status.st_mtim;
    state.changed = status.st_ctim;
    return state;
}

static bool time_equals(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool state_equals(const struct file_state *a, const struct file_state *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && time_equals(a->modified, b->modified) &&
           time_equals(a->changed, b->changed);
}

/* now was read before the state. A date from the future is another clock's: nothing follows. */
static bool is_settled(const struct file_state *state, struct timespec now)
{
    int64_t age_ns = (int64_t)(now.tv_sec - state->changed.tv_sec) * 1000000000 + now.tv_nsec -
                     state->changed.tv_nsec;
    int64_t margin_ns = 2 * (int64_t)clock_coarse_tick_ns();

    return state->error != 0 || age_ns > margin_ns || age_ns < -margin_ns;
}

static bool has_changed(struct watched_files *files, struct watched_file *file,
                        void (*fence)(void *context), void *context)
{
    struct timespec now = clock_wall();
    struct file_state state = look_at(file->path);
    bool has_changed;

    if (!lock_acquire(&files->lock)) {
        return true;
    }
    has_changed = file->was_seen && (!file->is_settled || !state_equals(&file->seen, &state));
    if (has_changed) {
        fence(context);
    }
    file->seen = state;
    file->was_seen = true;
    file->is_settled = is_settled(&state, now);
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
            if (now_ns + clock_coarse_tick_ns() <
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
