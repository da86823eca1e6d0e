"""The brokers that are compared, each on a fresh folder and a free port of loopback, held to one core."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from lib.brokers import free_port

START_SECONDS = 20

NATS = '''server_name: compare
host: 127.0.0.1
port: {other}
max_payload: 8MB
jetstream {{ store_dir: "{folder}" }}
mqtt {{ host: 127.0.0.1, port: {port}, max_ack_pending: 65535 }}
'''

MOSQUITTO = '''listener {port} 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location {folder}/
max_queued_messages 0
set_tcp_nodelay true
'''
MOSQUITTO_SAFEST = '''autosave_on_changes true
autosave_interval 1
'''


def said(command):
    """The first line that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0].strip() if done.stdout or done.stderr else '?'


class Contender:
    """One broker by name; `command(folder, port)` is what starts it. `safest`: the contender in its place where
    acknowledgements are to be as near to the disk as they can be; None: it has no setting for that."""
    is_floor = False

    def __init__(self, name, version, configuration, command):
        self.name, self.version, self.configuration = name, version, configuration
        self._command = command
        self.safest = self

    def start(self, core):
        return Running(self._command, core)


class Running:
    """A process that listens; use it in a `with`."""

    def __init__(self, command, core):
        self._folder = Path(tempfile.mkdtemp(prefix='godwit-compare-'))
        port = free_port()
        self.url = f'mqtt://127.0.0.1:{port}'
        self._log = (self._folder / 'log').open('wb')
        self._process = subprocess.Popen(
            [str(word) for word in command(self._folder, port)], stdout=self._log, stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.pid = self._process.pid
        self._wait_until_it_listens(port)

    def _wait_until_it_listens(self, port):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        words = (self._folder / 'log').read_text(errors='replace')[-400:]
        self.stop()
        raise OSError(f'it does not listen: {words}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def floor(binary):
    contender = Contender('floor', said([binary, '--version']), 'godwit bench floor',
                          lambda folder, port: [binary, 'bench', 'floor', '--listen', f'127.0.0.1:{port}'])
    contender.is_floor = True
    return contender


def godwit(binary, durability='fsync'):
    return Contender('Godwit', said([binary, '--version']), 'serve --shards 1 --data DIR: fdatasync before every acknowledgement',
                     lambda folder, port: ['env', 'GODWIT_ADMIN_LISTEN=', f'GODWIT_STORE_DURABILITY={durability}', binary, 'serve',
                                           '--shards', '1', '--data', folder / 'data', '--listen', f'mqtt://127.0.0.1:{port}'])


def _with_file(folder, text, command):
    file = folder / 'conf'
    file.write_text(text)
    return [*command, file]


def mosquitto(more=''):
    contender = Contender('Mosquitto', said(['dpkg-query', '-W', '-f', '${Version}', 'mosquitto']),
                          'persistence true (a snapshot every 30 minutes), max_queued_messages 0, set_tcp_nodelay true; as safe as it '
                          'can be set: ' + ', '.join(MOSQUITTO_SAFEST.splitlines()),
                          lambda folder, port: _with_file(folder, MOSQUITTO.format(folder=folder, port=port) + more,
                                                          ['/usr/sbin/mosquitto', '-c']))
    if not more:
        contender.safest = mosquitto(MOSQUITTO_SAFEST)
    return contender


def nats():
    contender = Contender('NATS', said(['nats-server', '--version']),
                          'jetstream as it comes (no sync a message, and no setting for one), max_ack_pending 65535',
                          lambda folder, port: _with_file(folder, NATS.format(folder=folder, port=port, other=free_port()),
                                                          ['nats-server', '-c']))
    contender.safest = None
    return contender


def other(text):
    """NAME=COMMAND, in which {port} and {folder} stand for what they say."""
    name, command = text.split('=', 1)
    return Contender(name, 'as given', command,
                     lambda folder, port: [word.format(port=port, folder=folder) for word in command.split()])
