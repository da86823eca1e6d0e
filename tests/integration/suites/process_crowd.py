"""More connections than files may be open, and floods of attempts that lead to nothing: who is there stays, who comes is let in."""
import contextlib
import json
import socket
import time

from lib import wire
from lib.brokers import Godwit, host_and_port
from lib.metrics import metrics
from lib.program import run, wait_until
from lib.tests import contains, equal

FILES = 640
CROWD = 900
SECONDS = 3


@contextlib.contextmanager
def started(context, folder, listen=('mqtt://127.0.0.1:0',), options=(), files_max=FILES):
    broker = Godwit(context.broker, folder, listen, ['--shards', '2', *options], files_max=files_max).start()
    try:
        yield broker
    finally:
        broker.stop()


def is_ended(stream):
    """Whether the broker has ended it by now."""
    stream.setblocking(False)
    try:
        return not stream.recv(1)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_crowded_out(context, folder):
    """when files run out, the oldest connection that has not sent a CONNECT makes room: clients stay, others come in, the disk works"""
    with started(context, folder, options=['--data', folder / 'data']) as broker, contextlib.ExitStack() as streams:
        url = broker.endpoints['tcp']
        there = streams.enter_context(wire.RawClient(url))
        equal(there.connect('there', keep_alive=0, clean=False, expiry_s=60), 0, 'CONNACK')
        equal(there.subscribe('t', 1), 1, 'SUBACK')
        silent = [streams.enter_context(socket.create_connection(host_and_port(url), 10)) for _ in range(CROWD)]
        with wire.RawClient(url) as late:
            equal(late.connect('late'), 0, 'CONNACK of who comes last')
            equal(late.publish('t', b'x'), 0, f'PUBACK; {[text for text in broker.log() if "level=error" in text]}')
        equal(there.receive(qos=1), ('t', b'x'), 'what comes to who was there')
        ended = [is_ended(stream) for stream in silent]
        assert sum(ended) >= CROWD - FILES, f'{sum(ended)} of {CROWD} were ended'
        assert not any(ended[-10:]), f'the youngest were ended: {ended[-10:]}'
        line = broker.program.err.wait_for(lambda text: 'event=connection.refused' in text, 5, 'a line about the first')
        contains(line, 'no CONNECT had come', 'log line')
        contains(line, '127.0.0.1:', 'log line')
        assert not [text for text in broker.log() if 'listener.paused' in text], 'nobody was accepted for a while'
        del silent[:]
    assert not [text for text in broker.log() if 'event=store.' in text and 'level=error' in text], 'the disk was in trouble'


def test_crowded_out_is_counted(context, folder):
    """whoever makes room is counted"""
    with started(context, folder) as broker, contextlib.ExitStack() as streams:
        silent = [streams.enter_context(socket.create_connection(host_and_port(broker.endpoints['tcp']), 10)) for _ in range(CROWD)]
        wait_until(lambda: sum(map(is_ended, silent)) >= CROWD - FILES, 10, 'those who make room are ended')
        streams.close()
        counted = sum(value for name, value in metrics(broker).items() if name.startswith('godwit_connections_turned_away_total'))
        assert counted >= CROWD - FILES, f'{counted} are counted'


def flood(context, url, *words):
    """The report of a flood of 2,000 attempts a second."""
    done = run([context.broker, 'bench', 'flood', url, '-r', '2000', '-d', str(SECONDS), '--beside', '10', '--beside-rate', '200',
                '--callers', '20', '--strangers', '500', *words, '--json'], 90)
    report = json.loads(done.stdout)
    assert done.returncode == 0, f'status {done.returncode}: {report["verdict"]}, {report["faults"]}'
    return report


def check_flood(report):
    quiet, stormy = (next(phase for phase in report['phases'] if phase['name'] == name) for name in ('quiet', 'flood'))
    assert stormy['units'] >= 2000 * SECONDS // 2, f'{stormy["units"]} attempts'
    equal(stormy['failed'], 0, 'callers that were not let in')
    for phase in (quiet, stormy):
        assert phase['came_in'] >= 5 * SECONDS, f'{phase["name"]}: {phase["came_in"]} callers came in'
    for who in ('connect', 'beside'):
        assert stormy['latency_us'][who]['p99'] < 2e6, f'{who}: {stormy["latency_us"][who]}'


def test_flood(context, folder):
    """beside 2,000 attempts a second that lead to nothing clients keep connecting and messages keep coming, though files run out"""
    with started(context, folder, files_max=600) as broker:
        began = time.monotonic()
        check_flood(flood(context, broker.endpoints['tcp']))
        lines = [text for text in broker.log() if 'event=refused' in text or 'event=disconnected' in text and 'client=' not in text]
        assert len(lines) <= 2 * (20 + 10 * (time.monotonic() - began)), f'{len(lines)} lines about strangers'
        assert any('more since the last line' in text for text in lines), 'nothing says how many there were'


def test_flood_of_tls(context, folder):
    """the same where they break off in the TLS handshake"""
    pem = context.certificates.path
    listen = [f'mqtts://127.0.0.1:0?cert={pem("server.crt")}&key={pem("server.key")}']
    with started(context, folder, listen, files_max=2000) as broker:
        check_flood(flood(context, broker.endpoints['tls'], '--cafile', pem('ca.crt')))
