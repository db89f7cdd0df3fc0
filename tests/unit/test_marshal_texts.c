// SPDX-License-Identifier: MIT
/*
 * marshal: arrays of texts, and texts that name files.
 */
#include "inputs_subject.h"

#include "base/clock.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

TEST_POINTER(char_pointer, type_i8);
TEST_POINTER(texts_type, char_pointer);
TEST_POINTER(double_pointer, type_double);
TEST_POINTER(wide_pointer, type_i32);

static const struct config_description as_strings = {.kind = DESCRIBE_STRINGS, .is_in = true};
static const struct config_description as_path = {.kind = DESCRIBE_PATH, .is_in = true};

/* ---- strings --------------------------------------------------------------------------------- */

static void test_strings(void **state)
{
    static const char *const lists[][4] = {
        {NULL},
        {"", NULL},
        {"", "", NULL},
        {"ab", NULL},
        {"a", "b", NULL},
        {"b", "a", NULL},
        {"a", "b", "", NULL},
        {"ab", "", NULL},
        {"SE", NULL},
        {"L", "E", "N", NULL},
    };
    enum {
        N = sizeof(lists) / sizeof(lists[0])
    };

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &texts_type, as_strings);
    subject_add(&subject, &texts_type, as_strings);
    subject_finish(&subject);
    for (int i = 0; i < N * N; i++) {
        const char *const *a = lists[i / N], *const *b = lists[i % N];
        void *first[] = {&a, &b};

        for (int k = 0; k < N * N; k++) {
            const char *const *c = lists[k / N], *const *d = lists[k % N];
            void *second[] = {&c, &d};

            assert_int_equal(same_key(&subject, first, second), i == k);
        }
    }
    subject_end(&subject);
}

static void test_strings_by_content_and_null(void **state)
{
    char a[] = "text", b[] = "text";
    char *one[] = {a, NULL}, *other[] = {b, NULL}, *many[] = {a, b, a, b, a, NULL};
    char **x = one, **y = other, **nothing = NULL, **five = many;
    void *first[] = {&x}, *second[] = {&y}, *absent[] = {&nothing}, *long_list[] = {&five};
    char *empty[] = {NULL}, **none = empty;
    void *emptied[] = {&none};

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &texts_type, as_strings);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, first, second), 1);
    assert_int_equal(same_key(&subject, absent, emptied), 0);
    assert_string_equal(show_key_of(absent), "x=NULL");
    assert_string_equal(show_key_of(emptied), "x=[]");
    assert_string_equal(show_key_of(long_list), "x=[\"text\", \"text\", \"text\", \"text\", ...]");
    subject_end(&subject);
}

/* ---- wide text ------------------------------------------------------------------------------- */

static const struct config_description as_wide = {
    .kind = DESCRIBE_STRING, .is_in = true, .element_size = sizeof(wchar_t)};

static void test_wide_text(void **state)
{
    /* Their first bytes are a narrow text and its end. */
    static const wchar_t *const texts[] = {NULL, L"", L"a", L"ab", L"abc", L"\x1f600", L"b"};
    enum {
        N = sizeof(texts) / sizeof(texts[0])
    };
    wchar_t copy[] = L"ab";
    const wchar_t *same = copy;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &wide_pointer, as_wide);
    subject_finish(&subject);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++) {
            void *first[] = {(void *)&texts[i]}, *second[] = {(void *)&texts[k]};

            assert_int_equal(same_key(&subject, first, second), i == k);
        }
    }
    assert_int_equal(same_key(&subject, (void *[]){(void *)&texts[3]}, (void *[]){&same}), 1);
    subject_end(&subject);
}

/* It ends where four bytes are 0 that stand for one character, and nothing is read behind them. */
static void test_wide_text_ends(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wchar_t *text;

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &wide_pointer, as_wide);
    subject_finish(&subject);
    for (int odd = 0; odd < 4; odd++) {
        struct key key;
        wchar_t longest[3] = {0x61000000, 0x00610000, 0};

        text = (wchar_t *)(pages + page - sizeof(longest) - odd);
        memcpy(text, longest, sizeof(longest));
        assert_int_equal(take_key_of((void *[]){&text}, &key), 0);
        assert_int_equal(key.n_bytes, 4 + 8);
        assert_memory_equal(key.bytes + 4, longest, 8);
    }
    subject_end(&subject);
    munmap(pages, 2 * page);
}

static void test_wide_text_without_end(void **state)
{
    size_t n = MARSHAL_MAX_STRING_BYTES / sizeof(wchar_t);
    wchar_t *text = malloc((n + 2) * sizeof(wchar_t));
    struct marshal_buffer buffer;
    struct marshal_call call;

    assert_non_null(text);
    wmemset(text, L'x', n + 1);
    text[n + 1] = L'\0';
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &wide_pointer, as_wide);
    subject.function.max_bytes = 16 * MARSHAL_MAX_STRING_BYTES;
    subject_finish(&subject);
    marshal_buffer_init(&buffer, false);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&text}, &test_mac_key, &buffer, &call),
                     -E2BIG);
    marshal_buffer_fini(&buffer);
    text[n] = L'\0';
    marshal_buffer_init(&buffer, false);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&text}, &test_mac_key, &buffer, &call),
                     0);
    assert_int_equal(buffer.n_bytes, 4 + n * sizeof(wchar_t));
    marshal_buffer_fini(&buffer);
    subject_end(&subject);
    free(text);
}

/* wcsxfrm(s, s, n) is another call than wcsxfrm(d, s, n), also behind its first zero byte. */
static void test_wide_text_in_what_is_written(void **state)
{
    static const struct count_step four[] = {{.kind = COUNT_NUMBER, .number = 4}};
    const struct config_description out_four = {.kind = DESCRIBE_MEMORY,
                                                .is_out = true,
                                                .element_size = sizeof(wchar_t),
                                                .element = &type_i32,
                                                .count = {four, 1}};
    wchar_t room[16] = L"abc";
    wchar_t *text = room, *inside = room + 2, *behind = room + 4, *far = room + 8;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &wide_pointer, as_wide);
    subject_add(&subject, &wide_pointer, out_four);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&text, &behind}, (void *[]){&text, &far}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&text, &inside}, (void *[]){&text, &far}), 0);
    subject_end(&subject);
}

/* An array without end stops at the function's own bound. */
static void test_strings_without_end(void **state)
{
    char *endless[1000], **list = endless;
    char text[] = "x";
    void *arguments[] = {&list};
    struct key key;

    for (int i = 0; i < 1000; i++) {
        endless[i] = text;
    }
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &texts_type, as_strings);
    subject.function.max_bytes = 1000;
    subject_finish(&subject);
    assert_int_equal(take_key_of(arguments, &key), -E2BIG);
    subject_end(&subject);
}

static void test_strings_in_what_is_written(void **state)
{
    static const struct config_description out = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 8, .element = &type_double};
    struct {
        double before;
        char text[8];
        double after;
    } memory = {.text = "abc"};
    char *texts[] = {memory.text, NULL}, **list = texts;
    double *pointers[] = {(double *)(void *)memory.text, &memory.before, &memory.after,
                          (double *)(void *)texts, NULL};

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &texts_type, as_strings);
    subject_add(&subject, &double_pointer, out);
    subject_finish(&subject);
    for (int i = 0; i < 5; i++) {
        void *arguments[] = {&list, &pointers[i]};
        struct key key;

        assert_int_equal(take_key_of(arguments, &key), i == 0 || i == 3 ? -ENOTSUP : 0);
    }
    subject_end(&subject);
}

/* ---- paths ----------------------------------------------------------------------------------- */

static int capture_path(void (*change)(void))
{
    const char *path = file;
    void *arguments[] = {&path};
    uint64_t result = 1;
    struct marshal_call call;
    struct captured record;

    before(&subject, arguments, &call);
    change();
    return after(&subject, arguments, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record);
}

static void test_paths(void **state)
{
    const char *path = file, *nothing = NULL, *other = "/nowhere", *same_file;
    char copy[sizeof(file) + 1], link_path[128];
    void *arguments[] = {&path}, *absent[] = {&nothing}, *elsewhere[] = {&other};
    struct key gone, young, there, changed, unlike, null;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &char_pointer, as_path);
    subject_finish(&subject);
    remove_file();
    assert_int_equal(take_key_of(arguments, &gone), 0);
    assert_int_equal(take_key_of(elsewhere, &unlike), 0);
    assert_false(same(&gone, &unlike));
    assert_int_equal(take_key_of(absent, &null), 0);
    assert_string_equal(show_key_of(absent), "x=NULL");
    assert_string_equal(show_key_of(elsewhere), "x=\"/nowhere\" (no file)");
    write_file();
    clock_use_vdso(gettime_of_change);
    assert_int_equal(take_key_of(arguments, &young), -EAGAIN);
    clock_use_vdso(NULL);
    settle();
    assert_int_equal(take_key_of(arguments, &there), 0);
    assert_false(same(&gone, &there));
    assert_int_equal(capture_path(change_nothing), 0);
    assert_int_equal(capture_path(write_file), -ESTALE);
    settle();
    assert_int_equal(take_key_of(arguments, &changed), 0);
    assert_false(same(&there, &changed));
    /* Another name of the same file is another key. */
    snprintf(copy, sizeof(copy), "/%s", file);
    same_file = copy;
    assert_int_equal(take_key_of((void *[]){&same_file}, &unlike), 0);
    assert_false(same(&changed, &unlike));
    assert_int_equal(capture_path(remove_file), -ESTALE);
    assert_int_equal(take_key_of(arguments, &changed), 0);
    assert_true(same(&gone, &changed));
    assert_int_equal(capture_path(write_file), -ESTALE);
    /* Regular files only. */
    same_file = folder;
    assert_int_equal(take_key_of((void *[]){&same_file}, &unlike), -ENOTSUP);
    same_file = "/dev/null";
    assert_int_equal(take_key_of((void *[]){&same_file}, &unlike), -ENOTSUP);
    snprintf(link_path, sizeof(link_path), "%s/link", folder);
    assert_int_equal(symlink(file, link_path), 0);
    settle();
    same_file = link_path;
    assert_int_equal(take_key_of((void *[]){&same_file}, &unlike), 0);
    unlink(link_path);
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_strings_by_content_and_null),
        cmocka_unit_test(test_strings_without_end),
        cmocka_unit_test(test_strings_in_what_is_written),
        cmocka_unit_test(test_wide_text),
        cmocka_unit_test(test_wide_text_ends),
        cmocka_unit_test(test_wide_text_without_end),
        cmocka_unit_test(test_wide_text_in_what_is_written),
        cmocka_unit_test(test_paths),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
