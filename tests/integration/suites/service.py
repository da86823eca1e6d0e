"""packaging/godwit.service: what it lets the broker ask of the kernel is all that the broker asks."""
import re
import signal
import sys
from pathlib import Path

from lib import brokers
from lib.program import run as run_program
from lib.program import wait_until
from lib.tests import equal, run_all

UNIT = Path(__file__).resolve().parents[3] / 'packaging' / 'godwit.service'
SECONDS = 60
FILTER = re.compile(r'^SystemCallFilter=(~?)(.*)$', re.MULTILINE)
CALL = re.compile(r'^\d+\s+(?:<\.\.\. )?(\w+)[( ]', re.MULTILINE)


def run(context):
    run_all(sys.modules[__name__], 'service', context)


def sets_of_systemd():
    """'@resources' -> the names in it, of system calls and of other sets."""
    sets = {}
    for line in run_program(['systemd-analyze', '--no-pager', 'syscall-filter']).stdout.splitlines():
        name = line.strip()
        if line.startswith('@'):
            sets[name] = members = []
        elif name and not name.startswith('#') and sets:
            members.append(name)
    assert sets, 'systemd-analyze names no set of system calls'
    return sets


def calls_in(name, sets):
    return {name} if not name.startswith('@') else set().union(*(calls_in(each, sets) for each in sets[name]))


def allowed_by(unit):
    """As systemd reads it: line after line, '~' takes away."""
    sets, allowed = sets_of_systemd(), set()
    for away, names in FILTER.findall(unit):
        calls = set().union(*(calls_in(name, sets) for name in names.split()))
        allowed = allowed - calls if away else allowed | calls
    return allowed


def traced(broker, calls, folder):
    """A program that is the broker, with a list of its system calls."""
    script = folder / 'traced'
    script.write_text(f'#!/bin/sh\nexec strace -D -f -q -o {calls} {broker} "$@"\n')
    script.chmod(0o755)
    return script


def test_system_calls(context, folder):
    """every system call of a broker that starts, serves all transports, reloads and stops is one that the unit allows"""
    calls = folder / 'calls'
    broker = brokers.Godwit(traced(context.broker, calls, folder), folder, brokers.five_listeners(folder, context.certificates),
                            ['--shards', '2', '--data', str(folder / 'data')], config='').launch()
    try:
        broker.await_ready(SECONDS)
        for transport in ('tcp', 'tls', 'ws', 'wss', 'unix'):
            words = ['pairs', '--pairs', '4', '-q', '1', '-n', '100', '--no-progress', '--cafile', context.certificates.path('ca.crt')]
            done = run_program([context.broker, 'bench', *words, broker.endpoints[transport]], SECONDS)
            equal(done.returncode, 0, f'{transport}: {done.stdout} {done.stderr}: status')
        broker.program.signal(signal.SIGHUP)
        wait_until(lambda: any('event=reloaded' in line for line in broker.log()), SECONDS, 'the reload')
    finally:
        broker.stop()
    made = set(CALL.findall(calls.read_text()))
    assert {'epoll_wait', 'fdatasync'} <= made, f'strace saw {sorted(made)}'
    equal(sorted(made - allowed_by(UNIT.read_text())), [], 'not allowed')
