// SPDX-License-Identifier: MIT
/* Breaks text into lines. Columns are bytes: what memoshim says itself is ASCII. */
#include "cli/wrapped.h"

#include "cli/cli.h"
#include <string.h>

void wrapped_print(const char *text, int column)
{
    int at = column;

    while (*text != '\0') {
        int n_bytes = (int)strcspn(text, " ");

        if (at > column && at + 1 + n_bytes > WRAPPED_COLUMNS) {
            printf("\n%*s", column, "");
            at = column;
        } else if (at > column) {
            putchar(' ');
            at++;
        }
        cli_print_plain(stdout, text, (size_t)n_bytes);
        at += n_bytes;
        text += n_bytes;
        text += strspn(text, " ");
    }
    putchar('\n');
}
