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
#include "base/fork_page.h"
#include "base/guard.h"
#include "base/log.h"
#include "entry/entry.h"
#include "marshal/marshal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARENA_LIMIT_BYTES    ((size_t)64 * 1024 * 1024)
#define DIAGNOSTICS_MAX_TEXT ((size_t)64 * 1024)
#define STRICT_EXIT_STATUS   78 /* EX_CONFIG of sysexits.h */
#define MAX_DEFINITIONS      16 /* of one symbol: versions and libraries */

struct process process = {.dump_lock = LOCK_INITIALIZER(LOCK_RANK_STATS)};

/* ---- hooking --------------------------------------------------------------------------------- */

/* Functions whose call may end the process image without running exit handlers. */
static const char *const announced[] = {"_exit",  "_Exit",   "execve",  "execv",
                                        "execvp", "execvpe", "execl",   "execlp",
                                        "execle", "fexecve", "execveat"};

#define N_ANNOUNCED (sizeof(announced) / sizeof(announced[0]))

static void refuse(const struct config_function *function, const char *reason)
{
    struct hook *hook = &process.hooks[process.n_hooks++];

    *hook = (struct hook){.function = function, .name = function->named, .problem = reason};
    log_line(LOG_LEVEL_WARN, "%s is not memoized: %s", function->named, reason);
}

static bool is_hooked_already(const void *original, const char *symbol)
{
    for (size_t i = 0; i < process.n_bindings; i++) {
        if (process.bindings[i].original == original &&
            strcmp(process.bindings[i].symbol, symbol) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the next binding for slots of symbol that hold original. */
static struct interpose_binding *bind(const char *symbol, void *original, void *replacement)
{
    struct interpose_binding *binding = &process.bindings[process.n_bindings++];

    *binding = (struct interpose_binding){
        .symbol = symbol, .original = original, .replacement = replacement};
    return binding;
}

static void hook_definition(const struct config_function *function,
                            const struct interpose_definition *definition)
{
    const char *library = definition->library[0] != '\0' ? definition->library : process.program;
    struct call_plan_options options = {
        .function = function,
        .shown_as = function->named,
        .library = library,
        .original = definition->address,
        .seed = process.seed,
        .mac_key = process.mac_key,
    };
    const char *reason = "there is no memory for its cache";
    struct hook *hook;
    struct call_plan *plan;
    int entry;

    if (is_hooked_already(definition->address, function->symbol)) {
        refuse(function, "another entry names the same function");
        return;
    }
    if (call_plan_create(&options, &process.arena, &plan, &reason) != 0) {
        refuse(function, reason);
        return;
    }
    entry = entry_open(call_plan_abi(plan), definition->address, call_handle, plan);
    if (entry < 0) {
        refuse(function, entry == -ENOSPC ? "too many functions are named"
                                          : "libffi cannot carry its prototype");
        return;
    }
    hook = &process.hooks[process.n_hooks++];
    *hook = (struct hook){
        .function = function,
        .name = function->named,
        .version = definition->version,
        .library = library,
        .plan = plan,
        .entry = entry,
        .binding = bind(function->symbol, definition->address, entry_thunk(entry)),
    };
}

static void hook_function(const struct config_function *function)
{
    struct interpose_definition definitions[MAX_DEFINITIONS];
    const struct settings *settings = &process.settings;
    enum config_mode mode = settings->has_mode ? settings->mode : function->mode;
    const char *denied = interpose_denied(function->symbol);
    size_t n_found;

    if (mode == CONFIG_MODE_OFF) {
        struct hook *hook = &process.hooks[process.n_hooks++];

        *hook = (struct hook){.function = function, .name = function->named, .is_off = true};
        return;
    }
    if (denied != NULL) {
        refuse(function, denied);
        return;
    }
    n_found = interpose_find(function->symbol, function->version, function->library, definitions,
                             MAX_DEFINITIONS);
    if (n_found == 0) {
        refuse(function, "no object that is loaded at start defines it");
        return;
    }
    for (size_t i = 0; i < n_found && i < MAX_DEFINITIONS; i++) {
        hook_definition(function, &definitions[i]);
    }
}

static uint32_t n_slots(const struct interpose_binding *binding)
{
    return binding->n_jump_slots + binding->n_got_slots + binding->n_pointers;
}

/* "pow@GLIBC_2.29" and "f (libx.so)" where the name alone would say two things. */
static const char *distinct_name(const struct hook *hook)
{
    const char *detail = hook->version != NULL ? hook->version : hook->library;
    size_t n_symbol = strlen(hook->function->symbol), n_detail = strlen(detail);
    char *name = arena_alloc(&process.arena, n_symbol + n_detail + 4);

    if (name == NULL) {
        return hook->name;
    }
    memcpy(name, hook->function->symbol, n_symbol);
    if (hook->version != NULL) {
        name[n_symbol] = '@';
        memcpy(name + n_symbol + 1, detail, n_detail);
    } else {
        name[n_symbol] = ' ';
        name[n_symbol + 1] = '(';
        memcpy(name + n_symbol + 2, detail, n_detail);
        name[n_symbol + n_detail + 2] = ')';
    }
    return name;
}

/*
 * After patching: definitions that nobody imports are kept, since dlsym can reach them, but are
 * shown only when they are all there is, with that remark.
 */
static void settle_hooks(void)
{
    struct hook shown;

    for (size_t i = 0; i < process.n_hooks; i++) {
        struct hook *hook = &process.hooks[i];
        uint32_t n_used = 0, n_definitions = 0;

        if (hook->plan == NULL) {
            continue;
        }
        for (size_t k = 0; k < process.n_hooks; k++) {
            if (process.hooks[k].function == hook->function && process.hooks[k].plan != NULL) {
                n_definitions++;
                n_used += n_slots(process.hooks[k].binding) > 0;
            }
        }
        if (n_slots(hook->binding) == 0) {
            hook->problem = hook->binding->exported_as != 0
                                ? "no loaded object imports it yet"
                                : "no loaded object imports it; only dlsym reaches it";
            hook->is_spare = n_used > 0;
            if (!hook->is_spare) {
                log_line(LOG_LEVEL_WARN, "%s: %s", hook->name, hook->problem);
            }
        }
        if (hook->binding->n_refused > 0) {
            hook->problem = "some slots could not be redirected: those calls are not seen";
            log_line(LOG_LEVEL_WARN, "%s: %s", hook->name, hook->problem);
        }
        if (n_definitions > 1 && n_used != 1) {
            hook->name = distinct_name(hook);
        }
        entry_switch(hook->entry, true);
    }
    for (size_t i = 0; i < process.n_hooks; i++) {
        if (!process.hooks[i].is_spare) {
            shown = process.hooks[i];
            process.hooks[i] = process.hooks[process.n_shown];
            process.hooks[process.n_shown++] = shown;
        }
    }
}

static void hook_announced(void)
{
    for (size_t i = 0; process.settings.has_target && i < N_ANNOUNCED; i++) {
        struct interpose_definition definition;
        int notice;

        if (interpose_find(announced[i], NULL, NULL, &definition, 1) == 0) {
            continue;
        }
        notice = entry_open_notice(definition.address);
        if (notice >= 0) {
            bind(announced[i], definition.address, entry_notice_thunk(notice));
        }
    }
}

static void handle_notice(int notice)
{
    report_dump();
}

void *entry_early_dl(bool versioned)
{
    return interpose_early_dl(versioned ? "dlvsym" : "dlsym");
}

static int hook_everything(void)
{
    size_t n_functions = process.model.n_functions;
    void *pages;
    size_t n_bytes;
    int error;

    process.hooks =
        arena_alloc(&process.arena, n_functions * MAX_DEFINITIONS * sizeof(*process.hooks));
    process.bindings = arena_alloc(&process.arena, (n_functions * MAX_DEFINITIONS + N_ANNOUNCED) *
                                                       sizeof(*process.bindings));
    if (process.hooks == NULL || process.bindings == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_functions; i++) {
        hook_function(&process.model.functions[i]);
    }
    hook_announced();
    entry_sealable(&pages, &n_bytes);
    error = interpose_seal(pages, n_bytes);
    if (error != 0) {
        return error;
    }
    error = interpose_apply(process.bindings, process.n_bindings);
    if (interpose_export_problem() != NULL) {
        log_line(LOG_LEVEL_WARN, "calls by objects that are loaded later may not be seen: %s",
                 interpose_export_problem());
    }
    settle_hooks();
    return error;
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

/* 1: there is a configuration for this program; 0: none; -EINVAL: one with errors. */
static int find_configuration(const char *started_as, char *const *environment,
                              struct diagnostic_list *diagnostics)
{
    struct config_overrides overrides;
    int variables_error;
    static char executable[PATH_MAX]; /* the model keeps no pointer into it */
    struct config_memory memory = {arena_alloc_callback, &process.arena};
    struct config_surroundings surroundings = {
        .memoshim_config = environment_get(environment, "MEMOSHIM_CONFIG"),
        .xdg_config_home = environment_get(environment, "XDG_CONFIG_HOME"),
        .home = environment_get(environment, "HOME"),
        .started_as = started_as,
        .executable = executable,
    };
    struct config_source source;
    ssize_t n_read = readlink("/proc/self/exe", executable, sizeof(executable) - 1);
    int found;

    if (n_read <= 0) { /* no /proc here */
        surroundings.executable = (const char *)getauxval(AT_EXECFN);
    }
    found = config_find(&surroundings, memory, &source, diagnostics);
    if (found == 0) {
        return 0;
    }
    /* The variables in any case: they say whether a bad configuration ends the program. */
    variables_error = settings_read(environment, &overrides, &process.settings, diagnostics);
    if (found < 0 ||
        config_load(source.file, source.text, source.n_bytes, memory, &process.model,
                    diagnostics) != 0 ||
        variables_error != 0) {
        return -EINVAL;
    }
    settings_complete(&process.settings, &overrides, &process.model.stats);
    if (!config_applies_to(&process.model, surroundings.executable, started_as)) {
        return 0;
    }
    return 1;
}

/* A copy that stays; the original when there is no memory. */
static const char *keep_text(const char *text)
{
    const char *copy = text == NULL ? NULL : arena_copy_text(&process.arena, text, strlen(text));

    return copy == NULL ? text : copy;
}

static int start(const char *started_as)
{
    struct call_hooks hooks = {.new_child = report_new_child, .miss = later_look_on_miss};
    int error;

    /* Copies: a program may write over its arguments and environment to set its title. */
    process.program = keep_text(base_name(started_as));
    process.pid = (pid_t)syscall(SYS_getpid);
    process.started_ns = clock_precise_ns();
    settings_keep_target(&process.settings, &process.arena);
    if (process.model.n_functions == 0) {
        return 0;
    }
    if (process.settings.has_target) {
        error = stats_target_check(&process.settings.target, process.program, process.pid);
        if (error != 0) {
            log_line(LOG_LEVEL_ERROR, "cannot write statistics to %s: %s",
                     process.settings.target.path, strerrordesc_np(-error));
            process.settings.has_target = false;
        }
    }
    error = make_keys();
    if (error == 0) {
        error = fork_page_init();
    }
    if (error == 0) {
        error = marshal_init();
    }
    if (error != 0) {
        return error;
    }
    if (process.settings.has_target && process.settings.interval_ns != 0) {
        hooks.tick = report_tick;
    }
    call_init(&hooks);
    error = hook_everything();
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

/*
 * Whatever happens here, the program starts; only MEMOSHIM_STRICT may end it. Runs with the guard
 * set, so that nothing of ours can enter a thunk half-way through.
 */
__attribute__((constructor)) static void memoshim_construct(int n_arguments, char **arguments,
                                                            char **environment)
{
    struct entry_dl dl = {.answer = later_answer_dlsym, .notice = handle_notice};
    const char *started_as;
    int saved_errno = errno;
    int found, error;

    guard_enter();
    error = interpose_init();
    dl.real_dlsym = interpose_real_dlsym();
    dl.real_dlvsym = interpose_real_dlvsym();
    entry_init(&dl);
    if (error == 0 && getauxval(AT_SECURE) == 0) {
        struct diagnostic_list *diagnostics;

        started_as = n_arguments > 0 && arguments[0] != NULL ? arguments[0]
                                                             : (const char *)getauxval(AT_EXECFN);
        log_start(environment);
        clock_use_vdso(
            (clock_gettime_fn)(uintptr_t)interpose_vdso_function("__vdso_clock_gettime"));
        arena_init(&process.arena, ARENA_LIMIT_BYTES);
        diagnostics = pages_map(sizeof(*diagnostics));
        found = 0;
        if (diagnostics != NULL) {
            diagnostics_init(diagnostics,
                             (struct config_memory){arena_alloc_callback, &process.arena});
            found = find_configuration(started_as, environment, diagnostics);
            if (found < 0) {
                print_diagnostics(diagnostics);
                if (process.settings.is_strict) {
                    _exit(STRICT_EXIT_STATUS);
                }
                log_line(LOG_LEVEL_ERROR, "%s runs without memoization", base_name(started_as));
            }
            pages_unmap(diagnostics, sizeof(*diagnostics));
        }
        if (found > 0) {
            error = start(started_as);
            if (error != 0) {
                log_line(LOG_LEVEL_ERROR, "cannot start, so nothing is memoized: %s",
                         strerrordesc_np(-error));
            }
        } else {
            arena_fini(&process.arena);
        }
    }
    guard_leave();
    errno = saved_errno;
}
