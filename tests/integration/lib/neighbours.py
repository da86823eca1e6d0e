"""Clients as nobody wants them beside his own: one that floods, one that takes all there is, some that never read."""
import selectors
import socket
import threading

from lib import wire
from lib.brokers import connect_to, host_and_port

FLOOD_TOPIC = 'flood/a'
BATCH = 800
SMALL_RECEIVE_BUFFER = 4096


class Flood:
    """A publisher of QoS 0 that sends as fast as the broker takes it, while it is on."""

    def __init__(self, url, payload=b'x' * 64):
        self._client = wire.RawClient(url, stream=_unhurried(connect_to(url)))
        self._client.connect('flood', keep_alive=0)
        self._batch = wire.publish(FLOOD_TOPIC, payload) * BATCH
        self._on = threading.Event()
        self.sent_count = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            while self._on.wait():
                self._client.send(self._batch)
                self.sent_count += BATCH
        except OSError:
            pass  # the broker is gone

    def __enter__(self):
        self._on.set()

    def __exit__(self, *_):
        self._on.clear()


class Readers:
    """Subscribers that read as fast as one thread can."""

    def __init__(self, url, names, topic):
        self.received_bytes = dict.fromkeys(names, 0)
        self._selector = selectors.DefaultSelector()
        for name in names:
            stream = _unhurried(connect_to(url))
            client = wire.RawClient(url, stream=stream)
            client.connect(name, keep_alive=0)
            client.subscribe(topic)
            self._selector.register(stream, selectors.EVENT_READ, name)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        room = bytearray(1 << 18)
        while True:
            for key, _ in self._selector.select():
                try:
                    count = key.fileobj.recv_into(room)
                except OSError:
                    count = 0
                if not count:
                    return  # the broker is gone
                self.received_bytes[key.data] += count


def stuck(url, qos):
    """A subscriber to everything that never reads again; it lives as long as what is returned."""
    client = wire.RawClient(url, stream=narrow(url))
    client.connect(f'stuck{qos}', keep_alive=0)
    client.subscribe('#', qos)
    return client


def deaf(url):
    """The socket of a client that has been let in."""
    stream = narrow(url)
    wire.RawClient(url, stream=stream).connect('deaf', keep_alive=0)
    return stream


def _unhurried(stream):
    stream.settimeout(None)
    return stream


def narrow(url):
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_RECEIVE_BUFFER)
    stream.settimeout(10)
    stream.connect(host_and_port(url))
    return stream
