#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a configuration means, in words: check --explain, the summary, warnings, and what the
message for a pointer that is not described shows to be copied.

MEMOSHIM_COMMAND is the command, MEMOSHIM_SOURCE the source tree, MEMOSHIM_LIBRARY the library for
the case with a program. The expected texts stand in explain/: beside each configuration what is
said of all its functions, first in short. UPDATE_FIXTURES=1 writes them anew; what changed is then
read by a person.
"""
import json
import os
import pathlib
import re
import unittest

import test_cli

HERE = pathlib.Path(__file__).resolve().parent / 'explain'
SUGGESTIONS = HERE.parents[1] / 'unit' / 'fixtures' / 'config' / 'bad' / 'suggestions.json'
FACTS = pathlib.Path(os.environ['MEMOSHIM_SOURCE']) / 'shim' / 'cli' / 'facts.def'

def weights():
    return dict(re.findall(r'^FACT\((\w+), \w+, (\w+),', FACTS.read_text(), re.M))


class Explain(test_cli.Case):
    def setUp(self):
        super().setUp()
        self.files = {}
        for path in sorted(HERE.glob('*.json')):
            self.write(path.name, path.read_text())
            for name in json.loads(path.read_text())['functions']:
                self.files[name] = path.name

    def explain(self, name, *options):
        done = self.run_command('check', '-c', self.files[name], '--explain', name, *options)
        self.check(done, 0)
        self.assertEqual(done.stderr, '')
        return done.stdout

    def facts(self, name):
        said = json.loads(self.explain(name, '--json'))
        self.assertEqual(list(said['functions']), [name])
        self.assertEqual(said['explanation']['function'], name)
        return said['explanation']['facts']

    def test_texts(self):
        for file in sorted(set(self.files.values())):
            done = self.run_command('check', '-c', file)
            self.check(done, 0)
            self.assertEqual(done.stderr, '')
            texts = [done.stdout] + [self.explain(name) for name in self.files
                                     if self.files[name] == file]
            expected = (HERE / file).with_suffix('.txt')
            if os.environ.get('UPDATE_FIXTURES'):
                expected.write_text('\n\n'.join(texts))
            self.assertEqual('\n\n'.join(texts), expected.read_text())

    def test_lines_are_short(self):
        for name in self.files:
            for line in self.explain(name).splitlines():
                self.assertLessEqual(len(line), 80)
                self.assertEqual(line, line.rstrip())

    def test_json_says_the_same(self):
        """Every word of the facts stands in the text, in the same order."""
        for name in self.files:
            words = self.explain(name).split()
            for fact in self.facts(name):
                for word in fact['text'].split():
                    self.assertIn(word, words, (name, fact))
                    del words[:words.index(word) + 1]
                for value in fact['values']:
                    self.assertIn(value, fact['text'])

    def test_every_sentence_is_said(self):
        said = {fact['code'] for name in self.files for fact in self.facts(name)}
        self.assertEqual(said, set(weights()))

    def test_warnings(self):
        """What is a warning is said without --explain, too, and changes no status."""
        known = weights()
        for name, file in self.files.items():
            done = self.run_command('check', '-c', file, '--json')
            self.check(done, 0)
            said = json.loads(done.stdout)['functions'][name]['warnings']
            facts = self.facts(name)
            self.assertEqual([(warning['code'], warning['text']) for warning in said],
                             [(fact['code'], fact['text']) for fact in facts if fact['warning']])
            for fact in facts:
                self.assertEqual(fact['warning'], known[fact['code']] == 'WARNED')

    def test_suggested_invalidation_is_one(self):
        """What the warning of an address shows can be put in, and then it warns no more."""
        entry = json.loads((HERE / 'all.json').read_text())['functions']['handle']
        fact, = [fact for fact in self.facts('handle') if fact['code'] == 'address_reused']
        entry['invalidate'] = [json.loads(fact['values'][1])]
        path = self.write('c.json', json.dumps({'version': 1, 'functions': {'handle': entry}}))
        done = self.run_command('check', '-c', path, '--json')
        self.check(done, 0)
        self.assertEqual(json.loads(done.stdout)['functions']['handle']['warnings'], [])

    def test_unknown(self):
        for name, hint in (('handel', "did you mean 'handle'?"),
                           ('cos', 'memoshim check -f cos --explain cos'), ('q', None)):
            for options in ((), ('--json',)):
                done = self.run_command('check', '-c', 'all.json', '--explain', name, *options)
                self.check(done, 2, f"the configuration does not name '{name}'\n", '')
                self.assertEqual(done.stdout, '')
                self.assertEqual(hint is not None, 'hint: ' in done.stderr, done.stderr)
                self.assertIn(hint or '', done.stderr)
        self.check(self.run_command('check', '--explain'), 2, "'--explain' needs a value")

    def test_errors_come_first(self):
        path = self.write('c.json', test_cli.BAD)
        done = self.run_command('check', '-c', path, '--explain', 'j0')
        self.check(done, 2, "error: 'ttl' is '60x'", '')
        self.assertEqual(done.stdout, '')

    @unittest.skipUnless(test_cli.LIBRARY, 'MEMOSHIM_LIBRARY is not set')
    def test_with_a_program(self):
        done = self.run_command('check', '-c', 'all.json', '--explain', 'handle', '--', '/bin/true')
        self.check(done, 1, '', '\nhandle is not found at start\n')
        self.assertTrue(done.stdout.startswith('int handle('), done.stdout)
        self.assertIn("\n    warning   'db' is in the key by its address", done.stdout)
        self.assertNotIn('\nidle is not found', done.stdout)
        done = self.run_command('check', '-c', 'all.json', '--explain', 'none', '--', '/bin/true')
        self.check(done, 0, '', '\nnone is off\n')


class Presets(test_cli.Case):
    def test_each_is_explained(self):
        names = [name for line in self.run_command('presets').stdout.splitlines()
                 if line.startswith('    ') for name in line.split()]
        self.assertGreater(len(names), 100)
        for name in names:
            done = self.run_command('check', '-f', f'{name}:ttl=1s', '--explain', name)
            self.check(done, 0, '', f'{name}(')
            self.assertEqual(done.stderr, '')
            self.assertIn('    A preset. ', done.stdout)


TYPES = json.loads(SUGGESTIONS.read_text())['types']


class Suggestions(test_cli.Case):
    """Whatever a hint shows for a pointer can be put in, and is no error."""

    def errors(self, name, prototype, args, returns):
        entry = {'prototype': prototype, 'args': args, **returns}
        text = json.dumps({'version': 1, 'types': TYPES, 'functions': {name: entry}})
        done = self.run_command('check', '--json', env={'MEMOSHIM_CONFIG': text})
        return json.loads(done.stdout)['errors']

    def shown(self, hint):
        """The descriptions in a hint; between them are words without quotes or braces."""
        decoder = json.JSONDecoder()
        hint = hint.replace('"count": N', '"count": 4')
        key, at = decoder.raw_decode(hint)
        found = []
        while begin := re.search(r'["{]', hint[at:]):
            value, at = decoder.raw_decode(hint, at + begin.start())
            found.append(value)
        if key == 'args':
            (parameter, found[0]), = found[0].items()
            return parameter, found
        return None, found

    def undescribed(self, name, prototype):
        errors = self.errors(name, prototype, {}, {})
        self.assertTrue(errors)
        return dict(self.shown(error['hint']) for error in errors)

    def others(self, shown):
        """For parameters that are not the matter: numbers that may count, else scratch memory."""
        return {parameter: next((description for description in descriptions
                                 if description == 'scratch' or (
                                     'inout' in description and 'count' not in description)),
                                'ignore')
                for parameter, descriptions in shown.items() if parameter is not None}

    def test_each_can_be_put_in(self):
        functions = json.loads(SUGGESTIONS.read_text())['functions']
        n_tried = 0
        for name, entry in functions.items():
            shown = self.undescribed(name, entry['prototype'])
            for parameter, descriptions in shown.items():
                for description in descriptions:
                    args = self.others(shown)
                    returns = {'returns': 'address'} if None in shown else {}
                    if parameter is None:
                        returns = {'returns': description}
                    else:
                        args[parameter] = description
                    self.assertEqual(self.errors(name, entry['prototype'], args, returns), [],
                                     (name, args, returns))
                    n_tried += 1
        self.assertGreater(n_tried, 50)


if __name__ == '__main__':
    unittest.main()
