"""How many may come and how fast, and clients that take one client id from each other."""
import contextlib
import socket
import ssl
import time

from lib import wire
from lib.brokers import Godwit, host_and_port
from lib.metrics import metrics
from lib.program import run, wait_until
from lib.tests import contains, equal

SERVER_BUSY = 0x89


@contextlib.contextmanager
def limited(context, folder, limits, listener='', url='mqtt://127.0.0.1:0'):
    broker = Godwit(context.broker, folder, (), ['--shards', '2'],
                    config=f'[limits]\n{limits}\n[[listener]]\nurl = "{url}"\n{listener}\n').start()
    try:
        yield broker
    finally:
        broker.stop()


def from_address(url, address, before=b''):
    """A client whose address is another one of this machine."""
    return wire.RawClient(url, before=before, stream=socket.create_connection(host_and_port(url), 10, (address, 0)))


def is_taken(client, client_id):
    try:
        return client.connect(client_id) == 0
    except (wire.Closed, ConnectionError):
        return False


def turned_away(broker):
    return sum(value for name, value in metrics(broker).items() if name.startswith('godwit_connections_turned_away_total'))


def test_connections_of_an_address(context, folder):
    """limits.address_connections_max: one more is closed at once and counted; other addresses come in, and so does a later one"""
    with limited(context, folder, 'address_connections_max = 3') as broker, contextlib.ExitStack() as clients:
        url = broker.endpoints['tcp']
        crowd = [clients.enter_context(from_address(url, '127.0.0.2')) for _ in range(3)]
        for i, client in enumerate(crowd):
            assert is_taken(client, f'crowd-{i}'), f'connection {i} of 3 is refused'
        with from_address(url, '127.0.0.2') as fourth:
            assert not is_taken(fourth, 'fourth'), 'the fourth connection is served'
        with from_address(url, '127.0.0.3') as other:
            assert is_taken(other, 'other'), 'another address is refused'
        line = broker.program.err.wait_for(lambda text: 'event=connection.refused' in text, 5, 'a line about the refusal')
        contains(line, '127.0.0.2', 'log line')
        contains(line, 'limits.address_connections_max', 'log line')
        assert turned_away(broker) >= 1, 'it is not counted'
        crowd[0].send(wire.disconnect())
        crowd[0].is_closed()

        def comes_in():
            with from_address(url, '127.0.0.2') as later:
                return is_taken(later, 'later')
        wait_until(comes_in, 10, 'room for a later connection')


def storm(url, address, count):
    """How many of so many connections at once are served."""
    served = 0
    for i in range(count):
        with contextlib.suppress(ConnectionError), from_address(url, address) as client:
            served += is_taken(client, f'{address}-{i}')
    return served


def test_rate_of_an_address(context, folder):
    """limits.address_connection_rate: beyond the burst an address comes in at its rate, others are not slowed; the log is bounded"""
    limits = 'address_connection_rate = 1\naddress_connection_burst = 5'
    with limited(context, folder, limits) as broker:
        began = time.monotonic()
        served = storm(broker.endpoints['tcp'], '127.0.0.2', 300)
        took = time.monotonic() - began
        assert 5 <= served <= 6 + took, f'{served} of 300 are served in {took:.1f} s'
        equal(storm(broker.endpoints['tcp'], '127.0.0.3', 5), 5, 'served of another address')
        assert turned_away(broker) >= 300 - served, 'they are not counted'
        lines = [line for line in broker.log() if 'event=connection.refused' in line]
        assert 1 <= len(lines) <= 2 * (2 + took), f'{len(lines)} lines in {took:.1f} s'


def test_rate_of_a_listener(context, folder):
    """connection_rate of a listener: beyond the burst all addresses together come in at its rate"""
    with limited(context, folder, '', 'connection_rate = 1\nconnection_burst = 5') as broker:
        began = time.monotonic()
        served = sum(storm(broker.endpoints['tcp'], f'127.0.0.{i}', 20) for i in range(2, 7))
        took = time.monotonic() - began
        assert 5 <= served <= 6 + took, f'{served} of 100 are served in {took:.1f} s'


def proxied(address):
    return f'PROXY TCP4 {address} 192.0.2.1 49152 1883\r\n'.encode()


def test_addresses_behind_a_proxy(context, folder):
    """behind a PROXY header the address in it counts, not the proxy's"""
    with limited(context, folder, 'address_connections_max = 1', 'proxy_protocol = true') as broker, contextlib.ExitStack() as clients:
        def served(address, client_id):
            return is_taken(clients.enter_context(wire.RawClient(broker.endpoints['tcp'], before=proxied(address))), client_id)
        assert served('203.0.113.7', 'a')
        assert served('203.0.113.8', 'b'), 'another address behind the same proxy is refused'
        assert not served('203.0.113.7', 'c'), 'a second connection of one address is served'


def test_refused_before_tls(context, folder):
    """an address that has too many is refused behind its PROXY header before TLS begins"""
    pem = context.certificates.path
    tls = f'cert = "{pem("server.crt")}"\nkey = "{pem("server.key")}"\nproxy_protocol = true'
    with limited(context, folder, 'address_connections_max = 1', tls, 'mqtts://127.0.0.1:0') as broker:
        url = broker.endpoints['tls']
        hello = b'\x16\x03\x01\x00\x05hello'  # whoever reads it as TLS answers with an alert
        plain = socket.create_connection(host_and_port(url), 10)
        plain.sendall(proxied('203.0.113.7'))
        trust = ssl.create_default_context(cafile=context.certificates.ca)
        with wire.RawClient(url, stream=trust.wrap_socket(plain, server_hostname='localhost')) as first, \
                socket.create_connection(host_and_port(url), 10) as second:
            equal(first.connect('first'), 0, 'CONNACK of the first')
            second.sendall(proxied('203.0.113.7') + hello)
            try:
                equal(second.recv(100), b'', 'an answer of TLS')
            except ConnectionResetError:
                pass


def test_flapping(context, folder):
    """two clients that take one client id from each other are slowed down: refused with Server busy, both addresses in log and `why`"""
    with limited(context, folder, 'takeovers_max = 3\ntakeover_window_s = 60') as broker:
        url = broker.endpoints['tcp']
        ends = [from_address(url, '127.0.0.2')]
        equal(ends[0].connect('twin'), 0, 'CONNACK of the first')
        for i in range(3):
            ends.append(from_address(url, f'127.0.0.{3 - i % 2}'))
            equal(ends[-1].connect('twin'), 0, f'CONNACK of takeover {i + 1}')
        with from_address(url, '127.0.0.2') as late:
            equal(late.connect('twin'), SERVER_BUSY, 'CONNACK of takeover 4')
        equal(ends[-1].publish('still/there'), 0x10, 'PUBACK for who is there')
        with from_address(url, '127.0.0.2') as other:
            equal(other.connect('nobody-else'), 0, 'CONNACK of another client id')
        line = broker.program.err.wait_for(lambda text: 'two clients use this client id' in text, 5, 'a line about both')
        why = run([context.broker, 'why', 'twin', '--admin', broker.endpoints['admin']]).stdout
        for text in (line, why):
            contains(text, '127.0.0.2', 'the address of the one refused')
            contains(text, '127.0.0.3', 'the address of the one that is there')
        for client in ends:
            client.__exit__()


def websocket_request(path='/mqtt'):
    return (f'GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: '
            'dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n').encode()


# --- slow and silent peers ---

HELLO = b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'  # of 512 bytes
STAGES = {
    'TCP': ('tcp', '', b''),
    'half a CONNECT': ('tcp', '', wire.connect('half')[:9]),
    'PROXY': ('tcp', 'proxy_protocol = true', b'PROXY TCP4 203.0'),
    'silence behind PROXY': ('tcp', 'proxy_protocol = true', proxied('203.0.113.7')),
    'half a ClientHello': ('tls', '', HELLO),
    'silence before TLS': ('tls', '', b''),
    'half a WebSocket head': ('ws', '', websocket_request()[:60]),
    'silence behind the WebSocket head': ('ws', '', websocket_request()),
    'half a WebSocket frame': ('ws', '', websocket_request() + b'\x82\xfe\x01\x00'),
}


def ended_after(plain, drip=b''):
    """Seconds until the broker ends the connection, while a byte of `drip` is sent now and then."""
    began = time.monotonic()
    plain.settimeout(0.3)
    while time.monotonic() - began < 10:
        try:
            if not plain.recv(4096):
                break
        except TimeoutError:
            if drip:
                byte, drip = drip[:1], drip[1:]
                with contextlib.suppress(ConnectionError):
                    plain.sendall(byte)
        except ConnectionError:
            break
    return time.monotonic() - began


def test_silent_peers(context, folder):
    """whoever falls silent before CONNECT is accepted is closed after limits.connect_timeout_s, at whatever stage"""
    pem = context.certificates.path
    urls = {'tcp': 'mqtt://127.0.0.1:0', 'tls': f'mqtts://127.0.0.1:0?cert={pem("server.crt")}&key={pem("server.key")}',
            'ws': 'ws://127.0.0.1:0/mqtt'}
    for name, (transport, listener, said) in STAGES.items():
        with limited(context, folder, 'connect_timeout_s = 1', listener, urls[transport]) as broker:
            with socket.create_connection(host_and_port(broker.endpoints[transport])) as plain:
                plain.sendall(said)
                took = ended_after(plain)
                assert 0.5 <= took <= 4, f'{name}: closed after {took:.1f} s'


def test_slow_peers(context, folder):
    """a byte now and then does not put off the end of limits.connect_timeout_s"""
    with limited(context, folder, 'connect_timeout_s = 1') as broker:
        with socket.create_connection(host_and_port(broker.endpoints['tcp'])) as plain:
            took = ended_after(plain, wire.connect('a-client-that-is-slow' * 3))
            assert 0.5 <= took <= 4, f'closed after {took:.1f} s'


def test_half_a_packet(context, folder):
    """a client that is connected and sends half a packet, or its bytes one by one, is closed after limits.packet_timeout_s"""
    whole = wire.publish('t', b'x' * 100)
    with limited(context, folder, 'packet_timeout_s = 1') as broker:
        host = host_and_port(broker.endpoints['tcp'])
        for drip in (b'', whole[50:]):
            plain = socket.create_connection(host)
            with wire.RawClient(broker.endpoints['tcp'], stream=plain) as client:
                equal(client.connect('half', keep_alive=0), 0, 'CONNACK')
                client.send(whole + whole[:50])
                took = ended_after(plain, drip)
                assert 0.5 <= took <= 6, f'closed after {took:.1f} s with {len(drip)} bytes to come'
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('whole', keep_alive=0), 0, 'CONNACK')
            client.send(whole)
            assert client.is_silent(4), 'it was told something'
            equal(client.publish('t', b'x'), 0x10, 'PUBACK of a client that sends whole packets')
