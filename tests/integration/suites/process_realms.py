"""Realms: who is in which, by listener, server name, user name, token and call-out, and that nothing crosses."""
import contextlib
import json
import ssl

from lib import wire
from lib.brokers import Godwit, connect_to
from lib.issuer import Issuer
from lib.metrics import get, metrics
from lib.program import run
from lib.tests import contains, equal
from suites.process_access import BAD_USER_OR_PASSWORD, NOT_AUTHORIZED, add_user
from suites.process_callout import CalloutServer

POLICY = 'allow connect\nallow write,read common {realm}/#\nallow subscribe who/{user}\n'


class Tenants:
    """A broker with the realms acme and umbra besides `default`, and these lines for its listener and [auth]."""

    def __init__(self, context, folder, listener, auth):
        (folder / 'policy').write_text(POLICY)
        config = (f'[server]\nrealms = "acme umbra"\n[[listener]]\n{listener}\n'
                  f'[auth]\npolicy_file = "{folder / "policy"}"\n{auth}')
        self._context = context
        self.godwit = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        self.godwit.start()
        return self

    def __exit__(self, *_):
        self.godwit.stop()

    def client(self, server_name=None):
        if not server_name:
            return wire.RawClient(self.godwit.endpoints['tcp'])
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        plain = connect_to(self.godwit.endpoints['tls'])
        return wire.RawClient(None, stream=tls.wrap_socket(plain, server_hostname=server_name))

    def code(self, user, password='p', server_name=None, client_id='c'):
        with self.client(server_name) as client:
            return client.connect(client_id, username=user, password=password)

    def why(self, realm='default', client_id='c'):
        return run([self._context.broker, 'why', client_id, '--realm', realm, '--admin', self.godwit.endpoints['admin']], 20).stdout

    def check_apart(self, logins):
        """The same client id in each of the realms {name: (user, password, server name)}: nobody sees the others' messages."""
        with contextlib.ExitStack() as stack:
            clients = {}
            for realm, (user, password, server_name) in logins.items():
                client = clients[realm] = stack.enter_context(self.client(server_name))
                equal(client.connect('same', username=user, password=password), 0, f'CONNACK in {realm}')
                equal(client.subscribe('common'), 0, 'SUBACK')
                for other in logins:
                    equal(client.subscribe(f'{other}/#'), 0 if other == realm else NOT_AUTHORIZED, f'{realm} subscribes to {other}')
            for realm, client in clients.items():
                client.publish('common', realm.encode(), qos=0)
            for realm, client in clients.items():
                equal(client.receive(), ('common', realm.encode()), f'what {realm} gets')
                client.send(wire.PINGREQ)
                equal(client.read()[0], wire.PINGRESP, f'{realm} gets nothing else, and is there')
            for realm in logins:
                contains(self.why(realm, 'same'), 'connected', f'godwit why in {realm}')


def tls_listener(context):
    pem = context.certificates.path
    return f'url = "mqtts://127.0.0.1:0"\ncert = "{pem("server.crt")}"\nkey = "{pem("server.key")}"\n'


def test_realms_by_user(context, folder):
    """ann@acme is in acme, a user without a realm in the listener's; a realm that is none is refused by name"""
    for user in ('ann', 'ann@acme', 'ann@umbra', 'eve@nowhere'):
        add_user(context, folder, user, f'p-{user}')
    listener = 'url = "mqtt://127.0.0.1:0"\nrealm_by = "user"'
    with Tenants(context, folder, listener, f'password_file = "{folder / "users"}"\n') as broker:
        broker.check_apart({'default': ('ann', 'p-ann', None), 'acme': ('ann@acme', 'p-ann@acme', None),
                            'umbra': ('ann@umbra', 'p-ann@umbra', None)})
        equal(broker.code('ann@acme', 'p-ann@umbra'), BAD_USER_OR_PASSWORD, 'the password of another realm')
        equal(broker.code('eve@nowhere', 'p-eve@nowhere'), NOT_AUTHORIZED, 'no such realm')
        contains(broker.why(), 'there is no realm "nowhere"', 'why')


def test_realms_by_server_name(context, folder):
    """acme.test asked of TLS is acme; its users are ann@acme in the file, and another realm's are not let in"""
    for user in ('ann', 'ann@acme', 'ben@umbra'):
        add_user(context, folder, user, f'p-{user}')
    listener = tls_listener(context) + 'realm_by = "server_name"'
    with Tenants(context, folder, listener, f'password_file = "{folder / "users"}"\n') as broker:
        broker.check_apart({'acme': ('ann', 'p-ann@acme', 'ACME.test'), 'umbra': ('ben', 'p-ben@umbra', 'umbra.test'),
                            'default': ('ann', 'p-ann', 'default.test')})
        equal(broker.code('ann@acme', 'p-ann@acme', 'acme.test'), 0, 'the whole name')
        equal(broker.code('ann', 'p-ann', 'acme.test'), BAD_USER_OR_PASSWORD, 'a user of no realm')
        equal(broker.code('ben', 'p-ben@umbra', 'acme.test'), BAD_USER_OR_PASSWORD, 'a user of another realm')
        equal(broker.code('ben@umbra', 'p-ben@umbra', 'acme.test'), BAD_USER_OR_PASSWORD, 'the same by the whole name')
        equal(broker.code('ben@umbra', 'p-ben@umbra', 'default.test'), NOT_AUTHORIZED, 'the same in the realm of the listener')
        equal(broker.code('ann', 'p-ann@acme', 'nowhere.test'), NOT_AUTHORIZED, 'no such realm')
        contains(broker.why(), 'there is no realm "nowhere"', 'why')
        with broker.client('acme.test') as client:
            equal(client.connect('c', username='ann', password='p-ann@acme'), 0, 'ann')
            equal(client.subscribe('who/ann@acme'), 0, 'the user name that policies see')


def test_realms_by_token(context, folder):
    """a token's claim names the realm; without it, or with one that is none, the token is refused"""
    with Issuer() as issuer:
        (folder / 'secret').write_text(issuer.key('s', 'HS256')['secret'])
        auth = f'jwt_secret_file = "{folder / "secret"}"\njwt_realm_claim = "tenant"\n'
        with Tenants(context, folder, 'url = "mqtt://127.0.0.1:0"', auth) as broker:
            token = {realm: issuer.sign('s', tenant=realm) for realm in ('default', 'acme', 'umbra', 'nowhere')}
            broker.check_apart({realm: ('ann', token[realm], None) for realm in ('default', 'acme', 'umbra')})
            equal(broker.code('ann', token['nowhere']), NOT_AUTHORIZED, 'no such realm')
            contains(broker.why(), 'there is no realm "nowhere"', 'why')
            equal(broker.code('ann', issuer.sign('s')), BAD_USER_OR_PASSWORD, 'no claim')
            equal(broker.code('ann', issuer.sign('s', tenant=['acme'])), BAD_USER_OR_PASSWORD, 'a claim that is a list')
            for number in range(8):  # most of them move to another shard once they are known
                equal(broker.code('ann', token['acme'], client_id=f'c{number}'), 0, f'client {number}')


def test_realms_by_callout(context, folder):
    """the call-out's answer names the realm; where the client has named one, that is asked about and must be confirmed"""
    with CalloutServer() as server:
        with Tenants(context, folder, 'url = "mqtt://127.0.0.1:0"\nrealm_by = "user"', f'callout_url = "{server.url}"\n') as broker:
            def answer(handler):
                user = server.questions[-1]['user']
                server.answer(handler, f'{{"result":"allow","realm":"{user[2:]}"}}' if user.startswith('r-') else '{"result":"allow"}')

            server.then = answer
            broker.check_apart({'default': ('ann', 'p', None), 'acme': ('r-acme', 'p', None), 'umbra': ('ann@umbra', 'p', None)})
            equal([each['realm'] for each in server.questions], ['default', 'default', 'umbra'], 'realms that were asked about')
            equal(broker.code('r-nowhere'), NOT_AUTHORIZED, 'no such realm')
            contains(broker.why(), 'there is no realm "nowhere"', 'why')
            server.then = lambda handler: server.answer(handler, '{"result":"allow","realm":"umbra"}')
            equal(broker.code('ann@acme'), NOT_AUTHORIZED, 'another realm than the client names')


def test_realms_keep_their_data(context, folder):
    """realms that come in another order, or go and come back, still have what is theirs"""
    def broker_with(realms):
        config = (f'[server]\nrealms = "{realms}"\ndata = "{folder / "data"}"\n'
                  '[[listener]]\nurl = "mqtt://127.0.0.1:0"\nrealm_by = "user"\n')
        return Godwit(context.broker, folder, (), context.shard_options(), config)

    def retained(broker, realm):
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('c', username=f'u@{realm}'), 0, f'CONNACK in {realm}')
            equal(client.subscribe('t'), 0, 'SUBACK')
            return client.receive()[1]

    broker = broker_with('acme umbra').start()
    for realm in ('acme', 'umbra'):
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('c', username=f'u@{realm}'), 0, 'CONNACK')
            client.send(wire.publish('t', f'of {realm}'.encode(), 1, retain=True))
            equal(client.read()[0], wire.PUBACK, 'PUBACK')
    broker.stop()
    for realms in ('umbra acme', 'umbra', 'plant umbra acme'):
        broker = broker_with(realms).start()
        for realm in ('acme', 'umbra'):
            if realm in realms:
                equal(retained(broker, realm), f'of {realm}'.encode(), f'retained message with {realms}')
                continue
            with wire.RawClient(broker.endpoints['tcp']) as client:
                equal(client.connect('c', username=f'u@{realm}'), NOT_AUTHORIZED, f'{realm} with {realms}')
        broker.stop()


QUOTA_EXCEEDED = 0x97
SMALL = '''
[[realm]]
name = "acme"
realm_connections_max = 12
realm_subscriptions_max = 10
realm_memory_bytes_max = 1048576
'''


def test_realm_limits(context, folder):
    """one realm's crowd and flood are refused by name, in log, `why`, /metrics and /api/realms; another realm goes on, and so does it later"""
    config = f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\nrealm_by = "user"\n[server]\nrealms = "umbra"\n{SMALL}'
    broker = Godwit(context.broker, folder, (), context.shard_options(), config).start()
    with contextlib.ExitStack() as stack:
        stack.callback(broker.stop)

        def client(client_id, realm, code=0, **options):
            here = stack.enter_context(wire.RawClient(broker.endpoints['tcp']))
            equal(here.connect(client_id, username=f'u@{realm}', **options), code, f'CONNACK of {client_id} in {realm}')
            return here

        def flood(realm):
            """How many messages of 4 KiB for eight sessions that are not there are taken of 100."""
            pub = client('pub', realm)
            taken = sum(pub.publish('t', bytes(4096)) in (0, 0x10) for _ in range(100))
            pub.send(wire.disconnect())
            pub.is_closed()
            return taken

        for realm in ('acme', 'umbra'):
            for number in range(8):
                waiter = client(f'w{number}', realm, clean=True, expiry_s=3600)
                equal(waiter.subscribe('t', 1), 1, 'SUBACK')
                waiter.send(wire.disconnect())
                waiter.is_closed()
        equal(flood('umbra'), 100, 'messages taken in a realm without a bound')
        assert 20 <= flood('acme') <= 40, 'the flood is not refused at four fifths of its memory'
        broker.program.err.wait_for(lambda line: 'realm_memory_scarce' in line and 'realm=acme' in line, 5, 'a line about the realm')
        broker.program.err.wait_for(lambda line: 'holds_much' in line and 'realm=acme' in line, 5, 'a line about who holds much')
        assert not any('realm=umbra' in line and 'memory' in line for line in broker.log()), 'another realm is touched'

        crowd = [client(f'c{number}', 'acme') for number in range(12)]
        get(broker, '/api/realms')  # all shards have had a turn since, and know what the others hold
        equal(client('late', 'acme', QUOTA_EXCEEDED).is_closed(), True, 'the thirteenth is closed')
        client('late', 'umbra')
        why = run([context.broker, 'why', 'late', '--realm', 'acme', '--admin', broker.endpoints['admin']], 20).stdout
        contains(why, 'realm acme is at its realm_connections_max', 'why')
        codes = [crowd[0].subscribe(f's/{number}') for number in range(3)]
        equal(codes, [0, 0, QUOTA_EXCEEDED], 'eight sessions have one each; SUBACK of two more, and of one too many')

        acme = next(each for each in json.loads(get(broker, '/api/realms')[2])['realms'] if each['realm'] == 'acme')
        equal([acme[name] for name in ('connections', 'subscriptions', 'connects_refused', 'subscriptions_refused')], [12, 10, 1, 1],
              '/api/realms')
        assert acme['memory_scarce'] and 800_000 < acme['memory_bytes'] < 1_100_000, acme
        samples = metrics(broker)
        equal(samples['godwit_realm_connects_refused_total{realm="acme"}'], 1, 'metric')
        equal(samples['godwit_realm_memory_scarce{realm="umbra"}'], 0, 'metric')

        for gone in crowd[:4]:
            gone.send(wire.disconnect())
            gone.is_closed()
        for number in range(8):  # a clean start: what waited is gone
            gone = client(f'w{number}', 'acme')
            gone.send(wire.disconnect())
            gone.is_closed()
        broker.program.err.wait_for(lambda line: 'realm_memory_ample' in line and 'realm=acme' in line, 5, 'its memory is ample')
        client('late', 'acme')
