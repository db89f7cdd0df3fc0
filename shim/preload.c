// SPDX-License-Identifier: MIT
/*
 * The composition root of libmemoshim.so, and the owner of its only global object.
 *
 *     constructor   environment ─► configuration ─► plans ─► thunks ─► slots ─► sealed
 *     running       thunks lead to call/; report.c writes statistics
 *     end           one last dump. Nothing is torn down: other threads may still be in a thunk.
 *
 * Rules of living in somebody else's process: no stdio, no locale, no malloc, no exit; errno is the
 * program's; in any doubt the real function runs. With -z initfirst the constructor runs before
 * every other one, when libc's environ is still empty: the environment is its argument.
 */
#include "process.h"

#include "base/clock.h"
#include "base/environment.h"
#include "base/foreign_libc.h"
#include "base/fork_page.h"
#include "base/guard.h"
#include "base/log.h"
#include "entry/entry.h"
#include "marshal/marshal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARENA_LIMIT_BYTES    ((size_t)64 * 1024 * 1024)
#define DIAGNOSTICS_MAX_TEXT ((size_t)64 * 1024)
#define STRICT_EXIT_STATUS   78 /* EX_CONFIG of sysexits.h */

struct process process = {.dump_lock = LOCK_INITIALIZER(LOCK_RANK_STATS)};

static char executable[PATH_MAX]; /* the path of the program's file; written by the constructor */

void *entry_early_dl(bool versioned)
{
    return interpose_early_dl(versioned ? "dlvsym" : "dlsym");
}

/* ---- start ----------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* A key for MACs and a seed for hashes, from the kernel. The key gets a page of its own. */
static int make_keys(void)
{
    size_t n_bytes = pages_size();
    struct hash_mac_key *key = pages_map(n_bytes);
    int error;

    if (key == NULL) {
        return -ENOMEM;
    }
    pages_protect_secret(key, n_bytes);
    error = random_bytes(key, sizeof(*key));
    if (error == 0) {
        error = random_bytes(&process.seed, sizeof(process.seed));
    }
    if (error == 0) {
        error = interpose_seal(key, n_bytes);
    }
    process.mac_key = key;
    return error;
}

static void print_diagnostics(const struct diagnostic_list *diagnostics)
{
    char *text = arena_alloc(&process.arena, DIAGNOSTICS_MAX_TEXT);

    if (text != NULL) {
        size_t n_bytes = diagnostics_print(diagnostics, text, DIAGNOSTICS_MAX_TEXT);

        log_write_raw(text, n_bytes < DIAGNOSTICS_MAX_TEXT ? n_bytes : strlen(text));
    }
}

const char *start_problem(int error)
{
    return error == -ELIBACC   ? "the program has a malloc of its own that must wait for main"
           : error == -ELIBBAD ? "the program's C library is not the GNU one"
                               : strerrordesc_np(-error);
}

/*
 * The parser is loaded for it, which asks the program's allocator for memory. Some take their
 * settings from the environment when they are asked first, and never again: so libc has its environ
 * for the time, as it will have it in a moment.
 */
static int load_configuration(const struct config_source *source, char **environment,
                              struct diagnostic_list *reterr)
{
    struct config_memory memory = {arena_alloc_callback, &process.arena};
    char **environ_before = environ;
    int result;

    if (environ == NULL) {
        environ = environment;
    }
    interpose_start_runtime();
    result =
        config_load(source->file, source->text, source->n_bytes, memory, &process.model, reterr);
    environ = environ_before;
    return result;
}

/*
 * 1: there is a configuration for this program; 0: none; -EINVAL: one with errors; -ELIBACC and
 * -ELIBBAD: it cannot be read, nor anything else be done in this program.
 */
static int find_configuration(struct config_surroundings surroundings, char **environment,
                              struct diagnostic_list *diagnostics)
{
    struct config_overrides overrides;
    int variables_error;
    struct config_memory memory = {arena_alloc_callback, &process.arena};
    const char *started_as = surroundings.started_as;
    struct config_source source;
    long n_read =
        syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", executable, sizeof(executable) - 1);
    int found;

    if (n_read <= 0) { /* no /proc here */
        const char *started = (const char *)getauxval(AT_EXECFN);

        strncpy(executable, started != NULL ? started : "", sizeof(executable) - 1);
    }
    surroundings.executable = executable;
    found = config_find(&surroundings, memory, &source, diagnostics);
    if (found == 0) {
        return 0;
    }
    if (!libc_is_gnu()) {
        return -ELIBBAD;
    }
    if (interpose_allocator_must_wait()) {
        return -ELIBACC;
    }
    /* The variables in any case: they say whether a bad configuration ends the program. */
    variables_error = settings_read(environment, &overrides, &process.settings, diagnostics);
    if (found < 0 || load_configuration(&source, environment, diagnostics) != 0 ||
        variables_error != 0) {
        return -EINVAL;
    }
    settings_complete(&process.settings, &overrides, &process.model.stats);
    /* A program that was executed and is in the list is named well enough. */
    if (process.model.children == CONFIG_CHILDREN_LISTED && children_is_one(environment)) {
        return config_applies_to_child(&process.model, surroundings.executable, started_as);
    }
    return config_applies_to(&process.model, surroundings.executable, started_as);
}

/* A copy that stays; the original when there is no memory. */
static const char *keep_text(const char *text)
{
    const char *copy = text == NULL ? NULL : arena_copy_text(&process.arena, text, strlen(text));

    return copy == NULL ? text : copy;
}

static void let_go(struct call_plan *plan)
{
    hooks_let_go(plan, "a hit that was verified differed from the real call");
}

/* is_checked: nothing is left behind. */
static int start(const char *started_as, bool is_checked)
{
    struct call_hooks hooks = {.new_child = report_new_child,
                               .miss = later_look_on_miss,
                               .let_go = let_go,
                               .rest = hooks_rest,
                               .pays = hooks_note_pays,
                               .try_again = hooks_try_again};
    int error;

    /* Copies: a program may write over its arguments and environment to set its title. */
    process.program = keep_text(base_name(started_as));
    process.executable = keep_text(executable);
    process.pid = (pid_t)syscall(SYS_getpid);
    process.started_ns = clock_precise_ns();
    settings_keep_target(&process.settings, &process.arena);
    if (process.model.n_functions == 0) {
        return 0;
    }
    if (process.settings.has_target && !is_checked) {
        error = stats_target_check(&process.settings.target, process.program, process.pid);
        if (error != 0) {
            log_line(LOG_LEVEL_ERROR, "cannot write statistics to %s: %s",
                     process.settings.target.path, stats_target_problem(error));
            process.settings.has_target = false;
        }
    }
    interpose_find_loader_lock();
    error = make_keys();
    if (error == 0) {
        error = fork_page_init();
    }
    if (error == 0) {
        error = marshal_init();
    }
    if (process.settings.is_valgrind) {
        marshal_read_nothing_ahead();
    }
    if (error != 0) {
        return error;
    }
    if (process.settings.has_target && process.settings.interval_ns != 0) {
        hooks.tick = report_tick;
    }
    call_init(&hooks);
    error = entry_self_test(&process.arena);
    if (error == -EPROTO) {
        log_line(LOG_LEVEL_ERROR, "calls do not come through memoshim unchanged on this machine");
    }
    if (error != 0) {
        return error;
    }
    error = hooks_start();
    if (is_checked) {
        return error;
    }
    report_start();
    if (error == 0) {
        later_start();
    }
    return error;
}

static void log_start(char *const *environment)
{
    const char *name = environment_get(environment, "MEMOSHIM_LOG");
    enum log_level level = LOG_LEVEL_ERROR;
    bool is_known = name == NULL || *name == '\0' || log_level_from_name(name, &level);

    log_init(level);
    if (!is_known) {
        log_line(LOG_LEVEL_ERROR,
                 "MEMOSHIM_LOG=%s is none of error, warn, info, debug; error is used", name);
    }
}

static enum check_outcome fail_to_start(int error, int *ret_error)
{
    log_line(LOG_LEVEL_ERROR, "cannot start, so nothing is memoized: %s", start_problem(error));
    *ret_error = error;
    return CHECK_FAILED;
}

/* Everything, in a program that is not set-uid. *ret_error is of CHECK_FAILED. */
static enum check_outcome run_start(const char *started_as, char **environment, bool is_checked,
                                    int *ret_error)
{
    const struct config_surroundings surroundings = {
        .memoshim_config = environment_get(environment, "MEMOSHIM_CONFIG"),
        .xdg_config_home = environment_get(environment, "XDG_CONFIG_HOME"),
        .home = environment_get(environment, "HOME"),
        .started_as = started_as,
    };
    struct diagnostic_list *diagnostics;
    int found = 0;

    log_start(environment);
    if (!config_may_be_found(&surroundings)) {
        return CHECK_NO_CONFIGURATION;
    }
    clock_use_vdso((clock_gettime_fn)(uintptr_t)interpose_vdso_function("__vdso_clock_gettime"));
    arena_init(&process.arena, ARENA_LIMIT_BYTES);
    diagnostics = pages_map(sizeof(*diagnostics));
    if (diagnostics != NULL) {
        diagnostics_init(diagnostics, (struct config_memory){arena_alloc_callback, &process.arena});
        found = find_configuration(surroundings, environment, diagnostics);
        if (found == 1 || found == -EINVAL) {
            debugger_note_unloaded(started_as, environment);
        }
        if (found == -EINVAL) {
            print_diagnostics(diagnostics);
            if (process.settings.is_strict && !is_checked) {
                _exit(STRICT_EXIT_STATUS);
            }
            log_line(LOG_LEVEL_ERROR, "%s runs without memoization", base_name(started_as));
        }
        pages_unmap(diagnostics, sizeof(*diagnostics));
    }
    if (found <= 0) {
        arena_fini(&process.arena);
        return found == 0         ? CHECK_NO_CONFIGURATION
               : found == -EINVAL ? CHECK_BAD_CONFIGURATION
                                  : fail_to_start(found, ret_error);
    }
    if (!is_checked) {
        children_prepare(environment);
    }
    *ret_error = start(started_as, is_checked);
    return *ret_error != 0 ? fail_to_start(*ret_error, ret_error) : CHECK_STARTED;
}

/*
 * Whatever happens here, the program starts; only MEMOSHIM_STRICT may end it, and the command that
 * started it to be checked. Runs with the guard set, so that nothing of ours can enter a thunk
 * half-way through.
 */
__attribute__((constructor)) static void memoshim_construct(int n_arguments, char **arguments,
                                                            char **environment)
{
    struct entry_dl dl = {.answer = later_answer_dlsym, .notice = fixed_bindings_notice};
    bool is_secure = getauxval(AT_SECURE) != 0;
    bool is_checked;
    enum check_outcome outcome = CHECK_FAILED;
    const char *started_as;
    int saved_errno = errno;
    int error;

    guard_enter();
    if (!libc_is_gnu()) { /* which gives constructors no arguments */
        n_arguments = 0;
        environment = environ;
    }
    interpose_bind_own_calls();
    is_checked = !is_secure && check_is_wanted(environment);
    error = interpose_init();
    dl.real_dlsym = interpose_real_dlsym();
    dl.real_dlvsym = interpose_real_dlvsym();
    dl.real_dladdr = interpose_real_dladdr();
    dl.real_dladdr1 = interpose_real_dladdr1();
    entry_init(&dl);
    if ((error == 0 || !libc_is_gnu()) && !is_secure) {
        started_as = n_arguments > 0 && arguments[0] != NULL ? arguments[0]
                                                             : (const char *)getauxval(AT_EXECFN);
        outcome = run_start(started_as, environment, is_checked, &error);
    }
    if (is_checked) {
        check_answer(outcome, error);
    }
    guard_leave();
    errno = saved_errno;
}
