// SPDX-License-Identifier: MIT
/*
 * Has secrets made by keeping.h, wipes them, and looks for them in all of its memory that it can
 * read, which is where a preloaded object would have left them. What it looks for it keeps masked,
 * so that it does not find itself. Prints what was found, the number of real calls, and the secrets
 * as masked hexadecimal numbers, and ends when its standard input does: until then others may look.
 *
 *     secrets             as said
 *     secrets careless    leaves one of them behind
 *     secrets forget      calls keeping_forget before it looks
 */
#include "keeping.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MASK      0x5a
#define N_ROUNDS  3
#define N_KEY     48
#define MAX_BYTES 64

static const char *const names[] = {"phrase", "key", "token", "number"};
enum what {
    PHRASE,
    KEY,
    TOKEN,
    NUMBER,
    N_WHAT
};

static struct {
    unsigned char masked[MAX_BYTES];
    size_t n_bytes;
} secrets[N_ROUNDS][N_WHAT];

static void *careless;

/* Keeps the secret masked; of one that is kept already, whether this is the same. */
static bool keep(int round, enum what what, const void *bytes, size_t n_bytes)
{
    const unsigned char *from = bytes;
    bool is_known = secrets[round][what].n_bytes != 0, is_same = true;

    secrets[round][what].n_bytes = n_bytes;
    for (size_t i = 0; i < n_bytes; i++) {
        if (is_known) {
            is_same &= secrets[round][what].masked[i] == (from[i] ^ MASK);
        }
        secrets[round][what].masked[i] = from[i] ^ MASK;
    }
    return is_same;
}

/* All that is done with secrets, which are gone when this returns. */
__attribute__((noinline)) static bool use(int round, bool is_careless)
{
    static char phrase[40], room[MAX_BYTES];
    static unsigned char key[N_KEY];
    static volatile uint64_t state = 88172645463325252;
    uint64_t number;
    bool is_same;

    state = 88172645463325252 + (uint64_t)round;
    for (size_t i = 0; i < sizeof(phrase) - 1; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        phrase[i] = (char)('A' + (state >> 20) % 26);
    }
    is_same = keep(round, PHRASE, phrase, sizeof(phrase) - 1);
    is_same &= keeping_derive(phrase, key, sizeof(key)) == 0;
    is_same &= keep(round, KEY, key, sizeof(key));
    is_same &= keep(round, TOKEN, keeping_token(phrase, room), 40);
    number = keeping_number(phrase);
    is_same &= keep(round, NUMBER, &number, sizeof(number));
    if (is_careless) {
        careless = malloc(sizeof(key));
        memcpy(careless, key, sizeof(key));
    }
    explicit_bzero(phrase, sizeof(phrase));
    explicit_bzero(room, sizeof(room));
    explicit_bzero(key, sizeof(key));
    explicit_bzero(&number, sizeof(number));
    return is_same;
}

/* No libc: its functions may copy. */
static bool is_at(const unsigned char *at, const unsigned char *masked, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        if ((at[i] ^ MASK) != masked[i]) {
            return false;
        }
    }
    return true;
}

/* The stack holds the registers of whoever ran, and a number fits in one. */
static void look_at(const unsigned char *begin, const unsigned char *end, const char *line)
{
    bool is_stack = strstr(line, "[stack]") != NULL;

    for (int round = 0; round < N_ROUNDS; round++) {
        for (int what = 0; what < (is_stack ? NUMBER : N_WHAT); what++) {
            const unsigned char *masked = secrets[round][what].masked;
            size_t n_bytes = secrets[round][what].n_bytes;

            for (const unsigned char *at = begin; at + n_bytes <= end; at++) {
                if (is_at(at, masked, n_bytes)) {
                    printf("%s %d is found in %s", names[what], round, line);
                    break;
                }
            }
        }
    }
}

static void look_everywhere(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned long begin, end;
    char mode[5];

    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, mode) == 3 && mode[0] == 'r' &&
            strstr(line, "[v") == NULL) {
            look_at((const unsigned char *)begin, (const unsigned char *)end, line);
        }
    }
    if (maps != NULL) {
        fclose(maps);
    }
}

int main(int n_arguments, char **arguments)
{
    const char *mode = n_arguments > 1 ? arguments[1] : "";
    bool is_same = true;
    char byte;

    for (int i = 0; i < 2; i++) {
        for (int round = 0; round < N_ROUNDS; round++) {
            is_same &= use(round, strcmp(mode, "careless") == 0);
        }
    }
    if (strcmp(mode, "forget") == 0) {
        keeping_forget();
    }
    puts(is_same ? "the same" : "not the same");
    look_everywhere();
    printf("%ld real calls\n", keeping_n_calls);
    for (int round = 0; round < N_ROUNDS; round++) {
        for (int what = 0; what < N_WHAT; what++) {
            printf("secret ");
            for (size_t i = 0; i < secrets[round][what].n_bytes; i++) {
                printf("%02x", secrets[round][what].masked[i]);
            }
            putchar('\n');
        }
    }
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) == 1) {
    }
    free(careless);
    return 0;
}
