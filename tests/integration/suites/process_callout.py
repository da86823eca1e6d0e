"""The call-out: a real HTTP server that is asked who somebody is; it answers, hangs, lies and dies."""
import base64
import contextlib
import json
import signal
import threading
import time

from lib import wire
from lib.brokers import Godwit
from lib.http_server import HttpServer, half_an_answer, no_http
from lib.issuer import Issuer
from lib.metrics import metrics
from lib.program import run, wait_until
from lib.tests import contains, equal
from suites.process_access import BAD_PASSWORD_3, BAD_USER_OR_PASSWORD, NOT_AUTHORIZED, NOT_AUTHORIZED_3, add_user

UNAVAILABLE, UNAVAILABLE_3 = 0x88, 3
ALLOW, DENY, PASS = ('{"result":"allow"}', '{"result":"deny"}', '{"result":"pass"}')
PASSWORD = 'Horse-Battery-7'


class CalloutServer(HttpServer):
    """Keeps what it was asked, in `questions`."""

    def __init__(self, body=ALLOW, certificates=None, port=0):
        self.questions, self.tokens = [], []
        super().__init__(body, certificates, port, '/login?broker=1')
        self.then = self.answer
        self.behave = self._note

    def _note(self, handler):
        assert handler.command == 'POST' and handler.path == '/login?broker=1', handler.requestline
        with self.changed:
            self.questions.append(json.loads(handler.asked))
            self.tokens.append(handler.headers.get('Authorization'))
        self.then(handler)


class Asking:
    """A broker that asks the server, with these lines in [auth]."""

    def __init__(self, context, folder, url, options='', listen='url = "mqtt://127.0.0.1:0"'):
        config = f'[[listener]]\n{listen}\n[auth]\ncallout_url = "{url}"\n{options}'
        self.context = context
        self.godwit = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        self.godwit.start()
        self.url = self.godwit.endpoints.get('tcp')
        return self

    def __exit__(self, *_):
        self.godwit.stop()
        assert not any(PASSWORD in line for line in self.godwit.log()), 'the password is in the log'

    def code(self, user='ann', password=PASSWORD, version=5, client_id='c'):
        """The code that CONNACK has for it."""
        with wire.RawClient(self.url, version) as client:
            return client.connect(client_id, username=user, password=password)

    def why(self, client_id='c'):
        done = run([self.context.broker, 'why', client_id, '--admin', self.godwit.endpoints['admin']], 20)
        equal(done.returncode, 0, done.stderr)
        assert PASSWORD not in done.stdout, 'the password is in godwit why'
        return done.stdout

    def count(self, name):
        return int(metrics(self.godwit)[f'godwit_callout_{name}'])

    def wait_for_count(self, name, wanted, seconds=10):
        wait_until(lambda: self.count(name) == wanted, seconds, f'{name} is {wanted}')

    def reload(self):
        self.godwit.program.signal(signal.SIGHUP)
        return self.godwit.program.err.wait_for(lambda line: 'what=call-out' in line, 5, 'the reload')


def test_callout_answers(context, folder):
    """allow, deny and pass: the code of each version, the log line, godwit why, and the metrics; the token is shown"""
    (folder / 'token').write_text('0123456789abcdef-shown\n')
    with CalloutServer() as server, Asking(context, folder, server.url, f'callout_token_file = "{folder / "token"}"\n') as broker:
        for version in (3, 4, 5):
            equal(broker.code(version=version), 0, f'allow, version {version}')
        server.body = DENY
        equal([broker.code(version=version) for version in (4, 5)], [NOT_AUTHORIZED_3, NOT_AUTHORIZED], 'deny')
        contains(broker.why(), 'call-out: deny', 'why')
        server.body = PASS
        equal([broker.code(version=version) for version in (4, 5)], [BAD_PASSWORD_3, BAD_USER_OR_PASSWORD], 'pass')
        contains(broker.why(), 'call-out: pass, and nobody else knows user ann', 'why')
        equal(set(server.tokens), {'Bearer 0123456789abcdef-shown'}, 'what the broker shows')
        equal([broker.count(name) for name in ('asked_total', 'allowed_total', 'denied_total', 'passed_total', 'failed_total')],
              [7, 3, 2, 2, 0], 'metrics')
        equal(server.connections, 1, 'connections: it is kept')
        (folder / 'token').write_text('0123456789abcdef-other\n')
        broker.reload()
        broker.code()
        equal(server.tokens[-1], 'Bearer 0123456789abcdef-other', 'after SIGHUP')


def test_callout_questions(context, folder):
    """what is sent: client, user, password as text or bytes, version, address, listener, realm"""
    with CalloutServer() as server, Asking(context, folder, server.url) as broker:
        equal(broker.code('ann', 'a "b" \u00e4', version=4), 0, 'a text')
        equal(server.questions[-1], {'client': 'c', 'user': 'ann', 'password': 'a "b" \u00e4', 'protocol': '3.1.1',
                                     'address': '127.0.0.1', 'listener': broker.url, 'realm': 'default'}, 'question')
        equal(broker.code('ann', b'\0\xff'), 0, 'bytes')
        equal(base64.b64decode(server.questions[-1]['password_base64']), b'\0\xff', 'password')
        equal(broker.code('ann', None), 0, 'no password')
        equal(server.questions[-1]['password'], None, 'no password')
        equal(broker.code(None, 'x'), 0, 'no user name')
        equal((server.questions[-1]['user'], server.questions[-1]['protocol']), (None, '5.0'), 'no user name')


def test_callout_certificate(context, folder):
    """a certificate and the server name that the client asked for are in the question"""
    pem = context.certificates.path
    listen = (f'url = "mqtts://127.0.0.1:0"\ncert = "{pem("server.crt")}"\nkey = "{pem("server.key")}"\n'
              f'ca = "{pem("ca.crt")}"\nverify = "required"')
    with CalloutServer() as server, Asking(context, folder, server.url, listen=listen) as broker:
        port = broker.godwit.endpoints['tls'].rsplit(':', 1)[1]
        done = run(['mosquitto_pub', '-h', 'localhost', '-p', port, '--cafile', pem('ca.crt'), '--cert', pem('client.crt'),
                    '--key', pem('client.key'), '-u', 'ann', '-P', PASSWORD, '-i', 'c', '-t', 't', '-m', 'm'], 20)
        equal(done.returncode, 0, done.stderr)
        equal(server.questions[-1]['certificate'], {'name': 'device-1', 'subject': 'CN=device-1'}, 'certificate')
        equal(server.questions[-1]['server_name'], 'localhost', 'server name')


def test_callout_place(context, folder):
    """users of the password file, tokens and anonymous clients are none of its business; whom nobody else knows is"""
    add_user(context, folder, 'ben', PASSWORD)
    with Issuer() as issuer:
        (folder / 'secret').write_text(issuer.key('s', 'HS256')['secret'])
        options = f'password_file = "{folder / "users"}"\njwt_secret_file = "{folder / "secret"}"\nallow_anonymous = true\n'
        with CalloutServer() as server, Asking(context, folder, server.url, options) as broker:
            equal(broker.code('ben'), 0, 'a user of the file')
            equal(broker.code('ben', 'wrong'), BAD_USER_OR_PASSWORD, 'a user of the file with another password')
            equal(broker.code('', issuer.sign('s')), 0, 'a token')
            equal(broker.code('', issuer.sign('s', lasts=-5)), BAD_USER_OR_PASSWORD, 'a token that has expired')
            equal(broker.code(None, None), 0, 'nobody')
            equal(server.count, 0, 'requests until here')
            equal(broker.code('ann'), 0, 'a stranger')
            equal(server.count, 1, 'requests')


def test_callout_claims(context, folder):
    """claims are what a policy can ask for, and the connection ends when the answer says"""
    (folder / 'policy').write_text('allow connect\nallow write,read site/{claim.site}/#\n')
    with CalloutServer() as server, Asking(context, folder, server.url, f'policy_file = "{folder / "policy"}"\n') as broker:
        server.body = '{"result":"allow","expires_in_s":1.5,"claims":{"site":"north"}}'
        with wire.RawClient(broker.url) as client:
            began = time.monotonic()
            equal(client.connect('c', username='ann', password=PASSWORD), 0, 'CONNACK')
            equal(client.subscribe('site/north/#'), 0, 'its site')
            equal(client.subscribe('site/south/#'), NOT_AUTHORIZED, 'another site')
            kind, _, body = client.read()
            equal((kind, body[0]), (wire.DISCONNECT, NOT_AUTHORIZED), 'the end')
            assert 1 < time.monotonic() - began < 4, 'not when the answer said'


def test_callout_lies(context, folder):
    """no JSON, no result, a redirect, an error, too much, half an answer: refused by 0x88 (3.1.1: 3), and it says why"""
    def much_at_once(handler):
        raw = f'{{"result":"allow","more":"{"x" * 70_000}"}}'.encode()
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(raw) + raw)

    def much_without_end(handler):
        handler.wfile.write(b'HTTP/1.1 200 OK\r\n\r\n{"result":"allow"')
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b' ' * 10_000)
        handler.close_connection = True

    with CalloutServer() as server, Asking(context, folder, server.url) as broker:
        good = server.then
        for status, body, behave, why in (
                (200, 'hello', good, 'it is no JSON'), (200, '', good, 'it is no JSON'), (200, '{"result":"yes"}', good, 'none of allow'),
                (200, '{"result":"deny","result":"allow"}', good, 'a member is there twice'),
                (200, '{"result":"allow","expires_in_s":"never"}', good, 'a time is no number'),
                (302, ALLOW, good, 'status 302'), (401, ALLOW, good, 'status 401'), (204, ALLOW, good, 'status 204'),
                (200, ' ' * 70_000 + ALLOW, good, 'no good answer'), (200, '', much_at_once, 'no good answer'),
                (200, '', much_without_end, 'no good answer'), (200, '', half_an_answer, 'no good answer'),
                (200, '', no_http, 'no good answer'), (500, ALLOW, good, 'status 500')):
            server.status, server.body, server.then = status, body, behave
            equal(broker.code(), UNAVAILABLE, f'{status} {body[:40]}')
            contains(broker.why().splitlines()[-1], why, f'why after {status} {body[:40]}')
        equal(broker.code(version=4), UNAVAILABLE_3, '3.1.1')
        equal(broker.count('failed_total'), 15, 'failed')
        server.status, server.body, server.then = 200, ALLOW, good
        equal(broker.code(), 0, 'it is honest again')


def test_callout_hangs(context, folder):
    """a silent server: so many questions at a time, nobody waits beyond the deadline, others come in, and the stop is quick"""
    release = threading.Event()
    add_user(context, folder, 'ben', PASSWORD)
    options = f'callout_timeout_s = 2\ncallout_in_flight_max = 2\npassword_file = "{folder / "users"}"\n'
    with CalloutServer() as server:
        server.then = lambda _: release.wait(60)
        with Asking(context, folder, server.url, options) as broker:
            clients = [wire.RawClient(broker.url) for _ in range(20)]
            began = time.monotonic()
            for number, client in enumerate(clients):
                client.send(wire.connect(f'c{number}', username='ann', password=PASSWORD))
            server.wait_for_requests(2)
            broker.wait_for_count('waiting', 20)
            equal((server.count, broker.count('in_flight')), (2, 2), 'requests at a time')
            equal(broker.code('ben'), 0, 'a user of the file')
            assert time.monotonic() - began < 2, 'it waited for the server'
            for number, client in enumerate(clients):
                kind, _, body = client.read()
                equal((kind, body[1]), (wire.CONNACK, UNAVAILABLE), f'client {number}')
            waited = time.monotonic() - began
            assert 1.5 < waited < 3.5, f'after {waited:.1f} s'
            whys = ''.join(broker.why(f'c{number}') for number in range(20))
            contains(whys, 'call-out: no answer within 2 s', 'who was asked about')
            contains(whys, 'call-out: its turn did not come within 2 s', 'who was not')
            clients[0].__exit__()
            with wire.RawClient(broker.url) as last:
                asked = server.count
                last.send(wire.connect('last', username='ann', password=PASSWORD))
                server.wait_for_requests(asked + 1)
                began = time.monotonic()
                broker.godwit.program.signal(signal.SIGTERM)
                equal(broker.godwit.program.stop(10), 0, 'status')
                assert time.monotonic() - began < 3, 'the broker waited for the server when it stopped'
        release.set()


def test_callout_dies(context, folder):
    """a server that is not there refuses everybody by 0x88 at once; when it is back, or closed a kept connection, nobody notices"""
    server = CalloutServer()
    server.close()
    with Asking(context, folder, server.url) as broker:
        began = time.monotonic()
        equal(broker.code(), UNAVAILABLE, 'nobody is there')
        assert time.monotonic() - began < 3, 'it took its time'
        contains(broker.why(), 'call-out: no connection', 'why')
        with CalloutServer(port=server.port) as back:
            def answer_and_end(handler):
                back.answer(handler)
                handler.close_connection = True  # without a word about it

            back.then = answer_and_end
            for number in range(10):
                equal(broker.code(), 0, f'login {number}')
            equal(back.count, 10, 'requests')


def test_callout_coalesces(context, folder):
    """equal questions under way are asked once; another password, user, client or version is another question"""
    release = threading.Event()
    with CalloutServer() as server, Asking(context, folder, server.url) as broker:
        server.then = lambda handler: (release.wait(30), server.answer(handler))
        logins = [{'username': 'ann', 'password': PASSWORD}] * 6
        logins += [{'username': 'ann', 'password': PASSWORD + 'x'}, {'username': 'ben', 'password': PASSWORD},
                   {'username': 'ann', 'password': None}, {'username': 'ann', 'password': ''}]
        clients = [wire.RawClient(broker.url) for _ in logins]
        for client, login in zip(clients, logins):
            client.send(wire.connect('c', **login))
        with wire.RawClient(broker.url, 4) as old, wire.RawClient(broker.url) as other:
            old.send(wire.connect('c', 4, username='ann', password=PASSWORD))
            other.send(wire.connect('d', username='ann', password=PASSWORD))
            server.wait_for_requests(7)
            broker.wait_for_count('waiting', 12)
            release.set()
            for client in (*clients, old, other):
                kind, _, body = client.read()
                assert kind == wire.CONNACK and body[1] in (0, 0x89, 3), body
        equal(server.count, 7, 'requests')
        equal(broker.count('allowed_total'), 12, 'allowed')
        asked = [json.dumps(each, sort_keys=True) for each in server.questions]
        equal(len(set(asked)), 7, 'different questions')


def test_callout_cache(context, folder):
    """an allow is used again for as long as both say, for the very same question, until SIGHUP; a deny only if it says so"""
    with CalloutServer() as server, Asking(context, folder, server.url, 'callout_cache_s = 60\n') as broker:
        def asks(**login):
            before = server.count
            code = broker.code(**login)
            return code, server.count - before

        equal([asks() for _ in range(3)], [(0, 1), (0, 0), (0, 0)], 'the same')
        equal(broker.count('cached_total'), 2, 'cached')
        equal(asks(password='x'), (0, 1), 'another password')
        equal(asks(client_id='d'), (0, 1), 'another client')
        equal(asks(), (0, 0), 'the first, still')
        server.body = DENY
        broker.reload()
        equal([asks() for _ in range(2)], [(NOT_AUTHORIZED, 1)] * 2, 'after SIGHUP; a deny is not kept')
        server.body = '{"result":"deny","cache_s":60}'
        equal([asks() for _ in range(2)], [(NOT_AUTHORIZED, 1), (NOT_AUTHORIZED, 0)], 'a deny that says so is')
        server.body = '{"result":"allow","cache_s":0}'
        equal([asks(client_id='e') for _ in range(2)], [(0, 1)] * 2, 'an allow that says no is not')
        server.body = '{"result":"allow","expires_in_s":0.2}'
        asks(client_id='f')
        wait_until(lambda: asks(client_id='f')[1] == 1, 10, 'what has ended is asked again')
        server.status = 500
        equal([asks(client_id='g') for _ in range(2)], [(UNAVAILABLE, 1)] * 2, 'a failure is not kept')


def test_callout_not_cached(context, folder):
    """without callout_cache_s every login is asked, whatever the answer says"""
    with CalloutServer('{"result":"allow","cache_s":60}') as server, Asking(context, folder, server.url) as broker:
        equal([broker.code() for _ in range(3)], [0, 0, 0], 'codes')
        equal(server.count, 3, 'requests')


def test_callout_over_https(context, folder):
    """https: a certificate of a known authority is taken, a stranger's is not; the connection is kept"""
    pem = context.certificates.path
    ca = f'callout_ca = "{context.certificates.ca}"\n'
    with CalloutServer(certificates=(pem('server.crt'), pem('server.key'))) as server:
        for url in (server.url, server.url.replace('127.0.0.1', 'localhost')):
            with Asking(context, folder, url, ca) as broker:
                before = server.connections
                equal([broker.code() for _ in range(5)], [0] * 5, url)
                equal(server.connections - before, 1, 'connections')
        with Asking(context, folder, server.url) as broker:
            equal(broker.code(), UNAVAILABLE, 'the system knows no such authority')
            contains(broker.why(), 'call-out: no TLS', 'why')
    for name in ('stranger', 'client'):
        with CalloutServer(certificates=(pem(f'{name}.crt'), pem(f'{name}.key'))) as server:
            with Asking(context, folder, server.url, ca) as broker:
                equal(broker.code(), UNAVAILABLE, name)
            equal(server.count, 0, f'{name} heard of a login')


def test_callout_start(context, folder):
    """a faulty URL, http beyond loopback, files that are none, and keys without a URL are refused at the start"""
    (folder / 'ca').write_text('hello')
    for options, wanted in (('callout_url = "ask"', 'neither https:// nor http://'),
                            ('callout_url = "http://login.test/"', 'anybody on the way could answer in its place'),
                            (f'callout_url = "http://127.0.0.1/"\ncallout_ca = "{folder / "ca"}"', 'http has no certificates'),
                            (f'callout_url = "https://127.0.0.1/"\ncallout_ca = "{folder / "ca"}"', 'it holds no certificate'),
                            (f'callout_url = "https://127.0.0.1/"\ncallout_token_file = "{folder / "ca"}"', 'a token has 16 to 256'),
                            ('callout_token_file = "x"', 'nobody is asked'), ('callout_cache_s = 5', 'nobody is asked')):
        (folder / 'godwit.toml').write_text(f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\n{options}\n')
        for command in ('check', 'serve'):
            done = run([context.broker, command, '--config', folder / 'godwit.toml'], 20)
            assert done.returncode in (1, 2), f'{command}: status {done.returncode} with {wanted}'
            contains(done.stdout + done.stderr, wanted, command)
