"""Users and topics: the password file and the ACL file, and what a refusal looks like on the wire and in the log."""
import signal
import time

from lib import wire
from lib.brokers import Godwit
from lib.program import run
from lib.tests import contains, equal

NOT_AUTHORIZED, BAD_USER_OR_PASSWORD = 0x87, 0x86
BAD_PASSWORD_3, NOT_AUTHORIZED_3 = 4, 5

ACL = '''topic read public/#
user ann
topic readwrite plant/#
topic deny plant/secret
pattern write devices/%c/out
'''


def add_user(context, folder, user, password):
    done = run([context.broker, 'passwd', folder / 'users', user], 20,
               stdin=f'{password}\n'.encode())
    equal(done.returncode, 0, f'godwit passwd: {done.stderr}')


class Guarded:
    """A broker with the users ann and ben and the ACL above."""

    def __init__(self, context, folder, options=''):
        add_user(context, folder, 'ann', 'correct horse')
        add_user(context, folder, 'ben', 'battery')
        (folder / 'acl').write_text(ACL)
        config = (f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\npassword_file = "{folder / "users"}"\n'
                  f'acl_file = "{folder / "acl"}"\n{options}')
        self._broker = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        return self._broker.start()

    def __exit__(self, *_):
        self._broker.stop()


def test_passwd_file(context, folder):
    """godwit passwd writes hashes that hold no password, for the owner's eyes only"""
    add_user(context, folder, 'ann', 'correct horse')
    add_user(context, folder, 'ben', 'battery')
    add_user(context, folder, 'ann', 'another one')
    lines = (folder / 'users').read_text().splitlines()
    equal([line.split(':')[0] for line in lines], ['ann', 'ben'], 'users')
    assert 'another' not in lines[0] and 'battery' not in lines[1], 'the password is in the file'
    equal((folder / 'users').stat().st_mode & 0o077, 0, 'permissions for others')


def test_mosquitto_passwd(context, folder):
    """a password file that mosquitto_passwd wrote works as it is"""
    done = run(['mosquitto_passwd', '-c', '-b', folder / 'users', 'eva', 'from mosquitto'])
    equal(done.returncode, 0, done.stderr)
    config = f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\npassword_file = "{folder / "users"}"\n'
    broker = Godwit(context.broker, folder, (), config=config).start()
    try:
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('e', username='eva', password='from mosquitto'), 0, 'CONNACK')
    finally:
        broker.stop()


def test_right_password(context, folder):
    """the right password is let in, in every version"""
    with Guarded(context, folder) as broker:
        for version in (3, 4, 5):
            with wire.RawClient(broker.endpoints['tcp'], version) as client:
                equal(client.connect('c', username='ann', password='correct horse'), 0, f'CONNACK of {version}')


def test_wrong_password(context, folder):
    """a wrong password, an unknown user and no user are refused: 0x86 or 0x87 in 5.0, 4 or 5 before, then closed"""
    with Guarded(context, folder) as broker:
        for version, codes in ((3, (BAD_PASSWORD_3, NOT_AUTHORIZED_3)), (4, (BAD_PASSWORD_3, NOT_AUTHORIZED_3)),
                               (5, (BAD_USER_OR_PASSWORD, NOT_AUTHORIZED))):
            for user, password in (('ann', 'wrong'), ('nobody', 'correct horse'), (None, None)):
                with wire.RawClient(broker.endpoints['tcp'], version) as client:
                    code = client.connect('c', username=user, password=password)
                    assert code in codes, f'{user} with {version}: code {code:#x}'
                    client.is_closed()


def test_refusal_is_logged(context, folder):
    """a refused client is one log line with client id, address and reason, and no password"""
    with Guarded(context, folder) as broker:
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.connect('intruder-7', username='ann', password='let-me-in-please')
        line = broker.program.err.wait_for(lambda text: 'intruder-7' in text and 'event=refused' in text, 5, 'log line')
        contains(line, '127.0.0.1', 'log line')
        contains(line, 'realm=default', 'log line')
        assert not any('let-me-in' in text for text in broker.log()), 'the password is in the log'


def test_acl_publish(context, folder):
    """a publish that no rule allows is answered 0x87 and reaches nobody; an allowed one arrives"""
    with Guarded(context, folder) as broker:
        with wire.RawClient(broker.endpoints['tcp']) as ann, wire.RawClient(broker.endpoints['tcp']) as ben:
            ann.connect('ann-1', username='ann', password='correct horse')
            ben.connect('pump-7', username='ben', password='battery')
            equal(ann.subscribe('plant/#'), 0, 'SUBACK')
            equal(ben.publish('plant/a', b'forged'), NOT_AUTHORIZED, 'PUBACK for ben')
            equal(ben.publish('devices/pump-8/out', b'forged'), NOT_AUTHORIZED, 'PUBACK for another device')
            equal(ben.publish('devices/pump-7/out', b'mine'), 0x10, 'PUBACK for his own: no subscriber')
            ann.send(wire.publish('plant/a', b'true'))
            equal(ann.receive(), ('plant/a', b'true'), 'what arrives')


def test_acl_subscribe(context, folder):
    """a subscription that no rule allows is refused in the SUBACK: 0x87 in 5.0, 0x80 in 3.1.1"""
    with Guarded(context, folder) as broker:
        for version, refused in ((4, 0x80), (5, NOT_AUTHORIZED)):
            with wire.RawClient(broker.endpoints['tcp'], version) as ann:
                ann.connect('ann-1', username='ann', password='correct horse')
                equal(ann.subscribe('office/door'), refused, 'SUBACK for another subtree')
                equal(ann.subscribe('plant/secret'), refused, 'SUBACK for a denied topic')
                equal(ann.subscribe('plant/+'), 0, 'SUBACK for what is allowed')


def test_acl_cuts_a_wide_subscription(context, folder):
    """of a subscription wider than the rules only what may be read arrives"""
    with Guarded(context, folder, 'allow_anonymous = true\n') as broker:
        with wire.RawClient(broker.endpoints['tcp']) as ann, wire.RawClient(broker.endpoints['tcp']) as ben:
            ann.connect('ann-1', username='ann', password='correct horse')
            ben.connect('pump-7', username='ben', password='battery')
            equal(ann.subscribe('#'), 0, 'SUBACK')
            ben.publish('devices/pump-7/out', b'not for ann')
            ann.send(wire.publish('plant/b', b'for ann'))
            equal(ann.receive(), ('plant/b', b'for ann'), 'what arrives')


def test_reload_of_the_acl(context, folder):
    """SIGHUP with a new ACL file: a subscription that stands no longer receives what it may not read"""
    with Guarded(context, folder) as broker, wire.RawClient(broker.endpoints['tcp']) as ann:
        ann.connect('ann-1', username='ann', password='correct horse')
        equal(ann.subscribe('plant/#'), 0, 'SUBACK')
        ann.send(wire.publish('plant/a', b'before'))
        equal(ann.receive(), ('plant/a', b'before'), 'before the reload')
        (folder / 'acl').write_text(ACL + 'user ann\ntopic deny plant/a\n')
        broker.program.signal(signal.SIGHUP)
        broker.program.err.wait_for(lambda line: 'event=reloaded' in line and 'acl' in line, 5, 'reloaded')
        end = time.monotonic() + 5
        got = 'plant/a'
        while got == 'plant/a' and time.monotonic() < end:  # each shard takes the new rules at its next turn
            ann.send(wire.publish('plant/a', b'x') + wire.publish('plant/b', b'mark'))
            got = ann.receive()[0]
            if got == 'plant/a':
                equal(ann.receive()[0], 'plant/b', 'the mark')
        equal(got, 'plant/b', 'what still arrives')


def test_bad_acl_file(context, folder):
    """a broken ACL or password file does not start; the message names the line"""
    for name, text in (('acl_file', 'user ann\ntopic raed plant/#\n'), ('password_file', '# users\nann\n')):
        (folder / name).write_text(text)
        (folder / 'godwit.toml').write_text(f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n'
                                            f'[auth]\n{name} = "{folder / name}"\n')
        done = run([context.broker, 'serve', '--config', folder / 'godwit.toml'], 10,
                   {'GODWIT_ADMIN_LISTEN': '127.0.0.1:0'})
        assert done.returncode != 0, f'{name}: status 0'
        contains(done.stderr, f'{name}:2', 'message')
