// SPDX-License-Identifier: MIT
/* Right passwords are kept, by their digest; wrong ones are not. */
#include "exercise.h"

#include <apr_md5.h>

static void exercise(void)
{
    static const struct {
        const char *password, *hash;
        bool is_right;
    } checks[] = {
        {"password", "$2y$05$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", false},
        {"password", "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", true},
        {"passwort", "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", false},
        {"password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", true},
        {"Password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", false},
        {"password", "abJnggxhB/yWI", true},
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        apr_status_t result;

        CALL(apr_password_validate, checks[i].is_right,
             result = apr_password_validate(checks[i].password, checks[i].hash));
        show_number(result);
        show_number((result == APR_SUCCESS) == checks[i].is_right);
    }
}
