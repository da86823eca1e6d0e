#!/usr/bin/python3
"""What one more thing costs the broker's memory: the growth of its RSS per unit, measured with `godwit bench` against the release
program with a data directory, beside a bound. Exit status 1 when a bound is not kept.

usage: memory.py PATH-OF-GODWIT [--full]
"""
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'integration')]
from against import contenders  # noqa: E402

RUN_SECONDS = 240


class Case:
    """A run of `godwit bench` and the phase that counts. `limit` is bytes a unit, above its own `payload`, and above what is there
    once, whatever the number of units: the buffers of batches and turns under load."""

    def __init__(self, name, words, phase, limit, payload=0, once=0):
        self.name, self.words, self.phase = name, words.split(), phase
        self.limit, self.payload, self.once = limit, payload, once

    def growth(self, report):
        phase = next(each for each in report['phases'] if each['name'] == self.phase)
        process = phase['process']
        return process['rss_end_bytes'] - process['rss_begin_bytes'], phase['units']


SMALL = [
    Case('a queued message of 200 B, 10 in each of 20,000 sessions', 'queue -c 20000 -m 10 -s 200 -p 50', 'fill', 56, once=3 << 20),
    Case('a retained message of 200 B, of 50,000', 'retain --topics 50000 -s 200', 'store', 250, payload=200),
]
FULL = [
    Case('a queued message of 200 B, 10 in each of 100,000 sessions', 'queue -c 100000 -m 10 -s 200 -p 100', 'fill', 64),
    Case('an idle client with one subscription, of 15,000', 'conn -c 15000 -k 0 -d 1', 'connect', 512),
    Case('a retained message of 200 B, of 1,000,000', 'retain --topics 1000000 -s 200', 'store', 250, payload=200),
]


def run(binary, case):
    with contenders.godwit(binary).start(0) as broker:
        done = subprocess.run([binary, 'bench', *case.words, broker.url, '--json', '--pid', str(broker.pid)], capture_output=True,
                              text=True, timeout=RUN_SECONDS, check=False)
    if done.returncode != 0:
        raise SystemExit(f'{case.name}: godwit bench says {done.stderr.strip() or done.stdout[-400:]}')
    return json.loads(done.stdout)


def main():
    words = [word for word in sys.argv[1:] if word != '--full']
    if len(words) != 1:
        raise SystemExit(__doc__)
    cases = FULL if '--full' in sys.argv else SMALL
    failed = 0
    for case in cases:
        growth, units = case.growth(run(words[0], case))
        a_unit = (growth - case.once) / units - case.payload
        good = a_unit <= case.limit
        failed += not good
        print(f'{"ok    " if good else "FAILED"}  {case.name}: {a_unit:.1f} bytes, at most {case.limit}')
    print(f'{len(cases) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
