// SPDX-License-Identifier: MIT
/* The names of the signals that may make a program dump its statistics. */
#include "config/language.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* may_be_used: false for those that cannot be caught, or whose default action a fault relies on. */
static const struct {
    const char *name;
    int number;
    bool may_be_used;
} signals[] = {
    {"HUP", SIGHUP, true},       {"INT", SIGINT, true},    {"QUIT", SIGQUIT, true},
    {"ILL", SIGILL, false},      {"TRAP", SIGTRAP, false}, {"ABRT", SIGABRT, false},
    {"BUS", SIGBUS, false},      {"FPE", SIGFPE, false},   {"KILL", SIGKILL, false},
    {"USR1", SIGUSR1, true},     {"SEGV", SIGSEGV, false}, {"USR2", SIGUSR2, true},
    {"PIPE", SIGPIPE, true},     {"ALRM", SIGALRM, true},  {"TERM", SIGTERM, true},
    {"CHLD", SIGCHLD, true},     {"CONT", SIGCONT, true},  {"STOP", SIGSTOP, false},
    {"TSTP", SIGTSTP, true},     {"TTIN", SIGTTIN, true},  {"TTOU", SIGTTOU, true},
    {"URG", SIGURG, true},       {"XCPU", SIGXCPU, true},  {"XFSZ", SIGXFSZ, true},
    {"VTALRM", SIGVTALRM, true}, {"PROF", SIGPROF, true},  {"WINCH", SIGWINCH, true},
    {"IO", SIGIO, true},         {"PWR", SIGPWR, true},    {"SYS", SIGSYS, false},
};

/* "+5" or "-1" or nothing. */
static bool parse_offset(const char *text, char sign, int *ret_offset)
{
    int offset = 0;

    if (*text == '\0') {
        *ret_offset = 0;
        return true;
    }
    if (*text != sign || text[1] == '\0' || strlen(text) > 3) {
        return false;
    }
    for (text++; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        offset = offset * 10 + (*text - '0');
    }
    *ret_offset = sign == '-' ? -offset : offset;
    return true;
}

int signal_parse(const char *text, int *ret_signal)
{
    int offset, number;

    if (strncmp(text, "SIG", 3) == 0) {
        text += 3;
    }
    if (strncmp(text, "RTMIN", 5) == 0 && parse_offset(text + 5, '+', &offset)) {
        number = SIGRTMIN + offset;
    } else if (strncmp(text, "RTMAX", 5) == 0 && parse_offset(text + 5, '-', &offset)) {
        number = SIGRTMAX + offset;
    } else {
        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
            if (strcmp(signals[i].name, text) == 0) {
                if (!signals[i].may_be_used) {
                    return -EPERM;
                }
                *ret_signal = signals[i].number;
                return 0;
            }
        }
        return -EINVAL;
    }
    if (number < SIGRTMIN || number > SIGRTMAX) {
        return -EINVAL;
    }
    *ret_signal = number;
    return 0;
}
