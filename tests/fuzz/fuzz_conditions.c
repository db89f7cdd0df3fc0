// SPDX-License-Identifier: MIT
/*
 * Conditions, from their text to the memory of a call. The input's first byte says whether the rest
 * begins with the text itself, up to a NUL, or with choices that make one out of the words of the
 * language; what follows are the values of the call. All memory ends where its description says, so
 * that a sanitizer sees whoever goes further, and pointers that a failed call leaves behind lead
 * nowhere. A comparison and its opposite never both hold, and each answer is the same twice.
 */
#include "config/language.h"
#include "fuzz.h"
#include "marshal/marshal.h"

#include <errno.h>
#include <string.h>

#define MAX_TEXT  400
#define MAX_NODES 12

/* The function that conditions speak of, with pointers of every kind. */
static const char configuration[] =
    "{\"version\":1,"
    "\"types\":[\"struct node { int n; double d; const char *text; struct node *next; "
    "unsigned char raw[4]; struct { short a, b; } in; float *weights; };\","
    "\"enum colour { RED, GREEN = 5 };\"],"
    "\"fields\":{\"struct node\":{\"text\":\"string\",\"next\":{\"in\":\"struct node\"},"
    "\"weights\":{\"in\":\"float\",\"count\":\"n\"}}},"
    "\"functions\":{\"f\":{\"prototype\":\"struct node *f(const struct node *in, int n, const char "
    "*s, char **list, double *v, int *len, struct node **res, float x, struct node by, void *h, "
    "const void *raw, _Bool flag, unsigned long u)\","
    "\"args\":{\"in\":{\"in\":\"struct node\",\"count\":\"n\"},\"s\":\"string\",\"list\":"
    "\"strings\",\"v\":{\"out\":\"double\",\"count\":\"n * 2\"},\"len\":{\"inout\":\"int\"},"
    "\"res\":{\"out\":\"struct node *\",\"lifetime\":\"caller\",\"when\":\"return != NULL\"},"
    "\"h\":\"address\",\"raw\":{\"in\":\"bytes\",\"count\":\"u\"}},"
    "\"returns\":{\"out\":\"struct node\",\"lifetime\":\"static\"}}}}";

/* What conditions are made of, and what they must not be made of. */
static const char *const words[] = {
    "return",
    "errno",
    "in",
    "n",
    "s",
    "list",
    "v",
    "len",
    "res",
    "x",
    "by",
    "h",
    "raw",
    "flag",
    "u",
    "*",
    "->",
    ".",
    "[0]",
    "[1]",
    "[2]",
    "[7]",
    "text",
    "next",
    "raw",
    "in",
    "a",
    "d",
    "weights",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    " ",
    "NULL",
    "nan",
    "inf",
    "-inf",
    "0",
    "1",
    "-1",
    "0x10",
    "1e-3",
    "2.5",
    "'abc'",
    "''",
    "ENOENT",
    "EAI_AGAIN",
    "GREEN",
    "'",
    "return",
    "z",
    "->text",
    ".n",
    "->n",
    "[999999]",
    "->next->next",
    "b",
};

struct node {
    int n;
    double d;
    const char *text;
    struct node *next;
    unsigned char raw[4];
    struct {
        short a, b;
    } in;
    float *weights;
};

struct input {
    const uint8_t *at;
    size_t n_left;
};

static uint8_t take(struct input *input)
{
    if (input->n_left == 0) {
        return 0;
    }
    input->n_left--;
    return *input->at++;
}

static void fill(struct input *input, void *bytes, size_t n_bytes)
{
    size_t n_taken = n_bytes < input->n_left ? n_bytes : input->n_left;

    if (n_taken > 0) {
        memcpy(bytes, input->at, n_taken);
    }
    memset((uint8_t *)bytes + n_taken, 0, n_bytes - n_taken);
    input->at += n_taken;
    input->n_left -= n_taken;
}

/* ---- the text -------------------------------------------------------------------------------- */

static const char *make_text(struct workspace *work, struct input *input)
{
    char text[MAX_TEXT + 1];
    size_t n_bytes = 0;

    if (take(input) % 4 == 0) {
        const uint8_t *end = memchr(input->at, '\0', input->n_left);
        size_t n = end != NULL ? (size_t)(end - input->at) : input->n_left;
        const char *copy = work_copy_text(work, (const char *)input->at, n);

        input->at += n;
        input->n_left -= n;
        return copy;
    }
    for (unsigned n = take(input) % 16 + 1; n > 0; n--) {
        const char *word = words[take(input) % (sizeof(words) / sizeof(words[0]))];

        if (n_bytes + strlen(word) <= MAX_TEXT) {
            memcpy(text + n_bytes, word, strlen(word));
            n_bytes += strlen(word);
        }
    }
    return work_copy_text(work, text, n_bytes);
}

/* ---- the values ------------------------------------------------------------------------------ */

/* Blocks of exactly so many bytes. */
static void *block(struct fuzz_memory *memory, size_t n_bytes)
{
    /* Its beginning is where the block's header ends: what is behind it is not ours. */
    return fuzz_memory_alloc(memory, n_bytes);
}

static const char *make_string(struct fuzz_memory *memory, struct input *input)
{
    size_t n = take(input) % 5;
    char *text;

    if (n == 4) {
        return NULL;
    }
    text = block(memory, n + 1);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + take(input) % 3);
    }
    return text;
}

/* Ends with NULL, and there. */
static char **make_list(struct fuzz_memory *memory, struct input *input)
{
    const char *texts[4];
    size_t n = 0, n_wanted = take(input) % 4;
    char **list;

    while (n < n_wanted && (texts[n] = make_string(memory, input)) != NULL) {
        n++;
    }
    list = block(memory, (n + 1) * sizeof(list[0]));
    memcpy(list, texts, n * sizeof(list[0]));
    return list;
}

static void make_nodes(struct fuzz_memory *memory, struct input *input, struct node *nodes, int n,
                       unsigned *n_left)
{
    for (int i = 0; i < n; i++) {
        struct node *node = &nodes[i];

        *node = (struct node){.n = take(input) % 8 - 2};
        fill(input, &node->d, sizeof(node->d));
        fill(input, node->raw, sizeof(node->raw));
        node->text = make_string(memory, input);
        if (take(input) % 2 != 0) {
            node->weights = block(memory, (node->n > 0 ? (size_t)node->n : 0) * sizeof(float));
        }
        if (take(input) % 2 != 0 && *n_left > 0) {
            --*n_left;
            node->next = block(memory, sizeof(*node));
            make_nodes(memory, input, node->next, 1, n_left);
        }
    }
}

/* One call, that has failed when result is NULL: then *res leads nowhere. */
struct call {
    struct node *in, by, **res, *result, *made;
    int n, *len, len_value;
    const char *s;
    char **list;
    double *v;
    float x;
    void *h;
    const void *raw;
    unsigned char flag;
    unsigned long u;
    void *arguments[13];
    int32_t set_errno;
};

static void make_call(struct fuzz_memory *memory, struct input *input, struct call *call)
{
    unsigned n_left = MAX_NODES;
    size_t n;

    *call = (struct call){.n = take(input) % 6 - 2, .u = take(input) % 24};
    n = call->n > 0 ? (size_t)call->n : 0;
    call->in = block(memory, n * sizeof(call->in[0]));
    make_nodes(memory, input, call->in, (int)n, &n_left);
    make_nodes(memory, input, &call->by, 1, &n_left);
    call->s = make_string(memory, input);
    call->list = make_list(memory, input);
    call->v = block(memory, 2 * n * sizeof(call->v[0]));
    fill(input, call->v, 2 * n * sizeof(call->v[0]));
    call->raw = block(memory, call->u);
    fill(input, (void *)call->raw, call->u);
    call->len_value = take(input);
    call->len = take(input) % 8 == 0 ? NULL : &call->len_value;
    fill(input, &call->x, sizeof(call->x));
    call->flag = take(input) % 2;
    call->set_errno = take(input) % 4 == 0 ? ENOENT : MARSHAL_ERRNO_UNTOUCHED;
    call->made = (struct node *)(uintptr_t)8; /* nowhere */
    if (take(input) % 4 != 0) {
        call->result = block(memory, sizeof(*call->result));
        make_nodes(memory, input, call->result, 1, &n_left);
        call->made = NULL;
        if (take(input) % 4 != 0) {
            call->made = block(memory, sizeof(*call->made));
            make_nodes(memory, input, call->made, 1, &n_left);
        }
    }
    call->res = take(input) % 8 == 0 ? NULL : &call->made;
    memcpy(call->arguments,
           ((void *[]){&call->in, &call->n, &call->s, &call->list, &call->v, &call->len, &call->res,
                       &call->x, &call->by, &call->h, &call->raw, &call->flag, &call->u}),
           sizeof(call->arguments));
}

/* ---- the answers ----------------------------------------------------------------------------- */

static bool ask(const struct config_condition *condition, const struct config_function *function,
                const struct call *call, bool is_before)
{
    return marshal_condition_holds(condition, function, call->arguments,
                                   is_before ? NULL : &call->result,
                                   is_before ? MARSHAL_ERRNO_UNTOUCHED : call->set_errno);
}

static void check_answers(const struct config_condition *condition,
                          const struct config_function *function, const struct call *call,
                          bool is_before)
{
    static const enum condition_operator opposites[] = {
        [CONDITION_EQ] = CONDITION_NE, [CONDITION_NE] = CONDITION_EQ, [CONDITION_LT] = CONDITION_GE,
        [CONDITION_GE] = CONDITION_LT, [CONDITION_LE] = CONDITION_GT, [CONDITION_GT] = CONDITION_LE,
    };
    struct condition_comparison opposite = condition->comparisons[0];
    struct config_condition other = {.comparisons = &opposite, .n_comparisons = 1};
    bool holds = ask(condition, function, call, is_before);

    FUZZ_CHECK(condition->n_comparisons == 1);
    FUZZ_CHECK(ask(condition, function, call, is_before) == holds);
    opposite.op = opposites[opposite.op];
    FUZZ_CHECK(!(holds && ask(&other, function, call, is_before)));
}

static void run(struct workspace *work, const struct config_function *function,
                struct fuzz_memory *memory, struct input input)
{
    struct condition_scope scope = {.prototype = &function->prototype,
                                    .parameters = function->parameters,
                                    .result = &function->result,
                                    .is_described = true};
    struct config_condition condition = {0};
    struct condition_operand operand = {0};
    struct value value = {.kind = VALUE_STRING};
    struct call call;
    long double number;
    const char *text;
    bool is_read;

    scope.is_before = take(&input) % 3 == 0;
    text = make_text(work, &input);
    value.source = (struct source_text){text, {"fuzz", 1, 1}, text, strlen(text)};
    make_call(memory, &input, &call);
    is_read = condition_read(work, &value, &scope, &condition);
    FUZZ_CHECK(is_read == (work->list->n_items == 0));
    if (is_read) {
        check_answers(&condition, function, &call, scope.is_before);
    }
    work->list->n_items = 0;
    scope.is_tested = true;
    if (!scope.is_before && condition_read_number(work, &value, &scope, &operand)) {
        marshal_condition_number(&operand, function, call.arguments, &call.result, call.set_errno,
                                 &number);
    }
}

/* Read once, and kept. */
static const struct config_function *load_function(void)
{
    static struct fuzz_memory kept;
    static struct config_model model;
    static struct diagnostic_list list;
    char text[4096];

    if (model.n_functions == 0) {
        struct config_memory memory = {fuzz_memory_alloc, &kept};

        diagnostics_init(&list, memory);
        if (config_load("fuzz", configuration, sizeof(configuration) - 1, memory, &model, &list) !=
            0) {
            diagnostics_print(&list, text, sizeof(text));
            fputs(text, stderr);
            abort();
        }
    }
    return &model.functions[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static struct diagnostic_list list;
    const struct config_function *function = load_function();
    struct fuzz_memory blocks = {NULL, 0};
    struct workspace work = {.memory = {fuzz_memory_alloc, &blocks}, .list = &list};

    diagnostics_init(&list, work.memory);
    if (setjmp(work.on_no_memory) == 0) {
        run(&work, function, &blocks, (struct input){data, n_bytes});
    }
    fuzz_memory_free(&blocks);
    return 0;
}
