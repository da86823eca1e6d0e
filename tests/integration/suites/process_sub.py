"""godwit sub, with the options of mosquitto_sub; with --broker mosquitto the same facts are asked of mosquitto_sub."""
import signal
import time

from lib import wire
from lib.program import Program
from lib.tests import any_broker, contains, equal, needs
from suites.process_pub import to


def command(context):
    return [context.broker, 'sub'] if context.is_godwit else ['mosquitto_sub']


class World:
    """A broker, a client that publishes, and on each subtree cli/... a retained message `ready` that a
    subscriber prints first: what is published after that, it must see."""

    def __init__(self, context, folder):
        self._context, self._folder, self._programs = context, folder, []

    def __enter__(self):
        self.broker = self._context.start_broker(self._folder.name)
        self.endpoints = self.broker.endpoints
        self.publisher = wire.RawClient(self.endpoints['tcp'])
        self.publisher.connect('publisher')
        self.send('cli/ready', b'ready', retain=True)
        return self

    def __exit__(self, *_):
        for program in self._programs:
            program.stop()
        self.broker.stop()

    def send(self, topic, payload, retain=False, qos=1):
        self.publisher.send(wire.publish(topic, payload, qos, retain=retain))
        while qos and self.publisher.read()[0] != wire.PUBACK:
            pass

    def send_until_printed(self, topic, payload, program):
        """For a subscriber that prints nothing when it is ready; each publish is acknowledged before the next."""
        end = time.monotonic() + 10
        while not program.out.all and time.monotonic() < end:
            self.send(topic, payload)

    def sub(self, *options, url=None, ready='ready'):
        """A running subscriber; returns once it has printed the retained message."""
        program = Program([*command(self._context), *to(url or self.endpoints['tcp']), *options])
        self._programs.append(program)
        if ready:
            program.out.wait_for(lambda line: ready in line, 10, 'the retained message')
        return program


def lines(program, count):
    return [program.out.wait_for(lambda _: True, 10, 'a line') for _ in range(count)]


@any_broker
@needs('sub')
def test_verbose(context, folder):
    """-v prints topic and payload, without it the payload alone"""
    with World(context, folder) as world:
        loud, quiet = world.sub('-t', 'cli/#', '-v'), world.sub('-t', 'cli/#')
        world.send('cli/a', b'one two')
        equal(lines(loud, 1), ['cli/a one two'], 'with -v')
        equal(lines(quiet, 1), ['one two'], 'without')


@any_broker
@needs('sub')
def test_count(context, folder):
    """-C ends with status 0 after so many messages"""
    with World(context, folder) as world:
        program = world.sub('-t', 'cli/#', '-C', '3')
        for payload in (b'1', b'2'):
            world.send('cli/a', payload)
        equal(program.wait(5), 0, 'status')
        equal(program.out.all, ['ready', '1', '2'], 'output')


@any_broker
@needs('sub')
def test_timeout(context, folder):
    """-W ends with status 27 when the messages of -C did not come in time"""
    with World(context, folder) as world:
        program = world.sub('-t', 'cli/#', '-C', '5', '-W', '1')
        equal(program.wait(5), 27, 'status')


@any_broker
@needs('sub')
def test_format(context, folder):
    """-F: topic, QoS, retain, length, payload, hexadecimal, and the signs that stand for themselves"""
    with World(context, folder) as world:
        program = world.sub('-t', 'cli/#', '-q', '1', '-F', r'%t|%q|%r|%l|%p|%x|%X|%%|a\tb')
        world.send('cli/f', b'Zz')
        equal(program.out.all[0], 'cli/ready|1|1|5|ready|7265616479|7265616479|%|a\tb', 'retained')
        equal(lines(program, 1), ['cli/f|1|0|2|Zz|5a7a|5A7A|%|a\tb'], 'live')


@any_broker
@needs('sub')
def test_json_format(context, folder):
    """-F %j prints a JSON object"""
    import json
    with World(context, folder) as world:
        program = world.sub('-t', 'cli/#', '-F', '%j')
        world.send('cli/j', b'quote " and \\')
        message = json.loads(lines(program, 1)[0])
        equal((message['topic'], message['payload'], message['qos']), ('cli/j', 'quote " and \\', 0), 'object')


@any_broker
@needs('sub')
def test_many_topics(context, folder):
    """-t may be given again, -T leaves out what it matches"""
    with World(context, folder) as world:
        program = world.sub('-t', 'cli/#', '-t', 'more/+', '-T', 'cli/noise/#', '-v')
        for topic in ('cli/noise/1', 'more/a', 'cli/b'):
            world.send(topic, b'x')
        equal(lines(program, 2), ['more/a x', 'cli/b x'], 'output')


@any_broker
@needs('sub')
def test_stale(context, folder):
    """-R leaves out retained messages, --retained-only prints nothing else"""
    with World(context, folder) as world:
        only = world.sub('-t', 'cli/#', '--retained-only')
        fresh = world.sub('-t', 'cli/#', '-t', 'mark', '-R', ready=None)
        world.send_until_printed('mark', b'live', fresh)
        equal(set(fresh.out.all), {'live'}, 'with -R')
        world.send('cli/live', b'live')
        equal(only.wait(5), 0, 'status of --retained-only')
        equal(only.out.all, ['ready'], 'with --retained-only')


@any_broker
@needs('sub')
def test_no_end_of_line(context, folder):
    """-N prints the payload as it is"""
    with World(context, folder) as world:
        world.send('cli/again', b'ready', retain=True)
        program = world.sub('-t', 'cli/#', '-N', '-C', '2', ready=None)
        equal(program.wait(5), 0, 'status')
        equal(program.out.all, ['readyready'], 'output')


@any_broker
@needs('sub')
def test_will(context, folder):
    """--will-topic, --will-payload and --will-qos: the broker publishes it when the program is killed"""
    with World(context, folder) as world:
        world.publisher.subscribe('cli/wills/#')
        program = world.sub('-t', 'cli/ready', '--will-topic', 'cli/wills/sub', '--will-payload', 'gone',
                            '--will-qos', '1')
        program.signal(signal.SIGKILL)
        equal(world.publisher.receive(), ('cli/wills/sub', b'gone'), 'will')


@any_broker
@needs('sub')
def test_no_will_after_interrupt(context, folder):
    """Ctrl-C disconnects in order: no will"""
    with World(context, folder) as world:
        world.publisher.subscribe('cli/wills/#')
        program = world.sub('-t', 'cli/ready', '--will-topic', 'cli/wills/sub', '--will-payload', 'gone')
        program.signal(signal.SIGINT)
        program.wait(5)
        world.publisher.send(wire.publish('cli/wills/mark', b'end'))
        equal(world.publisher.receive(), ('cli/wills/mark', b'end'), 'first message')


@any_broker
@needs('sub')
def test_transports(context, folder):
    """--cafile and --unix, in every version"""
    with World(context, folder) as world:
        for version in ('mqttv31', 'mqttv311', 'mqttv5'):
            world.sub('-t', 'cli/#', '-V', version, '--cafile', context.certificates.ca, url=world.endpoints['tls'])
            world.sub('-t', 'cli/#', '-V', version, url=world.endpoints['unix'])


@needs('sub')
def test_websocket(context, folder):
    """--ws, and with --cafile secure WebSocket"""
    with World(context, folder) as world:
        world.sub('-t', 'cli/#', '--ws', url=world.endpoints['ws'])
        world.sub('-t', 'cli/#', '--ws', '--cafile', context.certificates.ca, url=world.endpoints['wss'])


@any_broker
@needs('sub')
def test_shared(context, folder):
    """members of a shared subscription divide the messages between them"""
    with World(context, folder) as world:
        members = [world.sub('-V', 'mqttv5', '-t', 'cli/ready', '-t', '$share/team/work/#', '-q', '1') for _ in 'ab']
        for number in range(20):
            world.send('work/item', b'%d' % number)
        world.send('cli/ready', b'end')
        got = [line for member in members
               for line in iter(lambda m=member: m.out.wait_for(lambda _: True, 10, 'the end'), 'end')]
        equal(sorted(map(int, got)), list(range(20)), 'items')


@any_broker
@needs('sub')
def test_refused_subscription(context, folder):
    """a filter that is not well formed is an error that names it"""
    program = Program([*command(context), '-t', 'a/#/b'])
    assert program.wait(10) != 0, 'status 0'
    contains(''.join(program.err.all), 'a/#/b', 'message')
