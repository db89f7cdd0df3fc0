// SPDX-License-Identifier: MIT
/*
 * The memo that a specialist writes for a program that shows who owns files, as a preload: a table
 * that is mapped directly of what getpwuid said, copied whole, for as long as the program runs. A
 * user who is not known is asked for again. Not for threads.
 */
#include <dlfcn.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define N_PLACES 256 /* a power of two */

struct place {
    struct passwd value; /* its texts are allocated */
    bool is_set;
};

static struct place places[N_PLACES];
static struct passwd *(*real)(uid_t);

static __attribute__((constructor)) void begin(void)
{
    real = (struct passwd * (*)(uid_t)) dlsym(RTLD_NEXT, "getpwuid");
}

static void release(struct passwd *entry)
{
    free(entry->pw_name);
    free(entry->pw_passwd);
    free(entry->pw_gecos);
    free(entry->pw_dir);
    free(entry->pw_shell);
}

struct passwd *getpwuid(uid_t uid)
{
    struct place *place = &places[uid % N_PLACES];

    if (!place->is_set || place->value.pw_uid != uid) {
        struct passwd *result = real(uid);

        if (result == NULL) {
            return NULL;
        }
        if (place->is_set) {
            release(&place->value);
        }
        place->is_set = true;
        place->value = *result;
        place->value.pw_name = strdup(result->pw_name);
        place->value.pw_passwd = strdup(result->pw_passwd);
        place->value.pw_gecos = strdup(result->pw_gecos);
        place->value.pw_dir = strdup(result->pw_dir);
        place->value.pw_shell = strdup(result->pw_shell);
    }
    return &place->value;
}
