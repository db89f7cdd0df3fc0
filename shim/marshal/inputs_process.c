// SPDX-License-Identifier: MIT
/* The current folder, users and groups, the locale, the thread and the rounding as parts of keys.
 */
#include "marshal/inputs.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(LC_IDENTIFICATION == MARSHAL_LOCALE_CATEGORIES, "the last, and LC_ALL is below");

static _Atomic uint64_t n_threads;
static __thread uint64_t thread_number;

int input_put_folder(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    struct file_state state = file_state_read(".");
    uint64_t identity[] = {state.device, state.inode};
    size_t n_before = buffer->n_bytes;
    int saved_errno = errno;
    unsigned char *at;
    size_t n_text;
    long n_path;
    int error = input_extend_for_now(plan, buffer, MARSHAL_TEXT_FRAME_BYTES + PATH_MAX, &at);

    if (error != 0) {
        return error;
    }
    n_path = syscall(SYS_getcwd, at + MARSHAL_TEXT_FRAME_BYTES, PATH_MAX); /* with its NUL */
    errno = saved_errno;
    if (n_path > 0) {
        n_text = (size_t)n_path - 1;
        marshal_put_text_frame(at, n_text);
        buffer->n_bytes = n_before + MARSHAL_TEXT_FRAME_BYTES + n_text;
    } else {
        at[0] = 'N';
        buffer->n_bytes = n_before + 1;
    }
    return input_put_bytes(plan, buffer, identity, sizeof(identity));
}

/* Rights hang on these, too. errno is not kept. */
static int put_groups(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    long n = syscall(SYS_getgroups, 0, NULL);
    uint64_t n_groups = n > 0 ? (uint64_t)n : 0;
    unsigned char *at;
    int error = input_put_bytes(plan, buffer, &n_groups, sizeof(n_groups));

    if (error == 0) {
        error = marshal_buffer_extend(buffer, n_groups * sizeof(uint32_t), plan->limit_bytes, &at);
    }
    return error != 0 ? error : syscall(SYS_getgroups, n, at) == n ? 0 : -EAGAIN;
}

/* Written by marshal_ask_file_ids. */
static _Atomic bool asks_file_ids;

void marshal_ask_file_ids(void)
{
    atomic_store_explicit(&asks_file_ids, true, memory_order_relaxed);
}

/*
 * The kernel tells those for files only when they are to be set (here to what is none), for which
 * a sandbox may end a program that never does so. errno is not kept.
 */
static void read_file_ids(uint32_t *ret_user, uint32_t *ret_group)
{
    if (atomic_load_explicit(&asks_file_ids, memory_order_relaxed)) {
        *ret_user = (uint32_t)syscall(SYS_setfsuid, -1);
        *ret_group = (uint32_t)syscall(SYS_setfsgid, -1);
    }
}

/* Of the thread: libc keeps those of all threads equal, the kernel does not. */
int input_put_ids(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    uint32_t ids[MARSHAL_IDS_BYTES / sizeof(uint32_t)] = {0};
    int saved_errno = errno, error;

    syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]);
    syscall(SYS_getresgid, &ids[3], &ids[4], &ids[5]);
    ids[6] = ids[1];
    ids[7] = ids[4];
    read_file_ids(&ids[6], &ids[7]);
    error = input_put_bytes(plan, buffer, ids, sizeof(ids));
    if (error == 0) {
        error = put_groups(plan, buffer);
    }
    errno = saved_errno;
    return error;
}

int input_put_locale(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    const char *before = NULL;
    int error = 0;

    for (int category = 0; category <= LC_IDENTIFICATION && error == 0; category++) {
        const char *name;

        if (category == LC_ALL) {
            continue;
        }
        name = nl_langinfo(NL_LOCALE_NAME(category));
        error = before != NULL && name != NULL && strcmp(name, before) == 0
                    ? input_put_bytes(plan, buffer, "=", 1)
                    : input_put_variable(plan, buffer, name);
        before = name;
    }
    return error;
}

int input_put_thread(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    if (thread_number == 0) {
        thread_number = atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed) + 1;
    }
    return input_put_bytes(plan, buffer, &thread_number, sizeof(thread_number));
}

int input_put_rounding(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    uint64_t mode = float_mode_read();

    return input_put_bytes(plan, buffer, &mode, sizeof(mode));
}
