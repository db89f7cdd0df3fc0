// SPDX-License-Identifier: MIT
/*
 * The functions that the benchmarks remember: one for each way in which arguments and results
 * travel, cheap, so that what is measured is the remembering. libbenchsubject.so defines them, a
 * driver calls them through its PLT, and whoever is preloaded may answer in their place.
 */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include <stdint.h>

/* 24 bytes: by value it travels in memory. */
struct bench_place {
    double x, y, z;
};

struct bench_pair {
    double sum, product;
};

double bench_double(double x);
int bench_three(int a, int b, int c);
int bench_text(const char *text);
int bench_out(int number, struct bench_pair *pair);
double bench_struct(struct bench_place place);
long double bench_wide(long double x);

/*
 * The same answers, never asked for by name: what the others must say. They do not count.
 */
struct bench_truth {
    double (*of_double)(double x);
    int (*of_three)(int a, int b, int c);
    int (*of_text)(const char *text);
    int (*of_out)(int number, struct bench_pair *pair);
    double (*of_struct)(struct bench_place place);
    long double (*of_wide)(long double x);
};

extern const struct bench_truth bench_truth;

/* How often the calling thread has reached the functions above. */
uint64_t bench_real_calls(void);

/* Makes bench_double cost that many dependent multiplications more, in all threads. */
void bench_set_cost(uint32_t n_steps);

#endif
