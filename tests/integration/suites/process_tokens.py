"""Tokens in the place of a password: who is let in, what the claims give, and when it ends."""
import signal
import time

from lib import wire
from lib.brokers import Godwit
from lib.issuer import ALGORITHMS, Issuer, forge, key_set
from lib.program import run
from lib.tests import contains, equal
from suites.process_access import BAD_PASSWORD_3, BAD_USER_OR_PASSWORD, NOT_AUTHORIZED, add_user

POLICY = '''allow connect
allow write,read {user}/#
allow write,read site/{claim.site}/#
allow read level claim.level=7
'''


class Tokens:
    """A broker that takes tokens of the key set in the file `keys`, with these lines in [auth]."""

    def __init__(self, context, folder, keys, options='', listen='url = "mqtt://127.0.0.1:0"'):
        self.keys = folder / 'keys'
        self.keys.write_text(keys)
        (folder / 'policy').write_text(POLICY)
        config = (f'[[listener]]\n{listen}\n[auth]\njwt_keys_file = "{self.keys}"\n'
                  f'policy_file = "{folder / "policy"}"\n{options}')
        self._broker = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        self._broker.start()
        self.url = self._broker.endpoints['tcp']
        self.err = self._broker.program.err
        return self

    def __exit__(self, *_):
        self._broker.stop()

    def code(self, token, user='', version=5, client_id='c'):
        """The code that CONNACK has for it."""
        with wire.RawClient(self.url, version) as client:
            return client.connect(client_id, username=user, password=token)

    def reload(self, keys):
        self.keys.write_text(keys)
        self._broker.program.signal(signal.SIGHUP)
        return self.err.wait_for(lambda line: 'keys of tokens' in line, 5, 'the reload')


def test_token_algorithms(context, folder):
    """tokens that jose signed with RS256, ES256 and EdDSA, and HS256 with a secret, are let in, in every version"""
    with Issuer() as issuer:
        jwks = [issuer.key(alg, alg, f'kid-{alg}')['jwk'] for alg in ALGORITHMS]
        (folder / 'secret').write_text(issuer.key('HS256', 'HS256')['secret'] + '\n')
        with Tokens(context, folder, key_set(*jwks), f'jwt_secret_file = "{folder / "secret"}"\n') as broker:
            for alg in (*ALGORITHMS, 'HS256'):
                token = issuer.sign(alg)
                for version in (3, 4, 5):
                    equal(broker.code(token, version=version), 0, f'{alg}, version {version}')
                equal(broker.code(token[:-8] + 'AAAAAAAA'), BAD_USER_OR_PASSWORD, f'{alg} with another signature')


def test_token_of_a_pem_key(context, folder):
    """a public key in PEM works as a key set does"""
    for alg in ALGORITHMS:
        with Issuer() as issuer, Tokens(context, folder, issuer.key('k', alg)['pem']) as broker:
            equal(broker.code(issuer.sign('k')), 0, alg)


def test_token_refusals(context, folder):
    """another key, expired, no exp, not yet, another issuer or audience, another user: refused, and the log says why"""
    rules = 'jwt_issuer = "https://issuer.test"\njwt_audience = "plant"\n'
    good = {'iss': 'https://issuer.test', 'aud': ['plant', 'office']}
    with Issuer() as issuer:
        key = issuer.key('k', kid='1')
        issuer.key('stranger', kid='1')
        with Tokens(context, folder, key_set(key['jwk']), rules) as broker:
            now = int(time.time())
            equal(broker.code(issuer.sign('k', **good)), 0, 'a good one')
            for number, (why, user, token) in enumerate((
                    ('its signature is wrong', '', issuer.sign('stranger', **good)),
                    ('no key has its id and algorithm', '', issuer.sign('k', header={'kid': '2'}, **good)),
                    ('it has expired', '', issuer.sign('k', lasts=-1, **good)),
                    ('it has no exp', '', issuer.sign('k', lasts=None, **good)),
                    ('it is not valid yet', '', issuer.sign('k', nbf=now + 30, **good)),
                    ('it is of another issuer', '', issuer.sign('k', **{**good, 'iss': 'https://issuer.test/'})),
                    ('it is for another audience', '', issuer.sign('k', **{**good, 'aud': 'office'})),
                    ('it is of another user than CONNECT names', 'ben', issuer.sign('k', **good)),
                    ('the claim of the user name is missing', '', issuer.sign('k', user=None, **good)),
                    ('it is longer than 8 KiB', '', issuer.sign('k', pad='x' * 7000, **good)))):
                equal(broker.code(token, user, client_id=f'c{number}'), BAD_USER_OR_PASSWORD, why)
                line = broker.err.wait_for(lambda text, number=number: f'client=c{number} ' in text, 5, why)
                contains(line, why, 'log line')
                assert token[-20:] not in line and token[:30] not in line, 'the token is in the log'
            equal(broker.code(issuer.sign('k', lasts=-1, **good), version=4), BAD_PASSWORD_3, 'in 3.1.1')
            equal(broker.code('no token at all', 'ann'), BAD_USER_OR_PASSWORD, 'a password')
            equal(broker.code(issuer.sign('k', **good), 'ann'), 0, 'with the user name in CONNECT')


def test_token_forgeries(context, folder):
    """alg none, and HS256 with the public key's own text for a secret, are refused"""
    with Issuer() as issuer:
        claims = {'sub': 'ann', 'exp': int(time.time()) + 60}
        for alg in ALGORITHMS:
            key = issuer.key(alg, alg)
            with Tokens(context, folder, key['pem']) as broker:
                equal(broker.code(issuer.sign(alg)), 0, f'{alg}: a good one')
                for forged in (forge({'alg': 'none'}, claims), forge({'alg': 'None', 'typ': 'JWT'}, claims),
                               forge({'alg': 'HS256'}, claims, key['pem'].encode()),
                               forge({'alg': 'HS256'}, claims, key['pem'].strip().encode()),
                               forge({'alg': alg}, claims), forge({'alg': alg}, claims, key['pem'].encode())):
                    equal(broker.code(forged), BAD_USER_OR_PASSWORD, f'{alg}: {forged[:40]}')


def test_token_claims_give_topics(context, folder):
    """the user of the token and its claims fill the places of a policy"""
    with Issuer() as issuer, Tokens(context, folder, key_set(issuer.key('k')['jwk'])) as broker:
        with wire.RawClient(broker.url) as ann, wire.RawClient(broker.url) as ben:
            equal(ann.connect('a', username='', password=issuer.sign('k', site=['north', 'south'], level=7)), 0, 'ann')
            equal(ben.connect('b', username='ben', password=issuer.sign('k', 'ben', site='a/#', level='8')), 0, 'ben')
            for topic, of_ann, of_ben in (('ann/#', 0, NOT_AUTHORIZED), ('ben/#', NOT_AUTHORIZED, 0),
                                          ('site/north/#', 0, NOT_AUTHORIZED), ('site/south/x', 0, NOT_AUTHORIZED),
                                          ('site/#', NOT_AUTHORIZED, NOT_AUTHORIZED), ('level', 0, NOT_AUTHORIZED)):
                equal(ann.subscribe(topic), of_ann, f'ann: {topic}')
                equal(ben.subscribe(topic), of_ben, f'ben: {topic}')


def test_token_expiry(context, folder):
    """a token that expires ends the living connection within a second: 0x87 in 5.0, the end in 3.1.1"""
    with Issuer() as issuer, Tokens(context, folder, key_set(issuer.key('k')['jwk'])) as broker:
        for version in (4, 5):
            end = int(time.time()) + 3
            with wire.RawClient(broker.url, version) as client:
                token = issuer.sign('k', lasts=None, exp=end)
                equal(client.connect(f'c{version}', username='', password=token), 0, 'CONNACK')
                if version == 5:
                    kind, _, body = client.read()
                    equal((kind, body[0]), (wire.DISCONNECT, NOT_AUTHORIZED), 'DISCONNECT')
                client.is_closed()
                late = time.time() - end
                assert 0 <= late < 1, f'{late:.3f} s after the end'
            contains(broker.err.wait_for(lambda line: 'event=disconnected' in line, 5, 'log'), 'token has expired', 'log')


def test_token_and_password(context, folder):
    """with tokens and a password file both are let in; a wrong token is never tried as a password"""
    with Issuer() as issuer:
        jwk = issuer.key('k')['jwk']
        add_user(context, folder, 'ben', 'battery')
        expired = issuer.sign('k', 'eva', lasts=-5)
        add_user(context, folder, 'eva', expired)
        with Tokens(context, folder, key_set(jwk), f'password_file = "{folder / "users"}"\n') as broker:
            equal(broker.code(issuer.sign('k')), 0, 'ann by token')
            equal(broker.code('battery', 'ben'), 0, 'ben by password')
            equal(broker.code('wrong', 'ben'), BAD_USER_OR_PASSWORD, 'ben by a wrong password')
            equal(broker.code(expired, 'eva'), BAD_USER_OR_PASSWORD, 'eva, whose password is an old token')
            with wire.RawClient(broker.url) as client:
                equal(client.connect('c', password=issuer.sign('k')), 0, 'a token without a user name')
            with wire.RawClient(broker.url) as client:
                equal(client.connect('c', password='battery'), BAD_USER_OR_PASSWORD, 'a password without a user name')
            with wire.RawClient(broker.url) as client:
                equal(client.connect('c'), NOT_AUTHORIZED, 'nothing at all')


def test_token_keys_reload(context, folder):
    """SIGHUP: new keys are taken and old ones gone; a faulty file is reported and the old keys stay"""
    with Issuer() as issuer:
        first, second = issuer.key('1', kid='1')['jwk'], issuer.key('2', kid='2')['jwk']
        with Tokens(context, folder, key_set(first)) as broker:
            equal(broker.code(issuer.sign('1')), 0, 'the first key')
            equal(broker.code(issuer.sign('2')), BAD_USER_OR_PASSWORD, 'the second key, unknown')
            contains(broker.reload('{"keys":[]}'), 'the old stays', 'reload of a set without keys')
            equal(broker.code(issuer.sign('1')), 0, 'the first key after a faulty reload')
            contains(broker.reload(key_set(second)), 'event=reloaded', 'reload')
            equal(broker.code(issuer.sign('2')), 0, 'the second key')
            equal(broker.code(issuer.sign('1')), BAD_USER_OR_PASSWORD, 'the first key, gone')


def test_token_start(context, folder):
    """faulty keys and rules without keys: the broker does not start and says what is wrong"""
    with Issuer() as issuer:
        pem = issuer.key('k')['pem']
    for file, content, options, wanted in (
            ('jwt_keys_file', 'hello', '', 'keys: it is no JWK set'),
            ('jwt_keys_file', '{"keys":[]}', '', 'keys: it has no key for'),
            ('jwt_secret_file', 'short', '', 'keys: the secret has less than 32 bytes'),
            ('jwt_secret_file', pem, '', 'public keys belong into auth.jwt_keys_file'),
            ('jwt_keys_file', pem, 'jwt_username_claim = ""\n', 'a token must name its user'),
            ('password_file', '', 'jwt_audience = "plant"\n', 'without keys no token is taken at all')):
        (folder / 'keys').write_text(content)
        (folder / 'godwit.toml').write_text(f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\n{file} = "{folder / "keys"}"\n{options}')
        for command in ('check', 'serve'):
            done = run([context.broker, command, '--config', folder / 'godwit.toml'], 20)
            assert done.returncode in (1, 2), f'{command}: status {done.returncode} with {wanted}'
            contains(done.stdout + done.stderr, wanted, command)


def test_token_after_a_reboot(context, folder):
    """a data directory whose clock is far ahead of the machine's, as after a reboot: a token lasts as long as it says"""
    ahead = folder / 'ahead'
    ahead.write_text(f'#!/bin/sh\nexec unshare --time --monotonic 1000000 {context.broker} "$@"\n')
    ahead.chmod(0o755)
    with Issuer() as issuer:
        (folder / 'keys').write_text(key_set(issuer.key('k')['jwk']))
        config = (f'[server]\ndata = "{folder / "data"}"\n[[listener]]\nurl = "mqtt://127.0.0.1:0"\n'
                  f'[auth]\njwt_keys_file = "{folder / "keys"}"\n')
        for binary in (ahead, context.broker):
            broker = Godwit(binary, folder, (), context.shard_options(), config).start()
            try:
                with wire.RawClient(broker.endpoints['tcp']) as client:
                    began = time.monotonic()
                    equal(client.connect('c', username='', password=issuer.sign('k', lasts=4), expiry_s=1000), 0, f'CONNACK of {binary}')
                    equal(client.publish('t', b'x'), 0x10, 'PUBACK: nobody takes it, and it is there')
                    kind, _, body = client.read()
                    equal((kind, body[0]), (wire.DISCONNECT, NOT_AUTHORIZED), 'the end')
                    assert 2 < time.monotonic() - began < 8, f'{binary}: ended after {time.monotonic() - began:.1f} s'
            finally:
                broker.stop()
