"""A broker on one loopback port and one data directory, that can be killed and started again."""
import itertools
import time
from pathlib import Path

from lib import brokers
from lib.program import Program, run

READY_SECONDS = 60  # recovery included


class DurableGodwit:
    """Its data directory is folder/data. Limits are out of the way: what is tested is not what happens when a queue is full.
    `shards`: how many at each start, over and over; empty: as godwit likes."""

    def __init__(self, binary, folder, options=(), shards=()):
        self.port = brokers.free_port()
        self.name = f'godwit {run([binary, "--version"]).stdout.strip()}'
        self._binary = binary
        self._folder = folder
        self._options = ['--data', str(Path(folder) / 'data'), *options]
        self._shards = itertools.cycle(shards or [None])

    @property
    def endpoints(self):
        return self._broker.endpoints

    def launch(self):
        count = next(self._shards)
        options = [*self._options, *(['--shards', str(count)] if count else [])]
        limits = {'GODWIT_LIMITS_QUEUE_MESSAGES_MAX': '1000000000', 'GODWIT_LIMITS_QUEUE_BYTES_MAX': '1099511627776'}
        self._broker = brokers.Godwit(self._binary, self._folder, [f'mqtt://127.0.0.1:{self.port}'], options, env=limits)
        self._broker.launch()

    def await_ready(self):
        self._broker.await_ready(READY_SECONDS)

    def kill(self):
        self._broker.program.kill()

    def stop(self):
        self._broker.stop()


class DurableMosquitto:
    """Debian's mosquitto with its most careful settings: the whole state is written after every change, to folder/data."""

    def __init__(self, folder):
        self.port = brokers.free_port()
        self.name = ' '.join(run(['/usr/sbin/mosquitto', '-h']).stdout.split()[:3]).replace(' version', '')
        data = Path(folder) / 'data'
        data.mkdir()
        self._file = Path(folder) / 'mosquitto.conf'
        self._file.write_text('\n'.join([
            'user root', 'allow_anonymous true', f'listener {self.port} 127.0.0.1',
            'log_dest stderr', 'log_type error', 'log_type warning', 'log_type information',
            'persistence true', f'persistence_location {data}/', 'autosave_on_changes true', 'autosave_interval 1',
            'max_queued_messages 0', 'max_queued_bytes 0']) + '\n')

    def launch(self):
        self._program = Program(['/usr/sbin/mosquitto', '-c', self._file])

    def await_ready(self):
        self._program.err.wait_for(lambda line: line.endswith(' running'), READY_SECONDS, 'mosquitto')

    def kill(self):
        self._program.kill()

    def stop(self):
        self._program.stop()


def seconds_to_start(broker):
    begin = time.monotonic()
    broker.launch()
    broker.await_ready()
    return time.monotonic() - begin
