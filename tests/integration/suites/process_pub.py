"""godwit pub, with the options of mosquitto_pub; with --broker mosquitto the same facts are asked of mosquitto_pub."""
from lib import wire
from lib.brokers import Godwit, host_and_port
from lib.mosquitto_clients import MosquittoClients
from lib.program import run
from lib.tests import any_broker, contains, equal, needs


def command(context):
    return [context.broker, 'pub'] if context.is_godwit else ['mosquitto_pub']


def to(url):
    where = url.removeprefix('unix:')
    if where != url:
        return ['--unix', where]
    host, port = host_and_port(url)
    return ['-h', host, '-p', str(port)]


class Watched:
    """A broker, and a mosquitto_sub that has subscribed to cli/#."""

    def __init__(self, context, folder):
        self._context, self._folder = context, folder

    def __enter__(self):
        self.broker = self._context.start_broker(self._folder.name)
        self.endpoints = self.broker.endpoints
        self._sub = MosquittoClients(self._context.certificates.ca)
        self._sub.connect('watcher', self.endpoints['tcp'], '5.0')
        self._sub.subscribe('watcher', 'cli/#', 2)
        return self

    def __exit__(self, *_):
        self._sub.stop()
        self.broker.stop()

    def pub(self, *options, url=None, stdin=b'', wanted=0):
        done = run([*command(self._context), *to(url or self.endpoints['tcp']), *options], 20, stdin=stdin)
        equal(done.returncode, wanted, f'status, {done.stderr.strip()!r}')
        return done

    def received(self, count=1):
        return self._sub.receive('watcher', count, 10)

    def received_lengths(self, count):
        return [message.length for message in self.received(count)]


@any_broker
@needs('pub')
def test_qos(context, folder):
    """-t -m -q: topic, payload and QoS arrive"""
    with Watched(context, folder) as world:
        for qos in (0, 1, 2):
            world.pub('-t', f'cli/q{qos}', '-m', 'x' * (qos + 1), '-q', str(qos))
            message = world.received()[0]
            equal((message.topic, message.qos, message.length), (f'cli/q{qos}', qos, qos + 1), 'message')


@any_broker
@needs('pub')
def test_versions(context, folder):
    """-V: mqttv31, mqttv311 and mqttv5"""
    with Watched(context, folder) as world:
        for version in ('mqttv31', 'mqttv311', 'mqttv5'):
            world.pub('-t', f'cli/{version}', '-m', 'x', '-q', '1', '-V', version)
            equal(world.received()[0].topic, f'cli/{version}', 'topic')


@any_broker
@needs('pub')
def test_sources(context, folder):
    """-n, -f, -s and -l: nothing, a file, standard input, and a message for each of its lines"""
    with Watched(context, folder) as world:
        (folder / 'file').write_bytes(bytes(range(256)) * 300)
        world.pub('-t', 'cli/n', '-n')
        world.pub('-t', 'cli/f', '-f', str(folder / 'file'))
        world.pub('-t', 'cli/s', '-s', stdin=b'two\nlines\n')
        world.pub('-t', 'cli/l', '-l', '-q', '1', stdin=b'a\nbb\n\nccc')
        equal(world.received_lengths(7), [0, 76_800, 10, 1, 2, 0, 3], 'lengths')


@any_broker
@needs('pub')
def test_retain(context, folder):
    """-r keeps the message for later subscribers, -r -n removes it"""
    with Watched(context, folder) as world:
        world.pub('-t', 'keep/this', '-m', 'kept', '-r')
        with wire.RawClient(world.endpoints['tcp']) as late:
            late.connect('late')
            late.subscribe('keep/#')
            equal(late.receive(), ('keep/this', b'kept'), 'retained message')
        world.pub('-t', 'keep/this', '-n', '-r')
        with wire.RawClient(world.endpoints['tcp']) as later:
            later.connect('later')
            later.subscribe('keep/#')
            later.send(wire.publish('keep/mark', b'end'))
            equal(later.receive(), ('keep/mark', b'end'), 'first message')


@any_broker
@needs('pub')
def test_properties(context, folder):
    """-D: properties of 5.0 arrive"""
    with Watched(context, folder) as world, wire.RawClient(world.endpoints['tcp']) as reader:
        reader.connect('reader')
        reader.subscribe('props')
        world.pub('-V', 'mqttv5', '-t', 'props', '-m', 'x', '-D', 'publish', 'user-property', 'colour', 'green',
                  '-D', 'publish', 'content-type', 'text/plain', '-D', 'publish', 'response-topic', 'answers',
                  '-D', 'publish', 'correlation-data', 'c1', '-D', 'publish', 'payload-format-indicator', '1')
        _, _, body = reader.read()
        for part in (b'\x26' + wire.text('colour') + wire.text('green'), b'\x03' + wire.text('text/plain'),
                     b'\x08' + wire.text('answers'), b'\x09' + wire.text('c1'), b'\x01\x01'):
            contains(body, part, 'PUBLISH')


@any_broker
@needs('pub')
def test_client_id(context, folder):
    """-i is the client id: the session that had it is taken over"""
    with Watched(context, folder) as world, wire.RawClient(world.endpoints['tcp']) as first:
        first.connect('the-id')
        world.pub('-i', 'the-id', '-t', 'cli/i', '-m', 'x')
        try:
            kind, _, body = first.read()
            equal((kind, body[0]), (wire.DISCONNECT, 0x8E), 'what the former holder gets')
        except wire.Closed:
            assert not context.is_godwit, 'closed without a word'  # mosquitto 2.0.11 says nothing


@any_broker
@needs('pub')
def test_transports(context, folder):
    """--cafile and --unix"""
    with Watched(context, folder) as world:
        world.pub('-t', 'cli/tls', '-m', 'x', '--cafile', context.certificates.ca, url=world.endpoints['tls'])
        world.pub('-t', 'cli/unix', '-m', 'x', url=world.endpoints['unix'])
        equal([message.topic for message in world.received(2)], ['cli/tls', 'cli/unix'], 'topics')
        other = context.certificates.path('other-ca.crt')
        done = run([*command(context), *to(world.endpoints['tls']), '-t', 'cli/no', '-m', 'x', '--cafile', other], 20)
        assert done.returncode != 0 and done.stderr, 'a certificate of an unknown authority was accepted'


@needs('pub')
def test_websocket(context, folder):
    """--ws speaks WebSocket, and secure WebSocket together with --cafile"""
    with Watched(context, folder) as world:
        world.pub('-t', 'cli/ws', '-m', 'x', '--ws', url=world.endpoints['ws'])
        world.pub('-t', 'cli/wss', '-m', 'x', '--ws', '--cafile', context.certificates.ca, url=world.endpoints['wss'])
        equal([message.topic for message in world.received(2)], ['cli/ws', 'cli/wss'], 'topics')


@needs('pub')
def test_user(context, folder):
    """-u and -P log in; a wrong password ends with a message and a non-zero status"""
    run([context.broker, 'passwd', folder / 'users', 'ann'], 20, stdin=b'pw\n')
    config = f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\npassword_file = "{folder / "users"}"\n'
    broker = Godwit(context.broker, folder, (), context.shard_options(), config).start()
    try:
        where = [*command(context), *to(broker.endpoints['tcp']), '-t', 'x', '-m', 'x', '-u', 'ann']
        equal(run([*where, '-P', 'pw'], 20).returncode, 0, 'status with the right password')
        done = run([*where, '-P', 'no'], 20)
        assert done.returncode != 0 and done.stderr, 'status 0 or no message with a wrong password'
    finally:
        broker.stop()


@any_broker
@needs('pub')
def test_client_certificate(context, folder):
    """--cert and --key are shown to a listener that asks"""
    pem = context.certificates.path
    if context.is_godwit:
        broker = Godwit(context.broker, folder, [f'mqtts://127.0.0.1:0?cert={pem("server.crt")}&key={pem("server.key")}'
                                                 f'&ca={pem("ca.crt")}&verify=required']).start()
        url = broker.endpoints['tls']
    else:
        broker = context.start_broker(folder.name)
        url = broker.endpoints['tls-verify']
    try:
        words = [*command(context), *to(url), '-t', 'x', '-m', 'x', '-q', '1', '--cafile', pem('ca.crt')]
        done = run([*words, '--cert', pem('client.crt'), '--key', pem('client.key')], 20)
        equal(done.returncode, 0, f'status with a certificate, {done.stderr.strip()!r}')
        assert run(words, 20).returncode != 0, 'status 0 without a certificate'
    finally:
        broker.stop()


@any_broker
@needs('pub')
def test_nobody_there(context, folder):
    """without a broker it ends with a message and a non-zero status"""
    broker = context.start_broker(folder.name)
    broker.stop()
    done = run([*command(context), *to(broker.endpoints['tcp']), '-t', 'x', '-m', 'x'], 20)
    assert done.returncode != 0 and 'refused' in (done.stderr + done.stdout).lower(), done


@any_broker
@needs('pub')
def test_misuse(context, folder):
    """no topic, a wildcard in the topic, or two payloads at once are errors before anything is sent"""
    for words in (['-m', 'x'], ['-t', 'a/#', '-m', 'x'], ['-t', 'a', '-m', 'x', '-n'], ['-t', 'a', '-m', 'x', '-q', '3']):
        done = run([*command(context), *words], 20)
        assert done.returncode != 0 and done.stderr, f'{words}: status {done.returncode}'
