// SPDX-License-Identifier: MIT
/*
 * Does what its script says, one line one call, and prints the result; how many real calls each
 * line caused goes to the file that is its first argument.
 */
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "changing.h"
}

static changing_db *handles[10];
static std::jmp_buf way_out;
static int n_destroyed;

struct witness {
    ~witness()
    {
        n_destroyed++;
    }
};

static void jump()
{
    std::longjmp(way_out, 1);
}

static void raise()
{
    throw 5;
}

static long add_and_jump(long amount)
{
    if (setjmp(way_out) == 0) {
        changing_add_and_leave(amount, jump);
    }
    return amount;
}

static long add_and_throw(long amount)
{
    try {
        witness here;
        changing_add_and_leave(amount, raise);
    } catch (int caught) {
        return amount * caught;
    }
    return 0;
}

static long write_file(long value)
{
    const char *path = std::getenv("CHANGING_FILE");
    FILE *file = std::fopen(path, "we");

    std::fprintf(file, "%ld\n", value);
    return std::fclose(file);
}

/* Another file of the same size and dates takes its place. */
static long replace_file(long value)
{
    char path[4096];
    const char *old_path = std::getenv("CHANGING_FILE");
    struct stat status;

    if (stat(old_path, &status) != 0) {
        return -1;
    }
    std::snprintf(path, sizeof(path), "%s.new", old_path);
    FILE *file = std::fopen(path, "we");
    std::fprintf(file, "%ld\n", value);
    std::fclose(file);
    struct timespec times[2] = {status.st_atim, status.st_mtim};
    utimensat(AT_FDCWD, path, times, 0);
    return std::rename(path, old_path);
}

static long run(const char *word, const char *name, long a, long b)
{
    static const struct {
        const char *word;
        long (*run)(const char *name, long a, long b);
    } commands[] = {
        {"user", [](const char *n, long, long) { return (long)changing_user(n); }},
        {"set",
         [](const char *n, long v, long) {
             changing_set_user(n, (int)v);
             return v;
         }},
        {"end",
         [](const char *, long, long) {
             changing_end_users();
             return 0L;
         }},
        {"forget",
         [](const char *n, long v, long) {
             changing_forget_user((int)v, n);
             return 0L;
         }},
        {"open",
         [](const char *n, long v, long) {
             handles[*n - '0'] = changing_open((int)v);
             return 0L;
         }},
        {"get",
         [](const char *n, long k, long) { return changing_get(handles[*n - '0'], (int)k); }},
        {"put",
         [](const char *n, long k, long v) {
             changing_put(handles[*n - '0'], (int)k, v);
             return v;
         }},
        {"close",
         [](const char *n, long, long) {
             changing_close(handles[*n - '0']);
             return 0L;
         }},
        {"total", [](const char *, long x, long) { return changing_total(x); }},
        {"add", [](const char *, long x,
                   long y) { return changing_add(9, x, 0.5, y, 1.0, 0L, 2.0, 3L, 4.0, 5L); }},
        {"jump", [](const char *, long x, long) { return add_and_jump(x); }},
        {"throw", [](const char *, long x, long) { return add_and_throw(x) + n_destroyed; }},
        {"setting", [](const char *, long x, long) { return changing_setting((int)x); }},
        {"write", [](const char *, long x, long) { return write_file(x); }},
        {"replace", [](const char *, long x, long) { return replace_file(x); }},
        {"remove",
         [](const char *, long, long) { return (long)unlink(std::getenv("CHANGING_FILE")); }},
        {"sleep", [](const char *, long ms, long) { return (long)usleep((unsigned)ms * 1000); }},
    };

    for (const auto &command : commands) {
        if (std::strcmp(command.word, word) == 0) {
            return command.run(name, a, b);
        }
    }
    std::exit(2);
}

int main(int, char **argv)
{
    FILE *trace = std::fopen(argv[1], "we");
    char word[32], name[64];
    long a, b;

    while (std::scanf("%31s %63s %ld %ld", word, name, &a, &b) == 4) {
        long before = changing_n_real();

        std::printf("%ld\n", run(word, name, a, b));
        std::fprintf(trace, "%ld\n", changing_n_real() - before);
    }
    std::fclose(trace);
    return 0;
}
