"""A TCP relay between clients and a broker, whose connections can all be cut in the middle of whatever they carry."""
import socket
import struct
import threading

READ_BYTES = 4096
RESET_ON_CLOSE = struct.pack('ii', 1, 0)


class Relay:
    """`watch()` is called for each connection: None, or an object whose look(up, raw) is told all that passes. It returns the part of
    it that is let through; where that is not all, the connection is cut behind it."""

    def __init__(self, port, watch=lambda: None):
        self._broker = ('127.0.0.1', port)
        self._watch = watch
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, wanted=lambda: True):
        """Resets every connection that is wanted, on both sides."""
        with self._lock:
            pairs = [pair for pair in self._pairs if wanted()]
        for pair in pairs:
            _reset(pair)

    def stop(self):
        self._listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                broker = socket.create_connection(self._broker)
            except OSError:
                return
            pair = (client, broker)
            watch = self._watch()
            with self._lock:
                self._pairs.add(pair)
            for up in (True, False):
                threading.Thread(target=self._carry, args=(pair, up, watch), daemon=True).start()

    def _carry(self, pair, up, watch):
        source, target = pair if up else reversed(pair)
        try:
            while carried := source.recv(READ_BYTES):
                passed = watch.look(up, carried) if watch else carried
                target.sendall(passed)
                if len(passed) < len(carried):
                    _reset(pair)
        except OSError:
            pass
        self._end(pair)

    def _end(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for each in pair:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


def _reset(pair):
    for each in pair:
        try:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            each.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
        except OSError:
            pass  # its peer was faster
