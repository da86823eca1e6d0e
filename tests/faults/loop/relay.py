"""A TCP relay between clients and a broker, whose connections can all be cut in the middle of whatever they carry."""
import socket
import struct
import threading

READ_BYTES = 4096
RESET_ON_CLOSE = struct.pack('ii', 1, 0)


class Relay:
    def __init__(self, port):
        self._broker = ('127.0.0.1', port)
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._sockets = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Resets every connection, on both sides."""
        with self._lock:
            cut, self._sockets = self._sockets, set()
        for each in cut:
            try:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                each.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
            except OSError:
                pass  # its peer was faster

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
            with self._lock:
                self._sockets |= {client, broker}
            for source, target in ((client, broker), (broker, client)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source, target):
        try:
            while carried := source.recv(READ_BYTES):
                target.sendall(carried)
        except OSError:
            pass
        self._end(source, target)

    def _end(self, *pair):
        with self._lock:
            self._sockets -= set(pair)
        for each in pair:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
