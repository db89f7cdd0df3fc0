# SPDX-License-Identifier: MIT
"""What the linkage matrix expects: sites, paths, and which calls cannot be caught, with the reason.

A call that no rule speaks of is caught, in every combination.
"""

import dataclasses
import re
import typing

import case

# The code that calls, in the order of the first call: see run_paths, main.c, late_plugin.c, twin.c.
SITES = (LIBRARY_CONSTRUCTOR, PROGRAM_CONSTRUCTOR, PROGRAM, LIBRARY, PLUGIN_CONSTRUCTOR, PLUGIN,
         DEEP_CONSTRUCTOR, DEEP, LATE_CONSTRUCTOR, LATE, TWINS) = (
             "library's constructor", "program's constructor", "program", "library",
             "plugin's constructor", "plugin", "deep plugin's constructor", "deep plugin",
             "late plugin's constructor", "late plugin", "twin plugins")
AT_START = SITES[:4]
IN_PLUGINS = PLUGIN_CONSTRUCTOR, PLUGIN, DEEP_CONSTRUCTOR, DEEP

PATHS = re.findall(r"^(?:PATH|SPECIAL)\((\w+)\)", (
    case.SOURCE / "tests/integration/linkage/paths.def").read_text(), re.M)

# Paths whose function is not called matrix_PATH: its symbol, and how reports show it.
NAMES = {
    "vtable": ("_ZNK15MatrixInherited4stepEl",) * 2,
    "copied_vtable": ("_ZNK12MatrixCopied4stepEl",) * 2,
    "version_new": ("matrix_versioned", "matrix_versioned@MATRIX_2"),
    "version_old": ("matrix_versioned", "matrix_versioned@MATRIX_1"),
    "dlsym_new": ("matrix_found", "matrix_found@MATRIX_2"),
    "dlvsym_old": ("matrix_found", "matrix_found@MATRIX_1"),
    "twin_a": ("matrix_twin", "matrix_twin (twin_a.so)"),
    "twin_b": ("matrix_twin", "matrix_twin (twin_b.so)"),
    "twin_fixed_a": ("matrix_twin_fixed", "matrix_twin_fixed (twin_a.so)"),
    "twin_fixed_b": ("matrix_twin_fixed", "matrix_twin_fixed (twin_b.so)"),
}


def symbol_of(path):
    """The name that the configuration must have."""
    return NAMES.get(path, (f"matrix_{path}",))[0]


def shown_as(path):
    """The name in reports."""
    return NAMES.get(path, (f"matrix_{path}",))[-1]


def calls_of(site):
    """How often a site calls each function."""
    return SITES.index(site) + 2


# ---- what cannot be caught, and why -------------------------------------------------------------

UNALIGNED = "the pointer stands at an odd address: it cannot be changed in one step"
OTHER_NAME = "called by another name of the same address: name that one, too"
BOUND_BY_LINKER = "the linker bound it inside its library (-Bsymbolic, protected, hidden)"
BOUND_BY_COMPILER = "the compiler bound it inside its library"
NO_SYMBOL = "static or hidden: nothing by that name is exported"
NEXT_OF_LATER = "RTLD_NEXT in an object that came later is left to the dynamic linker"
OWN_SCOPE_FIRST = "RTLD_DEEPBIND: bound to the library past memoshim until the next look-up or miss"
TWO_VERSIONS = "the name has two versions: redirected at the next look-up or miss"
COMES_LATER = "the library comes with the object that calls: hooked at the next look-up"
LAZY_OF_SEVERAL = "several later libraries define it: known only when the slot has been bound"


@dataclasses.dataclass(frozen=True)
class Rule:
    """These paths are not caught at these sites, in combinations of which the condition holds."""

    reason: str
    paths: tuple
    sites: tuple = SITES
    when: typing.Callable = lambda combination: True
    n_unseen: typing.Optional[int] = None  # None: all


def has_plt(combination):
    """Whether calls of functions that are defined in the same file go through the PLT."""
    return combination.calls == "plt" or combination.compiler == "clang"


# Where slots of the object itself lead; other objects' slots are redirected already.
OF_THE_OBJECT = ("call", "taken", "both", "mixed", "pointer", "fixed", "packed", "table", "vtable",
                 "aliased", "ifunc", "ifunc_fixed", "version_new", "version_old", "handle_early")

RULES = (
    # An object that came later gets its own slots, unaligned ones too, from the dynamic linker.
    Rule(UNALIGNED, ("packed",), tuple(site for site in SITES
                                       if site not in (PLUGIN_CONSTRUCTOR, PLUGIN))),
    Rule(OTHER_NAME, ("alias",)),
    Rule(BOUND_BY_LINKER, ("own_symbolic", "own_protected")),
    Rule(BOUND_BY_COMPILER, ("own",), when=lambda one: one.compiler == "clang"),
    Rule(NO_SYMBOL, ("own_hidden", "own_static")),
    Rule(NEXT_OF_LATER, ("next",), IN_PLUGINS),
    Rule(OWN_SCOPE_FIRST, OF_THE_OBJECT, (DEEP_CONSTRUCTOR,)),
    Rule(TWO_VERSIONS, ("version_new", "version_old"), (PLUGIN_CONSTRUCTOR,)),
    Rule(COMES_LATER, ("late", "late_fixed"), (LATE_CONSTRUCTOR,)),
    Rule(LAZY_OF_SEVERAL, ("twin_a", "twin_b"),
         when=lambda one: one.is_lazy and has_plt(one), n_unseen=1),
)

# Functions that nothing can hook, and what reports say of them.
NOT_HOOKED = {symbol_of(path): "no loaded object defines it yet"
              for path in ("own_hidden", "own_static")}

# Functions some of whose slots were left as they are, and what reports say of them.
LIMITED = {"matrix_packed": "some slots could not be redirected: those calls are not seen"}


def printed(line, combination):
    """What a line of the program's output becomes with memoshim: itself, with one exception.

    RTLD_DEFAULT of a deeply bound plugin finds the library's function past the program's PLT entry,
    which for a non-PIE program is the function's address to all others. Which of the two will be
    found cannot be known, so dlsym gives the real function, while the plugin's own slots lead to
    memoshim: the first of the compared addresses differs.
    """
    site, word, value = line.split()
    if (combination.kind == "non-PIE" and word == b"addresses"
            and SITES[int(site)] in (DEEP_CONSTRUCTOR, DEEP)):
        return b" ".join((site, word, b"%d" % (int(value) - 1)))
    return line


def rule_of(path, site, combination):
    """The rule that applies, or None: every call is caught."""
    for rule in RULES:
        if path in rule.paths and site in rule.sites and rule.when(combination):
            return rule
    return None


def unseen_of(path, site, combination):
    """How many of the site's calls are not caught."""
    rule = rule_of(path, site, combination)
    if rule is None:
        return 0
    return calls_of(site) if rule.n_unseen is None else rule.n_unseen


# ---- what `memoshim check` must say before the program runs -------------------------------------

# Of what a later object is opened with, and what it will ask for, check cannot know.
CHECK_CODES = {
    UNALIGNED: {"unaligned"},
    OTHER_NAME: {"alias"},
    BOUND_BY_LINKER: {"own_calls"},
    BOUND_BY_COMPILER: {"own_calls"},
    NO_SYMBOL: {"static", "hidden"},  # one of the two, which some linkers make one
    TWO_VERSIONS: {"not_exported"},
    COMES_LATER: {"pending"},
    LAZY_OF_SEVERAL: {"pending"},
    NEXT_OF_LATER: set(),
    OWN_SCOPE_FIRST: set(),
}

# Reached by dlsym alone; defined by later objects alone; in two versions though dlsym finds both.
BY_LOOKUP = ("handle", "handle_early", "default", "next", "dlvsym", "dlvsym_default", "dlsym_new",
             "dlvsym_old")
NOT_AT_START = "late", "late_fixed", "twin_a", "twin_b", "twin_fixed_a", "twin_fixed_b"
FOUND_IN_BOTH_VERSIONS = "dlsym_new", "dlvsym_old"


def verdict_of(path, combination):
    """The verdict on the path's function, whose only use the path is."""
    rules = [rule_of(path, site, combination) for site in AT_START]
    if path in NOT_AT_START or any(rule and rule.reason == NO_SYMBOL for rule in rules):
        return "pending"
    if all(rules):
        return "refused" if rules[0].reason == UNALIGNED else "unused"
    return "unused" if path in BY_LOOKUP else "hooked"


def codes_of(path, combination):
    """The codes of the remarks that say why the path's calls are not all caught."""
    codes = set()
    for site in SITES:
        rule = rule_of(path, site, combination)
        codes |= CHECK_CODES[rule.reason] if rule else set()
    if path in NOT_AT_START:
        codes.add("pending")
    if path in FOUND_IN_BOTH_VERSIONS:
        codes.add("not_exported")
    return codes
