"""Tests as functions: named test_..., with a docstring that states the fact, given the context and a fresh folder."""
import traceback
from pathlib import Path

from lib.program import Deadline
from lib.wire import Closed


def any_broker(function):
    """The test also holds for Debian's mosquitto; the others are about Godwit alone."""
    function.any_broker = True
    return function


def needs(command):
    """The test is skipped, with the reason, as long as the binary has no such subcommand."""
    def mark(function):
        function.command = command
        return function
    return mark


def _where(problem, folder):
    """file:line of the test itself, which lies in this folder."""
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if Path(frame.filename).parent == folder]
    return f'{Path(frames[-1].filename).name}:{frames[-1].lineno}' if frames else ''


def reason_to_skip(function, context):
    if not context.is_godwit:
        return None if getattr(function, 'any_broker', False) else 'about godwit'
    command = getattr(function, 'command', None)
    return f'godwit has no `{command}` yet' if command and not context.has_command(command) else None


def run_all(module, prefix, context):
    """Every test of a module; a failure is one line with the place and the reason."""
    for name, function in list(vars(module).items()):
        if not name.startswith('test_') or (context.only and context.only not in name):
            continue
        fact = f'{prefix}: {function.__doc__.strip()}'
        if reason := reason_to_skip(function, context):
            context.report.skip(fact, reason)
            continue
        try:
            function(context, context.folder(f'{prefix}-{name}'))
        except (AssertionError, Deadline, Closed, OSError, ValueError, KeyError, IndexError) as problem:
            text = ' '.join(str(problem).split()) or type(problem).__name__
            context.report.failed(fact, f'{_where(problem, Path(module.__file__).parent)}: {text}')
        else:
            context.report.ok(fact)


def equal(got, wanted, what):
    assert got == wanted, f'{what}: {got!r} instead of {wanted!r}'


def contains(text, wanted, what):
    assert wanted in text, f'{what}: {wanted!r} is not in {text!r}'


def stop_well(prefix, broker, report):
    """A test of its own for a broker that served a whole suite: it ends with status 0."""
    try:
        broker.stop()
    except (AssertionError, Deadline) as problem:
        report.failed(f'{prefix}: the broker ends well', problem)
    else:
        report.ok(f'{prefix}: the broker ends well')
