// SPDX-License-Identifier: MIT
/* Types and prototypes, against the compiler's own idea of the same declaration. */
#include "config_load.h"

#include <sys/types.h>
#include <wchar.h>

static const struct ctype *parse_type(struct workspace *work, const char *text)
{
    struct source_text source = {text, {"t", 1, 1}, text, strlen(text)};

    return prototype_parse_type(work, &source);
}

/* Each type as the compiler sees it: the same words stand in the text and in the code. */
static void test_types_agree_with_the_compiler(void **state)
{
#define TYPE(type, kind)                          \
    {                                             \
#type, kind, sizeof(type), _Alignof(type) \
    }
#define INTEGER(type) TYPE(type, (type)-1 < (type)1 ? CTYPE_SIGNED : CTYPE_UNSIGNED)
    static const struct {
        const char *text;
        enum ctype_kind kind;
        size_t n_bytes, alignment;
    } cases[] = {
        INTEGER(char),
        INTEGER(signed char),
        INTEGER(unsigned char),
        INTEGER(char unsigned),
        INTEGER(short),
        INTEGER(short int),
        INTEGER(int short unsigned),
        INTEGER(int),
        INTEGER(signed),
        INTEGER(unsigned),
        INTEGER(unsigned int),
        INTEGER(long),
        INTEGER(long unsigned),
        INTEGER(long int unsigned),
        INTEGER(int long signed),
        INTEGER(long long),
        INTEGER(unsigned long long int),
        INTEGER(long unsigned int long),
        INTEGER(size_t),
        INTEGER(ssize_t),
        INTEGER(off_t),
        INTEGER(time_t),
        INTEGER(uid_t),
        INTEGER(pid_t),
        INTEGER(mode_t),
        INTEGER(int8_t),
        INTEGER(uint8_t),
        INTEGER(int16_t),
        INTEGER(uint64_t),
        INTEGER(intptr_t),
        INTEGER(wchar_t),
        INTEGER(wint_t),
        TYPE(_Bool, CTYPE_BOOL),
        TYPE(float, CTYPE_FLOAT),
        TYPE(double, CTYPE_DOUBLE),
        TYPE(long double, CTYPE_LONG_DOUBLE),
        TYPE(double long, CTYPE_LONG_DOUBLE),
        TYPE(float _Complex, CTYPE_COMPLEX_FLOAT),
        TYPE(_Complex double, CTYPE_COMPLEX_DOUBLE),
        TYPE(double _Complex long, CTYPE_COMPLEX_LONG_DOUBLE),
        TYPE(void *, CTYPE_POINTER),
        TYPE(const char *const *, CTYPE_POINTER),
        TYPE(int (*)(void), CTYPE_POINTER),
    };
    struct workspace work = {.memory = test_memory_init(&memory), .list = &list};

    diagnostics_init(&list, work.memory);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ctype *type = parse_type(&work, cases[i].text);

        if (type == NULL || type->kind != cases[i].kind || type->size_bytes != cases[i].n_bytes ||
            type->alignment_bytes != cases[i].alignment) {
            fail_msg("%s", cases[i].text);
        }
    }
    assert_int_equal(list.n_items, 0);
    test_memory_free(&memory);
}

static void test_prototypes_print_as_they_are_meant(void **state)
{
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"double j0(double x)", "double j0(double x)"},
        {"extern  int\tf ( void ) ;", "int f(void)"},
        {"char *f(char const*const s, int n)", "char *f(const char *const s, int n)"},
        {"int f(char b[.n], int n)", "int f(char *b, int n)"},
        {"int f(int v[static 3], char *a[restrict])", "int f(int *v, char **a)"},
        {"int f(int g(int, char))", "int f(int (*g)(int, char))"},
        {"int f(int (*)(const void *, const void *))",
         "int f(int (*arg1)(const void *, const void *))"},
        {"void (*signal(int sig, void (*h)(int)))(int)",
         "void (*signal(int sig, void (*h)(int)))(int)"},
        {"int (*(*f(void))(long))(char)", "int (*(*f(void))(long))(char)"},
        {"int f(int (**h)(void), int (*const k)(int, ...))",
         "int f(int (**h)(void), int (*const k)(int, ...))"},
        {"int f(struct a *p, union b const *q, enum c e)",
         "int f(struct a *p, const union b *q, enum c e)"},
        {"int ((f))(int (x))", "int f(int x)"},
        {"int f(const int v[], size_t, double)", "int f(const int *v, size_t arg2, double arg3)"},
        {"__attribute__((pure)) int f(int x __attribute__((unused))) __attribute__((nonnull(1)));",
         "int f(int x)"},
        {"int f(char *(*names[])(void))", "int f(char *(**names)(void))"},
    };
    struct workspace work = {.memory = test_memory_init(&memory), .list = &list};

    diagnostics_init(&list, work.memory);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct source_text source = {cases[i].text, {"t", 1, 1}, NULL, 0};
        struct prototype prototype;
        const uint32_t *offsets;

        if (!prototype_parse(&work, &source, &prototype, &offsets)) {
            fail_msg("%s: %s", cases[i].text, list.items[0].text);
        }
        assert_string_equal(prototype_print(&work, &prototype), cases[i].printed);
    }
    test_memory_free(&memory);
}

static void test_prototype_structure(void **state)
{
    const struct prototype *p;

    LOAD_ENTRY(
        "\"f\":{\"prototype\":\"void *f(const char *const *a, int (*g)(int), FILE *const h)\","
        "\"args\":{\"a\":\"address\",\"g\":\"ignore\",\"h\":\"address\"},"
        "\"returns\":\"address\"}");
    p = &model.functions[0].prototype;
    assert_int_equal(p->result->target->kind, CTYPE_VOID);
    assert_false(p->parameters[0].type->is_const);
    assert_true(p->parameters[0].type->target->is_const);
    assert_true(p->parameters[0].type->target->target->is_const);
    assert_true(p->parameters[1].type->target->is_function);
    assert_int_equal(p->parameters[2].type->target->kind, CTYPE_OPAQUE);
    assert_true(p->parameters[2].type->is_const);
    assert_false(p->parameters[2].type->target->is_const);
    assert_false(p->parameters[2].type->target->is_function);
    assert_string_equal(p->parameters[0].type->text, "const char *const *");
    test_memory_free(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_agree_with_the_compiler),
        cmocka_unit_test(test_prototypes_print_as_they_are_meant),
        cmocka_unit_test(test_prototype_structure),
    };

    return cmocka_run_group_tests_name("config_prototypes", tests, NULL, NULL);
}
