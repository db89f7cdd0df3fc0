// SPDX-License-Identifier: MIT
/*
 * Libraries that export one name: libtwin_a and libtwin_b (loaded at start, a before b) and two
 * plugins. Each gives x + its own number, by its own definition and by a call of the name.
 */
#ifndef TESTS_INTERPOSE_TWIN_H
#define TESTS_INTERPOSE_TWIN_H

enum {
    TWIN_A = 1000,
    TWIN_B = 2000,
    TWIN_PLUGIN_A = 3000,
    TWIN_PLUGIN_B = 4000
};

int twin(int x);
int twin_a_call(int x);
int twin_b_call(int x);
int plugin_call(int x);

/* Of the two, only libtwin_b has it; a plugin has one, too. */
int twin_only_b(int x);

#endif
