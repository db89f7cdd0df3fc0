#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Adds up what the test runs of tests/run.sh left behind.

    summary.py BUILDS RESULTS

BUILDS/*/meson-logs/testlog*.json are meson's logs: one object a line, one line a test. A test that
speaks TAP counts as the points it reports, any other as one. RESULTS has further lines of the form
"name<TAB>OK" or "name<TAB>FAIL". Prints what failed and what was skipped, then
"N passed, N failed, N skipped". Exits with 1 if anything failed, or nothing passed.
"""
import json
import pathlib
import re
import sys

POINT = re.compile(r'^(not )?ok\b(.*)$', re.MULTILINE)
PASSED, SKIPPED = {'OK', 'EXPECTEDFAIL'}, {'SKIP'}


def count_points(stdout):
    """(passed, failed, skipped) of the TAP points in stdout."""
    counts = [0, 0, 0]
    for refused, rest in POINT.findall(stdout):
        if re.search(r'#\s*skip', rest, re.IGNORECASE):
            counts[2] += 1
        else:
            counts[1 if refused else 0] += 1
    return counts


def count_test(test):
    points = count_points(test.get('stdout') or '') if test.get('is_tap') else [0, 0, 0]
    result = test['result']
    if result in SKIPPED:
        return [0, 0, sum(points) or 1]
    if result in PASSED:
        return points if sum(points) else [1, 0, 0]
    if points[1] == 0:  # it ended badly without saying so
        points[1] = 1
    return points


def read_log(path):
    build = path.parent.parent.name
    for line in path.read_text(errors='replace').splitlines():
        test = json.loads(line)
        test['is_tap'] = re.search(r'^1\.\.\d', test.get('stdout') or '', re.MULTILINE)
        label = f'{build}: {test["name"]}'
        yield label, count_test(test), test.get('stdout') or ''


def skip_reason(stdout):
    lines = [line.strip() for line in stdout.splitlines() if line.strip()]
    return lines[-1] if lines else 'no reason given'


def main(builds, results):
    total = [0, 0, 0]
    for path in sorted(pathlib.Path(builds).glob('*/meson-logs/testlog*.json')):
        for label, counts, stdout in read_log(path):
            total = [a + b for a, b in zip(total, counts)]
            if counts[1]:
                print(f'failed:  {label}')
            elif counts[2]:
                print(f'skipped: {label}: {skip_reason(stdout)}')
    for line in pathlib.Path(results).read_text().splitlines():
        name, result = line.rsplit('\t', 1)
        total[0 if result == 'OK' else 1] += 1
        if result != 'OK':
            print(f'failed:  {name}')
    print('{} passed, {} failed, {} skipped'.format(*total))
    return 1 if total[1] or not total[0] else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
