// SPDX-License-Identifier: MIT
/* Counting from many threads, the histogram against a sorted array, and dumps as whole files. */
#include "unit.h"

#include "base/log.h"
#include "stats/histogram.h"
#include "stats/stats.h"
#include "stats/target.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct stats_counters *new_counters(void)
{
    size_t n_bytes = (stats_counters_bytes() + 63) / 64 * 64;
    struct stats_counters *counters = aligned_alloc(64, n_bytes);

    assert_non_null(counters);
    memset(counters, 0, n_bytes);
    stats_counters_init(counters);
    return counters;
}

/* One function whose counters are handed over, as a snapshot. */
static void read_one(void *context, size_t i, struct stats_function *ret_function)
{
    assert_int_equal(i, 0);
    *ret_function = (struct stats_function){
        .name = "f", .mode = "memoize", .policy = "lru", .counters = context};
}

static struct stats_snapshot snapshot_of(struct stats_counters *counters)
{
    return (struct stats_snapshot){.program = "prog",
                                   .pid = 42,
                                   .n_functions = 1,
                                   .read_function = read_one,
                                   .context = counters};
}

struct text {
    char bytes[65536];
    size_t n_bytes;
};

static int append(void *context, const char *text, size_t n_bytes)
{
    struct text *to = context;

    assert_true(n_bytes < sizeof(to->bytes) - to->n_bytes);
    memcpy(to->bytes + to->n_bytes, text, n_bytes);
    to->n_bytes += n_bytes;
    to->bytes[to->n_bytes] = '\0';
    return 0;
}

/* The number behind "key": in the JSON output, the only way to read counters from outside. */
static unsigned long long json_number(struct stats_counters *counters, const char *key)
{
    static struct text text;
    const struct stats_sink sink = {append, &text};
    const struct stats_snapshot snapshot = snapshot_of(counters);
    char pattern[64];
    const char *found;

    text.n_bytes = 0;
    assert_int_equal(stats_emit(&snapshot, STATS_JSON, &sink), 0);
    snprintf(pattern, sizeof(pattern), "\"%s\": ", key);
    found = strstr(text.bytes, pattern);
    assert_non_null(found);
    return strtoull(found + strlen(pattern), NULL, 10);
}

/* ---- counting -------------------------------------------------------------------------------- */

/* More threads than stripes, so that some share one. */
#define THREADS    40
#define ITERATIONS 50000

static void *count(void *counters)
{
    for (unsigned i = 0; i < ITERATIONS; i++) {
        stats_add(counters, STATS_hits, 1);
        stats_add(counters, STATS_stores, 3);
        if (i % 10 == 0) {
            stats_add_bypass(counters, STATS_BYPASS_timeout);
        }
        stats_add_real_ns(counters, 1000 + i % 2);
    }
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    struct stats_counters *counters = new_counters();
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count, counters), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(json_number(counters, "hits"), THREADS * ITERATIONS);
    assert_int_equal(json_number(counters, "stores"), THREADS * ITERATIONS * 3);
    assert_int_equal(json_number(counters, "bypasses"), THREADS * ITERATIONS / 10);
    assert_int_equal(json_number(counters, "timeout"), THREADS * ITERATIONS / 10);
    assert_int_equal(json_number(counters, "calls"), THREADS * ITERATIONS / 10 * 11);
    assert_int_equal(json_number(counters, "count"), THREADS * ITERATIONS);
    assert_int_equal(json_number(counters, "mean"), 1000); /* 1000.5 */
    free(counters);
}

static void test_one_thread_and_reset(void **state)
{
    struct stats_counters *counters = new_counters();

    assert_int_equal(json_number(counters, "calls"), 0);
    assert_int_equal(stats_real_quantile_ns(counters, 0.5), 0);
    count(counters);
    assert_int_equal(json_number(counters, "hits"), ITERATIONS);
    assert_int_equal(json_number(counters, "count"), ITERATIONS);
    stats_counters_reset(counters);
    assert_int_equal(json_number(counters, "calls"), 0);
    assert_int_equal(json_number(counters, "stores"), 0);
    assert_int_equal(json_number(counters, "count"), 0);
    assert_int_equal(stats_real_quantile_ns(counters, 1), 0);
    free(counters);
}

/* ---- the histogram --------------------------------------------------------------------------- */

static void test_steps_cover_everything(void **state)
{
    uint32_t last = 0;

    for (uint64_t ns = 0; ns < 100000; ns++) {
        uint32_t step = histogram_step_of(ns);
        uint64_t middle = histogram_step_middle(step);
        uint64_t distance = middle > ns ? middle - ns : ns - middle;

        assert_true(step == last || step == last + 1);
        assert_true(distance * 16 <= ns); /* half a step, an eighth of a power of two */
        last = step;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_true(histogram_step_of((uint64_t)1 << bit) < HISTOGRAM_STEP_COUNT);
        assert_int_equal(histogram_step_of(histogram_step_middle(histogram_step_of(1ull << bit))),
                         histogram_step_of(1ull << bit));
    }
    assert_int_equal(histogram_step_of(UINT64_MAX), HISTOGRAM_STEP_COUNT - 1);
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t l = *(const uint64_t *)left, r = *(const uint64_t *)right;

    return (l > r) - (l < r);
}

static void test_quantiles_match_a_sorted_array(void **state)
{
    static const double quantiles[] = {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    static uint64_t times[5000];
    unsigned short seed[3] = {1, 2, 3};

    for (size_t n = 1; n <= 5000; n = n * 3 + 1) {
        struct stats_counters *counters = new_counters();

        for (size_t i = 0; i < n; i++) {
            times[i] = (uint64_t)nrand48(seed) >> (nrand48(seed) % 31);
            stats_add_real_ns(counters, times[i]);
        }
        qsort(times, n, sizeof(times[0]), compare_u64);
        for (size_t q = 0; q < sizeof(quantiles) / sizeof(quantiles[0]); q++) {
            size_t rank = (size_t)(quantiles[q] * (double)n);
            uint64_t exact;

            rank += (double)rank < quantiles[q] * (double)n;
            exact = times[rank - 1];
            assert_int_equal(stats_real_quantile_ns(counters, quantiles[q]),
                             histogram_step_middle(histogram_step_of(exact)));
        }
        free(counters);
    }
}

/* ---- files ----------------------------------------------------------------------------------- */

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
        cmocka_unit_test(test_one_thread_and_reset),
        cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_steps_cover_everything),
        cmocka_unit_test(test_quantiles_match_a_sorted_array),
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

    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
