"""Clients x transports x versions x QoS x payloads: each cell publishes through the broker and compares what came."""
import hashlib
import itertools
import os
import threading
import time
from collections import Counter, defaultdict, namedtuple
from pathlib import Path

from lib import clients, wire
from lib.driver import Refused
from lib.program import Deadline
from lib.tests import stop_well

SIZES = (0, 64, 70_000, 10 * 1024 * 1024)
SIZE_NAMES = {0: '0 B', 64: '64 B', 70_000: '70 kB', 10 * 1024 * 1024: '10 MiB'}
RECEIVE_SECONDS = 60
FAILURES_MAX = 8  # of one client; then the rest of its cells is not tried
BURST = 20
FAULTS = (Deadline, Refused, wire.Closed, OSError)

# Publisher and subscriber are two clients with their own transport and version.
Side = namedtuple('Side', 'client transport version')


class Payloads:
    """A file per size, and the end mark that is published after each payload."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._digests = {}
        for size in SIZES:
            self._write(f'payload-{size}', os.urandom(size))
        self._write('end', b'end of the cell')

    def _write(self, name, content):
        (self._folder / name).write_bytes(content)
        self._digests[name] = hashlib.sha256(content).hexdigest()

    def path(self, name):
        return str(self._folder / name)

    def digest(self, name):
        return self._digests[name]


def what_differs(message, name, topic, qos, payloads):
    """Why this is not the payload of that name as it should come; None if it is."""
    if message.sha256 != payloads.digest(name):
        return f'the content differs from {name}: {message.length} B came, QoS {message.qos}'
    if message.topic != topic:
        return f'topic {message.topic} instead of {topic}'
    if message.qos != qos:
        return f'delivered at QoS {message.qos} instead of {qos}'
    return 'the retain flag is set' if message.retain else None


class Pair:
    """A publisher and a subscriber, each a process of its own, that run cells one after the other."""

    def __init__(self, world, publisher, subscriber, tag):
        self._world = world
        self._sides = (publisher, subscriber)
        self.subscriber = subscriber.client
        self._out = world.publisher(publisher.client)
        self._into = world.subscriber(subscriber.client)
        self._names = (f'p-{tag}', f's-{tag}')
        self._tag = tag
        self._connected = False

    def connect(self):
        for driver, side, name in zip((self._out, self._into), self._sides, self._names):
            driver.connect(name, self._world.endpoints[side.transport], side.version)
        self._connected = True

    def run_cell(self, subscribed_qos, published_qos, size):
        """Publishes the payload, then an end mark: what comes between the two is a second copy.
        Raises Refused or Deadline."""
        topic = f'matrix/{self._tag}/{subscribed_qos}{published_qos}/{size}'
        publisher, subscriber = self._names
        payloads = self._world.payloads
        try:
            if not self._connected:
                self.connect()
            self._into.subscribe(subscriber, topic, subscribed_qos)
            for name in (f'payload-{size}', 'end'):
                self._out.publish(publisher, topic, published_qos, payloads.path(name))
                message = self._into.receive(subscriber, 1, RECEIVE_SECONDS)[0]
                qos = min(subscribed_qos, published_qos)
                if problem := what_differs(message, name, topic, qos, payloads):
                    raise Refused(problem)
            self._into.unsubscribe(subscriber, topic)
        except FAULTS:
            self.abandon()
            raise

    def run_burst(self):
        """Many small messages that reach the broker in one piece come one by one."""
        topic, subscriber = f'matrix/{self._tag}/burst', self._names[1]
        if not self._connected:
            self.connect()
        self._into.subscribe(subscriber, topic, 0)
        payloads = [b'%d' % number for number in range(BURST)]
        with wire.RawClient(self._world.endpoints['tcp'], 4) as raw:
            raw.connect(f'b-{self._tag}')
            raw.send(b''.join(wire.publish(topic, payload, version=4) for payload in payloads))
            messages = self._into.receive(subscriber, BURST, RECEIVE_SECONDS)
        wanted = [hashlib.sha256(payload).hexdigest() for payload in payloads]
        if [message.sha256 for message in messages] != wanted:
            raise Refused('not in order, or not what was sent')
        self._into.unsubscribe(subscriber, topic)

    def abandon(self):
        """A client that failed is started anew for the next cell."""
        self._out.stop()
        self._into.stop()
        self._connected = False

    def disconnect(self):
        if self._connected:
            self._out.disconnect(self._names[0])
            self._into.disconnect(self._names[1])


class World:
    def __init__(self, context, broker):
        self.endpoints = broker.endpoints
        self.cannot = broker.cannot
        self.payloads = Payloads(context.folder('payloads'))
        self.report = context.report
        self._drivers = {}
        self._failures = Counter()

    def failed(self, client, cell, problem):
        self._failures[client] += 1
        self.report.failed(cell, problem)

    def has_given_up(self, client):
        return self._failures[client] >= FAILURES_MAX

    def add_clients(self, names, context):
        for name in names:
            try:
                self._drivers[name] = [clients.make(name, context.folder('drivers'), context.certificates.ca)
                                       for _ in ('publisher', 'subscriber')]
            except clients.Missing as missing:
                self.report.failed(f'matrix: client {name}', missing)
        return list(self._drivers)

    def publisher(self, client):
        return self._drivers[client][0]

    def subscriber(self, client):
        return self._drivers[client][1]

    def stop(self):
        for driver in itertools.chain(*self._drivers.values()):
            driver.stop()


def run_cells(world, pair, name, transport, cells, table):
    """Runs (subscribed QoS, published QoS, size) cells of one pair; fills table[qos][size]."""
    for subscribed, published, size in cells:
        qos = str(published) if subscribed == published else f'{published}->{subscribed}'
        cell = f'matrix: {name}, QoS {qos}, {SIZE_NAMES[size]}'
        if reason := world.cannot(transport, size):
            table[published, size] = 'skip'
            world.report.skip(cell, reason)
            continue
        try:
            if world.has_given_up(pair.subscriber):
                raise Refused('not tried, after too many failures of this client')
            pair.run_cell(subscribed, published, size)
        except FAULTS as problem:
            table[published, size] = 'FAIL'
            world.failed(pair.subscriber, cell, problem)
        else:
            table[published, size] = 'ok'
            world.report.ok(cell)


def finish(world, pair, name):
    """The burst and the end of a pair's connections."""
    try:
        if not world.has_given_up(pair.subscriber):
            pair.run_burst()
        pair.disconnect()
        world.report.ok(f'matrix: {name}, a burst of {BURST}')
    except FAULTS as problem:
        world.failed(pair.subscriber, f'matrix: {name}, a burst of {BURST}', problem)
        pair.abandon()


def run_client(world, client, tables, seconds):
    """All cells of one client with itself."""
    start = time.monotonic()
    for transport in clients.TRANSPORTS:
        if (client, transport) in clients.IMPOSSIBLE:
            continue
        for version in clients.VERSIONS:
            side = Side(client, transport, version)
            tag = f'{client}-{transport}-{version.replace(".", "")}'.replace('python', 'py')
            pair = Pair(world, side, side, tag)
            cells = [(qos, qos, size) for qos in (0, 1, 2) for size in SIZES]
            name = f'{client} {transport} {version}'
            run_cells(world, pair, name, transport, cells, tables[side])
            finish(world, pair, name)
    seconds[client] = time.monotonic() - start


def run_pairs(world, names):
    """Every client to every other, each time over another pair of transports and versions, QoS lowered once."""
    turn = 0
    for publisher in names:
        for subscriber in names:
            if publisher == subscriber:
                continue
            sides = []
            for client, shift in ((publisher, 0), (subscriber, 1)):
                able = [t for t in clients.TRANSPORTS if (client, t) not in clients.IMPOSSIBLE]
                sides.append(Side(client, able[(turn + shift) % len(able)],
                                  clients.VERSIONS[(turn + 2 * shift) % 3]))
            name = ' -> '.join(f'{side.client} {side.transport} {side.version}' for side in sides)
            pair = Pair(world, sides[0], sides[1], f'x{turn}')
            run_cells(world, pair, name, sides[1].transport, [(2, 2, 70_000), (1, 1, 64), (1, 2, 0), (2, 0, 64)],
                      defaultdict(str))
            finish(world, pair, name)
            turn += 1


def print_matrix(report, names, tables, seconds):
    """A row per client, transport and version; a column per QoS and payload."""
    columns = [(qos, size) for qos in (0, 1, 2) for size in SIZES]
    report.note()
    report.note('client       trans. version  ' + '  '.join(f'{f"QoS {qos}":<26}' for qos in (0, 1, 2)))
    sizes = ' '.join(f'{SIZE_NAMES[size]:<6}' for size in SIZES)
    report.note(' ' * 29 + ' '.join([sizes] * 3))
    for client in names:
        for transport in clients.TRANSPORTS:
            if (client, transport) in clients.IMPOSSIBLE:
                report.note(f'{client:<12} {transport:<6} cannot: {clients.IMPOSSIBLE[client, transport]}')
                continue
            for version in clients.VERSIONS:
                row = tables[Side(client, transport, version)]
                cells = ' '.join(f'{row[column] or "-":<6}' for column in columns)
                report.note(f'{client:<12} {transport:<6} {version:<8} {cells}')
    report.note('seconds: ' + ', '.join(f'{name} {spent:.0f}' for name, spent in sorted(seconds.items())))


def run(context):
    broker = context.start_broker()
    world = World(context, broker)
    tables = defaultdict(lambda: defaultdict(str))
    seconds = {}
    try:
        names = world.add_clients(context.only_clients or clients.NAMES, context)
        threads = [threading.Thread(target=run_client, args=(world, name, tables, seconds)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run_pairs(world, names)
    finally:
        world.stop()
        stop_well('matrix', broker, context.report)
    print_matrix(context.report, names, tables, seconds)
