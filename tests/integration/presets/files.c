// SPDX-License-Identifier: MIT
/* Files, links, folders and nothing, in two current folders. */
#include "exercise.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static void make(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

    if (file < 0 || write(file, text, strlen(text)) < 0 || close(file) != 0) {
        abort();
    }
}

/* All of it, though the file has another number and other times in each run. */
static void show_stat(const struct stat *seen, const char *path, int flags)
{
    struct stat real;

    spoil(&real, sizeof(real));
    show_number(fstatat(AT_FDCWD, path, &real, flags));
    show_number(memcmp(seen, &real, sizeof(real)));
    show_number(seen->st_mode);
    show_number(seen->st_size);
}

static void look(void)
{
    static const char *const paths[] = {"file", "link", "sub", "none", "file/none", ""};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct stat seen;
        char target[64], whole[PATH_MAX], *found;
        ssize_t length;
        int result;

        for (int mode = 0; mode < 8; mode++) {
            CALL(access, KEPT, result = access(paths[i], mode));
            show_number(result);
        }
        spoil(&seen, sizeof(seen));
        CALL(stat, KEPT, result = stat(paths[i], &seen));
        show_number(result);
        if (result != 0) {
            show_bytes(&seen, sizeof(seen));
        } else {
            show_stat(&seen, paths[i], 0);
        }
        spoil(&seen, sizeof(seen));
        CALL(lstat, KEPT, result = lstat(paths[i], &seen));
        show_number(result);
        if (result != 0) {
            show_bytes(&seen, sizeof(seen));
        } else {
            show_stat(&seen, paths[i], AT_SYMLINK_NOFOLLOW);
        }
        spoil(whole, sizeof(whole));
        CALL(realpath, found != NULL, found = realpath(paths[i], i % 2 == 0 ? whole : NULL));
        show_text(found != NULL ? strrchr(found, '/') : NULL);
        show_number(found == whole);
        if (found != whole) {
            free(found);
        }
        for (size_t n = 1; n <= sizeof(target); n *= 8) {
            spoil(target, sizeof(target));
            CALL(readlink, length >= 0, length = readlink(paths[i], target, n));
            show_number(length);
            show_bytes(target, sizeof(target));
        }
    }
}

static void exercise(void)
{
    if (pass == 0) {
        make("file", "some text");
        if (mkdir("sub", 0755) == 0) {
            make("sub/file", "other text");
            if (symlink("file", "link") != 0 || symlink("../file", "sub/link") != 0) {
                abort();
            }
        }
    }
    look();
    if (chdir("sub") != 0) {
        abort();
    }
    look();
    if (chdir("..") != 0) {
        abort();
    }
}
