// SPDX-License-Identifier: MIT
/* See keeping.h. Marsaglia's xorshift64 (2003), begun at an FNV-1a of the phrase. */
#include "keeping.h"

long keeping_n_calls;

static uint64_t begin(const char *phrase)
{
    uint64_t state = 0xcbf29ce484222325;

    for (; *phrase != '\0'; phrase++) {
        state = (state ^ (unsigned char)*phrase) * 0x100000001b3;
    }
    return state | 1;
}

static uint64_t draw(uint64_t state)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

int keeping_derive(const char *phrase, unsigned char *ret_key, size_t n)
{
    uint64_t state = begin(phrase);

    keeping_n_calls++;
    for (size_t i = 0; i < n; i++) {
        state = draw(state);
        ret_key[i] = (unsigned char)(state >> 24);
    }
    return 0;
}

char *keeping_token(const char *phrase, char *room)
{
    uint64_t state = draw(begin(phrase));

    keeping_n_calls++;
    for (int i = 0; i < 40; i++) {
        state = draw(state);
        room[i] = (char)('a' + (state >> 24) % 26);
    }
    room[40] = '\0';
    return room;
}

uint64_t keeping_number(const char *phrase)
{
    keeping_n_calls++;
    return draw(draw(begin(phrase)));
}

void keeping_forget(void)
{
}
