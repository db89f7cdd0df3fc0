// SPDX-License-Identifier: MIT
/* Dumps as whole files, whatever stands in the way, and as text on stderr. */
#include "unit.h"

#include "base/log.h"
#include "stats/target.h"
#include "stats_subject.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/memoshim-stats-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void read_file(const char *path, struct text *ret_text)
{
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    ret_text->n_bytes = fread(ret_text->bytes, 1, sizeof(ret_text->bytes) - 1, file);
    ret_text->bytes[ret_text->n_bytes] = '\0';
    fclose(file);
}

static unsigned count_files(void)
{
    char command[PATH_MAX + 32];
    unsigned n = 0;
    FILE *pipe;

    snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%u", &n), 1);
    pclose(pipe);
    return n;
}

static int make_folder(void **state)
{
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[PATH_MAX + 32];

    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static void test_dump_is_a_new_file_with_mode_0644(void **state)
{
    static struct text text, expected;
    const struct stats_sink sink = {append, &expected};
    struct stats_counters *counters = new_counters();
    const struct stats_snapshot snapshot = snapshot_of(counters);
    struct stats_target target = {.path = strdup(in_folder("%n.%p%%.json")), .format = STATS_JSON};
    mode_t old_umask = umask(077);
    struct stat status;

    expected.n_bytes = 0;
    assert_int_equal(stats_emit(&snapshot, STATS_JSON, &sink), 0);
    errno = 4321;
    assert_int_equal(stats_target_check(&target, "prog", 42), 0);
    assert_int_equal(count_files(), 0);
    errno = 4321;
    assert_int_equal(stats_dump(&snapshot, &target), 0);
    assert_int_equal(errno, 4321);
    umask(old_umask);
    assert_int_equal(stat(in_folder("prog.42%.json"), &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0644);
    read_file(in_folder("prog.42%.json"), &text);
    assert_string_equal(text.bytes, expected.bytes);
    assert_int_equal(stats_dump(&snapshot, &target), 0); /* again, over it */
    assert_int_equal(count_files(), 1);
    free((char *)target.path);
    free(counters);
}

static void test_dump_replaces_a_link_and_does_not_follow_it(void **state)
{
    static struct text text;
    struct stats_counters *counters = new_counters();
    const struct stats_snapshot snapshot = snapshot_of(counters);
    struct stats_target target = {.path = strdup(in_folder("stats")), .format = STATS_TEXT};
    char *victim = strdup(in_folder("victim"));
    FILE *file = fopen(victim, "w");
    struct stat status;

    fputs("precious", file);
    fclose(file);
    assert_int_equal(symlink(victim, target.path), 0);
    assert_int_equal(stats_dump(&snapshot, &target), 0);
    assert_int_equal(lstat(target.path, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    read_file(victim, &text);
    assert_string_equal(text.bytes, "precious");
    free(victim);
    free((char *)target.path);
    free(counters);
}

static void test_dump_that_fails_leaves_nothing(void **state)
{
    struct stats_counters *counters = new_counters();
    const struct stats_snapshot snapshot = snapshot_of(counters);
    char *nowhere = strdup(in_folder("none/stats")), *limited = strdup(in_folder("limited"));
    struct stats_target target = {.path = nowhere};
    struct rlimit limit, old_limit;

    assert_int_equal(stats_target_check(&target, "prog", 42), -ENOENT);
    assert_int_equal(stats_dump(&snapshot, &target), -ENOENT);
    target.path = folder; /* a folder stands there */
    assert_int_equal(stats_target_check(&target, "prog", 42), -EISDIR);
    assert_int_equal(stats_dump(&snapshot, &target), -EISDIR);
    target.path = "stats%q";
    assert_int_equal(stats_target_check(&target, "prog", 42), -EINVAL);
    assert_int_equal(stats_dump(&snapshot, &target), -EINVAL);
    target.path = "stats%";
    assert_int_equal(stats_target_check(&target, "prog", 42), -EINVAL);
    target.path = "";
    assert_int_equal(stats_target_check(&target, "prog", 42), -EINVAL);

    /* A limit on file sizes must not raise SIGXFSZ in the program. */
    target.path = limited;
    getrlimit(RLIMIT_FSIZE, &old_limit);
    limit = old_limit;
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(stats_dump(&snapshot, &target), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &old_limit);
    assert_int_equal(count_files(), 0);
    free(nowhere);
    free(limited);
    free(counters);
}

/* A rename would take a device or a pipe away from the whole machine. */
static void test_what_is_no_file_is_not_replaced(void **state)
{
    static const char *const names[] = {"pipe", "to-pipe", "stderr"};
    const struct stats_snapshot snapshot = {.program = "prog"};
    char *pipe = strdup(in_folder("pipe"));

    assert_int_equal(mkfifo(pipe, 0600) + symlink(pipe, in_folder("to-pipe")), 0);
    assert_int_equal(symlink("/proc/self/fd/2", in_folder("stderr")), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct stats_target target = {.path = in_folder(names[i]), .format = STATS_JSON};
        struct stat before = {0}, after;

        lstat(target.path, &before);
        assert_int_equal(stats_target_check(&target, "prog", 42), -EEXIST);
        assert_int_equal(stats_dump(&snapshot, &target), -EEXIST);
        assert_non_null(strstr(stats_target_problem(-EEXIST), "no regular file"));
        assert_string_equal(stats_target_problem(-ENOENT), strerror(ENOENT));
        assert_true(lstat(target.path, &after) == 0 && after.st_ino == before.st_ino);
    }
    free(pipe);
}

/* In a child without privileges, since root may write anywhere. Exits with -error. */
static void test_unwritable_folder(void **state)
{
    struct stats_counters *counters = new_counters();
    const struct stats_snapshot snapshot = snapshot_of(counters);
    struct stats_target target = {.path = strdup(in_folder("stats"))};
    int status;
    pid_t child;

    chmod(folder, 0555);
    child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0) {
            _exit(1);
        }
        _exit(stats_target_check(&target, "prog", 42) == -EACCES &&
                      stats_dump(&snapshot, &target) == -EACCES
                  ? 0
                  : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(folder, 0755);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free((char *)target.path);
    free(counters);
}

/* Called while the file is open: descriptors 0 and 1 must still be as the program left them. */
static void read_with_descriptors_closed(void *context, size_t i,
                                         struct stats_function *ret_function)
{
    if (fcntl(0, F_GETFD) >= 0 || fcntl(1, F_GETFD) >= 0) {
        _exit(2);
    }
    read_one(context, i, ret_function);
}

/* A program that runs with its standard descriptors closed must not find our file there. */
static void test_standard_descriptors_are_not_used(void **state)
{
    struct stats_counters *counters = new_counters();
    struct stats_snapshot snapshot = snapshot_of(counters);
    struct stats_target target = {.path = strdup(in_folder("stats"))};
    int status;
    pid_t child;

    snapshot.read_function = read_with_descriptors_closed;
    child = fork();
    if (child == 0) {
        close(0);
        close(1);
        _exit(stats_dump(&snapshot, &target) == 0 && fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free((char *)target.path);
    free(counters);
}

static void test_targets_expand(void **state)
{
    char path[32];

    assert_int_equal(target_expand("/run/%n.%p", "../a/b", 7, path, sizeof(path)), 0);
    assert_string_equal(path, "/run/.._a_b.7");
    assert_int_equal(target_expand("%%%p%%", "n", INT64_MIN, path, sizeof(path)), 0);
    assert_string_equal(path, "%-9223372036854775808%");
    assert_int_equal(target_expand("12345678", "n", 7, path, 8), -ENAMETOOLONG);
    assert_int_equal(target_expand("1234567", "n", 7, path, 8), 0);
}

struct dumper {
    struct stats_counters *counters;
    const struct stats_target *target;
};

static void *dump_often(void *context)
{
    struct dumper *dumper = context;
    const struct stats_snapshot snapshot = snapshot_of(dumper->counters);

    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(stats_dump(&snapshot, dumper->target), 0);
    }
    return NULL;
}

/* Whoever reads while several threads dump sees one whole object, every time. */
static void test_readers_never_see_half(void **state)
{
    static struct text text;
    struct stats_counters *counters = new_counters();
    struct stats_target target = {.path = strdup(in_folder("stats")), .format = STATS_JSON};
    struct dumper dumper = {counters, &target};
    const struct stats_snapshot snapshot = snapshot_of(counters);
    pthread_t threads[2];

    assert_int_equal(stats_dump(&snapshot, &target), 0);
    for (unsigned i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, dump_often, &dumper);
    }
    for (unsigned i = 0; i < 300; i++) {
        read_file(target.path, &text);
        assert_true(text.n_bytes > 100 && text.bytes[0] == '{');
        assert_string_equal(text.bytes + text.n_bytes - 3, "\n}\n");
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(count_files(), 1);
    free((char *)target.path);
    free(counters);
}

static void test_dump_to_stderr(void **state)
{
    static struct text text;
    struct stats_counters *counters = new_counters();
    const struct stats_snapshot snapshot = snapshot_of(counters);
    struct stats_target target = {.to_stderr = true, .format = STATS_TEXT};
    int saved = dup(STDERR_FILENO), fd = open(in_folder("err"), O_RDWR | O_CREAT, 0600);

    dup2(fd, STDERR_FILENO);
    log_init(LOG_LEVEL_ERROR);
    assert_int_equal(stats_target_check(&target, "prog", 42), 0);
    assert_int_equal(stats_dump(&snapshot, &target), 0);
    dup2(saved, STDERR_FILENO);
    log_init(LOG_LEVEL_ERROR);
    close(saved);
    close(fd);
    read_file(in_folder("err"), &text);
    assert_non_null(strstr(text.bytes, "prog (pid 42)"));
    free(counters);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_expand),
        IN_FOLDER(test_dump_is_a_new_file_with_mode_0644),
        IN_FOLDER(test_dump_replaces_a_link_and_does_not_follow_it),
        IN_FOLDER(test_dump_that_fails_leaves_nothing),
        IN_FOLDER(test_what_is_no_file_is_not_replaced),
        IN_FOLDER(test_unwritable_folder),
        IN_FOLDER(test_standard_descriptors_are_not_used),
        IN_FOLDER(test_readers_never_see_half),
        IN_FOLDER(test_dump_to_stderr),
    };

    return cmocka_run_group_tests_name("stats_dump", tests, NULL, NULL);
}
