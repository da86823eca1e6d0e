"""What is compared: runs of `godwit bench`, and which figures of their reports count. All in MQTT 3.1.1, which every one speaks."""


class Figure:
    """One line of the table: a number out of a report; `less` says whether a smaller one is better."""

    def __init__(self, name, unit, read, less=True):
        self.name, self.unit, self.read, self.less = name, unit, read, less


def phase(report, name):
    return next(each for each in report['phases'] if each['name'] == name)


def cpu(name, of='traffic'):
    return Figure(name, 'us CPU', lambda report: phase(report, of)['process'].get('cpu_us_per_unit'))


def rate(name, of='traffic'):
    return Figure(name, '1000/s', lambda report: phase(report, of)['units_per_s'] / 1000, less=False)


def latency(name, percentile, which='delivery', of='traffic'):
    return Figure(f'{name}, {percentile}', 'us', lambda report: phase(report, of)['latency_us'][which][percentile])


def growth(name, of):
    def read(report):
        process = phase(report, of)['process']
        return (process['rss_end_bytes'] - process['rss_begin_bytes']) / phase(report, of)['units']
    return Figure(name, 'bytes', read)


class Scenario:
    """`words` for godwit bench; `for_floor`: the floor can do it too; `safest`: each broker set so that an
    acknowledgement is as near to the disk as it can be; `leaves_out`: who would take longer than all else."""

    def __init__(self, name, words, figures, for_floor=False, timed=True, safest=False, leaves_out=()):
        self.name, self.words, self.figures = name, words.split(), figures
        self.for_floor, self.timed, self.safest, self.leaves_out = for_floor, timed, safest, leaves_out

    def command(self, binary, running, seconds):
        time = ['-d', str(seconds), '--warm-up', '1'] if self.timed else []
        return [binary, 'bench', *self.words, running.url, '-V', '311', '--json', '--pid', str(running.pid), *time]


def traffic(name, words, for_floor=False):
    return Scenario(name, words, [cpu(name), rate(name)], for_floor)


SCENARIOS = [
    traffic('500 pairs, QoS 0', 'pairs --pairs 500', for_floor=True),
    traffic('500 pairs, QoS 1', 'pairs --pairs 500 -q 1', for_floor=True),
    traffic('500 pairs, QoS 2', 'pairs --pairs 500 -q 2', for_floor=True),
    traffic('fan-in, 1000 publishers to 1', 'fanin -p 1000', for_floor=True),
    traffic('fan-in, 10 busy publishers', 'fanin -p 10 -w 24', for_floor=True),
    traffic('fan-in, 10 flooding publishers', 'fanin -p 10 -w 500', for_floor=True),
    traffic('fan-out, 1 to 1000, 4 under way', 'fanout -c 1000 -w 4', for_floor=True),
    traffic('mix, 50 topics, each to 10', 'fanout -p 50 --topics 50 -c 500 -w 4', for_floor=True),
    traffic('shared group of 4, 100 publishers', 'fanin -p 100 -c 4 --share workers'),
    traffic('100 pairs, 16 KiB', 'pairs --pairs 100 -s 16384', for_floor=True),
    Scenario('500 pairs at 20,000/s', 'pairs --pairs 500 -r 20000',
             [latency('500 pairs at 20,000/s', 'p50'), latency('500 pairs at 20,000/s', 'p99')], for_floor=True),
    Scenario('subscriptions', 'subs -c 100 --filters 100000 --wildcards 30',
             [rate('subscribe, 100 k mixed filters', 'subscribe'), growth('RSS a subscription', 'subscribe'),
              cpu('publish against them')]),
    Scenario('1 M subscriptions', 'subs -c 100 --filters 1000000 --wildcards 30',
             [rate('subscribe, 1 M mixed filters', 'subscribe'), growth('RSS a subscription of 1 M', 'subscribe'),
              cpu('publish against 1 M')], leaves_out=('NATS',)),
    Scenario('idle clients', 'conn -c 8000 -k 0 -d 1', [cpu('connect', 'connect'), growth('RSS an idle client', 'connect')],
             timed=False),
    Scenario('resume', 'storm -c 2000 -m 10 -d 1',
             [Figure('2000 sessions with 10 messages resume', 's CPU',
                     lambda report: sum(phase(report, 'storm')['process'][key] for key in ('cpu_user_s', 'cpu_system_s')))],
             timed=False),
    Scenario('retained', 'retain --topics 100000 -s 64', [rate('retained, store', 'store'), rate('retained, replay', 'replay')],
             timed=False),
    Scenario('durable', 'queue -c 1000 -p 100 -w 100 -m 200',
             [rate('QoS 1 into offline sessions', 'fill'), cpu('QoS 1 into offline sessions', 'fill')], timed=False),
    Scenario('durable alone', 'queue -c 1 -p 1 -w 1 -m 1000',
             [latency('QoS 1 into an offline session, alone, each as safe as it can be set', 'p50', 'acknowledge', 'fill')],
             timed=False, safest=True),
    Scenario('alone', 'queue -c 1 -p 1 -w 1 -m 3000',
             [latency('QoS 1 into an offline session, alone, each as it comes', 'p50', 'acknowledge', 'fill')], timed=False),
]
