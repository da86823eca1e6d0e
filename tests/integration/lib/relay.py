"""A relay between clients and a broker that does to the broker's packets what a test wants, as no good broker would."""
import socket
import threading

from lib.brokers import host_and_port
from lib.wire import PUBLISH


class Relay:
    """Listens on loopback; `tamper(raw)` is given each whole packet of the broker and returns the bytes that go on, or None to
    cut the connection."""

    def __init__(self, url, tamper):
        self._broker = host_and_port(url)
        self._tamper = tamper
        self._listener = socket.create_server(('127.0.0.1', 0))
        self._sockets = [self._listener]
        self.url = f'mqtt://127.0.0.1:{self._listener.getsockname()[1]}'
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self._sockets:
            _close(each)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            broker = socket.create_connection(self._broker)
            self._sockets += [client, broker]
            threading.Thread(target=self._up, args=(client, broker), daemon=True).start()
            threading.Thread(target=self._down, args=(broker, client), daemon=True).start()

    @staticmethod
    def _up(client, broker):
        try:
            while more := client.recv(65536):
                broker.sendall(more)
            broker.shutdown(socket.SHUT_WR)
        except OSError:
            _close(broker)

    def _down(self, broker, client):
        held = b''
        try:
            while more := broker.recv(65536):
                packets, held = cut(held + more)
                for raw in packets:
                    client.sendall(self._tamper(raw))
        except (OSError, TypeError):  # None from tamper
            pass
        _close(client)
        _close(broker)


def _close(each):
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    each.close()


def cut(stream):
    """The whole packets at the front of a stream, and the rest."""
    packets = []
    while len(stream) >= 2:
        size, shift, at = 0, 0, 1
        while at < len(stream) and shift < 28:
            size |= (stream[at] & 127) << shift
            shift += 7
            at += 1
            if stream[at - 1] < 128:
                break
        else:
            break
        if len(stream) < at + size:
            break
        packets.append(stream[:at + size])
        stream = stream[at + size:]
    return packets, stream


class Nth:
    """A tamper that leaves everything alone but the nth PUBLISH."""

    def __init__(self, number, change):
        self._left = number
        self._change = change
        self._lock = threading.Lock()

    def __call__(self, raw):
        if raw[0] >> 4 != PUBLISH:
            return raw
        with self._lock:
            self._left -= 1
            return self._change(raw) if self._left == 0 else raw


class Swap:
    """A tamper that holds the nth PUBLISH back until the next one has gone."""

    def __init__(self, number):
        self._left = number
        self._held = b''

    def __call__(self, raw):
        if raw[0] >> 4 != PUBLISH:
            return raw
        self._left -= 1
        if self._left == 0:
            self._held = raw
            return b''
        held, self._held = self._held, b''
        return raw + held
