"""From the first line to the last: ready, reload, stop, and configurations that must not start."""
import signal
import socket
import time

from lib import wire
from lib.brokers import Godwit, host_and_port
from lib.program import Program, run
from lib.tests import any_broker, contains, equal

TCP = 'mqtt://127.0.0.1:0'


def start(context, folder, listen=(TCP,), **more):
    return Godwit(context.broker, folder, listen, context.shard_options(), **more).start()


def quick_enough(limit_seconds, attempt):
    """`attempt` returns the seconds it took; a busy machine is given three tries."""
    taken = []
    while len(taken) < 3 and (not taken or taken[-1] >= limit_seconds):
        taken.append(attempt())
    assert taken[-1] < limit_seconds, f'{taken} s instead of {limit_seconds}'


def seconds_to_stop(broker):
    begin = time.monotonic()
    equal(broker.program.stop(20), 0, 'exit status')
    return time.monotonic() - begin


def refused_to_start(context, folder, config):
    """What `godwit serve` says about a configuration with which it must not run."""
    file = folder / 'godwit.toml'
    file.write_text(config)
    done = run([context.broker, 'serve', '--config', file], 10, {'GODWIT_ADMIN_LISTEN': '127.0.0.1:0'})
    assert done.returncode != 0, 'it ended with status 0'
    return done.stderr + done.stdout


def test_ready_in_time(context, folder):
    """says that it is ready within a second of its start"""

    def attempt():
        broker = start(context, folder)
        broker.stop()
        return broker.ready_seconds

    quick_enough(1, attempt)


def test_ready_line(context, folder):
    """the line `godwit ready` names every listener with its port, and the admin port"""
    listen = (TCP, 'ws://127.0.0.1:0/mqtt', f'unix:{folder / "s.sock"}')
    broker = start(context, folder, listen)
    try:
        for transport in ('tcp', 'ws', 'unix', 'admin'):
            assert transport in broker.endpoints, f'no {transport} in {broker.ready_line}'
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('first'), 0, 'CONNACK')
    finally:
        broker.stop()


@any_broker
def test_stop(context, folder):
    """ends with status 0 within two seconds of SIGTERM"""

    def attempt():
        broker = context.start_broker(folder.name)
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.connect('witness')
            return seconds_to_stop(broker)

    quick_enough(2, attempt)


def test_stop_tells_clients(context, folder):
    """SIGTERM: a client of 5.0 gets DISCONNECT 0x8B, one of 3.1.1 is closed"""
    broker = start(context, folder)
    with wire.RawClient(broker.endpoints['tcp'], 5) as new, wire.RawClient(broker.endpoints['tcp'], 4) as old:
        new.connect('new')
        old.connect('old')
        broker.program.signal(signal.SIGTERM)
        kind, _, body = new.read()
        equal((kind, body[0]), (wire.DISCONNECT, 0x8B), 'last packet')
        new.is_closed()
        old.is_closed()
        equal(broker.program.wait(20), 0, 'exit status')


def test_stop_while_a_client_does_not_read(context, folder):
    """a client that has stopped reading does not delay the end beyond two seconds"""

    def attempt():
        broker = start(context, folder)
        with wire.RawClient(broker.endpoints['tcp']) as deaf, wire.RawClient(broker.endpoints['tcp']) as loud:
            deaf.connect('deaf')
            deaf.subscribe('flood')
            loud.connect('loud')
            for _ in range(20):
                loud.publish('flood', bytes(1_000_000), qos=1)
            return seconds_to_stop(broker)

    quick_enough(2, attempt)


def test_interrupt(context, folder):
    """Ctrl-C ends it as SIGTERM does"""
    broker = start(context, folder)
    broker.program.signal(signal.SIGINT)
    equal(broker.program.wait(20), 0, 'exit status')


def test_unix_socket_goes(context, folder):
    """the Unix socket is removed at the end, and a stale one is replaced at the start"""
    path = folder / 's.sock'
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    broker = start(context, folder, (f'unix:{path}',))
    with wire.RawClient(broker.endpoints['unix']) as client:
        equal(client.connect('local'), 0, 'CONNACK')
    broker.stop()
    assert not path.exists(), 'the socket is still there'


def test_second_broker(context, folder):
    """a second broker on the same port ends with a message that names it"""
    first = start(context, folder)
    try:
        port = host_and_port(first.endpoints['tcp'])[1]
        second = run([context.broker, 'serve', '--listen', f'mqtt://127.0.0.1:{port}'], 10,
                     {'GODWIT_ADMIN_LISTEN': '127.0.0.1:0'})
        assert second.returncode != 0, 'the second one ended with status 0'
        contains(second.stderr, str(port), 'message')
        contains(second.stderr.lower(), 'in use', 'message')
        with wire.RawClient(first.endpoints['tcp']) as client:
            equal(client.connect('still-there'), 0, 'CONNACK of the first')
    finally:
        first.stop()


def test_reload(context, folder):
    """SIGHUP reloads the password file, and the log says what was reloaded and what was not"""
    users = folder / 'users'
    hashed = run([context.broker, 'passwd', users, 'ann'], 10, stdin=b'first secret\n')
    equal(hashed.returncode, 0, f'godwit passwd: {hashed.stderr}')
    config = f'[[listener]]\nurl = "{TCP}"\n[auth]\npassword_file = "{users}"\n'
    broker = start(context, folder, (), config=config)
    try:
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('a', username='ben', password='second secret'), 0x86, 'before the reload')
        run([context.broker, 'passwd', users, 'ben'], 10, stdin=b'second secret\n')
        (folder / 'godwit.toml').write_text(config + '[limits]\ninflight_max = 7\n')
        broker.program.signal(signal.SIGHUP)
        broker.program.err.wait_for(lambda line: 'event=reloaded' in line and str(users) in line, 5, 'reloaded')
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('a', username='ben', password='second secret'), 0, 'after the reload')
        assert any('limits.inflight_max' in line for line in broker.log()), 'no word about limits.inflight_max'
    finally:
        broker.stop()


def test_reload_of_a_broken_file(context, folder):
    """SIGHUP with a broken configuration changes nothing, and the log names the line"""
    config = f'[[listener]]\nurl = "{TCP}"\n'
    broker = start(context, folder, (), config=config)
    try:
        (folder / 'godwit.toml').write_text(config + '[server]\nshrads = 3\n')
        broker.program.signal(signal.SIGHUP)
        line = broker.program.err.wait_for(lambda text: 'shrads' in text, 5, 'the fault in the log')
        contains(line, ':4', 'log line')
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('a'), 0, 'CONNACK')
    finally:
        broker.stop()


def test_unknown_key(context, folder):
    """an unknown key does not start; the message names the line and the nearest key"""
    said = refused_to_start(context, folder, '[limits]\nreceive_maxinum = 7\n')
    contains(said, 'godwit.toml:2', 'message')
    contains(said, 'receive_maximum', 'message')


def test_open_listener(context, folder):
    """a listener that other machines can reach does not start without authentication"""
    said = refused_to_start(context, folder, '[[listener]]\nurl = "mqtt://0.0.0.0:0"\n')
    contains(said, 'allow_anonymous', 'message')


def test_environment(context, folder):
    """a variable GODWIT_SECTION_KEY overrides the file"""
    config = f'[[listener]]\nurl = "{TCP}"\n[limits]\nreceive_maximum = 5\n'
    broker = start(context, folder, (), config=config, env={'GODWIT_LIMITS_RECEIVE_MAXIMUM': '17'})
    try:
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.send(wire.connect('a'))
            _, _, body = client.read()
            contains(body, b'\x21\x00\x11', 'receive maximum in CONNACK')
    finally:
        broker.stop()


def test_systemd(context, folder):
    """with NOTIFY_SOCKET it tells systemd when it is ready and when it stops"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(folder / 'notify'))
        notified.settimeout(5)
        broker = start(context, folder, env={'NOTIFY_SOCKET': str(folder / 'notify')})
        contains(notified.recv(4096), b'READY=1', 'notification')
        broker.program.signal(signal.SIGTERM)
        contains(notified.recv(4096), b'STOPPING=1', 'notification')
        broker.program.wait(20)


def test_bad_option(context, folder):
    """an option that does not exist ends with a hint and a non-zero status"""
    done = run([context.broker, 'serve', '--lisen', TCP])
    assert done.returncode != 0, 'status 0'
    contains(done.stderr + done.stdout, '--help', 'message')


def test_log_is_quiet_on_standard_output(context, folder):
    """standard output holds the ready line alone, the log goes to standard error"""
    program = Program([context.broker, 'serve', '--listen', TCP, '--log-level', 'debug'],
                      {'GODWIT_ADMIN_LISTEN': '127.0.0.1:0'})
    program.out.wait_for(lambda line: line.startswith('godwit ready'), 10, 'ready')
    program.stop()
    equal(len(program.out.all), 1, 'lines on standard output')
