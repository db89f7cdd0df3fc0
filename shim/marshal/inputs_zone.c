// SPDX-License-Identifier: MIT
/*
 * The time zone as a part of keys: the one that libc holds, TZ and TZDIR, and the state of the file
 * that they name.
 */
#include "base/clock.h"
#include "base/environment.h"
#include "marshal/inputs.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Written by input_zone_init: when this process, or the one it was forked from, began. */
static struct timespec began;

void input_zone_init(void)
{
    began = clock_wall();
}

/* TZ and TZDIR, in one walk through the environment, which is walked at each call. */
static inline void find_variables(const char **ret_zone, const char **ret_folder)
{
    *ret_zone = *ret_folder = NULL;
    for (char *const *at = environ; at != NULL && *at != NULL; at++) {
        if ((*at)[0] != 'T' || (*at)[1] != 'Z') {
            continue;
        }
        if ((*at)[2] == '=' && *ret_zone == NULL) {
            *ret_zone = *at + 3;
        } else if (strncmp(*at, "TZDIR=", 6) == 0 && *ret_folder == NULL) {
            *ret_folder = *at + 6;
        }
    }
}

/*
 * The path of the file that glibc's tzset looks for, in scratch memory behind the buffer's bytes;
 * NULL: it looks for none. Any value of TZ is a file first, and a rule only when there is none.
 */
static int find_file(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                     const char *zone, const char *folder, char **ret_path)
{
    size_t n_zone, n_folder;
    unsigned char *at;
    int error;

    *ret_path = NULL;
    if (zone == NULL) {
        zone = "/etc/localtime";
    } else if (*zone == '\0') {
        zone = "Universal";
    } else if (*zone == ':') {
        zone++;
    }
    if (*zone == '\0') {
        return 0;
    }
    if (folder == NULL || *folder == '\0') {
        folder = "/usr/share/zoneinfo";
    }
    n_zone = strlen(zone);
    n_folder = *zone == '/' ? 0 : strlen(folder) + 1;
    error = input_extend_for_now(plan, buffer, n_folder + n_zone + 1, &at);
    if (error != 0) {
        return error;
    }
    if (n_folder > 0) {
        memcpy(at, folder, n_folder - 1);
        at[n_folder - 1] = '/';
    }
    memcpy(at + n_folder, zone, n_zone + 1);
    *ret_path = (char *)at;
    return 0;
}

/*
 * The zone that libc holds, which is another than TZ names until the next tzset. A function that
 * changes it is not answered from memory then, as others go by it (localtime_r). The names are
 * libc's for good, so their addresses do.
 */
static void read_held(uint64_t ret_held[MARSHAL_HELD_ZONE_WORDS])
{
    ret_held[0] = (uintptr_t)tzname[0];
    ret_held[1] = (uintptr_t)tzname[1];
    ret_held[2] = (uint64_t)timezone;
    ret_held[3] = (uint64_t)daylight;
}

/* It came, or was changed, in this process's time. */
static bool is_new(const struct file_state *state)
{
    return state->error == 0 && file_state_age_ns(state, began) < (int64_t)clock_coarse_lag_ns();
}

/*
 * The same of a file, or of a link that leads to it, perhaps to another than before. While TZ stays
 * what it is, libc does not look again: nobody can tell then which content it holds.
 */
static bool has_changed(const char *path, const struct file_state *state)
{
    struct file_state link;

    if (state->error != 0) {
        return false;
    }
    link = file_state_read_link(path);
    return is_new(state) || is_new(&link);
}

int input_put_zone(const struct marshal_plan *plan, struct marshal_buffer *buffer)
{
    uint64_t held[MARSHAL_HELD_ZONE_WORDS];
    const char *zone, *folder;
    struct file_state state;
    bool is_unclear = false;
    size_t n_bytes;
    char *path;
    int error;

    read_held(held);
    find_variables(&zone, &folder);
    error = input_put_bytes(plan, buffer, held, sizeof(held));
    error = error != 0 ? error : input_put_variable(plan, buffer, zone);
    error = error != 0 ? error : input_put_variable(plan, buffer, folder);
    if (error != 0) {
        return error;
    }
    n_bytes = buffer->n_bytes;
    error = find_file(plan, buffer, zone, folder, &path);
    if (error == 0 && path != NULL) {
        error = input_look(path, &state);
        is_unclear = zone != NULL && has_changed(path, &state);
    }
    buffer->n_bytes = n_bytes;
    if (error != 0) {
        return error;
    }
    if (path == NULL) {
        return input_put_bytes(plan, buffer, "n", 1);
    }
    if (is_unclear) {
        return -EAGAIN;
    }
    error = input_put_bytes(plan, buffer, "Z", 1);
    return error != 0 ? error : input_put_state(plan, buffer, &state);
}

/* The zone but for its file is what stands at `at`: returns where that stands, or NULL. */
static inline const unsigned char *match(const unsigned char *at, const char **ret_zone,
                                         const char **ret_folder)
{
    uint64_t held[MARSHAL_HELD_ZONE_WORDS], known[MARSHAL_HELD_ZONE_WORDS], differs = 0;
    read_held(held);
    memcpy(known, at, sizeof(known));
    for (uint32_t i = 0; i < MARSHAL_HELD_ZONE_WORDS; i++) {
        differs |= held[i] ^ known[i];
    }
    if (differs != 0) {
        return NULL;
    }
    find_variables(ret_zone, ret_folder);
    at = input_match_variable(at + sizeof(held), *ret_zone);
    return at == NULL ? NULL : input_match_variable(at, *ret_folder);
}

const unsigned char *input_match_zone(const unsigned char *at)
{
    const char *zone, *folder;

    at = match(at, &zone, &folder);
    return at == NULL ? NULL : at + (*at == 'Z' ? 1 + MARSHAL_STATE_BYTES : 1);
}

const unsigned char *input_look_at_zone(const struct marshal_plan *plan, const unsigned char *at)
{
    struct marshal_buffer buffer;
    const char *zone, *folder;
    char *path;

    at = match(at, &zone, &folder);
    if (at == NULL || *at != 'Z') {
        return at == NULL ? NULL : at + 1;
    }
    marshal_buffer_init(&buffer, false);
    at = find_file(plan, &buffer, zone, folder, &path) == 0 && path != NULL
             ? input_look_at(at + 1, path)
             : NULL;
    marshal_buffer_fini(&buffer);
    return at;
}
