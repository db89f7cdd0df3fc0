// SPDX-License-Identifier: MIT
/*
 * interpose: bindings for some callers only. Linked as test_interpose_slots is, into a program that
 * is position independent and into one that is not.
 */
#include "unit.h"

#include "slots_subject.h"

/* How often the calls of one target by one caller arrive by way of the replacement. */
static unsigned redirected_calls(size_t caller, size_t target)
{
    unsigned before = replaced[target];

    assert_int_equal(callers[caller]->calls[target](5), 5 + (int)target);
    return replaced[target] - before;
}

static void restrict_to(struct interpose_binding *binding, const char *const *patterns, uint32_t n)
{
    assert_int_equal(interpose_revert(binding), 0);
    binding->callers = patterns;
    binding->n_callers = n;
    binding->callers_seen = 0;
    assert_int_equal(interpose_restore(binding), 0);
}

static void test_only_these_callers(void **state)
{
    static const char *const patterns[] = {"libnobody.so", "libcaller_n*.so",
                                           "libcaller_?ymbolic*"};
    struct interpose_binding *binding = &bindings[TARGET_called];
    unsigned n_wanted = 0;

    for (int round = 0; round < 2; round++) { /* given back and restored: the same */
        restrict_to(binding, patterns, 3);
        assert_int_equal(binding->callers_seen, 6);
        n_wanted = 0;
        for (size_t i = 0; i < N_CALLERS; i++) {
            bool is_wanted =
                callers[i]->name[0] == 'n' || strcmp(callers[i]->name, "symbolic") == 0;

            assert_int_equal(redirected_calls(i, TARGET_called), is_wanted);
            assert_int_equal(redirected_calls(i, TARGET_chosen), 1);
            n_wanted += is_wanted;
        }
        assert_int_equal(n_slots(binding), n_wanted);
    }
    restrict_to(binding, NULL, 0);
    expect_all(true);
}

/* A pointer is the library's that has it, also where a linker copied it into the executable. */
static void test_copied_pointers_stay_the_library_s(void **state)
{
    static const char *const library[] = {"libtarget.so"}, *const others[] = {"*caller*", "test_*"};
    struct interpose_binding *binding = &bindings[TARGET_copied];
    uint32_t n_before = n_slots(binding);

    restrict_to(binding, others, 2);
    assert_int_equal(n_slots(binding), 0);
    assert_int_equal(binding->callers_seen, 3); /* the program is called by its basename */
    for (size_t i = 0; i < N_CALLERS; i++) {
        assert_int_equal(redirected_calls(i, TARGET_copied), 0);
    }
    restrict_to(binding, library, 1);
    assert_int_equal(n_slots(binding), n_before);
    for (size_t i = 0; i < N_CALLERS; i++) {
        assert_int_equal(redirected_calls(i, TARGET_copied), calls_of(TARGET_copied));
    }
    restrict_to(binding, NULL, 0);
    expect_all(true);
}

static int open_and_apply(void **state)
{
    return open_all(state) != 0 || interpose_apply(bindings, N_TARGETS) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_these_callers),
        cmocka_unit_test(test_copied_pointers_stay_the_library_s),
    };

    return cmocka_run_group_tests(tests, open_and_apply, NULL);
}
