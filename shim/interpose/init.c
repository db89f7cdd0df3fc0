// SPDX-License-Identifier: MIT
/*
 * interpose_init: learns the objects of the start and the real dlsym and dlvsym, once, and seals
 * what it learnt. The real ones are the next default definitions after the shim in the global
 * scope, found by reading dynamic sections: private names of libc come and go between releases, and
 * another preload that also defines dlsym must get its turn.
 */
#include "interpose/interpose.h"

#include "interpose/bindings.h"
#include "interpose/importers.h"
#include "interpose/resolve.h"
#include <errno.h>
#include <sys/mman.h>

struct interpose_known interpose_known;

static int protect(void *address, size_t n_bytes, int protection)
{
    int saved_errno = errno;
    int result = mprotect(address, n_bytes, protection) == 0 ? 0 : -errno;

    errno = saved_errno;
    return result;
}

int interpose_seal(void *address, size_t n_bytes)
{
    return protect(address, n_bytes, PROT_READ);
}

int interpose_unseal(void *address, size_t n_bytes)
{
    return protect(address, n_bytes, PROT_READ | PROT_WRITE);
}

static void *next_after_own(const char *name)
{
    struct resolve_request request = {
        .name = name, .name_hash = elf_name_hash(name), .is_from_dlsym = true, .is_for_call = true};
    const struct object *object;
    struct elf_symbol symbol;

    if (!resolve_in_scope(&request, interpose_known.own + 1, &symbol, &object)) {
        return NULL;
    }
    return (void *)resolve_function(&object->view, &symbol);
}

int interpose_init_as(const void *own_address)
{
    int saved_errno = errno;
    int result;

    if (interpose_known.is_sealed) {
        return -EALREADY;
    }
    result = objects_init(own_address);
    if (result == 0) {
        interpose_known.real_dlsym = next_after_own("dlsym");
        interpose_known.real_dlvsym = next_after_own("dlvsym");
        interpose_known.real_dladdr = next_after_own("dladdr");
        interpose_known.real_dladdr1 = next_after_own("dladdr1");
        result =
            interpose_known.real_dlsym != NULL && interpose_known.real_dlvsym != NULL ? 0 : -ENOENT;
    }
    if (result == 0) {
        patch_init();
        importers_init();
        interpose_known.is_sealed = true;
        result = interpose_seal(&interpose_known, sizeof(interpose_known));
    }
    errno = saved_errno;
    return result;
}

int interpose_init(void)
{
    return interpose_init_as((const void *)interpose_init);
}

const char *interpose_own_path(void)
{
    return interpose_known.objects[interpose_known.own].view.path;
}

void *interpose_real_dlsym(void)
{
    return interpose_known.real_dlsym;
}

void *interpose_real_dlvsym(void)
{
    return interpose_known.real_dlvsym;
}

void *interpose_real_dladdr(void)
{
    return interpose_known.real_dladdr;
}

void *interpose_real_dladdr1(void)
{
    return interpose_known.real_dladdr1;
}
