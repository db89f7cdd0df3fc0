// SPDX-License-Identifier: MIT
/*
 * The memo that a C programmer writes with GLib, as a preload: a GHashTable under a mutex; what is
 * in it is thrown away when it holds BENCH_PLACES results. The real function is called without the
 * lock.
 */
#include "subject.h"

#include <dlfcn.h>
#include <glib.h>
#include <stdlib.h>

static GMutex lock;
static GHashTable *doubles; /* lock; gdouble * to gdouble * */
static GHashTable *texts;   /* lock; gchar * to int */
static guint n_places;
static double (*real_double)(double);
static int (*real_text)(const char *);

static __attribute__((constructor)) void begin(void)
{
    const char *wanted = getenv("BENCH_PLACES");

    n_places = wanted != NULL ? (guint)strtoul(wanted, NULL, 10) : 1u << 16;
    real_double = (double (*)(double))dlsym(RTLD_NEXT, "bench_double");
    real_text = (int (*)(const char *))dlsym(RTLD_NEXT, "bench_text");
    doubles = g_hash_table_new_full(g_double_hash, g_double_equal, g_free, g_free);
    texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

double bench_double(double x)
{
    const double *found;
    double value;

    g_mutex_lock(&lock);
    found = g_hash_table_lookup(doubles, &x);
    if (found != NULL) {
        value = *found;
        g_mutex_unlock(&lock);
        return value;
    }
    g_mutex_unlock(&lock);
    value = real_double(x);
    g_mutex_lock(&lock);
    if (g_hash_table_size(doubles) >= n_places) {
        g_hash_table_remove_all(doubles);
    }
    g_hash_table_insert(doubles, g_memdup2(&x, sizeof(x)), g_memdup2(&value, sizeof(value)));
    g_mutex_unlock(&lock);
    return value;
}

int bench_text(const char *text)
{
    gpointer found;
    int value;

    g_mutex_lock(&lock);
    if (g_hash_table_lookup_extended(texts, text, NULL, &found)) {
        value = GPOINTER_TO_INT(found);
        g_mutex_unlock(&lock);
        return value;
    }
    g_mutex_unlock(&lock);
    value = real_text(text);
    g_mutex_lock(&lock);
    if (g_hash_table_size(texts) >= n_places) {
        g_hash_table_remove_all(texts);
    }
    g_hash_table_insert(texts, g_strdup(text), GINT_TO_POINTER(value));
    g_mutex_unlock(&lock);
    return value;
}
