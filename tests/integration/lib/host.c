// SPDX-License-Identifier: MIT
/*
 * Loads plugins and calls them, as a script on standard input says, one command a line:
 *
 *     open NAME PATH FLAG...      flags: now, lazy, global, local, deep
 *     run NAME FUNCTION X         FUNCTION by dlsym, each time; its result is printed
 *     same NAME                   plugin_same of the host's own pointer
 *     close NAME
 *     hooked X                    the function whose address a plugin's constructor left in the
 *                                 environment: reached without dlsym
 *     square X                    the host's own call of counted_square
 *     find HOW X [FUNCTION]       FUNCTION (counted_square) by dlsym: default, self (dlopen of
 * NULL), library (libcounted)
 *
 * As the driver does, it writes for each line how many real calls it caused to the file that is its
 * first argument.
 */
#include "counted.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PLUGINS 16

static struct plugin {
    char name[32];
    void *handle;
} plugins[MAX_PLUGINS];

static struct plugin *plugin_named(const char *name)
{
    for (int i = 0; i < MAX_PLUGINS; i++) {
        if (strcmp(plugins[i].name, name) == 0) {
            return &plugins[i];
        }
    }
    return NULL;
}

static int flag_named(const char *name)
{
    return strcmp(name, "now") == 0      ? RTLD_NOW
           : strcmp(name, "lazy") == 0   ? RTLD_LAZY
           : strcmp(name, "global") == 0 ? RTLD_GLOBAL
           : strcmp(name, "deep") == 0   ? RTLD_DEEPBIND
                                         : RTLD_LOCAL;
}

static void open_plugin(const char *name, const char *path)
{
    struct plugin *plugin = plugin_named("");
    const char *word;
    int flags = 0;

    while ((word = strtok(NULL, " \n")) != NULL) {
        flags |= flag_named(word);
    }
    plugin->handle = dlopen(path, flags);
    if (plugin->handle == NULL) {
        puts(dlerror());
        return;
    }
    strncpy(plugin->name, name, sizeof(plugin->name) - 1);
    puts("opened");
}

static void print_call(void *function, long x)
{
    if (function == NULL) {
        puts(dlerror());
    } else {
        printf("%ld\n", ((long (*)(long))function)(x));
    }
}

static void find(const char *how, long x, const char *function)
{
    void *handle = strcmp(how, "default") == 0 ? RTLD_DEFAULT
                   : strcmp(how, "self") == 0  ? dlopen(NULL, RTLD_LAZY)
                                               : dlopen("libcounted.so", RTLD_LAZY);

    print_call(dlsym(handle, function != NULL ? function : "counted_square"), x);
}

static void run_line(char *line)
{
    const char *command = strtok(line, " \n");
    const char *first = strtok(NULL, " \n");
    const char *second;

    if (strcmp(command, "square") == 0) {
        printf("%ld\n", counted_square(atol(first)));
        return;
    }
    if (strcmp(command, "hooked") == 0) {
        ((void (*)(long))strtoul(getenv("PLUGIN_HOOK"), NULL, 16))(atol(first));
        return;
    }
    if (strcmp(command, "close") == 0) {
        struct plugin *plugin = plugin_named(first);

        printf("closed %d\n", dlclose(plugin->handle));
        plugin->name[0] = '\0';
        return;
    }
    if (strcmp(command, "same") == 0) {
        print_call(dlsym(plugin_named(first)->handle, "plugin_same"), (long)counted_square);
        return;
    }
    second = strtok(NULL, " \n");
    if (strcmp(command, "open") == 0) {
        open_plugin(first, second);
    } else if (strcmp(command, "find") == 0) {
        find(first, atol(second), strtok(NULL, " \n"));
    } else if (strcmp(command, "run") == 0) {
        print_call(dlsym(plugin_named(first)->handle, second), atol(strtok(NULL, " \n")));
    } else {
        fprintf(stderr, "host: what is \"%s\"?\n", command);
        exit(2);
    }
}

int main(int n_arguments, char **arguments)
{
    FILE *trace = n_arguments > 1 ? fopen(arguments[1], "w") : NULL;
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        int64_t before = counted_total();

        run_line(line);
        if (trace != NULL) {
            fprintf(trace, "%lld\n", (long long)(counted_total() - before));
        }
    }
    free(line);
    return 0;
}
