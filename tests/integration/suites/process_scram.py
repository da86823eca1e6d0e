"""SCRAM-SHA-256 as enhanced authentication of MQTT 5.0, with GNU SASL as the client."""
import base64
import re
import signal
import struct

from lib import wire
from lib.brokers import Godwit
from lib.program import Deadline, Program, run
from lib.tests import contains, equal
from suites.process_access import BAD_USER_OR_PASSWORD, NOT_AUTHORIZED, add_user

AUTH = 15
CONTINUE, REAUTHENTICATE = 0x18, 0x19
BAD_METHOD = 0x8c
METHOD = 'SCRAM-SHA-256'


def add_scram_user(context, folder, user, password):
    done = run([context.broker, 'passwd', '--scram', folder / 'users', user], 20, stdin=f'{password}\n'.encode())
    equal(done.returncode, 0, f'godwit passwd: {done.stderr}')


class Sasl:
    """GNU SASL's client: one login."""

    def __init__(self, user, password):
        self._program = Program(['gsasl', '--client', '--quiet', '--no-cb', '--mechanism', METHOD, '--authentication-id', user,
                                 '--authorization-id', user, '--password', password])
        self._line()  # it repeats the mechanism
        self.first = base64.b64decode(self._line())

    def _line(self):
        return self._program.out.wait_for(lambda _: True, 10, 'gsasl')

    def answer(self, challenge):
        self._program.write_line(base64.b64encode(challenge).decode())
        return base64.b64decode(self._line())

    def accepts(self, final):
        """Whether the broker, too, has proved that it knows the password."""
        self._program.write_line(base64.b64encode(final).decode())
        try:
            self._line()
        except Deadline:
            return False
        finally:
            self._program.close_stdin()
            self._program.stop()
        return not self._program.err.all

    def leave(self):
        self._program.stop()


def properties(method, raw=None):
    found = b'\x15' + wire.text(method) + (b'\x16' + wire.text(raw) if raw is not None else b'')
    return wire.packet(0, found)[1:]  # the length of properties is written as that of packets


def connect(client_id, raw, username=None, method=METHOD):
    flags = 2 | (128 if username is not None else 0)
    body = wire.text('MQTT') + bytes([5, flags]) + struct.pack('!H', 60) + properties(method, raw) + wire.text(client_id)
    return wire.packet(0x10, body + (wire.text(username) if username is not None else b''))


def auth(raw, reason=CONTINUE):
    return wire.packet(0xf0, bytes([reason]) + properties(METHOD, raw))


def read(client):
    """(packet type, reason, authentication data)"""
    kind, _, body = client.read()
    body = body[1:] if kind == wire.CONNACK else body
    found = re.search(rb'\x15\x00\x0dSCRAM-SHA-256\x16(..)', body, re.DOTALL)
    size = struct.unpack('!H', found.group(1))[0] if found else 0
    return kind, body[0] if body else 0, body[found.end():found.end() + size] if found else b''


class Server:
    """A broker with ann, whose password is kept for SCRAM, and ben, whose is not."""

    def __init__(self, context, folder, users=True):
        if users:
            add_scram_user(context, folder, 'ann', 'correct horse')
            add_user(context, folder, 'ben', 'battery')
        config = f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\npassword_file = "{folder / "users"}"\n'
        self._broker = Godwit(context.broker, folder, (), [*context.shard_options(), '--data', folder / 'data'], config)

    def __enter__(self):
        self._broker.start()
        return self

    def __exit__(self, *_):
        self._broker.stop()

    @property
    def err(self):
        return self._broker.program.err

    def reload(self):
        self._broker.program.signal(signal.SIGHUP)

    def dial(self):
        return wire.RawClient(self._broker.endpoints['tcp'])

    def challenge(self, user, nonce='abc'):
        """What the broker says to the first message of a user."""
        with self.dial() as client:
            client.send(connect('c', f'n,,n={user},r={nonce}'.encode()))
            kind, reason, said = read(client)
            equal((kind, reason), (AUTH, CONTINUE), f'to the first message of {user}')
            return said.decode()


def login(client, sasl, begin):
    """Goes through all steps; the last packet's (type, reason, data)."""
    client.send(begin(sasl.first))
    kind, reason, challenge = read(client)
    equal((kind, reason), (AUTH, CONTINUE), 'the first answer')
    client.send(auth(sasl.answer(challenge)))
    return read(client)


def test_scram_login(context, folder):
    """GNU SASL logs in, and finds that the broker knows the password too; the user is the one of SCRAM"""
    with Server(context, folder) as server:
        for username in (None, '', 'ann'):
            sasl = Sasl('ann', 'correct horse')
            with server.dial() as client:
                kind, reason, final = login(client, sasl, lambda raw, name=username: connect('c', raw, name))
                equal((kind, reason), (wire.CONNACK, 0), f'with the user name {username}')
                assert sasl.accepts(final), 'the broker did not prove itself'
                equal(client.subscribe('t'), 0, 'SUBACK')
        with server.dial() as client:
            equal(client.connect('c', username='ann', password='correct horse'), 0, 'the same password in CONNECT')
        with server.dial() as client:
            equal(client.connect('c', username='ann', password='wrong'), BAD_USER_OR_PASSWORD, 'a wrong one in CONNECT')


def test_scram_refusals(context, folder):
    """a wrong password, nobody, a user whose hash is of another kind, another user name, another method: refused"""
    with Server(context, folder) as server:
        for user, password in (('ann', 'wrong'), ('nobody', 'correct horse'), ('ben', 'battery')):
            sasl = Sasl(user, password)
            with server.dial() as client:
                kind, reason, _ = login(client, sasl, lambda raw: connect('c', raw))
                equal((kind, reason), (wire.CONNACK, NOT_AUTHORIZED), user)
                client.is_closed()
            sasl.leave()
            contains(server.err.wait_for(lambda line: 'event=refused' in line, 5, 'log'), f'a wrong proof of user {user}', 'log')
        for raw, username, method, wanted in ((b'n,,n=ann,r=x', 'ben', METHOD, NOT_AUTHORIZED), (b'hello', None, METHOD, NOT_AUTHORIZED),
                                              (b'', None, METHOD, NOT_AUTHORIZED), (b'p=tls-unique,,n=ann,r=x', None, METHOD, NOT_AUTHORIZED),
                                              (b'n,,n=ann,r=x', None, 'SCRAM-SHA-1', BAD_METHOD)):
            with server.dial() as client:
                client.send(connect('c', raw, username, method))
                equal(read(client)[:2], (wire.CONNACK, wanted), f'{raw} {username} {method}')


def test_scram_tells_nobody_who_exists(context, folder):
    """a user who is not there has a salt like all others: the same each time, also after a restart"""
    def shape(challenge):
        found = re.fullmatch(r'r=abc([!-+\--~]{24}),s=([A-Za-z0-9+/]{22}==),i=(\d+)', challenge)
        assert found, challenge
        return found.group(2), found.group(3)

    with Server(context, folder) as server:
        before = {user: shape(server.challenge(user)) for user in ('ann', 'ben', 'eve', 'eva')}
        equal(before, {user: shape(server.challenge(user)) for user in before}, 'asked again')
        equal(len({salt for salt, _ in before.values()}), 4, 'salts')
        equal(len({count for _, count in before.values()}), 1, 'iterations')
        nonces = {server.challenge('eve').split(',')[0] for _ in range(20)}
        equal(len(nonces), 20, 'nonces')
    with Server(context, folder, users=False) as server:
        equal(before, {user: shape(server.challenge(user)) for user in before}, 'after a restart')


def test_scram_reauthentication(context, folder):
    """a client proves itself again meanwhile; as another user, or wrongly, it is disconnected"""
    with Server(context, folder) as server:
        add_scram_user(context, folder, 'cara', 'of cara')
        server.reload()
        server.err.wait_for(lambda line: 'event=reloaded' in line, 5, 'reload')
        with server.dial() as client:
            login(client, Sasl('ann', 'correct horse'), lambda raw: connect('c', raw))
            for _ in range(2):
                sasl = Sasl('ann', 'correct horse')
                kind, reason, final = login(client, sasl, lambda raw: auth(raw, REAUTHENTICATE))
                equal((kind, reason), (AUTH, 0), 'the same user again')
                assert sasl.accepts(final), 'the broker did not prove itself'
            kind, reason, _ = login(client, Sasl('cara', 'of cara'), lambda raw: auth(raw, REAUTHENTICATE))
            equal((kind, reason), (wire.DISCONNECT, NOT_AUTHORIZED), 'another user')
        with server.dial() as client:
            login(client, Sasl('ann', 'correct horse'), lambda raw: connect('c', raw))
            kind, reason, _ = login(client, Sasl('ann', 'wrong'), lambda raw: auth(raw, REAUTHENTICATE))
            equal((kind, reason), (wire.DISCONNECT, NOT_AUTHORIZED), 'a wrong password')


def test_scram_replay(context, folder):
    """the answer to one challenge is no answer to the next"""
    with Server(context, folder) as server:
        sasl = Sasl('ann', 'correct horse')
        with server.dial() as client:
            client.send(connect('c', sasl.first))
            final = sasl.answer(read(client)[2])
            client.send(auth(final))
            equal(read(client)[:2], (wire.CONNACK, 0), 'the login')
        for _ in range(2):
            with server.dial() as client:
                client.send(connect('c', sasl.first))
                equal(read(client)[:2], (AUTH, CONTINUE), 'the first message again')
                client.send(auth(final))
                equal(read(client)[:2], (wire.CONNACK, NOT_AUTHORIZED), 'the proof again')
