// SPDX-License-Identifier: MIT
/*
 * The program whose calls are remembered, or not: the same binary for memoshim, for its rivals and
 * for none, which differ in what is preloaded. It knows of none of them. One process is one round:
 *
 *     bench_driver MODE SHAPE SEED N_KEYS N_BATCHES N_PASSES [COST [FRESH | THREADS]]
 *
 *     hits     N_KEYS arguments that are all remembered, N_PASSES times a batch, shuffled for each
 *     misses   each call with an argument that was never seen, after N_KEYS of those; if there are
 *              THREADS, by each of them, while the first thread of the process sleeps
 *     mixed    as hits, but FRESH in 1000 of the calls are with an argument that was never seen
 *     threads  as hits, by THREADS threads at once, each in an order of its own
 *     memory   what memory the process has after N_KEYS arguments were seen, bytes for each of them
 *
 * COST: steps of bench_double's real function. Prints one JSON object: the median of its batches
 * (CPU time of the thread; for threads, the time that passes), and how many calls it made and how
 * many of them reached the real function. Each argument's result is compared with the truth.
 */
#include "shapes.h"
#include "subject.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_BATCHES 100
#define MAX_THREADS 16
#define MAX_SETTLES 60

struct run {
    const struct shape *shape;
    uint32_t n_keys, n_batches, n_passes;
    uint32_t cost, fresh, n_threads;
    uint64_t next;   /* number of the next argument that was never drawn */
    uint64_t random; /* of shuffling */
    uint64_t n_calls;
    unsigned char *list; /* n_keys arguments */
};

static void fail(const char *why)
{
    fprintf(stderr, "bench_driver: %s\n", why);
    exit(1);
}

static void *allocate(size_t n_bytes)
{
    void *memory = malloc(n_bytes);

    if (memory == NULL) {
        fail("out of memory");
    }
    memset(memory, 0, n_bytes);
    return memory;
}

static double now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double *values, uint32_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return values[n / 2];
}

/* ---- lists of arguments ---- */

static unsigned char *argument(const struct run *run, unsigned char *list, uint32_t i)
{
    return list + i * run->shape->bytes;
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 32) * n >> 32);
}

static void shuffle(const struct run *run, unsigned char *list, uint32_t n, uint64_t *state)
{
    unsigned char kept[64];
    size_t bytes = run->shape->bytes;

    for (uint32_t i = n; i > 1; i--) {
        unsigned char *a = argument(run, list, i - 1);
        unsigned char *b = argument(run, list, random_below(state, i));

        memcpy(kept, a, bytes);
        memmove(a, b, bytes);
        memcpy(b, kept, bytes);
    }
}

/* Arguments with a place each in a table of n_keys places, if somebody wrote such a table. */
static void draw_list(struct run *run)
{
    unsigned char *is_taken = allocate(run->n_keys);

    run->list = allocate(run->n_keys * run->shape->bytes);
    for (uint32_t i = 0; i < run->n_keys;) {
        unsigned char *a = argument(run, run->list, i);

        run->shape->draw(run->next++, a);
        if (run->shape->fold != NULL) {
            uint32_t place = run->shape->fold(a) & (run->n_keys - 1);

            if (is_taken[place]) {
                continue;
            }
            is_taken[place] = 1;
        }
        i++;
    }
    free(is_taken);
}

static void draw_fresh(struct run *run, unsigned char *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        run->shape->draw(run->next++, argument(run, list, i));
    }
}

/* One call of each, its result compared. Returns how many reached the real function. */
static uint32_t call_each(struct run *run, bool replace)
{
    uint32_t n_real = 0;

    for (uint32_t i = 0; i < run->n_keys; i++) {
        unsigned char *a = argument(run, run->list, i);
        uint64_t before = bench_real_calls();

        if (!run->shape->is_right(a)) {
            fail("a wrong answer");
        }
        run->n_calls++;
        if (bench_real_calls() != before) {
            n_real++;
            if (replace) {
                run->shape->draw(run->next++, a);
            }
        }
    }
    return n_real;
}

/*
 * Makes all arguments remembered. In a table that is mapped directly some drive each other out;
 * they are replaced until none does. Returns whether there is anybody who remembers.
 */
static bool settle(struct run *run)
{
    call_each(run, false);
    if (call_each(run, false) == run->n_keys) {
        return false;
    }
    for (int i = 0; i < MAX_SETTLES; i++) {
        if (call_each(run, true) == 0) {
            return true;
        }
        call_each(run, false);
    }
    fail("the arguments do not stay remembered");
    return false;
}

static double measure(struct run *run, const unsigned char *list, uint32_t n, uint32_t n_passes)
{
    double began = now_ns(CLOCK_THREAD_CPUTIME_ID);

    run->shape->call(list, n, n_passes);
    run->n_calls += (uint64_t)n * n_passes;
    return (now_ns(CLOCK_THREAD_CPUTIME_ID) - began) / ((double)n * n_passes);
}

/* ---- modes ---- */

static double run_hits(struct run *run)
{
    double ns[MAX_BATCHES];
    bool is_remembered = settle(run);
    uint64_t n_real = bench_real_calls();

    for (uint32_t i = 0; i < run->n_batches; i++) {
        shuffle(run, run->list, run->n_keys, &run->random);
        ns[i] = measure(run, run->list, run->n_keys, run->n_passes);
    }
    call_each(run, false);
    if (is_remembered && bench_real_calls() != n_real) {
        fail("calls reached the real function that had been remembered");
    }
    return median(ns, run->n_batches);
}

static double run_misses(struct run *run)
{
    double ns[MAX_BATCHES];

    call_each(run, false);
    for (uint32_t i = 0; i < run->n_batches; i++) {
        draw_fresh(run, run->list, run->n_keys);
        ns[i] = measure(run, run->list, run->n_keys, 1);
    }
    return median(ns, run->n_batches);
}

static double run_mixed(struct run *run)
{
    uint32_t n_fresh = (uint32_t)((uint64_t)run->n_keys * run->fresh / 1000);
    uint32_t n_kept = run->n_keys - n_fresh;
    unsigned char *list = allocate(run->n_keys * run->shape->bytes);
    double ns[MAX_BATCHES];

    call_each(run, false);
    for (uint32_t i = 0; i < run->n_batches; i++) {
        memcpy(list, run->list, n_kept * run->shape->bytes);
        draw_fresh(run, argument(run, list, n_kept), n_fresh);
        shuffle(run, list, run->n_keys, &run->random);
        ns[i] = measure(run, list, run->n_keys, 1);
    }
    free(list);
    return median(ns, run->n_batches);
}

static double resident_bytes(void)
{
    long n_pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%*d %ld", &n_pages) != 1) {
        fail("/proc/self/statm cannot be read");
    }
    fclose(file);
    return (double)n_pages * (double)sysconf(_SC_PAGESIZE);
}

static double run_memory(struct run *run)
{
    measure(run, run->list, run->n_keys, 1);
    return resident_bytes() / run->n_keys;
}

/* ---- threads ---- */

struct caller {
    struct run run; /* a copy, with a list of its own */
    pthread_t thread;
    pthread_barrier_t *barrier;
    int cpu;
    uint64_t n_real;
    double began[MAX_BATCHES], ended[MAX_BATCHES];
    double miss_ns;
};

static void stay_on_cpu(const struct caller *caller)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(caller->cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void *call_in_thread(void *argument_)
{
    struct caller *caller = argument_;
    struct run *run = &caller->run;

    stay_on_cpu(caller);
    for (uint32_t i = 0; i < run->n_batches; i++) {
        shuffle(run, run->list, run->n_keys, &run->random);
        pthread_barrier_wait(caller->barrier);
        caller->began[i] = now_ns(CLOCK_MONOTONIC);
        measure(run, run->list, run->n_keys, run->n_passes);
        caller->ended[i] = now_ns(CLOCK_MONOTONIC);
    }
    caller->n_real = bench_real_calls();
    return NULL;
}

static void *miss_in_thread(void *argument_)
{
    struct caller *caller = argument_;
    struct run *run = &caller->run;
    double ns[MAX_BATCHES];

    stay_on_cpu(caller);
    for (uint32_t i = 0; i < run->n_batches; i++) {
        draw_fresh(run, run->list, run->n_keys);
        pthread_barrier_wait(caller->barrier);
        ns[i] = measure(run, run->list, run->n_keys, 1);
    }
    caller->miss_ns = median(ns, run->n_batches);
    caller->n_real = bench_real_calls();
    return NULL;
}

/* The number of the i-th processor that we may use, round and round. */
static int pick_cpu(uint32_t i)
{
    cpu_set_t cpus;
    int n, cpu = -1;

    if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) {
        fail("no processors");
    }
    n = (int)i % CPU_COUNT(&cpus);
    do {
        cpu++;
        n -= CPU_ISSET(cpu, &cpus) ? 1 : 0;
    } while (n >= 0);
    return cpu;
}

/* All of them, until the last has ended. */
static void run_callers(struct run *run, struct caller *callers, void *(*code)(void *),
                        uint64_t *n_real)
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, run->n_threads);
    for (uint32_t i = 0; i < run->n_threads; i++) {
        struct caller *caller = &callers[i];

        caller->run = *run;
        caller->run.n_calls = 0;
        caller->run.random += i;
        caller->run.next += (uint64_t)i << 20; /* nobody else's */
        caller->run.list = allocate(run->n_keys * run->shape->bytes);
        memcpy(caller->run.list, run->list, run->n_keys * run->shape->bytes);
        caller->barrier = &barrier;
        caller->cpu = pick_cpu(i);
        if (pthread_create(&caller->thread, NULL, code, caller) != 0) {
            fail("no threads");
        }
    }
    for (uint32_t i = 0; i < run->n_threads; i++) {
        pthread_join(callers[i].thread, NULL);
        run->n_calls += callers[i].run.n_calls;
        *n_real += callers[i].n_real;
    }
}

/* ns of a call of each, in the mean. */
static double run_misses_in_threads(struct run *run, uint64_t *n_real)
{
    struct caller *callers = allocate(run->n_threads * sizeof(*callers));
    double sum = 0;

    call_each(run, false);
    run_callers(run, callers, miss_in_thread, n_real);
    for (uint32_t i = 0; i < run->n_threads; i++) {
        sum += callers[i].miss_ns;
    }
    return sum / run->n_threads;
}

/* ns for each call of them all together. */
static double run_threads(struct run *run, uint64_t *n_real)
{
    struct caller *callers = allocate(run->n_threads * sizeof(*callers));
    double ns[MAX_BATCHES];

    settle(run);
    run_callers(run, callers, call_in_thread, n_real);
    for (uint32_t batch = 0; batch < run->n_batches; batch++) {
        double began = callers[0].began[batch], ended = callers[0].ended[batch];

        for (uint32_t i = 1; i < run->n_threads; i++) {
            began = callers[i].began[batch] < began ? callers[i].began[batch] : began;
            ended = callers[i].ended[batch] > ended ? callers[i].ended[batch] : ended;
        }
        ns[batch] = (ended - began) / ((double)run->n_keys * run->n_passes * run->n_threads);
    }
    return median(ns, run->n_batches);
}

static uint32_t number(int argc, char **argv, int i, uint32_t fallback)
{
    return argc > i ? (uint32_t)strtoul(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    struct run run = {0};
    uint64_t n_real = 0;
    double value = 0;

    if (argc < 7 || (run.shape = shape_find(argv[2])) == NULL) {
        fail("usage: MODE SHAPE SEED N_KEYS N_BATCHES N_PASSES [COST [FRESH | THREADS]]");
    }
    run.next = (uint64_t)number(argc, argv, 3, 0) << 26;
    run.random = 88172645463325252u + run.next;
    run.n_keys = number(argc, argv, 4, 0);
    run.n_batches = number(argc, argv, 5, 0);
    run.n_passes = number(argc, argv, 6, 0);
    run.cost = number(argc, argv, 7, 0);
    run.fresh = run.n_threads = number(argc, argv, 8, 0);
    if (run.n_keys == 0 || (run.n_keys & (run.n_keys - 1)) != 0 || run.n_batches == 0 ||
        run.n_batches > MAX_BATCHES || run.n_passes == 0) {
        fail("a number is out of range");
    }
    bench_set_cost(run.cost);
    draw_list(&run);
    if (strcmp(argv[1], "hits") == 0) {
        value = run_hits(&run);
    } else if (strcmp(argv[1], "misses") == 0 && run.n_threads <= MAX_THREADS) {
        value = run.n_threads == 0 ? run_misses(&run) : run_misses_in_threads(&run, &n_real);
    } else if (strcmp(argv[1], "mixed") == 0 && run.fresh <= 1000) {
        value = run_mixed(&run);
    } else if (strcmp(argv[1], "threads") == 0 && run.n_threads >= 1 &&
               run.n_threads <= MAX_THREADS) {
        value = run_threads(&run, &n_real);
    } else if (strcmp(argv[1], "memory") == 0) {
        value = run_memory(&run);
    } else {
        fail("no such mode");
    }
    printf("{\"value\": %.4f, \"calls\": %" PRIu64 ", \"real\": %" PRIu64 "}\n", value, run.n_calls,
           n_real + bench_real_calls());
    return 0;
}
