// SPDX-License-Identifier: MIT
/*
 * The scenarios of owners.c in which the program asks libc for names and addresses: in buffers of
 * every size, and in lists that freeaddrinfo frees, be it called as any function is or at an
 * address where nobody stands in between.
 */
#include "owners.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- users and groups ------------------------------------------------------------------------ */

static const char *within(const char *text, const char *buffer, size_t n_bytes)
{
    return (uintptr_t)text - (uintptr_t)buffer < n_bytes ? text : "(elsewhere)";
}

static int ask_for_user(uid_t id, size_t n_bytes, struct shown *shown)
{
    char *buffer = malloc(n_bytes + 1); /* so that a byte too many is seen */
    struct passwd user = {.pw_uid = 4711}, *found = &user;
    int error = getpwuid_r(id, &user, buffer, n_bytes, &found);

    if (found != NULL) {
        show(shown, " %s %d %d %s", within(user.pw_name, buffer, n_bytes), (int)user.pw_uid,
             found == &user, within(user.pw_dir, buffer, n_bytes));
    } else {
        show(shown, " error %d", error); /* whatever is in user by now */
    }
    free(buffer);
    return error;
}

void play_users(int i, struct shown *shown)
{
    uid_t id = (uid_t)i;
    size_t n_bytes = 1;
    struct shown unseen = {.n_bytes = 0};

    while (n_bytes < 1024 && ask_for_user(id, n_bytes, &unseen) == ERANGE) {
        n_bytes += 7;
        unseen.n_bytes = 0;
    }
    show(shown, " %zu", n_bytes);
    ask_for_user(id, n_bytes, shown);
    ask_for_user(id, n_bytes - 7, shown);
    ask_for_user(id, 1024, shown);
    ask_for_user(4000000000u, 1024, shown);
    ask_for_user(4000000000u, 1024, shown);
}

void play_members(int i, struct shown *shown)
{
    static const char *const names[] = {"root", "daemon", "adm", "tty", "users", "nobody", "mail"};
    const struct group *group = getgrnam(names[i % 7]);

    if (group == NULL) {
        show(shown, " none");
        return;
    }
    show(shown, " %s %d", group->gr_name, (int)group->gr_gid);
    for (char **member = group->gr_mem; *member != NULL; member++) {
        show(shown, " %s", *member);
    }
}

/* ---- addresses ------------------------------------------------------------------------------- */

typedef void (*free_fn)(struct addrinfo *list);

/* The function itself, whatever calls of it lead to. */
static free_fn find_real(void)
{
    Dl_info info;

    return dladdr((void *)(uintptr_t)freeaddrinfo, &info) != 0 ? (free_fn)(uintptr_t)info.dli_saddr
                                                               : NULL;
}

static struct addrinfo *ask(int i, int flags)
{
    struct addrinfo hints, *list = NULL;

    memset(&hints, 0xff, sizeof(hints)); /* its pointers are nobody's business */
    hints.ai_flags = flags;
    hints.ai_family = AF_INET;
    hints.ai_socktype = 0;
    hints.ai_protocol = 0;
    return getaddrinfo(i % 2 == 0 ? "localhost" : "127.0.0.1", i % 3 == 0 ? "80" : "8080", &hints,
                       &list) == 0
               ? list
               : NULL;
}

static void show_addresses(struct shown *shown, const struct addrinfo *list)
{
    for (; list != NULL; list = list->ai_next) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)(void *)list->ai_addr;

        show(shown, " %d:%d:%x:%d:%s", list->ai_socktype, list->ai_protocol,
             ntohl(address->sin_addr.s_addr), ntohs(address->sin_port),
             or_null(list->ai_canonname));
    }
    show(shown, ";");
}

/* One after the other, from the end or from the beginning. */
static void free_each(struct addrinfo *list, bool from_end, free_fn release)
{
    struct addrinfo *rest;

    if (list == NULL) {
        return;
    }
    rest = list->ai_next;
    list->ai_next = NULL;
    if (from_end) {
        free_each(rest, from_end, release);
    }
    release(list);
    if (!from_end) {
        free_each(rest, from_end, release);
    }
}

static struct addrinfo *join(struct addrinfo *first, struct addrinfo *second)
{
    struct addrinfo *last = first;

    while (last != NULL && last->ai_next != NULL) {
        last = last->ai_next;
    }
    if (last == NULL) {
        return second;
    }
    last->ai_next = second;
    return first;
}

static void play_freed(int i, free_fn release, struct shown *shown)
{
    struct addrinfo *list = ask(i, AI_CANONNAME);

    show_addresses(shown, list);
    release(list);
    free_each(ask(i, AI_CANONNAME), true, release);
    free_each(ask(i, AI_CANONNAME), false, release);
    list = join(ask(i, 0), ask(i, AI_PASSIVE));
    show_addresses(shown, list);
    release(list);
    list = join(ask(i, AI_CANONNAME), join(ask(i + 1, 0), ask(i + 2, AI_CANONNAME)));
    free(list->ai_canonname); /* glibc's are from malloc, and programs know it */
    list->ai_canonname = strdup("another");
    show_addresses(shown, list);
    free_each(list, i % 2 == 0, release);
}

void play_addresses(int i, struct shown *shown)
{
    play_freed(i, freeaddrinfo, shown);
}

void play_addresses_past(int i, struct shown *shown)
{
    free_fn real = find_real();

    show(shown, " %d", real != NULL);
    play_freed(i, i % 3 == 0 ? freeaddrinfo : real, shown);
}
