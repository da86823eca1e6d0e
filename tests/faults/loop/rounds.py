"""The loop itself: load, a fault at a random moment, recovery, and at the end a drain after which nothing is owed to anyone."""
import random
import time
from collections import namedtuple

from loop import verdict
from loop.durable import seconds_to_start
from loop.fleet import Fleet
from loop.ledger import Ledger
from loop.link import Link
from loop.relay import Relay

RECOVERY_KILL_SHARE = 0.2  # of the kills are followed by another one while the broker starts
RECOVERY_KILL_SECONDS_MAX = 0.05
MOMENT_SECONDS_MAX = 0.02  # from the acknowledgement that a fault waits for, to the fault
EXAMPLES_MAX = 5

Outcome = namedtuple('Outcome', 'lost repeated out_of_order repeated_qos1')


class Loop:
    """One run with one broker; `fault` is kill, cut, link or none."""

    def __init__(self, broker, fault, seed, messages):
        self._broker = broker
        self._fault = fault
        self._random = random.Random(seed)
        self._messages = messages
        self.ledger = Ledger()
        self.fleet = Fleet(self.ledger)
        self.slowest_start_seconds = 0.0
        self.link = Link(seed)
        self._relay = None

    def run(self, rounds, say):
        """Raises Deadline when the broker does not come back, or clients wait in vain."""
        self._start_broker()
        if self._fault in ('cut', 'link'):
            self._relay = Relay(self._broker.port, self.link.open if self._fault == 'link' else lambda: None)
        self.fleet.connect('127.0.0.1', (self._relay or self._broker).port)
        self.link.turn_bad()
        for number in range(1, rounds + 1):
            say(f'round {number}/{rounds}: {self._round()}')
        self._drain()

    def stop(self):
        self.fleet.stop()
        if self._relay:
            self._relay.stop()
        self._broker.stop()

    def outcome(self):
        subscribers = self.fleet.subscribers
        return Outcome(verdict.lost(self.ledger, subscribers), verdict.repeated(self.ledger, 2),
                       verdict.out_of_order(self.ledger), verdict.repeated(self.ledger, 1))

    def examples(self, violations):
        return [verdict.described(each, self.ledger) for each in violations[:EXAMPLES_MAX]]

    def _start_broker(self):
        self.slowest_start_seconds = max(self.slowest_start_seconds, seconds_to_start(self._broker))

    def _round(self):
        """What happened in it, in words."""
        half = len(self.fleet.subscribers) // 2
        self.fleet.set_offline(self._random.sample(self.fleet.subscribers, half))
        self.fleet.await_online(self.fleet.publishers)
        self.fleet.grant(self._messages)
        owed = self.ledger.outstanding()
        acks = self._random.randint(1, owed)
        target = self.ledger.acked_count + acks
        self.ledger.wait_until(lambda: self.ledger.acked_count >= target, f'{acks} of {owed} acknowledgements')
        time.sleep(self._random.uniform(0, MOMENT_SECONDS_MAX))  # not to wait for something: any moment will do
        what = self._strike()
        return f'{what} after {acks} of {owed} acknowledgements; {self.ledger.deliveries_count()} deliveries so far'

    def _strike(self):
        self.ledger.note_fault()
        if self._fault == 'cut':
            self._relay.cut()
            return 'cut'
        if self._fault == 'link':
            self._relay.cut(self.link.strikes)
            return f'{self.link.cut_count} of {self.link.opened_count} connections cut so far; the last'
        if self._fault == 'none':
            return 'no fault'
        self._broker.kill()
        again = self._random.random() < RECOVERY_KILL_SHARE
        if again:
            self._broker.launch()
            time.sleep(self._random.uniform(0, RECOVERY_KILL_SECONDS_MAX))  # any moment of the start
            self._broker.kill()
        self._start_broker()
        return 'killed, and again while it started,' if again else 'killed'

    def _drain(self):
        """A last message of each publisher, seen by all, stands behind all that was owed; so does one after a resume."""
        self.fleet.set_offline([])
        self._await_acknowledged()
        self._flush()
        self.fleet.set_offline(self.fleet.subscribers)
        self.fleet.set_offline([])
        self._flush()

    def _await_acknowledged(self):
        self.ledger.wait_until(lambda: self.ledger.outstanding() == 0, 'every message acknowledged')

    def _flush(self):
        self.fleet.grant(1)
        self._await_acknowledged()
        delivered = self.ledger.delivered
        last = [(subscriber, publisher, self.ledger.granted[publisher])
                for subscriber in self.fleet.subscribers for publisher in self.fleet.publishers]
        self.ledger.wait_until(lambda: all(seq in delivered[subscriber, publisher] for subscriber, publisher, seq in last),
                               'the last message of every publisher at every subscriber')
