// SPDX-License-Identifier: MIT
/*
 * interpose: what is found, and what is redirected. The oracle for look-ups is the loader itself:
 * the real dlsym and dlvsym, and the values that it put into the slots of objects bound at load.
 */
#include "unit.h"

#include "interpose_subject.h"
#include <string.h>

enum {
    ROOM = 8
};

/* Every definition of a libm function against dlvsym. */
static void test_versions_and_ifuncs_of_libm(void **state)
{
    static const char *const names[] = {"pow", "sin", "exp", "log", "cos", "exp2f"};
    static const char *const versions[] = {"GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.27", "GLIBC_2.29"};
    void *libm = open_loaded("libm.so.6");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct interpose_definition found[ROOM];
        size_t n_found = interpose_find(names[i], NULL, "libm.so.6", found, ROOM);
        size_t n_expected = 0, n_default = 0;

        for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
            void *expected = dlvsym(libm, names[i], versions[v]);
            struct interpose_definition one;

            if (expected == NULL) {
                assert_int_equal(interpose_find(names[i], versions[v], NULL, &one, 1), 0);
                continue;
            }
            n_expected++;
            assert_int_equal(interpose_find(names[i], versions[v], NULL, &one, 1), 1);
            assert_ptr_equal(one.address, expected);
            assert_string_equal(one.version, versions[v]);
        }
        assert_true(n_expected > 0);
        assert_int_equal(n_found, n_expected);
        for (size_t k = 0; k < n_found; k++) {
            assert_string_equal(found[k].library, "libm.so.6");
            assert_true(found[k].is_startup);
            assert_ptr_equal(dlvsym(libm, names[i], found[k].version), found[k].address);
            assert_int_equal(found[k].is_default, found[k].address == dlsym(libm, names[i]));
            n_default += found[k].is_default;
        }
        assert_int_equal(n_default, 1);
    }
    assert_true(interpose_find("pow", NULL, NULL, NULL, 0) >= 2);
}

/* What a call leads to, for each kind of name; the program's own definitions come first. */
static void test_find_called(void **state)
{
    static const char *const names[] = {"free", "pow", "strlen", "target_versioned", "getpwnam"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_non_null(interpose_find_called(names[i]));
        assert_ptr_equal(interpose_find_called(names[i]), dlsym(RTLD_DEFAULT, names[i]));
    }
    assert_null(interpose_find_called("no_such_function"));
    assert_null(interpose_find_called("environ")); /* no function */
}

static void test_find_own_libraries(void **state)
{
    struct interpose_definition found[ROOM];

    assert_int_equal(interpose_find("target_versioned", NULL, NULL, found, ROOM), 2);
    assert_ptr_not_equal(found[0].address, found[1].address);
    assert_int_equal(found[0].is_default + found[1].is_default, 1);
    assert_int_equal(interpose_find("target_alias", NULL, NULL, found, ROOM), 1);
    assert_true(found[0].is_default);
    assert_string_equal(found[0].version, "TARGET_2");
    assert_int_equal(((int (*)(int))found[0].address)(0), 300);
    assert_int_equal(interpose_find("target_alias", "TARGET_1", NULL, found, ROOM), 1);
    assert_string_equal(found[0].version, "TARGET_1");
    assert_false(found[0].is_default);
    assert_int_equal(interpose_find("target_chosen", NULL, "libtarget.so", found, ROOM), 1);
    assert_ptr_equal(found[0].address, dlsym(RTLD_DEFAULT, "target_chosen"));
    assert_int_equal(((int (*)(int))found[0].address)(1), 1 + TARGET_chosen);

    assert_int_equal(interpose_find("twin", NULL, NULL, found, ROOM), 2);
    assert_string_equal(found[0].library, "libtwin_a.so");
    assert_string_equal(found[1].library, "libtwin_b.so");
    assert_non_null(strstr(found[1].path, "/libtwin_b.so"));
    assert_int_equal(((int (*)(int))found[1].address)(1), 1 + TWIN_B);
    assert_null(found[0].version);
    assert_true(found[0].is_default && found[1].is_default);
    assert_int_equal(interpose_find("twin", NULL, "libtwin_b.so", found, ROOM), 1);
    found[1].library = "untouched";
    assert_int_equal(interpose_find("twin", NULL, NULL, found, 1), 2);
    assert_string_equal(found[1].library, "untouched");

    assert_int_equal(interpose_find("no_such_function", NULL, NULL, found, ROOM), 0);
    assert_int_equal(interpose_find("", NULL, NULL, found, ROOM), 0);
    assert_int_equal(interpose_find("twin", NULL, "libm.so.6", found, ROOM), 0);
    assert_int_equal(interpose_find("twin", "TARGET_1", NULL, found, ROOM), 0);
    assert_int_equal(interpose_find("target_calls", NULL, NULL, found, ROOM), 0); /* data */
    assert_int_equal(interpose_find("anchor_call", NULL, NULL, found, ROOM), 0);  /* the shim */
    assert_int_equal(interpose_find("errno", NULL, NULL, found, ROOM), 0);        /* TLS */
    assert_int_equal(interpose_find("main", NULL, "test_interpose", found, ROOM), 1);
    assert_string_equal(found[0].path, "");
    assert_ptr_equal(found[0].size_bytes > 0 ? found[0].address : NULL,
                     dlsym(RTLD_DEFAULT, "main"));
}

/*
 * Every function that any object of the start refers to: the name alone against dlsym, and the
 * version that the slot asks for against what the loader put into the slot.
 */
static void test_scope_against_the_loader(void **state)
{
    size_t n_names = 0, n_slots = 0;

    for (size_t o = 0; o < interpose_known.n_objects; o++) {
        const struct elf_view *view = &interpose_known.objects[o].view;

        if (interpose_known.objects[o].role != OBJECT_ORDINARY) {
            continue;
        }
        for (size_t i = 0; i < ELF_RELOCATION_TABLES * 100000; i++) {
            struct resolve_request request = {.is_from_dlsym = true};
            struct elf_relocation relocation;
            const struct object *provider;
            struct elf_symbol symbol, found;
            uintptr_t value;

            if (!elf_view_relocation(view, i % ELF_RELOCATION_TABLES, i / ELF_RELOCATION_TABLES,
                                     &relocation) ||
                relocation.kind == ELF_SLOT_COPY ||
                !elf_view_symbol(view, relocation.symbol, &symbol) || symbol.name[0] == '\0') {
                continue;
            }
            request.name = symbol.name;
            request.name_hash = elf_name_hash(symbol.name);
            if (!resolve_in_scope(&request, 0, &found, &provider)) {
                continue;
            }
            if (resolve_function(&provider->view, &found) != 0) {
                assert_ptr_equal(resolve_function(&provider->view, &found),
                                 dlsym(RTLD_DEFAULT, symbol.name));
                n_names++;
            }
            value = *(const uintptr_t *)relocation.slot;
            request.is_from_dlsym = false;
            request.version = elf_view_version(view, symbol.version, &request.is_exact);
            request.is_for_call = relocation.kind == ELF_SLOT_JUMP;
            assert_false(request.is_exact);
            if (!view->binds_now || !resolve_in_scope(&request, 0, &found, &provider) ||
                resolve_function(&provider->view, &found) == 0) {
                continue;
            }
            if (resolve_function(&provider->view, &found) != value) {
                fail_msg("%s in %s: %#lx, the loader chose %#lx", symbol.name, view->path,
                         (long)resolve_function(&provider->view, &found), (long)value);
            }
            n_slots++;
        }
    }
    assert_true(n_names > 60);
    assert_true(n_slots > 30);
    print_message("# %zu names, %zu slots agree with the loader\n", n_names, n_slots);
}

/* A library without versions of its own, but with needs: whoever may ask for any version. */
static void test_unversioned_definition(void **state)
{
    const struct elf_view *view = &objects_containing(anchor_address())->view;
    struct resolve_request request = {
        .name = "anchor_call", .name_hash = elf_name_hash("anchor_call"), .version = "TARGET_1"};
    struct elf_symbol found;

    assert_non_null(view->versions);
    assert_true(resolve_in_object(view, &request, &found));
    assert_ptr_equal(found.address, dlsym(RTLD_DEFAULT, "anchor_call"));
    request.is_exact = true;
    assert_false(resolve_in_object(view, &request, &found));
}

static void test_real_dlsym(void **state)
{
    assert_ptr_equal(interpose_real_dlsym(), dlsym(RTLD_DEFAULT, "dlsym"));
    assert_ptr_equal(interpose_real_dlvsym(), dlsym(RTLD_DEFAULT, "dlvsym"));
}

static void test_apply(void **state)
{
    apply_all();
    /* Both libraries' calls of the name lead to a's definition. */
    assert_int_equal(twin_a_call(1), replacement_a(1));
    assert_int_equal(twin_b_call(1), replacement_a(1));
    assert_int_equal(bindings[TWIN_OF_A].n_jump_slots, 2);
    assert_int_equal(bindings[TWIN_OF_B].n_jump_slots, 0);
}

/* With RTLD_DEEPBIND a plugin is its own first definition, bound or not yet. */
static void test_deeply_bound_plugins(void **state)
{
    static struct interpose_binding again;
    const char *sanitized = getenv("SANITIZED");

    if (sanitized != NULL && strcmp(sanitized, "yes") == 0) {
        print_message("# not tested: a sanitizer ends the process at RTLD_DEEPBIND\n");
        return;
    }
    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *plugin =
            dlopen(getenv("PLUGIN_DEEP"), RTLD_DEEPBIND | (is_bound ? RTLD_NOW : RTLD_LAZY));
        int (*call)(int x);

        assert_non_null(plugin);
        call = (int (*)(int))dlsym(plugin, "plugin_call");
        assert_non_null(call);
        assert_int_equal(interpose_revert(&bindings[TWIN_OF_A]), 0);
        again = bindings[TWIN_OF_A];
        assert_int_equal(interpose_apply(&again, 1), 0);
        assert_int_equal(again.n_jump_slots, 2);
        assert_int_equal(call(1), 1 + TWIN_PLUGIN_A);
        assert_int_equal(interpose_revert(&again), 0);
        assert_int_equal(interpose_restore(&bindings[TWIN_OF_A]), 0);
        dlclose(plugin);
    }
}

/* Two plugins with a name of their own in common: each has its original, and its binding. */
static void test_equal_names_in_plugins(void **state)
{
    void *a = dlopen(getenv("PLUGIN_A"), RTLD_NOW | RTLD_LOCAL);
    void *b = dlopen(getenv("PLUGIN_B"), RTLD_NOW | RTLD_LOCAL);
    int (*call_a)(int x);
    int (*call_b)(int x);
    static struct interpose_binding pair[2];

    assert_non_null(a);
    assert_non_null(b);
    call_a = (int (*)(int))dlsym(a, "plugin_call");
    call_b = (int (*)(int))dlsym(b, "plugin_call");
    for (int i = 0; i < 2; i++) {
        pair[i] = binding_of("plugin_twin", dlsym(i ? b : a, "plugin_twin"),
                             i ? (void *)replacement_b : (void *)replacement_a);
    }
    assert_ptr_not_equal(pair[0].original, pair[1].original);
    assert_int_equal(interpose_find("plugin_twin", NULL, NULL, NULL, 0), 0); /* not of the start */
    assert_int_equal(interpose_apply(&pair[0], 1), 0);
    assert_int_equal(pair[0].n_jump_slots, 1);
    assert_int_equal(call_a(1), replacement_a(1));
    assert_int_equal(call_b(1), 1 + TWIN_PLUGIN_B);
    assert_int_equal(interpose_apply(&pair[1], 1), 0);
    assert_int_equal(call_a(1), replacement_a(1));
    assert_int_equal(call_b(1), replacement_b(1));
    assert_int_equal(interpose_revert(&pair[0]), 0);
    assert_int_equal(call_a(1), 1 + TWIN_PLUGIN_A);
    assert_int_equal(call_b(1), replacement_b(1));
    assert_int_equal(interpose_revert(&pair[1]), 0);
    assert_int_equal(call_b(1), 1 + TWIN_PLUGIN_B);
    dlclose(a);
    dlclose(b);
    /* Their slots are gone; nothing is remembered that could be written to. */
    assert_int_equal(interpose_restore(&pair[0]), 0);
    assert_int_equal(pair[0].n_jump_slots, 0);
    assert_int_equal(interpose_revert(&pair[0]), 0);
}

/* For what the shim exports itself: objects of the start are bound to that by ld.so. */
static void test_bindings_for_later_objects(void **state)
{
    static struct interpose_binding pair[2];
    void *plugin = dlopen(getenv("PLUGIN_A"), RTLD_LAZY | RTLD_LOCAL);
    int (*call)(int x) = (int (*)(int))dlsym(plugin, "plugin_call");
    void *found;

    pair[0] = binding_of("plugin_twin", dlsym(plugin, "plugin_twin"), (void *)replacement_a);
    pair[1] = binding_of("target_called", original_of("target_called", NULL, NULL),
                         (void *)replacement_a);
    pair[0].is_for_later = pair[1].is_for_later = true;
    assert_int_equal(interpose_revert(&bindings[CALLED]), 0);
    assert_int_equal(interpose_apply(pair, 2), 0);
    assert_int_equal(pair[0].n_jump_slots, 1);
    assert_int_equal(call(1), replacement_a(1));
    assert_int_equal(pair[1].n_jump_slots + pair[1].n_got_slots + pair[1].n_pointers, 0);
    assert_true(interpose_answer_dlsym(plugin, "plugin_twin", NULL, NULL, &found));
    assert_ptr_equal(found, pair[0].original);
    assert_false(interpose_answer_dlsym(RTLD_DEFAULT, "target_called", NULL, call, &found));
    assert_int_equal(interpose_revert(&pair[0]), 0);
    assert_int_equal(interpose_revert(&pair[1]), 0);
    assert_int_equal(call(1), 1 + TWIN_PLUGIN_A);
    assert_int_equal(interpose_restore(&bindings[CALLED]), 0);
    dlclose(plugin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_and_ifuncs_of_libm),
        cmocka_unit_test(test_find_called),
        cmocka_unit_test(test_find_own_libraries),
        cmocka_unit_test(test_scope_against_the_loader),
        cmocka_unit_test(test_unversioned_definition),
        cmocka_unit_test(test_real_dlsym),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_deeply_bound_plugins),
        cmocka_unit_test(test_equal_names_in_plugins),
        cmocka_unit_test(test_bindings_for_later_objects),
    };

    return cmocka_run_group_tests(tests, open_all, NULL);
}
