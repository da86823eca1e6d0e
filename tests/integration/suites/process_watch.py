"""What the broker tells about itself: $SYS, metrics, health, and one log line for each refusal."""
import json
import re
import time

from lib import wire
from lib.brokers import Godwit
from lib.metrics import get, metrics
from lib.tests import any_broker, contains, equal

NUMBER = re.compile(r'^-?\d+(\.\d+)?$')
SYS_SECONDS = 15

SYS = {
    'version': re.compile(r'\d+\.\d+'), 'uptime': re.compile(r'^\d+ seconds$'),
    'clients/connected': NUMBER, 'clients/total': NUMBER, 'clients/maximum': NUMBER,
    'clients/disconnected': NUMBER, 'messages/received': NUMBER, 'messages/sent': NUMBER,
    'bytes/received': NUMBER, 'bytes/sent': NUMBER, 'subscriptions/count': NUMBER,
    'retained messages/count': NUMBER, 'publish/messages/received': NUMBER, 'publish/messages/sent': NUMBER,
    'publish/messages/dropped': NUMBER, 'publish/bytes/received': NUMBER, 'publish/bytes/sent': NUMBER,
    'load/messages/received/1min': NUMBER, 'load/messages/sent/1min': NUMBER, 'load/connections/1min': NUMBER,
}


def watched(context, folder, more=''):
    """A Godwit that publishes $SYS every second, with one TCP listener and the admin port."""
    config = f'[server]\nsys_interval_s = 1\n{more}[[listener]]\nurl = "mqtt://127.0.0.1:0"\n'
    return Godwit(context.broker, folder, (), context.shard_options(), config).start()


@any_broker
def test_sys_topics(context, folder):
    """a subscriber of $SYS/broker/# receives the topics that tools for Mosquitto expect"""
    broker = watched(context, folder) if context.is_godwit else context.start_broker(folder.name)
    try:
        with wire.RawClient(broker.endpoints['tcp'], 4) as client:
            client.connect('watcher')
            client.subscribe('$SYS/broker/#')
            missing = dict(SYS)
            end = time.monotonic() + SYS_SECONDS
            while missing:
                assert time.monotonic() < end, f'not within {SYS_SECONDS} s: {sorted(missing)}'
                topic, payload = client.receive()
                form = missing.pop(topic.removeprefix('$SYS/broker/'), None)
                assert form is None or form.search(payload.decode()), f'{topic}: {payload!r}'
    finally:
        broker.stop()


@any_broker
def test_sys_counts(context, folder):
    """$SYS/broker/clients/connected counts the connected clients"""
    broker = watched(context, folder) if context.is_godwit else context.start_broker(folder.name)
    try:
        with wire.RawClient(broker.endpoints['tcp']) as first, wire.RawClient(broker.endpoints['tcp']) as second:
            first.connect('first')
            second.connect('second')
            first.subscribe('$SYS/broker/clients/connected')
            while first.receive()[1] != b'2':  # the socket's deadline ends this
                pass
    finally:
        broker.stop()


def test_sys_is_not_for_wildcards(context, folder):
    """a subscriber of # receives nothing of $SYS"""
    broker = watched(context, folder)
    try:
        with wire.RawClient(broker.endpoints['tcp']) as wide, wire.RawClient(broker.endpoints['tcp']) as witness:
            wide.connect('wide')
            wide.subscribe('#')
            witness.connect('witness')
            witness.subscribe('$SYS/broker/uptime')
            for _ in range(2):  # two rounds have passed by
                witness.receive()
            witness.publish('the/end', b'x')
            equal(wide.receive(), ('the/end', b'x'), 'first message')
    finally:
        broker.stop()


def test_sys_is_not_writable(context, folder):
    """a client cannot publish under $SYS"""
    broker = watched(context, folder)
    try:
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.connect('forger')
            code = client.publish('$SYS/broker/version', b'forged')
            assert code >= 0x80, f'PUBACK {code:#x}'
    finally:
        broker.stop()


def test_health(context, folder):
    """/healthz answers 200, an unknown path 404"""
    broker = watched(context, folder)
    try:
        equal(get(broker, '/healthz')[0], 200, 'status of /healthz')
        equal(get(broker, '/nothing/here')[0], 404, 'status of an unknown path')
    finally:
        broker.stop()


def test_metrics(context, folder):
    """/metrics is Prometheus text, and its numbers follow what clients do"""
    broker = watched(context, folder)
    try:
        before = metrics(broker)
        assert before and all(name.startswith(('godwit_', 'process_')) for name in before), sorted(before)[:5]
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.connect('counted')
            client.subscribe('t')
            client.send(wire.publish('t', b'x' * 100))
            client.receive()
            after = metrics(broker)
        grown = sorted(name for name, value in after.items() if value > before.get(name, 0))
        for word in ('connect', 'received', 'sent', 'subscription', 'bytes'):
            assert any(word in name for name in grown), f'no metric with {word} has grown: {grown}'
    finally:
        broker.stop()


def test_full_queue(context, folder):
    """a publisher is refused where a queue is full; session, /metrics and $SYS say what was lost and why"""
    broker = watched(context, folder, '[limits]\nqueue_messages_max = 2\nqueue_messages_full = "refuse"\n')
    try:
        tcp = broker.endpoints['tcp']
        with wire.RawClient(tcp, 4) as waiter:
            waiter.connect('the/waiter "1"', clean=False)
            waiter.subscribe('t', 1)
        with wire.RawClient(tcp) as publisher, wire.RawClient(tcp, 4) as old, wire.RawClient(tcp, 4) as watcher:
            publisher.connect('publisher')
            equal([publisher.publish('t') for _ in range(4)], [0, 0, 0x97, 0x97], 'PUBACK codes')
            old.connect('old')  # MQTT 3.1.1 has no code for it
            old.publish('t')
            status, headers, body = get(broker, '/api/clients/the%2Fwaiter%20%221%22')
            equal((status, headers['Content-Type']), (200, 'application/json'), 'answer')
            session = json.loads(body)
            equal((session['client'], session['online'], session['queued']), ('the/waiter "1"', False, 2), 'session')
            equal({k: v for k, v in session['lost'].items() if v}, {'refused': 2, 'queue_full': 1}, 'lost')
            numbers = metrics(broker)
            for reason, count in session['lost'].items():
                equal(sum(value for name, value in numbers.items()
                          if name.startswith('godwit_dropped_total{') and f'reason="{reason}"' in name), count, reason)
            watcher.connect('watcher')
            watcher.subscribe('$SYS/broker/dropped/refused')
            while watcher.receive()[1] != b'2':  # the socket's deadline ends this
                pass
        equal(get(broker, '/api/clients/nobody')[0], 404, 'status of an unknown session')
        equal(get(broker, '/api/clients/the%2Fwaiter%20%221%22?realm=other')[0], 404, 'status in an unknown realm')
    finally:
        broker.stop()


MALFORMED = b'\x36\x06\x00\x01a\x00\x01\x00'  # a PUBLISH of QoS 3


def until_closed(client):
    """Reads until the broker closes, a DISCONNECT included."""
    try:
        while True:
            client.read()
    except wire.Closed:
        pass


def logged(context, folder, client_id, raw, log_format='logfmt'):
    """The log lines about the end of a client which connected and then sent `raw`."""
    broker = watched(context, folder, f'log_format = "{log_format}"\n')

    def about_the_end(line):
        return client_id in line and not re.search(r'event"?[=:]"?connected', line)

    try:
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.connect(client_id)
            client.send(raw)
            until_closed(client)
        broker.program.err.wait_for(about_the_end, 5, 'log line')
    finally:
        broker.stop()
    return [line for line in broker.program.err.all if about_the_end(line)]


def test_malformed_is_logged(context, folder):
    """a malformed packet is one log line with client id, address, realm and what was wrong"""
    lines = logged(context, folder, 'bad-client', MALFORMED)
    equal(len(lines), 1, 'lines')
    for part in ('127.0.0.1', 'realm=default', 'client=bad-client'):
        contains(lines[0], part, 'log line')


def test_bad_property_is_named(context, folder):
    """a property that does not belong into its packet is named in the log"""
    body = wire.text('t') + b'\x02\x13\x00' + b'x'  # Server Keep Alive in PUBLISH
    lines = logged(context, folder, 'odd-property', wire.packet(0x30, body))
    equal(len(lines), 1, 'lines')
    assert re.search(r'0x13|19|[Ss]erver.[Kk]eep.[Aa]live', lines[0]), lines[0]


def test_json_log(context, folder):
    """with log_format = "json" every line is a JSON object"""
    lines = logged(context, folder, 'json-client', MALFORMED, 'json')
    for line in lines:
        event = json.loads(line)
        assert 'event' in event and 'time' in event and 'reason' in event, line


def test_hostile_client_id(context, folder):
    """a client id with quotes and line breaks stays one log line"""
    broker = watched(context, folder, 'log_level = "debug"\n')
    try:
        with wire.RawClient(broker.endpoints['tcp']) as client:
            client.connect('x" level=error event="forged\r\n\x1b[31m')
            client.send(MALFORMED)
            until_closed(client)
        broker.program.err.wait_for(lambda line: 'forged' in line, 5, 'log line')
        assert not any(line.startswith(('forged', '\x1b')) or '\x1b' in line for line in broker.log()), broker.log()
    finally:
        broker.stop()
