"""The policy file: what it allows on living clients, its reload, users that go, and the commands that explain it."""
import json
import re
import signal
import threading
import time
import urllib.request
from pathlib import Path

from lib import wire
from lib.brokers import Godwit
from lib.program import run
from lib.tests import contains, equal
from suites.process_access import add_user
from suites.process_tls import secure

NOT_AUTHORIZED = 0x87
REVOKED_SECONDS = 1

POLICY = '''allow connect client={user}*
for user=ann
allow write,read plant/#
allow write,read note/+ payload<=10 qos<=1
deny receive plant/secret
for user=ben
allow write plant/{user}/#
'''


class Ruled:
    """A broker with the users ann and ben, the policy above and an admin port."""

    def __init__(self, context, folder, policy=POLICY, listen='url = "mqtt://127.0.0.1:0"'):
        for user in ('ann', 'ben'):
            add_user(context, folder, user, f'{user}-password')
        self.policy, self.users = folder / 'policy', folder / 'users'
        self.policy.write_text(policy)
        config = (f'[[listener]]\n{listen}\n[auth]\npassword_file = "{self.users}"\n'
                  f'policy_file = "{self.policy}"\n')
        self._broker = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        self._broker.start()
        self.url = self._broker.endpoints.get('tcp')
        self.admin = self._broker.endpoints['admin']
        self.err = self._broker.program.err
        return self

    def __exit__(self, *_):
        self._broker.stop()

    def client(self, user, client_id=None, version=5, **options):
        raw = wire.RawClient(self.url, version)
        equal(raw.connect(client_id or f'{user}-1', username=user, password=f'{user}-password', **options), 0, 'CONNACK')
        return raw

    def reload(self, policy=None):
        """The moment the signal was sent."""
        if policy is not None:
            self.policy.write_text(policy)
        self._broker.program.signal(signal.SIGHUP)
        return time.monotonic()

    def get(self, target):
        with urllib.request.urlopen(self.admin + target, timeout=5) as reply:
            return json.load(reply)


def disconnected(raw, since):
    """The reason of the DISCONNECT, which must have come in time."""
    kind, _, body = raw.read()
    late = time.monotonic() - since
    assert late < REVOKED_SECONDS, f'{late:.2f} s after the reload'
    equal(kind, wire.DISCONNECT, 'packet type')
    raw.is_closed()
    return body[0]


def test_policy_connect(context, folder):
    """connect rules bind the client id to the user: 0x87 in 5.0, 5 in 3.1.1, and the log names the rule"""
    with Ruled(context, folder) as broker:
        for version, refused in ((5, NOT_AUTHORIZED), (4, 5)):
            broker.client('ann', version=version).send(b'\xe0\0')
            with wire.RawClient(broker.url, version) as raw:
                equal(raw.connect('ben-1', username='ann', password='ann-password'), refused, 'CONNACK')
        line = broker.err.wait_for(lambda text: 'event=refused' in text, 5, 'log line')
        contains(line, 'no rule allows it', 'log line')


def test_policy_limits(context, folder):
    """publishes beyond a limit of size or QoS are refused; a subscription gets the QoS that is allowed"""
    with Ruled(context, folder) as broker, broker.client('ann') as ann:
        equal(ann.subscribe('note/a', 2), 1, 'SUBACK')
        equal(ann.publish('note/b', b'0123456789'), 0x10, 'PUBACK of ten bytes')
        equal(ann.publish('note/b', b'0123456789x'), NOT_AUTHORIZED, 'PUBACK of eleven bytes')
        equal(ann.subscribe('#'), NOT_AUTHORIZED, 'SUBACK of what is wider')


def test_policy_revokes_connections(context, folder):
    """SIGHUP with a policy that lets ben connect no more: he is disconnected with 0x87 within a second, ann is not"""
    with Ruled(context, folder) as broker, broker.client('ann') as ann, broker.client('ben') as ben:
        since = broker.reload(POLICY.replace('client={user}*', 'client={user}* user!=ben'))
        equal(disconnected(ben, since), NOT_AUTHORIZED, 'DISCONNECT')
        equal(ann.publish('plant/a', b'1'), 0x10, 'PUBACK of ann')
        with wire.RawClient(broker.url) as again:
            equal(again.connect('ben-1', username='ben', password='ben-password'), NOT_AUTHORIZED, 'CONNACK')


def test_policy_revokes_subscriptions(context, folder):
    """SIGHUP with a policy that takes a subscription away: it ends within a second, which the log and godwit why tell"""
    with Ruled(context, folder) as broker, broker.client('ann') as ann:
        equal(ann.subscribe('plant/#'), 0, 'SUBACK')
        equal(ann.subscribe('note/a'), 0, 'SUBACK')
        since = broker.reload(POLICY.replace('allow write,read plant/#', 'allow write,receive plant/#'))
        line = broker.err.wait_for(lambda text: 'event=subscription_revoked' in text, 5, 'log line')
        assert time.monotonic() - since < REVOKED_SECONDS, 'late'
        contains(line, 'plant/#: no rule allows it', 'log line')
        equal(broker.get('/api/clients/ann-1')['subscriptions'], 1, 'subscriptions')
        equal(ann.publish('plant/a', b'1'), 0x10, 'PUBACK: no subscriber')
        why = run([context.broker, 'why', 'ann-1', '--admin', broker.admin])
        equal(why.returncode, 0, why.stderr)
        contains(why.stdout, 'subscription_revoked  not_authorized  plant/#: no rule allows it', 'godwit why')


def test_policy_holds_for_queues(context, folder):
    """what waits for a client that is away is asked about again when it comes: it gets what it may receive now"""
    with Ruled(context, folder) as broker, broker.client('ann', 'ann-2', version=4, clean=False) as sub:
        equal(sub.subscribe('plant/#', 1), 1, 'SUBACK')
        sub.send(b'\xe0\0')
        sub.is_closed()
        with broker.client('ann') as pub:
            for topic in ('plant/a', 'plant/b'):
                equal(pub.publish(topic, topic.encode()), 0, 'PUBACK')
        broker.reload(POLICY + 'for everyone\ndeny receive plant/a\n')
        broker.err.wait_for(lambda text: 'event=reloaded' in text and 'policy' in text, 5, 'reloaded')
        with broker.client('ann', 'ann-2', version=4, clean=False) as back:
            equal(back.receive(1), ('plant/b', b'plant/b'), 'what arrives')


def test_users_revoked(context, folder):
    """users that are gone from the password file, or have another password, are disconnected with 0x87 within a second"""
    with Ruled(context, folder) as broker, broker.client('ann') as ann, broker.client('ben') as ben:
        add_user(context, folder, 'cleo', 'new')
        equal(run([context.broker, 'passwd', '--delete', broker.users, 'ben']).returncode, 0, 'passwd --delete')
        since = broker.reload()
        equal(disconnected(ben, since), NOT_AUTHORIZED, 'DISCONNECT of ben')
        equal(ann.publish('plant/a', b'1'), 0x10, 'PUBACK of ann')
        add_user(context, folder, 'ann', 'another')
        equal(disconnected(ann, broker.reload()), NOT_AUTHORIZED, 'DISCONNECT of ann')
        with wire.RawClient(broker.url) as again:
            equal(again.connect('ann-1', username='ann', password='another'), 0, 'CONNACK with the new password')


def test_users_revoked_while_they_log_in(context, folder):
    """a login that is judged while its user goes: whoever got in by the old file is out when the new one is in force"""
    with Ruled(context, folder) as broker:
        outcomes = []

        def log_in(number):
            with wire.RawClient(broker.url) as raw:
                code = raw.connect(f'ben-{number}', username='ben', password='ben-password')
                outcomes.append(code)
                if code == 0:
                    outcomes.append(raw.read()[0])
        threads = [threading.Thread(target=log_in, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        equal(run([context.broker, 'passwd', '--delete', broker.users, 'ben']).returncode, 0, 'passwd --delete')
        broker.reload()
        for thread in threads:
            thread.join(20)
        good, bad = outcomes.count(0), outcomes.count(0x86)
        equal(good + bad, 6, f'logins of {outcomes}')
        equal(outcomes.count(wire.DISCONNECT), good, 'those that were disconnected')


def test_bad_policy_stays_out(context, folder):
    """a policy with a fault: at a reload the old one stays and the log names the place; at the start it does not start"""
    with Ruled(context, folder) as broker, broker.client('ann') as ann:
        broker.reload(POLICY + 'allow pubish x\n')
        line = broker.err.wait_for(lambda text: 'event=reload_failed' in text, 5, 'log line')
        contains(line, f'policy:{POLICY.count(chr(10)) + 1}:7: ', 'log line')
        contains(line, 'did you mean publish?', 'log line')
        equal(ann.publish('plant/a', b'1'), 0x10, 'PUBACK')
    done = run([context.broker, 'serve', '--config', folder / 'godwit.toml'], 10, {'GODWIT_ADMIN_LISTEN': '127.0.0.1:0'})
    assert done.returncode != 0, 'it started'
    contains(done.stderr, 'did you mean publish?', 'message')


def test_policy_certificate(context, folder):
    """rules about the common name of the client's certificate, also where its session lives on another shard"""
    pem = context.certificates.path
    listen = (f'url = "mqtts://127.0.0.1:0"\ncert = "{pem("server.crt")}"\nkey = "{pem("server.key")}"\n'
              f'ca = "{pem("ca.crt")}"\nverify = "optional"\nallow_anonymous = true')
    policy = 'allow connect\nallow write,read dev/{cn}/# cn=device-*\n'
    with Ruled(context, folder, policy, listen) as broker:
        url = broker._broker.endpoints['tls']
        for number in range(8):
            with secure(context, url, 'client') as device:
                equal(device.connect(f'c{number}'), 0, 'CONNACK')
                equal(device.subscribe('dev/device-1/in'), 0, 'SUBACK')
                equal(device.subscribe('dev/device-2/in'), NOT_AUTHORIZED, 'SUBACK of another')
        with secure(context, url) as stranger:
            equal(stranger.connect('s'), 0, 'CONNACK')
            equal(stranger.subscribe('dev/device-1/in'), NOT_AUTHORIZED, 'SUBACK without a certificate')


def test_explain(context, folder):
    """godwit explain names the rule with file and line, for a client that is there and for a supposed one"""
    with Ruled(context, folder) as broker, broker.client('ann') as ann:
        def ask(*words):
            done = run([context.broker, 'explain', *words])
            return done.returncode, done.stdout + done.stderr
        living = ('--client', 'ann-1', '--admin', broker.admin)
        status, said = ask('publish', '--topic', 'plant/a', '--retain', *living)
        equal((status, said), (0, f'allowed by {broker.policy}:3\n  allow write,read plant/#\n'), 'explain publish')
        status, said = ask('receive', '--topic', 'plant/secret', *living)
        equal((status, said), (1, f'denied by {broker.policy}:5\n  deny receive plant/secret\n'), 'explain receive')
        status, said = ask('subscribe', '--topic', '$share/g/#', *living)
        equal(status, 1, said)
        contains(said, 'it allows only a part of this filter', 'explain subscribe')
        status, said = ask('connect', '--client', 'nobody', '--admin', broker.admin)
        equal(status, 2, said)
        contains(said, 'no such session', 'a client that is not there')
        answer = broker.get('/api/explain?client=ann-1&action=publish&topic=note%2Fa&payload=11')
        equal((answer['allowed'], answer['line'], answer['nearest'][0]['line']), (False, 0, 4), 'JSON')
        for supposed in (('--policy', broker.policy), ('--config', folder / 'godwit.toml')):
            status, said = ask('publish', '--client', 'x', '--user', 'ben', '--topic', 'plant/ben/a', *supposed)
            equal((status, said), (0, f'allowed by {broker.policy}:7\n  allow write plant/{{user}}/#\n'), 'supposed')
        ann.send(b'\xe0\0')


def test_why_tells_refusals(context, folder):
    """godwit why tells why a client was refused, with rule and address, and what became of another's publishes"""
    with Ruled(context, folder) as broker, broker.client('ann') as ann:
        for _ in range(3):
            equal(ann.publish('office', b'x'), NOT_AUTHORIZED, 'PUBACK')
        with wire.RawClient(broker.url) as raw:
            raw.connect('intruder', username='ann', password='wrong')
        why = run([context.broker, 'why', 'intruder', '--admin', broker.admin])
        assert re.search(r'refused  bad_user_name_or_password  user ann  from 127\.0\.0\.1:\d+\n$', why.stdout), why.stdout
        events = broker.get('/api/clients/ann-1/events')['events']
        equal([(each['event'], each['count']) for each in events], [('connected', 1), ('publish_refused', 3)], 'events')
        contains(events[1]['detail'], 'office: no rule allows it', 'detail')
        nobody = run([context.broker, 'why', 'nobody', '--admin', broker.admin])
        equal(nobody.returncode, 1, nobody.stdout)


def test_policy_commands(context, folder):
    """godwit policy check and test: what is wrong with which line, and which case does not hold"""
    good = folder / 'policy'
    good.write_text(POLICY + 'expect allow publish plant/a user=ann\nexpect deny publish plant/a user=ben\n')
    def policy(*words):
        done = run([context.broker, 'policy', *words])
        return done.returncode, done.stdout + done.stderr
    equal(policy('check', good), (0, f'{good}: 5 rules, good\n'), 'check')
    equal(policy('test', good), (0, f'{good}: 2 cases hold\n'), 'test')
    more = folder / 'cases'
    more.write_text('# of tomorrow\nexpect allow receive plant/secret user=ann\n')
    status, said = policy('test', good, more)
    equal(status, 1, said)
    contains(said, f'{more}:2: expect allow receive plant/secret user=ann\n  but it is denied by {good}:5: deny receive', 'test')
    bad = folder / 'bad'
    bad.write_text('allow connect\nallow publish plant/{clent}\n')
    status, said = policy('check', bad)
    equal((status, said.startswith(f'{bad}:2:15: ')), (1, True), said)
    contains(said, 'did you mean {client}?', 'fault')


def test_tutorial(context, folder):
    """the policy of docs/policy.md is what its tutorial says: rules, cases, and the answers of godwit explain"""
    lines = [line.removeprefix('    ') for line in (Path(__file__).parents[3] / 'docs/policy.md').read_text().splitlines()]
    first, last = (next(i for i, line in enumerate(lines) if line.startswith(begin))
                   for begin in ('# Who comes in', 'expect deny  receive'))
    (folder / 'plant.policy').write_text('\n'.join(lines[first:last + 1]) + '\n')
    for command in ('policy check plant.policy', 'policy test plant.policy'):
        done = run([context.broker, *command.split()], cwd=folder)
        equal(done.stdout.strip(), lines[lines.index(f'$ godwit {command}') + 1], command)
    asked = next(line for line in lines if line.startswith('$ godwit explain publish'))
    words = asked.replace('--config plant.toml', '--policy plant.policy').split()[2:]
    done = run([context.broker, *words], cwd=folder)
    at = lines.index(asked) + 1
    equal(done.stdout.splitlines(), lines[at:at + 4], 'explain')
