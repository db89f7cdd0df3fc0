// SPDX-License-Identifier: MIT
/* A configuration that a test writes as text, loaded into memory that sanitizers watch. */
#ifndef TESTS_CONFIG_LOAD_H
#define TESTS_CONFIG_LOAD_H

#include "unit.h"

#include "config/language.h"
#include "config_memory.h"

static struct test_memory memory;
static struct config_model model;
static struct diagnostic_list list;

static inline int load_text(const char *text)
{
    struct config_memory source = test_memory_init(&memory);

    diagnostics_init(&list, source);
    return config_load("test.json", text, strlen(text), source, &model, &list);
}

static inline void load_good(const char *text)
{
    char output[4096];

    if (load_text(text) != 0) {
        diagnostics_print(&list, output, sizeof(output));
        fail_msg("%s", output);
    }
}

#define LOAD_ENTRY(entry) load_good("{\"version\":1,\"functions\":{" entry "}}")

#endif
