"""Clients that come, go, are cut, take over from themselves, subscribe, unsubscribe, retain and clear: one step after the other, from
a seed. What is there at a time is bounded, so that nothing of it explains memory that grows."""
import random
import threading
from collections import Counter, deque

from lib import wire
from lib.brokers import connect_to
from lib.relay import cut

CLIENT_COUNT = 150
FILTERS_MAX = 8  # of a client
TOPIC_COUNT = 5000
RETAINED_COUNT = 500
PAYLOAD_BYTES_MAX = 2000
STEP_SECONDS = 0.004
EXPIRY_SECONDS = 30


class Talker:
    """One client id: its connection, if it has one, and what it subscribed to."""

    def __init__(self, url, number, kind):
        self._url = url
        self._number = number
        self._kind = kind  # makes ids of another run other ids
        self._version = 4 + number % 2
        self._filters = deque()
        self._stream = None
        self._held = b''
        self._packet_id = 0

    def come(self, dice):
        """A connection for this id, whether it has one or not."""
        clean = dice.random() < 0.3
        if clean:
            self._filters.clear()
        before, self._stream = self._stream, connect_to(self._url)
        self._held = b''
        self._stream.sendall(wire.connect(f'{self._kind}{self._number}', self._version, clean=clean,
                                          expiry_s=dice.choice((1, EXPIRY_SECONDS))))
        self._stream.setblocking(False)
        if before:
            before.close()

    def go(self, dice):
        if dice.random() < 0.5:
            self._send(wire.disconnect())
        self._close()

    def subscribe(self, dice):
        self._filters.append(f'churn/{dice.randrange(TOPIC_COUNT)}/{dice.choice("+#x")}')
        self._send(wire.subscribe(self._filters[-1], dice.randrange(3), self._version, self._next_id()))
        if len(self._filters) > FILTERS_MAX:
            self._send(wire.unsubscribe(self._filters.popleft(), self._version, self._next_id()))

    def publish(self, dice):
        payload = dice.randbytes(dice.randrange(PAYLOAD_BYTES_MAX))
        self._send(wire.publish(f'churn/{dice.randrange(TOPIC_COUNT)}/x', payload, dice.randrange(3), self._version, self._next_id()))

    def retain(self, dice):
        payload = dice.randbytes(dice.randrange(1, PAYLOAD_BYTES_MAX)) if dice.random() < 0.5 else b''
        topic = f'churn/{dice.randrange(RETAINED_COUNT)}/x'
        self._send(wire.publish(topic, payload, dice.randrange(3), self._version, self._next_id(), retain=True))

    def answer(self):
        """Reads what is there, and acknowledges it."""
        try:
            while self._stream and (more := self._stream.recv(65536)):
                packets, self._held = cut(self._held + more)
                self._send(b''.join(map(self._answer_to, packets)))
            self._close()  # taken over, or refused
        except BlockingIOError:
            pass
        except OSError:
            self._close()

    def _answer_to(self, packet):
        kind, qos = packet[0] >> 4, packet[0] >> 1 & 3
        if kind == wire.PUBLISH and qos:
            size_at = 2 if packet[1] < 128 else 3
            topic_size = int.from_bytes(packet[size_at:size_at + 2], 'big')
            packet_id = packet[size_at + 2 + topic_size:][:2]
            return (b'\x40\x02' if qos == 1 else b'\x50\x02') + packet_id
        reply = {wire.PUBREC: b'\x62\x02', wire.PUBREL: b'\x70\x02'}.get(kind)
        return reply + packet[2:4] if reply else b''

    def _send(self, raw):
        if not self._stream:
            return
        try:
            self._stream.setblocking(True)
            self._stream.settimeout(10)
            self._stream.sendall(raw)
            self._stream.setblocking(False)
        except OSError:
            self._close()

    def _close(self):
        if self._stream:
            self._stream.close()
        self._stream = None

    def _next_id(self):
        self._packet_id = self._packet_id % 65535 + 1
        return self._packet_id

    @property
    def is_there(self):
        return self._stream is not None


class Churn:
    """Steps until stop(); `steps` says how many of each there were."""

    ONLINE = {'subscribe': 30, 'publish': 45, 'retain': 15, 'go': 5, 'come': 5}

    def __init__(self, url, seed, kind):
        self._dice = random.Random(seed)
        self._talkers = [Talker(url, number, kind) for number in range(CLIENT_COUNT)]
        self._ended = threading.Event()
        self.steps = Counter()
        self.problem = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._ended.set()
        self._thread.join()

    def _run(self):
        try:
            while not self._ended.wait(STEP_SECONDS):
                self._step()
        except OSError as problem:  # the broker takes no connection
            self.problem = problem

    def _step(self):
        talker = self._dice.choice(self._talkers)
        step = self._dice.choices(*zip(*self.ONLINE.items()))[0] if talker.is_there else 'come'
        getattr(talker, step)(self._dice)
        self.steps[step] += 1
        talker.answer()
