"""The broker under test as a process: Godwit by the path of its binary, or Debian's mosquitto to prove the tests themselves."""
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from lib.program import Deadline, Program

READY_SECONDS = 10


def free_port():
    """A port of 127.0.0.1 that was free a moment ago; only for brokers that cannot say which one they took."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def transport_of(url):
    scheme = url.split(':', 1)[0]
    return {'mqtt': 'tcp', 'mqtts': 'tls'}.get(scheme, scheme)


class Mosquitto:
    """Five listeners on loopback and in `folder`, anonymous clients allowed."""
    is_godwit = False

    @staticmethod
    def cannot(transport, payload_bytes):
        """Why a cell cannot work with this broker; None if it should."""
        if transport in ('ws', 'wss') and payload_bytes > 100_000:
            return 'mosquitto 2.0.11 stops in the middle of a large message to a WebSocket client'
        return None

    def __init__(self, folder, certificates):
        self._folder = Path(folder)
        self._certificates = certificates
        self.endpoints = {}

    def start(self):
        ports = {name: free_port() for name in ('tcp', 'tls', 'ws', 'wss', 'tls-verify')}
        path = self._folder / 'mosquitto.sock'
        pem = self._certificates.path
        tls = [f'cafile {pem("ca.crt")}', f'certfile {pem("server.crt")}', f'keyfile {pem("server.key")}']
        config = ['user root', 'allow_anonymous true', 'sys_interval 1', 'log_type all', 'max_queued_messages 0',
                  f'listener {ports["tcp"]} 127.0.0.1',
                  f'listener {ports["tls"]} 127.0.0.1', *tls,
                  f'listener {ports["ws"]} 127.0.0.1', 'protocol websockets',
                  f'listener {ports["wss"]} 127.0.0.1', 'protocol websockets', *tls,
                  f'listener 0 {path}',
                  f'listener {ports["tls-verify"]} 127.0.0.1', *tls, 'require_certificate true']
        file = self._folder / 'mosquitto.conf'
        file.write_text('\n'.join(config) + '\n')
        self.program = Program(['/usr/sbin/mosquitto', '-c', file])
        self.program.err.wait_for(lambda line: line.endswith(' running'), READY_SECONDS, 'mosquitto')
        self.endpoints = {
            'tcp': f'mqtt://127.0.0.1:{ports["tcp"]}', 'tls': f'mqtts://127.0.0.1:{ports["tls"]}',
            'ws': f'ws://127.0.0.1:{ports["ws"]}/mqtt', 'wss': f'wss://127.0.0.1:{ports["wss"]}/mqtt',
            'unix': f'unix:{path}', 'tls-verify': f'mqtts://127.0.0.1:{ports["tls-verify"]}'}
        return self

    def stop(self):
        self.program.stop()


class Godwit:
    """`godwit serve` with the given listeners; every port is 0 and read from the line `godwit ready`."""
    is_godwit = True

    @staticmethod
    def cannot(_transport, _payload_bytes):
        return None

    def __init__(self, binary, folder, listen, options=(), config=None, env=None, pass_fds=(), files_max=None):
        limited = ['/bin/sh', '-c', f'ulimit -n {files_max} && exec "$0" "$@"'] if files_max else []
        self._command = limited + [binary, 'serve']
        if config is not None:
            file = Path(folder) / 'godwit.toml'
            file.write_text(config)
            self._command += ['--config', file]
        for url in listen:
            self._command += ['--listen', url]
        self._command += options
        self._env = {'GODWIT_ADMIN_LISTEN': '127.0.0.1:0', **(env or {})}
        self._pass_fds = pass_fds
        self.endpoints = {}

    def start(self):
        return self.launch().await_ready()

    def launch(self):
        """Starts the process, and waits for nothing."""
        self.program = Program(self._command, env=self._env, pass_fds=self._pass_fds)
        return self

    def await_ready(self, seconds=READY_SECONDS):
        try:
            line = self.program.out.wait_for(lambda text: text.startswith('godwit ready'),
                                             seconds, 'godwit ready')
        except Deadline as late:
            self.program.stop()
            raise Deadline(f'{late}; {self.program.err.all[-3:]}') from late
        self.ready_seconds = time.monotonic() - self.program.started
        self.ready_line = line
        self.endpoints = {}
        for word in line.split()[2:]:
            name, url = word.split('=', 1) if word.startswith('admin=') else (transport_of(word), word)
            self.endpoints.setdefault(name, url.split('?')[0])
        return self

    def log(self):
        """Every line logged so far."""
        return self.program.err.all + self.program.out.all

    def stop(self):
        """Ends it; a status other than 0 is a failed assertion: a crash, or what a sanitizer found."""
        status = self.program.stop(10)
        said = [line for line in self.program.err.all if not line.startswith(('time=', '{'))]
        assert status == 0, f'the broker ended with status {status}: {" | ".join(said[:12])}'


def five_listeners(folder, certificates):
    """Listener URLs for all transports."""
    pem = certificates.path
    tls = f'?cert={pem("server.crt")}&key={pem("server.key")}'
    return ['mqtt://127.0.0.1:0', f'mqtts://127.0.0.1:0{tls}', 'ws://127.0.0.1:0/mqtt',
            f'wss://127.0.0.1:0/mqtt{tls}', f'unix:{Path(folder) / "godwit.sock"}']


def host_and_port(url):
    where = urlsplit(url)
    return where.hostname, where.port


def connect_to(url, seconds=10):
    """A plain socket to an endpoint over tcp, ws or unix."""
    if url.startswith('unix:'):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(seconds)
        plain.connect(urlsplit(url).path)
        return plain
    return socket.create_connection(host_and_port(url), timeout=seconds)
