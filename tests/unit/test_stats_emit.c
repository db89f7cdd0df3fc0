// SPDX-License-Identifier: MIT
/* What each of the three formats says about one picture, byte for byte, and the parts they use. */
#include "unit.h"

#include "stats/format.h"
#include "stats_subject.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>

struct functions {
    const struct stats_function *functions;
    size_t n_read; /* each is read once, in order */
};

static void read_function(void *context, size_t i, struct stats_function *ret_function)
{
    struct functions *functions = context;

    assert_int_equal(i, functions->n_read++);
    *ret_function = functions->functions[i];
}

/* A list that ends with an object without name. */
static const void *next_importer(const void *importers, const void *importer,
                                 struct stats_importer *ret_importer)
{
    const struct stats_importer *next =
        importer == NULL ? importers : (const struct stats_importer *)importer + 1;

    *ret_importer = *next;
    return next->object != NULL ? next : NULL;
}

static const char *emit(struct stats_snapshot *snapshot, enum stats_format format,
                        const struct stats_function *functions, size_t n_functions)
{
    static struct text text;
    const struct stats_sink sink = {append, &text};
    struct functions context = {functions, 0};

    snapshot->read_function = read_function;
    snapshot->next_importer = next_importer;
    snapshot->context = &context;
    snapshot->n_functions = n_functions;
    text = (struct text){.n_bytes = 0};
    errno = 4321;
    assert_int_equal(stats_emit(snapshot, format, &sink), 0);
    assert_int_equal(errno, 4321);
    assert_int_equal(context.n_read, n_functions);
    return text.bytes;
}

static const struct stats_importer pow_importers[] = {
    {.object = "nginx", .path = "/usr/sbin/nginx", .plt = 7, .got = 1},
    {.object = "l\"x.so",
     .path = "/l\"x.so",
     .pointers = 2,
     .copied = 1,
     .unaligned = 3,
     .sealed = 4},
    {.object = NULL},
};

/* The example of the specification, a function with everything, and one that was refused. */
static struct stats_function example[4];
static struct stats_snapshot example_snapshot;

static int make_example(void **state)
{
    struct stats_counters *crypt = new_counters(), *pow = new_counters();

    stats_add(crypt, STATS_hits, 97);
    stats_add(crypt, STATS_misses, 3);
    stats_add(crypt, STATS_stores, 2);
    stats_add(crypt, STATS_not_stored, 1);
    stats_add_real_ns(crypt, 60800000);
    stats_add_real_ns(crypt, 60700000);
    stats_add_real_ns(crypt, 61500000);
    example[0] = (struct stats_function){.name = "crypt_r",
                                         .mode = "memoize",
                                         .policy = "lru",
                                         .library = "libcrypt.so.1",
                                         .path = "/lib/libcrypt.so.1",
                                         .version = "XCRYPT_2.0",
                                         .hooked_slots = 1,
                                         .counters = crypt,
                                         .entries = 2,
                                         .max_entries = 4096,
                                         .bytes = 912,
                                         .max_bytes = 67108864};
    for (unsigned i = 0; i < STATS_COUNTER_COUNT; i++) {
        stats_add(pow, (enum stats_counter)i, 11000000000 + i);
    }
    for (unsigned i = 0; i < STATS_BYPASS_COUNT; i++) {
        stats_add_bypass(pow, (enum stats_bypass)i);
    }
    stats_add_real_ns(pow, 45);
    example[1] = (struct stats_function){.name = "pow@GLIBC_2.29 (libm.so.6)",
                                         .mode = "memoize",
                                         .policy = "lru",
                                         .hooked_slots = 12,
                                         .later_slots = 1,
                                         .unexported = "it has two versions",
                                         .readable = "pow(double, double)",
                                         .importers = pow_importers,
                                         .counters = pow,
                                         .reentries = 6,
                                         .evictions = 1,
                                         .expirations = 2,
                                         .invalidations = 3,
                                         .entries = 65536,
                                         .max_entries = 65536,
                                         .bytes = 6291456,
                                         .max_bytes = 67108864,
                                         .refused = "the object plugin.so keeps its RELRO closed"};
    example[2] = (struct stats_function){
        .name = "j0", .readable = "j0(double)", .refused = "imported by nobody"};
    example[3] = (struct stats_function){.name = "j1", .mode = "off", .policy = "lru"};
    example_snapshot = (struct stats_snapshot){.program = "nginx",
                                               .pid = 4711,
                                               .time_s = 1769860800,
                                               .uptime_ns = 12500000000,
                                               .notes = {"the program replaced the handler"}};
    return 0;
}

static int free_example(void **state)
{
    for (size_t i = 0; i < sizeof(example) / sizeof(example[0]); i++) {
        free((struct stats_counters *)example[i].counters);
    }
    return 0;
}

static const char expected_text[] =
    "memoshim " MEMOSHIM_VERSION ": nginx (pid 4711), up 12.5 s, 2026-01-31T12:00:00Z\n"
    "function  calls   hits  hit %  misses  stores  entries    memory  real call   saved\n"
    "crypt_r     100     97   97.0       3       2        2     912 B    61.0 ms  5.92 s\n"
    "pow@GLIBC_2.29 (libm.so.6)\n"
    "          33.0G  11.0G   33.3   11.0G   11.0G    65536  6.00 MiB      45 ns    0 ns\n"
    "j1            0      0    0.0       0       0        0       0 B          -    0 ns\n"
    "\n"
    "crypt_r   not_stored 1\n"
    "pow@GLIBC_2.29 (libm.so.6)\n"
    "          is pow(double, double)\n"
    "          would have saved 8.25 min\n"
    "          not_stored 11000000003, evictions 1, expirations 2, invalidations 3, waits "
    "11000000004,\n"
    "          stale 11000000006, refreshes 11000000007, verified 11000000008, mismatches "
    "11000000009,\n"
    "          would_hit 11000000010, l2_hits 11000000011, l2_misses 11000000012, l2_errors "
    "11000000013\n"
    "          bypasses 11000000026: reentry 7, recursion 1, no_wait 1, timeout 1, stuck 1, off "
    "1,\n"
    "          unfollowed 1, rounding 1, unsupported 1, cycle 1, too_large 1, room 1, "
    "unsettled 1,\n"
    "          no_memory 1, probe 1\n"
    "          limits: the object plugin.so keeps its RELRO closed\n"
    "j0        is j0(double)\n"
    "          not hooked: imported by nobody\n"
    "j1        mode off\n"
    "note:     the program replaced the handler\n";

static const char expected_json[] =
    "{\n"
    "  \"memoshim\": \"" MEMOSHIM_VERSION "\",\n"
    "  \"pid\": 4711,\n"
    "  \"program\": \"nginx\",\n"
    "  \"time\": \"2026-01-31T12:00:00Z\",\n"
    "  \"uptime_s\": 12.5,\n"
    "  \"functions\": {\n"
    "    \"crypt_r\": {\n"
    "      \"mode\": \"memoize\",\n"
    "      \"policy\": \"lru\",\n"
    "      \"hooked_slots\": 1,\n"
    "      \"library\": \"libcrypt.so.1\",\n"
    "      \"path\": \"/lib/libcrypt.so.1\",\n"
    "      \"version\": \"XCRYPT_2.0\",\n"
    "      \"later_slots\": 0,\n"
    "      \"exported\": true,\n"
    "      \"importers\": [],\n"
    "      \"calls\": 100,\n"
    "      \"hits\": 97,\n"
    "      \"misses\": 3,\n"
    "      \"hit_ratio\": 0.97,\n"
    "      \"stores\": 2,\n"
    "      \"not_stored\": 1,\n"
    "      \"evictions\": 0,\n"
    "      \"expirations\": 0,\n"
    "      \"invalidations\": 0,\n"
    "      \"waits\": 0,\n"
    "      \"bypasses\": 0,\n"
    "      \"stale\": 0,\n"
    "      \"refreshes\": 0,\n"
    "      \"verified\": 0,\n"
    "      \"mismatches\": 0,\n"
    "      \"would_hit\": 0,\n"
    "      \"rests\": 0,\n"
    "      \"probes\": 0,\n"
    "      \"resting\": 0,\n"
    "      \"entries\": 2,\n"
    "      \"max_entries\": 4096,\n"
    "      \"bytes\": 912,\n"
    "      \"max_bytes\": 67108864,\n"
    "      \"instances\": 0,\n"
    "      \"l2_hits\": 0,\n"
    "      \"l2_misses\": 0,\n"
    "      \"l2_errors\": 0,\n"
    "      \"real_ns\": { \"count\": 3, \"mean\": 61000000, \"p50\": 60817408, \"p99\": "
    "60817408 },\n"
    "      \"saved_s\": 5.917\n"
    "    },\n"
    "    \"pow@GLIBC_2.29 (libm.so.6)\": {\n"
    "      \"mode\": \"memoize\",\n"
    "      \"policy\": \"lru\",\n"
    "      \"hooked_slots\": 12,\n"
    "      \"library\": null,\n"
    "      \"path\": null,\n"
    "      \"version\": null,\n"
    "      \"demangled\": \"pow(double, double)\",\n"
    "      \"later_slots\": 1,\n"
    "      \"exported\": false,\n"
    "      \"not_exported\": \"it has two versions\",\n"
    "      \"importers\": [\n"
    "        { \"object\": \"nginx\", \"path\": \"/usr/sbin/nginx\", \"plt\": 7, \"got\": 1, "
    "\"pointers\": 0, \"copied\": 0, \"unaligned\": 0, \"sealed\": 0 },\n"
    "        { \"object\": \"l\\\"x.so\", \"path\": \"/l\\\"x.so\", \"plt\": 0, \"got\": 0, "
    "\"pointers\": 2, \"copied\": 1, \"unaligned\": 3, \"sealed\": 4 }\n"
    "      ],\n"
    "      \"calls\": 33000000027,\n"
    "      \"hits\": 11000000000,\n"
    "      \"misses\": 11000000001,\n"
    "      \"hit_ratio\": 0.3333,\n"
    "      \"stores\": 11000000002,\n"
    "      \"not_stored\": 11000000003,\n"
    "      \"evictions\": 1,\n"
    "      \"expirations\": 2,\n"
    "      \"invalidations\": 3,\n"
    "      \"waits\": 11000000004,\n"
    "      \"bypasses\": 11000000026,\n"
    "      \"stale\": 11000000006,\n"
    "      \"refreshes\": 11000000007,\n"
    "      \"verified\": 11000000008,\n"
    "      \"mismatches\": 11000000009,\n"
    "      \"would_hit\": 11000000010,\n"
    "      \"rests\": 0,\n"
    "      \"probes\": 0,\n"
    "      \"resting\": 0,\n"
    "      \"entries\": 65536,\n"
    "      \"max_entries\": 65536,\n"
    "      \"bytes\": 6291456,\n"
    "      \"max_bytes\": 67108864,\n"
    "      \"instances\": 0,\n"
    "      \"l2_hits\": 11000000011,\n"
    "      \"l2_misses\": 11000000012,\n"
    "      \"l2_errors\": 11000000013,\n"
    "      \"real_ns\": { \"count\": 1, \"mean\": 45, \"p50\": 46, \"p99\": 46 },\n"
    "      \"bypass_reasons\": { \"reentry\": 7, \"recursion\": 1, \"no_wait\": 1, "
    "\"timeout\": 1, \"stuck\": 1, \"off\": 1, \"unfollowed\": 1, "
    "\"rounding\": 1, \"unsupported\": 1, "
    "\"cycle\": 1, \"too_large\": 1, \"room\": 1, \"unsettled\": 1, \"no_memory\": 1, "
    "\"probe\": 1 },\n"
    "      \"limits\": \"the object plugin.so keeps its RELRO closed\",\n"
    "      \"saved_s\": 0,\n"
    "      \"would_save_s\": 495\n"
    "    },\n"
    "    \"j1\": {\n"
    "      \"mode\": \"off\",\n"
    "      \"policy\": \"lru\",\n"
    "      \"hooked_slots\": 0,\n"
    "      \"library\": null,\n"
    "      \"path\": null,\n"
    "      \"version\": null,\n"
    "      \"calls\": 0,\n"
    "      \"hits\": 0,\n"
    "      \"misses\": 0,\n"
    "      \"hit_ratio\": 0,\n"
    "      \"stores\": 0,\n"
    "      \"not_stored\": 0,\n"
    "      \"evictions\": 0,\n"
    "      \"expirations\": 0,\n"
    "      \"invalidations\": 0,\n"
    "      \"waits\": 0,\n"
    "      \"bypasses\": 0,\n"
    "      \"stale\": 0,\n"
    "      \"refreshes\": 0,\n"
    "      \"verified\": 0,\n"
    "      \"mismatches\": 0,\n"
    "      \"would_hit\": 0,\n"
    "      \"rests\": 0,\n"
    "      \"probes\": 0,\n"
    "      \"resting\": 0,\n"
    "      \"entries\": 0,\n"
    "      \"max_entries\": 0,\n"
    "      \"bytes\": 0,\n"
    "      \"max_bytes\": 0,\n"
    "      \"instances\": 0,\n"
    "      \"l2_hits\": 0,\n"
    "      \"l2_misses\": 0,\n"
    "      \"l2_errors\": 0,\n"
    "      \"real_ns\": { \"count\": 0, \"mean\": 0, \"p50\": 0, \"p99\": 0 },\n"
    "      \"saved_s\": 0\n"
    "    }\n"
    "  },\n"
    "  \"not_hooked\": {\n"
    "    \"j0\": \"imported by nobody\"\n"
    "  },\n"
    "  \"notes\": [\n"
    "    \"the program replaced the handler\"\n"
    "  ]\n"
    "}\n";

static const char expected_prometheus[] =
    "# HELP memoshim_info Version of memoshim and the program it runs in.\n"
    "# TYPE memoshim_info gauge\n"
    "memoshim_info{version=\"" MEMOSHIM_VERSION "\",program=\"nginx\",pid=\"4711\"} 1\n"
    "# HELP memoshim_uptime_seconds Seconds since memoshim started in this process.\n"
    "# TYPE memoshim_uptime_seconds gauge\n"
    "memoshim_uptime_seconds 12.5\n"
    "# HELP memoshim_hooked_slots Slots through which calls reach memoshim.\n"
    "# TYPE memoshim_hooked_slots gauge\n"
    "memoshim_hooked_slots{function=\"crypt_r\",mode=\"memoize\",policy=\"lru\","
    "library=\"libcrypt.so.1\"} 1\n"
    "memoshim_hooked_slots{function=\"pow@GLIBC_2.29 (libm.so.6)\",mode=\"memoize\","
    "policy=\"lru\",library=\"\"} 12\n"
    "memoshim_hooked_slots{function=\"j1\",mode=\"off\",policy=\"lru\",library=\"\"} 0\n"
    "# HELP memoshim_calls_total Calls of the function: hits + misses + bypasses.\n"
    "# TYPE memoshim_calls_total counter\n"
    "memoshim_calls_total{function=\"crypt_r\"} 100\n"
    "memoshim_calls_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 33000000027\n"
    "memoshim_calls_total{function=\"j1\"} 0\n"
    "# HELP memoshim_hits_total Calls answered without the real function.\n"
    "# TYPE memoshim_hits_total counter\n"
    "memoshim_hits_total{function=\"crypt_r\"} 97\n"
    "memoshim_hits_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000000\n"
    "memoshim_hits_total{function=\"j1\"} 0\n"
    "# HELP memoshim_misses_total Calls for which the real function ran to fill, or try to "
    "fill, an entry.\n"
    "# TYPE memoshim_misses_total counter\n"
    "memoshim_misses_total{function=\"crypt_r\"} 3\n"
    "memoshim_misses_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000001\n"
    "memoshim_misses_total{function=\"j1\"} 0\n"
    "# HELP memoshim_hit_ratio Hits divided by calls, 0 without calls.\n"
    "# TYPE memoshim_hit_ratio gauge\n"
    "memoshim_hit_ratio{function=\"crypt_r\"} 0.97\n"
    "memoshim_hit_ratio{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 0.3333\n"
    "memoshim_hit_ratio{function=\"j1\"} 0\n"
    "# HELP memoshim_stores_total Results that were stored.\n"
    "# TYPE memoshim_stores_total counter\n"
    "memoshim_stores_total{function=\"crypt_r\"} 2\n"
    "memoshim_stores_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000002\n"
    "memoshim_stores_total{function=\"j1\"} 0\n"
    "# HELP memoshim_not_stored_total Results that a condition, a size or an invalidation "
    "kept out.\n"
    "# TYPE memoshim_not_stored_total counter\n"
    "memoshim_not_stored_total{function=\"crypt_r\"} 1\n"
    "memoshim_not_stored_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000003\n"
    "memoshim_not_stored_total{function=\"j1\"} 0\n"
    "# HELP memoshim_evictions_total Entries that had to make room for others.\n"
    "# TYPE memoshim_evictions_total counter\n"
    "memoshim_evictions_total{function=\"crypt_r\"} 0\n"
    "memoshim_evictions_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 1\n"
    "memoshim_evictions_total{function=\"j1\"} 0\n"
    "# HELP memoshim_expirations_total Entries that were dropped because their life had ended.\n"
    "# TYPE memoshim_expirations_total counter\n"
    "memoshim_expirations_total{function=\"crypt_r\"} 0\n"
    "memoshim_expirations_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 2\n"
    "memoshim_expirations_total{function=\"j1\"} 0\n"
    "# HELP memoshim_invalidations_total Entries that were dropped by an invalidation.\n"
    "# TYPE memoshim_invalidations_total counter\n"
    "memoshim_invalidations_total{function=\"crypt_r\"} 0\n"
    "memoshim_invalidations_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 3\n"
    "memoshim_invalidations_total{function=\"j1\"} 0\n"
    "# HELP memoshim_waits_total Hits that waited for another thread to compute the same key.\n"
    "# TYPE memoshim_waits_total counter\n"
    "memoshim_waits_total{function=\"crypt_r\"} 0\n"
    "memoshim_waits_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000004\n"
    "memoshim_waits_total{function=\"j1\"} 0\n"
    "# HELP memoshim_bypasses_total Calls that went to the real function with no cache involved.\n"
    "# TYPE memoshim_bypasses_total counter\n"
    "memoshim_bypasses_total{function=\"crypt_r\"} 0\n"
    "memoshim_bypasses_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000026\n"
    "memoshim_bypasses_total{function=\"j1\"} 0\n"
    "# HELP memoshim_stale_total Misses answered by an expired entry because the real call "
    "failed.\n"
    "# TYPE memoshim_stale_total counter\n"
    "memoshim_stale_total{function=\"crypt_r\"} 0\n"
    "memoshim_stale_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000006\n"
    "memoshim_stale_total{function=\"j1\"} 0\n"
    "# HELP memoshim_refreshes_total Misses that recomputed an entry before its life ended.\n"
    "# TYPE memoshim_refreshes_total counter\n"
    "memoshim_refreshes_total{function=\"crypt_r\"} 0\n"
    "memoshim_refreshes_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000007\n"
    "memoshim_refreshes_total{function=\"j1\"} 0\n"
    "# HELP memoshim_verified_total Hits whose real call gave the remembered answer.\n"
    "# TYPE memoshim_verified_total counter\n"
    "memoshim_verified_total{function=\"crypt_r\"} 0\n"
    "memoshim_verified_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000008\n"
    "memoshim_verified_total{function=\"j1\"} 0\n"
    "# HELP memoshim_mismatches_total Hits whose real call gave another answer.\n"
    "# TYPE memoshim_mismatches_total counter\n"
    "memoshim_mismatches_total{function=\"crypt_r\"} 0\n"
    "memoshim_mismatches_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000009\n"
    "memoshim_mismatches_total{function=\"j1\"} 0\n"
    "# HELP memoshim_would_hit_total Misses that would have been hits, in observe mode.\n"
    "# TYPE memoshim_would_hit_total counter\n"
    "memoshim_would_hit_total{function=\"crypt_r\"} 0\n"
    "memoshim_would_hit_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000010\n"
    "memoshim_would_hit_total{function=\"j1\"} 0\n"
    "# HELP memoshim_rests_total Times that the guard let go of the function, since it did not "
    "pay.\n"
    "# TYPE memoshim_rests_total counter\n"
    "memoshim_rests_total{function=\"crypt_r\"} 0\n"
    "memoshim_rests_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 0\n"
    "memoshim_rests_total{function=\"j1\"} 0\n"
    "# HELP memoshim_probes_total Times that it was hooked again, to see whether it pays.\n"
    "# TYPE memoshim_probes_total counter\n"
    "memoshim_probes_total{function=\"crypt_r\"} 0\n"
    "memoshim_probes_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 0\n"
    "memoshim_probes_total{function=\"j1\"} 0\n"
    "# HELP memoshim_resting 1 while the guard has let go of it: calls are not seen.\n"
    "# TYPE memoshim_resting gauge\n"
    "memoshim_resting{function=\"crypt_r\"} 0\n"
    "memoshim_resting{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 0\n"
    "memoshim_resting{function=\"j1\"} 0\n"
    "# HELP memoshim_entries Entries held now.\n"
    "# TYPE memoshim_entries gauge\n"
    "memoshim_entries{function=\"crypt_r\"} 2\n"
    "memoshim_entries{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 65536\n"
    "memoshim_entries{function=\"j1\"} 0\n"
    "# HELP memoshim_max_entries Bound on the number of entries.\n"
    "# TYPE memoshim_max_entries gauge\n"
    "memoshim_max_entries{function=\"crypt_r\"} 4096\n"
    "memoshim_max_entries{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 65536\n"
    "memoshim_max_entries{function=\"j1\"} 0\n"
    "# HELP memoshim_bytes Bytes held now, bookkeeping included.\n"
    "# TYPE memoshim_bytes gauge\n"
    "memoshim_bytes{function=\"crypt_r\"} 912\n"
    "memoshim_bytes{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 6291456\n"
    "memoshim_bytes{function=\"j1\"} 0\n"
    "# HELP memoshim_max_bytes Bound on the number of bytes.\n"
    "# TYPE memoshim_max_bytes gauge\n"
    "memoshim_max_bytes{function=\"crypt_r\"} 67108864\n"
    "memoshim_max_bytes{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 67108864\n"
    "memoshim_max_bytes{function=\"j1\"} 0\n"
    "# HELP memoshim_instances Values that have a cache of their own now; 0 without "
    "per_instance.\n"
    "# TYPE memoshim_instances gauge\n"
    "memoshim_instances{function=\"crypt_r\"} 0\n"
    "memoshim_instances{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 0\n"
    "memoshim_instances{function=\"j1\"} 0\n"
    "# HELP memoshim_l2_hits_total Hits that came from the second level.\n"
    "# TYPE memoshim_l2_hits_total counter\n"
    "memoshim_l2_hits_total{function=\"crypt_r\"} 0\n"
    "memoshim_l2_hits_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000011\n"
    "memoshim_l2_hits_total{function=\"j1\"} 0\n"
    "# HELP memoshim_l2_misses_total Look-ups that the second level could not answer.\n"
    "# TYPE memoshim_l2_misses_total counter\n"
    "memoshim_l2_misses_total{function=\"crypt_r\"} 0\n"
    "memoshim_l2_misses_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000012\n"
    "memoshim_l2_misses_total{function=\"j1\"} 0\n"
    "# HELP memoshim_l2_errors_total Look-ups and writes at which the second level failed.\n"
    "# TYPE memoshim_l2_errors_total counter\n"
    "memoshim_l2_errors_total{function=\"crypt_r\"} 0\n"
    "memoshim_l2_errors_total{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 11000000013\n"
    "memoshim_l2_errors_total{function=\"j1\"} 0\n"
    "# HELP memoshim_bypass_reasons_total Bypasses by reason.\n"
    "# TYPE memoshim_bypass_reasons_total counter\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"reentry\"} 7\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\","
    "reason=\"recursion\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"no_wait\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"timeout\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"stuck\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"off\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\","
    "reason=\"unfollowed\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"rounding\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\","
    "reason=\"unsupported\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"cycle\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\","
    "reason=\"too_large\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"room\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\","
    "reason=\"unsettled\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\","
    "reason=\"no_memory\"} 1\n"
    "memoshim_bypass_reasons_total{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"probe\"} 1\n"
    "# HELP memoshim_real_seconds Time that real calls took.\n"
    "# TYPE memoshim_real_seconds summary\n"
    "memoshim_real_seconds{function=\"crypt_r\",quantile=\"0.5\"} 0.060817408\n"
    "memoshim_real_seconds{function=\"crypt_r\",quantile=\"0.99\"} 0.060817408\n"
    "memoshim_real_seconds_sum{function=\"crypt_r\"} 0.183\n"
    "memoshim_real_seconds_count{function=\"crypt_r\"} 3\n"
    "memoshim_real_seconds{function=\"pow@GLIBC_2.29 (libm.so.6)\",quantile=\"0.5\"} 0.000000046\n"
    "memoshim_real_seconds{function=\"pow@GLIBC_2.29 (libm.so.6)\",quantile=\"0.99\"} 0.000000046\n"
    "memoshim_real_seconds_sum{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 0.000000045\n"
    "memoshim_real_seconds_count{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 1\n"
    "memoshim_real_seconds_sum{function=\"j1\"} 0\n"
    "memoshim_real_seconds_count{function=\"j1\"} 0\n"
    "# HELP memoshim_saved_seconds Hits that spared a real call, "
    "times the mean of those, less what memoshim took.\n"
    "# TYPE memoshim_saved_seconds gauge\n"
    "memoshim_saved_seconds{function=\"crypt_r\"} 5.917\n"
    "memoshim_saved_seconds{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 0\n"
    "memoshim_saved_seconds{function=\"j1\"} 0\n"
    "# HELP memoshim_would_save_seconds Observed hits, times the mean of the real calls.\n"
    "# TYPE memoshim_would_save_seconds gauge\n"
    "memoshim_would_save_seconds{function=\"pow@GLIBC_2.29 (libm.so.6)\"} 495\n"
    "# HELP memoshim_not_hooked Named functions that could not be hooked.\n"
    "# TYPE memoshim_not_hooked gauge\n"
    "memoshim_not_hooked{function=\"j0\",reason=\"imported by nobody\"} 1\n"
    "# HELP memoshim_limits Hooked functions that are not reached everywhere.\n"
    "# TYPE memoshim_limits gauge\n"
    "memoshim_limits{function=\"pow@GLIBC_2.29 (libm.so.6)\",reason=\"the object plugin.so "
    "keeps its RELRO closed\"} 1\n"
    "# HELP memoshim_note Further remarks.\n"
    "# TYPE memoshim_note gauge\n"
    "memoshim_note{text=\"the program replaced the handler\"} 1\n";

static void test_text(void **state)
{
    assert_string_equal(emit(&example_snapshot, STATS_TEXT, example, 4), expected_text);
}

static void test_json(void **state)
{
    assert_string_equal(emit(&example_snapshot, STATS_JSON, example, 4), expected_json);
}

static void test_many_importers(void **state)
{
    static struct stats_importer many[103];
    struct stats_function function = {
        .name = "f", .mode = "memoize", .policy = "lru", .counters = example[0].counters};
    const char *text;
    unsigned n_shown = 0;

    for (unsigned i = 0; i + 1 < sizeof(many) / sizeof(many[0]); i++) {
        many[i] = (struct stats_importer){.object = "o", .path = "/o", .plt = 1};
    }
    function.importers = many;
    text = emit(&example_snapshot, STATS_JSON, &function, 1);
    for (const char *at = text; (at = strstr(at, "{ \"object\"")) != NULL; at++) {
        n_shown++;
    }
    assert_int_equal(n_shown, 100);
    assert_non_null(strstr(text, "\n      ],\n      \"importers_not_shown\": 2,\n"));
}

static void test_prometheus(void **state)
{
    assert_string_equal(emit(&example_snapshot, STATS_PROMETHEUS, example, 4), expected_prometheus);
}

static void test_no_functions(void **state)
{
    struct stats_snapshot snapshot = {.pid = 1};

    assert_string_equal(emit(&snapshot, STATS_TEXT, NULL, 0),
                        "memoshim " MEMOSHIM_VERSION ":  (pid 1), up 0 ns, 1970-01-01T00:00:00Z\n"
                        "no function is memoized\n");
    assert_string_equal(emit(&snapshot, STATS_JSON, NULL, 0),
                        "{\n"
                        "  \"memoshim\": \"" MEMOSHIM_VERSION "\",\n"
                        "  \"pid\": 1,\n"
                        "  \"program\": \"\",\n"
                        "  \"time\": \"1970-01-01T00:00:00Z\",\n"
                        "  \"uptime_s\": 0,\n"
                        "  \"functions\": {}\n"
                        "}\n");
    /* example[2] was refused: a table without rows is no table. */
    assert_non_null(strstr(emit(&snapshot, STATS_TEXT, example + 2, 1),
                           "no function is memoized\n\nj0        is j0(double)\n"
                           "          not hooked: imported by nobody\n"));
}

/* No line of the table is wider than 100 columns, whatever the names and numbers are. */
static void test_text_fits_100_columns(void **state)
{
    struct stats_counters *counters = new_counters();
    char name[200] = "";
    struct stats_function function = {.name = name,
                                      .mode = "memoize",
                                      .policy = "lru",
                                      .counters = counters,
                                      .entries = UINT64_MAX,
                                      .bytes = UINT64_MAX,
                                      .evictions = UINT64_MAX,
                                      .refused = "one two three four five six seven eight nine ten "
                                                 "eleven twelve thirteen fourteen fifteen sixteen"};
    struct stats_snapshot snapshot = {.program = "p"};

    for (unsigned i = 0; i < STATS_COUNTER_COUNT; i++) {
        stats_add(counters, (enum stats_counter)i, UINT64_MAX / 3);
    }
    stats_add_real_ns(counters, UINT64_MAX);
    for (size_t n = 0; n < 90; n++) {
        const char *line;

        name[n] = 'x';
        line = emit(&snapshot, STATS_TEXT, &function, 1);
        while (*line != '\0') {
            size_t n_bytes = strcspn(line, "\n");

            assert_true(n_bytes <= 100);
            line += n_bytes + 1;
        }
    }
    free(counters);
}

/* What is saved is what is left when memoshim's own part is taken off, and may be less than
 * nothing. */
static void test_savings_are_net(void **state)
{
    struct stats_counters *counters = new_counters();
    struct stats_function function = {.name = "f",
                                      .mode = "memoize",
                                      .policy = "lru",
                                      .counters = counters,
                                      .hit_ps = 50500,
                                      .miss_ps = 100000};
    struct stats_snapshot snapshot = {.program = "p"};

    stats_add(counters, STATS_hits, 1000000);
    stats_add(counters, STATS_misses, 100000);
    stats_add_real_ns(counters, 100);
    /* 0.1 s, less 0.0505 s and 0.01 s */
    assert_non_null(strstr(emit(&snapshot, STATS_JSON, &function, 1), "\"saved_s\": 0.0395\n"));
    function.miss_ps = 1000000;
    assert_non_null(strstr(emit(&snapshot, STATS_JSON, &function, 1), "\"saved_s\": -0.0505\n"));
    assert_non_null(strstr(emit(&snapshot, STATS_TEXT, &function, 1), "-50.5 ms\n"));
    assert_non_null(strstr(emit(&snapshot, STATS_PROMETHEUS, &function, 1),
                           "memoshim_saved_seconds{function=\"f\"} -0.0505\n"));
    free(counters);
}

/* A failing sink is asked once and its error is what comes back. */
static void test_sink_errors(void **state)
{
    static struct text text;
    const struct stats_sink sink = {append, &text};
    const char *whole = expected_prometheus;
    struct functions context = {example, 0};

    example_snapshot.read_function = read_function;
    example_snapshot.context = &context;
    example_snapshot.n_functions = 4;
    text = (struct text){.n_withheld = sizeof(text.bytes) - 5000};
    assert_int_equal(stats_emit(&example_snapshot, STATS_PROMETHEUS, &sink), -ENOSPC);
    assert_true(text.n_bytes < 5000);
    assert_memory_equal(text.bytes, whole, text.n_bytes);
}

/* ---- the parts ------------------------------------------------------------------------------- */

#define FORMATTED(call) \
    (format_init(&out, room, sizeof(room), NULL), (call), room[out.n_used] = '\0', room)

static void test_hostile_names(void **state)
{
    static const char hostile[] = "a\"b\\c\nd\x1b[31m\x7f\t\xc3\xa9\xff\xc0\x80\xed\xa0\x80"
                                  "\xf4\x90\x80\x80\xe2\x82\xc2\x9b\xf0\x9f\x98\x80";
    char room[300];
    struct format out;

    assert_string_equal(
        FORMATTED(format_json_string(&out, hostile)),
        "\"a\\\"b\\\\c\\u000ad\\u001b[31m\\u007f\\u0009\xc3\xa9\\ufffd\\ufffd\\ufffd"
        "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"
        "\xc2\x9b\xf0\x9f\x98\x80\"");
    assert_string_equal(FORMATTED(format_prometheus_label(&out, "a\"b\\c\nd\xff\xc3\xa9")),
                        "\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xc3\xa9\"");
    assert_string_equal(FORMATTED(format_terminal(&out, hostile)),
                        "a\"b\\c?d?[31m??\xc3\xa9?????????????\xf0\x9f\x98\x80");
    assert_int_equal(format_terminal_width(hostile), 29);
    /* Longer than needed, each byte is bad by itself. */
    assert_string_equal(FORMATTED(format_terminal(&out, "\xe0\x80\x80\xf0\x8f\xbf\xbf")),
                        "???????");
    /* A sequence that the end of the text cuts off. */
    assert_string_equal(FORMATTED(format_terminal(&out, "x\xf0\x9f\x98")), "x???");
}

static void test_numbers(void **state)
{
    char room[64];
    struct format out;

    assert_string_equal(FORMATTED(format_unsigned(&out, UINT64_MAX)), "18446744073709551615");
    assert_string_equal(FORMATTED(format_unsigned(&out, 0)), "0");
    assert_string_equal(FORMATTED(format_signed(&out, INT64_MIN)), "-9223372036854775808");
    assert_string_equal(FORMATTED(format_decimal(&out, 0, 4, false)), "0");
    assert_string_equal(FORMATTED(format_decimal(&out, 0, 4, true)), "0.0000");
    assert_string_equal(FORMATTED(format_decimal(&out, 9700, 4, false)), "0.97");
    assert_string_equal(FORMATTED(format_decimal(&out, 1, 19, false)), "0.0000000000000000001");
    assert_string_equal(FORMATTED(format_decimal(&out, UINT64_MAX, 19, false)),
                        "1.8446744073709551615");
    assert_string_equal(FORMATTED(format_decimal(&out, 1200, 0, false)), "1200");
    assert_string_equal(FORMATTED(format_hex(&out, 0x1f, 4)), "001f");
}

static void test_quantities_for_people(void **state)
{
    char room[64];
    struct format out;

    assert_string_equal(FORMATTED(format_duration(&out, 999)), "999 ns");
    assert_string_equal(FORMATTED(format_duration(&out, 1000)), "1.00 us");
    assert_string_equal(FORMATTED(format_duration(&out, 61000000)), "61.0 ms");
    assert_string_equal(FORMATTED(format_duration(&out, 9996000)), "10.0 ms");
    assert_string_equal(FORMATTED(format_duration(&out, 125000000)), "125 ms");
    assert_string_equal(FORMATTED(format_duration(&out, 90000000000)), "1.50 min");
    assert_string_equal(FORMATTED(format_duration(&out, 5400000000000)), "1.50 h");
    assert_string_equal(FORMATTED(format_duration(&out, UINT64_MAX)), "213504 d");
    assert_string_equal(FORMATTED(format_size(&out, 1023)), "1023 B");
    assert_string_equal(FORMATTED(format_size(&out, 98304)), "96.0 KiB");
    assert_string_equal(FORMATTED(format_size(&out, 64 << 20)), "64.0 MiB");
    assert_string_equal(FORMATTED(format_count(&out, 9999999)), "9999999");
    assert_string_equal(FORMATTED(format_count(&out, 12345678)), "12.3M");
}

/* Against libc's own arithmetic, over the leap years and centuries of the range. */
static void test_utc(void **state)
{
    char room[64], expected[64];
    struct format out;

    for (int64_t s = -62167219200; s <= 253402300799; s += 86400 * 13 + 4561) {
        time_t time_s = s;
        struct tm tm;

        gmtime_r(&time_s, &tm);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(FORMATTED(format_utc(&out, s)), expected);
    }
    assert_string_equal(FORMATTED(format_utc(&out, INT64_MAX)), "9999-12-31T23:59:59Z");
    assert_string_equal(FORMATTED(format_utc(&out, INT64_MIN)), "0000-01-01T00:00:00Z");
    assert_string_equal(FORMATTED(format_utc(&out, 951782400)), "2000-02-29T00:00:00Z");
}

#define WITH_EXAMPLE(test) cmocka_unit_test_setup_teardown(test, make_example, free_example)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_EXAMPLE(test_text),
        WITH_EXAMPLE(test_json),
        WITH_EXAMPLE(test_prometheus),
        WITH_EXAMPLE(test_many_importers),
        WITH_EXAMPLE(test_no_functions),
        WITH_EXAMPLE(test_savings_are_net),
        WITH_EXAMPLE(test_sink_errors),
        cmocka_unit_test(test_text_fits_100_columns),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_quantities_for_people),
        cmocka_unit_test(test_utc),
    };

    return cmocka_run_group_tests_name("stats_emit", tests, NULL, NULL);
}
