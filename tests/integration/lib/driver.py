"""A client library under a driver program (drivers/README.md), as an object that is asked and answers."""
import queue
import threading
import time
from collections import namedtuple

from lib.program import Deadline, Program

Message = namedtuple('Message', 'topic qos retain length sha256')

ANSWER_SECONDS = 70


class Refused(Exception):
    """The client says that it could not do what it was asked."""


class Inbox:
    """What one client received, in order of arrival."""

    def __init__(self):
        self._messages = queue.Queue()

    def put(self, message):
        self._messages.put(message)

    def take(self, count, seconds):
        """The next `count` messages; fewer raise Deadline and are named."""
        end = time.monotonic() + seconds
        got = []
        while len(got) < count:
            try:
                got.append(self._messages.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty as late:
                names = [f'{m.topic} QoS {m.qos} {m.length} B' for m in got]
                raise Deadline(f'received {len(got)} of {count} in {seconds} s: {names}') from late
        return got


class Driver:
    """One driver program. Not for two threads at once."""

    def __init__(self, name, command, env=None):
        self.name = name
        self._command = command
        self._env = env
        self._program = None
        self._inboxes = {}

    def start(self):
        self._program = Program(self._command, env=self._env)
        self._answers = queue.Queue()
        threading.Thread(target=self._sort_lines, args=(self._program,), daemon=True).start()

    def stop(self):
        if self._program:
            self._program.stop()
            self._program = None

    def _sort_lines(self, program):
        while True:
            try:
                line = program.out.wait_for(lambda _: True, 3600, 'a line')
            except Deadline as end:
                self._answers.put(f'failed driver: {end}; {program.err.all[-3:]}')
                return
            words = line.split(' ')
            if words[0] == 'message':
                name, topic, qos, retain, length, digest = words[1:7]
                self._inboxes[name].put(Message(topic, int(qos), int(retain), int(length), digest))
            else:
                self._answers.put(line)

    def _ask(self, *words):
        if self._program is None:
            self.start()
        self._program.write_line(' '.join(str(word) for word in words))
        try:
            answer = self._answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty as late:
            self.stop()
            raise Deadline(f'{self.name}: no answer to {words[0]} in {ANSWER_SECONDS} s') from late
        if answer != 'done':
            raise Refused(f'{self.name}: {words[0]}: {answer}')

    def connect(self, name, url, version):
        self._inboxes[name] = Inbox()
        self._ask('connect', name, url, version)

    def subscribe(self, name, topic, qos):
        self._ask('subscribe', name, topic, qos)

    def unsubscribe(self, name, topic):
        self._ask('unsubscribe', name, topic)

    def publish(self, name, topic, qos, file):
        self._ask('publish', name, topic, qos, file)

    def receive(self, name, count, seconds):
        return self._inboxes[name].take(count, seconds)

    def disconnect(self, name):
        self._ask('disconnect', name)
