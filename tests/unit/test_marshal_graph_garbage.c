// SPDX-License-Identifier: MIT
/*
 * marshal, records: a record that is cut, or in which a byte is another, is either refused with
 * nothing touched, or gives memory that can be read and freed.
 */
#include "unit.h"

#include "graph_everything.h"

static struct captured record;

static struct everything all;

static int begin(void **state)
{
    everything_begin(&all);
    everything_capture(&all, &record);
    return 0;
}

static int end(void **state)
{
    everything_end(&all);
    return 0;
}

/* From memory of just that size, so that a sanitizer sees what lies beyond. */
static int replay_copy(const void *bytes, size_t n_bytes)
{
    unsigned char *copy = malloc(n_bytes > 0 ? n_bytes : 1);
    int error;

    memcpy(copy, bytes, n_bytes);
    error = everything_replay(&all, copy, n_bytes);
    free(copy);
    return error;
}

static void test_whole(void **state)
{
    assert_int_equal(replay_copy(record.bytes, record.n_bytes), 0);
    assert_string_equal(all.result->name, "one");
    assert_string_equal(all.result->next->name, "two");
    assert_string_equal(all.stored.name, "stored");
    assert_int_equal(all.stored.next->value, 4);
    assert_string_equal(all.end, "in scratch");
    assert_ptr_equal(all.end, all.scratch + 7);
    assert_int_equal(everything_sign, -1);
    assert_int_equal(heap.n_allocated, 3);
}

static void test_cut(void **state)
{
    for (size_t n = 0; n < record.n_bytes; n++) {
        assert_int_not_equal(replay_copy(record.bytes, n), 0);
    }
    record.bytes[record.n_bytes] = 0;
    assert_int_equal(replay_copy(record.bytes, record.n_bytes + 1), -EBADMSG);
}

static void test_other_bytes(void **state)
{
    static const unsigned char others[] = {0, 1, 0x7f, 0x80, 0xff, 'N', 'R', 'S', 'M', 'I', '-'};
    unsigned n_refused = 0;

    for (size_t i = 0; i < record.n_bytes; i++) {
        unsigned char before_change = record.bytes[i];

        for (size_t k = 0; k < sizeof(others); k++) {
            record.bytes[i] = others[k];
            n_refused += replay_copy(record.bytes, record.n_bytes) != 0;
        }
        record.bytes[i] = before_change;
    }
    assert_true(n_refused > record.n_bytes);
}

static void test_noise(void **state)
{
    static unsigned char noise[RECORD_ROOM];
    uint64_t draw = 0x5eed;

    for (int round = 0; round < 20000; round++) {
        size_t n_bytes = 1 + (size_t)(draw >> 33) % record.n_bytes;

        memcpy(noise, record.bytes, n_bytes);
        for (int i = 0; i < 4; i++) {
            draw = draw * 6364136223846793005u + 1442695040888963407u;
            noise[(draw >> 40) % n_bytes] = (unsigned char)(draw >> 32);
        }
        replay_copy(noise, n_bytes);
    }
}

/* Whatever the room of the caller is, nothing is written behind it. */
static void test_less_room(void **state)
{
    for (all.size = 0; all.size < BUFFER_BYTES; all.size += 7) {
        assert_int_equal(replay_copy(record.bytes, record.n_bytes), -ENOSPC);
    }
    all.size = BUFFER_BYTES;
    all.arguments[SCRATCH] = &(char *){NULL};
    assert_int_equal(marshal_replay(all.subject.plan, (struct bytes){record.bytes, record.n_bytes},
                                    all.arguments, &all.result, &(int32_t){0}),
                     -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, begin, end),
        cmocka_unit_test_setup_teardown(test_cut, begin, end),
        cmocka_unit_test_setup_teardown(test_other_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_noise, begin, end),
        cmocka_unit_test_setup_teardown(test_less_room, begin, end),
    };

    assert_int_equal(marshal_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
