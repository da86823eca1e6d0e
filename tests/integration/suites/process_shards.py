"""The number of shards changes between two starts on one data directory, after kill -9: nothing that is owed is lost."""
import struct

from lib import wire
from lib.brokers import Godwit
from lib.tests import equal

TCP = 'mqtt://127.0.0.1:0'
READY_SECONDS = 60  # the move included
PUBREL, PUBCOMP = 6, 7
SUBSCRIBERS, MESSAGES, BEGUN = 6, 40, 5


class Shards:
    """Brokers one after the other on one data directory; each is killed before the next."""

    def __init__(self, context, folder):
        self._context = context
        self._folder = folder
        self.broker = None

    def start(self, shards=None):
        """With so many; None: as the data directory is."""
        self.kill()
        options = ['--data', str(self._folder / 'data'), *(['--shards', str(shards)] if shards else [])]
        self.broker = Godwit(self._context.broker, self._folder, (TCP,), options).launch()
        return self.broker.await_ready(READY_SECONDS)

    def kill(self):
        if self.broker:
            self.broker.program.kill()
        self.broker = None

    def client(self, name):
        """A session of MQTT 3.1.1 that stays, and whether it was there."""
        client = wire.RawClient(self.broker.endpoints['tcp'], 4)
        client.send(wire.connect(name, 4, clean=False))
        kind, _, body = client.read()
        equal((kind, body[1]), (wire.CONNACK, 0), f'CONNACK of {name}')
        return client, bool(body[0])


def identified(body):
    """(packet id, payload) of a PUBLISH above QoS 0 of MQTT 3.1.1."""
    end = 2 + struct.unpack('!H', body[:2])[0]
    return struct.unpack('!H', body[end:end + 2])[0], body[end + 2:].decode()


def ack(first_byte, packet_id):
    return wire.packet(first_byte, struct.pack('!H', packet_id))


def publish_all(brokers, first):
    """One batch at QoS 2, each up to PUBCOMP."""
    client, _ = brokers.client('publisher')
    with client:
        for number in range(first, first + MESSAGES):
            packet_id = number + 1
            client.send(wire.publish('t', str(number).encode(), 2, 4, packet_id))
            equal(client.read()[0], wire.PUBREC, 'answer to PUBLISH')
            client.send(ack(0x62, packet_id))
            equal(client.read()[0], PUBCOMP, 'answer to PUBREL')


def take(client, count, answer=True):
    """(packet id, payload, dup) of the next PUBLISHes of QoS 2; answered up to PUBCOMP unless told otherwise."""
    taken = []
    while len(taken) < count:
        kind, flags, body = client.read()
        if kind == PUBREL:
            client.send(ack(0x70, struct.unpack('!H', body)[0]))
            continue
        equal(kind, wire.PUBLISH, 'packet type')
        packet_id, payload = identified(body)
        taken.append((packet_id, payload, flags & 8 != 0))
        if answer:
            client.send(ack(0x50, packet_id))
    return taken


def settle(client):
    """The last PUBREL is answered, and nothing else comes."""
    client.send(wire.PINGREQ)
    while True:
        kind, _, body = client.read()
        if kind == wire.PINGRESP:
            return
        equal(kind, PUBREL, 'packet type')
        client.send(ack(0x70, struct.unpack('!H', body)[0]))


def begun(brokers, name):
    """The first packets of what waits for it; it goes without an answer."""
    client, present = brokers.client(name)
    with client:
        assert present, f'{name}: no session'
        return take(client, BEGUN, answer=False)


def finished(brokers, name):
    """All of one batch, answered to the end."""
    client, present = brokers.client(name)
    with client:
        assert present, f'{name}: no session'
        taken = take(client, MESSAGES)
        settle(client)
        return taken


def test_shards_change(context, folder):
    """2 shards, then 4, 1 and 3, each after kill -9: QoS 2 comes in order and once, in flight under its old packet id"""
    brokers = Shards(context, folder)
    names = [f'subscriber-{number}' for number in range(SUBSCRIBERS)]
    try:
        brokers.start(2)
        for name in names:
            with brokers.client(name)[0] as client:
                client.subscribe('t', 2)
        for batch, shards in enumerate((4, 1, 3)):
            publish_all(brokers, batch * MESSAGES)
            in_flight = {name: begun(brokers, name) for name in names}
            brokers.start(shards)
            for name in names:
                taken = finished(brokers, name)
                equal([payload for _, payload, _ in taken],
                      [str(batch * MESSAGES + number) for number in range(MESSAGES)], f'{name} with {shards} shards')
                equal([each[0] for each in taken[:BEGUN]], [each[0] for each in in_flight[name]], 'packet ids')
                assert all(dup for _, _, dup in taken[:BEGUN]), 'no DUP'
    finally:
        brokers.kill()


def test_shards_change_is_told(context, folder):
    """the log names both numbers, and a data directory keeps its number when none is asked for"""
    brokers = Shards(context, folder)
    try:
        brokers.start(2)
        for shards, wanted in ((3, 'event=state.moved from_shards=2 to_shards=3'), (None, 'event=state.restored shard=2')):
            brokers.start(shards).program.err.wait_for(lambda line: wanted in line, READY_SECONDS, wanted)
    finally:
        brokers.kill()
