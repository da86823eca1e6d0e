"""`godwit bench` and what goes wrong: a relay that loses, repeats and reorders, brokers that are not there or refuse."""
from lib import brokers
from lib.program import run
from lib.relay import Nth, Relay, Swap
from lib.tests import contains, equal
from suites.bench_runs import SECONDS, bench


def tampered(context, folder, tamper, *words):
    """(exit status, verdict) of pairs at QoS 2, through a relay that tampers."""
    broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], context.shard_options()).start()
    try:
        with Relay(broker.endpoints['tcp'], tamper) as relay:
            status, report = bench(context, 'pairs', relay.url, '--pairs', '1', '-w', '10', '-n', '100', *words)
            return status, report['verdict']
    finally:
        broker.stop()


def test_relay(context, folder):
    """a relay that changes nothing is good"""
    status, verdict = tampered(context, folder, lambda raw: raw)
    equal((status, verdict['delivered']), (0, 100), f'status and delivered of {verdict}')


def test_lost(context, folder):
    """one lost message makes it 1"""
    status, verdict = tampered(context, folder, Nth(50, lambda raw: b''))
    equal((status, verdict['lost'], verdict['delivered']), (1, 1, 99), 'status, lost, delivered')


def test_last_lost(context, folder):
    """that it is the last one changes nothing"""
    status, verdict = tampered(context, folder, Nth(100, lambda raw: b''))
    equal((status, verdict['lost']), (1, 1), 'status, lost')


def test_twice(context, folder):
    """a message that comes twice makes it 1, at QoS 1 it is told and allowed"""
    status, verdict = tampered(context, folder, Nth(50, lambda raw: raw + raw))
    equal((status, verdict['duplicates'], verdict['delivered']), (1, 1, 100), 'status, duplicates, delivered')
    status, verdict = tampered(context, folder, Nth(50, lambda raw: raw + raw), '-q', '1')
    equal((status, verdict['duplicates']), (0, 1), 'status, duplicates at QoS 1')


def test_out_of_order(context, folder):
    """two messages that change places make it 1"""
    status, verdict = tampered(context, folder, Swap(50))
    equal((status, verdict['reordered'], verdict['delivered']), (1, 1, 100), 'status, reordered, delivered')


def test_cut(context, folder):
    """a connection that is lost makes it 1"""
    status, verdict = tampered(context, folder, Nth(50, lambda raw: None))
    equal(status, 1, 'status')
    assert verdict['connections_lost'] >= 1 and not verdict['good'], verdict


def test_broken_packet(context, folder):
    """a broken packet makes it 1"""
    status, verdict = tampered(context, folder, Nth(50, lambda raw: b'\x36' + raw[1:]))
    equal((status, verdict['good']), (1, False), 'status, good')


def test_nobody_there(context, folder):
    """a broker that is not there is named, with status 1"""
    done = run([context.broker, 'bench', 'pairs', f'mqtt://127.0.0.1:{brokers.free_port()}'], SECONDS)
    equal(done.returncode, 1, 'status')
    contains(done.stdout, 'connection refused by', 'message')


def test_refused(context, folder):
    """a CONNACK that refuses is told with its reason, with status 1"""
    config = '[auth]\nallow_anonymous = false\n[[listener]]\nurl = "mqtt://127.0.0.1:0"\n'
    broker = brokers.Godwit(context.broker, folder, (), context.shard_options(), config).start()
    try:
        done = run([context.broker, 'bench', 'pairs', broker.endpoints['tcp'], '-u', 'nobody', '-P', 'x'], SECONDS)
        equal(done.returncode, 1, 'status')
        contains(done.stdout, 'refused a client: not authorized', 'message')
    finally:
        broker.stop()


def test_too_many(context, folder):
    """more connections than descriptors are refused before the first"""
    done = run(['/bin/sh', '-c', f'ulimit -n 200 && exec {context.broker} bench conn -c 1000'], SECONDS)
    equal(done.returncode, 1, 'status')
    contains(done.stdout, 'open files', 'message')


def test_mistakes(context, folder):
    """a mistake on the command line is named by its option"""
    for words, wanted in ((('-s', '5'), '--size 5'), (('-w', '0'), '--window 0'), (('-q', '3'), '--qos')):
        done = run([context.broker, 'bench', 'pairs', *words])
        equal(done.returncode, 1, f'status of {words}')
        contains(done.stderr, wanted, 'message')
