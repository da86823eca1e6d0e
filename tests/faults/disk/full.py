"""A broker whose disk is full: who is refused, who waits, who notices nothing, and what becomes of it when space returns."""
import contextlib
import time

from disk.small_disk import SIZE_MIB, SmallDisk
from lib import wire
from lib.metrics import metrics
from lib.tests import equal
from loop.durable import DurableGodwit

FULL_GAUGE = 'godwit_store_full'  # of each shard: 1 while its log has no space, else 0
FULL_CODES = (0x97, 0x83)  # quota exceeded, implementation specific error
REFUSALS_TO_BE_FULL = 3  # in a row: cleaning may free something after the first
MESSAGE_BYTES = 64 << 10
RECOVERY_SECONDS = 30
SILENCE_SECONDS = 1  # that nothing comes can only be seen by waiting

QOS1, QOS2 = 1, 2


class Full:
    """The broker, its disk filled with the queue of the session `keeper`, and the numbers of the messages acknowledged."""

    def __init__(self, context, disk):
        self.disk = disk
        self.acked = set()
        self._next = 0
        self.broker = DurableGodwit(context.broker, disk.path, context.shard_options())
        self.broker.launch()
        self.broker.await_ready()

    def client(self, name, version=5):
        client = wire.RawClient(self.broker.endpoints['tcp'], version)
        equal(client.connect(name), 0, f'CONNACK of {name}')
        return client

    def keeper(self, session_present):
        """Its session has no expiry of its own: a client of 3.1.1 without clean session."""
        keeper = wire.RawClient(self.broker.endpoints['tcp'], 4)
        keeper.send(wire.connect('keeper', 4, clean=False))
        kind, _, body = keeper.read()
        equal((kind, body[1]), (wire.CONNACK, 0), 'CONNACK of keeper')
        equal(bool(body[0] & 1), session_present, 'session present of keeper')
        return keeper

    def next_message(self):
        """(number, payload) of a message that was not sent before."""
        self._next += 1
        return self._next, b'%08d' % self._next + bytes(MESSAGE_BYTES - 8)

    def publish(self, client):
        """The PUBACK's code for a message to the keeper."""
        number, payload = self.next_message()
        code = client.publish('kept/fill', payload)
        if code == 0:
            self.acked.add(number)
        return code

    def send_held(self, client):
        """A message to the keeper, whose PUBACK is not waited for; its number."""
        number, payload = self.next_message()
        client.send(wire.publish('kept/held', payload, QOS1, client.version))
        return number

    def make_keeper(self):
        with self.keeper(session_present=False) as keeper:
            equal(keeper.subscribe('kept/#', QOS1), QOS1, 'SUBACK of keeper')
            keeper.send(wire.packet(0xE0, b''))

    def fill(self):
        self.make_keeper()
        with self.client('filler') as filler:
            refusals = 0
            while refusals < REFUSALS_TO_BE_FULL:
                code = self.publish(filler)
                assert code in (0, *FULL_CODES), f'PUBACK {code:#x}'
                refusals = refusals + 1 if code else 0
                mib = len(self.acked) * MESSAGE_BYTES >> 20
                assert mib < 2 * SIZE_MIB, f'{mib} MiB are acknowledged, on a disk of {SIZE_MIB} MiB'

    def give_space(self):
        self.disk.give_space()

    def await_acknowledgements(self):
        """Until a 5.0 publisher is acknowledged again."""
        end = time.monotonic() + RECOVERY_SECONDS
        with self.client('witness') as witness:
            while code := self.publish(witness):
                assert code in FULL_CODES, f'PUBACK {code:#x}'
                assert time.monotonic() < end, f'still refused with {code:#x} after {RECOVERY_SECONDS} s of space'

    def kill_and_start(self):
        self.broker.kill()
        self.broker.launch()
        self.broker.await_ready()

    def gauge(self, name):
        """The largest value over all shards; None if there is no such metric."""
        values = [value for sample, value in metrics(self.broker).items() if sample.split('{')[0] == name]
        return max(values, default=None)

    def await_gauge(self, wanted, name=FULL_GAUGE):
        end = time.monotonic() + RECOVERY_SECONDS
        while (value := self.gauge(name)) != wanted:
            assert value is not None, f'/metrics has no {name}'
            assert time.monotonic() < end, f'{name} is {value} instead of {wanted} after {RECOVERY_SECONDS} s'

    def lost(self):
        """Numbers acknowledged that the keeper, which comes back, does not get; it waits until its socket's deadline for them."""
        owed = set(self.acked)
        with self.keeper(session_present=True) as keeper:
            try:
                while owed:
                    owed.discard(int(keeper.receive(QOS1)[1][:8]))
            except TimeoutError:
                pass
        return owed


@contextlib.contextmanager
def full(context, folder):
    """A broker that has just filled its disk."""
    with SmallDisk(folder / 'disk') as disk:
        it = Full(context, disk)
        try:
            it.fill()
            yield it
        finally:
            it.broker.stop()


def nothing_is_lost(it):
    lost = it.lost()
    assert not lost, f'{len(lost)} of {len(it.acked)} acknowledged messages are lost, such as {sorted(lost)[:5]}'


def test_qos1_of_5_is_refused(context, folder):
    """a 5.0 publisher of QoS 1 gets PUBACK 0x97 or 0x83, and its connection stays"""
    with full(context, folder) as it, it.client('publisher') as publisher:
        for _ in range(2):
            code = it.publish(publisher)
            assert code in FULL_CODES, f'PUBACK {code:#x}'


def test_qos2_of_5_is_refused(context, folder):
    """a 5.0 publisher of QoS 2 gets PUBREC 0x97 or 0x83, and its connection stays"""
    with full(context, folder) as it, it.client('publisher') as publisher:
        for _ in range(2):
            publisher.send(wire.publish('kept/two', it.next_message()[1], QOS2))
            kind, _, body = publisher.read()
            equal(kind, wire.PUBREC, 'packet type')
            assert len(body) > 2 and body[2] in FULL_CODES, f'PUBREC {body!r}'


def test_3_is_held_back(context, folder):
    """a 3.1.1 publisher gets no PUBACK, and gets it by itself when space returns; the message is not lost"""
    with full(context, folder) as it, it.client('publisher', 4) as publisher:
        number = it.send_held(publisher)
        assert publisher.is_silent(SILENCE_SECONDS), f'an answer: {publisher.read()}'
        it.give_space()
        equal(publisher.read()[0], wire.PUBACK, 'packet type')  # the socket's deadline ends this
        it.acked.add(number)
        it.kill_and_start()
        nothing_is_lost(it)


def test_qos0_goes_on(context, folder):
    """messages of QoS 0 go on, also beside a publisher that is held back"""
    with full(context, folder) as it, it.client('sub') as sub, it.client('pub') as pub, it.client('held', 4) as held:
        it.send_held(held)
        sub.subscribe('live/#')
        for number in range(100):
            pub.publish('live/x', b'%d' % number, qos=0)
            equal(sub.receive(), ('live/x', b'%d' % number), 'message')


def test_qos1_without_durable_taker_goes_on(context, folder):
    """QoS 1 to clients whose sessions end with their connections is acknowledged and delivered"""
    with full(context, folder) as it, it.client('sub') as sub, it.client('pub') as pub:
        equal(sub.subscribe('live/#', QOS1), QOS1, 'SUBACK')
        equal(pub.publish('live/x', b'now'), 0, 'PUBACK')
        equal(sub.receive(QOS1), ('live/x', b'now'), 'message')


def test_others_go_on(context, folder):
    """clients connect, ping and are pinged"""
    with full(context, folder) as it, it.client('guest') as guest:
        guest.send(wire.PINGREQ)
        equal(guest.read()[0], wire.PINGRESP, 'packet type')


def test_metrics(context, folder):
    """/metrics shows that the disk is full, and that it no longer is"""
    with full(context, folder) as it:
        it.await_gauge(1)
        it.give_space()
        it.await_acknowledgements()
        it.await_gauge(0)


def test_recovers(context, folder):
    """when space returns acknowledgements flow again by themselves, and nothing acknowledged is lost after kill -9"""
    with full(context, folder) as it:
        it.give_space()
        it.await_acknowledgements()
        it.kill_and_start()
        nothing_is_lost(it)


def test_starts_while_full(context, folder):
    """killed while the disk is full it starts again, and nothing acknowledged is lost"""
    with full(context, folder) as it:
        it.kill_and_start()
        nothing_is_lost(it)
