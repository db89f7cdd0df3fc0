// SPDX-License-Identifier: MIT
/* C++ exceptions that leave a memoized function, and destructors on the way. */
#include <cstdio>

extern "C" {
long counted_hooked(long key);
extern void (*counted_hook)(long key);
}

static int n_destroyed;

struct witness {
    ~witness()
    {
        n_destroyed++;
    }
};

static void throw_key(long key)
{
    witness here;
    throw key;
}

int main()
{
    int n_caught = 0;

    counted_hook = throw_key;
    for (int i = 0; i < 5; i++) {
        try {
            witness there;
            counted_hooked(11);
        } catch (long key) {
            n_caught += key == 11;
        }
    }
    counted_hook = nullptr;
    std::printf("%d caught, %d destroyed\n", n_caught, n_destroyed);
    for (int i = 0; i < 3; i++) {
        std::printf("%ld %ld\n", counted_hooked(11), counted_hooked(12));
    }
    return 0;
}
