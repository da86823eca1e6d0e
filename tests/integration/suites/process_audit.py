"""The audit log: who came in and by what, who was refused, and who changed what."""
import json
import os
import signal
import socket
import urllib.error
import urllib.request

from lib import wire
from lib.brokers import Godwit, host_and_port
from lib.metrics import metrics
from lib.program import run, wait_until
from lib.tests import contains, equal
from suites.process_policy import disconnected
from suites.process_tls import secure
from suites.process_users import done

LATE = 5
NOT_AUTHORIZED, BAD_USER_OR_PASSWORD = 0x87, 0x86


def entries(folder, name='audit'):
    file = folder / name
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


class Audited:
    """A broker with ann in the control store, a policy, an admin token and an audit log."""

    def __init__(self, context, folder, server='', listen='url = "mqtt://127.0.0.1:0"'):
        self._folder = folder
        done(context, folder, 'add', 'ann', password='ann-secret')
        self.policy, self.token = folder / 'policy', folder / 'token'
        self.policy.write_text('allow connect\nallow write,read plant/#\n')
        self.token.write_text('token-token-token-token\n')
        config = (f'[server]\ndata = "{folder / "data"}"\naudit_file = "{folder / "audit"}"\n{server}'
                  f'[[listener]]\n{listen}\n[admin]\ntoken_file = "{self.token}"\n'
                  f'[auth]\nusers = true\npolicy_file = "{self.policy}"\n')
        self.broker = Godwit(context.broker, folder, (), context.shard_options(), config)

    def __enter__(self):
        self.broker.start()
        self.url, self.admin = self.broker.endpoints.get('tcp'), self.broker.endpoints['admin']
        return self

    def __exit__(self, *_):
        self.broker.stop()

    def client(self, user='ann', password='ann-secret', client_id='c'):
        raw = wire.RawClient(self.url)
        raw.code = raw.connect(client_id, username=user, password=password)
        return raw

    def noted(self, count=1, **wanted):
        """The entries with these members, as soon as there are so many."""
        def found():
            return [one for one in entries(self._folder) if all(one.get(name) == value for name, value in wanted.items())]
        wait_until(lambda: len(found()) >= count, LATE, f'{count} of {wanted}')
        return found()

    def reload(self):
        self.broker.program.signal(signal.SIGHUP)


def test_audit_logins(context, folder):
    """each login is noted with user, method, client id and address; each refusal with its reason; the file is the owner's; no password is in it"""
    with Audited(context, folder) as audited:
        with audited.client() as ann:
            equal(ann.code, 0, 'CONNACK')
            equal(ann.publish('plant/a', b'1'), 0x10, 'PUBACK')
            equal(ann.publish('office/a', b'1'), NOT_AUTHORIZED, 'PUBACK')
            equal(ann.subscribe('office/#'), NOT_AUTHORIZED, 'SUBACK')
        with audited.client('ann', 'wrong-secret') as wrong:
            equal(wrong.code, BAD_USER_OR_PASSWORD, 'CONNACK')
        with wire.RawClient(audited.url) as nobody:
            equal(nobody.connect('nobody'), NOT_AUTHORIZED, 'CONNACK')
        one = audited.noted(event='connected')[0]
        equal([one[name] for name in ('client', 'realm', 'user', 'method')], ['c', 'default', 'ann', 'password'], 'login')
        contains(one['address'], '127.0.0.1:', 'address')
        one = audited.noted(event='refused', user='ann')[0]
        equal(one['reason'], 'bad_user_name_or_password', 'reason')
        audited.noted(event='refused', client='nobody', reason='not_authorized')
        contains(audited.noted(event='publish_refused')[0]['detail'], 'office/a: ', 'detail')
        audited.noted(event='subscribe_refused', client='c')
        equal((folder / 'audit').stat().st_mode & 0o777, 0o600, 'mode')
    found = entries(folder)
    equal([one['number'] for one in found], list(range(1, len(found) + 1)), 'numbers')
    equal([one['event'] for one in found if one['event'] in ('started', 'stopped')], ['started', 'stopped'], 'start and stop')
    said = (folder / 'audit').read_text()
    for secret in ('ann-secret', 'wrong-secret', 'token-token', '$scrypt$'):
        assert secret not in said, f'{secret} is in the audit log'


def test_audit_floods(context, folder):
    """of many refusals at once the audit log has every one, without what the log says of lines that it left out"""
    with Audited(context, folder) as audited, audited.client() as ann:
        for _ in range(300):
            equal(ann.publish('office/a', b'1'), NOT_AUTHORIZED, 'PUBACK')
        wait_until(lambda: sum(one.get('count', 1) for one in entries(folder) if one['event'] == 'publish_refused') >= 300, LATE, '300 refusals')
        refused = audited.noted(event='publish_refused')
        equal(sum(one.get('count', 1) for one in refused), 300, 'refusals')
        equal({one['detail'] for one in refused if 'more since' in one['detail']}, set(), 'details about other lines')
        assert sum('event=publish_refused' in line for line in audited.broker.program.err.all) < 300, 'the log has a line for each'


def test_audit_certificates(context, folder):
    """a login by certificate names it; a client that lacks one is noted as refused, one that just goes away is not"""
    pem = context.certificates.path
    listen = (f'url = "mqtts://127.0.0.1:0"\ncert = "{pem("server.crt")}"\nkey = "{pem("server.key")}"\nca = "{context.certificates.ca}"\n'
              'verify = "required"\ncertificate_username = true')
    with Audited(context, folder, listen=listen) as audited:
        url = audited.broker.endpoints['tls']
        socket.create_connection(host_and_port(url)).close()
        with secure(context, url, 'client') as client:
            equal(client.connect('c'), 0, 'CONNACK')
        audited.noted(event='connected', user='device-1', method='certificate')
        try:
            with secure(context, url) as nobody:
                nobody.connect('c')
        except (OSError, wire.Closed):
            pass
        contains(audited.noted(event='refused')[0]['detail'], 'the client shows no certificate', 'detail')
        equal(len(audited.noted(event='refused')), 1, 'refusals')


def test_audit_changes(context, folder):
    """changes of users with who made them, reloads of policy and token, good or not, and who lost by it are noted"""
    with Audited(context, folder) as audited, audited.client() as ann:
        audited.policy.write_text('allow connect\nallow nonsense\n')
        audited.reload()
        contains(audited.noted(event='reload_failed', what=str(audited.policy))[0]['detail'], 'policy:2', 'detail')
        audited.policy.write_text('allow connect\n')
        audited.reload()
        audited.noted(event='reloaded', what=str(audited.policy))
        audited.noted(event='reloaded', what=str(audited.token), count=2)
        done(context, folder, 'add', 'ben', password='b')
        equal(disconnected(ann, done(context, folder, 'disable', 'ann')), NOT_AUTHORIZED, 'DISCONNECT')
        one = audited.noted(event='user_changed', act='disabled')[0]
        equal((one['user'], one['uid']), ('ann', os.getuid()), 'who did what to whom')
        audited.noted(event='user_changed', act='added', user='ben')
        audited.noted(event='disconnected', user='ann', reason='not_authorized')
        (folder / 'godwit.toml').write_text('[server]\nnonsense = 1\n')
        audited.reload()
        audited.noted(event='reload_failed', what=str(folder / 'godwit.toml'))


def test_audit_users_meanwhile(context, folder):
    """what was done to users while no broker ran is noted at the next start, once"""
    with Audited(context, folder) as audited:
        equal(len(audited.noted(event='user_changed')), 1, 'acts before the first start')
        audited.broker.stop()
        done(context, folder, 'passwd', 'ann', password='another')
        for _ in range(2):
            audited.broker.start()
            audited.broker.stop()
        audited.broker.start()
    found = [one['act'] for one in entries(folder) if one['event'] == 'user_changed']
    equal(found, ['added', 'password_changed'], 'acts')


def test_audit_admin(context, folder):
    """admin requests with a wrong token or none, or that would change something, are noted with address and status; others are not"""
    with Audited(context, folder) as audited:
        for method, path, token, status in (('GET', '/metrics?token=guess-guess-guess-guess', 'wrong-wrong-wrong-wrong', 401),
                                            ('GET', '/api/clients/c', None, 401), ('GET', '/metrics', 'token-token-token-token', 200),
                                            ('POST', '/api/clients/c', 'token-token-token-token', 405), ('GET', '/healthz', None, 200)):
            headers = {'Authorization': f'Bearer {token}'} if token else {}
            try:
                got = urllib.request.urlopen(urllib.request.Request(audited.admin + path, method=method, headers=headers), timeout=5).status
            except urllib.error.HTTPError as refused:
                got = refused.code
            equal(got, status, f'{method} {path}')
        found = audited.noted(event='admin_request', count=3)
        equal([(one['method'], one['path'], one['status']) for one in found],
              [('GET', '/metrics', 401), ('GET', '/api/clients/c', 401), ('POST', '/api/clients/c', 405)], 'admin requests')
        contains(found[0]['address'], '127.0.0.1:', 'address')
    assert 'guess-guess' not in (folder / 'audit').read_text(), 'a query is in the audit log'


def test_audit_hostile_names(context, folder):
    """whatever a client calls itself, each line is one JSON object"""
    names = ['"},{"event":"connected","user":"root', 'line\u2028break\u202e', '\u0085' + 'x' * 3000, '\U0001f980 \\ \\n']
    with Audited(context, folder) as audited:
        for name in names:
            with audited.client(name, 'x', client_id=name[:40]) as raw:
                equal(raw.code, BAD_USER_OR_PASSWORD, 'CONNACK')
        found = audited.noted(event='refused', count=len(names))
        equal([one['client'] for one in found], [name[:40] for name in names], 'client ids')
        for one, name in zip(found, names):
            shown = one['user']
            assert shown == name or (shown.endswith('...') and name.startswith(shown[:-3])), f'{shown!r} for {name[:50]!r}'


def test_audit_rotates(context, folder):
    """the file rotates by its size; old files beyond audit_files go; a rename and SIGUSR1 begin a new one as well"""
    with Audited(context, folder, 'audit_bytes_max = 65536\naudit_files = 2\n') as audited:
        for count in range(900):
            with wire.RawClient(audited.url) as raw:
                equal(raw.connect(f'c{count}'), NOT_AUTHORIZED, 'CONNACK')
        wait_until(lambda: (folder / 'audit.2').exists(), LATE, 'a second old file')
        audited.noted(event='refused', client='c899')
        numbers = [one['number'] for name in ('audit.2', 'audit.1', 'audit') for one in entries(folder, name)]
        equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), 'numbers over all files')
        assert not (folder / 'audit.3').exists(), 'a third old file'
        for name in ('audit', 'audit.1', 'audit.2'):
            assert (folder / name).stat().st_size <= 65536, f'size of {name}'
            equal((folder / name).stat().st_mode & 0o777, 0o600, f'mode of {name}')
        (folder / 'audit').rename(folder / 'away')
        audited.broker.program.signal(signal.SIGUSR1)
        wait_until((folder / 'audit').exists, LATE, 'a new file')


def test_audit_disk_full(context, folder):
    """a full disk does not stop the broker: what it loses of the audit log is logged and counted"""
    config = '[server]\naudit_file = "/dev/full"\n[[listener]]\nurl = "mqtt://127.0.0.1:0"\n'
    broker = Godwit(context.broker, folder, (), context.shard_options(), config).start()
    try:
        for _ in range(3):
            with wire.RawClient(broker.endpoints['tcp']) as raw:
                equal(raw.connect('c'), 0, 'CONNACK')
        line = broker.program.err.wait_for(lambda text: 'event=audit_lost' in text, 15, 'log line')
        contains(line, 'level=error', 'log line')
        wait_until(lambda: metrics(broker)['godwit_audit_lines_lost_total'] >= 4, LATE, 'the counter')
    finally:
        broker.stop()


def test_audit_file_that_cannot_be(context, folder):
    """an audit file that cannot be opened stops the start, by name"""
    config = folder / 'godwit.toml'
    config.write_text(f'[server]\naudit_file = "{folder / "none" / "audit"}"\n[[listener]]\nurl = "mqtt://127.0.0.1:0"\n')
    said = run([context.broker, 'serve', '--config', config], env={'GODWIT_ADMIN_LISTEN': ''})
    equal(said.returncode, 1, 'status')
    contains(said.stderr, f'server.audit_file: {folder / "none" / "audit"}: open: No such file', 'message')
