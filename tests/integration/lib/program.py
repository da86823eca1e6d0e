"""A child process whose output is read as lines and waited for with a deadline."""
import os
import signal
import subprocess
import threading
import time


class Deadline(Exception):
    """What was waited for did not happen in time, or the process that owed it is gone."""


class Lines:
    """The lines of one stream, read by a thread; a waiter sees each line once, in order."""

    def __init__(self, stream):
        self._stream = stream
        self._changed = threading.Condition()
        self._closed = False
        self._next = 0
        self.all = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for raw in self._stream:
            with self._changed:
                self.all.append(raw.decode('utf-8', 'replace').rstrip('\r\n'))
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_for(self, wanted, seconds, what):
        """The first line not yet consumed for which wanted(line) is true; skips the others."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                while self._next < len(self.all):
                    line = self.all[self._next]
                    self._next += 1
                    if wanted(line):
                        return line
                left = end - time.monotonic()
                if self._closed:
                    raise Deadline(f'{what}: the process ended; last lines: {self.all[-3:]}')
                if left <= 0:
                    raise Deadline(f'{what}: not within {seconds} s; last lines: {self.all[-3:]}')
                self._changed.wait(left)

    def wait_until_closed(self, seconds):
        self._thread.join(seconds)
        return list(self.all)


class Program:
    """Runs one command; `out` and `err` are its Lines, `started` is when it was started."""

    def __init__(self, command, env=None, cwd=None, stdin=None, pass_fds=()):
        self.command = [str(word) for word in command]
        self.started = time.monotonic()
        self._popen = subprocess.Popen(
            self.command, stdin=subprocess.PIPE if stdin is None else stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, pass_fds=pass_fds,
            env=None if env is None else {**os.environ, **env})
        self.out = Lines(self._popen.stdout)
        self.err = Lines(self._popen.stderr)

    @property
    def pid(self):
        return self._popen.pid

    @property
    def status(self):
        """The exit status; None while it runs."""
        return self._popen.poll()

    def write_line(self, line):
        try:
            self._popen.stdin.write(line.encode() + b'\n')
            self._popen.stdin.flush()
        except OSError as gone:
            raise Deadline(f'{self.command[0]} is gone: {gone}; {self.err.all[-3:]}') from gone

    def close_stdin(self):
        self._popen.stdin.close()

    def signal(self, number):
        self._popen.send_signal(number)

    def kill(self, seconds=10):
        """Ends it as kill -9 does; a process that had ended before by itself is a Deadline with its last words."""
        if self.status is not None:
            raise Deadline(f'{self.command[0]} ended by itself with status {self.status}: {self.err.all[-3:]}')
        self._popen.kill()
        self.wait(seconds)

    def wait(self, seconds):
        """Its exit status, when it ends by itself in time."""
        try:
            status = self._popen.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise Deadline(f'{self.command[0]} still runs after {seconds} s') from late
        self.out.wait_until_closed(1)
        self.err.wait_until_closed(1)
        return status

    def stop(self, seconds=5):
        """Asks it to end, insists after `seconds`; its exit status."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except Deadline:
            self._popen.kill()
            return self.wait(seconds)
        finally:
            if self._popen.stdin and not self._popen.stdin.closed:
                try:
                    self._popen.stdin.close()
                except OSError:
                    pass


def wait_until(happened, seconds, what):
    """Asks again and again until `happened()` is true."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise Deadline(f'{what}: not within {seconds} s')
        time.sleep(0.05)


def run(command, seconds=10, env=None, stdin=b'', cwd=None):
    """Runs a short command to its end: a subprocess.CompletedProcess with text output."""
    try:
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True,
                              timeout=seconds, cwd=cwd, env=None if env is None else {**os.environ, **env})
    except subprocess.TimeoutExpired as late:
        raise Deadline(f'{command[0]} still runs after {seconds} s') from late
    done.stdout = done.stdout.decode('utf-8', 'replace')
    done.stderr = done.stderr.decode('utf-8', 'replace')
    return done
