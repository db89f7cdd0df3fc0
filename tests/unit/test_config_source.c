// SPDX-License-Identifier: MIT
/*
 * config finding its text: which file is taken, and which files are refused because somebody else
 * could have written them. Works in a temporary folder; what needs another owner needs root.
 */
#include "unit.h"

#include "config_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT "{ \"version\": 1, \"functions\": {} }\n"

static char root[64];
static struct test_memory memory;
static struct config_source source;
static struct diagnostic_list list;
static struct config_surroundings surroundings;

static const char *at(const char *name)
{
    static char paths[4][256];
    static int next;

    next = (next + 1) % 4;
    snprintf(paths[next], sizeof(paths[next]), "%s/%s", root, name);
    return paths[next];
}

static void put_file(const char *name, const char *text, mode_t mode)
{
    int fd;

    unlink(at(name)); /* one that may not be written to */
    fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int setup(void **state)
{
    strcpy(root, "/tmp/test_config_XXXXXX");
    memset(&surroundings, 0, sizeof(surroundings));
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    char command[128];

    test_memory_free(&memory);
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

static int find(void)
{
    struct config_memory blocks;
    int result;

    test_memory_free(&memory);
    blocks = test_memory_init(&memory);
    diagnostics_init(&list, blocks);
    result = config_find(&surroundings, blocks, &source, &list);
    /* Who is told that there is none need not look. */
    assert_true(result == 0 || config_may_be_found(&surroundings));
    return result;
}

static void expect_found(const char *file, const char *text)
{
    assert_int_equal(find(), 1);
    assert_int_equal(list.n_items, 0);
    assert_string_equal(source.file, file);
    assert_int_equal(source.n_bytes, strlen(text));
    assert_memory_equal(source.text, text, source.n_bytes);
}

static void expect_refused(int error, const char *text)
{
    char output[4096];

    assert_int_equal(find(), error);
    assert_int_equal(list.n_items, 1);
    diagnostics_print(&list, output, sizeof(output));
    if (strstr(output, text) == NULL) {
        fail_msg("%s", output);
    }
}

static void test_named_file(void **state)
{
    put_file("a.json", TEXT, 0644);
    surroundings.memoshim_config = at("a.json");
    expect_found(at("a.json"), TEXT);
    surroundings.memoshim_config = at("none.json");
    expect_refused(-ENOENT, "none.json: error: cannot be read: No such file or directory\n");
}

static void test_inline_text(void **state)
{
    surroundings.memoshim_config = " \n\t{ \"version\": 1 }";
    expect_found("MEMOSHIM_CONFIG", " \n\t{ \"version\": 1 }");
}

static void test_folder_by_both_names_of_the_program(void **state)
{
    surroundings.memoshim_config = root;
    surroundings.started_as = "/usr/bin/python3";
    surroundings.executable = "/usr/bin/python3.11";
    assert_int_equal(find(), 0);
    assert_int_equal(list.n_items, 0);
    put_file("python3.11.json", "second", 0600);
    expect_found(at("python3.11.json"), "second");
    put_file("python3.json", "first", 0600);
    expect_found(at("python3.json"), "first");
    surroundings.started_as = "..";
    surroundings.executable = NULL;
    assert_int_equal(find(), 0);
}

static void test_folders_of_the_user(void **state)
{
    char home[128], xdg[128];

    snprintf(home, sizeof(home), "%s/home", root);
    snprintf(xdg, sizeof(xdg), "%s/xdg", root);
    mkdir(home, 0755);
    mkdir(at("home/.config"), 0755);
    mkdir(at("home/.config/memoshim"), 0755);
    mkdir(xdg, 0755);
    mkdir(at("xdg/memoshim"), 0755);
    surroundings.home = home;
    surroundings.started_as = "no-such-program-anywhere";
    assert_int_equal(find(), 0);
    put_file("home/.config/memoshim/no-such-program-anywhere.json", "home", 0600);
    expect_found(at("home/.config/memoshim/no-such-program-anywhere.json"), "home");
    surroundings.memoshim_config = "";
    expect_found(at("home/.config/memoshim/no-such-program-anywhere.json"), "home");
    surroundings.xdg_config_home = "relative";
    expect_found(at("home/.config/memoshim/no-such-program-anywhere.json"), "home");
    surroundings.xdg_config_home = xdg;
    assert_int_equal(find(), 0);
    put_file("xdg/memoshim/no-such-program-anywhere.json", "xdg", 0600);
    expect_found(at("xdg/memoshim/no-such-program-anywhere.json"), "xdg");
    surroundings.check_only_explicit = true;
    assert_int_equal(find(), 0);
}

/* One that must not be used hides those that would come after it. */
static void test_refused_file_is_not_passed_over(void **state)
{
    surroundings.memoshim_config = root;
    surroundings.started_as = "one";
    surroundings.executable = "two";
    put_file("one.json", TEXT, 0666);
    put_file("two.json", TEXT, 0600);
    expect_refused(-EPERM, "one.json: error: refused: its group or others can write to it\n");
}

static void test_modes_of_the_file(void **state)
{
    static const mode_t good[] = {0600, 0644, 0444, 0755, 04755};
    static const mode_t bad[] = {0660, 0620, 0602, 0666, 01666};

    surroundings.memoshim_config = at("a.json");
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        put_file("a.json", TEXT, good[i]);
        expect_found(at("a.json"), TEXT);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_file("a.json", TEXT, bad[i]);
        expect_refused(-EPERM, "can write to it");
    }
}

static void test_modes_of_the_folder(void **state)
{
    char link[128];

    mkdir(at("open"), 0755);
    put_file("open/a.json", TEXT, 0644);
    surroundings.memoshim_config = at("open/a.json");
    expect_found(at("open/a.json"), TEXT);
    chmod(at("open"), 0777);
    expect_refused(-EPERM, "others can write to its folder");
    chmod(at("open"), 01777);
    expect_found(at("open/a.json"), TEXT);

    /* A link in a good folder does not hide that the file lies in a bad one. */
    chmod(at("open"), 0777);
    snprintf(link, sizeof(link), "%s", at("link.json"));
    assert_int_equal(symlink(at("open/a.json"), link), 0);
    surroundings.memoshim_config = link;
    expect_refused(-EPERM, "others can write to its folder");
    chmod(at("open"), 0755);
    expect_found(link, TEXT);
}

static void test_owner(void **state)
{
    NEED(geteuid() == 0, "only root gives files away");
    put_file("a.json", TEXT, 0644);
    chmod(root, 0755);
    surroundings.memoshim_config = at("a.json");
    assert_int_equal(chown(at("a.json"), 1234, 0), 0);
    expect_refused(-EPERM, "owned by neither root nor the user");
    assert_int_equal(seteuid(1234), 0);
    expect_found(at("a.json"), TEXT);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(seteuid(1235), 0);
    expect_refused(-EPERM, "owned by neither root nor the user");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chown(at("a.json"), 0, 0), 0);
    assert_int_equal(seteuid(1235), 0);
    expect_found(at("a.json"), TEXT);
    assert_int_equal(seteuid(0), 0);
}

static void test_what_is_no_file(void **state)
{
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    surroundings.memoshim_config = at("pipe");
    expect_refused(-EINVAL, "not a regular file");
    surroundings.memoshim_config = root;
    surroundings.started_as = "dir";
    mkdir(at("dir.json"), 0755);
    expect_refused(-EINVAL, "not a regular file");
    surroundings.started_as = "link";
    assert_int_equal(symlink("/nowhere/at/all", at("link.json")), 0);
    expect_refused(-ENOENT, "cannot be read");
}

static void test_size(void **state)
{
    put_file("a.json", "{", 0600);
    surroundings.memoshim_config = at("a.json");
    assert_int_equal(truncate(at("a.json"), 1024 * 1024), 0);
    assert_int_equal(find(), 1);
    assert_int_equal(source.n_bytes, 1024 * 1024);
    assert_int_equal(truncate(at("a.json"), 1024 * 1024 + 1), 0);
    expect_refused(-EFBIG, "larger than 1 MiB");
}

static void test_no_memory(void **state)
{
    struct config_memory blocks = test_memory_init(&memory);

    put_file("a.json", TEXT, 0600);
    for (unsigned long budget = 0; budget < 2; budget++) {
        memory.budget = budget;
        diagnostics_init(&list, blocks);
        assert_int_equal(config_read_file(at("a.json"), blocks, &source, &list), -ENOMEM);
        assert_int_equal(list.n_items, 1);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_named_file),
        TEST(test_inline_text),
        TEST(test_folder_by_both_names_of_the_program),
        TEST(test_folders_of_the_user),
        TEST(test_refused_file_is_not_passed_over),
        TEST(test_modes_of_the_file),
        TEST(test_modes_of_the_folder),
        TEST(test_owner),
        TEST(test_what_is_no_file),
        TEST(test_size),
        TEST(test_no_memory),
    };

    return cmocka_run_group_tests_name("config_source", tests, NULL, NULL);
}
