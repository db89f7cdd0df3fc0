# SPDX-License-Identifier: MIT
"""A driver for presets/exercise.h that calls functions of numbers: made from their prototypes and
from values for each type. A pointer is to one number, read if it is const and else written; text
is a row of digits.
"""

import re

VALUES = {
    "int": ("0", "1", "3", "-2"),
    "long": ("0", "1", "-5"),
    "unsigned int": ("1", "8", "64"),
    "double": ("0.0", "-0.0", "0.5", "-1.25", "3.0", "7.5e-3", "710.25", "1e30", "INFINITY",
               "NAN"),
    "double complex": ("0.5", "-0.25 + 2.0 * I", "3.0 - 0.125 * I", "700.0 + 1.0 * I",
                       "-1.0", "INFINITY"),
    "const char *": ('""', '"1"', '"0x123"', '"text"'),
}
SAME = {"long int": "long", "long long int": "long", "long long": "long",
        "float": "double", "long double": "double",
        "float complex": "double complex", "long double complex": "double complex"}

# Where functions have parameters with these names, what their distributions allow.
NAMED = {
    "x": ("1.0", "2.0", "3.0"), "q": ("0.5", "1.0", "2.5"), "p": ("0.25", "0.9", "1.5"),
    "give_log": ("0", "1"), "lower_tail": ("0", "1"), "log_p": ("0",),
    "mu": ("1.5",), "sigma": ("2.0",), "a": ("1.0",), "b": ("5.0",), "r": ("6.0",), "n": ("4.0",),
    "m": ("3.0",), "shape": ("1.5",), "scale": ("2.0", "-1.0"), "meanlog": ("0.5",),
    "sdlog": ("1.5",), "df": ("3.0", "7.5"), "ncp": ("0.5",), "df1": ("3.0",), "df2": ("6.0",),
    "size": ("5.0",), "prob": ("0.4", "1.5"), "location": ("0.5",), "lambda": ("2.5",),
    "rr": ("1.0",), "cc": ("3.0", "4.0"),
}

# A function of several numbers is called with fewer of each.
MOST = {1: 10, 2: 5, 3: 3}

HEAD = """\
#include "exercise.h"

#include <fenv.h>
#include <math.h>
#include <stdint.h>

/* A result that raised more than INEXACT is not kept, nor one that set an errno that is not
   captured. */
static bool is_quiet(bool captures_errno)
{
    return fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT) == 0 &&
           (captures_errno || errno == ERRNO_BEFORE);
}
"""


def split_prototype(prototype):
    """result, name, [(type, name)]"""
    match = re.fullmatch(r"(.*?)(\w+)\((.*)\)", prototype)
    parameters = []
    for text in match[3].split(","):
        parameter = re.fullmatch(r"\s*(.*?)(\w+)", text)
        parameters.append((parameter[1].strip(), parameter[2]))
    return match[1].strip(), match[2], parameters


def condition_of(entry):
    """The conditions of a preset as C."""
    text = "is_quiet(%s)" % str(entry.get("errno", False)).lower()
    if "store_if" in entry:
        text += f" && ({entry['store_if'].replace('return', 'result')})"
    if "unless" in entry:
        assert entry["unless"] == "return == nan"
        text += " && !isnan(result)"
    return text


def function_text(entry):
    result, name, parameters = split_prototype(entry["prototype"])
    is_distribution = parameters[-1][1] in ("give_log", "log_p")
    inputs = [p for p in parameters if not p[0].endswith("*") or p[0].startswith("const")]
    lines, loops, arguments, shown = [], [], [], []
    for kind, parameter in parameters:
        if kind.endswith("*") and kind != "const char *":
            of = kind.removeprefix("const ").removesuffix("*").strip()
            arguments.append(f"&{parameter}")
        else:
            of = kind
            arguments.append(parameter)
        if (kind, parameter) in inputs:
            values = (NAMED[parameter] if is_distribution
                      else VALUES[SAME.get(of, of)][:MOST[len(inputs)]])
            lines.append(f"    static const {of} {parameter}_values[] = {{{', '.join(values)}}};"
                         .replace("const const", "const").replace("char * ", "char *const "))
            loops.append((of, parameter, len(values)))
        else:
            lines.append(f"    {of} {parameter};")
            shown.append(parameter)
    for k, (of, parameter, n) in enumerate(loops):
        lines.append(f"    for (int i{k} = 0; i{k} < {n}; i{k}++) {{")
    for k, (of, parameter, n) in enumerate(loops):
        lines.append(f"        {of} {parameter} = {parameter}_values[i{k}];")
    lines.extend(f"        spoil(&{out}, sizeof({out}));" for out in shown)
    for variable in entry.get("globals", ()):
        lines.append(f"        {variable} = 77;")
        shown.append(variable)
    call = f"({name})({', '.join(arguments)})"
    if result != "void":
        call = f"{result} result = {call}"
        shown.insert(0, "result")
    lines.append("        feclearexcept(FE_ALL_EXCEPT);")
    lines.append("        errno = ERRNO_BEFORE;")
    lines.append(f"        {call};")
    lines.append(f'        note("{name}", {condition_of(entry)});')
    lines.extend(f"        SHOW({value});" for value in shown)
    lines.append("    " + "}" * len(loops))
    return f"static void call_{name}(void)\n{{\n" + "\n".join(lines) + "\n}\n"


def driver(presets):
    """The driver's text."""
    parts = [HEAD, *dict.fromkeys(entry["header"] for entry in presets.values())]
    parts.extend(function_text(entry) for entry in presets.values())
    calls = "\n".join(f"    call_{name}();" for name in presets)
    parts.append(f"static void exercise(void)\n{{\n{calls}\n}}\n")
    return "\n".join(parts)
