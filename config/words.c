// SPDX-License-Identifier: MIT
/*
 * Finds the known word that a misspelt one was meant to be: edit distance with transpositions
 * (optimal string alignment), regardless of case.
 */
#include "config/diag.h"

#include <string.h>

#define WORD_MAX_BYTES 64 /* longer words have no near neighbour */

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + 32) : letter;
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Both at most WORD_MAX_BYTES long. Keeps the last three rows of the matrix. */
static unsigned distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned rows[3][WORD_MAX_BYTES + 1];

    for (size_t j = 0; j <= n_b; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n_b; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);

            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = smallest(row[j], row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[n_a % 3][n_b];
}

const char *words_nearest(const char *word, const char *const *words, size_t n_words)
{
    size_t n_word = strlen(word);
    unsigned bound = n_word < 4 ? 1 : n_word < 6 ? 2 : 3; /* more is another word */
    const char *nearest = NULL;

    if (n_word > WORD_MAX_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < n_words; i++) {
        size_t n_known = words[i] == NULL ? 0 : strlen(words[i]);
        unsigned found;

        /* Fewer letters in common than changed ones: no misspelling. */
        if (n_known == 0 || n_known > WORD_MAX_BYTES) {
            continue;
        }
        found = distance(word, n_word, words[i], n_known);
        if (found <= bound && found < n_known && found < n_word) {
            if (found == 0) {
                return words[i];
            }
            bound = found - 1;
            nearest = words[i];
        }
    }
    return nearest;
}

const char *config_nearest(const char *name, const char *const *names, size_t n_names)
{
    return words_nearest(name, names, n_names);
}

const char *words_hint(struct workspace *work, const char *word, const char *const *words,
                       size_t n_words)
{
    const char *nearest = words_nearest(word, words, n_words);
    const char *hint = NULL;

    if (nearest != NULL) {
        return work_join(work, "did you mean '", nearest, "'?");
    }
    for (size_t i = 0; i < n_words; i++) {
        if (words[i] != NULL) {
            hint = hint == NULL ? work_join(work, "known here: ", words[i], "")
                                : work_join(work, hint, ", ", words[i]);
        }
    }
    return hint;
}
