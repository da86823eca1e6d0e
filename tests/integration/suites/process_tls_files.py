"""TLS files: several certificates, revocation lists, and what happens when the files change under the running broker."""
import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import time

from lib.brokers import Godwit, host_and_port
from lib.program import run, wait_until
from lib.tests import equal
from suites.process_access import BAD_USER_OR_PASSWORD, NOT_AUTHORIZED, add_user
from suites.process_policy import disconnected
from suites.process_tls import refused, secure, shown_certificate

CLIENT = 'extendedKeyUsage=clientAuth'


def config(cert, key, **more):
    keys = ''.join(f'{name} = {value if isinstance(value, int) else chr(34) + str(value) + chr(34)}\n' for name, value in more.items())
    return f'[[listener]]\nurl = "mqtts://127.0.0.1:0"\ncert = "{cert}"\nkey = "{key}"\n{keys}'


@contextlib.contextmanager
def running(context, folder, text):
    broker = Godwit(context.broker, folder, (), ['--shards', '2'], config=text).start()
    try:
        yield broker
    finally:
        broker.stop()


def own_files(context, folder, name='server'):
    """The server's certificate and key in a folder of the test's own."""
    for end in ('crt', 'key'):
        put(context.certificates.path(f'{name}.{end}'), folder / f'own.{end}')
    return folder / 'own.crt', folder / 'own.key'


def put(source, target):
    """In one step, as tools that renew certificates do."""
    shutil.copy(source, f'{target}.new')
    os.replace(f'{target}.new', target)


def der(path):
    return ssl.PEM_cert_to_DER_cert(open(path).read())


def shown_for(context, url, name):
    with secure(context, url, name=name) as client:
        return client.peer_certificate()


def said(broker, text, seconds=10):
    broker.program.err.wait_for(lambda line: text in line, seconds, text)


def test_server_names(context, folder):
    """several certificates: a client gets the one with the name it asks for, else the first"""
    pem = context.certificates
    first, first_key = own_files(context, folder)
    second, second_key = pem.signed('second', 'second', 'subjectAltName=DNS:second.test,DNS:*.wild.test', folder=folder)
    with running(context, folder, config(f'{first},{second}', f'{first_key},{second_key}')) as broker:
        url = broker.endpoints['tls']
        for name, wanted in (('localhost', first), ('second.test', second), ('a.wild.test', second)):
            assert shown_for(context, url, name) == der(wanted), f'the certificate for {name}'
        assert shown_certificate(url) == der(first), 'the certificate for no name'


def test_files_that_change(context, folder):
    """a certificate and key that are replaced are shown within seconds, without a signal; who is there stays"""
    cert, key = own_files(context, folder)
    fresh, fresh_key = context.certificates.signed('fresh', 'fresh', 'subjectAltName=DNS:localhost', folder=folder)
    with running(context, folder, config(cert, key)) as broker:
        url = broker.endpoints['tls']
        with secure(context, url) as before:
            before.connect('before')
            put(fresh, cert)
            put(fresh_key, key)
            said(broker, 'event=reloaded')
            assert shown_certificate(url) == der(fresh), 'the old certificate is shown'
            equal(before.publish('still/there'), 0x10, 'PUBACK on the old connection')


def test_links_that_change(context, folder):
    """files behind links are followed: Kubernetes swaps a secret by a link to another folder"""
    for version, name in (('v1', 'server'), ('v2', 'fresh')):
        (folder / version).mkdir()
        if name == 'fresh':
            context.certificates.signed('fresh', 'fresh', 'subjectAltName=DNS:localhost', folder=folder)
        for end in ('crt', 'key'):
            source = folder / f'fresh.{end}' if name == 'fresh' else context.certificates.path(f'server.{end}')
            shutil.copy(source, folder / version / f'tls.{end}')
    (folder / '..data').symlink_to('v1')
    for end in ('crt', 'key'):
        (folder / f'tls.{end}').symlink_to(f'..data/tls.{end}')
    with running(context, folder, config(folder / 'tls.crt', folder / 'tls.key')) as broker:
        url = broker.endpoints['tls']
        assert shown_certificate(url) == der(folder / 'v1' / 'tls.crt')
        (folder / '..data_tmp').symlink_to('v2')
        os.replace(folder / '..data_tmp', folder / '..data')
        said(broker, 'event=reloaded')
        assert shown_certificate(url) == der(folder / 'v2' / 'tls.crt'), 'the old certificate is shown'


def test_faulty_files(context, folder):
    """faulty files are named with what is wrong, and the old ones stay in use"""
    cert, key = own_files(context, folder)
    ca, crl = folder / 'ca.crt', folder / 'crl.pem'
    put(context.certificates.ca, ca)
    context.certificates.revocation_list(crl)
    faults = ((cert, 'rubbish', 'holds no certificate'), (key, open(context.certificates.path('client.key')).read(),
                                                          'does not belong to the certificate'),
              (ca, 'rubbish', 'holds no certificate'), (crl, 'rubbish', 'holds no revocation list'), (crl, None, 'No such file'))
    with running(context, folder, config(cert, key, ca=ca, crl=crl, verify='required')) as broker:
        url = broker.endpoints['tls']
        for file, text, fault in faults:
            good = file.read_text()
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
            broker.program.err.wait_for(lambda line: 'event=reload_failed' in line and str(file) in line and fault in line,
                                        10, f'{file.name}: {fault}')
            with secure(context, url, 'client') as client:
                equal(client.connect('c'), 0, f'CONNACK while {file.name} is faulty')
            count = sum('event=reloaded' in line for line in broker.program.err.all)
            file.write_text(good)
            wait_until(lambda: sum('event=reloaded' in line for line in broker.program.err.all) > count, 10,
                       f'the reload once {file.name} is good again')


def test_revoked(context, folder):
    """a client that a new list revokes is disconnected within a second and not let in again; others stay"""
    cert, key = own_files(context, folder)
    crl = folder / 'crl.pem'
    context.certificates.revocation_list(crl)
    context.certificates.signed('lost', 'lost-device', CLIENT)
    with running(context, folder, config(cert, key, ca=context.certificates.ca, crl=crl, verify='required')) as broker:
        url = broker.endpoints['tls']
        with contextlib.ExitStack() as open_clients:
            def connected(certificate, client_id):
                client = open_clients.enter_context(secure(context, url, certificate))
                equal(client.connect(client_id), 0, f'CONNACK of {client_id}')
                return client
            lost = [connected('lost', f'lost-{i}') for i in range(8)]  # of both shards
            others = [connected('client', f'other-{i}') for i in range(8)]
            context.certificates.revocation_list(crl, context.certificates.path('lost.crt'))
            broker.program.signal(signal.SIGHUP)
            since = time.monotonic()
            for client in lost:
                disconnected(client, since)
            for client in others:
                equal(client.publish('still/there'), 0x10, 'PUBACK of a client that is not revoked')
        assert refused(context, url, 'lost'), 'a revoked client is let in'
        assert not refused(context, url, 'client'), 'a good client is refused'
        why = run([context.broker, 'why', 'lost-3', '--admin', broker.endpoints['admin']])
        assert 'its certificate was revoked' in why.stdout, why.stdout


def test_tickets(context, folder):
    """a session ticket is good in every shard and after a reload; not once the revocation list is another"""
    cert, key = own_files(context, folder)
    crl = folder / 'crl.pem'
    context.certificates.revocation_list(crl)
    text = config(cert, key, ca=context.certificates.ca, crl=crl, verify='required')
    with running(context, folder, text) as broker:
        host, port = host_and_port(broker.endpoints['tls'])

        pem = context.certificates.path
        client = ['openssl', 's_client', '-connect', f'{host}:{port}', '-cert', pem('client.crt'), '-key', pem('client.key'),
                  '-CAfile', context.certificates.ca]

        for version in ('-tls1_2', '-tls1_3'):
            ticket = folder / f'ticket{version}'

            def resumed():
                return 'Reused, TLSv1' in run([*client, version, '-sess_in', ticket], 20).stdout
            # s_client ends at the end of its input, and the ticket of TLS 1.3 comes behind the handshake.
            with subprocess.Popen([*client, version, '-sess_out', ticket], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as first:
                wait_until(ticket.exists, 10, 'a ticket')
                first.stdin.close()
            for _ in range(8):
                assert resumed(), f'a full handshake, {version}'
            reloads = sum('event=reloaded' in line for line in broker.program.err.all)
            broker.program.signal(signal.SIGHUP)
            wait_until(lambda: sum('event=reloaded' in line for line in broker.program.err.all) > reloads, 10, 'the reload')
            assert resumed(), f'a full handshake after a reload, {version}'
            context.certificates.revocation_list(crl, context.certificates.path('stranger.crt'))
            said(broker, 'event=reloaded')
            wait_until(lambda: not resumed(), 10, 'a full handshake under another revocation list')


def test_identity(context, folder):
    """the listener says which name of a certificate a policy sees"""
    cert, key = own_files(context, folder)
    context.certificates.signed('named', 'cn-7', f'{CLIENT}\nsubjectAltName=DNS:dns-7.test,URI:urn:plant:7,email:seven@plant.test')
    print_of = run(['openssl', 'x509', '-in', context.certificates.path('named.crt'), '-noout', '-fingerprint', '-sha256']).stdout
    names = {'cn': 'cn-7', 'dns': 'dns-7.test', 'uri': 'urn:plant:7', 'email': 'seven@plant.test',
             'fingerprint': print_of.split('=')[1].strip().replace(':', '').lower()}
    for identity, name in names.items():
        policy = folder / 'policy'
        policy.write_text(f'allow connect\nallow write mine/# cn={name}\n')
        text = config(cert, key, ca=context.certificates.ca, verify='required', identity=identity)
        with running(context, folder, f'[auth]\npolicy_file = "{policy}"\n{text}') as broker:
            with secure(context, broker.endpoints['tls'], 'named') as client:
                client.connect('c')
                done = run([context.broker, 'explain', 'publish', '--client', 'c', '--topic', 'mine/x', '--admin',
                            broker.endpoints['admin']])
                equal(done.returncode, 0, f'explain with identity = "{identity}": {done.stdout}{done.stderr}')


def test_certificate_username(context, folder):
    """certificate_username: the certificate's name is the user of policy and explain; another user name, and nobody, are refused"""
    cert, key = own_files(context, folder)
    add_user(context, folder, 'ann', 'ann-password')
    policy = folder / 'policy'
    policy.write_text('allow connect\nallow write mine/{user}/#\n')
    text = config(cert, key, ca=context.certificates.ca, verify='optional') + 'certificate_username = true\n'
    text = f'[auth]\npolicy_file = "{policy}"\npassword_file = "{folder / "users"}"\n{text}'
    with running(context, folder, text) as broker:
        url, admin = broker.endpoints['tls'], broker.endpoints['admin']
        for version, username, code in ((5, None, 0), (4, None, 0), (5, 'device-1', 0), (5, 'ann', BAD_USER_OR_PASSWORD)):
            with secure(context, url, 'client', mqtt=version) as client:
                equal(client.connect('c', username=username), code, f'CONNACK of {username}')
                if code == 0:
                    equal(client.publish('mine/device-1/x'), 0x10 if version == 5 else 0, 'PUBACK')
                    done = run([context.broker, 'explain', 'publish', '--client', 'c', '--topic', 'mine/device-1/x', '--admin', admin])
                    equal(done.returncode, 0, f'explain: {done.stdout}{done.stderr}')
        said(broker, 'the user name is another than that of the certificate, device-1')
        with secure(context, url, 'client') as client:
            equal(client.connect('c', username='device-1', password='ann-password'), BAD_USER_OR_PASSWORD, 'CONNACK with a password')
        with secure(context, url) as client:
            equal(client.connect('c'), NOT_AUTHORIZED, 'CONNACK without a certificate')
        with secure(context, url) as client:
            equal(client.connect('c', username='ann', password='ann-password'), 0, 'CONNACK of ann without a certificate')


def test_verify_depth(context, folder):
    """verify_depth bounds the authorities between a client and the trusted one"""
    pem, (cert, key) = context.certificates, own_files(context, folder)
    pem.signed('middle', 'Middle CA', 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign')
    pem.signed('deep', 'deep-1', CLIENT, authority='middle')
    chain = open(pem.path('deep.crt')).read() + open(pem.path('middle.crt')).read()
    with open(pem.path('deep.crt'), 'w') as file:
        file.write(chain)
    for depth, fails in ((0, True), (1, False)):
        with running(context, folder, config(cert, key, ca=pem.ca, verify='required', verify_depth=depth)) as broker:
            equal(refused(context, broker.endpoints['tls'], 'deep'), fails, f'refused with verify_depth = {depth}')
            assert not refused(context, broker.endpoints['tls'], 'client'), 'a client of the CA itself is refused'
