"""What a loop's ledger says about the broker's promises. Every subscriber was subscribed before the first message was sent."""
from collections import Counter, namedtuple

# Each violation is one message at one subscriber; `publisher` has one topic and one QoS.
Violation = namedtuple('Violation', 'subscriber publisher seq')


def lost(ledger, subscribers):
    """Acknowledged to the publisher, never delivered to the subscriber."""
    return [Violation(subscriber, publisher, seq)
            for publisher, acked in ledger.acked.items()
            for subscriber in subscribers
            for seq in sorted(acked.keys() - ledger.delivered[subscriber, publisher])]


def repeated(ledger, qos):
    """Delivered to the application at this QoS more than once; a message counts for each time too many."""
    found = []
    for (subscriber, publisher), deliveries in ledger.deliveries.items():
        times = Counter(delivery.seq for delivery in deliveries if delivery.qos == qos)
        found += [Violation(subscriber, publisher, seq) for seq, count in times.items() for _ in range(count - 1)]
    return found


def out_of_order(ledger):
    """First deliveries that come after the first delivery of a later message. Repetitions of QoS 1 say nothing about order."""
    found = []
    for (subscriber, publisher), deliveries in ledger.deliveries.items():
        seen, latest = set(), 0
        for delivery in deliveries:
            if delivery.seq not in seen and delivery.seq < latest:
                found.append(Violation(subscriber, publisher, delivery.seq))
            seen.add(delivery.seq)
            latest = max(latest, delivery.seq)
    return found


def described(violation, ledger):
    """A violation in words, with its place in time."""
    subscriber, publisher, seq = violation
    acked_ms = ledger.acked[publisher].get(seq)
    text = f'{publisher} {seq} at {subscriber}'
    if acked_ms is None:
        return f'{text}, never acknowledged'
    later = [(number, ms - acked_ms) for number, ms in enumerate(ledger.fault_ms, 1) if ms >= acked_ms]
    return f'{text}, acknowledged {later[0][1]} ms before fault {later[0][0]}' if later else f'{text}, acknowledged after the last fault'
