// SPDX-License-Identifier: MIT
/*
 * config from inside: what memory within memory is read as. Fields of records in both directions,
 * records that lead to themselves, pointers to pointers, lists, and who owns what is handed out.
 */
#include "unit.h"

#include "config/config.h"
#include "config_memory.h"

#include <stdio.h>

static struct test_memory memory;
static struct config_model model;
static struct diagnostic_list list;

static const struct config_function *load(const char *text)
{
    struct config_memory source = test_memory_init(&memory);
    char output[4096];

    diagnostics_init(&list, source);
    if (config_load("test.json", text, strlen(text), source, &model, &list) != 0) {
        diagnostics_print(&list, output, sizeof(output));
        fail_msg("%s", output);
    }
    return &model.functions[0];
}

static void unload(void)
{
    test_memory_free(&memory);
}

#define LOAD(types, fields, function)                                                       \
    load("{\"version\":1,\"types\":[\"" types "\"],\"fields\":{" fields "},\"functions\":{" \
         "\"f\":{" function "}}}")

static const struct config_field *find_field(const struct config_fields *fields, const char *name)
{
    for (uint32_t i = 0; i < fields->n_fields; i++) {
        if (strcmp(fields->fields[i].name, name) == 0) {
            return &fields->fields[i];
        }
    }
    fail_msg("no field '%s'", name);
    return NULL;
}

/* ---- records --------------------------------------------------------------------------------- */

#define ADDRINFO                                                                                \
    "struct sockaddr; struct addrinfo { int flags; unsigned ai_addrlen; struct sockaddr *addr;" \
    " char *name; struct addrinfo *next; };"
#define ADDRINFO_FIELDS                                                                      \
    "\"struct addrinfo\":{\"addr\":{\"in\":\"bytes\",\"count\":\"ai_addrlen\"},\"name\":"    \
    "\"string\",\"next\":{\"in\":\"struct addrinfo\",\"lifetime\":{\"freed_by\":\"let_go\"}" \
    "}}"

struct addrinfo_like {
    int flags;
    unsigned addrlen;
    void *addr;
    char *name;
    struct addrinfo_like *next;
};

static void test_a_pointer_that_is_written_hands_out_records_that_lead_to_themselves(void **state)
{
    const struct config_function *f =
        LOAD(ADDRINFO, ADDRINFO_FIELDS,
             "\"prototype\":\"int f(struct addrinfo **res)\",\"args\":{\"res\":{\"out\":"
             "\"struct addrinfo *\",\"lifetime\":{\"freed_by\":\"let_go\"}}}");
    const struct config_description *res = &f->parameters[0];
    const struct config_fields *fields;
    const struct config_field *addr, *next;

    assert_int_equal(res->kind, DESCRIBE_MEMORY);
    assert_true(res->is_out && !res->is_in);
    assert_int_equal(res->element->kind, CTYPE_POINTER);
    assert_int_equal(res->element_size, sizeof(void *));
    assert_null(res->reads);
    assert_int_equal(res->writes->kind, POINTEE_ELEMENTS);
    assert_int_equal(res->writes->lifetime.kind, LIFETIME_NONE);
    assert_int_equal(res->writes->target->kind, POINTEE_ELEMENTS);
    assert_int_equal(res->writes->target->element_size, sizeof(struct addrinfo_like));
    assert_int_equal(res->writes->target->lifetime.kind, LIFETIME_FREED_BY);
    assert_string_equal(res->writes->target->lifetime.freed_by, "let_go");
    assert_null(res->writes->target->lifetime.freeing.name);
    fields = res->writes->target->fields;
    assert_int_equal(fields->n_fields, 3);
    addr = find_field(fields, "addr");
    assert_int_equal(addr->offset_bytes, offsetof(struct addrinfo_like, addr));
    assert_int_equal(addr->size_bytes, sizeof(void *));
    assert_int_equal(addr->pointee.kind, POINTEE_ELEMENTS);
    assert_null(addr->pointee.type);
    assert_int_equal(addr->pointee.element_size, 1);
    assert_int_equal(addr->pointee.lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(addr->pointee.count.n_steps, 1);
    assert_int_equal(addr->pointee.count.steps[0].kind, COUNT_MEMBER);
    assert_int_equal(addr->pointee.count.steps[0].offset_bytes,
                     offsetof(struct addrinfo_like, addrlen));
    assert_int_equal(addr->pointee.count.steps[0].member->kind, CTYPE_UNSIGNED);
    assert_int_equal(find_field(fields, "name")->pointee.kind, POINTEE_TEXT);
    next = find_field(fields, "next");
    assert_int_equal(next->pointee.lifetime.kind, LIFETIME_FREED_BY);
    assert_ptr_equal(next->pointee.fields, fields);
    unload();
}

/* Each record of a list that a function frees is a block of its own, wherever it is met again. */
static void test_records_that_a_function_frees_are_blocks(void **state)
{
    const struct config_function *f = LOAD(
        "struct part; struct node { char *text; struct part *part; struct node **more; "
        "struct node *next; }; struct part { struct node *owner; struct part *next; };",
        "\"struct node\":{\"text\":\"string\",\"part\":{\"in\":\"struct part\"},\"more\":{\"in\":"
        "{\"list\":{\"in\":\"struct node\"}}},\"next\":{\"in\":\"struct node\"}},\"struct "
        "part\":{\"owner\":{\"in\":\"struct node\"},\"next\":{\"in\":\"struct part\"}}",
        "\"prototype\":\"struct node *f(struct node **other)\",\"args\":{\"other\":{\"out\":"
        "\"struct node *\",\"lifetime\":\"static\"}},\"returns\":{\"out\":\"struct node\","
        "\"lifetime\":{\"freed_by\":\"let_go\"}}");
    const struct config_fields *nodes = f->result.writes->fields;
    const struct config_pointee *part = &find_field(nodes, "part")->pointee;
    const struct config_pointee *more = &find_field(nodes, "more")->pointee;
    const struct config_fields *kept = f->parameters[0].writes->target->fields;

    assert_int_equal(find_field(nodes, "next")->pointee.lifetime.kind, LIFETIME_FREED_BY);
    assert_string_equal(find_field(nodes, "next")->pointee.lifetime.freed_by, "let_go");
    assert_ptr_equal(find_field(nodes, "next")->pointee.fields, nodes);
    assert_int_equal(find_field(nodes, "text")->pointee.lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(more->lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(more->target->lifetime.kind, LIFETIME_FREED_BY);
    assert_int_equal(part->lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(find_field(part->fields, "next")->pointee.lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(find_field(part->fields, "owner")->pointee.lifetime.kind, LIFETIME_FREED_BY);
    assert_int_equal(find_field(kept, "next")->pointee.lifetime.kind, LIFETIME_HOLDER);
    assert_ptr_equal(find_field(kept, "next")->pointee.fields, kept);
    unload();
}

/* An array that a function frees is one block with the records that it leads to. */
static void test_an_array_that_a_function_frees_is_one_block(void **state)
{
    const struct config_function *f =
        LOAD("struct node { struct node *next; };",
             "\"struct node\":{\"next\":{\"in\":\"struct node\"}}",
             "\"prototype\":\"struct node **f(int n)\",\"returns\":{\"out\":{\"list\":{\"in\":"
             "\"struct node\"}},\"lifetime\":{\"freed_by\":\"let_go\"}}");
    const struct config_pointee *node = f->result.writes->target;

    assert_int_equal(f->result.writes->lifetime.kind, LIFETIME_FREED_BY);
    assert_int_equal(node->lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(find_field(node->fields, "next")->pointee.lifetime.kind, LIFETIME_HOLDER);
    unload();
}

static void test_fields_beside_an_argument_speak_first(void **state)
{
    const struct config_function *f =
        LOAD(ADDRINFO, ADDRINFO_FIELDS,
             "\"prototype\":\"int f(const struct addrinfo *a, const struct addrinfo *b)\",\"args\":"
             "{\"a\":{\"in\":\"struct addrinfo\",\"fields\":{\"struct addrinfo\":{\"addr\":"
             "\"ignore\",\"name\":\"address\",\"next\":\"ignore\",\"flags\":\"ignore\"}}},"
             "\"b\":{\"in\":\"struct addrinfo\"}}");
    const struct config_fields *a = f->parameters[0].reads->fields;
    const struct config_fields *b = f->parameters[1].reads->fields;

    assert_int_equal(a->n_fields, 4);
    assert_string_equal(a->fields[0].name, "flags");
    assert_int_equal(a->fields[0].size_bytes, sizeof(int));
    assert_int_equal(a->fields[0].pointee.kind, POINTEE_IGNORED);
    assert_int_equal(a->fields[1].pointee.kind, POINTEE_IGNORED);
    assert_int_equal(a->fields[2].pointee.kind, POINTEE_ADDRESS);
    assert_int_equal(b->n_fields, 3);
    assert_int_equal(find_field(b, "next")->pointee.kind, POINTEE_ELEMENTS);
    assert_ptr_equal(find_field(b, "next")->pointee.fields, b);
    assert_int_equal(find_field(b, "next")->pointee.lifetime.kind, LIFETIME_NONE);
    unload();
}

struct inner_like {
    char *text;
    int len;
};
struct nested_like {
    int n;
    struct inner_like in[2];
    double weights[2];
    void (*code)(void);
    union {
        long number;
        void *pointer;
    } u;
};

static void test_records_within_records_are_flattened(void **state)
{
    const struct config_function *f = LOAD(
        "struct inner { char *text; int len; }; struct nested { int n; struct inner in[2]; double "
        "weights[2]; void (*code)(void); union { long number; void *pointer; } u; };",
        "\"struct inner\":{\"text\":{\"in\":\"bytes\",\"count\":\"len * n\"}},\"struct nested\":"
        "{\"weights\":\"ignore\",\"code\":\"address\",\"u\":\"address\"}",
        "\"prototype\":\"int f(struct nested v)\"");
    const struct config_pointee *reads = f->parameters[0].reads;
    const struct config_fields *fields = reads->fields;
    const struct config_field *second;

    assert_int_equal(f->parameters[0].kind, DESCRIBE_VALUE);
    assert_int_equal(reads->element_size, sizeof(struct nested_like));
    assert_int_equal(fields->n_fields, 4);
    assert_string_equal(fields->fields[0].name, "in[0].text");
    second = &fields->fields[1];
    assert_string_equal(second->name, "in[1].text");
    assert_int_equal(second->offset_bytes, offsetof(struct nested_like, in[1].text));
    assert_int_equal(second->pointee.count.n_steps, 3);
    assert_int_equal(second->pointee.count.steps[0].offset_bytes,
                     offsetof(struct nested_like, in[1].len));
    assert_int_equal(second->pointee.count.steps[1].offset_bytes, offsetof(struct nested_like, n));
    assert_string_equal(fields->fields[2].name, "weights");
    assert_int_equal(fields->fields[2].offset_bytes, offsetof(struct nested_like, weights));
    assert_int_equal(fields->fields[2].size_bytes, 2 * sizeof(double));
    assert_string_equal(fields->fields[3].name, "code");
    assert_int_equal(fields->fields[3].pointee.kind, POINTEE_ADDRESS);
    unload();
}

static void test_a_field_may_differ_by_direction(void **state)
{
    const struct config_function *f =
        LOAD("struct t { int sec, wday; const char *zone; };",
             "\"struct t\":{\"wday\":{\"on_in\":\"ignore\"},\"zone\":{\"on_in\":\"ignore\","
             "\"on_out\":{\"out\":\"string\",\"lifetime\":\"immortal\"}}}",
             "\"prototype\":\"int f(struct t *t)\",\"args\":{\"t\":{\"inout\":\"struct t\"}}");
    const struct config_fields *reads = f->parameters[0].reads->fields;
    const struct config_fields *writes = f->parameters[0].writes->fields;

    assert_int_equal(reads->n_fields, 2);
    assert_string_equal(reads->fields[0].name, "wday");
    assert_int_equal(reads->fields[0].pointee.kind, POINTEE_IGNORED);
    assert_int_equal(reads->fields[1].pointee.kind, POINTEE_IGNORED);
    assert_int_equal(writes->n_fields, 1);
    assert_string_equal(writes->fields[0].name, "zone");
    assert_int_equal(writes->fields[0].pointee.kind, POINTEE_ADDRESS);
    assert_int_equal(writes->fields[0].pointee.lifetime.kind, LIFETIME_IMMORTAL);
    unload();
}

/* ---- who owns it ----------------------------------------------------------------------------- */

#define PASSWD        "struct pw { char *name; int uid; char **members; };"
#define PASSWD_FIELDS "\"struct pw\":{\"name\":\"string\",\"members\":\"strings\"}"

static void test_a_storage_takes_the_pointers_of_a_record_and_leaves_the_key(void **state)
{
    const struct config_function *f =
        LOAD(PASSWD, PASSWD_FIELDS,
             "\"prototype\":\"int f(int uid, struct pw *pw, char *buf, size_t n, struct pw "
             "**result)\",\"args\":{\"pw\":{\"out\":\"struct pw\",\"lifetime\":{\"storage\":["
             "\"buf\",\"n\"]}},\"buf\":\"storage\",\"result\":{\"out\":\"struct pw *\",\"lifetime\""
             ":{\"into\":\"pw\"}}}");
    const struct config_fields *fields = f->parameters[1].writes->fields;
    const struct config_pointee *members = &find_field(fields, "members")->pointee;
    const struct config_pointee *result = f->parameters[4].writes;

    assert_int_equal(f->parameters[2].kind, DESCRIBE_STORAGE);
    assert_false(f->parameters[2].is_in || f->parameters[2].is_out);
    assert_int_equal(f->parameters[3].kind, DESCRIBE_IGNORE);
    assert_int_equal(f->parameters[1].lifetime.kind, LIFETIME_NONE);
    assert_int_equal(find_field(fields, "name")->pointee.lifetime.kind, LIFETIME_STORAGE);
    assert_int_equal(members->kind, POINTEE_LIST);
    assert_int_equal(members->lifetime.kind, LIFETIME_STORAGE);
    assert_int_equal(members->lifetime.parameter, 2);
    assert_int_equal(members->lifetime.size_parameter, 3);
    assert_int_equal(members->target->kind, POINTEE_TEXT);
    assert_int_equal(members->target->lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(result->kind, POINTEE_ELEMENTS);
    assert_int_equal(result->target->kind, POINTEE_ADDRESS);
    assert_int_equal(result->target->lifetime.kind, LIFETIME_INTO);
    assert_int_equal(result->target->lifetime.parameter, 1);
    unload();
}

static void test_results_of_every_lifetime(void **state)
{
    static const struct {
        const char *lifetime;
        enum lifetime_kind kind;
    } rows[] = {
        {"\"static\"", LIFETIME_STATIC},
        {"\"caller\"", LIFETIME_CALLER},
        {"\"immortal\"", LIFETIME_IMMORTAL},
        {"{\"static\":\"cookie\"}", LIFETIME_STATIC_ARGUMENT},
        {"{\"static\":{\"group\":\"pw\"}}", LIFETIME_STATIC_GROUP},
        {"{\"into\":\"into\"}", LIFETIME_INTO},
        {"{\"freed_by\":\"pw_free\"}", LIFETIME_FREED_BY},
        {"{\"storage\":[\"buf\",\"n\"]}", LIFETIME_STORAGE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool fills = rows[i].kind == LIFETIME_STORAGE;
        const struct config_function *f;
        char text[1024];

        snprintf(text, sizeof(text),
                 "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"int *f(void *cookie, void "
                 "*into, void *buf, int n)\",\"args\":{\"cookie\":\"address\",\"into\":\"scratch\","
                 "\"buf\":\"%s\"},\"returns\":{\"out\":\"int\",\"count\":3,\"lifetime\":%s}}}}",
                 fills ? "storage" : "ignore", rows[i].lifetime);
        f = load(text);
        assert_int_equal(f->result.kind, DESCRIBE_MEMORY);
        assert_int_equal(f->result.lifetime.kind, rows[i].kind);
        assert_int_equal(f->result.count.steps[0].number, 3);
        assert_int_equal(f->result.element_size, sizeof(int));
        assert_int_equal(f->result.writes->kind,
                         rows[i].kind == LIFETIME_IMMORTAL ? POINTEE_ADDRESS : POINTEE_ELEMENTS);
        assert_int_equal(f->result.writes->lifetime.kind, rows[i].kind);
        assert_int_equal(f->parameters[3].kind, fills ? DESCRIBE_IGNORE : DESCRIBE_VALUE);
        unload();
    }
}

static void test_a_freeing_function_may_take_more_than_the_pointer(void **state)
{
    static const char *const forms[] = {"let_go(h, list, n)",
                                        "void let_go(long h, void *list, int n)"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct config_lifetime *lifetime;
        char text[512];

        snprintf(text, sizeof(text),
                 "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"char *f(int x)\",\"returns\""
                 ":{\"out\":\"string\",\"lifetime\":{\"freed_by\":\"%s\",\"at\":\"list\"}}}}}",
                 forms[i]);
        lifetime = &load(text)->result.lifetime;
        assert_string_equal(lifetime->freed_by, "let_go");
        assert_string_equal(lifetime->freeing.name, "let_go");
        assert_int_equal(lifetime->freeing.n_parameters, 3);
        assert_int_equal(lifetime->freeing_parameter, 1);
        assert_int_equal(lifetime->freeing.parameters[0].type->size_bytes, sizeof(long));
        unload();
    }
}

/* ---- pointers to pointers -------------------------------------------------------------------- */

static void test_elements_that_are_pointers(void **state)
{
    const struct config_function *f = load(
        "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"char **f(char **a, const double "
        "*const *b, void **c, char ***d, int n)\",\"args\":{\"a\":{\"in\":\"string\",\"count\":"
        "\"n\"},\"b\":{\"in\":{\"in\":\"double\",\"count\":\"n\"},\"count\":2},\"c\":{\"out\":"
        "\"address\"},\"d\":{\"out\":\"strings\",\"lifetime\":\"caller\"}},\"returns\":{\"out\":"
        "\"strings\",\"lifetime\":\"static\"}}}}");
    const struct config_pointee *b = f->parameters[1].reads, *d = f->parameters[3].writes;

    assert_int_equal(f->parameters[0].kind, DESCRIBE_MEMORY);
    assert_int_equal(f->parameters[0].reads->target->kind, POINTEE_TEXT);
    assert_int_equal(f->parameters[0].count.steps[0].parameter, 4);
    assert_int_equal(b->count.steps[0].number, 2);
    assert_int_equal(b->target->kind, POINTEE_ELEMENTS);
    assert_int_equal(b->target->type->kind, CTYPE_DOUBLE);
    assert_int_equal(b->target->count.steps[0].parameter, 4);
    assert_int_equal(f->parameters[2].writes->target->kind, POINTEE_ADDRESS);
    assert_int_equal(f->parameters[2].writes->target->lifetime.kind, LIFETIME_NONE);
    assert_int_equal(d->target->kind, POINTEE_LIST);
    assert_int_equal(d->target->lifetime.kind, LIFETIME_CALLER);
    assert_int_equal(d->target->target->kind, POINTEE_TEXT);
    assert_int_equal(d->target->target->lifetime.kind, LIFETIME_HOLDER);
    assert_int_equal(f->result.kind, DESCRIBE_MEMORY);
    assert_int_equal(f->result.writes->kind, POINTEE_LIST);
    assert_int_equal(f->result.writes->target->kind, POINTEE_TEXT);
    unload();
}

static void test_nobody_owns_what_is_read(void **state)
{
    const struct config_function *f = load(
        "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"void **f(int **a)\",\"args\":{"
        "\"a\":{\"inout\":\"int *\",\"lifetime\":\"caller\"}},\"returns\":{\"out\":\"address\","
        "\"lifetime\":\"static\"}}}}");

    assert_int_equal(f->parameters[0].reads->target->kind, POINTEE_ELEMENTS);
    assert_int_equal(f->parameters[0].reads->target->lifetime.kind, LIFETIME_NONE);
    assert_int_equal(f->parameters[0].writes->target->lifetime.kind, LIFETIME_CALLER);
    assert_int_equal(f->result.writes->kind, POINTEE_ELEMENTS);
    assert_int_equal(f->result.writes->target->kind, POINTEE_ADDRESS);
    unload();
}

static void test_secrets_of_what_is_read_and_of_what_is_written(void **state)
{
    static const struct {
        const char *name, *returns;
        bool is_in, is_out;
    } rows[] = {
        {"{\"in\":\"string\",\"secret\":true}", "\"address\"", true, false},
        {"\"string\"", "{\"out\":\"string\",\"lifetime\":\"static\",\"secret\":true}", false, true},
        {"{\"in\":\"string\",\"secret\":false}", "\"address\"", false, false},
    };
    const struct config_function *f;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text),
                 "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"char *f(const char *name)\","
                 "\"args\":{\"name\":%s},\"returns\":%s}}}",
                 rows[i].name, rows[i].returns);
        f = load(text);
        assert_int_equal(f->has_secret, rows[i].is_in);
        assert_int_equal(f->has_secret_out, rows[i].is_out);
        unload();
    }
    f = LOAD("struct k { char *key; int n; };",
             "\"struct k\":{\"key\":{\"in\":\"string\",\"secret\":true}}",
             "\"prototype\":\"int f(struct k *k)\",\"args\":{\"k\":{\"out\":\"struct k\","
             "\"lifetime\":\"caller\"}}");
    assert_false(f->has_secret);
    assert_true(f->has_secret_out);
    unload();
}

/* ---- alternatives, conditions, handles ------------------------------------------------------- */

static void test_alternatives_and_their_conditions(void **state)
{
    const struct config_function *f = load(
        "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"char *f(int op, void *arg, int n)\","
        "\"args\":{\"arg\":[{\"in\":\"int\",\"if\":\"op == 1\"},{\"out\":\"double\",\"count\":"
        "\"n\","
        "\"if\":[\"op >= 2\",\"op < 5\"],\"when\":\"return != NULL\"},\"address\"]},\"returns\":"
        "[{\"out\":\"string\",\"lifetime\":\"static\",\"if\":\"op == 1\"},\"address\"]}}}");
    const struct config_description *arg = &f->parameters[1];

    assert_int_equal(arg->kind, DESCRIBE_ALTERNATIVES);
    assert_false(arg->is_in || arg->is_out || arg->is_secret);
    assert_int_equal(arg->n_alternatives, 3);
    assert_int_equal(arg->alternatives[0].kind, DESCRIBE_MEMORY);
    assert_true(arg->alternatives[0].is_in);
    assert_int_equal(arg->alternatives[0].condition.n_comparisons, 1);
    assert_int_equal(arg->alternatives[0].condition.comparisons[0].right.integer, 1);
    assert_true(arg->alternatives[1].is_out);
    assert_int_equal(arg->alternatives[1].condition.n_comparisons, 2);
    assert_int_equal(arg->alternatives[1].when.n_comparisons, 1);
    assert_int_equal(arg->alternatives[1].when.comparisons[0].left.kind, OPERAND_RETURN);
    assert_int_equal(arg->alternatives[2].kind, DESCRIBE_ADDRESS);
    assert_int_equal(arg->alternatives[2].condition.n_comparisons, 0);
    assert_int_equal(f->result.kind, DESCRIBE_ALTERNATIVES);
    assert_int_equal(f->result.alternatives[0].kind, DESCRIBE_OUT_STRING);
    assert_int_equal(f->result.alternatives[0].lifetime.kind, LIFETIME_STATIC);
    assert_int_equal(f->result.alternatives[0].condition.n_comparisons, 1);
    assert_int_equal(f->result.alternatives[1].kind, DESCRIBE_ADDRESS);
    unload();
}

static void test_what_is_asked_after_the_call_and_of_whom(void **state)
{
    const struct config_function *f = load(
        "{\"version\":1,\"functions\":{\"f\":{\"prototype\":\"int f(void *h, const char *p, "
        "int n, int *out)\",\"args\":{\"h\":{\"via\":\"name_of\",\"secret\":true},\"p\":{\"in\":"
        "\"bytes\",\"count\":"
        "\"n or string\"},\"out\":{\"out\":\"int\",\"when\":\"return == 0\"}}}}}");
    const struct config_count *count = &f->parameters[1].count;

    assert_int_equal(f->parameters[0].kind, DESCRIBE_VIA);
    assert_true(f->parameters[0].is_in && f->parameters[0].is_secret && f->has_secret);
    assert_string_equal(f->parameters[0].accessor, "name_of");
    assert_int_equal(count->n_steps, 2);
    assert_int_equal(count->steps[0].kind, COUNT_PARAMETER);
    assert_int_equal(count->steps[1].kind, COUNT_OR_STRING);
    assert_string_equal(f->parameters[1].count_text, "n or string");
    assert_int_equal(f->parameters[3].when.n_comparisons, 1);
    assert_string_equal(f->parameters[3].when.text, "return == 0");
    unload();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pointer_that_is_written_hands_out_records_that_lead_to_themselves),
        cmocka_unit_test(test_records_that_a_function_frees_are_blocks),
        cmocka_unit_test(test_an_array_that_a_function_frees_is_one_block),
        cmocka_unit_test(test_fields_beside_an_argument_speak_first),
        cmocka_unit_test(test_records_within_records_are_flattened),
        cmocka_unit_test(test_a_field_may_differ_by_direction),
        cmocka_unit_test(test_a_storage_takes_the_pointers_of_a_record_and_leaves_the_key),
        cmocka_unit_test(test_results_of_every_lifetime),
        cmocka_unit_test(test_a_freeing_function_may_take_more_than_the_pointer),
        cmocka_unit_test(test_elements_that_are_pointers),
        cmocka_unit_test(test_nobody_owns_what_is_read),
        cmocka_unit_test(test_secrets_of_what_is_read_and_of_what_is_written),
        cmocka_unit_test(test_alternatives_and_their_conditions),
        cmocka_unit_test(test_what_is_asked_after_the_call_and_of_whom),
    };

    return cmocka_run_group_tests_name("config_fields", tests, NULL, NULL);
}
