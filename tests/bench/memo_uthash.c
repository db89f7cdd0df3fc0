// SPDX-License-Identifier: MIT
/*
 * The memo that a C programmer writes with uthash, as a preload: a hash table under a mutex, kept
 * in the order of use as uthash's manual shows it (what is found is taken out and added again; the
 * first goes when there are BENCH_PLACES). The real function is called without the lock.
 */
#include "subject.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

struct number {
    double key, value;
    UT_hash_handle hh;
};

struct word {
    char *key;
    int value;
    UT_hash_handle hh;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct number *numbers; /* lock */
static struct word *words;     /* lock */
static unsigned n_places;
static double (*real_double)(double);
static int (*real_text)(const char *);

static __attribute__((constructor)) void begin(void)
{
    const char *wanted = getenv("BENCH_PLACES");

    n_places = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 1u << 16;
    real_double = (double (*)(double))dlsym(RTLD_NEXT, "bench_double");
    real_text = (int (*)(const char *))dlsym(RTLD_NEXT, "bench_text");
}

static void *allocate(size_t n_bytes)
{
    void *memory = calloc(1, n_bytes);

    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* With the lock held. */
static void keep_number(double x, double value)
{
    struct number *number, *oldest = numbers;

    HASH_FIND(hh, numbers, &x, sizeof(x), number);
    if (number != NULL) {
        return; /* another thread was faster */
    }
    if (HASH_COUNT(numbers) >= n_places) {
        HASH_DELETE(hh, numbers, oldest);
        free(oldest);
    }
    number = allocate(sizeof(*number));
    number->key = x;
    number->value = value;
    HASH_ADD(hh, numbers, key, sizeof(number->key), number);
}

double bench_double(double x)
{
    struct number *number;
    double value;

    pthread_mutex_lock(&lock);
    HASH_FIND(hh, numbers, &x, sizeof(x), number);
    if (number != NULL) {
        HASH_DELETE(hh, numbers, number);
        HASH_ADD(hh, numbers, key, sizeof(number->key), number);
        value = number->value;
        pthread_mutex_unlock(&lock);
        return value;
    }
    pthread_mutex_unlock(&lock);
    value = real_double(x);
    pthread_mutex_lock(&lock);
    keep_number(x, value);
    pthread_mutex_unlock(&lock);
    return value;
}

/* With the lock held. */
static void keep_word(const char *text, int value)
{
    struct word *word, *oldest = words;

    HASH_FIND_STR(words, text, word);
    if (word != NULL) {
        return;
    }
    if (HASH_COUNT(words) >= n_places) {
        HASH_DELETE(hh, words, oldest);
        free(oldest->key);
        free(oldest);
    }
    word = allocate(sizeof(*word));
    word->key = strdup(text);
    word->value = value;
    HASH_ADD_KEYPTR(hh, words, word->key, strlen(word->key), word);
}

int bench_text(const char *text)
{
    struct word *word;
    int value;

    pthread_mutex_lock(&lock);
    HASH_FIND_STR(words, text, word);
    if (word != NULL) {
        HASH_DELETE(hh, words, word);
        HASH_ADD_KEYPTR(hh, words, word->key, strlen(word->key), word);
        value = word->value;
        pthread_mutex_unlock(&lock);
        return value;
    }
    pthread_mutex_unlock(&lock);
    value = real_text(text);
    pthread_mutex_lock(&lock);
    keep_word(text, value);
    pthread_mutex_unlock(&lock);
    return value;
}
