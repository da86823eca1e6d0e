"""Scenarios of `godwit bench`, over and over: each time other client ids, topics and sessions, all of which go again."""
import threading
from collections import Counter

from lib.program import Program

# Each is a thread that repeats its commands; they are short, so that all meet all.
STRANDS = (
    (('pairs', '--pairs', '40', '-q', '0', '-r', '800', '-d', '8'),
     ('pairs', '--pairs', '40', '-q', '1', '-r', '400', '-d', '8', '-V', '311'),
     ('pairs', '--pairs', '40', '-q', '2', '-r', '200', '-d', '8', '-s', '2000')),
    (('queue', '-c', '200', '-m', '10', '-p', '5', '--drain'),
     ('storm', '-c', '200', '-m', '5', '-p', '5', '--beside', '10', '--beside-rate', '100', '-d', '2', '-q', '2')),
    (('conn', '-c', '300', '-d', '2'),
     ('subs', '-c', '20', '--filters', '2000', '--wildcards', '30', '-r', '200', '-d', '2'),
     ('fanin', '-p', '30', '-c', '3', '--share', 'group', '-q', '1', '-r', '200', '-d', '3')),
    (('retain', '--topics', '1000', '-c', '3', '-p', '5', '-q', '1'),
     ('fanout', '-c', '100', '-r', '10', '-d', '3', '-s', '5000')),
)
PAUSE_SECONDS = 1
RUN_SECONDS = 300


class Strand:
    """One line of STRANDS until stop(). `runs` counts the good ones, `faults` has a line for each other."""

    def __init__(self, binary, url, commands):
        self._command = [binary, 'bench']
        self._url = url
        self._commands = commands
        self._ended = threading.Event()
        self.runs = Counter()
        self.faults = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        """The run that is under way still ends."""
        self._ended.set()
        self._thread.join()

    def _run(self):
        while True:
            for name, *words in self._commands:
                if self._ended.wait(PAUSE_SECONDS):
                    return
                done = Program([*self._command, name, self._url, *words, '--no-progress', '--stall', '60'])
                if done.wait(RUN_SECONDS) == 0:
                    self.runs[name] += 1
                else:
                    self.faults.append(f'{name} {" ".join(words)}: {" / ".join(done.out.all[-4:] + done.err.all[-2:])}')
