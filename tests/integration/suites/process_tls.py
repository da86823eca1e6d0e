"""TLS listeners: client certificates, names, versions and offers."""
import shutil
import signal
import socket
import ssl

from lib import wire
from lib.brokers import Godwit, host_and_port
from lib.program import run
from lib.tests import any_broker, equal


def secure(context, url, client=None, name='localhost', version=None, alpn=(), mqtt=5):
    """A RawClient behind TLS; `client` is the name of a certificate."""
    tls = ssl.create_default_context(cafile=context.certificates.ca)
    tls.check_hostname = name is not None
    if version:
        tls.minimum_version = tls.maximum_version = version
    if alpn:
        tls.set_alpn_protocols(list(alpn))
    if client:
        tls.load_cert_chain(context.certificates.path(f'{client}.crt'), context.certificates.path(f'{client}.key'))
    plain = socket.create_connection(host_and_port(url), timeout=10)
    return wire.RawClient(url, mqtt, stream=tls.wrap_socket(plain, server_hostname=name))


class TlsBroker:
    """A broker with the listener tls, and tls-verify where client certificates are required."""

    def __init__(self, context, folder, verify=None):
        self._context, self._folder, self._verify = context, folder, verify

    def __enter__(self):
        if not self._context.is_godwit:
            self._broker = self._context.start_broker(self._folder.name)
            return self._broker, self._broker.endpoints['tls-verify' if self._verify else 'tls']
        pem = self._context.certificates.path
        url = f'mqtts://127.0.0.1:0?cert={pem("server.crt")}&key={pem("server.key")}'
        url += f'&ca={pem("ca.crt")}&verify={self._verify}' if self._verify else ''
        self._broker = Godwit(self._context.broker, self._folder, [url], self._context.shard_options()).start()
        return self._broker, self._broker.endpoints['tls']

    def __exit__(self, *_):
        self._broker.stop()


def refused(context, url, client):
    """Whether no MQTT connection comes about. TLS 1.3 tells the client only after its own handshake."""
    try:
        with secure(context, url, client) as connection:
            connection.connect('c')
    except (ssl.SSLError, ConnectionError, wire.Closed):
        return True
    return False


@any_broker
def test_client_certificate_required(context, folder):
    """a required client certificate: a good one is let in; none and a stranger's are refused"""
    with TlsBroker(context, folder, 'required') as (_, url):
        with secure(context, url, 'client') as client:
            equal(client.connect('c'), 0, 'CONNACK')
        assert refused(context, url, None), 'no certificate was accepted'
        assert refused(context, url, 'stranger'), 'a stranger\'s certificate was accepted'


def test_client_certificate_optional(context, folder):
    """an optional client certificate: none is let in, a stranger's is refused"""
    with TlsBroker(context, folder, 'optional') as (_, url):
        for certificate in (None, 'client'):
            with secure(context, url, certificate) as client:
                equal(client.connect('c'), 0, f'CONNACK with {certificate}')
        assert refused(context, url, 'stranger'), 'a stranger\'s certificate was accepted'


def test_required_means_authenticated(context, folder):
    """with a required client certificate a listener beyond loopback needs no other authentication"""
    pem = context.certificates.path
    (folder / 'godwit.toml').write_text(
        f'[[listener]]\nurl = "mqtts://0.0.0.0:0"\ncert = "{pem("server.crt")}"\nkey = "{pem("server.key")}"\n'
        f'ca = "{pem("ca.crt")}"\nverify = "required"\n')
    done = run([context.broker, 'check', '--config', folder / 'godwit.toml'])
    equal(done.returncode, 0, done.stdout + done.stderr)


@any_broker
def test_versions(context, folder):
    """TLS 1.2 and 1.3 work"""
    with TlsBroker(context, folder) as (_, url):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with secure(context, url, version=version) as client:
                equal(client.connect('c'), 0, f'CONNACK over {version.name}')


def test_old_versions(context, folder):
    """TLS 1.1 is refused"""
    with TlsBroker(context, folder) as (_, url):
        host, port = host_and_port(url)
        done = run(['openssl', 's_client', '-connect', f'{host}:{port}', '-tls1_1', '-cipher', 'ALL@SECLEVEL=0'])
        assert done.returncode != 0, 'the handshake succeeded'


@any_broker
def test_server_name(context, folder):
    """a server name in the handshake may be any, or missing"""
    with TlsBroker(context, folder) as (_, url):
        for name in ('localhost', 'broker.test', None):
            with secure(context, url, name=name) as client:
                equal(client.connect('c'), 0, f'CONNACK for {name}')


@any_broker
def test_unknown_offer(context, folder):
    """an ALPN offer that the broker does not know is no reason to fail"""
    with TlsBroker(context, folder) as (_, url):
        with secure(context, url, alpn=('foo', 'x-amzn-mqtt-ca')) as client:
            equal(client.connect('c'), 0, 'CONNACK')
        host, port = host_and_port(url)
        done = run(['openssl', 's_client', '-connect', f'{host}:{port}', '-alpn', 'foo', '-CAfile',
                    context.certificates.ca, '-verify_return_error'])
        equal(done.returncode, 0, f'openssl s_client: {done.stderr[-200:]}')


@any_broker
def test_plain_on_a_secure_port(context, folder):
    """plain MQTT on a TLS port is closed, and the next client is served"""
    with TlsBroker(context, folder) as (_, url):
        with wire.RawClient(url) as lost:
            lost.send(wire.connect('lost'))
            try:
                while True:  # an alert may come before the end
                    lost.read()
            except wire.Closed:
                pass
        with secure(context, url) as client:
            equal(client.connect('c'), 0, 'CONNACK')


def shown_certificate(url):
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(host_and_port(url)))


def test_reload_of_certificates(context, folder):
    """SIGHUP: new connections see the new certificate, an old one stays open"""
    pem = context.certificates.path
    cert, key = folder / 'cert.pem', folder / 'key.pem'
    shutil.copy(pem('server.crt'), cert)
    shutil.copy(pem('server.key'), key)
    config = f'[[listener]]\nurl = "mqtts://127.0.0.1:0"\ncert = "{cert}"\nkey = "{key}"\n'
    broker = Godwit(context.broker, folder, (), config=config).start()
    try:
        url = broker.endpoints['tls']
        with secure(context, url) as before:
            before.connect('before')
            shutil.copy(pem('client.crt'), cert)
            shutil.copy(pem('client.key'), key)
            broker.program.signal(signal.SIGHUP)
            broker.program.err.wait_for(lambda line: 'event=reloaded' in line, 5, 'a line about the reload')
            wanted = ssl.PEM_cert_to_DER_cert(cert.read_text())
            assert shown_certificate(url) == wanted, 'the old certificate is shown after the line `reloaded`'
            equal(before.publish('still/there'), 0x10, 'PUBACK on the old connection')
    finally:
        broker.stop()
