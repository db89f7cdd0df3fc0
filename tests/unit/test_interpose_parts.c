// SPDX-License-Identifier: MIT
/* interpose: the deny-list, the vDSO's functions, and what is sealed. */
#include "unit.h"

#include "interpose/anchor.h"
#include "interpose/interpose.h"
#include "interpose/objects.h"
#include "interpose/protection.h"
#include "interpose/slots.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int open_all(void **state)
{
    return interpose_init_as(anchor_address());
}

static void test_denied(void **state)
{
    static const char *const denied[] = {
        "setjmp",
        "__sigsetjmp",
        "longjmp",
        "vfork",
        "fork",
        "clone",
        "swapcontext",
        "_Unwind_RaiseException",
        "__cxa_throw",
        "__libc_start_main",
        "__stack_chk_fail",
        "__tls_get_addr",
        "dlopen",
        "dlsym",
        "dl_iterate_phdr",
        "malloc",
        "free",
        "aligned_alloc",
        "posix_memalign",
        "reallocarray",
        "_Znwm",
        "_ZdlPvm",
        "_ZnamSt11align_val_t",
        "pthread_self",
        "pthread_mutex_lock",
        "sigaction",
        "__restore_rt",
        "mcount",
        "__cyg_profile_func_enter",
        "_exit",
        "exit",
        "execve",
        "mprotect",
        "mmap",
        "munmap",
        "memcpy",
        "_ZGVbN2v_sin",
        "__errno_location",
    };
    static const char *const allowed[] = {"pow",       "crypt_r", "getpwuid",  "execute_query",
                                          "malloc_id", "dltest",  "fork_name", "_ZN3FoonwEm",
                                          "mainloop",  "",        "getenv",    "compute"};

    for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
        const char *reason = interpose_denied(denied[i]);

        assert_non_null(reason);
        assert_true(strlen(reason) > 20 && reason[strlen(reason) - 1] != '.');
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        assert_null(interpose_denied(allowed[i]));
    }
}

static void test_vdso_function_works(void **state)
{
    int (*read_clock)(clockid_t, struct timespec *);
    struct timespec before, between, after;

    read_clock = (int (*)(clockid_t, struct timespec *))interpose_vdso_function(
#if defined(__aarch64__)
        "__kernel_clock_gettime"
#else
        "__vdso_clock_gettime"
#endif
    );
    assert_null(interpose_vdso_function("__vdso_no_such_function"));
    if (read_clock == NULL) {
        print_message("# not tested: there is no vDSO\n");
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(read_clock(CLOCK_MONOTONIC, &between), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(before.tv_sec < between.tv_sec ||
                (before.tv_sec == between.tv_sec && before.tv_nsec <= between.tv_nsec));
    assert_true(between.tv_sec < after.tv_sec ||
                (between.tv_sec == after.tv_sec && between.tv_nsec <= after.tv_nsec));
}

/* A write to address ends a child by SIGSEGV. */
static bool is_read_only(volatile void *address)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)address = 1;
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void test_seal(void **state)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *pages =
        mmap(NULL, 3 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(interpose_seal(pages + page_bytes, page_bytes), 0);
    pages[0] = pages[page_bytes - 1] = pages[2 * page_bytes] = 1;
    assert_true(is_read_only(pages + page_bytes));
    assert_false(is_read_only(pages + 2 * page_bytes));
    errno = EXDEV;
    assert_int_equal(interpose_seal(pages + 1, page_bytes), -EINVAL);
    assert_int_equal(errno, EXDEV);
    assert_true(is_read_only(&interpose_known.real_dlsym));
    assert_true(is_read_only((void *)interpose_known.objects));
    munmap(pages, 3 * page_bytes);
}

static void test_protection_is_read_without_a_trace(void **state)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *pages =
        mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(pages, MAP_FAILED);
    memset(pages, 0x5a, 2 * page_bytes);
    assert_int_equal(mprotect(pages + page_bytes, page_bytes, PROT_READ), 0);
    errno = EXDEV;
    assert_int_equal(protection_of((uintptr_t)pages), PROTECTION_WRITABLE);
    assert_int_equal(protection_of((uintptr_t)pages + page_bytes), PROTECTION_READ_ONLY);
    assert_int_equal(errno, EXDEV);
    for (size_t i = 0; i < 2 * page_bytes; i++) {
        assert_int_equal(pages[i], 0x5a);
    }
    munmap(pages, 2 * page_bytes);
}

/* A page that is the whole of an object that came later, and its RELRO. */
struct later_page {
    uintptr_t *words;
    size_t n_bytes;
    ElfW(Phdr) segment;
    struct elf_view view;
};

static void map_later_page(struct later_page *page)
{
    page->n_bytes = (size_t)sysconf(_SC_PAGESIZE);
    page->words =
        mmap(NULL, page->n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page->words != MAP_FAILED);
    page->segment =
        (ElfW(Phdr)){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_memsz = page->n_bytes};
    page->view = (struct elf_view){
        .base = (uintptr_t)page->words,
        .relro_start = (uintptr_t)page->words,
        .relro_end = (uintptr_t)page->words + page->n_bytes,
        .segments = &page->segment,
        .n_segments = 1,
    };
}

/* Another thread's ld.so closes an object between the look at it and the store. */
static void test_slot_that_is_closed_meanwhile(void **state)
{
    struct slots_relro relro = {0};
    struct later_page page;
    uintptr_t slot;

    NEED_NATIVE();
    map_later_page(&page);
    slot = (uintptr_t)&page.words[3];
    assert_int_equal(slots_write_locked(&relro, &page.view, slot, 41, true), SLOTS_WRITTEN);
    assert_true(relro.is_left_open);
    assert_int_equal(page.words[3], 41);
    assert_int_equal(mprotect(page.words, page.n_bytes, PROT_READ), 0);
    assert_int_equal(slots_write_locked(&relro, &page.view, slot, 42, true), SLOTS_WRITTEN);
    assert_int_equal(page.words[3], 42);
    assert_int_equal(slots_close_locked(&relro), 0);
    assert_int_equal(protection_of((uintptr_t)page.words), PROTECTION_READ_ONLY);
    munmap(page.words, page.n_bytes);
}

/* 77: no filter may be installed here. */
static int write_in_a_sandbox(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
    struct slots_relro relro = {0};
    struct later_page page;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 77;
    }
    map_later_page(&page);
    errno = EXDEV;
    return slots_write_locked(&relro, &page.view, (uintptr_t)&page.words[3], 41, true) !=
               SLOTS_NOT_YET ||
           page.words[3] != 0 || slots_close_locked(&relro) != 0 || errno != EXDEV ||
           protection_of((uintptr_t)page.words) != PROTECTION_WRITABLE;
}

/* What cannot be told leaves the object to ld.so, which is still writing to it. */
static void test_open_object_in_a_sandbox(void **state)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        _exit(write_in_a_sandbox());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("# not tested: no seccomp filter may be installed here\n");
        return;
    }
    assert_int_equal(status, 0);
}

static int note_whether_free(struct dl_phdr_info *info, size_t n_bytes, void *is_free)
{
    *(bool *)is_free = interpose_loader_is_free();
    return 1;
}

static void test_loader_lock_is_found(void **state)
{
    bool is_free = true;

    assert_false(interpose_loader_is_free()); /* that is not known yet */
    interpose_find_loader_lock();
    assert_true(interpose_loader_is_free());
    dl_iterate_phdr(note_whether_free, &is_free);
    assert_false(is_free);
    assert_true(interpose_loader_is_free());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_denied),
        cmocka_unit_test(test_vdso_function_works),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_protection_is_read_without_a_trace),
        cmocka_unit_test(test_slot_that_is_closed_meanwhile),
        cmocka_unit_test(test_open_object_in_a_sandbox),
        cmocka_unit_test(test_loader_lock_is_found),
    };

    return cmocka_run_group_tests(tests, open_all, NULL);
}
