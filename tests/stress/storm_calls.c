// SPDX-License-Identifier: MIT
/*
 * The calls of the storm: of each function of the counting library that it uses, with small and
 * large arguments and results, and of one that is left in the middle: by an exception, by longjmp,
 * by longjmp from a signal handler, by the end of its thread. Every result is held against what the
 * function's definition says. Nothing here takes memory or a lock, exceptions apart.
 */
#include "counted.h"
#include "storm.h"
#include "storm_throw.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SQUARES      300
#define NAMES        120
#define MAX_LENGTH   400
#define MAX_FILL     20000
#define MAX_DIGEST   8000
#define HOOKED_KEYS  200
#define CALLS_TO_END 500 /* of a thread that waits to be ended */

/* ThreadSanitizer runs handlers later: in a forked child, even that of a signal just raised. */
#ifdef __SANITIZE_THREAD__
#define HANDLERS_RUN_AT_ONCE false
#else
#define HANDLERS_RUN_AT_ONCE true
#endif

enum leave {
    STAY,
    THROW,
    JUMP,
    JUMP_FROM_HANDLER,
    END,
    WAYS_TO_LEAVE
};

/* What the next real call of counted_hooked by this thread does. */
static __thread struct {
    enum leave how;
    sigjmp_buf where;
    uint64_t state;
} leaving;

static void call_square(long x)
{
    storm_expect(counted_square(x) == x * x, "a square");
    storm_note(STORM_square, STORM_RETURNED);
}

static void call_name(int id)
{
    char wanted[32];
    const char *name;

    snprintf(wanted, sizeof(wanted), "name-%d-", id);
    name = counted_name(id);
    storm_expect(strncmp(name, wanted, strlen(wanted)) == 0 &&
                     strlen(name) == strlen(wanted) + (size_t)(id % 1500),
                 "a name");
    storm_note(STORM_name, STORM_RETURNED);
}

static void call_length(unsigned length)
{
    char text[MAX_LENGTH + 1];

    memset(text, 'x', length);
    text[length] = '\0';
    storm_expect(counted_length(text) == (long)length, "a length");
    storm_note(STORM_length, STORM_RETURNED);
}

static void call_check(unsigned which)
{
    struct counted_room room;
    char setting[32];
    bool is_right = which % 3 != 0;

    snprintf(setting, sizeof(setting), "setting-%u", which);
    memset(&room, 0, sizeof(room));
    storm_expect(counted_check(is_right ? "open" : "shut", setting, &room) == room.output &&
                     strcmp(room.output, is_right ? setting : "*") == 0,
                 "a check");
    storm_note(STORM_check, STORM_RETURNED);
}

static void call_divide(int dividend, int divisor)
{
    int quotient = -1, remainder = -1, result;

    errno = 0;
    result = counted_divide(dividend, divisor, &quotient, &remainder);
    storm_expect(divisor == 0 ? result == -1 && errno == EDOM && quotient == -1 && remainder == -1
                              : result == 0 && errno == 0 && quotient == dividend / divisor &&
                                    remainder == dividend % divisor,
                 "a division");
    storm_note(STORM_divide, STORM_RETURNED);
}

static void call_fill(int seed, size_t n)
{
    unsigned char bytes[MAX_FILL + 1];
    bool is_right = true;

    bytes[n] = 0x5a;
    counted_fill(seed, bytes, n);
    for (size_t i = 0; i < n; i++) {
        is_right &= bytes[i] == (unsigned char)(seed * 31 + (int)i);
    }
    storm_expect(is_right && bytes[n] == 0x5a, "a filling");
    storm_note(STORM_fill, STORM_RETURNED);
}

static void call_digest(unsigned seed, size_t n)
{
    unsigned char bytes[MAX_DIGEST];
    uint32_t digest = 2166136261u;

    for (size_t i = 0; i < n; i++) {
        bytes[i] = (unsigned char)(seed + i / 7);
        digest = (digest ^ bytes[i]) * 16777619u;
    }
    storm_expect(counted_digest(bytes, n) == digest, "a digest");
    storm_note(STORM_digest, STORM_RETURNED);
}

/* ---- counted_hooked, which may not return ---------------------------------------------------- */

static void jump_back(int number)
{
    siglongjmp(leaving.where, 1);
}

/* Runs inside the real function. */
static void leave_or_stay(long key)
{
    switch (leaving.how) {
    case THROW:
        storm_throw(key);
        break;
    case JUMP:
        siglongjmp(leaving.where, 1);
    case JUMP_FROM_HANDLER:
        if (HANDLERS_RUN_AT_ONCE) {
            raise(SIGUSR2);
        }
        break;
    case END:
        if (storm_draw(&leaving.state, 50) == 0) {
            pthread_exit(NULL);
        }
        counted_leaves_frames();
        usleep(storm_draw(&leaving.state, 200));
        break;
    default:
        sched_yield();
        call_square((long)storm_draw(&leaving.state, SQUARES));
        break;
    }
}

/* Returns how the call ended; a result is checked. */
static enum storm_end call_hooked(long key, enum leave how)
{
    long result;

    leaving.how = how;
    if (how == THROW) {
        int caught = storm_catch(counted_hooked, key, &result);

        storm_expect(caught >= 0, "an exception");
        if (caught != 0) {
            return STORM_THROWN;
        }
    } else {
        result = counted_hooked(key);
    }
    storm_expect(result == 3 * key, "a hooked call");
    return STORM_RETURNED;
}

static void call_and_leave(uint64_t *state, bool may_throw)
{
    long key = (long)storm_draw(state, HOOKED_KEYS);
    enum leave how = (enum leave)storm_draw(state, END);
    enum storm_end end = STORM_JUMPED;

    leaving.state = *state;
    if (how == THROW && (!may_throw || storm_catch == NULL)) {
        how = STAY;
    }
    if (how != JUMP && how != JUMP_FROM_HANDLER) {
        end = call_hooked(key, how);
    } else if (sigsetjmp(leaving.where, 1) == 0) {
        end = call_hooked(key, how);
    }
    leaving.how = STAY;
    storm_note(STORM_hooked, end);
}

static void note_end(void *unused)
{
    storm_note(STORM_hooked, STORM_ENDED);
}

/*
 * The hook runs only where the real function does, and before long every key of the others is
 * remembered: every second call here is with a key that nobody has had.
 */
static long draw_key_to_end(uint64_t *state)
{
    static _Atomic long n_fresh;

    return storm_draw(state, 2) == 0 ? (long)storm_draw(state, HOOKED_KEYS)
                                     : HOOKED_KEYS + atomic_fetch_add(&n_fresh, 1);
}

void *storm_be_ended(void *argument)
{
    uint64_t state = *(const uint64_t *)argument;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    leaving.state = state;
    for (int i = 0; i < CALLS_TO_END; i++) {
        long key = draw_key_to_end(&state);

        pthread_cleanup_push(note_end, NULL);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        call_hooked(key, END);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_cleanup_pop(0);
        storm_note(STORM_hooked, STORM_RETURNED);
    }
    return NULL;
}

/* ---- what to call ---------------------------------------------------------------------------- */

void storm_call_something(uint64_t *state, bool may_throw)
{
    switch (storm_draw(state, 9)) {
    case 0:
    case 1:
        call_square((long)storm_draw(state, SQUARES));
        break;
    case 2:
        call_name((int)storm_draw(state, NAMES));
        break;
    case 3:
        call_length(storm_draw(state, MAX_LENGTH + 1));
        break;
    case 4:
        call_check(storm_draw(state, 40));
        break;
    case 5:
        call_divide((int)storm_draw(state, 30), (int)storm_draw(state, 5));
        break;
    case 6:
        call_fill((int)storm_draw(state, 20), storm_draw(state, 20) * (MAX_FILL / 20));
        break;
    case 7:
        call_digest(storm_draw(state, 20), storm_draw(state, 20) * (MAX_DIGEST / 20));
        break;
    default:
        call_and_leave(state, may_throw);
        break;
    }
}

void storm_call_from_handler(void)
{
    static _Atomic unsigned n_calls;
    unsigned n = atomic_fetch_add(&n_calls, 1);
    int saved_errno = errno;

    if (n % 3 == 0) {
        call_divide((int)(n % 30), (int)(n % 5));
    } else {
        call_square((long)(n % SQUARES));
    }
    errno = saved_errno;
}

void storm_calls_init(void)
{
    struct sigaction action = {.sa_handler = jump_back};

    sigaction(SIGUSR2, &action, NULL);
    counted_hook = leave_or_stay;
}
