"""A bad link: some connections are cut wherever they are, and of each that resumes it is counted what that took."""
import math
import random
import threading
from collections import namedtuple

from lib.relay import cut
from lib.wire import CONNACK, PUBLISH

CUT_SHARE = 0.2  # of the connections
BYTES_UP_MAX, BYTES_DOWN_MAX = 60, 160  # before the first message of a session that is resumed
CUT_BYTES_MAX = 200_000  # a connection that is to be cut may carry so much before
CONNECT = 1
UNDER_WAY = (5, 6, 7)  # PUBREC, PUBREL and PUBCOMP finish messages that the client has had before: 4 B each, by the protocol

# What passed before the first message came. A round trip begins with each word of the client that follows one of the broker. What
# finishes older messages of QoS 2 is counted by itself, both ways together.
Resume = namedtuple('Resume', 'client bytes_up bytes_down round_trips bytes_under_way')


class Link:
    """Draws which connections are cut, from the seed; `cut_count` of them were, in the middle of what they carried. None is before
    turn_bad(): a client that is cut between CONNACK and SUBSCRIBE finds a session and does not subscribe again."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._is_bad = False
        self.resumes = []
        self.opened_count = 0
        self.cut_count = 0

    def turn_bad(self):
        self._is_bad = True

    def open(self):
        """The watch of a new connection; see Relay."""
        with self._lock:
            self.opened_count += 1
            doomed = self._is_bad and self._random.random() < CUT_SHARE
            return Passage(self, self._bytes_before_cut() if doomed else math.inf)

    def strikes(self):
        """Whether this one of those that are open is cut now."""
        with self._lock:
            struck = self._random.random() < CUT_SHARE
            self.cut_count += struck
            return struck

    def note_cut(self):
        with self._lock:
            self.cut_count += 1

    def note_resume(self, resume):
        with self._lock:
            self.resumes.append(resume)

    def _bytes_before_cut(self):
        """As often in the first hundred bytes as in the last hundred thousand."""
        return int(math.exp(self._random.uniform(0, math.log(CUT_BYTES_MAX))))


class Passage:
    """One connection. Each direction tells what it carries, from a thread of its own."""

    def __init__(self, link, bytes_left):
        self._link = link
        self._bytes_left = bytes_left
        self._lock = threading.Lock()
        self._held = {True: b'', False: b''}  # of a packet that is not whole yet, by direction
        self._bytes = {True: 0, False: 0}
        self._bytes_under_way = 0
        self._client = ''
        self._round_trips = 0
        self._asks = False  # the last packet was the client's
        self._is_new = True

    def look(self, up, raw):
        with self._lock:
            passed = raw[:min(len(raw), self._bytes_left)]
            self._bytes_left -= len(passed)
            if len(passed) < len(raw):
                self._link.note_cut()
            if self._is_new:
                self._read(up, passed)
            return passed

    def _read(self, up, raw):
        packets, self._held[up] = cut(self._held[up] + raw)
        for packet in packets:
            if self._is_new:
                self._take(up, packet)

    def _take(self, up, packet):
        kind = packet[0] >> 4
        if kind in UNDER_WAY:
            self._bytes_under_way += len(packet)
            return
        self._round_trips += up and not self._asks
        self._asks = up
        if up and kind == CONNECT:
            self._client = client_id_of(packet)
        if not up and kind == PUBLISH:
            self._is_new = False
            return self._link.note_resume(Resume(self._client, self._bytes[True], self._bytes[False], self._round_trips,
                                                 self._bytes_under_way))
        if not up and kind == CONNACK and not packet[2] & 1:
            self._is_new = False  # the session began with it
        self._bytes[up] += len(packet)


def client_id_of(packet):
    """Of a CONNECT of 3.1.1 or 5.0 with a remaining length below 128."""
    at = 2 + 10
    if packet[8] == 5:
        at += 1 + packet[at]  # properties
    size = int.from_bytes(packet[at:at + 2], 'big')
    return packet[at + 2:at + 2 + size].decode()


def dear(resumes):
    """Those that needed more than they may."""
    return [each for each in resumes if each.bytes_up > BYTES_UP_MAX or each.bytes_down > BYTES_DOWN_MAX]


def table(resumes):
    """One row for each client, with the most that it needed."""
    rows = [('client', 'resumed', 'B up', 'B down', 'round trips', 'B of QoS 2 under way'), ['---'] * 6]
    for client in sorted({each.client for each in resumes}):
        mine = [each for each in resumes if each.client == client]
        rows.append((client, len(mine), *(max(figures) for figures in list(zip(*mine))[1:])))
    return '\n'.join('| ' + ' | '.join(map(str, row)) + ' |' for row in rows)
