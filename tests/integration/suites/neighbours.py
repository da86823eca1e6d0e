"""Bad neighbours: a hot subscriber, stuck ones, a flood. What 1,000 pairs get beside them, and that memory stays bounded."""
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from lib import brokers, neighbours, program
from lib.metrics import get, metrics
from lib.tests import equal, run_all
from lib.wire import PINGREQ, RawClient

MIB = 1 << 20
PAIRS = 1000
ROUNDS = 2
SECONDS = 2
SHARE_MIN = 0.8
RATE_SHARE = 0.3  # of what the pairs get when they ask for all: the open loop
OUTPUT_BYTES_MAX = 64 * 1024
QUEUE_BYTES_MAX = 4 * MIB
GROWTH_MAX = 32 * MIB  # far above all that may wait, far below what the flood would leave in seconds
TAKERS = 200
FLOOD_SECONDS = 4


def run(context):
    run_all(sys.modules[__name__], 'neighbours', context)


class Neighbourhood:
    """A broker and a flood that can be turned on."""

    def __init__(self, context, folder, shards=1):
        self._context = context
        config = f'[limits]\noutput_bytes_max = {OUTPUT_BYTES_MAX}\nqueue_bytes_max = {QUEUE_BYTES_MAX}\n'
        self.broker = brokers.Godwit(context.broker, folder, ['mqtt://127.0.0.1:0'], ['--shards', str(shards)], config).start()
        self.url = self.broker.endpoints['tcp']

    def __enter__(self):
        self.flood = neighbours.Flood(self.url)
        self.note_memory()
        return self

    def __exit__(self, *_):
        self.broker.stop()

    def note_memory(self):
        """From here on it is to stay bounded."""
        self._bytes_before = self._rss()

    def check_memory(self):
        grown = self._rss() - self._bytes_before
        assert grown < GROWTH_MAX, f'the broker has grown by {grown / MIB:.1f} MiB'

    def pairs(self, *words):
        """Messages a second that the pairs get; none is lost."""
        done = program.run([self._context.broker, 'bench', 'pairs', self.url, '--pairs', str(PAIRS), '-d', str(SECONDS), '--warm-up', '0.5',
                    '--json', *words], 90)
        report = json.loads(done.stdout)
        assert report['verdict']['good'], f'{report["verdict"]}, {report["faults"]}'
        return report['phases'][0]['units_per_s']

    def check_share(self, *words):
        """What they get beside the flood, and what without it, in turns, so that both meet the same machine."""
        sums = {False: 0.0, True: 0.0}
        for _ in range(ROUNDS):
            for flooded in sums:
                with self.flood if flooded else nullcontext():
                    sums[flooded] += self.pairs(*words)
        assert sums[True] >= SHARE_MIN * sums[False], \
            f'{words}: {sums[True] / ROUNDS:.0f} a second beside the flood, {sums[False] / ROUNDS:.0f} without it'

    def _rss(self):
        return int(Path(f'/proc/{self.broker.program.pid}/statm').read_text().split()[1]) * 4096


def check_fair(context, folder, *words):
    with Neighbourhood(context, folder) as place:
        alone = place.pairs(*words)
        place.note_memory()
        others = [neighbours.Readers(place.url, ['hot'], '#'), neighbours.stuck(place.url, 0), neighbours.stuck(place.url, 1)]
        place.check_share(*words)
        place.check_share(*words, '-r', str(int(alone * RATE_SHARE)))
        place.check_memory()
        assert place.flood.sent_count > 10 * neighbours.BATCH, 'there was no flood'
        counted = metrics(place.broker)
        assert any(count > 0 for name, count in counted.items() if 'reason="output_full"' in name), 'the stuck ones were not'
        del others


def test_pairs_qos0(context, folder):
    """1,000 pairs at QoS 0 keep four fifths of their messages beside a hot and two stuck subscribers and a flood, in bounded memory"""
    check_fair(context, folder)


def test_pairs_qos1(context, folder):
    """1,000 pairs at QoS 1 keep four fifths of their messages beside a hot and two stuck subscribers and a flood, in bounded memory"""
    check_fair(context, folder, '-q', '1')


def test_flood_to_many(context, folder):
    """a flood to 200 subscribers leaves 1,000 pairs four fifths of a moderate rate"""
    with Neighbourhood(context, folder) as place:
        alone = place.pairs()
        takers = neighbours.Readers(place.url, [f'taker{i}' for i in range(TAKERS)], neighbours.FLOOD_TOPIC)
        place.check_share('-r', str(int(alone * RATE_SHARE)))
        assert all(takers.received_bytes.values()), 'the flood did not arrive'


def shard_of(place, client_id):
    """Where this client is."""
    status, _, body = get(place.broker, f'/api/clients/{client_id}')
    equal(status, 200, f'status of {client_id}')
    return json.loads(body)['shard']


def far_from_flood(place):
    """Client ids of takers whose home is the other shard."""
    for number in range(TAKERS):
        name = f'taker{number}'
        with RawClient(place.url) as client:
            client.connect(name)
            if shard_of(place, name) != shard_of(place, 'flood'):
                yield name


def test_flood_across_shards(context, folder):
    """a flood to a shard that is slower waits in the publisher's socket, not between the shards"""
    with Neighbourhood(context, folder, shards=2) as place:
        takers = neighbours.Readers(place.url, list(far_from_flood(place)), neighbours.FLOOD_TOPIC)
        place.note_memory()
        with place.flood:
            time.sleep(FLOOD_SECONDS)  # nothing is waited for: so long it may not grow
        place.check_memory()
        assert all(takers.received_bytes.values()), 'the flood did not arrive'


def test_unread_answers(context, folder):
    """who asks and does not read the answers is not read any more, once a bound of them waits"""
    with Neighbourhood(context, folder) as place:
        client = neighbours.deaf(place.url)
        client.settimeout(2)
        place.note_memory()
        sent = 0
        try:
            while sent < 2 * GROWTH_MAX:
                sent += client.send(PINGREQ * 10_000)
        except TimeoutError:
            pass
        assert sent < 2 * GROWTH_MAX, 'it is read on and on'
        place.check_memory()
