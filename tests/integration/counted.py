# SPDX-License-Identifier: MIT
"""How the counting library's functions are described, and scripts for its driver."""

import case

PLACE_ARGS = {"phrase": {"in": "string", "secret": True}, "setting": "string", "room": "scratch"}
PLACE_RETURNS = {"out": "string", "lifetime": {"into": "room"}}

DESCRIBED = {
    "square": {"prototype": "long counted_square(long x)"},
    "mix": {"prototype": "double counted_mix(signed char a, unsigned char b, short c, "
                         "unsigned short d, int e, unsigned f, long g, float h, double i, "
                         "long double j, _Bool k, long long l)"},
    "narrow": {"prototype": "signed char counted_narrow(short x)"},
    "odd": {"prototype": "bool counted_odd(unsigned char)"},
    "half": {"prototype": "float counted_half(float x)"},
    "extended": {"prototype": "long double counted_extended(long double x)"},
    "turn": {"prototype": "double _Complex counted_turn(double _Complex z)"},
    "scale": {"prototype": "double counted_scale(double x)"},
    "length": {"prototype": "long counted_length(const char *text)", "args": {"text": "string"}},
    "name": {"prototype": "const char *counted_name(int id)",
             "returns": {"out": "string", "lifetime": "static"}},
    "place": {"prototype": "char *counted_place(const char *phrase, const char *setting, "
                           "struct counted_room *room)",
              "args": PLACE_ARGS, "returns": PLACE_RETURNS},
    "locate": {"prototype": "char *counted_locate(const char *text, int letter)",
               "args": {"text": "string"}, "returns": {"lifetime": {"into": "text"}}},
    "check": {"prototype": "char *counted_check(const char *phrase, const char *setting, "
                           "struct counted_room *room)",
              "args": PLACE_ARGS, "returns": PLACE_RETURNS, "store_if": "return == setting"},
    "divide": {"prototype": "int counted_divide(int dividend, int divisor, int *ret_quotient, "
                            "int *ret_remainder)",
               "args": {"ret_quotient": {"out": "int"}, "ret_remainder": {"out": "int"}},
               "store_if": "return == 0"},
    "sum": {"prototype": "int counted_sum(const int *values, size_t n, long *ret_sum)",
            "args": {"values": {"in": "int", "count": "n"}, "ret_sum": {"out": "long"}}},
    "sort": {"prototype": "int counted_sort(int values[], size_t n)",
             "args": {"values": {"inout": "int", "count": "n"}}},
    "digest": {"prototype": "uint32_t counted_digest(const void *data, size_t n_bytes)",
               "args": {"data": {"in": "bytes", "count": "n_bytes"}}},
    "encode": {"prototype": "int counted_encode(const char *restrict text, "
                            "unsigned char *restrict ret_bytes, size_t *restrict n_bytes)",
               "args": {"text": "string", "ret_bytes": {"out": "bytes", "count": "*n_bytes"},
                        "n_bytes": {"inout": "size_t"}},
               "store_if": "return == 0"},
    "fill": {"prototype": "void counted_fill(int seed, unsigned char ret_bytes[], size_t n)",
             "args": {"ret_bytes": {"out": "bytes", "count": "n"}}},
    "fail": {"prototype": "int counted_fail(int which)"},
    "drift": {"prototype": "long counted_drift(long x)"},
    "fib": {"prototype": "long counted_fib(int n)"},
    "hooked": {"prototype": "long counted_hooked(long key)"},
}


def functions(*names, **policy):
    """Entries of these functions, or of all, each with these further keys."""
    return {f"counted_{name}": {**DESCRIBED[name], "guard": False, **policy}
            for name in names or DESCRIBED}


class CountedCase(case.Case):
    """Runs the driver and holds its statistics against the library's own count."""

    def drive(self, config, script, program="driver", **how):
        """The script (lines) without and with memoshim, same output demanded. Returns the outcome
        with memoshim and, for each line, the real calls that it caused."""
        trace = self.folder / "trace"
        argv = [case.PROGRAMS / program, trace]
        text = "".join(f"{line}\n" for line in script)
        _, outcome = self.run_both(config, argv, text, **how)
        real = [int(word) for word in trace.read_text().split()]
        self.assertEqual(len(real), len(script))
        self.check_real(outcome)
        return outcome, real

    def check_real(self, outcome):
        """misses + bypasses of every function = the real calls that the library counted."""
        ran = {f"counted_{name}": count for name, count in outcome.real.items()}
        for name in {n for report in outcome.reports.values() for n in report["functions"]
                     if n.startswith("counted_")}:
            seen = [report["functions"][name] for report in outcome.reports.values()]
            if all(function["mode"] != "off" for function in seen):
                total = sum(function["misses"] + function["bypasses"] for function in seen)
                self.assertEqual(total, ran[name], f"{name}: {seen}")
