#!/usr/bin/env python3
"""Runs the test of each row of field.tsv: it passes, and it fails with the row's mutant. Last line: N passed, M failed.

usage: field.py BUILD [NUMBER...]    BUILD: a tree with mutants compiled in, such as build/dev; NUMBER: only these rows
"""
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# All rows of the second list of faults, and those of the first that are about identity, limits and hostile input.
EXPECTED = [f'1.{n}' for n in (1, 2, 6, 7, 13, 18, 20, 21, 24)] + [f'2.{n}' for n in range(1, 22)]
SECONDS = 120


def rows():
    for line in (HERE / 'field.tsv').read_text().splitlines():
        if not line or line.startswith('#'):
            continue
        columns = line.split('\t')
        assert len(columns) == 5, f'not five columns: {line}'
        yield columns


def command(build, program, test):
    """A command that tries the test, and what its environment has besides."""
    if program == 'sim':
        seeds = (HERE.parent / 'sim' / 'mutants.tsv').read_text().splitlines()
        seed = next(line.split('\t')[1] for line in seeds if line.split('\t')[0] == test)
        return [build / 'tests/sim/sim', '--seed', seed]
    path = build / 'tests/conformance/conformance_test' if program == 'conformance' else build / f'src/{program}_test'
    return [path, f'--gtest_filter={test}']


def run(words, mutant=None):
    environment = dict(os.environ)
    if mutant:
        environment['GODWIT_MUTANT'] = mutant
    done = subprocess.run([str(word) for word in words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', timeout=SECONDS)
    return done.returncode, done.stdout


def fault(build, program, test, mutant):
    """What is wrong with a row; None: nothing."""
    words = command(build, program, test)
    code, output = run(words)
    if code != 0:
        return f'fails as it is:\n{output[-2000:]}'
    if program != 'sim' and not re.search(r'\[  PASSED  \] [1-9]', output):
        return f'no test of {words[0].name} is called {test}'
    if mutant.startswith('- '):
        return None
    names = (HERE.parent.parent / 'src/base/mutant.h').read_text()
    if f'X({mutant},' not in names:
        return f'there is no mutant {mutant}'
    if program == 'sim':
        words += ['--mutant', mutant, '--no-shrink']
    return None if run(words, mutant)[0] != 0 else f'passes although {mutant} is active'


def main(build, wanted):
    passed, failed, seen = 0, 0, []
    for number, what, program, test, mutant in rows():
        seen.append(number)
        if wanted and number not in wanted:
            continue
        wrong = fault(build, program, test, mutant)
        passed, failed = (passed + 1, failed) if wrong is None else (passed, failed + 1)
        how = 'has no mutant' if mutant.startswith('- ') else f'fails with {mutant}'
        print(f'ok {number} {what}: {test} {how}' if wrong is None else f'not ok {number} {what}: {test} # {wrong}', flush=True)
    for number in EXPECTED:
        if number not in seen:
            failed += 1
            print(f'not ok {number}: no test is named')
    print(f'{passed} passed, {failed} failed')
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
