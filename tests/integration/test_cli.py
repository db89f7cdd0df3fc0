#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The memoshim command as scripts meet it: what it prints, refuses and returns.

MEMOSHIM_COMMAND is the command. MEMOSHIM_LIBRARY is the libmemoshim.so to preload; without it
the cases that run a program are skipped.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from heads import EM_RISCV, GO_NOTE, elf, note

COMMAND = os.environ.get('MEMOSHIM_COMMAND')
LIBRARY = os.environ.get('MEMOSHIM_LIBRARY')
USAGE, FAILED, CANNOT_EXECUTE, NOT_FOUND = 2, 125, 126, 127

GOOD = '{ "version": 1, "functions": { "crypt_r": { "ttl": "60s" }, "j0": {} } }\n'
BAD = '{ "version": 1,\n  "functions": { "j0": { "ttl": "60x", "bogus": 1 } } }\n'

class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='memoshim-cli-'))
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, content, mode=0o644):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return str(path)

    def run_command(self, *arguments, env=None, **options):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(('MEMOSHIM', 'LD_', 'XDG_'))}
        environment['HOME'] = str(self.folder)
        # For a library that was built with a sanitizer; to any other they mean nothing.
        environment['ASAN_OPTIONS'] = 'verify_asan_link_order=0:detect_leaks=0'
        environment.update(env or {})
        options.setdefault('cwd', self.folder)
        return subprocess.run([COMMAND, *arguments], env=environment, capture_output=True,
                              text=True, timeout=60, stdin=subprocess.DEVNULL, **options)

    def check(self, done, status, stderr=None, stdout=None):
        shown = f'{done.args}\nstdout: {done.stdout}\nstderr: {done.stderr}'
        self.assertEqual(done.returncode, status, shown)
        for wanted, got in ((stderr, done.stderr), (stdout, done.stdout)):
            if wanted is not None:
                self.assertIn(wanted, got, shown)


class General(Case):
    def test_help_names_every_command(self):
        done = self.run_command('--help')
        for word in ('run', 'check', 'presets'):
            self.check(done, 0, '', f'  {word} ')
            self.check(self.run_command(word, '--help'), 0, '', f'Usage: memoshim {word} ')

    def test_version(self):
        self.assertRegex(self.run_command('--version').stdout, r'^memoshim \d+\.\d+\.\d+\n$')

    def test_wrong_usage(self):
        self.check(self.run_command(), USAGE, 'Usage: memoshim COMMAND', '')
        self.check(self.run_command('chekc'), USAGE, "there is no command 'chekc'", '')
        self.check(self.run_command('chekc'), USAGE, "hint: did you mean 'check'?", '')
        self.check(self.run_command('help'), USAGE, 'Usage: memoshim COMMAND', '')
        for command, status in ('run', FAILED), ('check', USAGE):
            for wrong, text in (['-x'], "no option '-x'"), (['-xc', 'f'], "no option '-x'"), \
                    (['--bogus=1'], "no option '--bogus=1'"), (['-c'], "'-c' needs a value"), \
                    (['--config'], "'--config' needs a value"):
                self.check(self.run_command(command, *wrong), status, text, '')

    @unittest.skipUnless(pathlib.Path('/dev/full').is_char_device(), 'there is no /dev/full')
    def test_full_device_is_noticed(self):
        with open('/dev/full', 'w') as full:
            done = subprocess.run([COMMAND, 'presets'], stdout=full, stderr=subprocess.PIPE,
                                  text=True)
        self.check(done, FAILED, 'No space left on device')


class Check(Case):
    def test_right(self):
        path = self.write('c.json', GOOD)
        done = self.run_command('check', '-c', path)
        self.check(done, 0, '', f'{path}: no errors, 2 functions\n')
        self.assertEqual(done.stderr, '')
        self.assertIn('  crypt_r  memoize, lru, 4096 entries, 64 MiB, ttl 60s (preset)\n',
                      done.stdout)
        self.check(self.run_command('check', env={'MEMOSHIM_CONFIG': path}), 0, '', path)
        self.check(self.run_command('check', env={'MEMOSHIM_CONFIG': GOOD}), 0, '', 'no errors')

    def test_wrong(self):
        path = self.write('c.json', BAD)
        done = self.run_command('check', '-c', path)
        self.check(done, 2, f"{path}:2:33: error: 'ttl' is '60x', which is no duration\n", '')
        self.check(done, 2, f"{path}:2:40: error: unknown key 'bogus'")
        self.assertEqual(done.stdout, '')

    def test_json(self):
        path = self.write('c"\n.json', BAD)
        done = self.run_command('check', '--json', '-c', path)
        self.assertEqual(done.returncode, 2)
        said = json.loads(done.stdout)
        self.assertEqual([(error['line'], error['column']) for error in said['errors']],
                         [(2, 33), (2, 40)])
        self.assertEqual(said['errors'][0]['file'], path)
        self.assertEqual(said['functions'], {})
        path = self.write('c.json', GOOD)
        done = self.run_command('check', '--json', '-c', path)
        self.assertEqual(done.returncode, 0)
        said = json.loads(done.stdout)
        self.assertEqual(said['file'], path)
        self.assertEqual(said['errors'], [])
        self.assertEqual(said['functions']['crypt_r'],
                         {'mode': 'memoize', 'preset': True, 'max_entries': 4096,
                          'max_bytes': 67108864, 'ttl_ms': 60000, 'warnings': [],
                          'summary': 'memoize, lru, 4096 entries, 64 MiB, ttl 60s (preset)'})

    def test_unreadable(self):
        self.check(self.run_command('check', '-c', 'none.json'), 2,
                   'none.json: error: cannot be read: No such file or directory')
        path = self.write('c.json', GOOD, 0o666)
        self.check(self.run_command('check', '-c', path), 2, 'refused: its group or others')

    def test_none(self):
        self.check(self.run_command('check'), 2, 'there is no configuration: name one')
        self.check(self.run_command('check', '-c', '.', 'true'), 2,
                   'memoshim: there is no configuration for true in .\n')
        self.check(self.run_command('check', '-c', '.'), 2, '.: error: a folder, in which each')
        self.check(self.run_command('check', '-c', '.'), 2, '.: hint: name the file, or a program')

    def test_functions_on_the_command_line(self):
        done = self.run_command('check', '-f', 'j0:ttl=5s', '-f', 'crypt')
        self.check(done, 0, '', '-f: no errors, 2 functions\n')
        self.assertRegex(done.stdout, r'  j0     memoize, .*, ttl 5s \(preset\)\n')
        done = self.run_command('check', '-f', 'j0:ttl=5x', '-f', 'nothing_such')
        self.check(done, 2, "memoshim: -f 'j0:ttl=5x': 'ttl' is '5x', which is no", '')
        self.check(done, 2, "memoshim: -f 'nothing_such': nothing is known about 'nothing_such'")
        done = self.run_command('check', '--json', '-f', 'j0:ttl=5x')
        self.assertEqual(done.returncode, 2)
        self.assertEqual([(error['file'], error['line']) for error in
                          json.loads(done.stdout)['errors']], [("-f 'j0:ttl=5x'", 0)])
        self.check(self.run_command('check', '-c', 'c.json', '-f', 'j0'), 2, 'exclude each other')

    def test_wrong_usage(self):
        self.check(self.run_command('check', '-c'), 2, "'-c' needs a value")
        self.check(self.run_command('check', '--jsno'), 2, "there is no option '--jsno'")
        self.check(self.run_command('check', '-f', 'j0', '--explain', 'j0', '--explain', 'j1'), 2,
                   '--explain is given twice')


class Presets(Case):
    def names(self):
        return [name for line in self.run_command('presets').stdout.splitlines()
                if line.startswith('    ') for name in line.split()]

    def test_list(self):
        names = self.names()
        self.assertEqual(len(names), len(set(names)))
        for name in ('crypt', 'crypt_r', 'j0', 'pow', 'sinf', 'atan2l'):
            self.assertIn(name, names)
        for line in self.run_command('presets').stdout.splitlines():
            self.assertLessEqual(len(line), 80)
            self.assertEqual(line, line.rstrip())

    def test_each_is_a_configuration(self):
        for name in self.names():
            done = self.run_command('presets', name)
            self.assertEqual(list(json.loads(done.stdout)['functions']), [name])
            path = self.write('c.json', done.stdout)
            self.check(self.run_command('check', '-c', path), 0, '', 'no errors, 1 function\n')

    def test_unknown(self):
        done = self.run_command('presets', 'crypt_rr')
        self.check(done, 1, "there is no preset for 'crypt_rr'", '')
        self.assertIn("'crypt_r'", done.stderr.replace("'crypt_rr'", ''))

    def test_wrong_usage(self):
        self.check(self.run_command('presets', 'j0', 'j1'), 2, 'name of one function')
        self.check(self.run_command('presets', '--all'), 2, 'name of one function')


class RunRefuses(Case):
    def refuse(self, *arguments, status=FAILED, stderr='', env=None):
        self.check(self.run_command('run', *arguments, env=env), status, stderr, '')

    def test_wrong_usage(self):
        self.refuse(stderr='there is no program to run')
        self.refuse('-f', 'j0', stderr='there is no program to run')
        self.refuse('-f', stderr="'-f' needs a value")
        self.refuse('--bogus', 'true', stderr="there is no option '--bogus'")
        self.refuse('-c', 'c.json', '-f', 'j0', 'true', stderr='-c and -f exclude each other')
        self.refuse('-c', 'c.json', '-c', 'd.json', 'true', stderr='-c is given twice')

    def test_configurations_with_errors(self):
        path = self.write('c.json', BAD)
        self.refuse('-c', path, 'true', stderr=f"{path}:2:33: error: 'ttl' is '60x'")
        self.refuse('-c', path, 'no-such-program', stderr='error:')
        self.refuse('-c', 'none.json', 'true', stderr='No such file or directory')
        self.refuse('true', env={'MEMOSHIM_CONFIG': path}, stderr=f'{path}:2:33: error:')
        self.refuse('true', stderr='there is no configuration for true')
        self.refuse('-c', str(self.folder), 'true', stderr='there is no configuration for true')

    def test_variables_with_errors(self):
        for name, value, text in [('MODE', 'verfy', "did you mean 'verify'?"),
                                  ('STATS', '%x', "'%x' stands for nothing"),
                                  ('STATS_FORMAT', 'xml', 'known here: '),
                                  ('STATS_SIGNAL', 'KILL', "the signal 'KILL' cannot"),
                                  ('STATS_INTERVAL', 'often', 'no duration'),
                                  ('STRICT', 'yes', 'known here: 0, 1')]:
            name = f'MEMOSHIM_{name}'
            self.refuse('-f', 'j0', 'true', env={name: value}, stderr=f'{name}: error: ')
            self.refuse('-f', 'j0', 'true', env={name: value}, stderr=text)

    def test_functions_with_errors(self):
        self.refuse('-f', 'j0:ttl=60x,bogus=1', '-f', 'nothing_such', 'true',
                    stderr="memoshim: -f 'j0:ttl=60x,bogus=1': 'ttl' is '60x', which is no")
        self.refuse('-f', 'j0:ttl=60x,bogus=1', '-f', 'nothing_such', 'true',
                    stderr="memoshim: -f 'nothing_such': nothing is known about 'nothing_such'")
        for text in ('j0:ttl', 'j0:=1', 'j0:ttl=', 'j0:', 'j0:ttl=1,,'):
            self.refuse('-f', text, 'true', stderr='settings are written KEY=VALUE')
        for text in ('j0:callers=["ls"]', 'j0:refresh={"early":1}'):
            self.refuse('-f', text, 'true', stderr='lists and objects can only stand in a file')
        self.refuse('-f', ':ttl=1', 'true', stderr='the name of a function is missing')
        self.refuse('-f', 'j0', '-f', 'j0:ttl=1', 'true', stderr='this function is given twice')

    def test_programs_that_are_not_there(self):
        self.refuse('-f', 'j0', 'no-such-program', status=NOT_FOUND,
                    stderr='cannot run no-such-program: No such file or directory')
        self.refuse('-f', 'j0', './none', status=NOT_FOUND, stderr='cannot run ./none')
        self.refuse('-f', 'j0', '', status=NOT_FOUND)
        self.refuse('-f', 'j0', str(self.folder), status=CANNOT_EXECUTE)
        path = self.write('plain', '#!/bin/sh\n')
        self.refuse('-f', 'j0', path, status=CANNOT_EXECUTE, stderr='Permission denied')
        self.refuse('-f', 'j0', 'plain', status=CANNOT_EXECUTE,
                    env={'PATH': f'/nonexistent:{self.folder}:/usr/bin'})

    def test_programs_that_a_preload_cannot_reach(self):
        go = note(b'Go\0\0', 4, b'build-id')
        for content, reason in (
                (elf(), 'is statically linked'),
                (elf(note=note(b'GNU\0', 3, b'1234') + go), 'is linked by Go'),
                (elf(bits=32), 'is a 32-bit program'),
                (elf(machine=EM_RISCV), 'is a program for another processor'),
                (elf(interpreter='/lib/ld-musl-x86_64.so.1'), 'is linked with musl')):
            path = self.write('program', content, 0o755)
            self.refuse('-f', 'j0', path, stderr=f'memoshim: {path} {reason}')
            script = self.write('script', f'#! {path} -x\n', 0o755)
            self.refuse('-f', 'j0', script, stderr=f'memoshim: {path} {reason}')

    def test_programs_with_privileges(self):
        true = pathlib.Path(shutil.which('true')).resolve().read_bytes()
        for mode, reason in ((0o4755, 'is set-user-ID'), (0o2755, 'is set-group-ID')):
            path = self.write('program', true, mode)
            self.refuse('-f', 'j0', path, stderr=f'memoshim: {path} {reason}')

    def test_damaged_programs(self):
        """Whatever a file says of itself, the command does not fall over it."""
        path = self.write('p', elf(interpreter=99999 * '/'), 0o755)
        done = self.run_command('run', '-f', 'j0', path, env={'MEMOSHIM_LIBRARY': '/nonexistent'})
        self.check(done, FAILED, 'cannot find libmemoshim.so')
        whole = elf(interpreter='/lib64/ld-linux-x86-64.so.2', note=note(b'Go\0\0', 4, b'12345678'))
        for i in range(16, len(whole)):
            for byte in (0, 0x7f, 0xff):
                damaged = whole[:i] + bytes([byte]) + whole[i + 1:]
                done = self.run_command('run', '-f', 'j0', self.write('p', damaged, 0o755),
                                        env={'MEMOSHIM_LIBRARY': '/nonexistent'})
                self.assertEqual(done.returncode, FAILED, (i, byte, done.stderr))

    def test_library(self):
        self.refuse('-f', 'j0', 'true', env={'MEMOSHIM_LIBRARY': '/nonexistent/libmemoshim.so'},
                    stderr='cannot find libmemoshim.so: /nonexistent/libmemoshim.so: No such file')
        odd = self.write('a b.so', 'x')
        self.refuse('-f', 'j0', 'true', env={'MEMOSHIM_LIBRARY': odd},
                    stderr='its path holds a space or a colon')


@unittest.skipUnless(LIBRARY, 'no libmemoshim.so was built')
class Run(Case):
    def run_shell(self, *arguments, script, env=None, **options):
        env = {'MEMOSHIM_LIBRARY': LIBRARY, **(env or {})}
        return self.run_command('run', *arguments, '--', 'sh', '-c', script, env=env, **options)

    def test_status_and_output_are_the_program_s(self):
        for status in (0, 1, 77, 125, 126, 127, 200):
            done = self.run_shell('-f', 'j0', script=f'echo out; echo err >&2; exit {status}')
            self.check(done, status)
            self.assertEqual((done.stdout, done.stderr), ('out\n', 'err\n'))
        self.assertEqual(self.run_shell('-f', 'j0', script='kill -9 $$').returncode, -9)

    def test_library_goes_first(self):
        done = self.run_shell('-f', 'j0', script='echo "$LD_PRELOAD"')
        self.assertEqual(done.stdout, os.path.realpath(LIBRARY) + '\n')
        other = os.path.realpath(LIBRARY)  # any library that loads will do
        done = self.run_shell('-f', 'j0', script='echo "$LD_PRELOAD"', env={'LD_PRELOAD': other})
        self.assertEqual(done.stdout, f'{os.path.realpath(LIBRARY)}:{other}\n')

    def test_configuration_arrives(self):
        self.write('c.json', GOOD)
        done = self.run_shell('-c', 'c.json', script='cd / && echo "$MEMOSHIM_CONFIG"')
        self.assertEqual(done.stdout, f'{self.folder}/c.json\n')
        done = self.run_shell('-f', 'crypt_r:ttl=60s,max_entries=1000', '-f',
                              'j0:single_flight=false', script='echo "$MEMOSHIM_CONFIG"')
        self.assertEqual(json.loads(done.stdout), {'version': 1, 'functions': {
            'crypt_r': {'ttl': '60s', 'max_entries': 1000}, 'j0': {'single_flight': False}}})
        done = self.run_shell('-f', 'j0:library="li\\b",ttl=0.5', script='printenv MEMOSHIM_CONFIG')
        self.assertEqual(done.stdout, '{"version": 1, "functions": {"j0": {"library": '
                         '"\\"li\\\\b\\"", "ttl": 0.5}}}\n')

    def test_folder_of_configurations(self):
        self.write('sh.json', GOOD)
        done = self.run_shell('-c', '.', script='echo "$MEMOSHIM_CONFIG"')
        self.assertEqual(done.stdout, f'{self.folder}/.\n')

    def test_scripts(self):
        env = {'MEMOSHIM_LIBRARY': LIBRARY, 'PATH': f'{self.folder}:/usr/bin:/bin'}
        self.write('with-line', '#!/bin/sh\necho with "$1"\n', 0o755)
        self.write('without-line', 'echo without "$1"\n', 0o755)
        for name in ('with', 'without'):
            done = self.run_command('run', '-f', 'j0', f'{name}-line', '-x', env=env)
            self.check(done, 0, '', f'{name} -x\n')


if __name__ == '__main__':
    os.umask(0o022)
    if not COMMAND:
        print('MEMOSHIM_COMMAND is not set')
        sys.exit(77)
    unittest.main()
