"""The process on its host: root, core files, secrets, and the token of the admin port."""
import os
import pwd
import re
import signal
import urllib.error
import urllib.request

from lib import wire
from lib.brokers import Godwit
from lib.program import run
from lib.tests import contains, equal
from suites.process_access import add_user
from suites.process_tls import secure

LISTEN = '[[listener]]\nurl = "mqtt://127.0.0.1:0"\n'


def proc(broker, name):
    with open(f'/proc/{broker.program.pid}/{name}') as file:
        return file.read()


def test_user(context, folder):
    """started as root with server.user it serves as that user, in every thread, and says nothing about root"""
    if os.getuid() != 0:
        return
    name = 'nobody'
    broker = Godwit(context.broker, folder, (), ['--shards', '2'], config=f'[server]\nuser = "{name}"\n{LISTEN}').start()
    try:
        wanted = str(pwd.getpwnam(name).pw_uid)
        for thread in os.listdir(f'/proc/{broker.program.pid}/task'):
            for line in proc(broker, f'task/{thread}/status').splitlines():
                if line.startswith('Uid:'):
                    equal(line.split()[1:], [wanted] * 4, f'user ids of thread {thread}')
                if line.startswith('Groups:'):
                    assert '0' not in line.split()[1:], f'thread {thread} is in the group root'
        with wire.RawClient(broker.endpoints['tcp']) as client:
            equal(client.connect('c'), 0, 'CONNACK')
        assert not any('running_as_root' in line for line in broker.log()), 'it says that it is root'
    finally:
        broker.stop()


def test_unknown_user(context, folder):
    """a user that there is not is told, and nothing starts"""
    file = folder / 'godwit.toml'
    file.write_text(f'[server]\nuser = "no-such-user"\n{LISTEN}')
    done = run([context.broker, 'serve', '--config', file], env={'GODWIT_ADMIN_LISTEN': ''})
    equal(done.returncode, 1, 'exit status')
    contains(done.stderr, 'server.user: there is no user no-such-user', 'what it says')


def test_core_files(context, folder):
    """no core file is written of the process, unless server.core_dumps says so"""
    for allowed in (False, True):
        broker = Godwit(context.broker, folder, (), config=f'[server]\ncore_dumps = {str(allowed).lower()}\n{LISTEN}').start()
        try:
            limits = re.search(r'^Max core file size +(\S+) +(\S+)', proc(broker, 'limits'), re.M).groups()
            equal(limits == ('0', '0'), not allowed, f'limits {limits} with core_dumps = {allowed}')
        finally:
            broker.stop()


TOKEN, OTHER_TOKEN = 'a-token-of-the-admin-port-1', 'a-token-of-the-admin-port-2'


def test_admin_token(context, folder):
    """with admin.token_file every page but /healthz needs the token; `why` and `explain` show it; SIGHUP takes another"""
    file = folder / 'token'
    file.write_text(TOKEN + '\n')
    broker = Godwit(context.broker, folder, (), config=f'[admin]\ntoken_file = "{file}"\n{LISTEN}').start()
    try:
        admin = broker.endpoints['admin']

        def status_with(token, page='/metrics'):
            request = urllib.request.Request(admin + page, headers={'Authorization': f'Bearer {token}'} if token else {})
            try:
                return urllib.request.urlopen(request, timeout=5).status
            except urllib.error.HTTPError as error:
                return error.code
        for page in ('/metrics', '/api/clients/c', '/api/clients/c/events', '/api/explain', '/nowhere'):
            equal(status_with(None, page), 401, f'{page} without a token')
            equal(status_with(OTHER_TOKEN, page), 401, f'{page} with a wrong token')
        equal(status_with(None, '/healthz'), 200, '/healthz without a token')
        equal(status_with(TOKEN), 200, '/metrics with the token')
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.connect('c')
            why = [context.broker, 'why', 'c', '--admin', admin]
            refused = run(why)
            equal(refused.returncode, 2, '`why` without the token')
            contains(refused.stderr, 'token', 'what it says')
            contains(run(why + ['--token-file', file]).stdout, 'connected', '`why` with the token')
            explain = run([context.broker, 'explain', 'publish', '--client', 'c', '--topic', 't', '--admin', admin],
                          env={'GODWIT_ADMIN_TOKEN_FILE': str(file)})
            equal(explain.returncode, 0, '`explain` with the token')
        file.write_text(OTHER_TOKEN)
        broker.program.signal(signal.SIGHUP)
        broker.program.err.wait_for(lambda line: 'event=reloaded' in line and str(file) in line, 5, 'the reload')
        equal(status_with(TOKEN), 401, 'the old token')
        equal(status_with(OTHER_TOKEN), 200, 'the new token')
    finally:
        broker.stop()


def test_admin_beyond_loopback(context, folder):
    """an admin port beyond loopback without a token does not start"""
    done = run([context.broker, 'serve', '--listen', 'mqtt://127.0.0.1:0'], env={'GODWIT_ADMIN_LISTEN': '0.0.0.0:0'})
    equal(done.returncode, 2, 'exit status')
    contains(done.stderr, 'admin.token_file', 'what it says')


SECRETS = {'password': 'Tr0ub4dor-and-3', 'wrong password': 'not-the-right-one-7', 'token': TOKEN,
           'wrong token': OTHER_TOKEN}


def private_lines(path):
    with open(path) as file:
        return [line.strip() for line in file if not line.startswith('-') and len(line.strip()) > 30]


def test_no_secret_is_told(context, folder):
    """no password, token or key stands in a log, an error, a metric or an answer of the admin port"""
    pem = context.certificates.path
    file, users = folder / 'token', folder / 'users'
    file.write_text(TOKEN)
    add_user(context, folder, 'ann', SECRETS['password'])
    config = (f'[server]\nlog_level = "debug"\n[admin]\ntoken_file = "{file}"\n[auth]\npassword_file = "{users}"\n{LISTEN}'
              f'[[listener]]\nurl = "mqtts://127.0.0.1:0"\ncert = "{pem("server.crt")}"\nkey = "{pem("server.key")}"\n')
    broker = Godwit(context.broker, folder, (), config=config).start()
    told = []
    try:
        for version in (3, 4, 5):
            for password in (SECRETS['password'], SECRETS['wrong password']):
                for raw in (wire.RawClient(broker.endpoints['tcp'], version), secure(context, broker.endpoints['tls'])):
                    with raw as client:
                        client.version = version
                        client.connect('c', username='ann', password=password)
        with wire.RawClient(broker.endpoints['tcp']) as client:  # a packet that is cut off and refused
            client.send(wire.connect('broken', username='ann', password=SECRETS['password'])[:-2] + b'\0\0\0\0')
        for token in (TOKEN, OTHER_TOKEN):
            for page in ('/metrics', '/api/clients/c', '/api/clients/c/events', f'/api/clients/{token}'):
                request = urllib.request.Request(broker.endpoints['admin'] + page, headers={'Authorization': f'Bearer {token}'})
                try:
                    told.append(urllib.request.urlopen(request, timeout=5).read().decode())
                except urllib.error.HTTPError as error:
                    told.append(error.read().decode())
        told += [run([context.broker, 'why', 'c', '--admin', broker.endpoints['admin'], '--token-file', file]).stdout]
        # Files that are faulty are told by name, and their contents are not repeated.
        users.write_text(f'ann:{SECRETS["password"]}\n')
        file.write_text(f'{SECRETS["token"]} {SECRETS["wrong token"]}\n')
        broker.program.signal(signal.SIGHUP)
        broker.program.err.wait_for(lambda line: 'event=reload_failed' in line and str(file) in line, 5, 'the failed reload')
        for command in ('check', 'serve'):
            done = run([context.broker, command, '--config', folder / 'godwit.toml'], env={'GODWIT_ADMIN_LISTEN': '127.0.0.1:0'})
            told += [done.stdout, done.stderr]
    finally:
        broker.stop()
    text = '\n'.join(broker.log() + told)
    assert 'ann' in text and len(text) > 2000, 'there is nothing to look at'
    secrets = dict(SECRETS)
    secrets.update({f'key, line {i}': line for i, line in enumerate(private_lines(pem('server.key')))})
    for name, secret in secrets.items():
        assert secret not in text, f'the {name} is told'
