// SPDX-License-Identifier: MIT
/*
 * Names and addresses that need no network. Lists are freed as a whole, and node by node; what
 * `hints` holds besides its four numbers is other garbage each time.
 */
#define ERRNO_BEFORE 0 /* some of these make it so themselves */

#include "exercise.h"

#include <arpa/inet.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define ROOM 2048

static void show_nodes(const struct addrinfo *node)
{
    for (; node != NULL; node = node->ai_next) {
        show_number(node->ai_flags);
        show_number(node->ai_family);
        show_number(node->ai_socktype);
        show_number(node->ai_protocol);
        show_bytes(node->ai_addr, node->ai_addrlen);
        show_text(node->ai_canonname);
    }
}

/* In pass 0 as a whole, then the rest of it before its first node. */
static void free_nodes(struct addrinfo *nodes)
{
    while (pass > 0 && nodes != NULL && nodes->ai_next != NULL) {
        struct addrinfo *last = nodes;

        while (last->ai_next->ai_next != NULL) {
            last = last->ai_next;
        }
        freeaddrinfo(last->ai_next);
        last->ai_next = NULL;
    }
    freeaddrinfo(nodes);
}

static void look_up(const char *node, const char *service, int flags, int family, int type)
{
    struct addrinfo hints, *nodes = NULL;
    int result;

    memset(&hints, 0x11 * (pass + 1), sizeof(hints));
    hints.ai_flags = flags;
    hints.ai_family = family;
    hints.ai_socktype = type;
    hints.ai_protocol = 0;
    /* glibc wants to see the unused ones cleared only in debug builds: they are nobody's input. */
    CALL(getaddrinfo, result == 0, result = getaddrinfo(node, service, &hints, &nodes));
    show_number(result);
    if (result == 0) {
        show_nodes(nodes);
        free_nodes(nodes);
    }
}

static void addresses(void)
{
    static const char *const nodes[] = {"127.0.0.1", "localhost", "::1", NULL};
    static const char *const services[] = {"80", "http", "no-such-service", NULL};

    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) {
            look_up(nodes[i], services[k], 0, AF_UNSPEC, 0);
            look_up(nodes[i], services[k], AI_PASSIVE, AF_INET, SOCK_STREAM);
            look_up(nodes[i], services[k], AI_CANONNAME, AF_UNSPEC, SOCK_DGRAM);
        }
    }
    look_up("not numeric", "80", AI_NUMERICHOST, AF_UNSPEC, 0);
}

static void names(void)
{
    for (int port = 79; port < 82; port++) {
        for (int flags = 0; flags < 8; flags++) {
            struct sockaddr_in address = {.sin_family = AF_INET,
                                          .sin_port = htons((uint16_t)port),
                                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            char name[64], service[32];
            int result;

            spoil(name, sizeof(name));
            spoil(service, sizeof(service));
            CALL(getnameinfo, result == 0,
                 result = getnameinfo((struct sockaddr *)&address, sizeof(address), name,
                                      sizeof(name), service, sizeof(service), flags));
            show_number(result);
            show_text(result == 0 ? name : NULL);
            show_bytes(name, result == 0 ? sizeof(name) : 0); /* nothing behind the text changes */
            show_bytes(service, result == 0 ? sizeof(service) : 0);
            CALL(getnameinfo, result == 0,
                 result = getnameinfo((struct sockaddr *)&address, sizeof(address), name, 2, NULL,
                                      0, flags));
            show_number(result);
        }
    }
}

/* International names are given in the characters of the locale, here another one each time. */
static void names_by_locale(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char name[64];
    int result;

    setlocale(LC_ALL, pass == 2 ? "C.UTF-8" : "C");
    setlocale(LC_CTYPE, pass > 0 ? "C.UTF-8" : "C");
    CALL(getnameinfo, NOT_KEPT,
         result = getnameinfo((struct sockaddr *)&address, sizeof(address), name, sizeof(name),
                              NULL, 0, NI_NUMERICHOST | NI_IDN));
    show_number(result);
    show_text(result == 0 ? name : NULL);
    setlocale(LC_ALL, "C");
}

static void show_host(const struct hostent *host)
{
    if (host == NULL) {
        show_text(NULL);
        return;
    }
    show_text(host->h_name);
    for (char **alias = host->h_aliases; *alias != NULL; alias++) {
        show_text(*alias);
    }
    show_number(host->h_addrtype);
    for (char **address = host->h_addr_list; *address != NULL; address++) {
        show_bytes(*address, (size_t)host->h_length);
    }
}

static void hosts(void)
{
    static const char *const texts[] = {"localhost", "127.0.0.1", "10.1.2.3"};
    struct in_addr address = {htonl(INADDR_LOOPBACK)};
    struct hostent *found, host;
    char room[ROOM];
    int result, error; /* before each call the same: the real functions do not always set it */

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CALL(gethostbyname, found != NULL, found = gethostbyname(texts[i]));
        show_host(found);
        error = 4711;
        CALL(gethostbyname_r, UNFIT,
             result = gethostbyname_r(texts[i], &host, room, 8, &found, &error));
        show_number(result);
        error = 4711;
        CALL(gethostbyname_r, result == 0,
             result = gethostbyname_r(texts[i], &host, room, sizeof(room), &found, &error));
        show_number(result);
        show_host(found);
        show_number(found == &host);
        show_number(error);
    }
    error = 4711;
    CALL(gethostbyaddr, found != NULL, found = gethostbyaddr(&address, sizeof(address), AF_INET));
    show_host(found);
    CALL(gethostbyaddr_r, result == 0,
         result = gethostbyaddr_r(&address, sizeof(address), AF_INET, &host, room, sizeof(room),
                                  &found, &error));
    show_number(result);
    show_number(error);
    show_host(found);
}

static void exercise(void)
{
    addresses();
    names();
    names_by_locale();
    hosts();
}
