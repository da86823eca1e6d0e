"""A few MQTT packets by hand, for what no well-behaved client would send or show."""
import socket
import struct

from lib.brokers import connect_to

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, SUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 5, 6, 9, 13, 14

PINGREQ = b'\xc0\x00'


class Closed(Exception):
    """The broker closed the connection."""


def text(value):
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack('!H', len(raw)) + raw


def packet(first_byte, body):
    length, size = b'', len(body)
    while True:
        size, seven = divmod(size, 128)
        length += bytes([seven | (128 if size else 0)])
        if not size:
            return bytes([first_byte]) + length + body


def connect(client_id, version=5, username=None, password=None, keep_alive=60, clean=True, expiry_s=0):
    """A CONNECT of MQTT 3.1 (3), 3.1.1 (4) or 5.0 (5); only the last has a session expiry."""
    flags = (2 if clean else 0) | (128 if username is not None else 0) | (64 if password is not None else 0)
    body = text('MQIsdp' if version == 3 else 'MQTT') + bytes([version, flags]) + struct.pack('!H', keep_alive)
    if version == 5:
        body += b'\x05\x11' + struct.pack('!I', expiry_s) if expiry_s else b'\0'
    body += text(client_id)
    for part in (username, password):
        body += text(part) if part is not None else b''
    return packet(0x10, body)


def subscribe(topic, qos=0, version=5, packet_id=1):
    properties = b'\0' if version == 5 else b''
    return packet(0x82, struct.pack('!H', packet_id) + properties + text(topic) + bytes([qos]))


def unsubscribe(topic, version=5, packet_id=1):
    return packet(0xa2, struct.pack('!H', packet_id) + (b'\0' if version == 5 else b'') + text(topic))


def disconnect():
    """A good end, in every version."""
    return b'\xe0\x00'


def puback(packet_id):
    return packet(0x40, struct.pack('!H', packet_id))


def publish(topic, payload, qos=0, version=5, packet_id=1, retain=False):
    body = text(topic) + (struct.pack('!H', packet_id) if qos else b'') + (b'\0' if version == 5 else b'')
    return packet(0x30 | qos << 1 | int(retain), body + payload)


class RawClient:
    """One connection; `version` only shapes the packets of the short cuts below."""

    def __init__(self, url, version=5, before=b'', stream=None):
        self.version = version
        self._socket = stream or connect_to(url)
        if before:
            self._socket.sendall(before)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def peer_certificate(self):
        """What a TLS server showed, as DER."""
        return self._socket.getpeercert(True)

    def send(self, raw):
        self._socket.sendall(raw)

    def _read(self, count):
        got = b''
        while len(got) < count:
            try:
                more = self._socket.recv(count - len(got))
            except ConnectionError:
                more = b''
            if not more:
                raise Closed()
            got += more
        return got

    def read(self):
        """(type, flags, body) of the next packet. Raises Closed, or TimeoutError after the socket's deadline."""
        first = self._read(1)[0]
        size = shift = 0
        while True:
            byte = self._read(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first >> 4, first & 15, self._read(size)

    def is_closed(self):
        """Whether the broker closes without another word."""
        try:
            got = self.read()
        except Closed:
            return True
        raise AssertionError(f'a packet instead of the end: {got}')

    def connect(self, client_id, **options):
        """The reason code or return code of the CONNACK."""
        self.send(connect(client_id, self.version, **options))
        kind, _, body = self.read()
        assert kind == CONNACK, f'packet type {kind} instead of CONNACK'
        return body[1]

    def subscribe(self, topic, qos=0):
        """The SUBACK's code."""
        self.send(subscribe(topic, qos, self.version))
        kind, _, body = self.read()
        assert kind == SUBACK, f'packet type {kind} instead of SUBACK'
        return body[-1]

    def publish(self, topic, payload=b'', qos=1):
        """The PUBACK's reason code; 0 where the version has none."""
        self.send(publish(topic, payload, qos, self.version))
        if not qos:
            return None
        kind, _, body = self.read()
        assert kind == PUBACK, f'packet type {kind} instead of PUBACK'
        return body[2] if len(body) > 2 else 0

    def receive(self, qos=0):
        """(topic, payload) of the next PUBLISH, at QoS 0 or 1; the latter is acknowledged."""
        kind, flags, body = self.read()
        assert kind == PUBLISH and flags >> 1 & 3 == qos, f'packet type {kind}, flags {flags} instead of PUBLISH'
        end = 2 + struct.unpack('!H', body[:2])[0]
        at = end + (2 if qos else 0)
        if qos:
            self.send(puback(*struct.unpack('!H', body[end:at])))
        skip = 1 + body[at] if self.version == 5 else 0
        return body[2:end].decode(), body[at + skip:]

    def is_silent(self, seconds):
        """Whether the broker sends nothing for so long."""
        before = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        try:
            if self._socket.recv(1, socket.MSG_PEEK):
                return False
            raise Closed()
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(before)
