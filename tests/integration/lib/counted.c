// SPDX-License-Identifier: MIT
/* See counted.h. Async-signal-safe, so that signal handlers may call it, too. */
#include "counted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT(name) atomic_fetch_add(&records[COUNTED_##name].n_calls, 1)

static struct counted_record unshared[COUNTED_FUNCTIONS];
static struct counted_record *records = unshared; /* written by the constructor */

void (*counted_hook)(long key);
_Atomic long counted_by_constructors;

__attribute__((constructor)) static void map_records(void)
{
    static const char *const names[] = {
#define FUNCTION(name) #name,
#include "counted.def"
#undef FUNCTION
    };
    const char *path = getenv("COUNTED_FILE");
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (file >= 0 && ftruncate(file, sizeof(unshared)) == 0) {
        void *mapped = mmap(NULL, sizeof(unshared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

        if (mapped != MAP_FAILED) {
            records = mapped;
        }
        for (unsigned i = 0; mapped != MAP_FAILED && i < COUNTED_FUNCTIONS; i++) {
            atomic_fetch_add(&records[i].n_calls, unshared[i].n_calls); /* calls before this */
        }
    }
    if (file >= 0) {
        close(file);
    }
    for (unsigned i = 0; i < COUNTED_FUNCTIONS; i++) {
        strcpy(records[i].name, names[i]);
    }
}

int64_t counted_total(void)
{
    int64_t total = 0;

    for (unsigned i = 0; i < COUNTED_FUNCTIONS; i++) {
        total += records[i].n_calls;
    }
    return total;
}

long counted_square(long x)
{
    COUNT(square);
    return x * x;
}

double counted_mix(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f,
                   long g, float h, double i, long double j, bool k, long long l)
{
    COUNT(mix);
    return a + 2.0 * b + 3.0 * c + 4.0 * d + 5.0 * e + 6.0 * f + 7.0 * (double)g + 8.0 * h + 9 * i +
           10 * (double)j + 11 * k + 12 * (double)l;
}

signed char counted_narrow(short x)
{
    COUNT(narrow);
    return (signed char)(x / 3);
}

bool counted_odd(unsigned char x)
{
    COUNT(odd);
    return x % 2 == 1;
}

float counted_half(float x)
{
    COUNT(half);
    return x / 2;
}

long double counted_extended(long double x)
{
    COUNT(extended);
    return x / 3;
}

double complex counted_turn(double complex z)
{
    COUNT(turn);
    return z * I;
}

double counted_scale(double x)
{
    volatile double large = 1e300;

    COUNT(scale);
    return x * large;
}

long counted_length(const char *text)
{
    COUNT(length);
    return text == NULL ? -1 : (long)strlen(text);
}

const char *counted_name(int id)
{
    static __thread char buffer[2048];

    COUNT(name);
    if (id < 0) {
        return NULL;
    }
    snprintf(buffer, sizeof(buffer), "name-%d-", id);
    for (int i = 0; i < id % 1500; i++) {
        strcat(buffer, "x");
    }
    return buffer;
}

char *counted_place(const char *phrase, const char *setting, struct counted_room *room)
{
    COUNT(place);
    memset(room->scratch, 0x5a, sizeof(room->scratch));
    if (*phrase == '\0') {
        return NULL;
    }
    snprintf(room->output, sizeof(room->output), "%s:%s", phrase, setting);
    return room->output;
}

char *counted_locate(const char *text, int letter)
{
    COUNT(locate);
    return strchr(text, letter);
}

char *counted_check(const char *phrase, const char *setting, struct counted_room *room)
{
    COUNT(check);
    memset(room->scratch, 0xa5, sizeof(room->scratch));
    snprintf(room->output, sizeof(room->output), "%s", strcmp(phrase, "open") == 0 ? setting : "*");
    return room->output;
}

int counted_divide(int dividend, int divisor, int *ret_quotient, int *ret_remainder)
{
    COUNT(divide);
    if (divisor == 0) {
        errno = EDOM;
        return -1;
    }
    *ret_quotient = dividend / divisor;
    if (ret_remainder != NULL) {
        *ret_remainder = dividend % divisor;
    }
    return 0;
}

int counted_sum(const int *values, size_t n, long *ret_sum)
{
    long sum = 0;

    COUNT(sum);
    if (values == NULL || ret_sum == NULL) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    *ret_sum = sum;
    return 0;
}

int counted_sort(int *values, size_t n)
{
    int n_exchanges = 0;

    COUNT(sort);
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && values[k - 1] > values[k]; k--) {
            int value = values[k];

            values[k] = values[k - 1];
            values[k - 1] = value;
            n_exchanges++;
        }
    }
    return n_exchanges;
}

uint32_t counted_digest(const void *data, size_t n_bytes)
{
    const unsigned char *bytes = data;
    uint32_t digest = 2166136261u; /* FNV-1a */

    COUNT(digest);
    for (size_t i = 0; i < n_bytes; i++) {
        digest = (digest ^ bytes[i]) * 16777619u;
    }
    return digest;
}

int counted_encode(const char *text, unsigned char *ret_bytes, size_t *n_bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = strlen(text);

    COUNT(encode);
    if (*n_bytes < 2 * n) {
        *n_bytes = 2 * n;
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        ret_bytes[2 * i] = (unsigned char)digits[(unsigned char)text[i] >> 4];
        ret_bytes[2 * i + 1] = (unsigned char)digits[text[i] & 15];
    }
    *n_bytes = 2 * n;
    return 0;
}

void counted_fill(int seed, unsigned char *ret_bytes, size_t n)
{
    COUNT(fill);
    for (size_t i = 0; i < n; i++) {
        ret_bytes[i] = (unsigned char)(seed * 31 + (int)i);
    }
}

int counted_fail(int which)
{
    COUNT(fail);
    if (which != 0) {
        errno = which;
    }
    return which + 1;
}

long counted_drift(long x)
{
    return COUNT(drift) < 5 ? x : x + 1;
}

/* Compilers bind a call of oneself directly; this one's goes where everybody's go. */
__attribute__((noinline)) long counted_fib_from_outside(int n)
{
    return counted_fib(n);
}

long counted_fib(int n)
{
    COUNT(fib);
    return n < 2 ? n : counted_fib_from_outside(n - 1) + counted_fib_from_outside(n - 2);
}

long counted_hooked(long key)
{
    COUNT(hooked);
    if (counted_hook != NULL) {
        counted_hook(key);
    }
    return 3 * key;
}
