// SPDX-License-Identifier: MIT
/*
 * Opens libraries from its own code, as a command says, and prints what the dynamic linker answers.
 * A plugin, and with MAIN also the program, which takes lines "WHO VERB ARGUMENT" from standard
 * input: WHO is "self" or the path of a plugin.
 *
 *     open NAME     dlopen; where it was found, its origin and namespace, and found(5) thrice
 *     near NAME     the same of NAME in the plugin's folder, by $ORIGIN
 *     space NAME    the same by dlmopen in a new namespace
 *     loaded NAME   dlopen with RTLD_NOLOAD
 *     symbol NAME   dlsym and dlvsym of the object at hand
 *     paths -       where the dynamic linker looks for what the object at hand needs
 *
 * How often found really ran is appended to the file that SEARCH_COUNTS names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long (*found_fn)(long x);

void run_command(const char *verb, const char *argument);

static void print_error(const char *what)
{
    const char *error = dlerror(); /* until the next call */

    printf("%s: %s", what, error != NULL ? error : "no error");
    error = dlerror();
    printf("; then %s\n", error != NULL ? error : "no error");
}

static void print_calls(void *handle)
{
    long (*calls)(void) = (long (*)(void))dlsym(handle, "found_calls");
    FILE *counts = fopen(getenv("SEARCH_COUNTS"), "a");
    found_fn found;

    for (int i = 0; i < 3; i++) {
        found = (found_fn)dlsym(handle, "found");
        printf(" %ld", found != NULL ? found(5) : -1);
    }
    printf("\n");
    if (counts != NULL && calls != NULL) {
        fprintf(counts, "%ld\n", calls());
        fclose(counts);
    }
}

static void print_opened(const char *name, void *handle)
{
    char origin[4096] = "";
    struct link_map *map = NULL;
    Lmid_t space = -1;

    if (handle == NULL) {
        print_error(name);
        return;
    }
    dlinfo(handle, RTLD_DI_ORIGIN, origin);
    dlinfo(handle, RTLD_DI_LINKMAP, &map);
    dlinfo(handle, RTLD_DI_LMID, &space);
    printf("%s: %s from %s in namespace %ld:", name, map->l_name, origin, (long)space);
    print_calls(handle);
}

/* Of the object that this code is in. */
static void *own_handle(void)
{
#ifdef MAIN
    return dlopen(NULL, RTLD_LAZY);
#else
    Dl_info about;

    return dladdr((const void *)run_command, &about) != 0
               ? dlopen(about.dli_fname, RTLD_LAZY | RTLD_NOLOAD)
               : NULL;
#endif
}

static void print_paths(void)
{
    void *handle = own_handle();
    Dl_serinfo size, *paths;

    if (handle == NULL || dlinfo(handle, RTLD_DI_SERINFOSIZE, &size) != 0) {
        print_error("paths");
        return;
    }
    paths = calloc(1, size.dls_size);
    dlinfo(handle, RTLD_DI_SERINFOSIZE, paths);
    dlinfo(handle, RTLD_DI_SERINFO, paths);
    for (unsigned i = 0; i < paths->dls_cnt; i++) {
        printf("path %s %u\n", paths->dls_serpath[i].dls_name, paths->dls_serpath[i].dls_flags);
    }
    free(paths);
}

void run_command(const char *verb, const char *argument)
{
    char near[4096];
    void *handle;

    snprintf(near, sizeof(near), "$ORIGIN/%s", argument);
    if (strcmp(verb, "open") == 0) {
        print_opened(argument, dlopen(argument, RTLD_NOW));
    } else if (strcmp(verb, "near") == 0) {
        print_opened(near, dlopen(near, RTLD_NOW));
    } else if (strcmp(verb, "space") == 0) {
        print_opened(argument, dlmopen(LM_ID_NEWLM, argument, RTLD_NOW));
    } else if (strcmp(verb, "loaded") == 0) {
        handle = dlopen(argument, RTLD_LAZY | RTLD_NOLOAD);
        printf("%s: %s\n", argument, handle != NULL ? "loaded" : "not loaded");
        print_error(argument);
    } else if (strcmp(verb, "symbol") == 0) {
        printf("%d\n", dlsym(own_handle(), argument) != NULL);
        print_error(argument);
        printf("%d\n", dlvsym(own_handle(), argument, "NOBODY_1") != NULL);
        print_error(argument);
    } else if (strcmp(verb, "paths") == 0) {
        print_paths();
    } else {
        printf("what is %s?\n", verb);
    }
}

#ifdef MAIN
int main(void)
{
    char who[4096], verb[64], argument[4096];

    while (scanf("%4095s %63s %4095s", who, verb, argument) == 3) {
        void (*run)(const char *, const char *) = run_command;

        if (strcmp(who, "self") != 0) {
            void *plugin = dlopen(who, RTLD_NOW);

            if (plugin == NULL) {
                print_error(who);
                continue;
            }
            run = (void (*)(const char *, const char *))dlsym(plugin, "run_command");
        }
        run(verb, argument);
    }
    return 0;
}
#endif
