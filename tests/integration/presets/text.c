// SPDX-License-Identifier: MIT
/* Collation and widths, in each locale that is there. */
#include "exercise.h"

#include <locale.h>
#include <wchar.h>

#define ROOM 256

static const char *const texts[] = {"", "a", "B", "Ab", "\xc3\xa4", "z", "coop", "co-op"};
static const wchar_t *const wide[] = {L"", L"a", L"B", L"Ab", L"\u00e4", L"z", L"coop", L"co-op"};

#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

static void collate(void)
{
    for (size_t i = 0; i < N_TEXTS; i++) {
        for (size_t k = 0; k < N_TEXTS; k++) {
            int order;

            CALL(strcoll, KEPT, order = strcoll(texts[i], texts[k]));
            show_number(order);
            CALL(wcscoll, KEPT, order = wcscoll(wide[i], wide[k]));
            show_number(order);
        }
    }
}

static void transform(void)
{
    for (size_t i = 0; i < N_TEXTS; i++) {
        for (size_t n = 0; n <= ROOM; n = 8 * n + 4) {
            char room[ROOM];
            wchar_t wide_room[ROOM];
            size_t length;

            spoil(room, sizeof(room));
            CALL(strxfrm, length < n, length = strxfrm(room, texts[i], n));
            show_number((long long)length);
            show_bytes(room, length < n ? length + 1 : 0); /* behind it, its own affair */
            spoil(wide_room, sizeof(wide_room));
            CALL(wcsxfrm, length < n, length = wcsxfrm(wide_room, wide[i], n));
            show_number((long long)length);
            show_bytes(wide_room, length < n ? (length + 1) * sizeof(wchar_t) : 0);
        }
    }
}

static void measure(void)
{
    static const wchar_t characters[] = {0, L'\n', L'a', 0xe4, 0x301, 0x4e00, 0x1f600, -1};

    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
        int width;

        CALL(wcwidth, KEPT, width = wcwidth(characters[i]));
        show_number(width);
    }
}

static void exercise(void)
{
    static const char *const locales[] = {"C", "C.UTF-8", "de_DE.UTF-8", "sv_SE.UTF-8"};

    for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++) {
        if (setlocale(LC_ALL, locales[i]) == NULL) {
            printf("\nno locale %s here", locales[i]);
            continue;
        }
        collate();
        transform();
        measure();
    }
}
