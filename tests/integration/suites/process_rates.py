"""How fast clients may send: who is faster is held to its rate, loses nothing, is not taken for silent, and slows nobody else."""
import contextlib
import json
import threading
import time

from lib import wire
from lib.metrics import get, metrics
from lib.program import Program, run, wait_until
from lib.tests import contains, equal
from suites.process_limits import limited


def numbered(first, last, name='m'):
    return [f'{name} {i}'.encode() for i in range(first, last + 1)]


class Arrivals:
    """What a subscriber gets at QoS 0, and when, in a thread of its own."""

    def __init__(self, url, topic, client_id='arrivals'):
        self._client = wire.RawClient(url)
        equal(self._client.connect(client_id, keep_alive=0), 0, 'CONNACK of the subscriber')
        equal(self._client.subscribe(topic), 0, 'SUBACK')
        self.all = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._client.__exit__()
        self._thread.join(5)

    def _run(self):
        while True:
            try:
                payload = self._client.receive()[1]
            except TimeoutError:
                continue
            except (wire.Closed, OSError):
                return
            self.all.append((time.monotonic(), payload))

    def payloads(self, name='m'):
        return [payload for _, payload in self.all if payload.startswith(name.encode() + b' ')]

    def await_count(self, count, seconds, name='m'):
        wait_until(lambda: len(self.payloads(name)) >= count, seconds, f'{count} messages, of which came {len(self.payloads(name))}')

    def rate(self, burst):
        """Messages a second from the burst to the last one."""
        times = [when for when, _ in self.all]
        return (len(times) - burst) / (times[-1] - times[burst - 1])


def flood(url, client_id, count, name='m', topic='t', payload=b''):
    """A connection that has sent so many publishes of QoS 0 at once."""
    client = wire.RawClient(url)
    equal(client.connect(client_id), 0, f'CONNACK of {client_id}')
    client.send(b''.join(wire.publish(topic, each + payload) for each in numbered(1, count, name)))
    return client


def session(broker, client_id):
    status, _, body = get(broker, f'/api/clients/{client_id}')
    equal(status, 200, 'status')
    return json.loads(body)


def near(got, wanted, part, what):
    assert abs(got - wanted) <= wanted * part, f'{what}: {got:.2f} instead of {wanted} +- {part:.0%}'


def publish_calmly(client, seconds):
    """The longest that a client which publishes 10 a second waits for a PUBACK."""
    slowest, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        equal(client.publish('calm', b'x'), 0x10, 'PUBACK of the calm client')
        slowest = max(slowest, time.monotonic() - began)
        client.is_silent(0.1)
    return slowest


def test_rate_of_a_client(context, folder):
    """limits.client_publish_rate: mosquitto_pub that floods is held to it and loses nothing, a client beside it does not notice; log, `why`, API, metrics"""
    with limited(context, folder, 'client_publish_rate = 100\nclient_publish_burst = 20') as broker:
        url = broker.endpoints['tcp']
        port = url.rsplit(':', 1)[1]
        lines = folder / 'lines'
        lines.write_bytes(b'\n'.join(numbered(1, 420)) + b'\n')
        with Arrivals(url, 't') as arrivals, wire.RawClient(url) as calm, lines.open('rb') as stdin:
            equal(calm.connect('calm'), 0, 'CONNACK')
            fast = Program(['mosquitto_pub', '-p', port, '-i', 'fast', '-t', 't', '-q', '1', '-V', '5', '-l'], stdin=stdin)
            wait_until(lambda: len(arrivals.all) > 20, 10, 'the first messages')
            slowest = publish_calmly(calm, 2)
            held = session(broker, 'fast')['held_back']
            arrivals.await_count(420, 20)
            equal(fast.wait(10), 0, 'status of mosquitto_pub')
            assert slowest < 0.5, f'the calm client waited for {slowest:.2f} s'
            equal(session(broker, 'calm')['held_back'], {'by': None, 'times': 0, 'seconds': 0}, 'held_back of the calm client')
            assert held['times'] >= 20 and held['seconds'] > 0.5, held
            equal(arrivals.payloads(), numbered(1, 420), 'messages')
            near(arrivals.rate(20), 100, 0.1, 'publishes a second')
        count = metrics(broker)
        assert sum(count[f'godwit_held_back_total{{shard="{i}",by="client"}}'] for i in (0, 1)) >= held['times'], 'not counted'
        near(sum(count[f'godwit_held_back_seconds_total{{shard="{i}",by="client"}}'] for i in (0, 1)), 4, 0.25, 'seconds')
        equal(sum(count[f'godwit_connections_over_rate{{shard="{i}"}}'] for i in (0, 1)), 0, 'gauge')
        told = [line for line in broker.log() if 'event=held_back' in line]
        assert 2 <= len(told) <= 6, f'{len(told)} lines in 4 s'
        why = run([context.broker, 'why', 'fast', '--admin', broker.endpoints['admin']]).stdout
        for text in (told[0], why):
            contains(text, 'limits.client_publish_rate', 'which rate')
            contains(text, 'more than 100 publishes/s', 'how much')


def test_goodbye_of_a_fast_client(context, folder):
    """what a fast client of QoS 0 sent before its DISCONNECT all comes, though the client is long gone"""
    with limited(context, folder, 'client_publish_rate = 100\nclient_publish_burst = 10') as broker:
        url = broker.endpoints['tcp']
        lines = b''.join(line + b'\n' for line in numbered(1, 200))
        with Arrivals(url, 't') as arrivals:
            began = time.monotonic()
            run(['mosquitto_pub', '-p', url.rsplit(':', 1)[1], '-i', 'gone', '-t', 't', '-l'], stdin=lines)
            assert time.monotonic() - began < 1.5, 'mosquitto_pub waited'
            arrivals.await_count(200, 10)
            equal(arrivals.payloads(), numbered(1, 200), 'messages')
            near(arrivals.rate(10), 100, 0.1, 'publishes a second')
        wait_until(lambda: any('event=disconnected' in line and 'client=gone' in line for line in broker.log()), 5, 'its end')
        line = next(line for line in broker.log() if 'event=disconnected' in line and 'client=gone' in line)
        contains(line, 'by the client', 'log line')


def test_keep_alive_of_a_fast_client(context, folder):
    """a client that is held back for several keep alives is neither cut for silence nor for half a packet, and its PINGREQ is answered in its turn"""
    limits = 'client_publish_rate = 1\nclient_publish_burst = 1\npacket_timeout_s = 1'
    with limited(context, folder, limits) as broker, wire.RawClient(broker.endpoints['tcp']) as client:
        equal(client.connect('held', keep_alive=1), 0, 'CONNACK')
        half = wire.publish('t', b'x' * 50)
        client.send(b''.join(wire.publish('t', each) for each in numbered(1, 7)) + wire.PINGREQ + half[:20])
        began = time.monotonic()
        equal(client.read()[0], wire.PINGRESP, 'packet type')
        near(time.monotonic() - began, 6, 0.1, 'seconds until PINGRESP')
        client.send(half[20:] + wire.PINGREQ)
        equal(client.read()[0], wire.PINGRESP, 'packet type')


def test_bytes_of_a_client(context, folder):
    """limits.client_byte_rate: all that a client sends, beyond a burst, comes in at that rate"""
    with limited(context, folder, 'client_byte_rate = 20000\nclient_byte_burst = 10000') as broker:
        url = broker.endpoints['tcp']
        with Arrivals(url, 't') as arrivals, flood(url, 'bytes', 45, payload=b'x' * 1990):
            arrivals.await_count(45, 15)
            equal([each[:each.index(b'x')] for each in arrivals.payloads()], numbered(1, 45), 'messages')
            near(arrivals.rate(5), 10, 0.1, 'messages of 2 kB a second')


def test_rate_of_a_realm(context, folder):
    """limits.realm_publish_rate: all clients of a realm together, on all shards, each as much as the others"""
    limits = 'realm_publish_rate = 100\nrealm_publish_burst = 10'
    other = 'realm = "other"\n[[listener]]\nurl = "ws://127.0.0.1:0/mqtt"'
    with limited(context, folder, limits, other) as broker, contextlib.ExitStack() as clients:
        tcp = broker.endpoints['tcp']
        arrivals = clients.enter_context(Arrivals(tcp, 't'))
        names = ['a', 'b', 'c', 'd', 'e', 'f']
        for name in names:
            clients.enter_context(flood(tcp, f'fast-{name}', 200, name))
        wait_until(lambda: len(arrivals.all) >= 310, 10, '310 messages')
        near(arrivals.rate(10), 100, 0.1, 'publishes a second of all')
        later = [payload for _, payload in arrivals.all[100:310]]  # when all of them are there
        counts = [sum(payload.startswith(name.encode()) for payload in later) for name in names]
        assert max(counts) - min(counts) <= 3, counts
        line = next(line for line in broker.log() if 'event=held_back' in line)
        contains(line, 'reason=realm_publish_rate', 'which rate')
        calm = clients.enter_context(wire.RawClient(tcp))
        equal(calm.connect('calm'), 0, 'CONNACK')
        began = time.monotonic()
        equal(calm.publish('calm', b'x'), 0x10, 'PUBACK')
        assert time.monotonic() - began < 0.5, 'one message waits for more than a message of each'


def test_rate_of_one_realm(context, folder):
    """realm_publish_rate of a [[realm]]: it alone is faster than [limits] has it for the others, with the burst of these"""
    limits = 'realm_publish_rate = 20\nrealm_publish_burst = 10'
    fast = '[[realm]]\nname = "fast"\nrealm_publish_rate = 200'
    listener = 'realm = "fast"\n[[listener]]\nurl = "unix:%s"\n%s' % (folder / 'slow.sock', fast)
    with limited(context, folder, limits, listener) as broker, contextlib.ExitStack() as clients:
        ways = {}
        for kind, count, wanted in (('tcp', 310, 200), ('unix', 50, 20)):
            ways[kind] = clients.enter_context(Arrivals(broker.endpoints[kind], 't')), count, wanted
            clients.enter_context(flood(broker.endpoints[kind], 'flood', count))
        for kind, (arrivals, count, wanted) in ways.items():
            arrivals.await_count(count, 10)
            near(arrivals.rate(10), wanted, 0.1, f'publishes a second over {kind}')
        for realm, value in (('fast', 200), ('default', 20)):
            why = run([context.broker, 'why', 'flood', '--realm', realm, '--admin', broker.endpoints['admin']], 20).stdout
            contains(why, f'more than {value} publishes/s', f'why in {realm}')


def test_rate_of_a_listener(context, folder):
    """publish_rate of a listener: all its clients together; those of another listener are not held back"""
    listener = 'publish_rate = 100\npublish_burst = 10\n[[listener]]\nurl = "unix:%s"' % (folder / 'free.sock')
    with limited(context, folder, '', listener) as broker, contextlib.ExitStack() as clients:
        tcp, free = broker.endpoints['tcp'], broker.endpoints['unix']
        arrivals = clients.enter_context(Arrivals(free, 't'))
        for name in ('a', 'b'):
            clients.enter_context(flood(tcp, f'fast-{name}', 150, name))
        other = clients.enter_context(Arrivals(free, 'free', 'other'))
        began = time.monotonic()
        clients.enter_context(flood(free, 'free', 1000, 'free', 'free'))
        other.await_count(1000, 5, 'free')
        assert time.monotonic() - began < 2, 'the free listener is slowed'
        arrivals.await_count(150, 10, 'a')
        arrivals.await_count(150, 10, 'b')
        near(arrivals.rate(10), 100, 0.1, 'publishes a second of all')
        for name in ('a', 'b'):
            equal(arrivals.payloads(name), numbered(1, 150, name), 'messages')


def test_clients_are_told(context, folder):
    """CONNACK: Receive Maximum is no more than the burst, and user properties say the rates"""
    limits = 'client_publish_rate = 100\nclient_publish_burst = 20\nclient_byte_rate = 5000'
    with limited(context, folder, limits) as broker, wire.RawClient(broker.endpoints['tcp']) as client:
        client.send(wire.connect('told'))
        kind, _, body = client.read()
        equal(kind, wire.CONNACK, 'packet type')
        contains(body, b'\x21\x00\x14', 'Receive Maximum')
        for name, value in {'publish_rate': '100', 'publish_burst': '20', 'byte_rate': '5000', 'byte_burst': '5000'}.items():
            contains(body, b'\x26' + wire.text(name) + wire.text(value), 'user properties')
