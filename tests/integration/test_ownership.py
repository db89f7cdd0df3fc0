# SPDX-License-Identifier: MIT
"""Who owns what is handed out: for each way there is a program that would crash, leak or read what
is no longer there if a hit did it otherwise than the real function.

The oracle is the same program without memoshim; its malloc counts the blocks that are in use, and
ASan and valgrind look at what it does with them.
"""

import subprocess

import case

TYPES = [
    "struct own_user { char *name; int id; char **groups; };",
    "struct own_time { int hour, minute; const char *zone; };",
    "struct own_line { char *text; long double weight; };",
    "struct own_report { int n_lines; char *title; struct own_line *lines; };",
    "struct own_node { int id; char *text; struct own_node *next; };",
]


def freed_by(function):
    return {"freed_by": function}


USER_FIELDS = {"struct own_user": {"name": "string", "groups": {"in": {"list": "string"}}}}
TIME_FIELDS = {"struct own_time": {"zone": {"out": "string", "lifetime": "immortal"}}}
TIME = {"out": "struct own_time", "lifetime": {"static": {"group": "time"}}, "fields": TIME_FIELDS}
IN_STORAGE = {"storage": ["buf", "buflen"]}
POOL_NODE = {"struct own_node": {
    "text": "string",
    "next": {"in": "struct own_node", "lifetime": freed_by("own_pool_free")}}}
HEAP_NODE = {"struct own_node": {
    "text": {"out": "string", "lifetime": "caller"},
    "next": {"in": "struct own_node", "lifetime": freed_by("own_heap_free")}}}
WORDS_FREE = {"freed_by": "void own_words_free(struct own_handle *handle, char ***words, int n)",
              "at": "words"}

USER = {"prototype": "const struct own_user *own_user(int id)",
        "returns": {"out": "struct own_user", "lifetime": "static", "fields": USER_FIELDS}}
USER_R = {
    "prototype": "int own_user_r(int id, struct own_user *user, char *buf, size_t buflen, "
                 "struct own_user **result)",
    "args": {"user": {"out": "struct own_user", "when": "*result != NULL", "fields": {
                 "struct own_user": {
                     "name": {"out": "string", "lifetime": IN_STORAGE},
                     "groups": {"out": {"list": {"out": "string", "lifetime": IN_STORAGE}},
                                "lifetime": IN_STORAGE}}}},
             "buf": "storage",
             "result": {"out": "struct own_user *", "lifetime": {"into": "user"}}},
    "store_if": "return == 0"}
MESSAGE = {"prototype": "const char *own_message(struct own_handle *handle, int code)",
           "args": {"handle": "address"},
           "returns": {"out": "string", "lifetime": {"static": "handle"}},
           "invalidate": [{"on_call": "own_close", "match": {"handle": "handle"},
                           "prototype": "void own_close(struct own_handle *handle)"}]}
REPORT = {"prototype": "struct own_report *own_report(int number)",
          "returns": {"out": "struct own_report", "lifetime": "caller", "fields": {
              "struct own_report": {"title": "string",
                                    "lines": {"in": "struct own_line", "count": "n_lines"}},
              "struct own_line": {"text": "string"}}}}
HEAP_LIST = {"prototype": "int own_heap_list(int first, int n, struct own_node **ret_list)",
             "args": {"ret_list": {"out": "struct own_node *",
                                   "lifetime": freed_by("own_heap_free"), "fields": HEAP_NODE}},
             "store_if": "return == 0"}
POOL_LIST = {"prototype": "struct own_node *own_pool_list(int first, int n)",
             "returns": {"out": "struct own_node", "lifetime": freed_by("own_pool_free"),
                         "fields": POOL_NODE}}
WORDS = {"prototype": "int own_words(struct own_handle *handle, char ***ret_words, "
                      "const char *text)",
         "args": {"handle": "ignore", "text": "string",
                  "ret_words": {"out": {"out": "string", "lifetime": WORDS_FREE,
                                        "count": "return"}, "lifetime": WORDS_FREE}}}

# By scenario of lib/owners.c: the functions, and whether new keys come with each round.
SCENARIOS = {
    "static": {"own_user": USER},
    "threads": {"own_user": USER},
    "argument": {"own_message": MESSAGE},
    "group": {"own_local": {"prototype": "const struct own_time *own_local(int seconds)",
                            "returns": TIME},
              "own_utc": {"prototype": "const struct own_time *own_utc(int seconds)",
                          "returns": TIME}},
    "into": {"own_join": {
        "prototype": "char *own_join(char *room, size_t n_room, const char *first, "
                     "const char *second)",
        "args": {"room": {"out": "bytes", "count": "n_room"}, "first": "string",
                 "second": "string"},
        "returns": {"lifetime": {"into": "room"}}, "store_if": "return != NULL"}},
    "immortal": {"own_unit": {"prototype": "const char *own_unit(int number)",
                              "returns": {"out": "string", "lifetime": "immortal"}}},
    "storage": {"own_user_r": USER_R},
    "caller": {"own_report": REPORT,
               "own_text": {"prototype": "char *own_text(int number)",
                            "returns": {"out": "string", "lifetime": "caller"}}},
    "pool": {"own_pool_list": POOL_LIST},
    "heap": {"own_heap_list": HEAP_LIST},
    "within": {"own_heap_list": HEAP_LIST},
    "replaced": {"own_heap_list": HEAP_LIST},
    "words": {"own_words": WORDS},
    "passed": {"own_pool_list": POOL_LIST},
    "forked": {"own_pool_list": POOL_LIST},
    # by presets; what the library counts is not among them
    "users": {"getpwuid_r": {}},
    "members": {"getgrnam": {}},
    "addresses": {"getaddrinfo": {"ttl": "1h"}},
    "past": {"getaddrinfo": {"ttl": "1h"}},
}
OF_LIBC = ("users", "members", "addresses", "past")

# Rounds that start threads or processes are long ones.
SLOW = {"threads": 20, "passed": 20, "forked": 20}

UNDER_VALGRIND = {"threads": 1, "passed": 1, "forked": 9}

# Rounds that free 100,000 times and more.
MANY = {"argument": 20000, "pool": 20000, "heap": 20000, "within": 20000, "storage": 10000,
        "users": 2000, "members": 30000, "addresses": 10000, "past": 10000, **SLOW}


class Ownership(case.Case):

    def play(self, program, scenario, n_rounds, prefix=(), env=None, **policy):
        """Both ways; the same output. The functions' statistics by name."""
        functions = {name: {**entry, "guard": False, **policy}
                     for name, entry in SCENARIOS[scenario].items()}
        config = self.config(functions, types=TYPES)
        trace = self.folder / "trace"
        argv = [program, scenario, n_rounds, trace]
        plain = self.run_plain(argv, env=env)
        outcome = self.run_with(config, [*prefix, *argv], env=env)
        self.assert_same(plain, outcome)
        self.assertEqual(outcome.status, 0, outcome.stdout + outcome.stderr)
        self.assertIn(b" 0 differ; 0 blocks and 0 nodes left\n", outcome.stdout)
        seen = {name: outcome.function(name) for name in functions}
        for name, function in seen.items():
            self.assertNotIn("limits", function)
            self.assertGreater(function["hits"], 0, name)
        if scenario not in OF_LIBC:
            self.assertEqual(sum(f["misses"] + f["bypasses"] for f in seen.values()),
                             int(trace.read_text()), seen)
        return seen

    # ---- functions that free --------------------------------------------------------------------

    def refused(self, functions, name="own_pool_list", scenario="pool"):
        """Why the function is not memoized; the program does not notice."""
        config = self.config(functions, types=TYPES)
        _, outcome = self.run_both(config, [case.PROGRAMS / "owners", scenario, 10,
                                            self.folder / "trace"])
        return outcome.report["not_hooked"][name]

    def test_whoever_hands_out_is_refused_without_who_frees(self):
        def pool(lifetime):
            return {"own_pool_list": {**POOL_LIST, "returns": {
                "out": "struct own_node", "lifetime": lifetime,
                "fields": {"struct own_node": {"text": "string",
                                               "next": {"in": "struct own_node"}}}}}}

        self.assertEqual(self.refused(pool(freed_by("nobody_frees"))),
                         "no loaded object defines nobody_frees yet, which frees its results")
        self.assertEqual(self.refused(pool(freed_by("free"))),
                         'what free frees has the lifetime "caller"')
        self.assertRegex(self.refused(pool(freed_by("munmap"))),
                         "^its results are freed by munmap, which cannot be hooked: ")
        self.assertEqual(
            self.refused(pool(freed_by("int own_pool_free(struct own_node *list)"))),
            "its results are freed by own_pool_free, whose own result memoshim cannot know")
        self.assertEqual(
            self.refused({**pool(freed_by("own_pool_free")), "own_pool_free": {
                "prototype": "int own_pool_free(void *list)", "args": {"list": "address"},
                "mode": "observe"}}),
            "its results are freed by own_pool_free, which is memoized itself")
        self.assertEqual(
            self.refused({**pool(freed_by("own_pool_free")), "own_heap_list": {
                **HEAP_LIST, "args": {"ret_list": {
                    "out": "struct own_node *", "fields": HEAP_NODE,
                    "lifetime": {"freed_by": "own_pool_free(list, n)", "at": "list"}}}}}),
            "what frees its results, own_pool_free, is described in two ways")
        invalidated = pool(freed_by("own_pool_free"))
        invalidated["own_pool_list"]["invalidate"] = [{"on_call": "own_pool_free"}]
        self.assertEqual(self.refused(invalidated),
                         "its results are freed by own_pool_free, whose calls are caught for "
                         "another reason already")

    def test_what_is_counted_by_arguments_cannot_be_freed(self):
        entry = {"prototype": "struct own_report *own_report(int number)", "returns": {
            "out": "struct own_report", "lifetime": freed_by("own_heap_free"), "fields": {
                "struct own_report": {"title": "string", "lines": {
                    "in": "struct own_line", "count": "number"}},
                "struct own_line": {"text": {"out": "string", "lifetime": "caller"}}}}}
        self.assertEqual(self.refused({"own_report": entry}, "own_report", "caller"),
                         "memory that hangs on its results is counted by arguments, which are not "
                         "known any more when it is freed")

    @case.exports_names
    def test_in_a_library_that_comes_later(self):
        """Both functions are found by dlsym; the pool's own would end the program."""
        script = f"""
import ctypes
own = ctypes.CDLL({str(case.PROGRAMS / 'libowning.so')!r})
class Node(ctypes.Structure):
    pass
Node._fields_ = [("id", ctypes.c_int), ("text", ctypes.c_char_p), ("next", ctypes.POINTER(Node))]
own.own_pool_list.restype = ctypes.POINTER(Node)
for i in range(50):
    node = own.own_pool_list(i % 5, 3)
    print(node[0].text, node[0].next[0].text)
    rest = ctypes.cast(ctypes.cast(node[0].next, ctypes.c_void_p), ctypes.POINTER(Node))
    node[0].next = None
    own.own_pool_free(rest)
    own.own_pool_free(node)
print(own.own_pool_count())
"""
        config = self.config({"own_pool_list": {**POOL_LIST, "guard": False}}, types=TYPES)
        plain, outcome = self.run_both(config, [case.need_program("python3"), "-c", script])
        self.assertEqual(plain.stdout.splitlines()[-1], b"0")
        self.assert_counts(outcome.function("own_pool_list"), calls=50, misses=5, hits=45)

    # ---- nothing is lost, nothing is stale ------------------------------------------------------

    def test_nothing_grows(self):
        """Over 100,000 calls; the program's own malloc counts."""
        case.need(not case.SANITIZED, "a sanitizer has an allocator of its own")
        for scenario in SCENARIOS:
            with self.subTest(scenario):
                self.play(case.PROGRAMS / "owners-counting", scenario,
                          MANY.get(scenario, 50000))

    def test_verify_does_not_judge_what_is_left_to_the_real_function(self):
        """A buffer that is too small for what is remembered gets another answer, rightly."""
        for policy in ({"mode": "verify"}, {"verify_sample": 1}):
            with self.subTest(policy):
                config = self.config({"own_user_r": {**USER_R, "guard": False, **policy}},
                                     types=TYPES)
                _, outcome = self.run_both(config, [case.PROGRAMS / "owners", "storage", 50,
                                                    self.folder / "trace"])
                function = outcome.function("own_user_r")
                self.assertEqual(function["mismatches"], 0)
                self.assertGreater(function["verified"], 0)
                self.assertGreater(function["bypass_reasons"]["room"], 0)

    def test_evictions(self):
        """What is remembered goes all the time, what was handed out stays."""
        for scenario in SCENARIOS:
            if scenario == "past" and case.SANITIZED:
                continue  # it asks dladdr, which a sanitized shim does not export
            with self.subTest(scenario):
                self.play(case.PROGRAMS / "owners", scenario, SLOW.get(scenario, 500),
                          max_entries=3, shards=1, policy="rr", seed=1)

    def test_under_valgrind(self):
        valgrind = case.need_program("valgrind")
        case.need(not case.SANITIZED, "a sanitizer does not run under valgrind")
        case.need_native("valgrind")
        prefix = [valgrind, "-q", "--error-exitcode=9", "--leak-check=full",
                  "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite"]
        for scenario in SCENARIOS:
            with self.subTest(scenario):
                self.play(case.PROGRAMS / "owners", scenario, UNDER_VALGRIND.get(scenario, 30),
                          prefix)

    def test_under_address_sanitizer(self):
        """The program and the library; so a byte too many of theirs is seen as well."""
        case.need(not case.SANITIZED, "two sanitizers in one program")
        source = case.SOURCE / "tests" / "integration" / "lib"
        compiler = case.need_program("gcc")
        flags = ["-g", "-O1", "-fno-builtin", "-D_GNU_SOURCE", "-fsanitize=address,undefined",
                 "-pthread"]
        library, program = self.folder / "libowning.so", self.folder / "owners"
        subprocess.run([compiler, *flags, "-shared", "-fPIC", source / "owning.c", "-o", library],
                       check=True)
        subprocess.run([compiler, *flags, source / "owners.c", source / "owners_lists.c",
                        source / "owners_names.c",
                        "-o", program,
                        f"-L{self.folder}", "-lowning", f"-Wl,-rpath,{self.folder}"], check=True)
        env = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1",
               "UBSAN_OPTIONS": "halt_on_error=1"}
        for scenario in SCENARIOS:
            with self.subTest(scenario):
                self.play(program, scenario, SLOW.get(scenario, 500), env=env)


if __name__ == "__main__":
    case.main()
