// SPDX-License-Identifier: MIT
/*
 * config against files: each of fixtures/config/ok loads, each of fixtures/config/bad gives
 * exactly the diagnostics in the .diag file beside it. UPDATE_FIXTURES=1 writes those files anew;
 * what changed is then read by a person.
 */
#include "unit.h"

#include "config_memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#define OUTPUT_BYTES (128 * 1024)

struct loaded {
    int result;
    struct config_model model;
    struct diagnostic_list list;
    struct test_memory memory;
    char output[OUTPUT_BYTES];
};

static char *read_whole(const char *path, size_t *ret_n_bytes)
{
    FILE *file = fopen(path, "rb");
    char *text;
    long n_bytes;

    if (file == NULL) {
        fail_msg("%s: %s", path, strerror(errno));
    }
    fseek(file, 0, SEEK_END);
    n_bytes = ftell(file);
    rewind(file);
    /* exactly as long as the text: a read behind it is seen by a sanitizer */
    text = malloc(n_bytes > 0 ? (size_t)n_bytes : 1);
    assert_int_equal(fread(text, 1, (size_t)n_bytes, file), n_bytes);
    fclose(file);
    *ret_n_bytes = (size_t)n_bytes;
    return text;
}

static void load(struct loaded *loaded, const char *folder, const char *name)
{
    struct config_memory memory = test_memory_init(&loaded->memory);
    char path[1024];
    size_t n_bytes;
    char *text;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    text = read_whole(path, &n_bytes);
    diagnostics_init(&loaded->list, memory);
    loaded->result = config_load(name, text, n_bytes, memory, &loaded->model, &loaded->list);
    free(text);
    assert_true(diagnostics_print(&loaded->list, loaded->output, OUTPUT_BYTES) < OUTPUT_BYTES);
}

static int is_json(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot != NULL && strcmp(dot, ".json") == 0;
}

/* Calls check for each .json file of the folder; returns how many there were. */
static int for_each(const char *folder, void (*check)(const char *folder, const char *name))
{
    struct dirent **entries;
    int n_entries = scandir(folder, &entries, is_json, alphasort);

    for (int i = 0; i < n_entries; i++) {
        check(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return n_entries;
}

static void check_good(const char *folder, const char *name)
{
    struct loaded *loaded = calloc(1, sizeof(*loaded));

    load(loaded, folder, name);
    if (loaded->result != 0) {
        fail_msg("%s", loaded->output);
    }
    assert_string_equal(loaded->output, "");
    assert_string_equal(loaded->model.file, name);
    test_memory_free(&loaded->memory);
    free(loaded);
}

static void check_bad(const char *folder, const char *name)
{
    struct loaded *loaded = calloc(1, sizeof(*loaded));
    char path[1024], *expected;
    size_t n_bytes;

    load(loaded, folder, name);
    assert_int_equal(loaded->result, -EINVAL);
    snprintf(path, sizeof(path), "%s/%.*s.diag", folder, (int)strlen(name) - 5, name);
    if (getenv("UPDATE_FIXTURES") != NULL) {
        FILE *file = fopen(path, "wb");

        assert_non_null(file);
        fputs(loaded->output, file);
        fclose(file);
    }
    expected = read_whole(path, &n_bytes);
    if (n_bytes != strlen(loaded->output) || memcmp(expected, loaded->output, n_bytes) != 0) {
        fail_msg("%s gives:\n%s", name, loaded->output);
    }
    free(expected);
    test_memory_free(&loaded->memory);
    free(loaded);
}

static void test_good_files_load(void **state)
{
    assert_true(for_each(FIXTURES "/config/ok", check_good) >= 10);
}

static void test_bad_files_give_exactly_their_diagnostics(void **state)
{
    assert_true(for_each(FIXTURES "/config/bad", check_bad) >= 40);
}

static void test_ten_mistakes_give_ten_diagnostics(void **state)
{
    struct loaded *loaded = calloc(1, sizeof(*loaded));

    load(loaded, FIXTURES "/config/bad", "ten-mistakes.json");
    assert_int_equal(loaded->list.n_items, 10);
    assert_int_equal(loaded->list.n_suppressed, 0);
    test_memory_free(&loaded->memory);
    free(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_files_load),
        cmocka_unit_test(test_bad_files_give_exactly_their_diagnostics),
        cmocka_unit_test(test_ten_mistakes_give_ten_diagnostics),
    };

    return cmocka_run_group_tests_name("config_fixtures", tests, NULL, NULL);
}
