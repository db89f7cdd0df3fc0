// SPDX-License-Identifier: MIT
/* Right passwords are kept, by their digest; wrong ones and settings that are none are not. */
#define ERRNO_BEFORE 0 /* libcrypt itself makes it so when it reads a number of rounds */

#include "exercise.h"

#include <crypt.h>

static const struct {
    const char *phrase, *setting;
    bool is_right;
} checks[] = {
    {"password", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", true},
    {"passwort", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", false},
    {"password", "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", true},
    {"", "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", false},
    {"password", "$5$rounds=1000$saltstring$S2dlplsLzofRuJ/frAjtaYev58CdqEN6fUby2laILG1", true},
    {"password", "$5$rounds=1000$saltstring$", false},
    {"password", "abJnggxhB/yWI", true},
    {"password", "*0", false},
};

static void exercise(void)
{
    static struct crypt_data data;
    char *result, small[8];

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const char *phrase = checks[i].phrase, *setting = checks[i].setting;

        CALL(crypt, checks[i].is_right, result = crypt(phrase, setting));
        show_text(result);
        CALL(crypt_r, checks[i].is_right, result = crypt_r(phrase, setting, &data));
        show_text(result);
        show_number(result == data.output);
        CALL(crypt_rn, checks[i].is_right, result = crypt_rn(phrase, setting, &data, sizeof(data)));
        show_text(result);
        show_number(result == data.output);
        CALL(crypt_rn, NOT_KEPT, result = crypt_rn(phrase, setting, small, sizeof(small)));
        show_text(result);
    }
}
