// SPDX-License-Identifier: MIT
/*
 * What a freeing function does with a block, by its description and by what the memory holds now:
 * the program may have cut a list, joined two, or put other text into a record.
 *
 *     a block of ours        fields with the same freeing function and those of the caller's are
 *                            followed, then it goes to the program's free
 *     not one of ours        is the real function's, with all that hangs on it; but what is ours
 *                            behind it is taken out first, for the real function may not know how
 *                            to free it
 *
 * Walked with a list of what is still to be done, never by recursion: a list of a hundred thousand
 * nodes takes no more stack than one. Where that list finds no memory, blocks of ours are not
 * freed; nothing is ever freed that might still be needed.
 */
#include "marshal/handed_out.h"
#include "marshal/marshal_private.h"

#include <string.h>

#define MAX_LOOKS    ((uint64_t)1 << 20) /* at memory of the real function's, for a cycle there */
#define MAX_ELEMENTS ((uint64_t)1 << 24) /* of a list without an end */

enum task_kind {
    TASK_FREE,    /* memory that is ours to free, with what hangs on it */
    TASK_FOLLOW,  /* within a block of ours, which is released later */
    TASK_RELEASE, /* a block of ours of which all is done */
    TASK_LOOK,    /* not ours: find what is, and take it out */
    TASK_GIVE_UP, /* not ours: the real function frees it */
};

struct task {
    enum task_kind kind;
    void *memory;
    const struct config_pointee *pointee; /* NULL: nothing hangs on it */
    const void *record;                   /* that holds the pointer to it, for counts; or NULL */
    uint64_t n_elements;
};

struct release {
    const struct freeing_call *call;
    struct marshal_buffer tasks; /* of struct task, the last one is next */
    uint64_t n_looks;
};

static bool add_task(struct release *release, struct task task)
{
    return marshal_buffer_put(&release->tasks, &task, sizeof(task), MARSHAL_MAX_BYTES) == 0;
}

static bool next_task(struct release *release, struct task *ret_task)
{
    if (release->tasks.n_bytes == 0) {
        return false;
    }
    release->tasks.n_bytes -= sizeof(*ret_task);
    memcpy(ret_task, release->tasks.data + release->tasks.n_bytes, sizeof(*ret_task));
    return true;
}

/* ---- what the description says --------------------------------------------------------------- */

static bool is_freed_by(const struct config_lifetime *lifetime, const char *symbol)
{
    return lifetime->kind == LIFETIME_FREED_BY && strcmp(lifetime->freed_by, symbol) == 0;
}

/* There may be pointers in it; not in text and bytes. */
static bool leads_on(const struct config_pointee *pointee)
{
    return pointee != NULL && (pointee->fields != NULL || pointee->target != NULL);
}

/*
 * It is read when what it leads to is followed: that lies in the same block, or is pointers whose
 * elements are counted by members of this record.
 */
static bool is_needed_later(const struct config_pointee *pointee)
{
    const struct config_fields *fields = pointee->fields;

    if (pointee->target != NULL) {
        return pointee->target->lifetime.kind == LIFETIME_HOLDER && leads_on(pointee->target);
    }
    for (uint32_t k = 0; fields != NULL && k < fields->n_fields; k++) {
        const struct config_pointee *behind = &fields->fields[k].pointee;

        if (leads_on(behind->target) ||
            (behind->lifetime.kind == LIFETIME_HOLDER && leads_on(behind))) {
            return true;
        }
    }
    return false;
}

/* The count hangs on nothing but the record that holds the pointer. */
static bool is_counted_by_record(const struct config_count *count)
{
    for (uint32_t i = 0; i < count->n_steps; i++) {
        if (count->steps[i].kind == COUNT_PARAMETER || count->steps[i].kind == COUNT_POINTEE ||
            count->steps[i].kind == COUNT_RETURN) {
            return false;
        }
    }
    return true;
}

/* A count that cannot be told any more is none. */
static uint64_t count_elements(const struct config_pointee *pointee, const void *record,
                               void *const *list)
{
    static const struct config_function none; /* whose arguments are not asked for */
    uint64_t n = 0;
    int64_t count;

    if (pointee->kind == POINTEE_LIST) {
        while (n < MAX_ELEMENTS && list[n] != NULL) {
            n++;
        }
        return n;
    }
    if (!is_counted_by_record(&pointee->count) ||
        marshal_count_of(&none, &pointee->count, NULL, NULL, record, &count) != 0) {
        return 0;
    }
    return (uint64_t)count > MAX_ELEMENTS ? 0 : (uint64_t)count;
}

/* ---- pointers within memory ------------------------------------------------------------------ */

/* A pointer in that memory, at *at; record: what its counts are about. */
typedef void (*meet_fn)(struct release *release, const void *record, void **at,
                        const struct config_pointee *pointee);

static void meet_all(struct release *release, const struct task *task, meet_fn meet)
{
    const struct config_pointee *pointee = task->pointee;
    size_t size = pointee->target != NULL ? sizeof(void *) : pointee->element_size;

    for (uint64_t i = 0; i < task->n_elements; i++) {
        char *element = (char *)task->memory + i * size;

        if (pointee->target != NULL) {
            meet(release, task->record, (void **)element, pointee->target);
        }
        for (uint32_t k = 0; pointee->fields != NULL && k < pointee->fields->n_fields; k++) {
            const struct config_field *field = &pointee->fields->fields[k];

            meet(release, element, (void **)(element + field->offset_bytes), &field->pointee);
        }
    }
}

static struct task task_of(enum task_kind kind, const void *record, void *memory,
                           const struct config_pointee *pointee)
{
    return (struct task){kind, memory, pointee, record,
                         leads_on(pointee) ? count_elements(pointee, record, (void *const *)memory)
                                           : 0};
}

/* One of ours, and of this function's. */
static bool take(const struct release *release, void *block, struct handed_out *ret_block)
{
    if (!handed_out_take(block, ret_block)) {
        return false;
    }
    if (!is_freed_by(ret_block->lifetime, release->call->symbol)) {
        handed_out_add(NULL, ret_block->lifetime, ret_block->pointee, block, ret_block->n_elements);
        return false;
    }
    return true;
}

static void free_taken(struct release *release, const void *record, void *block,
                       const struct handed_out *taken)
{
    add_task(release, (struct task){TASK_FREE, block, taken->pointee, record,
                                    leads_on(taken->pointee) ? taken->n_elements : 0});
}

/* In memory that is ours. */
static void meet_freed(struct release *release, const void *record, void **at,
                       const struct config_pointee *pointee)
{
    struct handed_out taken;
    void *memory = *at;

    if (memory == NULL) {
        return;
    }
    if (is_freed_by(&pointee->lifetime, release->call->symbol)) {
        if (take(release, memory, &taken)) {
            free_taken(release, record, memory, &taken);
        } else if (add_task(release, (struct task){.kind = TASK_GIVE_UP, .memory = memory}) &&
                   leads_on(pointee)) {
            add_task(release, task_of(TASK_LOOK, record, memory, pointee));
        }
    } else if (pointee->lifetime.kind == LIFETIME_CALLER) {
        add_task(release, task_of(TASK_FREE, record, memory, pointee));
    } else if (pointee->lifetime.kind == LIFETIME_HOLDER && leads_on(pointee)) {
        add_task(release, task_of(TASK_FOLLOW, record, memory, pointee));
    }
}

/* In memory that is not. */
static void meet_looked_at(struct release *release, const void *record, void **at,
                           const struct config_pointee *pointee)
{
    bool is_freed = is_freed_by(&pointee->lifetime, release->call->symbol);
    struct handed_out taken;
    void *memory = *at;

    if (memory == NULL) {
        return;
    }
    if (is_freed && take(release, memory, &taken)) {
        *at = NULL;
        free_taken(release, record, memory, &taken);
    } else if ((is_freed || pointee->lifetime.kind == LIFETIME_HOLDER) && leads_on(pointee)) {
        add_task(release, task_of(TASK_LOOK, record, memory, pointee));
    }
}

/* ---- the work -------------------------------------------------------------------------------- */

static void do_task(struct release *release, const struct task *task)
{
    switch (task->kind) {
    case TASK_FREE:
        if (leads_on(task->pointee) && is_needed_later(task->pointee)) {
            /* Below what it leads to: not freed before that has been followed. */
            if (add_task(release, (struct task){.kind = TASK_RELEASE, .memory = task->memory})) {
                meet_all(release, task, meet_freed);
            }
            break;
        }
        if (leads_on(task->pointee)) {
            meet_all(release, task, meet_freed);
        }
        release->call->release(task->memory);
        break;
    case TASK_FOLLOW:
        meet_all(release, task, meet_freed);
        break;
    case TASK_RELEASE:
        release->call->release(task->memory);
        break;
    case TASK_LOOK:
        if (release->n_looks++ < MAX_LOOKS && handed_out_count() > 0) {
            meet_all(release, task, meet_looked_at);
        }
        break;
    case TASK_GIVE_UP:
        release->call->give_to_real(release->call->context, task->memory);
        break;
    }
}

bool freeing_release(const struct freeing_call *call, void *block)
{
    struct release release = {.call = call};
    struct handed_out taken;
    struct task task;
    bool is_ours;

    if (block == NULL || handed_out_count() == 0) {
        return false;
    }
    marshal_buffer_init(&release.tasks, false);
    is_ours = take(&release, block, &taken);
    if (is_ours) {
        free_taken(&release, NULL, block, &taken);
    } else if (leads_on(call->pointee)) {
        add_task(&release, task_of(TASK_LOOK, NULL, block, call->pointee));
    }
    while (next_task(&release, &task)) {
        do_task(&release, &task);
    }
    marshal_buffer_fini(&release.tasks);
    return is_ours;
}

/* ---- beforehand ------------------------------------------------------------------------------ */

/* The walk of freeing_can_follow: each record's fields once. */
struct check {
    const struct config_fields *seen[CONFIG_MAX_RECORDS];
    uint32_t n_seen;
};

static bool can_follow(struct check *check, const struct config_pointee *pointee, bool is_block)
{
    const struct config_fields *fields = pointee->fields;

    if (!leads_on(pointee)) {
        return true;
    }
    /* Of blocks that are out it is known how many elements they have. */
    if (!is_block && pointee->kind == POINTEE_ELEMENTS && !is_counted_by_record(&pointee->count)) {
        return false;
    }
    if (pointee->target != NULL) {
        return can_follow(check, pointee->target,
                          pointee->target->lifetime.kind == LIFETIME_FREED_BY);
    }
    for (uint32_t i = 0; i < check->n_seen; i++) {
        if (check->seen[i] == fields) {
            return true;
        }
    }
    if (check->n_seen == CONFIG_MAX_RECORDS) {
        return false;
    }
    check->seen[check->n_seen++] = fields;
    for (uint32_t k = 0; k < fields->n_fields; k++) {
        const struct config_pointee *behind = &fields->fields[k].pointee;
        enum lifetime_kind kind = behind->lifetime.kind;

        if ((kind == LIFETIME_FREED_BY || kind == LIFETIME_CALLER || kind == LIFETIME_HOLDER) &&
            !can_follow(check, behind, kind == LIFETIME_FREED_BY)) {
            return false;
        }
    }
    return true;
}

bool freeing_can_follow(const struct config_pointee *pointee)
{
    struct check check = {.n_seen = 0};

    return pointee == NULL || can_follow(&check, pointee, true);
}
