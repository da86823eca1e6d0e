"""What the tests found: one line each as it happens, and the closing count."""
import sys
import threading
import time


class Report:
    def __init__(self):
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self.passed = 0
        self.skipped = 0
        self.failures = []

    def ok(self, name):
        with self._lock:
            self.passed += 1
            print(f'ok {name}', flush=True)

    def failed(self, name, reason):
        with self._lock:
            self.failures.append((name, str(reason)))
            print(f'not ok {name} # {reason}', flush=True)

    def skip(self, name, reason):
        with self._lock:
            self.skipped += 1
            print(f'ok {name} # SKIP {reason}', flush=True)

    def note(self, text=''):
        with self._lock:
            for line in text.split('\n'):
                print(f'# {line}'.rstrip(), flush=True)

    def close(self):
        """Prints the summary; the exit status of the run."""
        seconds = time.monotonic() - self._start
        for name, reason in self.failures:
            self.note(f'failed: {name}: {reason}')
        self.note(f'{seconds:.0f} s, {self.skipped} skipped')
        print(f'{self.passed} passed, {len(self.failures)} failed', flush=True)
        sys.stdout.flush()
        return 1 if self.failures else 0
