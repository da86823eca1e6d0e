"""The PROXY protocol: a listener that asks for it believes the address in the header, and nothing else."""
import socket
import struct

from lib import wire
from lib.brokers import Godwit
from lib.tests import contains, equal

V1 = b'PROXY TCP4 203.0.113.7 192.0.2.1 49152 1883\r\n'
V2_SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'
V2 = V2_SIGNATURE + b'\x21\x11' + struct.pack('!H', 12) + socket.inet_aton('203.0.113.8') + \
    socket.inet_aton('192.0.2.1') + struct.pack('!HH', 49153, 1883)
V2_LOCAL = V2_SIGNATURE + b'\x20\x00\x00\x00'


class Behind:
    """A broker whose listener expects a PROXY header."""

    def __init__(self, context, folder, url='mqtt://127.0.0.1:0'):
        config = f'[[listener]]\nurl = "{url}"\nproxy_protocol = true\n'
        self._broker = Godwit(context.broker, folder, (), context.shard_options() + ['--log-level', 'debug'], config)

    def __enter__(self):
        return self._broker.start()

    def __exit__(self, *_):
        self._broker.stop()


def test_version_1(context, folder):
    """version 1: the client is served, and the log shows the address of the header"""
    with Behind(context, folder) as broker:
        with wire.RawClient(broker.endpoints['tcp'], before=V1) as client:
            equal(client.connect('behind-1'), 0, 'CONNACK')
        line = broker.program.err.wait_for(lambda text: 'behind-1' in text, 5, 'log line')
        contains(line, '203.0.113.7', 'log line')


def test_version_2(context, folder):
    """version 2: the client is served, and the log shows the address of the header"""
    with Behind(context, folder) as broker:
        with wire.RawClient(broker.endpoints['tcp'], before=V2) as client:
            equal(client.connect('behind-2'), 0, 'CONNACK')
        line = broker.program.err.wait_for(lambda text: 'behind-2' in text, 5, 'log line')
        contains(line, '203.0.113.8', 'log line')


def test_local(context, folder):
    """version 2 LOCAL, a health check of the proxy itself, is served"""
    with Behind(context, folder) as broker:
        with wire.RawClient(broker.endpoints['tcp'], before=V2_LOCAL) as client:
            equal(client.connect('check'), 0, 'CONNACK')


def test_websocket_behind_a_proxy(context, folder):
    """a WebSocket listener takes the header before the HTTP request"""
    with Behind(context, folder, 'ws://127.0.0.1:0/mqtt') as broker:
        request = (b'GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                   b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
                   b'Sec-WebSocket-Protocol: mqtt\r\n\r\n')
        with wire.connect_to(broker.endpoints['ws']) as plain:
            plain.sendall(V1 + request)
            contains(plain.recv(4096), b'HTTP/1.1 101', 'answer')


def test_no_header(context, folder):
    """a connection without the header is closed, and nobody else notices"""
    with Behind(context, folder) as broker:
        with wire.RawClient(broker.endpoints['tcp'], before=V1) as other:
            other.connect('other')
            with wire.RawClient(broker.endpoints['tcp']) as bare:
                bare.send(wire.connect('bare'))
                bare.is_closed()
            equal(other.publish('t'), 0x10, 'PUBACK')


def test_header_where_none_is_expected(context, folder):
    """a header on a listener that does not ask for it is not MQTT: closed"""
    broker = Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], env={'GODWIT_LIMITS_CONNECT_TIMEOUT_S': '3'}).start()
    try:
        with wire.RawClient(broker.endpoints['tcp'], before=V1) as client:
            client.is_closed()
    finally:
        broker.stop()
