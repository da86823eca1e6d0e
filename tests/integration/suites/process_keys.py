"""Keys of tokens from a URL: a real HTTP server that answers, rotates, hangs, lies and dies."""
import signal
import threading
import time

from lib import wire
from lib.brokers import Godwit
from lib.http_server import HttpServer, half_an_answer, no_http
from lib.issuer import Issuer, forge, key_set
from lib.program import run
from lib.tests import contains, equal
from suites.process_access import BAD_USER_OR_PASSWORD

FETCH_SECONDS = 5  # the broker's patience with the server


def KeyServer(body='', certificates=None, port=0):
    return HttpServer(body, certificates, port, '/keys?realm=1')


class Fetching:
    """A broker that takes tokens of the keys at the URL."""

    def __init__(self, context, folder, url, options=''):
        config = (f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[server]\nlog_level = "debug"\n'
                  f'[auth]\njwt_keys_url = "{url}"\n{options}')
        self._broker = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        self._broker.start()
        self.err = self._broker.program.err
        return self

    def __exit__(self, *_):
        self._broker.stop()

    def reload(self):
        self._broker.program.signal(signal.SIGHUP)

    def fetched(self, event='keys_fetched', seconds=10):
        return self.err.wait_for(lambda line: f'event={event}' in line, seconds, event)

    def code(self, token):
        with wire.RawClient(self._broker.endpoints['tcp']) as client:
            return client.connect('c', username='', password=token)


def test_keys_rotation(context, folder):
    """a token of a new key waits for one more fetch and is let in; unknown keys ask at most once in 10 s"""
    with Issuer() as issuer:
        first, second = issuer.key('1', kid='1')['jwk'], issuer.key('2', kid='2')['jwk']
        issuer.key('3', kid='3')
        with KeyServer(key_set(first)) as server, Fetching(context, folder, server.url) as broker:
            equal(broker.code(issuer.sign('1')), 0, 'the first key')
            equal(server.count, 1, 'requests')
            server.body = key_set(first, second)
            equal(broker.code(issuer.sign('2')), 0, 'the second key, just published')
            equal(server.count, 2, 'requests after the rotation')
            for _ in range(20):
                equal(broker.code(issuer.sign('3')), BAD_USER_OR_PASSWORD, 'a key of nobody')
            equal(server.count, 2, 'requests after a flood of unknown keys')
            equal(broker.code(issuer.sign('1')), 0, 'the first key, still')


def test_keys_refresh(context, folder):
    """keys are fetched again after jwt_keys_refresh_s and on SIGHUP, and a key that is gone is gone"""
    with Issuer() as issuer:
        first, second = issuer.key('1', kid='1')['jwk'], issuer.key('2', kid='2')['jwk']
        with KeyServer(key_set(first)) as server, Fetching(context, folder, server.url, 'jwt_keys_refresh_s = 1\n') as broker:
            equal(broker.code(issuer.sign('1')), 0, 'the first key')
            server.body = key_set(second)
            server.wait_for_requests(server.count + 2)
            equal(broker.code(issuer.sign('2')), 0, 'the second key')
            equal(broker.code(issuer.sign('1')), BAD_USER_OR_PASSWORD, 'the first key, gone')
    with Issuer() as issuer:
        with KeyServer(key_set(issuer.key('1')['jwk'])) as server, Fetching(context, folder, server.url) as broker:
            broker.fetched()
            broker.reload()
            broker.fetched()
            equal(server.count, 2, 'requests after SIGHUP')


def test_keys_server_hangs(context, folder):
    """a server that says nothing: the broker starts, others log in meanwhile, the token is refused after 5 s, the stop is quick"""
    release = threading.Event()
    with Issuer() as issuer:
        (folder / 'secret').write_text(issuer.key('s', 'HS256')['secret'])
        issuer.key('1', kid='1')
        with KeyServer() as server:
            server.behave = lambda _: release.wait(60)
            began = time.monotonic()
            with Fetching(context, folder, server.url, f'jwt_secret_file = "{folder / "secret"}"\n') as broker:
                server.wait_for_requests(1)
                equal(broker.code(issuer.sign('s')), 0, 'a token with a key of the file')
                assert time.monotonic() - began < FETCH_SECONDS, 'it waited for the server'
                equal(broker.code(issuer.sign('1')), BAD_USER_OR_PASSWORD, 'a token with a key of the server')
                waited = time.monotonic() - began
                assert FETCH_SECONDS - 1 < waited < FETCH_SECONDS + 3, f'after {waited:.1f} s'
                contains(broker.fetched('keys_failed'), 'no answer within 5 s', 'log')
                broker.reload()
                server.wait_for_requests(2)
                began = time.monotonic()
            assert time.monotonic() - began < 3, 'the broker waited for the server when it stopped'
            release.set()


def test_keys_server_lies(context, folder):
    """no JSON, no keys, a redirect, an error, too much, a secret, half an answer: logged, and the old keys stay"""
    with Issuer() as issuer:
        jwk = issuer.key('1', kid='1')['jwk']
        known = b'0123456789abcdef0123456789abcdef'
        secret = {'kty': 'oct', 'k': 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY'}
        with KeyServer(key_set(jwk)) as server, Fetching(context, folder, server.url) as broker:
            broker.fetched()
            for status, body, behave, why in (
                    (200, 'hello', None, 'it is no JWK set'), (200, '{"keys":[]}', None, 'it has no key for'),
                    (200, '{"keys":[],"keys":[]}', None, 'a member is there twice'),
                    (200, key_set(secret), None, 'it has no key for'),
                    (302, key_set(jwk), None, 'it answers with status 302'), (500, key_set(jwk), None, 'it answers with status 500'),
                    (200, ' ' * 300_000 + key_set(jwk), None, 'no good answer'), (200, '', half_an_answer, 'no good answer'),
                    (200, '', no_http, 'no good answer')):
                server.status, server.body, server.behave = status, body, behave
                broker.reload()
                line = broker.fetched('keys_failed')
                contains(line, why, 'log')
                contains(line, 'the old stay', 'log')
                equal(broker.code(issuer.sign('1')), 0, f'the old key after: {why}')
            claims = {'sub': 'ann', 'exp': int(time.time()) + 60}
            equal(broker.code(forge({'alg': 'HS256'}, claims, known)), BAD_USER_OR_PASSWORD, 'the secret of the set')
            server.status, server.body, server.behave = 200, key_set(secret, jwk), None
            broker.reload()
            broker.fetched()
            equal(broker.code(forge({'alg': 'HS256'}, claims, known)), BAD_USER_OR_PASSWORD, 'the secret beside a good key')


def test_keys_server_dies(context, folder):
    """a server that is not there at the start: tokens are refused until it is; when it dies, the old keys stay"""
    with Issuer() as issuer:
        jwk = issuer.key('1', kid='1')['jwk']
        server = KeyServer(key_set(jwk))
        server.close()
        with Fetching(context, folder, server.url) as broker:
            contains(broker.fetched('keys_failed'), 'no connection', 'log')
            with KeyServer(key_set(jwk), port=server.port) as back:
                equal(broker.code(issuer.sign('1')), 0, 'a token asks for the keys')
                equal(back.count, 1, 'requests')
            broker.reload()
            broker.fetched('keys_failed')
            equal(broker.code(issuer.sign('1')), 0, 'the server is gone, its keys are not')


def test_keys_over_https(context, folder):
    """https: a certificate of a known authority is taken; a stranger's, and one for another host, are not"""
    pem = context.certificates.path
    ca = f'jwt_keys_ca = "{context.certificates.ca}"\n'
    with Issuer() as issuer:
        keys = key_set(issuer.key('1')['jwk'])
        with KeyServer(keys, (pem('server.crt'), pem('server.key'))) as server:
            for url in (server.url, server.url.replace('127.0.0.1', 'localhost')):
                with Fetching(context, folder, url, ca) as broker:
                    equal(broker.code(issuer.sign('1')), 0, url)
            with Fetching(context, folder, server.url) as broker:
                contains(broker.fetched('keys_failed'), 'no TLS', 'the system knows no such authority')
        for name in ('stranger', 'client'):
            with KeyServer(keys, (pem(f'{name}.crt'), pem(f'{name}.key'))) as server:
                with Fetching(context, folder, server.url, ca) as broker:
                    contains(broker.fetched('keys_failed'), 'no TLS', name)
                    equal(broker.code(issuer.sign('1')), BAD_USER_OR_PASSWORD, name)


def test_keys_start(context, folder):
    """a faulty URL, http beyond loopback, and a file of authorities that holds none are refused at the start"""
    (folder / 'ca').write_text('hello')
    for options, wanted in (('jwt_keys_url = "keys"', 'neither https:// nor http://'),
                            ('jwt_keys_url = "http://issuer.test/keys"', 'anybody on the way could answer in its place'),
                            ('jwt_keys_url = "https://u@issuer.test/"', 'a user has no place in it'),
                            (f'jwt_keys_url = "http://127.0.0.1/"\njwt_keys_ca = "{folder / "ca"}"', 'http has no certificates'),
                            (f'jwt_keys_url = "https://127.0.0.1/"\njwt_keys_ca = "{folder / "ca"}"', 'it holds no certificate'),
                            ('jwt_keys_ca = "ca"', 'without keys no token is taken at all')):
        (folder / 'godwit.toml').write_text(f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\n{options}\n')
        for command in ('check', 'serve'):
            done = run([context.broker, command, '--config', folder / 'godwit.toml'], 20)
            assert done.returncode in (1, 2), f'{command}: status {done.returncode} with {wanted}'
            contains(done.stdout + done.stderr, wanted, command)
