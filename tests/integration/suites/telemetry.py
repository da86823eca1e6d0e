"""Real telemetry: collectd measures this machine and publishes through the broker; Debian's mosquitto_sub receives it."""
import os
import shutil
import time
from pathlib import Path

from lib.brokers import host_and_port
from lib.mosquitto_clients import address_options
from lib.program import Deadline, Program
from lib.tests import stop_well

COLLECTD = '/usr/sbin/collectd'
TYPES = '/usr/share/collectd/types.db'
HOST = 'machine-under-test'
SECONDS = 20

CONFIG = '''Hostname "{host}"
FQDNLookup false
Interval 1
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
TypesDB "{types}"
LoadPlugin cpu
LoadPlugin load
LoadPlugin memory
LoadPlugin mqtt
<Plugin mqtt>
    <Publish "godwit">
        Host "{broker}"
        Port {port}
        ClientId "collectd"
        Prefix "collectd"
        QoS {qos}
    </Publish>
</Plugin>
'''

# The last levels of a topic -> how many values its payload holds after the time.
EXPECTED = {'memory/memory-free': 1, 'memory/memory-used': 1, 'load/load': 3, 'cpu-0/cpu-idle': 1}


def parse(line):
    """'collectd/host/load/load 1795.1:0.5:0.4:0.3' -> ('load/load', 1795.1, [0.5, 0.4, 0.3])"""
    topic, payload = line.rstrip('\0').split(' ', 1)
    prefix, host, metric = topic.split('/', 2)
    if (prefix, host) != ('collectd', HOST):
        raise ValueError(f'topic {topic}')
    when, *values = payload.split(':')
    return metric, float(when), [float(value) for value in values]


def memory_total():
    for line in Path('/proc/meminfo').read_text().splitlines():
        if line.startswith('MemTotal:'):
            return int(line.split()[1]) * 1024
    raise ValueError('no MemTotal in /proc/meminfo')


def receive_metrics(subscriber):
    """Metrics that came, until each expected one has a value that is a number."""
    metrics = {}

    def complete(line):
        metric, when, values = parse(line)
        if not any(value != value for value in values):  # a rate is nan until it is measured twice
            metrics[metric] = (when, values)
        return all(metric in metrics for metric in EXPECTED)

    try:
        subscriber.out.wait_for(complete, SECONDS, 'collectd\'s metrics')
    except Deadline as late:
        missing = sorted(set(EXPECTED) - set(metrics))
        raise Deadline(f'{late}; missing {missing}') from late
    return metrics


def check(report, name, wrong):
    if wrong:
        report.failed(f'telemetry: {name}', wrong)
    else:
        report.ok(f'telemetry: {name}')


def check_metrics(report, metrics):
    for metric, count in EXPECTED.items():
        when, values = metrics[metric]
        wrong = [f'{len(values)} values'] if len(values) != count else []
        if abs(time.time() - when) > 60:
            wrong.append(f'time {when}')
        check(report, f'{metric} is received and parses: {values}', '; '.join(wrong))
    free = metrics['memory/memory-free'][1][0]
    total = memory_total()
    check(report, 'free memory is this machine\'s', '' if 0 < free < total else f'{free} of {total}')
    load, now = metrics['load/load'][1][0], os.getloadavg()[0]
    check(report, 'the load is this machine\'s', '' if abs(load - now) < 5 else f'{load}, now {now}')


def run_once(context, endpoint, qos):
    folder = context.folder(f'collectd-{qos}')
    broker, port = host_and_port(endpoint)
    config = folder / 'collectd.conf'
    config.write_text(CONFIG.format(host=HOST, folder=folder, types=TYPES, broker=broker, port=port, qos=qos))
    subscriber = Program(['stdbuf', '-oL', 'mosquitto_sub', *address_options(endpoint, ''), '-t', 'collectd/#',
                          '-q', str(qos), '-F', '%t %p'])
    collectd = Program([COLLECTD, '-f', '-C', config])
    try:
        return receive_metrics(subscriber)
    except Deadline as late:
        raise Deadline(f'{late}; collectd says {(collectd.err.all + collectd.out.all)[-3:]}') from late
    finally:
        collectd.stop()
        subscriber.stop()


def run(context):
    report = context.report
    if not Path(COLLECTD).exists() or not shutil.which('mosquitto_sub'):
        report.failed('telemetry', 'install collectd-core and mosquitto-clients')
        return
    broker = context.start_broker('telemetry')
    try:
        for qos in (0, 1, 2):
            try:
                metrics = run_once(context, broker.endpoints['tcp'], qos)
            except Deadline as late:
                report.failed(f'telemetry: collectd at QoS {qos}', late)
                continue
            report.ok(f'telemetry: collectd publishes at QoS {qos}, {len(metrics)} metrics came')
            if qos == 1:
                check_metrics(report, metrics)
    finally:
        stop_well('telemetry', broker, report)
