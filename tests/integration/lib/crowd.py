"""Many raw connections driven by one thread: each sends what it is given as fast as the broker takes it."""
import selectors
import time

CHUNK_BYTES = 1 << 18
ASK_SECONDS = 0.05


class Crowd:
    """Streams with the bytes that each has still to send. Answers are read and thrown away, where a stream is to be read at all."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._sending = 0
        self._streams = []
        self.sent_bytes = 0
        self.closed_count = 0  # by the broker

    def add(self, stream, pieces, reads=True):
        """`pieces`: an iterator of bytes."""
        stream.setblocking(False)
        events = selectors.EVENT_WRITE | (selectors.EVENT_READ if reads else 0)
        self._selector.register(stream, events, _Member(iter(pieces), reads))
        self._sending += 1
        self._streams.append(stream)

    def push(self, seconds, until=lambda: False):
        """Until everything is sent or refused by a close, `until()` holds, or the time is over."""
        end = time.monotonic() + seconds
        ask = 0
        while self._sending and (now := time.monotonic()) < end:
            if now >= ask:
                if until():
                    return
                ask = now + ASK_SECONDS
            for key, events in self._selector.select(0.05):
                if not self._serve(key.fileobj, key.data, events):
                    self._selector.unregister(key.fileobj)
                    key.fileobj.close()
                    self.closed_count += 1
                    self._sending -= 0 if key.data.done else 1

    def close(self):
        self._selector.close()
        for stream in self._streams:
            stream.close()

    def _serve(self, stream, member, events):
        """False: the broker has closed it."""
        try:
            if events & selectors.EVENT_READ and not stream.recv(CHUNK_BYTES):
                return False
            if events & selectors.EVENT_WRITE:
                self._send(stream, member)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def _send(self, stream, member):
        if not member.left:
            member.left = next(member.pieces, b'')
        if member.left:
            count = stream.send(member.left)
            self.sent_bytes += count
            member.left = member.left[count:]
            return
        member.done = True
        self._sending -= 1
        if member.reads:
            self._selector.modify(stream, selectors.EVENT_READ, member)
        else:
            self._selector.unregister(stream)


class _Member:
    def __init__(self, pieces, reads):
        self.pieces = pieces
        self.reads = reads
        self.left = b''
        self.done = False
