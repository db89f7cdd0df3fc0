// SPDX-License-Identifier: MIT
/*
 * config from inside: what a text is read as. The model of a loaded configuration, counts evaluated
 * against hand-computed values, and running out of memory at every single allocation.
 */
#include "config_load.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

/*
 * A program with its own functions of these names: the parser must neither use nor be used by them.
 * (Exported; meson.build links this test with -rdynamic.)
 */
void cJSON_InitHooks(void *hooks);
void *cJSON_ParseWithLength(const char *text, size_t n_bytes);
void *cJSON_New_Item(void *hooks);

void cJSON_InitHooks(void *hooks)
{
    abort();
}

void *cJSON_ParseWithLength(const char *text, size_t n_bytes)
{
    abort();
}

void *cJSON_New_Item(void *hooks)
{
    abort();
}

/* ---- the model ------------------------------------------------------------------------------- */

static void test_defaults_are_those_of_the_specification(void **state)
{
    const struct config_function *f;

    LOAD_ENTRY("\"j0\":{}");
    assert_int_equal(model.n_programs, 0);
    assert_int_equal(model.n_functions, 1);
    f = &model.functions[0];
    assert_string_equal(f->symbol, "j0");
    assert_null(f->version);
    assert_null(f->library);
    assert_true(f->from_preset);
    assert_int_equal(f->line, 1);
    assert_int_equal(f->column, 27);
    assert_int_equal(f->mode, CONFIG_MODE_MEMOIZE);
    assert_int_equal(f->policy, CONFIG_POLICY_LRU);
    assert_int_equal(f->max_entries, 4096);
    assert_int_equal(f->max_bytes, 64 << 20);
    assert_int_equal(f->ttl_ns, 0);
    assert_int_equal(f->shards, 0);
    assert_true(f->single_flight);
    assert_int_equal(f->single_flight_timeout_ns, 0);
    assert_true(f->guard);
    assert_true(f->captures_errno);
    assert_false(f->has_secret);
    assert_null(model.stats.file);
    assert_false(model.stats.has_format);
    test_memory_free(&memory);
}

static void test_nearer_policy_keys_win(void **state)
{
    load_good("{\"version\":1,\"defaults\":{\"ttl\":5,\"max_entries\":7,\"guard\":false,"
              "\"library\":\"libm.so.6\"},\"functions\":{\"pow@GLIBC_2.29\":{\"ttl\":\"250ms\"},"
              "\"sin\":{\"guard\":true,\"mode\":\"off\",\"errno\":false}}}");
    assert_int_equal(model.n_functions, 2);
    assert_string_equal(model.functions[0].named, "pow@GLIBC_2.29");
    assert_string_equal(model.functions[0].symbol, "pow");
    assert_string_equal(model.functions[0].version, "GLIBC_2.29");
    assert_string_equal(model.functions[0].library, "libm.so.6");
    assert_int_equal(model.functions[0].ttl_ns, 250000000);
    assert_int_equal(model.functions[0].max_entries, 7);
    assert_false(model.functions[0].guard);
    assert_true(model.functions[0].captures_errno);
    assert_int_equal(model.functions[1].ttl_ns, 5000000000);
    assert_true(model.functions[1].guard);
    assert_int_equal(model.functions[1].mode, CONFIG_MODE_OFF);
    assert_false(model.functions[1].captures_errno);
    test_memory_free(&memory);
}

static void test_preset_of_crypt_r(void **state)
{
    const struct config_function *f;
    const struct condition_comparison *c;

    LOAD_ENTRY("\"crypt_r\":{\"ttl\":\"60s\"}");
    f = &model.functions[0];
    assert_true(f->has_secret);
    assert_int_equal(f->prototype.n_parameters, 3);
    assert_string_equal(f->prototype.parameters[2].type->text, "struct crypt_data *");
    assert_int_equal(f->parameters[0].kind, DESCRIBE_STRING);
    assert_true(f->parameters[0].is_secret && f->parameters[0].is_in);
    assert_false(f->parameters[1].is_secret);
    assert_int_equal(f->parameters[2].kind, DESCRIBE_SCRATCH);
    assert_false(f->parameters[2].is_in || f->parameters[2].is_out);
    assert_int_equal(f->result.kind, DESCRIBE_OUT_STRING);
    assert_int_equal(f->result.lifetime.kind, LIFETIME_INTO);
    assert_int_equal(f->result.lifetime.parameter, 2);
    assert_int_equal(f->store_if.n_comparisons, 1);
    c = f->store_if.comparisons;
    assert_int_equal(c->left.kind, OPERAND_RETURN);
    assert_int_equal(c->op, CONDITION_EQ);
    assert_int_equal(c->right.kind, OPERAND_PARAMETER);
    assert_int_equal(c->right.parameter, 1);
    assert_true(c->by_content);
    test_memory_free(&memory);
}

static void test_keys_of_an_entry_replace_those_of_the_preset(void **state)
{
    const struct config_function *f;

    LOAD_ENTRY("\"crypt\":{\"args\":{\"phrase\":\"string\",\"setting\":\"string\"},"
               "\"store_if\":\"return != NULL\"}");
    f = &model.functions[0];
    assert_true(f->from_preset);
    assert_false(f->has_secret);
    assert_int_equal(f->result.lifetime.kind, LIFETIME_STATIC);
    assert_int_equal(f->store_if.comparisons[0].right.kind, OPERAND_NULL);
    assert_false(f->store_if.comparisons[0].by_content);
    test_memory_free(&memory);

    LOAD_ENTRY("\"j0\":{\"prototype\":\"double j0(double)\"}");
    assert_false(model.functions[0].from_preset);
    assert_false(model.functions[0].captures_errno);
    assert_string_equal(model.functions[0].prototype.parameters[0].name, "arg1");
    test_memory_free(&memory);
}

static void test_every_preset_loads(void **state)
{
    struct config_preset found;

    for (uint32_t i = 0; i < config_n_presets; i++) {
        const struct config_preset preset = config_preset_at(i);
        char text[256];

        if (i > 0) {
            assert_true(strcmp(config_preset_at(i - 1).name, preset.name) < 0);
        }
        assert_true(config_preset_find(preset.name, &found));
        assert_ptr_equal(found.name, preset.name);
        snprintf(text, sizeof(text), "{\"version\":1,\"functions\":{\"%s\":{%s}}}", preset.name,
                 preset.needs_ttl ? "\"ttl\":1" : "");
        load_good(text);
        assert_string_equal(model.functions[0].prototype.name, preset.name);
        test_memory_free(&memory);
        for (const char *alias = preset.aliases; alias != NULL && *alias != '\0';
             alias += strlen(alias) + 1) {
            assert_true(config_preset_find(alias, &found));
        }
    }
    assert_false(config_preset_find("lgamm", &found));
    assert_false(config_preset_find("", &found));
}

static void test_statistics(void **state)
{
    load_good(
        "{\"version\":1,\"functions\":{},\"stats\":{\"file\":\"/run/%n.%p\",\"format\":\"json\","
        "\"signal\":\"RTMIN+5\",\"interval\":\"1.5m\"}}");
    assert_string_equal(model.stats.file, "/run/%n.%p");
    assert_true(model.stats.has_format);
    assert_int_equal(model.stats.format, STATS_FORMAT_JSON);
    assert_int_equal(model.stats.signal, SIGRTMIN + 5);
    assert_int_equal(model.stats.interval_ns, UINT64_C(90000000000));
    test_memory_free(&memory);
}

static void test_programs_by_basename_and_path(void **state)
{
    load_good("{\"version\":1,\"programs\":[\"nginx\",\"/opt/x/run\"],\"functions\":{}}");
    assert_true(config_applies_to(&model, "/usr/sbin/nginx", "nginx"));
    assert_true(config_applies_to(&model, "/usr/bin/other", "/tmp/nginx"));
    assert_true(config_applies_to(&model, "/opt/x/run", NULL));
    assert_false(config_applies_to(&model, "/opt/y/run", "run"));
    assert_false(config_applies_to(&model, "/usr/sbin/nginx2", "xnginx"));
    assert_false(config_applies_to(&model, NULL, NULL));
    test_memory_free(&memory);
    LOAD_ENTRY("");
    assert_true(config_applies_to(&model, NULL, NULL));
    test_memory_free(&memory);
}

static void test_conditions(void **state)
{
    const struct condition_comparison *c;

    LOAD_ENTRY(
        "\"f\":{\"prototype\":\"long f(const char *s, int *v, double x)\","
        "\"args\":{\"s\":\"string\",\"v\":{\"out\":\"int\",\"count\":2}},"
        "\"store_if\":[\"return==-9223372036854775808\",\"*v<=0x1f\",\"s!='a b'\",\"x>-inf\","
        "\"x!=1e-3\",\"return < ERANGE\",\"x == nan\"]}");
    c = model.functions[0].store_if.comparisons;
    assert_int_equal(model.functions[0].store_if.n_comparisons, 7);
    assert_true(c[0].right.kind == OPERAND_INTEGER && c[0].right.integer == INT64_MIN);
    assert_true(c[1].left.kind == OPERAND_PARAMETER && c[1].left.parameter == 1);
    assert_int_equal(c[1].left.n_hops, 1);
    assert_true(c[1].op == CONDITION_LE && c[1].right.integer == 31);
    assert_true(c[2].op == CONDITION_NE && c[2].by_content);
    assert_string_equal(c[2].right.string, "a b");
    assert_true(c[3].right.kind == OPERAND_NUMBER && c[3].right.number == -HUGE_VAL);
    assert_true(c[4].right.kind == OPERAND_NUMBER && c[4].right.number == 1e-3);
    assert_true(c[5].op == CONDITION_LT && c[5].right.integer == ERANGE);
    assert_true(isnan(c[6].right.number));
    test_memory_free(&memory);
}

/* Two addresses that nobody calls text are compared as addresses. */
static void test_addresses_are_not_compared_by_content(void **state)
{
    LOAD_ENTRY("\"f\":{\"prototype\":\"void *f(void *p, char *q)\",\"args\":{\"p\":\"address\","
               "\"q\":\"scratch\"},\"returns\":\"address\",\"store_if\":[\"return==p\",\"q!=p\"]}");
    assert_false(model.functions[0].store_if.comparisons[0].by_content);
    assert_false(model.functions[0].store_if.comparisons[1].by_content);
    test_memory_free(&memory);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static int64_t evaluate(const struct config_count *count, int64_t n, int64_t m, int64_t pointee,
                        int64_t result)
{
    int64_t stack[CONFIG_COUNT_MAX_STEPS];
    int top = 0;

    for (uint32_t i = 0; i < count->n_steps; i++) {
        const struct count_step *step = &count->steps[i];

        switch (step->kind) {
        case COUNT_NUMBER:
            stack[top++] = step->number;
            break;
        case COUNT_PARAMETER:
            stack[top++] = step->parameter == 1 ? n : m;
            break;
        case COUNT_POINTEE:
            assert_int_equal(step->parameter, 3);
            stack[top++] = pointee;
            break;
        case COUNT_RETURN:
            stack[top++] = result;
            break;
        case COUNT_ADD:
            top--;
            stack[top - 1] += stack[top];
            break;
        case COUNT_SUBTRACT:
            top--;
            stack[top - 1] -= stack[top];
            break;
        case COUNT_MULTIPLY:
            top--;
            stack[top - 1] *= stack[top];
            break;
        default:
            fail();
        }
    }
    assert_int_equal(top, 1);
    return stack[0];
}

static void test_counts(void **state)
{
    static const struct {
        const char *text;
        int64_t value; /* with n 5, m 7, *p 11, return 13 */
    } cases[] = {
        {"n", 5},
        {"*p", 11},
        {"return", 13},
        {"n * 4", 20},
        {"return+1", 14},
        {"n + m * 2", 19},
        {"(n + m) * 2", 24},
        {"n*m+*p", 46},
        {"m - n - 1", 1},
        {"m - (n - 1)", 3},
        {"*p**p", 121},
        {"2 * * p", 22},
        {"n * m * 2 - return", 57},
        {"n+n+n+n+n+n+n+n", 40},
        {"9223372036854775807", INT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text),
                 "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"int f(char *b, int n, "
                 "size_t m, long *p)\",\"args\":{\"p\":{\"inout\":\"long\"},\"b\":{\"out\":"
                 "\"bytes\",\"count\":\"%s\"}}}}}",
                 cases[i].text);
        load_good(text);
        assert_int_equal(evaluate(&model.functions[0].parameters[0].count, 5, 7, 11, 13),
                         cases[i].value);
        test_memory_free(&memory);
    }
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_no_memory_at_any_allocation(void **state)
{
    static const char text[] =
        "{\"version\":1,\"programs\":[\"a\"],\"functions\":{\"crypt_r\":{},\"f\":{\"prototype\":"
        "\"int f(const char *s, int n, char *b)\",\"args\":{\"s\":\"string\",\"b\":{\"out\":"
        "\"bytes\",\"count\":\"n*2\"}},\"store_if\":\"return>=0\"}}}";
    unsigned long budget = 0;
    int result;

    /* Held, so that each of some hundred rounds does not load the library anew. */
    const char *reason;

    assert_int_equal(parser_acquire(&reason), 0);
    do {
        struct config_memory source = test_memory_init(&memory);

        memory.budget = budget++;
        diagnostics_init(&list, source);
        result = config_load("t", text, strlen(text), source, &model, &list);
        if (result != 0) {
            assert_int_equal(result, -ENOMEM);
            assert_true(list.n_items >= 1);
        }
        test_memory_free(&memory);
    } while (result != 0);
    assert_true(budget > 50);
    parser_release();
}

static void test_text_need_not_end_in_nul(void **state)
{
    static const char text[] = "{\"version\":1,\"functions\":{}}";

    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        char *exact = malloc(n + 1); /* a sanitizer sees what is read behind n bytes */
        struct config_memory source = test_memory_init(&memory);

        exact = realloc(exact, n > 0 ? n : 1);
        memcpy(exact, text, n);
        diagnostics_init(&list, source);
        assert_int_equal(config_load("t", exact, n, source, &model, &list), -EINVAL);
        assert_int_equal(list.n_items, 1);
        free(exact);
        test_memory_free(&memory);
    }
}

static void test_more_diagnostics_than_are_kept(void **state)
{
    char text[8192] = "{\"version\":1,\"functions\":{";
    char output[64 * 1024], cut[10];
    size_t needed;

    for (int i = 0; i < 150; i++) {
        char entry[32];

        snprintf(entry, sizeof(entry), "%s\n\"f%d\":{}", i > 0 ? "," : "", i);
        strcat(text, entry);
    }
    strcat(text, "}}");
    assert_int_equal(load_text(text), -EINVAL);
    assert_int_equal(list.n_items, DIAGNOSTICS_MAX);
    assert_int_equal(list.n_suppressed, 50);
    needed = diagnostics_print(&list, output, sizeof(output));
    assert_int_equal(needed, strlen(output));
    assert_non_null(strstr(output, "test.json: error: 50 more errors are not shown\n"));
    assert_int_equal(diagnostics_print(&list, cut, sizeof(cut)), needed);
    assert_string_equal(cut, "test.json");
    assert_int_equal(diagnostics_print(&list, NULL, 0), needed);
    test_memory_free(&memory);
}

static void test_texts_beyond_the_bounds(void **state)
{
    size_t n_bytes = CONFIG_TEXT_MAX_BYTES + 1;
    char *text = malloc(n_bytes);
    struct config_memory source = test_memory_init(&memory);

    memset(text, ' ', n_bytes);
    diagnostics_init(&list, source);
    assert_int_equal(config_load("t", text, n_bytes, source, &model, &list), -EINVAL);
    assert_string_equal(list.items[0].text, "larger than 1 MiB");
    test_memory_free(&memory);

    source = test_memory_init(&memory);
    text[0] = '[';
    for (size_t i = 1; i < n_bytes - 1; i += 2) {
        memcpy(text + i, "0,", 2);
    }
    diagnostics_init(&list, source);
    assert_int_equal(config_load("t", text, n_bytes - 1, source, &model, &list), -EINVAL);
    assert_string_equal(list.items[0].text, "more than 65536 keys and values");
    test_memory_free(&memory);
    free(text);
}

static void test_messages_do_not_drive_the_terminal(void **state)
{
    assert_int_equal(load_text("{\"version\":1,\"functions\":{},\"\\u001b[31m\\n\":1}"), -EINVAL);
    assert_string_equal(list.items[0].text, "unknown key '\\x1b[31m\\x0a' at the top of the file");
    test_memory_free(&memory);
}

/* ---- without the parser ---------------------------------------------------------------------- */

/* In a process of its own: says how a load ended, by its exit status. */
static int load_without_parser(void)
{
    int result = load_text("{\"version\":1,\"functions\":{}}");

    return result == -ENOENT && list.n_items == 1 && list.items[0].hint != NULL &&
                   strcmp(list.items[0].hint, "install the package libcjson1") == 0
               ? 0
               : 1;
}

/* A file that is no library stands where the loader looks first. */
static void test_missing_parser_names_the_package(void **state)
{
    char folder[] = "/tmp/test_config_XXXXXX", path[64], variable[64];
    char self[] = "/proc/self/exe", flag[] = "--without-parser";
    char *arguments[] = {self, flag, NULL}, *environment[] = {variable, NULL};
    int status;
    pid_t pid;

    NEED_NATIVE(); /* executes itself */
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/libcjson.so.1", folder);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    snprintf(variable, sizeof(variable), "LD_LIBRARY_PATH=%s", folder);
    pid = fork();
    if (pid == 0) {
        execve(self, arguments, environment);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    unlink(path);
    rmdir(folder);
}

int main(int n_arguments, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_the_specification),
        cmocka_unit_test(test_nearer_policy_keys_win),
        cmocka_unit_test(test_preset_of_crypt_r),
        cmocka_unit_test(test_keys_of_an_entry_replace_those_of_the_preset),
        cmocka_unit_test(test_every_preset_loads),
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_programs_by_basename_and_path),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_addresses_are_not_compared_by_content),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_no_memory_at_any_allocation),
        cmocka_unit_test(test_text_need_not_end_in_nul),
        cmocka_unit_test(test_more_diagnostics_than_are_kept),
        cmocka_unit_test(test_texts_beyond_the_bounds),
        cmocka_unit_test(test_messages_do_not_drive_the_terminal),
        cmocka_unit_test(test_missing_parser_names_the_package),
    };

    if (n_arguments == 2 && strcmp(arguments[1], "--without-parser") == 0) {
        return load_without_parser();
    }
    return cmocka_run_group_tests_name("config_language", tests, NULL, NULL);
}
