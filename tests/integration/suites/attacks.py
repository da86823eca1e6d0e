"""Attacks by valid traffic: each wants more memory than the broker may have. It stays below its bound, others go on, and who did it is named."""
import itertools
import json
import resource
import signal
import struct
import sys
from pathlib import Path

from lib import brokers, wire
from lib.brokers import connect_to
from lib.crowd import Crowd
from lib.metrics import get
from lib.neighbours import narrow
from lib.program import Program, wait_until
from lib.tests import run_all

MIB = 1 << 20
BUDGET = 128 * MIB
OVER_MAX = 1.1
WANTED = 3 * BUDGET  # what an attack would take, if it were let
SECONDS = 60  # for what has to come, however short cores are
MORE_SECONDS = 1.5  # that an attack goes on when memory is scarce
PAUSE_MAX_SECONDS = 3
TOPIC_BYTES = 60_000
NAMES = ('holds_much', 'publish_refused', 'subscribe_refused', 'retained_refused', 'refused', 'disconnected', 'dropped')


def run(context):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the attackers are many
    run_all(sys.modules[__name__], 'attacks', context)


class Normal:
    """Pairs at a moderate rate, in a process of their own, from before the attack until after it."""

    def __init__(self, broker, url):
        words = ['--pairs', '20', '-q', '1', '-r', '400', '--warm-up', '0', '-d', '600', '--progress', '--json']
        self._program = Program([broker, 'bench', 'pairs', url, *words])
        self._program.err.wait_for(lambda line: line.endswith('/s delivered') and not line.endswith(' 0/s delivered'), SECONDS,
                                   'normal traffic')

    def check(self):
        """They got everything in time."""
        self._program.signal(signal.SIGINT)
        self._program.wait(SECONDS)
        report = json.loads('\n'.join(self._program.out.all))
        verdict = report['verdict']
        told = (verdict['lost'], verdict['reordered'], verdict['refused'], verdict['connections_lost'], report['faults'])
        assert told == (0, 0, 0, 0, []), f'normal clients: {verdict}, {report["faults"]}'
        assert 0 < verdict['expected'] == verdict['delivered'], f'normal clients: {verdict}'
        longest = report['phases'][0]['latency_us']['delivery']['p99'] / 1e6
        assert longest < PAUSE_MAX_SECONDS, f'normal clients waited {longest:.1f} s'

    def stop(self):
        self._program.stop()


STRANGERS = 1500
STRANGER_BYTES_MAX = 4_000


class Attacked:
    """A broker with little memory, a normal client, and a crowd that attacks."""

    def __init__(self, context, folder):
        config = f'[server]\nmemory_bytes_max = {BUDGET}\n[limits]\ninflight_max = 1024\n'
        self.broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], ['--shards', '2'], config).start()
        self.url = self.broker.endpoints['tcp']
        self._binary = context.broker

    def __enter__(self):
        self.normal = Normal(self._binary, self.url)
        self.crowd = Crowd()
        return self

    def __exit__(self, kind, *_):
        self.normal.stop()
        self.crowd.close()
        self.broker.stop()

    def client(self, name, narrow_window=False, **options):
        """The stream of an attacker that was let in; None if it was refused."""
        stream = narrow(self.url) if narrow_window else connect_to(self.url)
        code = wire.RawClient(self.url, stream=stream).connect(name, keep_alive=0, **options)
        if not code:
            return stream
        stream.close()
        return None

    def attack(self, attackers):
        """The attack goes on after memory is scarce and somebody is named."""
        self.crowd.push(SECONDS, until=lambda: self.is_scarce() and self.named(attackers))
        self.crowd.push(MORE_SECONDS)

    def is_scarce(self):
        """Whether the broker has said so."""
        return any(word in line for word in ('memory_scarce', 'memory_spent') for line in self.broker.log())

    def named(self, attackers):
        """The attackers that the log names."""
        lines = [line.split() for line in self.broker.log() if any(word in line for word in NAMES)]
        return {word[len('client='):] for line in lines for word in line if word.startswith('client=')} & set(attackers)

    def check(self, attackers):
        """All that is promised."""
        wait_until(self.is_scarce, 5, f'memory was never scarce: {self.peak() / MIB:.0f} MiB')
        self.normal.check()
        peak = self.peak()
        assert peak < BUDGET * OVER_MAX, f'{peak / MIB:.0f} MiB, of {BUDGET / MIB:.0f}'
        named = self.named(attackers)
        assert named, f'no attacker is named in {len(self.broker.log())} lines: {self.broker.log()[-3:]}'
        for name in named:
            status, _, body = get(self.broker, f'/api/clients/{name}/events')
            events = {event['event'] for event in json.loads(body)['events']}
            assert status == 200 and events & set(NAMES), f'why {name}: {status}, {events}, of {len(named)}'

    def peak(self):
        return peak_of(self.broker)


def peak_of(broker):
    """The most bytes of RSS so far."""
    status = Path(f'/proc/{broker.program.pid}/status').read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith('VmHWM')))


def attackers(count):
    return [f'attacker{number}' for number in range(count)]


def batches(packets, size):
    """The packets, joined so that one send takes many."""
    while batch := b''.join(itertools.islice(packets, size)):
        yield batch


def test_queues(context, folder):
    """a flood into the queues of sessions that are offline"""
    with Attacked(context, folder) as place:
        names = attackers(100)
        for name in names:
            stream = place.client(name, expiry_s=3600)
            stream.sendall(wire.subscribe(f'to/{name}', 1))
            wire.RawClient(place.url, stream=stream).read()
            stream.close()
        packets = (wire.publish(f'to/{name}', b'x' * 16_000, 1) for name in itertools.cycle(names))
        place.crowd.add(place.client('attacker'), itertools.islice(batches(packets, 10), WANTED // 160_000))
        place.attack(names + ['attacker'])
        place.check(names + ['attacker'])


def test_retained(context, folder):
    """a flood of retained messages on ever new topics"""
    with Attacked(context, folder) as place:
        for name in attackers(4):
            place.crowd.add(place.client(name), retained(name, WANTED // 4))
        place.attack(attackers(4))
        place.check(attackers(4))


def retained(topics, count_bytes):
    """Retained messages on ever new topics."""
    packets = (wire.publish(f'{topics}/{i}', b'x' * 1000, retain=True) for i in itertools.count())
    return itertools.islice(batches(packets, 200), count_bytes // 200_000)


def test_retained_again(context, folder):
    """a flood of retained messages that other clients, on every shard, replace when memory is scarce"""
    with Attacked(context, folder) as place:
        names = attackers(8)
        streams = [place.client(name) for name in names]
        place.crowd.add(place.client('attacker'), retained('again', WANTED))
        place.crowd.push(SECONDS, until=place.is_scarce)
        for stream in streams:
            place.crowd.add(stream, retained('again', BUDGET))
        place.attack(names + ['attacker'])
        place.check(names + ['attacker'])


def test_subscriptions(context, folder):
    """a flood of subscriptions to long filters"""
    with Attacked(context, folder) as place:
        names = attackers(200)
        for name in names:
            place.crowd.add(place.client(name), batches(subscribes(name), 100))
        place.attack(names)
        place.check(names)


def subscribes(name):
    return (wire.subscribe(f'{name}/{i}/' + 'x' * 200, packet_id=1 + i % 60_000) for i in range(9000))


def test_sessions(context, folder):
    """a flood of sessions that last, each with a will of 50 KB"""
    with Attacked(context, folder) as place:
        names = attackers(WANTED // 50_000)
        refused = 0
        for name in names:
            refused += not stay_with_will(place, name)
            if refused > 20:
                break
        assert refused > 20, f'{refused} were refused'
        place.check(names)


def stay_with_will(place, name):
    """Whether this client was let in. One that is refused may find its connection closed before it has read why."""
    stream = connect_to(place.url)
    stream.sendall(connect_with_will(name, b'x' * 50_000))
    try:
        _, _, body = wire.RawClient(place.url, stream=stream).read()
    except (wire.Closed, OSError):
        body = b'\0\xff'
    if body[1]:
        stream.close()
        return False
    place.crowd.add(stream, [])
    return True


def connect_with_will(name, payload):
    """CONNECT of MQTT 5.0, its session and will to last an hour."""
    hour = struct.pack('!I', 3600)
    will = b'\x05\x18' + hour + wire.text('wills') + struct.pack('!H', len(payload)) + payload
    body = wire.text('MQTT') + bytes([5, 0x06]) + struct.pack('!H', 0) + b'\x05\x11' + hour + wire.text(name) + will
    return wire.packet(0x10, body)


def test_huge_packets(context, folder):
    """many packets of several MiB whose ends do not come"""
    with Attacked(context, folder) as place:
        names = attackers(100)
        whole = wire.publish('huge', b'x' * (8 * MIB))
        for name in names:
            place.crowd.add(place.client(name), [whole[:-1]])
        place.attack(names)
        place.check(names)


def slow_readers(place, names, qos, payload_bytes, acks):
    for name in names:
        stream = place.client(name, narrow_window=not acks)
        stream.sendall(wire.subscribe('flood', qos))
        place.crowd.add(stream, [], reads=acks)
    packets = (wire.publish('flood', str(i).encode() + b'x' * payload_bytes, qos) for i in itertools.count())
    place.crowd.add(place.client('attacker'), itertools.islice(packets, 2 * WANTED // payload_bytes))
    place.attack(names + ['attacker'])
    place.check(names + ['attacker'])


def test_slow_readers_qos0(context, folder):
    """subscribers that never read, beside a flood at QoS 0"""
    with Attacked(context, folder) as place:
        slow_readers(place, attackers(30), 0, 60_000, False)


def test_slow_readers_qos1(context, folder):
    """subscribers that never read, beside a flood at QoS 1"""
    with Attacked(context, folder) as place:
        slow_readers(place, attackers(30), 1, 60_000, False)


def unacknowledged(context, folder, count, payload_bytes, share=''):
    """Each attacker takes what is published to it, and says nothing. `share`: what stands before its filter."""
    with Attacked(context, folder) as place:
        names = attackers(count)
        for name in names:
            stream = place.client(name)
            stream.sendall(wire.subscribe(f'{share}to/{name}', 1))
            place.crowd.add(stream, [])
        packets = (wire.publish(f'to/{name}', b'x' * payload_bytes, 1) for name in itertools.cycle(names))
        place.crowd.add(place.client('attacker'), itertools.islice(packets, WANTED // payload_bytes))
        place.attack(names + ['attacker'])
        place.check(names + ['attacker'])


def test_unacknowledged(context, folder):
    """subscribers that read and never acknowledge"""
    unacknowledged(context, folder, 8, 100_000)


def test_aliases(context, folder):
    """topic aliases for names of 60 KB"""
    with Attacked(context, folder) as place:
        names = attackers(150)
        for name in names:
            place.crowd.add(place.client(name), (publish_alias(alias) for alias in range(1, 65)))
        place.attack(names)
        place.check(names)


def publish_alias(alias):
    body = wire.text(b'a' * TOPIC_BYTES) + b'\x03\x23' + struct.pack('!H', alias) + b'x'
    return wire.packet(0x30, body)


def test_group(context, folder):
    """a flood into shared subscriptions whose members do not acknowledge"""
    unacknowledged(context, folder, 4, 20_000, '$share/group/')


def test_failed_handshakes(context, folder):
    """strangers whose TLS handshake fails, and who stay: the handshake's memory does not"""
    pem = context.certificates.path
    listen = [f'mqtts://127.0.0.1:0?cert={pem("server.crt")}&key={pem("server.key")}']
    broker = brokers.Godwit(context.broker, folder, listen, ['--shards', '2']).start()
    strangers = []
    try:
        before = peak_of(broker)
        for _ in range(STRANGERS):
            strangers.append(connect_to(broker.endpoints['tls'].replace('mqtts:', 'mqtt:')))
            strangers[-1].sendall(b'no ClientHello at all')
        for stranger in strangers:
            stranger.settimeout(SECONDS)
            while stranger.recv(512):  # an alert, and the end
                pass
        each = (peak_of(broker) - before) / STRANGERS
        assert each < STRANGER_BYTES_MAX, f'{each:.0f} bytes each'
    finally:
        for stranger in strangers:
            stranger.close()
        broker.stop()
