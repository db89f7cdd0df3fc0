// SPDX-License-Identifier: MIT
/* A function with further inputs, its keys, and a file of the test's own. */
#ifndef TESTS_INPUTS_SUBJECT_H
#define TESTS_INPUTS_SUBJECT_H

#include "unit.h"

#include "marshal_subject.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROOM 1024

static struct subject subject;
static char folder[64], file[96];

struct key {
    size_t n_bytes;
    unsigned char bytes[ROOM];
};

/* A function of one int with these inputs. */
static inline void begin(const struct config_input *inputs, uint32_t n_inputs,
                         uint64_t check_every_ns)
{
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_i32, as_value);
    subject.function.inputs = inputs;
    subject.function.n_inputs = n_inputs;
    subject.function.check_every_ns = check_every_ns;
    subject_finish(&subject);
}

static inline void begin_limited(const struct config_input *input, uint64_t max_bytes)
{
    subject_end(&subject);
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_i32, as_value);
    subject.function.inputs = input;
    subject.function.n_inputs = 1;
    subject.function.max_bytes = max_bytes;
    subject_finish(&subject);
}

static inline int take_key(struct key *ret_key, struct marshal_call *ret_call)
{
    int x = 7, saved_errno = errno, error;
    void *arguments[] = {&x};
    struct marshal_buffer buffer;

    errno = 4711;
    marshal_buffer_init(&buffer, false);
    error = marshal_key(subject.plan, arguments, &test_mac_key, &buffer, ret_call);
    assert_int_equal(errno, 4711);
    errno = saved_errno;
    assert_true(buffer.n_bytes <= ROOM);
    memcpy(ret_key->bytes, buffer.data, buffer.n_bytes);
    ret_key->n_bytes = buffer.n_bytes;
    if (error == 0 && marshal_key_bytes(subject.plan) != 0) {
        assert_int_equal(buffer.n_bytes, marshal_key_bytes(subject.plan));
    }
    marshal_buffer_fini(&buffer);
    return error;
}

static inline struct key key_now(void)
{
    struct marshal_call call;
    struct key key;

    assert_int_equal(take_key(&key, &call), 0);
    return key;
}

static inline bool same(const struct key *a, const struct key *b)
{
    return a->n_bytes == b->n_bytes && memcmp(a->bytes, b->bytes, a->n_bytes) == 0;
}

static inline const char *show(void)
{
    static char text[ROOM];
    struct key key = key_now();

    marshal_show_key(subject.plan, (struct bytes){key.bytes, key.n_bytes}, text, sizeof(text));
    return text;
}

static inline void expect_shown(const char *wanted)
{
    assert_string_equal(show(), wanted);
}

static inline void expect_shown_begin(const char *wanted)
{
    assert_memory_equal(show(), wanted, strlen(wanted));
}

/* Of a call with these arguments. */
static inline int take_key_of(void *const *arguments, struct key *ret)
{
    struct marshal_buffer buffer;
    struct marshal_call call;
    int error;

    marshal_buffer_init(&buffer, false);
    error = marshal_key(subject.plan, arguments, &test_mac_key, &buffer, &call);
    ret->n_bytes = buffer.n_bytes;
    assert_true(buffer.n_bytes <= ROOM);
    memcpy(ret->bytes, buffer.data, buffer.n_bytes);
    marshal_buffer_fini(&buffer);
    return error;
}

static inline const char *show_key_of(void *const *arguments)
{
    static char text[ROOM];
    struct key key;

    assert_int_equal(take_key_of(arguments, &key), 0);
    marshal_show_key(subject.plan, (struct bytes){key.bytes, key.n_bytes}, text, sizeof(text));
    return text;
}

/* What a call finds when it is over, if change was made in between. */
static inline int capture_after(void (*change)(void))
{
    int x = 7;
    void *arguments[] = {&x};
    uint64_t result = 1;
    struct marshal_call call;
    struct captured record;
    struct key key;

    assert_int_equal(take_key(&key, &call), 0);
    change();
    return after(&subject, arguments, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record);
}

static inline void change_nothing(void)
{
}

static inline void write_file(void)
{
    FILE *stream = fopen(file, "w");

    assert_non_null(stream);
    fputs("x", stream);
    fclose(stream);
}

/* Until a change is two ticks old. No oracle: a shorter pause is seen as -EAGAIN. */
static inline void settle(void)
{
    struct timespec pause = {0, 50 * 1000 * 1000};

    nanosleep(&pause, NULL);
}

/* On the wall it is when the file changed, however long ago that was: for clock_use_vdso. */
static inline int gettime_of_change(clockid_t clock, struct timespec *ret_time)
{
    struct stat status;

    if (clock != CLOCK_REALTIME) {
        return clock_gettime(clock, ret_time);
    }
    assert_int_equal(stat(file, &status), 0);
    *ret_time = status.st_ctim;
    return 0;
}

/* The clock of lives, when clock_use_vdso has this. */
static uint64_t driven_ns;
static bool is_wall_at_change;

static inline int driven_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (clock == CLOCK_REALTIME) {
        return is_wall_at_change ? gettime_of_change(clock, ret_time)
                                 : clock_gettime(clock, ret_time);
    }
    *ret_time = (struct timespec){(time_t)(driven_ns / 1000000000), (long)(driven_ns % 1000000000)};
    return 0;
}

static inline void remove_file(void)
{
    unlink(file);
}

static inline int setup(void **state)
{
    strcpy(folder, "/tmp/memoshim-inputs.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/f", folder);
    return marshal_init();
}

static inline int teardown(void **state)
{
    remove_file();
    return rmdir(folder);
}

#endif
