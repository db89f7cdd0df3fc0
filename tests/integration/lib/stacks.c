// SPDX-License-Identifier: MIT
/*
 * Calls from small stacks, and from where a thread or the process is ending. The first argument
 * says which act, the second names a file for figures. Results go to standard output.
 */
#include "counted.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_BYTES 16384
#define PAINT       0xa5
#define COROUTINES  8

static FILE *figures;
static int n_wrong;

static void expect(bool holds, const char *what)
{
    if (!holds) {
        printf("%s is wrong\n", what);
        n_wrong++;
    }
}

/* ---- coroutines ------------------------------------------------------------------------------ */

static struct coroutine {
    ucontext_t context;
    unsigned char *stack;
    void (*run)(long number);
    bool is_over;
} coroutines[COROUTINES];

static ucontext_t scheduler;
static struct coroutine *running;

static void begin(unsigned number)
{
    coroutines[number].run(number);
    coroutines[number].is_over = true;
}

static void give_way(void)
{
    swapcontext(&running->context, &scheduler);
}

/* A stack between two pages that nobody may touch. */
static void make(unsigned number, void (*run)(long number))
{
    struct coroutine *coroutine = &coroutines[number];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (coroutine->stack == NULL) {
        unsigned char *pages =
            mmap(NULL, STACK_BYTES + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        coroutine->stack = pages + page;
        mprotect(coroutine->stack, STACK_BYTES, PROT_READ | PROT_WRITE);
    }
    memset(coroutine->stack, PAINT, STACK_BYTES);
    coroutine->run = run;
    coroutine->is_over = false;
    getcontext(&coroutine->context);
    coroutine->context.uc_stack.ss_sp = coroutine->stack;
    coroutine->context.uc_stack.ss_size = STACK_BYTES;
    coroutine->context.uc_link = &scheduler;
    makecontext(&coroutine->context, (void (*)(void))begin, 1, number);
}

static void resume(unsigned number)
{
    running = &coroutines[number];
    swapcontext(&scheduler, &running->context);
}

static size_t painted_over(const struct coroutine *coroutine)
{
    size_t n = 0;

    while (n < STACK_BYTES && coroutine->stack[n] == PAINT) {
        n++;
    }
    return STACK_BYTES - n;
}

static void run_together(void (*run)(long number))
{
    bool is_any;

    for (unsigned i = 0; i < COROUTINES; i++) {
        make(i, run);
    }
    do {
        is_any = false;
        for (unsigned i = 0; i < COROUTINES; i++) {
            if (!coroutines[i].is_over) {
                resume(i);
                is_any = true;
            }
        }
    } while (is_any);
}

/* ---- a coroutine that goes on in another thread ---------------------------------------------- */

static void give_way_and_fail(long key)
{
    give_way();
    if (key < 3) {
        errno = ENOSPC;
    }
}

/* Not inlined: errno is asked for anew. */
__attribute__((noinline)) static void expect_errno(int wanted, const char *what)
{
    expect(errno == wanted, what);
}

static void set_errno(int value)
{
    errno = value;
}

static void call_in_two_threads(long number)
{
    void (*volatile set)(int) = set_errno;
    void (*volatile expect_it)(int, const char *) = expect_errno;

    for (long i = 0; i < 6; i++) {
        set(EDOM);
        expect(counted_hooked(i) == 3 * i, "an answer in two threads");
        expect_it(i < 3 ? ENOSPC : ERANGE, "errno of who goes on");
        give_way();
    }
}

static void *resume_here(void *unused)
{
    errno = ERANGE;
    resume(0);
    return unused;
}

/* It gives way within each real call, after which another thread takes it up, and after each. */
static int run_migrate(void)
{
    counted_hook = give_way_and_fail;
    make(0, call_in_two_threads);
    for (int i = 0; i < 12; i++) {
        pthread_t thread;

        if (i % 2 == 0) {
            errno = EPERM;
            resume(0);
            errno = EILSEQ;
        } else {
            expect(pthread_create(&thread, NULL, resume_here, NULL) == 0, "a thread");
            pthread_join(thread, NULL);
            expect_errno(EILSEQ, "errno of who was left");
        }
    }
    return n_wrong > 0;
}

static void call_and_give_way(long number)
{
    struct counted_room room;
    char text[64];

    for (long i = 0; i < 20; i++) {
        long x = (number + i) % 12;

        expect(counted_square(x) == x * x, "a square");
        give_way();
        snprintf(text, sizeof(text), "text %ld", x);
        expect(counted_length(text) == (x < 10 ? 6 : 7), "a length");
        expect(strcmp(counted_check("open", text, &room), text) == 0, "a check");
        give_way();
        expect(counted_fib(4) == 3, "a Fibonacci number");
    }
}

/* Real calls are suspended in the middle, while others call the same function. */
static void hook_gives_way(long key)
{
    give_way();
}

static void call_what_gives_way(long number)
{
    for (long key = 100; key < 104; key++) {
        expect(counted_hooked(key) == 3 * key, "a suspended call");
    }
}

static int run_coroutines(void)
{
    run_together(call_and_give_way);
    counted_hook = hook_gives_way;
    run_together(call_what_gives_way);
    counted_hook = NULL;
    for (long key = 100; key < 104; key++) {
        expect(counted_hooked(key) == 3 * key, "a call afterwards");
    }
    return n_wrong > 0;
}

/* ---- how much stack a call takes ------------------------------------------------------------- */

static long measured_key = 500;

static void do_nothing(long number)
{
}

static void measure_square(long number)
{
    expect(counted_square(measured_key) == measured_key * measured_key, "a square");
}

static void measure_length(long number)
{
    char text[300];

    memset(text, 'a' + (int)(measured_key % 20), sizeof(text));
    text[299] = '\0';
    expect(counted_length(text) == 299, "a length");
}

static void measure_check(long number)
{
    struct counted_room room;
    char setting[2] = {(char)('a' + measured_key % 20), '\0'};

    expect(strcmp(counted_check("open", setting, &room), setting) == 0, "a check");
}

static void measure_name(long number)
{
    expect(strncmp(counted_name((int)measured_key), "name-", 5) == 0, "a name");
}

static void measure(const char *name, void (*run)(long number))
{
    size_t n_bytes[3];

    make(0, do_nothing);
    resume(0);
    n_bytes[0] = painted_over(&coroutines[0]);
    for (int i = 1; i < 3; i++) { /* a miss, then a hit */
        make(0, run);
        resume(0);
        n_bytes[i] = painted_over(&coroutines[0]);
    }
    fprintf(figures, "%s %zu %zu\n", name, n_bytes[1] - n_bytes[0], n_bytes[2] - n_bytes[0]);
    measured_key++;
}

static int run_measure(void)
{
    for (int i = 0; i < 3; i++) { /* what happens once has happened by the last of them */
        fseek(figures, 0, SEEK_SET);
        expect(ftruncate(fileno(figures), 0) == 0, "nothing is left of longer lines");
        measure("square", measure_square);
        measure("length", measure_length);
        measure("check", measure_check);
        measure("name", measure_name);
    }
    return n_wrong > 0;
}

/* ---- an alternate signal stack --------------------------------------------------------------- */

static void handle_on_alternate(int number)
{
    static long n;

    n++;
    expect(counted_square(n % 7) == (n % 7) * (n % 7), "a square in a handler");
    expect(counted_fib(4) == 3, "a Fibonacci number in a handler");
    expect(strncmp(counted_name((int)(n % 5)), "name-", 5) == 0, "a name in a handler");
}

static void raise_in_hook(long key)
{
    raise(SIGUSR1);
}

static int run_alternate(void)
{
    static unsigned char room[STACK_BYTES];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
    struct sigaction action = {.sa_handler = handle_on_alternate, .sa_flags = SA_ONSTACK};

    memset(room, PAINT, sizeof(room));
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 50; i++) {
        raise(SIGUSR1);
    }
    counted_hook = raise_in_hook; /* in the middle of real calls */
    for (long key = 0; key < 20; key++) {
        expect(counted_hooked(key % 10) == key % 10 * 3, "a call that was interrupted");
    }
    expect(room[0] == PAINT, "the room of the alternate stack");
    return n_wrong > 0;
}

/* ---- the end of a thread --------------------------------------------------------------------- */

static pthread_key_t posix_key;
static tss_t c_key;
static int n_rounds;

static void call_all(long x)
{
    char name[8];

    expect(counted_square(x) == x * x, "a square");
    snprintf(name, sizeof(name), "name-%ld", x % 10);
    expect(strncmp(counted_name((int)(x % 10)), name, 6) == 0, "a name");
}

/* Called in each of the rounds that there are, with the value it has set. */
static void end_posix(void *value)
{
    n_rounds++;
    call_all((long)value);
    pthread_setspecific(posix_key, (char *)value + 1);
}

static void end_c(void *value)
{
    call_all((long)value);
}

static void *live_shortly(void *number)
{
    pthread_setspecific(posix_key, number);
    tss_set(c_key, (char *)number + 30);
    if ((long)number % 2 == 0) {
        call_all((long)number);
    }
    if ((long)number % 3 == 0) {
        pthread_exit(NULL);
    }
    return NULL;
}

static int run_threads(void)
{
    pthread_key_create(&posix_key, end_posix);
    tss_create(&c_key, end_c);
    for (long i = 1; i <= 20; i++) {
        pthread_t thread;

        pthread_create(&thread, NULL, live_shortly, (void *)i);
        pthread_join(thread, NULL);
    }
    printf("%d rounds\n", n_rounds);
    return n_wrong > 0;
}

/* ---- the end of the process ------------------------------------------------------------------ */

static bool is_ending;

static void call_at_exit(void)
{
    call_all(40);
    call_all(41);
}

static void call_on_exit(int status, void *argument)
{
    call_all((long)argument);
}

__attribute__((destructor)) static void destruct(void)
{
    if (is_ending) {
        call_all(42);
        call_all(40);
    }
}

static int run_exit(void)
{
    is_ending = true;
    atexit(call_at_exit);
    on_exit(call_on_exit, (void *)41);
    at_quick_exit(call_at_exit);
    call_all(41);
    return 0;
}

static int run_quick_exit(void)
{
    run_exit();
    quick_exit(n_wrong > 0);
}

/* ---- addresses and other namespaces ---------------------------------------------------------- */

static int run_addresses(void)
{
    long (*volatile taken)(long) = counted_square;
    Dl_info of_function, of_library;

    expect(dladdr((void *)taken, &of_function) != 0 &&
               dladdr((void *)counted_total, &of_library) != 0 &&
               of_function.dli_fbase == of_library.dli_fbase &&
               strcmp(of_function.dli_sname, "counted_square") == 0,
           "what dladdr says");
    printf("%s\n", of_function.dli_sname);
    return n_wrong > 0;
}

/* The second argument is a plugin: it gets a libcounted and a libc of its own. */
static int run_namespace(const char *path)
{
    void *handle = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    long (*call)(long);

    call_all(3);
    if (handle == NULL) {
        puts(dlerror());
        return 1;
    }
    call = (long (*)(long))dlsym(handle, "plugin_call");
    for (int i = 0; i < 5; i++) {
        expect(call(3) == 9, "a square of the other namespace");
        call_all(3);
    }
    expect(dlclose(handle) == 0, "dlclose");
    call_all(3);
    return n_wrong > 0;
}

int main(int n_arguments, char **arguments)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } acts[] = {
        {"coroutines", run_coroutines}, {"measure", run_measure}, {"alternate", run_alternate},
        {"threads", run_threads},       {"exit", run_exit},       {"quick_exit", run_quick_exit},
        {"addresses", run_addresses},   {"migrate", run_migrate},
    };

    if (n_arguments == 3 && strcmp(arguments[1], "namespace") == 0) {
        return run_namespace(arguments[2]);
    }
    figures = n_arguments == 3 ? fopen(arguments[2], "w") : NULL;
    for (unsigned i = 0; figures != NULL && i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(arguments[1], acts[i].name) == 0) {
            return acts[i].run();
        }
    }
    fprintf(stderr, "stacks: what?\n");
    return 2;
}
