// SPDX-License-Identifier: MIT
/*
 * gdb (13) sets breakpoints in the longjmp of each libc that is loaded, the one among them that
 * came with the parser of the configuration; when that one goes, it keeps them, and then every
 * "next", "step" and "finish" fails with "Cannot insert breakpoint 0". It puts them in order when
 * an object comes, so that is what it gets: a library that is empty in a libc of today. Only under
 * a debugger, and never in anybody else's process.
 *
 * With that library the constructors of the program's libc run, which is not through before us, and
 * they run once: without what the program was started with, which libc is given here in their
 * place. (Not its own copy of the arguments, which plug-ins' constructors get.)
 */
#include "process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_BYTES 4096

static bool is_traced(void)
{
    static const char field[] = "\nTracerPid:\t";
    char status[STATUS_BYTES];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
    long n_bytes = fd < 0 ? 0 : syscall(SYS_read, fd, status, sizeof(status) - 1);
    const char *found;

    if (fd >= 0) {
        syscall(SYS_close, fd);
    }
    status[n_bytes > 0 ? n_bytes : 0] = '\0';
    found = strstr(status, field);
    return found != NULL && found[sizeof(field) - 1] != '0';
}

void debugger_note_unloaded(const char *started_as, char **environment)
{
    int saved_errno = errno;
    void *library = is_traced() ? dlopen("libutil.so.1", RTLD_LAZY | RTLD_LOCAL) : NULL;

    if (library != NULL) {
        dlclose(library);
        environ = environment;
        if (started_as != NULL) {
            const char *slash = strrchr(started_as, '/');

            program_invocation_name = (char *)started_as;
            program_invocation_short_name = (char *)(slash != NULL ? slash + 1 : started_as);
        }
    }
    errno = saved_errno;
}
