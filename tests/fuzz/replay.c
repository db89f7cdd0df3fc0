// SPDX-License-Identifier: MIT
/*
 * Runs a fuzz target over files, once each: the corpus as an ordinary test, in every build.
 * usage: TARGET FILE-OR-FOLDER...
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static unsigned n_inputs;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    long n_bytes;

    FUZZ_CHECK(file != NULL);
    FUZZ_CHECK(fseek(file, 0, SEEK_END) == 0);
    n_bytes = ftell(file);
    rewind(file);
    data = malloc(n_bytes > 0 ? (size_t)n_bytes : 1);
    FUZZ_CHECK(fread(data, 1, (size_t)n_bytes, file) == (size_t)n_bytes);
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)n_bytes);
    free(data);
    n_inputs++;
}

static void replay_folder(const char *path)
{
    struct dirent **entries;
    int n_entries = scandir(path, &entries, NULL, alphasort);

    FUZZ_CHECK(n_entries >= 0);
    for (int i = 0; i < n_entries; i++) {
        char name[4096];

        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            replay_file(name);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int n_arguments, char **arguments)
{
    for (int i = 1; i < n_arguments; i++) {
        struct stat status;

        FUZZ_CHECK(stat(arguments[i], &status) == 0);
        if (S_ISDIR(status.st_mode)) {
            replay_folder(arguments[i]);
        } else {
            replay_file(arguments[i]);
        }
    }
    printf("%u inputs\n", n_inputs);
    return n_inputs > 0 ? 0 : 1;
}
