// SPDX-License-Identifier: MIT
/*
 * entry: the exported dlsym and dlvsym, in a shared object that stands before libc. The real ones
 * are read from libc's symbol table, since asking for them would mean asking dlsym.
 */
#include "unit.h"

#include "entry_dl_probe.h"
#include "registers.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* The assembly refers to them. */
struct registers registers_found;
#if defined(__x86_64__)
unsigned char registers_have_avx;
#endif

/* The version of what glibc has had from its first release for the processor on. */
#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#else
#define FIRST_VERSION "GLIBC_2.17"
#endif

extern char __executable_start, etext;

int marker(void)
{
    return 1;
}

/* ---- the real functions ---------------------------------------------------------------------- */

struct search {
    const char *symbol;
    void *address;
};

static uint32_t count_symbols(const uint32_t *gnu_hash)
{
    const uint32_t *buckets = gnu_hash + 4 + gnu_hash[2] * 2;
    const uint32_t *chain = buckets + gnu_hash[0];
    uint32_t last = 0;

    for (uint32_t i = 0; i < gnu_hash[0]; i++) {
        last = buckets[i] > last ? buckets[i] : last;
    }
    while ((chain[last - gnu_hash[1]] & 1) == 0) {
        last++;
    }
    return last + 1;
}

static int look_into(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    const ElfW(Sym) *symbols = NULL;
    const char *names = NULL;
    const uint32_t *gnu_hash = NULL;

    if (strstr(info->dlpi_name, "libc.so.6") == NULL) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC) {
            const ElfW(Dyn) *dynamic = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);

            for (; dynamic->d_tag != DT_NULL; dynamic++) {
                if (dynamic->d_tag == DT_SYMTAB) {
                    symbols = (const void *)dynamic->d_un.d_ptr;
                } else if (dynamic->d_tag == DT_STRTAB) {
                    names = (const void *)dynamic->d_un.d_ptr;
                } else if (dynamic->d_tag == DT_GNU_HASH) {
                    gnu_hash = (const void *)dynamic->d_un.d_ptr;
                }
            }
        }
    }
    assert_non_null(symbols);
    assert_non_null(names);
    assert_non_null(gnu_hash);
    for (uint32_t i = 0; i < count_symbols(gnu_hash); i++) {
        if (symbols[i].st_value != 0 && strcmp(names + symbols[i].st_name, search->symbol) == 0) {
            search->address = (void *)(info->dlpi_addr + symbols[i].st_value);
        }
    }
    return 1;
}

static void *real_function(const char *symbol)
{
    struct search search = {symbol, NULL};

    dl_iterate_phdr(look_into, &search);
    assert_non_null(search.address);
    return search.address;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static struct {
    unsigned n_asked;
    void *handle;
    const char *symbol, *version;
    const void *caller;
} seen;

static int mine(void)
{
    return 42;
}

static bool answer(void *handle, const char *symbol, const char *version, const void *caller,
                   void **ret_address)
{
    _Alignas(16) volatile char aligned[16];

    assert_int_equal((uintptr_t)aligned % 16, 0);
    seen.n_asked++;
    seen.handle = handle;
    seen.symbol = symbol;
    seen.version = version;
    seen.caller = caller;
    if (strcmp(symbol, "mine") != 0) {
        *ret_address = (void *)1; /* must not get out */
        return false;
    }
    *ret_address = (void *)mine;
    return true;
}

static void expect_asked(void *handle, const char *symbol, const char *version)
{
    assert_int_equal(seen.n_asked, 1);
    assert_ptr_equal(seen.handle, handle);
    assert_string_equal(seen.symbol, symbol);
    if (version == NULL) {
        assert_null(seen.version);
    } else {
        assert_string_equal(seen.version, version);
    }
    assert_true((const char *)seen.caller > &__executable_start &&
                (const char *)seen.caller < &etext);
    memset(&seen, 0, sizeof(seen));
}

/* Runs first. */
static void test_null_before_init(void **state)
{
    assert_null(dlsym(RTLD_DEFAULT, "getpid"));
    assert_null(dlvsym(RTLD_DEFAULT, "getpid", "GLIBC_2.2.5"));
}

static void start(void)
{
    const struct entry_dl dl = {.answer = answer,
                                .real_dlsym = real_function("dlsym"),
                                .real_dlvsym = real_function("dlvsym")};

    probe_init(&dl);
    memset(&seen, 0, sizeof(seen));
}

static void test_answered(void **state)
{
    start();
    assert_ptr_equal(dlsym((void *)0x1234, "mine"), (void *)mine);
    expect_asked((void *)0x1234, "mine", NULL);
    assert_ptr_equal(dlvsym(RTLD_NEXT, "mine", "V_1"), (void *)mine);
    expect_asked(RTLD_NEXT, "mine", "V_1");
}

static void test_handed_on(void **state)
{
    pid_t (*function)(void);

    start();
    *(void **)&function = dlsym(RTLD_DEFAULT, "getpid");
    expect_asked(RTLD_DEFAULT, "getpid", NULL);
    assert_non_null(function);
    assert_int_equal(function(), getpid());
    *(void **)&function = dlvsym(RTLD_DEFAULT, "getpid", FIRST_VERSION);
    expect_asked(RTLD_DEFAULT, "getpid", FIRST_VERSION);
    assert_non_null(function);
    assert_int_equal(function(), getpid());
    assert_null(dlsym(RTLD_DEFAULT, "no_such_symbol_anywhere"));
    assert_non_null(dlerror());
}

/* From a wrapper's frame RTLD_NEXT would begin behind the probe and find nothing. */
static void test_the_real_one_sees_the_true_caller(void **state)
{
    int (*next)(void);

    start();
    *(void **)&next = dlsym(RTLD_NEXT, "marker");
    assert_non_null(next);
    assert_int_equal(next(), 2);
    assert_int_equal(marker(), 1);
}

#if defined(__x86_64__)
static void test_misaligned_stacks(void **state)
{
    start();
    assert_ptr_equal((void *)misaligned_call((void *)dlsym, 0, 0, (uintptr_t) "mine", 0),
                     (void *)mine);
    expect_asked(NULL, "mine", NULL);
    assert_ptr_equal(
        (void *)misaligned_call((void *)dlvsym, 0, 0, (uintptr_t) "mine", (uintptr_t) "V"),
        (void *)mine);
    expect_asked(NULL, "mine", "V");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_before_init),
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_handed_on),
        cmocka_unit_test(test_the_real_one_sees_the_true_caller),
#if defined(__x86_64__)
        cmocka_unit_test(test_misaligned_stacks),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
