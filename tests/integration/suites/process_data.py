"""What godwit verify and godwit dump say of a data directory that a broker left behind."""
import json
from pathlib import Path

from lib.brokers import Godwit, host_and_port
from lib.program import run
from lib.tests import contains, equal, needs


def start(context, data, shards=2):
    return Godwit(context.broker, data.parent, ['mqtt://127.0.0.1:0'], ['--data', data, '--shards', str(shards)]).start()


def client(program, broker, *words):
    host, port = host_and_port(broker.endpoints['tcp'])
    done = run([program, '-h', host, '-p', port, *words])
    equal(done.returncode, 0, f'{program} {words}: {done.stderr}')


def killed_store(context, folder):
    """A broker with a session that is owed three messages, one of them retained, dies by kill -9; its directory."""
    data = folder / 'data'
    broker = start(context, data)
    client('mosquitto_sub', broker, '-i', 'reader', '-c', '-q', '1', '-t', 'plant/#', '-E')
    for text in ('first', 'second'):
        client('mosquitto_pub', broker, '-q', '1', '-t', 'plant/7', '-m', text)
    client('mosquitto_pub', broker, '-q', '1', '-t', 'plant/8', '-m', 'third', '-r')
    broker.program.kill()
    return data


def verify(context, data, status):
    done = run([context.broker, 'verify', '--json', data], seconds=60)
    equal(done.returncode, status, f'status; {done.stdout} {done.stderr}')
    return json.loads(done.stdout)


def dump(context, data, *words, status=0):
    done = run([context.broker, 'dump', data, *words], seconds=60)
    equal(done.returncode, status, f'status; {done.stderr}')
    return [json.loads(line) for line in done.stdout.splitlines()]


def summed(verdict, name):
    return sum(shard[name] for shard in verdict['shards'])


def contents(data):
    return {path: path.read_bytes() for path in sorted(Path(data).rglob('*')) if path.is_file()}


@needs('verify')
def test_verify_after_kill(context, folder):
    """godwit verify finds the store of a killed broker sound, counts what it holds and changes nothing"""
    data = killed_store(context, folder)
    before = contents(data)
    verdict = verify(context, data, 0)
    equal(verdict['sound'], True, 'sound')
    for name, count in (('sessions', 1), ('subscriptions', 1), ('queued', 3), ('inflight', 0), ('retained', 1)):
        equal(summed(verdict, name), count, name)
    table = run([context.broker, 'verify', data], seconds=60)
    equal((table.returncode, table.stdout.splitlines()[-1]), (0, 'sound'), 'the table')
    equal(contents(data), before, 'the files')


@needs('verify')
def test_verify_after_another_number_of_shards(context, folder):
    """godwit verify and dump look at the shards that count after their number has changed"""
    data = killed_store(context, folder)
    start(context, data, shards=3).program.kill()
    verdict = verify(context, data, 0)
    equal(len(verdict['shards']), 3, 'shards')
    for name, count in (('sessions', 1), ('subscriptions', 1), ('queued', 3), ('retained', 1)):
        equal(summed(verdict, name), count, name)
    equal([line['payload'] for line in dump(context, data, '--queues')], ['first', 'second', 'third'], 'messages')


@needs('dump')
def test_dump_after_kill(context, folder):
    """godwit dump shows the session of a killed broker, its queue in order and the retained message"""
    data = killed_store(context, folder)
    before = contents(data)
    lines = dump(context, data)
    session = next(line for line in lines if line['type'] == 'session')
    equal((session['client_id'], session['protocol'], session['queued'], session['subscriptions'][0]['filter']),
          ('reader', '3.1.1', 3, 'plant/#'), 'session')
    equal([(line['client_id'], line['topic'], line['qos'], line['payload'])
           for line in lines if line['type'] == 'message'],
          [('reader', 'plant/7', 1, 'first'), ('reader', 'plant/7', 1, 'second'), ('reader', 'plant/8', 1, 'third')],
          'messages')
    equal([(line['topic'], line['payload']) for line in lines if line['type'] == 'retained'],
          [('plant/8', 'third')], 'retained')
    equal([line['type'] for line in dump(context, data, '--client', 'reader')], ['session'] + 3 * ['message'],
          '--client')
    equal(dump(context, data, '--client', 'nobody'), [], '--client nobody')
    equal(contents(data), before, 'the files')


@needs('verify')
def test_damaged_byte(context, folder):
    """one changed byte: godwit verify names its segment with status 1, dump shows the rest, and the broker starts"""
    data = killed_store(context, folder)
    segment = next(path for path, held in contents(data).items()
                   if path.name.startswith('segment-') and b'first' in held and b'second' in held)
    held = bytearray(segment.read_bytes())
    held[held.index(b'first')] ^= 1
    segment.write_bytes(held)
    verdict = verify(context, data, 1)
    shard = next(each for each in verdict['shards'] if each['folder'] == segment.parent.name)
    contains(' '.join(shard['damage']), segment.name, 'damage')
    shown = [line['payload'] for line in dump(context, data, '--queues', status=1)]
    equal(shown, ['second', 'third'], 'messages')
    start(context, data).stop()


@needs('verify')
def test_in_use(context, folder):
    """godwit verify and dump leave a directory alone that a broker has, and say who"""
    data = folder / 'data'
    broker = start(context, data)
    for verb in ('verify', 'dump'):
        done = run([context.broker, verb, data])
        equal((done.returncode, done.stdout), (2, ''), f'{verb}: status and output')
        contains(done.stderr, f'in use by process {broker.program.pid}', verb)
    broker.stop()


@needs('verify')
def test_no_data_directory(context, folder):
    """godwit verify and dump of what is no data directory end with status 2 and make nothing"""
    (folder / 'other').mkdir()
    for verb in ('verify', 'dump'):
        for name, why in (('nowhere', 'No such file'), ('other', 'no data directory of godwit')):
            done = run([context.broker, verb, folder / name])
            equal(done.returncode, 2, f'{verb} {name}: status')
            contains(done.stderr, why, f'{verb} {name}')
        equal(run([context.broker, verb]).returncode, 2, f'{verb} without a directory: status')
    equal([path.name for path in folder.iterdir()], ['other'], 'the folder')
    equal(list((folder / 'other').iterdir()), [], 'the other')
