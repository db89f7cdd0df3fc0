// SPDX-License-Identifier: MIT
/*
 * Where the loader keeps the lock that dl_iterate_phdr takes. A call of a hooked function may stand
 * in a signal handler that interrupted the loader between taking the lock and saying whose it is,
 * or in a forked child that inherited it from a thread that is no more: to wait for it there would
 * be to wait for ever. So it is looked at first, and when it is not free nobody asks the loader.
 *
 * It has no name that we may use. It is found at start by what dl_iterate_phdr does to ld.so's
 * data: one recursive pthread_mutex_t that is free before, and inside the callback held by this
 * thread. When not exactly one is found, the lock counts as never free.
 */
#include "interpose/objects.h"

#include "base/arena.h"
#include "interpose/interpose.h"
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Only read. Written by interpose_find_loader_lock. */
static const int *lock;

struct lock_search {
    const char *data; /* ld.so's own */
    const char *before;
    size_t n_bytes;
    pid_t thread;
    const int *found;
    size_t n_found;
};

__attribute__((no_sanitize("address"))) static int compare_data(struct dl_phdr_info *info,
                                                                size_t n_bytes, void *context)
{
    struct lock_search *search = context;

    for (size_t i = 0; i + sizeof(pthread_mutex_t) <= search->n_bytes; i += sizeof(void *)) {
        const pthread_mutex_t *before = (const pthread_mutex_t *)(search->before + i);
        const pthread_mutex_t *now = (const pthread_mutex_t *)(search->data + i);

        if (before->__data.__lock == 0 && before->__data.__count == 0 &&
            before->__data.__owner == 0 && before->__data.__kind == PTHREAD_MUTEX_RECURSIVE_NP &&
            now->__data.__lock != 0 && now->__data.__count == 1 &&
            now->__data.__owner == search->thread &&
            now->__data.__kind == PTHREAD_MUTEX_RECURSIVE_NP) {
            search->found = &now->__data.__lock;
            search->n_found++;
        }
    }
    return 1;
}

static const int *search_segment(const char *data, size_t n_bytes)
{
    struct lock_search search = {
        .data = data, .n_bytes = n_bytes, .thread = (pid_t)syscall(SYS_gettid)};
    size_t page = pages_size(), n_mapped = (n_bytes + page - 1) / page * page;
    void *copy = pages_map(n_mapped);

    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, data, n_bytes);
    search.before = copy;
    dl_iterate_phdr(compare_data, &search);
    pages_unmap(copy, n_mapped);
    return search.n_found == 1 && *search.found == 0 ? search.found : NULL;
}

void interpose_find_loader_lock(void)
{
    for (size_t k = 0; k < interpose_known.n_objects; k++) {
        const struct elf_view *view = &interpose_known.objects[k].view;

        for (size_t i = 0; interpose_known.objects[k].role == OBJECT_LOADER && i < view->n_segments;
             i++) {
            const ElfW(Phdr) *segment = &view->segments[i];

            if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) != 0 && lock == NULL) {
                lock =
                    search_segment((const char *)(view->base + segment->p_vaddr), segment->p_memsz);
            }
        }
    }
}

bool interpose_loader_is_free(void)
{
    return lock != NULL && __atomic_load_n(lock, __ATOMIC_RELAXED) == 0;
}
