// SPDX-License-Identifier: MIT
/*
 * A program with its own functions of the names that memoshim's libraries have. They are exported
 * (the program is linked with -rdynamic), so whoever binds to them by accident ends up here, which
 * is counted and printed. Then the real work: the functions must be the program's own for it, too.
 */
#include "counted.h"

#include <stdio.h>

int cJSON_Parse(int a, int b);
int cJSON_Delete(int a);
int cJSON_ParseWithLengthOpts(int a);
int cJSON_InitHooks(int a);
int ffi_call(int a);
int ffi_prep_cif(int a);
int ffi_prep_closure_loc(int a);
int ffi_call_go(int a);
unsigned XXH3_64bits(unsigned a);
unsigned XXH3_64bits_withSeed(unsigned a);
unsigned XXH64(unsigned a);

static int n_calls;

int cJSON_Parse(int a, int b)
{
    n_calls++;
    return a + b;
}

#define OWN(type, name) \
    type name(type a)   \
    {                   \
        n_calls++;      \
        return a + 1;   \
    }

OWN(int, cJSON_Delete)
OWN(int, cJSON_ParseWithLengthOpts)
OWN(int, cJSON_InitHooks)
OWN(int, ffi_call)
OWN(int, ffi_prep_cif)
OWN(int, ffi_prep_closure_loc)
OWN(int, ffi_call_go)
OWN(unsigned, XXH3_64bits)
OWN(unsigned, XXH3_64bits_withSeed)
OWN(unsigned, XXH64)

int main(void)
{
    printf("before: %d calls\n", n_calls);
    for (int i = 0; i < 100; i++) {
        long square = counted_square(i % 10);
        long length = counted_length("some text that is longer than a short key");

        if (square != (long)(i % 10) * (i % 10) || length != 41) {
            printf("wrong answer\n");
            return 1;
        }
    }
    printf("after: %d calls\n", n_calls);
    printf("%d %d %d %u\n", cJSON_Parse(2, 3), cJSON_Delete(1), ffi_call(5), XXH3_64bits(6));
    printf("own: %d calls\n", n_calls);
    return 0;
}
