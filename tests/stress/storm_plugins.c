// SPDX-License-Identifier: MIT
/*
 * Objects that come and go while everybody calls: plugins that call counted_square in every way
 * that there is, their constructors included, and libraries that define pending_step, two of them
 * under the same name.
 */
#include "counted.h"
#include "storm.h"

#include <dlfcn.h>
#include <stddef.h>

#define KEYS           300
#define CALLS_OF_LOAD  20
#define CONSTRUCTED    70 /* what a plugin's constructor asks for, twice */
#define PENDING_BOUNDS 90 /* counted_narrow returns a char */

static long call(void *object, const char *name, long x)
{
    long (*function)(long x) = (long (*)(long))dlsym(object, name);

    storm_expect(function != NULL, name);
    return function(x);
}

void *storm_load_caller(void *argument)
{
    static const struct {
        const char *name;
        int n_calls;
    } ways[] = {
        {"plugin_call", 1},  {"plugin_taken", 2},   {"plugin_pointer", 1},
        {"plugin_fixed", 1}, {"plugin_default", 1},
    };
    struct storm_load *load = argument;

    while (!storm_is_over) {
        void *plugin = dlopen(load->path, storm_draw(&load->state, 2) == 0 ? RTLD_NOW : RTLD_LAZY);

        storm_expect(plugin != NULL, load->path);
        for (size_t i = 0; i < CALLS_OF_LOAD; i++) {
            long x = (long)storm_draw(&load->state, KEYS);
            unsigned way = storm_draw(&load->state, sizeof(ways) / sizeof(ways[0]));

            storm_expect(call(plugin, ways[way].name, x) == x * x, ways[way].name);
            atomic_fetch_add(&storm_counts[STORM_square][STORM_RETURNED], ways[way].n_calls);
        }
        storm_expect(call(plugin, "plugin_constructed", 0) == 2 * CONSTRUCTED * CONSTRUCTED,
                     "a constructor's square");
        storm_expect(dlclose(plugin) == 0, "dlclose of a plugin");
        load->n_loads++;
    }
    return NULL;
}

void *storm_load_provider(void *argument)
{
    struct storm_load *load = argument;

    while (!storm_is_over) {
        void *library = dlopen(load->path, RTLD_LAZY);
        long x = (long)storm_draw(&load->state, PENDING_BOUNDS);
        long result;

        storm_expect(library != NULL, load->path);
        result = call(library, "pending_step", x);
        storm_expect(result == x * x || result == x / 3, "a pending step");
        storm_expect(call(library, "pending_own", x) == result, "the same step by the library");
        storm_note(STORM_pending_step, STORM_RETURNED);
        storm_note(STORM_pending_step, STORM_RETURNED);
        storm_expect(dlclose(library) == 0, "dlclose of a library");
        load->n_loads++;
    }
    return NULL;
}
