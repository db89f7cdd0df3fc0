#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes random signatures for test_signatures.c: structs and unions of 1 to 64 bytes in all
register classes, all scalars, up to 14 arguments; and scalars that all travel in registers. For
each signature there is its text for a configuration, a real function that checks what it was given
member by member and gives a known result, a caller that calls through a pointer of the true type,
and what each byte of an argument is.

usage: gen_structs.py OUTPUT COUNT SEED        (SEED 0: a new one)

The seed is printed, and the test prints it again. The layout of structs is computed here on its own
and compared with the compiler's; the test compares the configuration's with that.
"""
import random
import sys

from gen_signatures import TYPES, value

SCALARS = [name for name in TYPES if name != "pointer"]
SIZES = {"bool": 1, "float": 4, "double": 8, "long_double": 16, "complex_float": 8,
         "complex_double": 16, "complex_long_double": 32}
MAX_BYTES = 64
KINDS = ["struct", "struct", "struct", "union"]
# What the psABI makes classes of: each eight bytes of one of these, or a mix.
FAMILIES = [["i8", "u8", "bool"], ["i16", "u8"], ["i32", "u32", "i64"], ["float"], ["double"],
            ["float", "double"], ["float", "i32"], ["double", "i64", "u16"], ["long_double"],
            ["complex_float", "float"], ["complex_double"], ["complex_long_double"],
            ["long_double", "double", "i32"], SCALARS, SCALARS]


class Type:
    """A type: C text around a name, size, alignment, initialiser, the leaves below it, and what
    each byte is: v of a value, b of a _Bool, x of a long double beyond ten bytes, p padding, - none
    of these, and counts all the same."""

    def __init__(self, before, after, size, alignment, make, leaves, mask):
        self.before, self.after, self.size, self.alignment = before, after, size, alignment
        self.make, self.leaves, self.mask = make, leaves, mask

    def declare(self, name):
        return f"{self.before} {name}{self.after}"


class Out:
    """A parameter that leads to memory which the function writes."""

    size, alignment, before = 8, 8, "an out parameter"

    def __init__(self, written):
        self.written = written
        self.make, self.leaves, self.mask = written.make, written.leaves, ""

    def declare(self, name):
        return f"{self.written.before} *{name}"


def scalar(name):
    size = SIZES.get(name) or int(name[1:]) // 8
    alignment = size // 2 if name.startswith("complex_") else size
    mask = "v" * size
    if name == "bool":
        mask = "b"
    elif name.endswith("long_double"):
        mask = ("v" * 10 + "x" * 6) * (size // 16)
    return Type(TYPES[name], "", size, alignment, lambda rng: value(rng, name), [("", name)], mask)


def pointer():
    return Type("void *", "", 8, 8, lambda rng: value(rng, "pointer"), [("", "pointer")], "v" * 8)


def array(element, count):
    return Type(element.before, f"[{count}]{element.after}", element.size * count,
                element.alignment,
                lambda rng: "{" + ", ".join(element.make(rng) for _ in range(count)) + "}",
                [(f"[{i}]{path}", name) for i in range(count) for path, name in element.leaves],
                element.mask * count)


def record(rng, kind, tag, members):
    """Its definition and the type; tag "": anonymous within another."""
    alignment = max(m.alignment for m in members)
    end, mask = 0, ""
    for m in members:
        begin = 0 if kind == "union" else -(-end // m.alignment) * m.alignment
        end = max(end, begin + m.size)
        mask = mask.ljust(begin, "p") + m.mask
    size = -(-end // alignment) * alignment
    mask = mask.ljust(size, "p")
    # Bytes of a union beyond the member that was set have no value in C, and clang gives them none.
    chosen = None
    if kind == "union":
        chosen = max(range(len(members)), key=lambda i: members[i].size)
        mask = members[chosen].mask.replace("p", "-").replace("x", "-").ljust(size, "-")

    def make(rng):
        if chosen is None:
            return "{" + ", ".join(m.make(rng) for m in members) + "}"
        return "{" + f".m{chosen} = {members[chosen].make(rng)}" + "}"

    body = "{ " + " ".join(f"{m.declare(f'm{i}')};" for i, m in enumerate(members)) + " }"
    leaves = [(f".m{i}{path}", name) for i, m in enumerate(members) for path, name in m.leaves
              if chosen in (None, i)]
    text = f"{kind} {tag}"
    return f"{text} {body};", Type(text, "", size, alignment, make, leaves, mask)


def random_record(rng, tag, known, kinds):
    """Redrawn until it has 1 to 64 bytes."""
    while True:
        family = [scalar(name) for name in rng.choice(FAMILIES)]
        fitting = [t for t in known if t.size <= 24]
        members = []
        for _ in range(rng.choice([1, 1, 2, 2, 3, 4, 5, 8])):
            member = rng.choice(fitting) if fitting and rng.random() < 0.15 else rng.choice(family)
            if rng.random() < 0.2:
                member = array(member, rng.choice([1, 2, 3, 4, 7]))
            if rng.random() < 0.05 and member.size <= 8:
                member = array(member, 2)
            members.append(member)
        text, made = record(rng, rng.choice(kinds), tag, members)
        if made.size <= MAX_BYTES:
            return text, made


def last_register(rng):
    """A struct whose halves travel in the last integer register and in a vector register that is
    not the first."""
    text, half = record(rng, "struct", "halves", [scalar("i64"), scalar("double")])
    small_text, small = record(rng, "struct", "small", [scalar("i64"), scalar("float")])
    rest = [scalar("i64")] * 5
    return [text, small_text], half, [scalar("double"), *rest, rng.choice([half, small]),
                                      scalar("double")]


def settled_within(rng):
    """A union that travels in integer registers although it holds a long double, beside what would
    send it to memory if its members were not settled on their own first."""
    text, inner = record(rng, "union", "inner", [scalar("long_double"), array(scalar("i32"), 4)])
    outer_text, outer = record(rng, "union", "outer", [scalar("complex_float"), inner])
    return [text, outer_text], outer, [outer, scalar("i64")]


def signatures(rng, count, kinds):
    yield last_register(rng)
    yield settled_within(rng)
    known, by_size = [], []
    scalars = [scalar(name) for name in SCALARS]
    scalars.append(pointer())
    for i in range(2, count):
        lines, local = [], []
        for k in range(2):
            text, made = random_record(rng, f"s{i}_{k}", known[-12:], kinds)
            lines.append(text)
            local.append(made)
            known.append(made)
            by_size.append(made)
        any_type = scalars + 2 * known[-6:] + local * 4
        # Each record comes back and goes in alone; the others are mixes.
        result = local[0] if rng.random() < 0.6 else rng.choice(any_type)
        arguments = [local[1]] + [rng.choice(any_type) for _ in range(rng.randrange(14))]
        if rng.random() < 0.1:
            arguments = []
        rng.shuffle(arguments)
        yield lines, result, arguments


def in_registers(rng, count):
    """Scalars and pointers alone, each in a register: every mix of up to three, and random ones
    beyond. Those need no libffi, and the test drives them with it as well."""
    integers = [scalar(name) for name in SCALARS if name == "bool" or name[1:].isdigit()]
    integers.append(pointer())
    floats = [scalar("float"), scalar("double")]
    mixes = [(n, m) for n in range(4) for m in range(4 - n)] * 2
    mixes += [(rng.randrange(9), rng.randrange(9)) for _ in range(count)]
    for i, (n_integers, n_floats) in enumerate(mixes):
        arguments = [rng.choice(integers) for _ in range(n_integers)] + \
                    [rng.choice(floats) for _ in range(n_floats)]
        rng.shuffle(arguments)
        yield [f"struct unused_{i} {{ int x; }};"], rng.choice(integers + floats), arguments
    # And such that write one thing or two besides.
    for i, (n_integers, n_floats) in enumerate(mixes):
        text, small = random_record(rng, f"written_{i}", [], ["struct", "struct", "union"])
        arguments = [rng.choice(integers) for _ in range(min(n_integers, 5))] + \
                    [rng.choice(floats) for _ in range(n_floats)]
        for _ in range(rng.randrange(1, 2 if n_integers > 3 else 3)):
            number = rng.choice(integers[:-1] + floats)  # no pointer: that would be followed
            arguments.append(Out(small if rng.random() < 0.4 else number))
        rng.shuffle(arguments)
        yield [text], rng.choice(integers + floats), arguments


def by_value(rng, count):
    """What keys of a few words and results of one or two are made of: small structs, unions,
    complex numbers, long double."""
    scalars = [scalar(name) for name in SCALARS if name != "complex_long_double"]
    for i in range(count):
        lines, known = [], []
        while len(known) < 3:
            text, made = random_record(rng, f"small_{i}_{len(lines)}", known, KINDS)
            lines.append(text)
            if made.size <= 16:
                known.append(made)
        few = ["complex_float", "complex_double", "long_double", "double"]
        result = rng.choice(known * 3 + [scalar(name) for name in few])
        yield lines, result, [rng.choice(known * 4 + scalars) for _ in range(rng.randrange(1, 5))]


LEAF_BYTES = {"long_double": "LONG_DOUBLE_BYTES"}


def check_lines(actual, expected, type_):
    """Compares leaf by leaf, so that no padding counts."""
    for path, name in type_.leaves:
        a, b = f"&{actual}{path}", f"&{expected}{path}"
        size = LEAF_BYTES.get(name, f"sizeof({expected}{path})")
        if name == "complex_long_double":
            yield f"check_complex({a}, {b});"
        else:
            yield f"check({a}, {b}, {size});"


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    count = int(sys.argv[2])
    seed = int(sys.argv[3]) or random.SystemRandom().randrange(1, 1 << 32)
    rng = random.Random(seed)
    print(f"gen_structs.py: {count} signatures, seed {seed}")
    lines = ["/* Generated by gen_structs.py. */", f"#define SEED {seed}u"]
    table = []
    corpus = [*signatures(rng, count, KINDS), *in_registers(rng, min(count // 2, 100)),
              *by_value(rng, min(count // 2, 150))]
    for i, (definitions, result, arguments) in enumerate(corpus):
        lines += definitions
        c_result = result.before
        parameters = ", ".join(a.declare(f"a{k}") for k, a in enumerate(arguments)) or "void"
        outs = [(k, a) for k, a in enumerate(arguments) if isinstance(a, Out)]
        for k, a in enumerate(arguments):
            declared = a.written if isinstance(a, Out) else a
            lines.append(f"static {declared.declare(f'expected_{i}_{k}')} = {a.make(rng)};")
        for k, a in outs:
            lines.append(f"static {a.written.declare(f'room_{i}_{k}')};")
        names = ", ".join(f"&room_{i}_{k}" if isinstance(a, Out) else f"expected_{i}_{k}"
                          for k, a in enumerate(arguments))
        lines.append(f"static {result.declare(f'result_{i}')} = {result.make(rng)};")
        lines.append(f"static {result.declare(f'got_{i}')};")
        lines.append(f"static {c_result} real_{i}({parameters})\n{{\n    n_real_calls++;")
        for k, a in enumerate(arguments):
            if not isinstance(a, Out):
                lines += ["    " + line for line in check_lines(f"a{k}", f"expected_{i}_{k}", a)]
        lines += [f"    *a{k} = expected_{i}_{k};" for k, a in outs]
        lines.append(f"    return result_{i};\n}}")
        call = f"(({c_result}(*)({parameters}))function)({names})"
        lines.append(f"static void call_{i}(void *function)\n{{")
        lines += [f"    memset(&room_{i}_{k}, 0x5a, sizeof(room_{i}_{k}));" for k, a in outs]
        lines.append(f"    memset(&got_{i}, 0x5a, sizeof(got_{i}));\n    got_{i} = {call};")
        for k, a in outs:
            lines += ["    " + line
                      for line in check_lines(f"room_{i}_{k}", f"expected_{i}_{k}", a.written)]
        lines += ["    " + line for line in check_lines(f"got_{i}", f"result_{i}", result)]
        lines.append("}")
        sizes = ", ".join(f"{a.size}" for a in arguments) or "0"
        lines.append(f"static const uint32_t sizes_{i}[] = {{{sizes}}};")
        values = ", ".join("NULL" if isinstance(a, Out) else f"&expected_{i}_{k}"
                           for k, a in enumerate(arguments)) or "NULL"
        lines.append(f"static void *const values_{i}[] = {{{values}}};")
        masks = ", ".join(f'"{a.mask}"' for a in arguments) or "NULL"
        lines.append(f"static const char *const masks_{i}[] = {{{masks}}};")
        for k, a in enumerate(arguments):
            if not isinstance(a, Out):
                lines.append(f"_Static_assert(sizeof(expected_{i}_{k}) == {a.size} && "
                             f"_Alignof({a.before}) == {a.alignment}, \"layout\");")
        described = [(k, '\\"address\\"') for k, a in enumerate(arguments) if a.before == "void *"]
        described += [(k, f'{{ \\"out\\": \\"{a.written.before}\\" }}')
                      for k, a in outs]
        pointers = ", ".join(f'\\"a{k}\\": {how}' for k, how in described)
        text = f"{c_result} f{i}({parameters})"
        returns = ", \\\"returns\\\": \\\"address\\\"" if c_result == "void *" else ""
        table.append(f'    {{{c_string(" ".join(definitions))}, {c_string(text)}, '
                     f'"{{{pointers}}}", "{returns}", {len(arguments)}, sizes_{i}, '
                     f'{result.size}, values_{i}, masks_{i}, (void *)real_{i}, call_{i}}},')
    lines.append("static const struct signature signatures[] = {")
    lines += table
    lines.append("};\n")
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    main()
