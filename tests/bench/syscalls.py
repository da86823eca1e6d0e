#!/usr/bin/python3
"""System calls of the broker for one delivered message, counted by strace in two runs of different length under `godwit bench`, the
second less the first, beside a bound. Exit status 1 when a bound is not kept.

usage: syscalls.py PATH-OF-GODWIT
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'integration')]
from lib.brokers import free_port  # noqa: E402

RUN_SECONDS = 240
# name, words for godwit bench, messages sent in the short and in the long run, delivered for one sent, bound
CASES = [
    ('500 pairs, QoS 0', 'pairs --pairs 500', (2000, 22000), 1, 2.1),
    ('500 pairs, QoS 1', 'pairs --pairs 500 -q 1', (2000, 22000), 1, 4.3),
    ('fan-out, 1 to 1000, 4 under way', 'fanout -c 1000 -w 4', (8, 48), 1000, 1.1),
]


def iter_until_ready(lines):
    for line in lines:
        yield line
        if 'godwit ready' in line:
            return


def calls_of(godwit, words, count):
    """System calls of a whole run: start, load, end."""
    with tempfile.TemporaryDirectory(prefix='godwit-syscalls-') as folder:
        port, counts = free_port(), Path(folder) / 'counts'
        broker = ['env', 'GODWIT_ADMIN_LISTEN=', 'GODWIT_SERVER_SYS_INTERVAL_S=0', godwit, 'serve', '--shards', '1', '--data',
                  f'{folder}/data', '--listen', f'mqtt://127.0.0.1:{port}']
        traced = subprocess.Popen(['strace', '-f', '-c', '-o', counts, *broker], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said = list(iter_until_ready(traced.stdout))
            if 'godwit ready' not in said[-1]:
                raise SystemExit(f'syscalls: the broker does not start under strace: {"".join(said)}')
            subprocess.run([godwit, 'bench', *words.split(), '-V', '311', '-n', str(count), '--no-progress', f'mqtt://127.0.0.1:{port}'],
                           stdout=subprocess.DEVNULL, timeout=RUN_SECONDS, check=True)
        finally:
            end_the_traced(traced)
        return int(re.search(r'^100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s.*total$', counts.read_text(), re.MULTILINE).group(1))


def end_the_traced(strace):
    """SIGTERM for the broker, whose parent strace is."""
    children = Path(f'/proc/{strace.pid}/task/{strace.pid}/children').read_text().split()
    for child in children:
        subprocess.run(['kill', child], check=False)
    strace.wait(60)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    failed = 0
    for name, words, (few, many), fan, bound in CASES:
        more = calls_of(sys.argv[1], words, many) - calls_of(sys.argv[1], words, few)
        each = more / ((many - few) * fan)
        failed += each > bound
        print(f'{"FAILED" if each > bound else "ok    "}  {name}: {each:.2f} system calls a delivered message, at most {bound}', flush=True)
    print(f'{len(CASES) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
