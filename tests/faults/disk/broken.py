"""A broker whose disk fails: its file system turns read-only under it, as many do after an error of the device."""
import contextlib
import time

from disk.full import QOS1, QOS2, RECOVERY_SECONDS, SILENCE_SECONDS, Full, nothing_is_lost
from disk.small_disk import SmallDisk, read_only
from lib import wire
from lib.tests import equal

BROKEN_GAUGE = 'godwit_store_broken'  # of each shard: 1 while writing its log fails, else 0
BROKEN = 0x83  # implementation specific error
SPARES = 2  # segments that each shard makes ready ahead of need


def shards_of(it):
    return list((it.disk.path / 'data').glob('shard-*'))


def await_rest(shards):
    """Until every shard has its spares, and the keeper's one segment in use."""
    end = time.monotonic() + RECOVERY_SECONDS
    while (segments := sum(len(list(shard.iterdir())) for shard in shards)) != SPARES * len(shards) + 1:
        assert time.monotonic() < end, f'{segments} segments after {RECOVERY_SECONDS} s'
        time.sleep(0.01)


@contextlib.contextmanager
def broken(context, folder):
    """A broker with a keeper, and what ends the fault that it has found."""
    with SmallDisk(folder / 'disk') as disk, contextlib.ExitStack() as fault:
        it = Full(context, disk)
        try:
            it.make_keeper()
            shards = shards_of(it)
            with it.client('early') as early:
                equal(it.publish(early), 0, 'PUBACK')
            await_rest(shards)
            for shard in shards:
                fault.enter_context(read_only(shard))
            with it.client('finder') as finder:
                number = it.send_held(finder)  # found out by what has to be written; told when that is
                it.await_gauge(1, BROKEN_GAUGE)
                yield it, fault.close
                kind, _, body = finder.read()
                assert kind == wire.PUBACK and len(body) == 2, f'packet type {kind}: {body}'
                it.acked.add(number)
            it.kill_and_start()
            nothing_is_lost(it)
        finally:
            fault.close()
            it.broker.stop()


def test_5_is_refused_and_what_waits_is_kept(context, folder):
    """on a failing disk a 5.0 publisher gets 0x83 at QoS 1 and 2; what waited before is acknowledged when the disk works again, and not lost"""
    with broken(context, folder) as (it, end_fault), it.client('publisher') as publisher:
        for _ in range(2):
            equal(it.publish(publisher), BROKEN, 'PUBACK')
            publisher.send(wire.publish('kept/two', it.next_message()[1], QOS2))
            kind, _, body = publisher.read()
            equal((kind, body[2]), (wire.PUBREC, BROKEN), 'PUBREC')
        end_fault()
        it.await_acknowledgements()
        it.await_gauge(0, BROKEN_GAUGE)


def test_3_is_held_back(context, folder):
    """on a failing disk a 3.1.1 publisher gets no PUBACK, and gets it by itself when the disk works again; the message is not lost"""
    with broken(context, folder) as (it, end_fault), it.client('publisher', 4) as publisher:
        number = it.send_held(publisher)
        assert publisher.is_silent(SILENCE_SECONDS), f'an answer: {publisher.read()}'
        end_fault()
        equal(publisher.read()[0], wire.PUBACK, 'packet type')
        it.acked.add(number)


def test_the_rest_goes_on(context, folder):
    """on a failing disk clients connect, subscribe and exchange QoS 0 and 1 that nobody keeps, on every shard"""
    with broken(context, folder) as (it, end_fault), it.client('held', 4) as held:
        it.send_held(held)
        for number in range(8):
            with it.client(f'sub{number}') as sub, it.client(f'pub{number}') as pub:
                equal(sub.subscribe('live/#', QOS1), QOS1, 'SUBACK')
                pub.publish('live/x', b'zero', qos=0)
                equal(sub.receive(), ('live/x', b'zero'), 'message')
                equal(pub.publish('live/x', b'one'), 0, 'PUBACK')
                equal(sub.receive(QOS1), ('live/x', b'one'), 'message')
        end_fault()
        equal(held.read()[0], wire.PUBACK, 'packet type')


def test_queue_is_delivered(context, folder):
    """on a failing disk what is queued already is read and delivered"""
    with broken(context, folder) as (it, end_fault):
        with it.keeper(session_present=True) as keeper:
            it.acked.remove(int(keeper.receive(QOS1)[1][:8]))
        end_fault()


def test_log_line(context, folder):
    """the log says once that the disk fails, with the reason, and once that it works again"""
    with broken(context, folder) as (it, end_fault):
        time.sleep(SILENCE_SECONDS)  # many attempts more
        end_fault()
        it.await_acknowledgements()
        it.await_gauge(0, BROKEN_GAUGE)
        lines = it.broker.log()
        said = [line for line in lines if 'store_broken' in line]
        assert 1 <= len(said) <= len(shards_of(it)), said
        assert all('ead-only file system' in line for line in said), said
        equal(len([line for line in lines if 'store_well' in line]), len(said), 'lines that it works again')
