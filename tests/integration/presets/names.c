// SPDX-License-Identifier: MIT
/* Users, groups, services and protocols that everybody has, and some that nobody has. */
#define ERRNO_BEFORE 0 /* some of these make it so themselves */

#include "exercise.h"

#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>

#define ROOM 4096

static const char *const users[] = {"root", "daemon", "nobody", "no-such-user", ""};
static const uid_t ids[] = {0, 1, 65534, 54321, (uid_t)-1};

#define N_USERS (sizeof(users) / sizeof(users[0]))

static void show_list(char *const *list)
{
    for (; list != NULL && *list != NULL; list++) {
        show_text(*list);
    }
}

static void show_user(const struct passwd *user)
{
    if (user == NULL) {
        show_text(NULL);
        return;
    }
    show_text(user->pw_name);
    show_text(user->pw_passwd);
    show_number(user->pw_uid);
    show_number(user->pw_gid);
    show_text(user->pw_gecos);
    show_text(user->pw_dir);
    show_text(user->pw_shell);
}

static void show_group(const struct group *group)
{
    if (group == NULL) {
        show_text(NULL);
        return;
    }
    show_text(group->gr_name);
    show_text(group->gr_passwd);
    show_number(group->gr_gid);
    show_list(group->gr_mem);
}

/* What nobody has is kept unless the call failed otherwise. */
static bool is_kept(const void *found)
{
    return found != NULL || errno == 0 || errno == ERRNO_BEFORE;
}

static void users_and_groups(void)
{
    struct passwd *user;
    struct group *group;

    for (size_t i = 0; i < N_USERS; i++) {
        CALL(getpwnam, is_kept(user), user = getpwnam(users[i]));
        show_user(user);
        CALL(getpwuid, is_kept(user), user = getpwuid(ids[i]));
        show_user(user);
        CALL(getgrnam, is_kept(group), group = getgrnam(users[i]));
        show_group(group);
        CALL(getgrgid, is_kept(group), group = getgrgid(ids[i]));
        show_group(group);
    }
}

/* Buffers that are too small, then one that is large enough: one entry, whatever the room. */
static void in_buffers(void)
{
    static const size_t rooms[] = {1, 20, ROOM};

    for (size_t i = 0; i < N_USERS; i++) {
        for (size_t k = 0; k < sizeof(rooms) / sizeof(rooms[0]); k++) {
            char room[ROOM];
            struct passwd user, *found_user;
            struct group group, *found_group;
            bool is_whole = rooms[k] == ROOM;
            int error;

            spoil(room, sizeof(room));
            spoil(&user, sizeof(user));
            CALL(getpwnam_r, !is_whole ? UNFIT : error == 0,
                 error = getpwnam_r(users[i], &user, room, rooms[k], &found_user));
            show_number(error);
            show_user(found_user);
            show_number(found_user == NULL || found_user == &user);
            CALL(getpwuid_r, !is_whole ? UNFIT : error == 0,
                 error = getpwuid_r(ids[i], &user, room, rooms[k], &found_user));
            show_number(error);
            show_user(found_user);
            spoil(&group, sizeof(group));
            CALL(getgrnam_r, !is_whole ? UNFIT : error == 0,
                 error = getgrnam_r(users[i], &group, room, rooms[k], &found_group));
            show_number(error);
            show_group(found_group);
            CALL(getgrgid_r, !is_whole ? UNFIT : error == 0,
                 error = getgrgid_r(ids[i], &group, room, rooms[k], &found_group));
            show_number(error);
            show_group(found_group);
        }
    }
}

static void groups_of_users(void)
{
    for (size_t i = 0; i < N_USERS; i++) {
        for (int room = 0; room <= 64; room = 8 * room + 1) {
            gid_t groups[128];
            int n_groups = room, result;

            spoil(groups, sizeof(groups));
            CALL(getgrouplist, result >= 0,
                 result = getgrouplist(users[i], 12345, groups, &n_groups));
            show_number(result);
            show_number(n_groups);
            show_bytes(groups, sizeof(groups));
        }
    }
}

static void services_and_protocols(void)
{
    static const char *const names[] = {"http", "domain", "www", "no-such-service"};
    static const char *const protocols[] = {"tcp", "udp", NULL, "none"};
    static const int ports[] = {80, 53, 22, 1};

    for (size_t i = 0; i < 4; i++) {
        struct protoent *protocol;

        for (size_t k = 0; k < 4; k++) {
            struct servent *service;

            CALL(getservbyname, is_kept(service), service = getservbyname(names[i], protocols[k]));
            show_text(service != NULL ? service->s_name : NULL);
            if (service != NULL) {
                show_number(ntohs((uint16_t)service->s_port));
                show_text(service->s_proto);
                show_list(service->s_aliases);
            }
            CALL(getservbyport, is_kept(service),
                 service = getservbyport(htons((uint16_t)ports[i]), protocols[k]));
            show_text(service != NULL ? service->s_name : NULL);
            if (service != NULL) {
                show_text(service->s_proto);
                show_list(service->s_aliases);
            }
        }
        CALL(getprotobyname, is_kept(protocol),
             protocol = getprotobyname(i == 3 ? "none" : (const char *[]){"tcp", "ip", "UDP"}[i]));
        show_text(protocol != NULL ? protocol->p_name : NULL);
        if (protocol != NULL) {
            show_number(protocol->p_proto);
            show_list(protocol->p_aliases);
        }
    }
}

static void exercise(void)
{
    users_and_groups();
    in_buffers();
    groups_of_users();
    services_and_protocols();
}
