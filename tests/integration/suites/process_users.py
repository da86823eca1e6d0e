"""Users of the control store: `godwit user`, and how a running broker follows within a second."""
import json
import signal
import sqlite3
import time

from lib import wire
from lib.brokers import Godwit
from lib.program import run, wait_until
from lib.tests import contains, equal
from suites.process_access import BAD_USER_OR_PASSWORD, NOT_AUTHORIZED, add_user
from suites.process_policy import disconnected
from suites.process_scram import Sasl, connect, login

FOLLOW_SECONDS = 1


def user(context, folder, *words, password=None):
    stdin = b'' if password is None else f'{password}\n'.encode()
    return run([context.broker, 'user', *words, '--data', folder / 'data'], 20, stdin=stdin)


def done(context, folder, *words, password=None):
    """The moment before the command ended: what it did holds a second later."""
    result = user(context, folder, *words, password=password)
    equal(result.returncode, 0, f'godwit user {words}: {result.stderr}')
    return time.monotonic()


class Kept:
    """A broker with the users of a control store, at first ann and ben."""

    def __init__(self, context, folder, more='', listen='url = "mqtt://127.0.0.1:0"'):
        self._context, self._folder = context, folder
        for name in ('ann', 'ben'):
            done(context, folder, 'add', name, password=f'{name}-password')
        config = f'[server]\ndata = "{folder / "data"}"\n[[listener]]\n{listen}\n[auth]\nusers = true\n{more}'
        self._broker = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        self._broker.start()
        self.url = self._broker.endpoints.get('tcp')
        self.err = self._broker.program.err
        return self

    def __exit__(self, *_):
        self._broker.stop()

    def restart(self, meanwhile):
        self._broker.stop()
        meanwhile()
        self.__enter__()

    def reload(self):
        self._broker.program.signal(signal.SIGHUP)

    def connack(self, name, password, version=5):
        with wire.RawClient(self.url, version) as raw:
            return raw.connect(f'{name}-x', username=name, password=password)

    def client(self, name, password=None):
        raw = wire.RawClient(self.url)
        equal(raw.connect(f'{name}-1', username=name, password=password or f'{name}-password'), 0, 'CONNACK')
        return raw

    def follows(self, name, password, code):
        wait_until(lambda: self.connack(name, password) == code, FOLLOW_SECONDS, f'CONNACK {code} for {name}')


def test_users_before_the_first_start(context, folder):
    """users that were added before the broker's first start can log in; nobody else can"""
    with Kept(context, folder) as broker:
        equal(broker.connack('ann', 'ann-password'), 0, 'CONNACK')
        equal(broker.connack('ann', 'another'), BAD_USER_OR_PASSWORD, 'CONNACK with a wrong password')
        equal(broker.connack('cleo', 'cleo-password'), BAD_USER_OR_PASSWORD, 'CONNACK of a stranger')
        with wire.RawClient(broker.url) as nobody:
            equal(nobody.connect('nobody'), NOT_AUTHORIZED, 'CONNACK without a name')


def test_users_of_a_new_broker(context, folder):
    """with auth.users and no user yet the broker starts and lets nobody in; the first user that is added can come in"""
    config = f'[server]\ndata = "{folder / "data"}"\n[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\nusers = true\n'
    broker = Godwit(context.broker, folder, (), context.shard_options(), config).start()
    try:
        def connack(*who):
            with wire.RawClient(broker.endpoints['tcp']) as raw:
                return raw.connect('c', **dict(zip(('username', 'password'), who)))
        equal(connack(), NOT_AUTHORIZED, 'CONNACK without a name')
        equal(connack('ann', 'x'), BAD_USER_OR_PASSWORD, 'CONNACK')
        done(context, folder, 'add', 'ann', password='x')
        wait_until(lambda: connack('ann', 'x') == 0, FOLLOW_SECONDS, 'ann comes in')
        equal((folder / 'data' / 'control.db').stat().st_mode & 0o777, 0o600, 'mode of control.db')
    finally:
        broker.stop()


def test_users_revoked(context, folder):
    """a user who is deleted, disabled or given another password is disconnected with 0x87 within a second; others are not"""
    for name in ('cleo', 'dora'):
        done(context, folder, 'add', name, password=f'{name}-password')
    with Kept(context, folder) as broker, broker.client('ann') as ann, broker.client('ben') as ben, \
            broker.client('cleo') as cleo, broker.client('dora') as dora:
        equal(disconnected(ben, done(context, folder, 'delete', 'ben')), NOT_AUTHORIZED, 'DISCONNECT of ben')
        equal(disconnected(cleo, done(context, folder, 'disable', 'cleo')), NOT_AUTHORIZED, 'DISCONNECT of cleo')
        equal(disconnected(dora, done(context, folder, 'passwd', 'dora', password='new')), NOT_AUTHORIZED, 'DISCONNECT of dora')
        equal(ann.publish('a', b'1'), 0x10, 'PUBACK of ann')
        for name in ('ben', 'cleo', 'dora'):
            equal(broker.connack(name, f'{name}-password'), BAD_USER_OR_PASSWORD, f'CONNACK of {name}')
        equal(broker.connack('dora', 'new'), 0, 'CONNACK with the new password')
        done(context, folder, 'enable', 'cleo')
        broker.follows('cleo', 'cleo-password', 0)
        line = broker.err.wait_for(lambda text: 'act=disabled' in text, 5, 'log line')
        contains(line, 'event=user_changed act=disabled user=cleo', 'log line')


def test_users_survive(context, folder):
    """users are there after a restart, and what was done meanwhile is told and holds"""
    with Kept(context, folder) as broker:
        equal(broker.connack('ann', 'ann-password'), 0, 'CONNACK')
        broker.restart(lambda: done(context, folder, 'delete', 'ben'))
        equal(broker.connack('ann', 'ann-password'), 0, 'CONNACK')
        equal(broker.connack('ben', 'ben-password'), BAD_USER_OR_PASSWORD, 'CONNACK of ben')
        told = [line for line in broker.err.all if 'event=user_changed' in line]
        equal(len(told), 1, f'acts told: {told}')
        contains(told[0], 'act=deleted user=ben', 'log line')


def test_users_beside_a_password_file(context, folder):
    """where file and store know a user the store counts, also that he is disabled; SIGHUP keeps it so; deleted, the file's counts again"""
    for name in ('ann', 'eva'):
        add_user(context, folder, name, 'of the file')
    with Kept(context, folder, f'password_file = "{folder / "users"}"\n') as broker:
        contains(broker.err.wait_for(lambda text: 'users_doubled' in text, 5, 'warning'), 'first=ann', 'warning')
        for _ in range(2):
            equal(broker.connack('eva', 'of the file'), 0, 'CONNACK of eva')
            equal(broker.connack('ann', 'ann-password'), 0, 'CONNACK of ann')
            equal(broker.connack('ann', 'of the file'), BAD_USER_OR_PASSWORD, 'CONNACK by the file')
            broker.reload()
            broker.err.wait_for(lambda text: 'event=reloaded' in text, 5, 'reloaded')
        done(context, folder, 'disable', 'ann')
        broker.follows('ann', 'ann-password', BAD_USER_OR_PASSWORD)
        equal(broker.connack('ann', 'of the file'), BAD_USER_OR_PASSWORD, 'CONNACK by the file')
        done(context, folder, 'delete', 'ann')
        broker.follows('ann', 'of the file', 0)


def test_users_scram(context, folder):
    """a user of the store logs in by SCRAM with GNU SASL, also after `godwit user passwd`; one without --scram is refused"""
    done(context, folder, 'add', 'sam', '--scram', password='first')
    done(context, folder, 'passwd', 'sam', password='second')
    with Kept(context, folder) as broker:
        for name, password, wanted in (('sam', 'second', 0), ('ann', 'ann-password', NOT_AUTHORIZED)):
            sasl = Sasl(name, password)
            with wire.RawClient(broker.url) as raw:
                equal(login(raw, sasl, lambda first: connect('c', first))[:2], (wire.CONNACK, wanted), f'answer to {name}')
            sasl.leave()


def test_users_store_that_is_none(context, folder):
    """a store that is damaged, of another program or of a newer release stops the start and `godwit check`, by name"""
    (folder / 'data').mkdir()
    store = folder / 'data' / 'control.db'
    config = folder / 'godwit.toml'
    config.write_text(f'[server]\ndata = "{folder / "data"}"\n[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\nusers = true\n')

    def refused(why):
        for command in ('serve', 'check'):
            said = run([context.broker, command, '--config', config], env={'GODWIT_ADMIN_LISTEN': ''})
            equal(said.returncode, 1, f'status of {command}: {said.stderr}')
            contains(said.stderr, f'control.db: {why}', command)
        contains(user(context, folder, 'list').stderr, f'control.db: {why}', 'user list')

    store.write_bytes(b'no database at all' * 100)
    refused('file is not a database')
    store.unlink()
    with sqlite3.connect(store) as other:
        other.execute('create table things (x)')
    other.close()
    refused('it is a database of another program')
    store.unlink()
    done(context, folder, 'add', 'ann', password='x')
    with sqlite3.connect(store) as newer:
        newer.execute('pragma user_version = 7')
    newer.close()
    refused('its schema is number 7, and this release knows 1')


def test_users_store_that_breaks(context, folder):
    """a store that becomes unreadable, or goes, leaves a running broker its users and a line in the log; a good one counts again"""
    with Kept(context, folder) as broker, broker.client('ann') as ann:
        store = folder / 'data' / 'control.db'
        for end in ('-wal', '-shm', ''):
            (folder / 'data' / f'control.db{end}').rename(folder / f'kept{end}')
        line = broker.err.wait_for(lambda text: 'event=reload_failed' in text, 5, 'log line')
        contains(line, 'it is not there', 'log line')
        for content, why in ((b'x' * 9000, 'file is not a database; the old stays'), (b'', 'it is empty; ')):
            (folder / 'new').write_bytes(content)
            (folder / 'new').rename(store)
            line = broker.err.wait_for(lambda text: 'event=reload_failed' in text, 5, 'log line')
            contains(line, why, 'log line')
        equal(broker.connack('ben', 'ben-password'), 0, 'CONNACK')
        equal(ann.publish('a', b'1'), 0x10, 'PUBACK')
        done(context, folder, 'add', 'cleo', password='c')
        broker.follows('cleo', 'c', 0)
        equal(disconnected(ann, time.monotonic()), NOT_AUTHORIZED, 'DISCONNECT of ann, who is not in the new one')
        failures = [text for text in broker.err.all if 'event=reload_failed' in text]
        equal(len(failures), 3, f'each fault is told once: {failures}')


def test_users_command_refusals(context, folder):
    """godwit user says what it did not do: a user twice, one who is not there, no password, no name, no directory; no password is in the file"""
    done(context, folder, 'add', 'ann', password='ann-password')
    for words, password, why in ((('add', 'ann'), 'x', 'ann: the user is there already'),
                                 (('passwd', 'ben'), 'x', 'ben: there is no such user'),
                                 (('delete', 'ben'), None, 'ben: there is no such user'),
                                 (('disable', 'ben'), None, 'ben: there is no such user'),
                                 (('add', 'ben'), '', 'an empty password'),
                                 (('add', 'a:b'), 'x', 'this cannot be a user name')):
        said = user(context, folder, *words, password=password)
        equal(said.returncode, 1, f'status of {words}')
        contains(said.stderr, why, f'{words}')
    for words in (['list'], ['list', '--config', folder / 'none.toml'], ['add', 'ann', '-P', 'x']):
        equal(run([context.broker, 'user', *words]).returncode, 2, f'status of {words}')
    contains(run([context.broker, 'user', 'list']).stderr, 'no data directory', 'list without one')
    said = run([context.broker, 'user', 'list', '--data', folder / 'typo'])
    contains(said.stderr, 'control.db: it is not there', 'list of a directory that is none')
    assert not (folder / 'typo').exists(), 'list makes a directory'
    assert b'ann-password' not in (folder / 'data' / 'control.db').read_bytes(), 'the password is in the file'


def test_users_list(context, folder):
    """godwit user list shows every user without a hash, as text and as JSON lines, by --config as well"""
    done(context, folder, 'add', 'ben', '--scram', password='b')
    done(context, folder, 'add', 'ann', password='a')
    done(context, folder, 'disable', 'ann')
    lines = user(context, folder, 'list').stdout.splitlines()
    equal([line.split('  ')[:2] for line in lines], [['ann', 'disabled'], ['ben', 'enabled, scram']], 'list')
    config = folder / 'godwit.toml'
    config.write_text(f'[server]\ndata = "{folder / "data"}"\n')
    said = run([context.broker, 'user', 'list', '--json', '--config', config])
    contains(said.stderr, 'auth.users is not true', 'warning')
    found = [json.loads(line) for line in said.stdout.splitlines()]
    equal([(one['user'], one['enabled'], one['scram']) for one in found], [('ann', False, False), ('ben', True, True)], 'JSON')
    equal(sorted(found[0]), ['changed', 'enabled', 'scram', 'user'], 'members')


def test_users_need_a_data_directory(context, folder):
    """auth.users without server.data is refused by name"""
    config = folder / 'godwit.toml'
    config.write_text('[auth]\nusers = true\n')
    said = run([context.broker, 'check', '--config', config])
    equal(said.returncode, 1, 'status')
    contains(said.stderr, 'godwit.toml:2: auth.users', 'fault')
