// SPDX-License-Identifier: MIT
/* Buffers that are short, long, compressible and not; rooms that are large enough and too small. */
#include "exercise.h"

#include <zlib.h>

#define LONGEST 5000
#define ROOM    8192

static unsigned char source[LONGEST];
static const unsigned char texts[][64] = {"", "a", "abc", "the same, the same, the same, the same"};

static void pack(const unsigned char *bytes, unsigned long n_bytes, unsigned long n_room)
{
    unsigned char room[ROOM], back[ROOM];
    unsigned long n_packed = n_room, n_back = ROOM - n_room % 1000;
    int result;

    spoil(room, sizeof(room));
    CALL(compress, result == Z_OK, result = compress(room, &n_packed, bytes, n_bytes));
    show_number(result);
    if (result != Z_OK) {
        return;
    }
    show_number((long long)n_packed);
    show_bytes(room, sizeof(room));
    spoil(back, sizeof(back));
    CALL(uncompress, KEPT, result = uncompress(back, &n_back, room, n_packed));
    show_number(result);
    show_number((long long)n_back);
    show_bytes(back, sizeof(back));
    show_number(memcmp(back, bytes, n_bytes));
    if (n_room == ROOM) {
        n_back = n_bytes / 2;
        CALL(uncompress, result == Z_OK, result = uncompress(back, &n_back, room, n_packed));
        show_number(result);
    }
    for (int level = 1; level < 10; level += 3) {
        n_packed = n_room;
        spoil(room, sizeof(room));
        CALL(compress2, result == Z_OK, result = compress2(room, &n_packed, bytes, n_bytes, level));
        show_number(result);
        show_number((long long)n_packed);
        show_bytes(room, result == Z_OK ? sizeof(room) : 0);
    }
}

static void sum(const unsigned char *bytes, unsigned n_bytes)
{
    unsigned long result;

    for (unsigned long start = 0; start < 3; start++) {
        CALL(crc32, KEPT, result = crc32(start, bytes, n_bytes));
        SHOW(result);
        CALL(adler32, KEPT, result = adler32(start, bytes, n_bytes));
        SHOW(result);
    }
}

static void exercise(void)
{
    unsigned long seed = 1;

    for (size_t i = 0; i < sizeof(source); i++) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        source[i] = (unsigned char)(seed >> 56);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        unsigned long n_bytes = strlen((const char *)texts[i]);

        pack(texts[i], n_bytes, ROOM);
        pack(texts[i], n_bytes, 40);
        pack(texts[i], n_bytes, 5);
        sum(texts[i], (unsigned)n_bytes);
    }
    pack(source, sizeof(source), ROOM);
    sum(source, sizeof(source));
    sum(NULL, 0);
}
