"""What the clients of a loop did and saw, in the words of clients/README.md; written by their readers, waited for by the loop."""
import threading
import time
from collections import Counter, defaultdict, namedtuple

from lib.program import Deadline

Delivery = namedtuple('Delivery', 'seq qos dup')

STALL_SECONDS = 30  # a wait ends when nothing at all has happened for so long
WAIT_SECONDS = 900  # in any case after this: a broker may be so slow that it never gets there


class Ledger:
    def __init__(self):
        self._changed = threading.Condition()
        self._event_count = 0
        self.state = {}  # client -> online, cut or offline
        self.granted = Counter()  # publisher -> messages that it may send
        self.acked = defaultdict(dict)  # publisher -> {sequence: ms}
        self.acked_count = 0
        self.refused = Counter()  # (publisher, reason code) -> messages
        self.deliveries = defaultdict(list)  # (subscriber, publisher) -> [Delivery], as they came
        self.delivered = defaultdict(set)  # the same pair -> {sequence}
        self.sessions_lost = Counter()  # client -> times that the broker no longer knew its session
        self.library_faults = []
        self.fault_ms = []  # when the broker was killed, or the connections were cut

    def take(self, line):
        """One line of a load driver."""
        verb, name, *rest = line.split(' ')
        with self._changed:
            getattr(self, f'_take_{verb}')(name, *rest)
            self._event_count += 1
            self._changed.notify_all()

    def note_fault(self):
        with self._changed:
            self.fault_ms.append(int(time.monotonic() * 1000))

    def wait_until(self, fact, what):
        """Until fact() is true; Deadline when the clients have had nothing to say for STALL_SECONDS, or after WAIT_SECONDS."""
        with self._changed:
            end = time.monotonic() + WAIT_SECONDS
            seen, since = self._event_count, time.monotonic()
            while not fact():
                self._changed.wait(1)
                if time.monotonic() > end:
                    raise Deadline(f'{what}: not within {WAIT_SECONDS} s; {self._standing()}')
                if seen != self._event_count:
                    seen, since = self._event_count, time.monotonic()
                elif time.monotonic() - since > STALL_SECONDS:
                    raise Deadline(f'{what}: nothing has happened for {STALL_SECONDS} s; {self._standing()}')

    def deliveries_count(self):
        return sum(map(len, self.deliveries.values()))

    def outstanding(self):
        """Messages that were granted and are not yet acknowledged."""
        return self.granted.total() - self.acked_count - self.refused.total()

    def _standing(self):
        not_online = sorted(f'{name} {state}' for name, state in self.state.items() if state != 'online')
        return f'{self.outstanding()} messages unacknowledged; {", ".join(not_online) or "all online"}'

    def _take_online(self, name, present, _ms):
        if present == '0' and name in self.state:
            self.sessions_lost[name] += 1
        self.state[name] = 'online'

    def _take_offline(self, name, _ms):
        self.state[name] = 'offline'

    def _take_cut(self, name, _ms):
        if name in self.state:
            self.state[name] = 'cut'

    def _take_sent(self, _name, _seq, _ms):
        pass  # an event, so that it is not taken for a stall

    def _take_acked(self, name, seq, ms):
        self.acked[name][int(seq)] = int(ms)
        self.acked_count += 1

    def _take_refused(self, name, _seq, code, _ms):
        self.refused[name, code] += 1

    def _take_got(self, name, publisher, seq, qos, dup, _ms):
        self.deliveries[name, publisher].append(Delivery(int(seq), int(qos), dup == '1'))
        self.delivered[name, publisher].add(int(seq))

    def _take_fault(self, name, *words):
        self.library_faults.append(f'{name}: {" ".join(words)}')
