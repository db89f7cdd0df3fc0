// SPDX-License-Identifier: MIT
/*
 * The answer to `memoshim check -- PROGRAM`. That command starts the program with the shim
 * preloaded and a pipe; the constructor does all it does at any start, and then, instead of letting
 * the program begin, writes what came of it to the pipe and ends the process. So what the command
 * says is what the same code found in the same process.
 *
 * The request is the variable MEMOSHIM_CHECK=PID:FD:INODE. It counts only in the very process that
 * the command made, with its pipe still at that descriptor: a variable that was left over somewhere
 * ends nobody's program. The answer is lines of fields between tabs, the first of which says what
 * the line is; cli/findings.c reads them. Control characters and % are written as %XX.
 */
#include "process.h"

#include "base/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VARIABLE      "MEMOSHIM_CHECK"
#define ALIASES_MAX   16
#define NAMESAKES_MAX 16

static struct {
    int fd;
    size_t n_used;
    bool is_broken; /* the command is gone: nothing more is written */
    char room[4096];
} answer = {.fd = -1};

/* ---- the request ----------------------------------------------------------------------------- */

/* A decimal number and the mark behind it. False, and nothing changed, if text does not begin so.
 */
static bool read_number(const char **text, char mark, uint64_t *ret_number)
{
    const char *at = *text;
    uint64_t number = 0;

    for (; *at >= '0' && *at <= '9' && number < UINT64_MAX / 16; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    if (at == *text || *at != mark) {
        return false;
    }
    *text = mark != '\0' ? at + 1 : at;
    *ret_number = number;
    return true;
}

bool check_is_wanted(char *const *environment)
{
    const char *text = environment_get(environment, VARIABLE);
    uint64_t pid, fd, inode;
    struct stat status;
    int saved_errno = errno;
    bool is_ours;

    if (text == NULL || !read_number(&text, ':', &pid) || !read_number(&text, ':', &fd) ||
        !read_number(&text, '\0', &inode) || fd > INT32_MAX) {
        return false;
    }
    /* System calls: another preload's wrappers are not ready yet. */
    is_ours = pid == (uint64_t)syscall(SYS_getpid) && syscall(SYS_fstat, (int)fd, &status) == 0 &&
              S_ISFIFO(status.st_mode) && status.st_ino == inode &&
              (syscall(SYS_fcntl, (int)fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
    errno = saved_errno;
    if (is_ours) {
        answer.fd = (int)fd;
    }
    return is_ours;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void flush_answer(void)
{
    size_t n_written = 0;

    while (n_written < answer.n_used && !answer.is_broken) {
        long n = syscall(SYS_write, answer.fd, answer.room + n_written, answer.n_used - n_written);

        if (n > 0) {
            n_written += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            answer.is_broken = true;
        }
    }
    answer.n_used = 0;
}

static void put(char byte)
{
    if (answer.n_used == sizeof(answer.room)) {
        flush_answer();
    }
    answer.room[answer.n_used++] = byte;
}

static void put_text(const char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < ' ' || byte == 0x7f || byte == '%') {
            put('%');
            put(digits[byte / 16]);
            put(digits[byte % 16]);
        } else {
            put(*text);
        }
    }
}

/* A line of texts, of which a NULL is an empty one. */
static void put_line(const char *keyword, size_t n_texts, const char *const *texts)
{
    put_text(keyword);
    for (size_t i = 0; i < n_texts; i++) {
        put('\t');
        put_text(texts[i] != NULL ? texts[i] : "");
    }
    put('\n');
}

#define PUT_LINE(keyword, ...)                                                           \
    put_line(keyword, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), \
             (const char *const[]){__VA_ARGS__})

struct digits {
    char text[24];
};

static const char *to_text(struct digits *room, uint64_t number)
{
    char *at = room->text + sizeof(room->text) - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return at;
}

#define NUMBER(number) to_text(&(struct digits){{0}}, number)

/* ---- what there is to say -------------------------------------------------------------------- */

static const char *role_word(enum interpose_role role)
{
    static const char *const words[] = {
        [INTERPOSE_ORDINARY] = "ordinary",
        [INTERPOSE_OWN] = "memoshim",
        [INTERPOSE_LOADER] = "loader",
        [INTERPOSE_VDSO] = "vdso",
    };

    return words[role];
}

/* The loader has no name for the executable. */
static const char *path_of(const char *path)
{
    return path[0] != '\0' ? path : process.executable;
}

static void say_objects(void)
{
    struct interpose_object object;

    for (size_t i = 0; interpose_object_at(i, &object); i++) {
        PUT_LINE("object", role_word(object.role), object.library, path_of(object.path));
    }
}

static bool is_name_of(const struct hook *hook, const char *name)
{
    for (uint32_t i = 0; i < hook->n_bindings; i++) {
        if (strcmp(hook->bindings[i].symbol, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The names that are hooked, where they are not just the one that the configuration gives. */
static void say_names(const struct hook *hook)
{
    bool is_plain =
        hook->n_bindings == 1 && strcmp(hook->bindings[0].symbol, hook->function->symbol) == 0;

    for (uint32_t i = 0; i < hook->n_bindings && !is_plain; i++) {
        const struct interpose_binding *binding = &hook->bindings[i];

        PUT_LINE(
            "name", binding->symbol,
            NUMBER((uint64_t)binding->n_jump_slots + binding->n_got_slots + binding->n_pointers));
    }
}

static void say_bindings(const struct hook *hook)
{
    const struct interpose_binding *binding = hook->bindings;
    static struct interpose_alias aliases[ALIASES_MAX];
    const struct interpose_importer *importer = NULL;
    struct interpose_traits traits = interpose_describe(binding);
    size_t n_aliases = interpose_find_aliases(binding, aliases, ALIASES_MAX);

    PUT_LINE("traits", traits.is_default ? "default" : "", traits.is_ifunc ? "ifunc" : "",
             traits.is_protected ? "protected" : "", traits.is_symbolic ? "symbolic" : "");
    PUT_LINE("slots", NUMBER(hooks_count_slots(hook)));
    say_names(hook);
    if (hooks_unexported(hook) != NULL) {
        PUT_LINE("unexported", hooks_unexported(hook));
    }
    while ((importer = hooks_next_importer(hook, importer)) != NULL) {
        const struct interpose_share *share = &importer->share;

        PUT_LINE("importer", importer->library, path_of(importer->path), NUMBER(share->slots.jump),
                 NUMBER(share->slots.got), NUMBER(share->slots.pointers), NUMBER(share->copied),
                 NUMBER(share->unaligned), NUMBER(share->sealed));
    }
    for (size_t i = 0; i < n_aliases && i < ALIASES_MAX; i++) {
        if (!is_name_of(hook, aliases[i].name)) {
            PUT_LINE("alias", aliases[i].name, NUMBER(aliases[i].n_slots));
        }
    }
}

static void say_namesakes(const char *symbol)
{
    static struct interpose_namesake namesakes[NAMESAKES_MAX];
    size_t n = interpose_find_namesakes(symbol, namesakes, NAMESAKES_MAX);

    for (size_t i = 0; i < n && i < NAMESAKES_MAX; i++) {
        const struct interpose_namesake *namesake = &namesakes[i];

        PUT_LINE("namesake", role_word(namesake->role), namesake->is_hidden ? "hidden" : "",
                 namesake->is_function ? "" : "data", namesake->library, path_of(namesake->path),
                 namesake->version);
    }
}

static void say_hook(const struct hook *hook)
{
    bool is_hooked = atomic_load(&hook->plan) != NULL;
    const char *problem = hooks_problem(hook);
    bool is_pending = hooks_is_pending(hook);
    const char *state = hook->is_off     ? "off"
                        : hook->is_spare ? "spare"
                        : is_hooked      ? "hooked"
                        : is_pending     ? "pending"
                                         : "refused";

    PUT_LINE("hook", hook->function->named, atomic_load(&hook->name), state);
    if (problem != NULL) {
        PUT_LINE("problem", problem);
    }
    if (is_hooked) {
        PUT_LINE("definition", hook->library, hook->path, hook->version);
        say_bindings(hook);
    } else if (is_pending) {
        for (uint32_t i = 0; i <= hook->function->n_aliases; i++) {
            say_namesakes(definition_name(hook->function, i));
        }
    }
}

void check_answer(enum check_outcome outcome, int error)
{
    static const char *const words[] = {
        [CHECK_NO_CONFIGURATION] = "none",
        [CHECK_BAD_CONFIGURATION] = "bad",
        [CHECK_FAILED] = "failed",
        [CHECK_STARTED] = "started",
    };

    PUT_LINE("memoshim-check", "1");
    PUT_LINE("outcome", words[outcome], error != 0 ? start_problem(error) : NULL);
    if (interpose_is_late()) {
        PUT_LINE("late", NULL);
    }
    say_objects();
    if (outcome == CHECK_STARTED) {
        for (uint32_t i = 0; i < process.n_hooks; i++) {
            say_hook(&process.hooks[i]);
        }
    }
    PUT_LINE("end", NULL);
    flush_answer();
    syscall(SYS_exit_group, 0);
}
