// SPDX-License-Identifier: MIT
/* call: records under seals, for every length up to several blocks of the cipher. */
#include "unit.h"

#include "call/seal.h"

#include <errno.h>
#include <string.h>

static const struct hash_mac_key key = {0x0123456789abcdef, 0xfedcba9876543210};

static void put(struct marshal_buffer *buffer, const void *bytes, size_t n_bytes)
{
    marshal_buffer_init(buffer, true);
    assert_int_equal(marshal_buffer_put(buffer, bytes, n_bytes, MARSHAL_MAX_BYTES), 0);
}

static void test_a_record_comes_back(void **state)
{
    unsigned char plain[1000];

    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (unsigned char)(i * 7 + 1);
    }
    for (size_t n = 0; n <= sizeof(plain); n += n < 100 ? 1 : 90) {
        struct marshal_buffer sealed, opened;

        put(&sealed, plain, n);
        assert_int_equal(seal_close(&key, &sealed), 0);
        assert_int_equal(sealed.n_bytes, n + SEAL_BYTES);
        if (n >= 8) {
            assert_null(memmem(sealed.data, sealed.n_bytes, plain, 8));
        }
        marshal_buffer_init(&opened, true);
        assert_int_equal(seal_open(&key, (struct bytes){sealed.data, sealed.n_bytes}, &opened), 0);
        assert_int_equal(opened.n_bytes, n);
        assert_memory_equal(opened.data, plain, n);
        marshal_buffer_fini(&opened);
        marshal_buffer_fini(&sealed);
    }
}

/* Or what two records have in common could be seen. */
static void test_no_two_seals_are_the_same(void **state)
{
    static const unsigned char plain[64];
    struct marshal_buffer a, b;

    put(&a, plain, sizeof(plain));
    put(&b, plain, sizeof(plain));
    assert_int_equal(seal_close(&key, &a), 0);
    assert_int_equal(seal_close(&key, &b), 0);
    for (size_t i = 0; i < sizeof(plain); i += 16) {
        assert_memory_not_equal(a.data + i, b.data + i, 16);
        assert_memory_not_equal(a.data + i, a.data + (i + 16) % sizeof(plain), 16);
    }
    marshal_buffer_fini(&a);
    marshal_buffer_fini(&b);
}

static void test_another_key_does_not_open_it(void **state)
{
    static const struct hash_mac_key other = {1, 2};
    static const unsigned char plain[64] = "a secret";
    struct marshal_buffer sealed, opened;

    put(&sealed, plain, sizeof(plain));
    assert_int_equal(seal_close(&key, &sealed), 0);
    marshal_buffer_init(&opened, true);
    assert_int_equal(seal_open(&other, (struct bytes){sealed.data, sealed.n_bytes}, &opened), 0);
    assert_memory_not_equal(opened.data, plain, sizeof(plain));
    marshal_buffer_fini(&opened);
    marshal_buffer_fini(&sealed);
}

static void test_what_is_too_short_is_no_record(void **state)
{
    static const unsigned char bytes[SEAL_BYTES];
    struct marshal_buffer opened;

    marshal_buffer_init(&opened, true);
    assert_int_equal(seal_open(&key, (struct bytes){bytes, SEAL_BYTES - 1}, &opened), -EBADMSG);
    assert_int_equal(seal_open(&key, (struct bytes){bytes, SEAL_BYTES}, &opened), 0);
    assert_int_equal(opened.n_bytes, 0);
    marshal_buffer_fini(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_comes_back),
        cmocka_unit_test(test_no_two_seals_are_the_same),
        cmocka_unit_test(test_another_key_does_not_open_it),
        cmocka_unit_test(test_what_is_too_short_is_no_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
