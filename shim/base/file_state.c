// SPDX-License-Identifier: MIT
/*
 * The kernel dates changes with the coarse clock, and some file systems keep less of a date: two
 * changes within one step may leave the same date, and the same size. So nothing is known of a file
 * for sure until its last change is as long ago as that.
 */
#include "base/file_state.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct file_state look(const char *path, int flags)
{
    struct file_state state = {0};
    struct stat status;
    int saved_errno = errno;

    if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, flags) != 0) {
        state.error = errno;
        errno = saved_errno;
        return state;
    }
    state.is_regular = S_ISREG(status.st_mode);
    state.device = status.st_dev;
    state.inode = status.st_ino;
    state.size = (uint64_t)status.st_size;
    state.modified = status.st_mtim;
    state.changed = status.st_ctim;
    return state;
}

struct file_state file_state_read(const char *path)
{
    return look(path, 0);
}

struct file_state file_state_read_link(const char *path)
{
    return look(path, AT_SYMLINK_NOFOLLOW);
}

static bool time_equals(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_state_equals(const struct file_state *a, const struct file_state *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && time_equals(a->modified, b->modified) &&
           time_equals(a->changed, b->changed);
}

int64_t file_state_age_ns(const struct file_state *state, struct timespec then)
{
    int64_t age_ns;

    if (state->error != 0) {
        return 0;
    }
    if (__builtin_sub_overflow((int64_t)then.tv_sec, (int64_t)state->changed.tv_sec, &age_ns) ||
        __builtin_mul_overflow(age_ns, INT64_C(1000000000), &age_ns) ||
        __builtin_add_overflow(age_ns, then.tv_nsec - state->changed.tv_nsec, &age_ns)) {
        return then.tv_sec < state->changed.tv_sec ? INT64_MIN : INT64_MAX;
    }
    return age_ns;
}

static bool dates_are_multiples_of(const struct file_state *state, long step_ns)
{
    return state->changed.tv_nsec % step_ns == 0 && state->modified.tv_nsec % step_ns == 0;
}

/* What file systems keep: two seconds on FAT, one on old ext3 and HFS+, 10 ms on exFAT. */
static int64_t step_of_dates_ns(const struct file_state *state)
{
    return dates_are_multiples_of(state, 1000000000) ? 2000000000
           : dates_are_multiples_of(state, 10000000) ? 10000000
                                                     : 0;
}

bool file_state_is_settled(const struct file_state *state, struct timespec now)
{
    int64_t age_ns = file_state_age_ns(state, now);
    int64_t margin_ns = step_of_dates_ns(state) + (int64_t)clock_coarse_lag_ns();

    return state->error != 0 || age_ns > margin_ns || age_ns < -margin_ns;
}
