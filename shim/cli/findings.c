// SPDX-License-Identifier: MIT
/* See findings.h. Each kind of line is one function; a line that none takes ends the reading. */
#include "cli/findings.h"

#include <string.h>

#define FIELDS_MAX  9
#define ENTRIES_MAX 100000 /* of any kind, in all */
#define NUMBER_MAX  1000000000

/* Where the things of one kind are gathered; those of one hook stand together. */
struct gathering {
    size_t n, n_room, entry_bytes;
    char *entries;
};

struct reading {
    const struct config_model *model;
    struct config_memory memory;
    struct findings *findings;
    struct gathering objects, hooks, importers, names, aliases, namesakes;
    bool has_begun, has_ended;
};

typedef bool (*line_reader)(struct reading *reading, char **fields);

/* The next one of its kind, zeroed, or NULL. Those before may move. */
static void *add(struct reading *reading, struct gathering *gathering)
{
    if (gathering->n == gathering->n_room) {
        size_t n_room = gathering->n_room == 0 ? 64 : 2 * gathering->n_room;
        char *grown =
            n_room > 2 * ENTRIES_MAX
                ? NULL
                : reading->memory.alloc(reading->memory.context, n_room * gathering->entry_bytes);

        if (grown == NULL) {
            return NULL;
        }
        if (gathering->n > 0) {
            memcpy(grown, gathering->entries, gathering->n * gathering->entry_bytes);
        }
        gathering->entries = grown;
        gathering->n_room = n_room;
    }
    return gathering->entries + gathering->n++ * gathering->entry_bytes;
}

/* Those from this place on; NULL when nothing was gathered. */
static const void *entries_from(const struct gathering *gathering, size_t place)
{
    return gathering->n == 0 ? NULL : gathering->entries + place * gathering->entry_bytes;
}

/* The hook that lines are about, or NULL. */
static struct finding_hook *last_hook(struct reading *reading)
{
    return reading->hooks.n == 0
               ? NULL
               : (struct finding_hook *)reading->hooks.entries + (reading->hooks.n - 1);
}

static const char *or_null(const char *field)
{
    return field[0] != '\0' ? field : NULL;
}

static bool read_number(const char *field, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (field[0] == '\0' || strlen(field) > 10) {
        return false;
    }
    for (; *field >= '0' && *field <= '9'; field++) {
        number = number * 10 + (uint64_t)(*field - '0');
    }
    *ret_number = number;
    return *field == '\0' && number <= NUMBER_MAX;
}

/* The place of a word in a list that ends with NULL. */
static bool read_word(const char *field, const char *const *words, unsigned *ret_place)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(field, words[i]) == 0) {
            *ret_place = i;
            return true;
        }
    }
    return false;
}

static bool read_role(const char *field, enum finding_role *ret_role)
{
    static const char *const words[] = {"ordinary", "memoshim", "loader", "vdso", NULL};
    unsigned place;
    bool is_known = read_word(field, words, &place);

    if (is_known) {
        *ret_role = (enum finding_role)place;
    }
    return is_known;
}

/* A word or nothing. */
static bool read_mark(const char *field, const char *word, bool *ret_is_set)
{
    *ret_is_set = strcmp(field, word) == 0;
    return *ret_is_set || field[0] == '\0';
}

/* ---- the lines ------------------------------------------------------------------------------- */

static bool read_outcome(struct reading *reading, char **fields)
{
    static const char *const words[] = {"started", "none", "bad", "failed", NULL};
    unsigned place;

    if (!read_word(fields[0], words, &place)) {
        return false;
    }
    reading->findings->outcome = (enum finding_outcome)place;
    reading->findings->error = fields[1];
    return true;
}

static bool read_late(struct reading *reading, char **fields)
{
    reading->findings->is_late = true;
    return true;
}

static bool read_object(struct reading *reading, char **fields)
{
    struct finding_object *object = add(reading, &reading->objects);

    if (object == NULL) {
        return false;
    }
    object->library = fields[1];
    object->path = fields[2];
    return read_role(fields[0], &object->role);
}

static bool read_hook(struct reading *reading, char **fields)
{
    static const char *const states[] = {"hooked", "spare", "pending", "refused", "off", NULL};
    struct finding_hook *hook = add(reading, &reading->hooks);
    unsigned state;

    if (hook == NULL || !read_word(fields[2], states, &state)) {
        return false;
    }
    for (uint32_t i = 0; i < reading->model->n_functions; i++) {
        if (strcmp(reading->model->functions[i].named, fields[0]) == 0) {
            hook->function = &reading->model->functions[i];
        }
    }
    hook->name = fields[1];
    hook->state = (enum finding_state)state;
    return hook->function != NULL;
}

static bool read_problem(struct reading *reading, char **fields)
{
    last_hook(reading)->problem = fields[0];
    return true;
}

static bool read_definition(struct reading *reading, char **fields)
{
    struct finding_hook *hook = last_hook(reading);

    hook->library = fields[0];
    hook->path = fields[1];
    hook->version = or_null(fields[2]);
    return hook->state == FINDING_HOOKED || hook->state == FINDING_SPARE;
}

static bool read_traits(struct reading *reading, char **fields)
{
    struct finding_hook *hook = last_hook(reading);

    return read_mark(fields[0], "default", &hook->is_default) &&
           read_mark(fields[1], "ifunc", &hook->is_ifunc) &&
           read_mark(fields[2], "protected", &hook->is_protected) &&
           read_mark(fields[3], "symbolic", &hook->is_symbolic);
}

static bool read_slots(struct reading *reading, char **fields)
{
    return read_number(fields[0], &last_hook(reading)->n_slots);
}

static bool read_unexported(struct reading *reading, char **fields)
{
    last_hook(reading)->unexported = fields[0];
    return true;
}

static bool read_importer(struct reading *reading, char **fields)
{
    struct finding_importer *importer = add(reading, &reading->importers);

    if (importer == NULL) {
        return false;
    }
    last_hook(reading)->n_importers++;
    importer->library = fields[0];
    importer->path = fields[1];
    return read_number(fields[2], &importer->plt) && read_number(fields[3], &importer->got) &&
           read_number(fields[4], &importer->pointers) &&
           read_number(fields[5], &importer->copied) &&
           read_number(fields[6], &importer->unaligned) &&
           read_number(fields[7], &importer->sealed);
}

static bool add_alias(struct reading *reading, struct gathering *aliases, char **fields)
{
    struct finding_alias *alias = add(reading, aliases);

    if (alias == NULL) {
        return false;
    }
    alias->name = fields[0];
    return read_number(fields[1], &alias->n_slots);
}

static bool read_name(struct reading *reading, char **fields)
{
    last_hook(reading)->n_names++;
    return add_alias(reading, &reading->names, fields);
}

static bool read_alias(struct reading *reading, char **fields)
{
    last_hook(reading)->n_aliases++;
    return add_alias(reading, &reading->aliases, fields);
}

static bool read_namesake(struct reading *reading, char **fields)
{
    struct finding_namesake *namesake = add(reading, &reading->namesakes);

    if (namesake == NULL) {
        return false;
    }
    last_hook(reading)->n_namesakes++;
    namesake->library = fields[3];
    namesake->path = fields[4];
    namesake->version = or_null(fields[5]);
    return read_role(fields[0], &namesake->role) &&
           read_mark(fields[1], "hidden", &namesake->is_hidden) &&
           read_mark(fields[2], "data", &namesake->is_data);
}

static bool read_end(struct reading *reading, char **fields)
{
    reading->has_ended = true;
    return true;
}

static const struct {
    const char *keyword;
    size_t n_fields;
    bool is_of_hook;
    line_reader read;
} lines[] = {
    {"outcome", 2, false, read_outcome},
    {"late", 1, false, read_late},
    {"object", 3, false, read_object},
    {"hook", 3, false, read_hook},
    {"problem", 1, true, read_problem},
    {"definition", 3, true, read_definition},
    {"traits", 4, true, read_traits},
    {"slots", 1, true, read_slots},
    {"unexported", 1, true, read_unexported},
    {"importer", 8, true, read_importer},
    {"name", 2, true, read_name},
    {"alias", 2, true, read_alias},
    {"namesake", 6, true, read_namesake},
    {"end", 1, false, read_end},
};

/* ---- the text -------------------------------------------------------------------------------- */

static int digit_of(char letter)
{
    return letter >= '0' && letter <= '9'   ? letter - '0'
           : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                            : -1;
}

/* %XX as the byte it stands for, in place. False for anything else behind a %, and for NUL. */
static bool decode(char *field)
{
    char *to = field;

    for (; *field != '\0'; field++) {
        int high, low;

        if (*field != '%') {
            *to++ = *field;
            continue;
        }
        high = digit_of(field[1]);
        low = high < 0 ? -1 : digit_of(field[2]);
        if (low < 0 || high * 16 + low == 0) {
            return false;
        }
        *to++ = (char)(high * 16 + low);
        field += 2;
    }
    *to = '\0';
    return true;
}

/* Cuts the line at its tabs. The number of fields behind the keyword, or -1. */
static int split(char *line, char *ret_fields[FIELDS_MAX + 1])
{
    int n = 0;

    for (char *at = line; at != NULL; n++) {
        char *tab = strchr(at, '\t');

        if (n > FIELDS_MAX) {
            return -1;
        }
        if (tab != NULL) {
            *tab++ = '\0';
        }
        if (!decode(at)) {
            return -1;
        }
        ret_fields[n] = at;
        at = tab;
    }
    return n - 1;
}

static bool read_line(struct reading *reading, char *line)
{
    char *fields[FIELDS_MAX + 1];
    int n_fields = split(line, fields);

    if (n_fields < 0 || reading->has_ended) {
        return false;
    }
    if (!reading->has_begun) {
        reading->has_begun = true;
        return n_fields == 1 && strcmp(fields[0], "memoshim-check") == 0 &&
               strcmp(fields[1], "1") == 0;
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strcmp(fields[0], lines[i].keyword) == 0) {
            return (size_t)n_fields == lines[i].n_fields &&
                   (!lines[i].is_of_hook || reading->hooks.n > 0) &&
                   lines[i].read(reading, fields + 1);
        }
    }
    return false;
}

/* The parts of the hooks stand in the order of the hooks; until now only their numbers are known.
 */
static void share_out(struct reading *reading)
{
    struct finding_hook *hooks = (struct finding_hook *)reading->hooks.entries;
    size_t importer = 0, name = 0, alias = 0, namesake = 0;

    for (size_t i = 0; i < reading->hooks.n; i++) {
        hooks[i].importers = entries_from(&reading->importers, importer);
        hooks[i].names = entries_from(&reading->names, name);
        hooks[i].aliases = entries_from(&reading->aliases, alias);
        hooks[i].namesakes = entries_from(&reading->namesakes, namesake);
        importer += hooks[i].n_importers;
        name += hooks[i].n_names;
        alias += hooks[i].n_aliases;
        namesake += hooks[i].n_namesakes;
    }
}

/* A hooked function has a definition, one that is not has a reason. */
static bool is_complete(const struct finding_hook *hook)
{
    if (hook->state == FINDING_HOOKED || hook->state == FINDING_SPARE) {
        return hook->library != NULL;
    }
    return hook->state == FINDING_OFF || hook->problem != NULL;
}

bool findings_read(char *text, size_t n_bytes, const struct config_model *model,
                   struct config_memory memory, struct findings *ret_findings)
{
    struct reading reading = {
        .model = model,
        .memory = memory,
        .findings = ret_findings,
        .objects = {.entry_bytes = sizeof(struct finding_object)},
        .hooks = {.entry_bytes = sizeof(struct finding_hook)},
        .importers = {.entry_bytes = sizeof(struct finding_importer)},
        .names = {.entry_bytes = sizeof(struct finding_alias)},
        .aliases = {.entry_bytes = sizeof(struct finding_alias)},
        .namesakes = {.entry_bytes = sizeof(struct finding_namesake)},
    };
    char *end;

    *ret_findings = (struct findings){.outcome = FINDINGS_FAILED};
    if (memchr(text, '\0', n_bytes) != NULL) {
        return false;
    }
    for (; *text != '\0'; text = end + 1) {
        end = strchr(text, '\n');
        if (end == NULL) {
            return false;
        }
        *end = '\0';
        if (!read_line(&reading, text)) {
            return false;
        }
    }
    share_out(&reading);
    ret_findings->objects = (const struct finding_object *)reading.objects.entries;
    ret_findings->n_objects = reading.objects.n;
    ret_findings->hooks = (const struct finding_hook *)reading.hooks.entries;
    ret_findings->n_hooks = reading.hooks.n;
    for (size_t i = 0; i < reading.hooks.n; i++) {
        if (!is_complete(&ret_findings->hooks[i])) {
            return false;
        }
    }
    return reading.has_ended;
}
