// SPDX-License-Identifier: MIT
/*
 * interpose: a slot of a later object that another thread is binding while it is redirected. The
 * thread has looked the original up already and writes it over ours a moment later; the test does
 * so in its place, since no thread can be stopped between the two.
 */
#include "unit.h"

#include "interpose/caller.h"
#include "interpose/objects.h"
#include "interpose/slots.h"
#include "interpose_subject.h"
#include <string.h>

enum {
    MANY_LOOKS = 40
};

struct slot_search {
    void *value;
    uintptr_t slot;
    unsigned n_found;
};

/* PLT slots of later objects that hold a value. */
static void search_slots(const struct elf_view *view, void *context)
{
    struct slot_search *search = context;

    for (size_t table = 0; table < ELF_RELOCATION_TABLES; table++) {
        for (size_t i = 0; i < view->relocations[table].n_entries; i++) {
            struct elf_relocation relocation;

            if (elf_view_relocation(view, table, i, &relocation) &&
                relocation.kind == ELF_SLOT_JUMP &&
                slots_read(relocation.slot) == (uintptr_t)search->value) {
                search->slot = relocation.slot;
                search->n_found++;
            }
        }
    }
}

static void **slot_holding(void *value)
{
    struct slot_search search = {.value = value};

    assert_true(objects_each_later(search_slots, &search));
    assert_int_equal(search.n_found, 1);
    return (void **)search.slot;
}

/* What was applied looks again for a while by itself. */
static void settle(void)
{
    for (int i = 0; i < MANY_LOOKS; i++) {
        interpose_look(true);
    }
}

static void bind_late(int which, void *replacement)
{
    void **slot = slot_holding(replacement);

    *slot = bindings[which].original;
    interpose_look(true);
    assert_ptr_equal(*slot, replacement);
}

static void test_bound_while_it_is_redirected(void **state)
{
    void *other, *plugin;
    const struct caller *caller;

    assert_int_equal(open_all(state), 0);
    apply_all();
    other = dlopen(getenv("PLUGIN_A"), RTLD_LAZY | RTLD_LOCAL);
    assert_non_null(other);
    settle();
    for (int i = 0; i < 2; i++) {
        plugin = dlopen(getenv("CALLER_LAZY"), RTLD_LAZY | RTLD_LOCAL);
        assert_non_null(plugin);
        assert_true(interpose_look(true) != 0);
        bind_late(VERSION_1, (void *)replacement_old);
        bind_late(VERSION_2, (void *)replacement_new);
        bind_late(CALLED, (void *)replacement_called);
        caller = dlsym(plugin, "caller_lazy");
        assert_int_equal(caller->call_old_version(10), replacement_old(10));
        assert_int_equal(caller->call_new_version(10), replacement_new(10));
        assert_int_equal(bindings[VERSION_1].n_jump_slots, 1);
        settle();
        assert_int_equal(bindings[VERSION_1].n_jump_slots, 1);
        dlclose(plugin);
    }
    dlclose(other);
}

/* What is settled is looked at no more: the counters of the loader have not moved. */
static void test_settled_objects_are_left_in_peace(void **state)
{
    void *plugin = dlopen(getenv("CALLER_LAZY"), RTLD_LAZY | RTLD_LOCAL);
    void **slot;

    assert_non_null(plugin);
    settle();
    slot = slot_holding((void *)replacement_old);
    *slot = bindings[VERSION_1].original;
    interpose_look(true);
    assert_ptr_equal(*slot, bindings[VERSION_1].original);
    dlclose(plugin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_while_it_is_redirected),
        cmocka_unit_test(test_settled_objects_are_left_in_peace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
