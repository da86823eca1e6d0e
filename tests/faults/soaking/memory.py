"""The broker's resident memory over time, and whether it grows."""
import statistics
import threading
import time
from pathlib import Path

PAGE_BYTES = 4096
MIB = 1 << 20
SAMPLE_SECONDS = 0.5
WINDOW_COUNT = 5  # of the time after the warm-up
GROWTH_SHARE_MAX = 0.03  # of the first window's median: the load is drawn anew each time, and its peaks differ
GROWTH_BYTES_MAX = MIB // 2  # whatever the share is


class Watch:
    """Samples (seconds since it began, bytes) of one process, until stop()."""

    def __init__(self, pid):
        self._statm = Path(f'/proc/{pid}/statm')
        self._began = time.monotonic()
        self._ended = threading.Event()
        self.samples = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._ended.wait(SAMPLE_SECONDS):
            try:
                pages = int(self._statm.read_text().split()[1])
            except (OSError, IndexError):
                return  # it is gone, and whoever stops it says so
            self.samples.append((time.monotonic() - self._began, pages * PAGE_BYTES))

    def stop(self):
        self._ended.set()
        self._thread.join()


def between(samples, begin, end):
    return [size for at, size in samples if begin <= at < end]


def windows(samples, warm_up_seconds):
    """The medians of equal windows after the warm-up."""
    end = samples[-1][0]
    width = (end - warm_up_seconds) / WINDOW_COUNT
    starts = [warm_up_seconds + number * width for number in range(WINDOW_COUNT)]
    return [statistics.median(between(samples, start, start + width)) for start in starts]


def growth(medians):
    """Bytes from the first window to the last, if they are more than may be; else 0. A peak between them is no growth."""
    grown = medians[-1] - medians[0]
    return grown if grown > max(GROWTH_BYTES_MAX, GROWTH_SHARE_MAX * medians[0]) else 0


def table(samples):
    """One row for each minute."""
    rows = [('minute', 'least MiB', 'median', 'most'), ['---'] * 4]
    for minute in range(int(samples[-1][0] // 60) + 1):
        sizes = between(samples, 60 * minute, 60 * (minute + 1))
        if sizes:
            rows.append((minute + 1, *(f'{size / MIB:.1f}' for size in (min(sizes), statistics.median(sizes), max(sizes)))))
    return '\n'.join('| ' + ' | '.join(map(str, row)) + ' |' for row in rows)
