"""`godwit bench` against Godwit and against Debian's mosquitto: its figures add up."""
import json
import resource
import signal

from lib import brokers
from lib.program import Program, run
from lib.tests import contains, equal

SECONDS = 60
SHORT = ('-d', '0.5', '--warm-up', '0.1')


def bench(context, *words, stall=5):
    """(exit status, report) of a run with --json."""
    done = run([context.broker, 'bench', *words, '--json', '--stall', str(stall)], SECONDS)
    assert done.stdout.startswith('{'), f'status {done.returncode}: {done.stdout} {done.stderr}'
    return done.returncode, json.loads(done.stdout)


def good(context, *words, **how):
    """The report of a run that is good."""
    status, report = bench(context, *words, **how)
    verdict = report['verdict']
    assert status == 0 and verdict['good'], f'{words}: status {status}, {verdict}, {report["faults"]}'
    equal(verdict['delivered'], verdict['expected'], f'{words}: delivered')
    equal((verdict['lost'], verdict['reordered'], verdict['connections_lost']), (0, 0, 0), f'{words}: faults')
    return report


def phase(report, name):
    return next(phase for phase in report['phases'] if phase['name'] == name)


def check_counted(context, url):
    for qos in '012':
        for version in ('31', '311', '5'):
            report = good(context, 'pairs', url, '--pairs', '5', '-n', '500', '-q', qos, '-V', version)
            traffic = phase(report, 'traffic')
            equal((traffic['sent'], traffic['units']), (500, 500), f'messages at QoS {qos}, version {version}')
            equal(traffic['acknowledged'], 500 if qos != '0' else 0, f'acknowledged at QoS {qos}')
            equal(traffic['latency_us']['delivery']['count'], 500, 'latencies')


def check_traffic(context, url):
    for words, factor in ((('pairs', '--pairs', '5'), 1), (('fanin', '-p', '20'), 1), (('fanout', '-c', '20'), 20),
                          (('fanout', '-p', '4', '--topics', '4', '-c', '12'), 3), (('pairs', '-r', '500'), 1),
                          (('fanin', '-p', '10', '-c', '3', '--share', 'g', '-q', '1'), 1),
                          (('subs', '-c', '10', '--filters', '500', '--wildcards', '30'), 1)):
        report = good(context, *words, url, *SHORT)
        traffic = phase(report, 'traffic')
        assert traffic['units'] > 0, f'{words}: nothing came'
        assert report['verdict']['expected'] % factor == 0, f'{words}: {report["verdict"]}'
        latency = traffic['latency_us']['delivery']
        ordered = [latency[key] for key in ('p50', 'p90', 'p99', 'p999', 'max')]
        equal(ordered, sorted(ordered), f'{words}: percentiles')
        assert 0 < latency['count'] <= report['verdict']['delivered'], f'{words}: {latency}'


def check_sessions(context, url):
    for version in ('311', '5'):
        for qos in '12':
            report = good(context, 'queue', url, '-c', '20', '-m', '10', '--drain', '-V', version, '-q', qos)
            equal([phase(report, name)['units'] for name in ('found', 'fill', 'drain', 'remove')], [20, 200, 200, 20],
                  f'phases of queue, version {version}, QoS {qos}')
    report = good(context, 'storm', url, '-c', '30', '-m', '5', '--beside', '5', '-d', '1.5', stall=1)
    storm = phase(report, 'storm')
    equal((storm['units'], storm['delivered']), (30, 150), 'sessions and messages of storm')
    most = storm['seconds'] * 1e6 + 1000  # told in whole milliseconds
    assert storm['latency_us']['connect']['p50'] <= most, 'the quiet time before it counts for the storm'
    assert phase(report, 'quiet')['latency_us']['beside']['count'] > 0, phase(report, 'quiet')


def check_retain(context, url):
    report = good(context, 'retain', url, '--topics', '300', '-c', '2')
    equal([phase(report, name)['units'] for name in ('store', 'replay', 'remove')], [300, 600, 300], 'phases of retain')


def check_conn(context, url):
    report = good(context, 'conn', url, '-c', '50', '-d', '1.5', '-k', '1', '--sources', '3')
    equal(phase(report, 'connect')['units'], 50, 'connected')
    hold = phase(report, 'hold')
    equal(hold['connected'], 50, 'still connected')
    assert hold['units'] == hold['latency_us']['ping']['count'] >= 50, hold
    report = good(context, 'conn', url, '-c', '50', '-d', '0.5', '--threads', '3')
    equal(phase(report, 'connect')['units'], 50, 'connected by three threads')
    equal(phase(report, 'leave')['units'], 50, 'gone again')


CHECKS = (('counts add up at every QoS and version', check_counted), ('traffic of every shape arrives', check_traffic),
          ('persistent sessions get what was queued', check_sessions), ('retained messages are replayed', check_retain),
          ('idle clients connect and ping', check_conn))


def test_godwit(context, folder):
    """every scenario is good against Godwit"""
    broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], context.shard_options()).start()
    try:
        for _, check in CHECKS:
            check(context, broker.endpoints['tcp'])
    finally:
        broker.stop()


def test_mosquitto(context, folder):
    """every scenario is good against mosquitto"""
    broker = brokers.Mosquitto(folder, context.certificates).start()
    try:
        for _, check in CHECKS:
            check(context, broker.endpoints['tcp'])
    finally:
        broker.stop()


def test_transports(context, folder):
    """TLS, WebSocket, both, and Unix sockets carry every message, the large ones too"""
    broker = context.start_broker(folder.name)
    try:
        for transport in ('tls', 'ws', 'wss', 'unix'):
            words = ('--cafile', context.certificates.path('ca.crt')) if transport in ('tls', 'wss') else ()
            for size in ('24', '300000'):
                good(context, 'pairs', broker.endpoints[transport], *words, '--pairs', '3', '-n', '60', '-s', size, '-q', '1')
    finally:
        broker.stop()


def test_sleeps(context, folder):
    """between messages that are due a thousand times a second it sleeps, and leaves its core to the broker"""
    def seconds():
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], context.shard_options()).start()
    try:
        before = seconds()
        good(context, 'pairs', broker.endpoints['tcp'], '--pairs', '5', '-r', '1000', '-d', '3', '--warm-up', '0.1')
        spent = seconds() - before  # of the bench: the broker still runs
        assert spent < 0.7 * 3, f'{spent:.1f} s of CPU in 3 s'
    finally:
        broker.stop()


def test_process(context, folder):
    """--pid tells the broker's CPU and memory"""
    broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], context.shard_options()).start()
    try:
        report = good(context, 'pairs', broker.endpoints['tcp'], '-n', '2000', '--pid', str(broker.program.pid))
        process = phase(report, 'traffic')['process']
        assert process['rss_end_bytes'] > 1 << 20 and process['pss_end_bytes'] > 1 << 18, process
        assert process['cpu_user_s'] + process['cpu_system_s'] >= 0 and process['context_switches'] > 0, process
    finally:
        broker.stop()


def test_interrupted(context, folder):
    """a signal ends a run early: what is under way still comes, and the report says that it was cut short"""
    broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], context.shard_options()).start()
    running = Program([context.broker, 'bench', 'pairs', broker.endpoints['tcp'], '--progress', '-d', '60', '--json'])
    try:
        running.err.wait_for(lambda line: line.endswith('/s delivered') and not line.endswith(' 0/s delivered'), SECONDS, 'traffic')
        running.signal(signal.SIGINT)
        equal(running.wait(SECONDS), 1, 'status')
        report = json.loads('\n'.join(running.out.all))
        verdict = report['verdict']
        equal((verdict['complete'], verdict['lost'], report['faults']), (False, 0, []), 'complete, lost, faults')
        assert verdict['delivered'] > 0, verdict
    finally:
        running.stop()
        broker.stop()


def test_floor(context, folder):
    """the floor relays every message of pairs, fanin and fanout"""
    floor = Program([context.broker, 'bench', 'floor', '--listen', '127.0.0.1:0'])
    try:
        url = floor.out.wait_for(lambda line: 'ready' in line, SECONDS, 'the floor').split()[-1]
        for words in (('pairs', '--pairs', '5'), ('pairs', '--pairs', '5', '-q', '1', '-V', '311'), ('pairs', '--pairs', '5', '-q', '2'),
                      ('fanin', '-p', '5', '-w', '100'),
                      ('fanout', '-c', '9')):
            assert good(context, *words, url, *SHORT)['verdict']['delivered'] > 0, f'{words}: nothing came'
    finally:
        equal(floor.stop(), 0, 'status of the floor')


def test_sub(context, folder):
    """bench sub counts what bench pub of another process sends, and when it began does not matter"""
    broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], context.shard_options()).start()
    url = broker.endpoints['tcp']
    pub = Program([context.broker, 'bench', 'pub', url, '-t', 'bench/x', '-q', '1', '-d', '20', '--warm-up', '0'])
    try:
        report = good(context, 'sub', url, '-c', '2', '-q', '1', '-n', '200')
        assert report['verdict']['delivered'] >= 200, report['verdict']
        assert phase(report, 'listen')['latency_us']['delivery']['count'] >= 200, report['phases']
    finally:
        pub.kill()
        broker.stop()


def test_help(context, folder):
    """--help of every scenario teaches with examples"""
    for name in ('pub', 'sub', 'pairs', 'fanin', 'fanout', 'queue', 'storm', 'retain', 'conn', 'subs'):
        done = run([context.broker, 'bench', name, '--help'])
        equal(done.returncode, 0, f'status of {name}')
        contains(done.stdout, f'godwit bench {name} ', f'help of {name}')
