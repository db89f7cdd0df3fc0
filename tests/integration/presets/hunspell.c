// SPDX-License-Identifier: MIT
/* Two dictionaries: one that stays as it is, and one that learns, forgets and ends. */
#include "exercise.h"

#include <hunspell/hunspell.h>

static void spell(Hunhandle *handle, const char *word, bool is_kept)
{
    int result;

    CALL(Hunspell_spell, is_kept, result = Hunspell_spell(handle, word));
    show_number(result);
}

static void show_list(Hunhandle *handle, char **list, int n)
{
    show_number(n);
    for (int i = 0; i < n; i++) {
        show_text(list[i]);
    }
    if (pass < PASSES - 1) {
        Hunspell_free_list(handle, &list, n);
        show_number(list == NULL);
        return;
    }
    for (int i = 0; i < n; i++) { /* as programs do that know what it is made of */
        free(list[i]);
    }
    free(list);
}

static void suggest(Hunhandle *handle, const char *word, bool is_kept)
{
    char **list = NULL;
    int n;

    CALL(Hunspell_suggest, is_kept, n = Hunspell_suggest(handle, &list, word));
    show_list(handle, list, n);
}

static void take_apart(Hunhandle *handle, const char *word, bool is_kept)
{
    char **list = NULL;
    int n;

    CALL(Hunspell_analyze, is_kept, n = Hunspell_analyze(handle, &list, word));
    show_list(handle, list, n);
    list = NULL;
    CALL(Hunspell_stem, is_kept, n = Hunspell_stem(handle, &list, word));
    show_list(handle, list, n);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        abort();
    }
}

static void exercise(void)
{
    static const char *const words[] = {"",       "alpha", "Alpha", "beta",
                                        "bettas", "gamma", "alpa",  "bta"};
    static Hunhandle *steady;
    Hunhandle *passing;

    if (steady == NULL) {
        write_file("a.aff", "SET UTF-8\nSFX S Y 1\nSFX S 0 s .\n");
        write_file("a.dic", "2\nalpha\nbeta/S\n");
        write_file("b.dic", "1\ngamma\n");
        steady = Hunspell_create("a.aff", "a.dic");
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        spell(steady, words[i], KEPT);
        suggest(steady, words[i], KEPT);
        take_apart(steady, words[i], KEPT);
    }
    passing = Hunspell_create("a.aff", "a.dic");
    spell(passing, "gammas", NOT_KEPT);
    suggest(passing, "gama", NOT_KEPT);
    take_apart(passing, "gammas", NOT_KEPT);
    Hunspell_add_with_affix(passing, "gamma", "beta");
    spell(passing, "gammas", NOT_KEPT);
    suggest(passing, "gama", NOT_KEPT);
    Hunspell_remove(passing, "gamma");
    spell(passing, "gamma", NOT_KEPT);
    Hunspell_add(passing, "gamma");
    spell(passing, "gamma", NOT_KEPT);
    take_apart(passing, "gamma", NOT_KEPT);
    Hunspell_destroy(passing);
    passing = Hunspell_create("a.aff", "b.dic"); /* perhaps in the same place */
    spell(passing, "alpha", NOT_KEPT);
    spell(passing, "gamma", NOT_KEPT);
    Hunspell_destroy(passing);
}
