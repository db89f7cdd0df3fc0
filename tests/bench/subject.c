// SPDX-License-Identifier: MIT
/*
 * libbenchsubject.so: see subject.h. Each function counts its calls in a word of its thread, which
 * is how the driver knows what was answered from memory and what was not.
 */
#include "subject.h"

#include <string.h>

static __thread uint64_t n_real;
static uint32_t cost; /* written by bench_set_cost, before there are threads */

static double of_double(double x)
{
    double y = x;

    for (uint32_t i = 0; i < cost; i++) {
        y = y * 0.999 + 0.001;
    }
    return y * 2 + 1;
}

static int of_three(int a, int b, int c)
{
    return a * 31 + b * 17 + c;
}

static int of_text(const char *text)
{
    return text[0] * 256 + text[1];
}

static int of_out(int number, struct bench_pair *pair)
{
    pair->sum = number + 0.5;
    pair->product = number * 0.25;
    return number & 1;
}

static double of_struct(struct bench_place place)
{
    return place.x + 2 * place.y + 4 * place.z;
}

static long double of_wide(long double x)
{
    return x * 2 + 1;
}

const struct bench_truth bench_truth = {
    .of_double = of_double,
    .of_three = of_three,
    .of_text = of_text,
    .of_out = of_out,
    .of_struct = of_struct,
    .of_wide = of_wide,
};

double bench_double(double x)
{
    n_real++;
    return of_double(x);
}

int bench_three(int a, int b, int c)
{
    n_real++;
    return of_three(a, b, c);
}

int bench_text(const char *text)
{
    n_real++;
    return of_text(text);
}

int bench_out(int number, struct bench_pair *pair)
{
    n_real++;
    return of_out(number, pair);
}

double bench_struct(struct bench_place place)
{
    n_real++;
    return of_struct(place);
}

long double bench_wide(long double x)
{
    n_real++;
    return of_wide(x);
}

uint64_t bench_real_calls(void)
{
    return n_real;
}

void bench_set_cost(uint32_t n_steps)
{
    cost = n_steps;
}
