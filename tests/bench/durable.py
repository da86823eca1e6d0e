#!/usr/bin/python3
"""What durability costs: CPU a message of QoS 1 into 1,000 offline sessions with `fdatasync` before every PUBACK, beside the same with
memory alone; how long one PUBACK alone takes, beside what the disk needs for 4 KiB. Temporary files must be on a disk (TMPDIR).
Exit status 1 when the bound is not kept.

usage: durable.py PATH-OF-GODWIT [--rounds N]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'integration')]
from against import contenders  # noqa: E402

RUN_SECONDS = 240
RATIO_MAX = 1.3
MANY = 'queue -c 1000 -p 100 -w 100 -m 2000'
ALONE = 'queue -c 1 -p 1 -w 1 -m 5000'


def cpu_by_thread(pid):
    """Seconds so far, by the threads' names."""
    out = {}
    for thread in Path(f'/proc/{pid}/task').iterdir():
        name = (thread / 'comm').read_text().strip()
        out[name] = out.get(name, 0) + int((thread / 'schedstat').read_text().split()[0]) / 1e9
    return out


def bench(binary, words, broker):
    """The phase `fill` of one run."""
    done = subprocess.run([binary, 'bench', *words.split(), broker.url, '--json', '--pid', str(broker.pid)], capture_output=True,
                          text=True, timeout=RUN_SECONDS, check=False, preexec_fn=lambda: os.sched_setaffinity(0, {1}))
    if done.returncode != 0:
        raise SystemExit(f'durable: godwit bench says {done.stderr.strip() or done.stdout[-400:]}')
    return next(each for each in json.loads(done.stdout)['phases'] if each['name'] == 'fill')


class Setting:
    """One durability, and what its runs have cost."""

    def __init__(self, binary, durability):
        self.name = durability
        self.binary = binary
        self.fills, self.rates, self.threads = [], [], {}

    def run(self):
        """In a broker of its own, where memory lies differently each time. What it takes the first time is not looked at: there
        the broker, and where the machine is virtual its host, gets its memory."""
        with contenders.godwit(self.binary, self.name).start(0) as broker:
            bench(self.binary, MANY, broker)
            before = cpu_by_thread(broker.pid)
            fill = bench(self.binary, MANY, broker)
            for name, seconds in cpu_by_thread(broker.pid).items():
                self.threads.setdefault(name, []).append((seconds - before.get(name, 0)) / fill['units'] * 1e6)
        self.fills.append(fill['process']['cpu_us_per_unit'])
        self.rates.append(fill['units_per_s'])

    def describe(self):
        parts = {name: statistics.median(each) for name, each in self.threads.items()}
        by_thread = ', '.join(f'{name} {us:.3f}' for name, us in sorted(parts.items()) if us >= 0.001)
        return (f'{self.name:6}  {statistics.median(self.fills):.3f} us of CPU a message ({min(self.fills):.3f} to '
                f'{max(self.fills):.3f}), {statistics.median(self.rates) / 1e6:.2f} M/s; with sessions made and ended '
                f'{sum(parts.values()):.3f} us: {by_thread}')


def measure(binary, rounds):
    """Both settings in turns, since a machine that is shared has faster and slower minutes."""
    memory, fsync = (Setting(binary, durability) for durability in ('memory', 'fsync'))
    for _ in range(rounds):
        memory.run()
        fsync.run()
    return memory, fsync


def disk_us(count=2000, block=4096, size=16 << 20):
    """p50 of a write of one block and its fdatasync, in a file that has its blocks."""
    with tempfile.NamedTemporaryFile(prefix='godwit-durable-') as file:
        os.write(file.fileno(), bytes(size))
        os.fdatasync(file.fileno())
        took = []
        for each in range(count):
            begin = time.perf_counter()
            os.pwrite(file.fileno(), b'x' * block, each * block % size)
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(took)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('godwit', help='the program, build/release/godwit')
    parser.add_argument('--rounds', type=int, default=9, help='in each setting; default: 9')
    options = parser.parse_args()
    binary = str(Path(options.godwit).resolve())
    memory, fsync = measure(binary, options.rounds)
    print(memory.describe(), fsync.describe(), sep='\n', flush=True)
    with contenders.godwit(binary).start(0) as broker:
        alone = bench(binary, ALONE, broker)['latency_us']['acknowledge']
    print(f'one PUBACK alone: p50 {alone["p50"]:.0f} us, p99 {alone["p99"]:.0f} us; the disk by itself: {disk_us():.0f} us')
    ratio = statistics.median(a / b for a, b in zip(fsync.fills, memory.fills))
    good = ratio <= RATIO_MAX
    print(f'{"ok    " if good else "FAILED"}  fsync : memory {ratio:.2f}, the median of {options.rounds} rounds; at most {RATIO_MAX}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
