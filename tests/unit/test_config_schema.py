#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The published schema against the tables it must agree with, and against the fixtures.

usage: test_config_schema.py CONFIG-FOLDER FIXTURES-FOLDER

Every key and word that this version supports is in the schema, at its place and with its help, and
nothing else is; the good fixtures validate, and the bad ones that the schema can judge do not.
"""
import json
import pathlib
import re
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

# Bad in ways that a schema sees: keys, kinds, words, units, bounds.
BAD_BY_SCHEMA = """
    callers children children-word children-empty children-kind
    descriptions-odd durations functions-array integers later-keys library-path
    misplaced-keys misspelt-words no-programs nothing-but-an-object other-version programs
    prototype-not-string returns sizes stats symbols ten-mistakes top-array unknown-keys
    version-string wrong-kinds condition-kinds invalidate invalidate-match invalidate-many instances
    lives ttl-from inputs approximate fields fields-directions lifetimes freed-by storages
    alternatives
    when-and-via counts-of-members
""".split()

PLACES = {
    "IN_TOP": lambda schema: schema,
    "IN_FUNCTION": lambda schema: schema["$defs"]["function"],
    "IN_DEFAULTS": lambda schema: schema["$defs"]["defaults"],
    "IN_STATS": lambda schema: schema["$defs"]["stats"],
    "IN_NEGATIVE": lambda schema: schema["$defs"]["negative"],
    "IN_STALE": lambda schema: schema["$defs"]["stale_if_error"],
    "IN_REFRESH": lambda schema: schema["$defs"]["refresh"],
    "IN_DESCRIPTION": lambda schema: schema["$defs"]["description"],
    "IN_INVALIDATE": lambda schema: schema["$defs"]["invalidation"],
    "IN_LIST": lambda schema: schema["$defs"]["list"],
    "IN_STATIC": lambda schema: schema["$defs"]["static"],
    "IN_LIFETIME": lambda schema: schema["$defs"]["lifetime"]["oneOf"][1],
}

WORDS = {
    "WORDS_POLICY": lambda schema: schema["$defs"]["function"]["properties"]["policy"],
    "WORDS_MODE": lambda schema: schema["$defs"]["function"]["properties"]["mode"],
    "WORDS_CHILDREN": lambda schema: schema["properties"]["children"]["oneOf"][0],
    "WORDS_STATS_FORMAT": lambda schema: schema["$defs"]["stats"]["properties"]["format"],
    "WORDS_DESCRIPTION": lambda schema: schema["$defs"]["one_argument"]["oneOf"][0],
    "WORDS_LIFETIME": lambda schema: schema["$defs"]["lifetime"]["oneOf"][0],
}

failures = []


def expect_equal(what, table, schema):
    if table != schema:
        failures.append(f"{what}: the table has {table}, the schema {schema}")


def check_keys(folder, schema):
    pattern = r'^KEY\("(\w+)", ([\w| ]+), (NOW|LATER), "[^"]*", "([^"]*)"\)$'
    text = (folder / "keys.def").read_text()
    rows = re.findall(pattern, text, re.MULTILINE)
    expect_equal("rows of keys.def", text.count("\nKEY("), len(rows))
    table = {place: {} for place in PLACES}
    for name, places, state, help_text in rows:
        places = places.replace("IN_POLICY", "IN_FUNCTION | IN_DEFAULTS")
        for place in places.split(" | "):
            if state == "NOW":
                table[place][name] = help_text
    for place, keys in table.items():
        part = PLACES[place](schema)
        expect_equal(f"additional keys {place}", False, part["additionalProperties"])
        properties = {key: value["description"] for key, value in part["properties"].items()}
        expect_equal(f"keys {place}", keys, properties)


def check_words(folder, schema):
    pattern = r'^WORD\((\w+), "([^"]+)", (NOW|LATER), \w+\)$'
    rows = re.findall(pattern, (folder / "words.def").read_text(), re.MULTILINE)
    for word_set, part in WORDS.items():
        now = {word for in_set, word, state in rows if in_set == word_set and state == "NOW"}
        expect_equal(word_set, now, set(part(schema)["enum"]))


def check_fixtures(folder, schema):
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for path in sorted((folder / "ok").glob("*.json")):
        for error in validator.iter_errors(json.loads(path.read_text())):
            failures.append(f"{path.name}: {error.json_path}: {error.message}")
    for name in BAD_BY_SCHEMA:
        if validator.is_valid(json.loads((folder / "bad" / f"{name}.json").read_text())):
            failures.append(f"bad/{name}.json: valid by the schema")


def main():
    config, fixtures = map(pathlib.Path, sys.argv[1:])
    schema = json.loads((config / "schema.json").read_text())
    check_keys(config, schema)
    check_words(config, schema)
    check_fixtures(fixtures / "config", schema)
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
