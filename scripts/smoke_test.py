#!/usr/bin/env python3
"""The release program as a new user meets it: starts within a second, carries a message, ends cleanly.

usage: smoke_test.py PATH-OF-GODWIT
"""
import re
import select
import signal
import subprocess
import sys
import time

READY_SECONDS_MAX = 1.0
END_SECONDS_MAX = 2.0
PATIENCE_SECONDS = 30


def read_line(program, wanted):
    """The first line of a program's output that matches, or None when it ends or time runs out."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if not select.select([program.stdout], [], [], end - time.monotonic())[0]:
            return None
        line = program.stdout.readline()
        if not line or re.search(wanted, line):
            return line or None
    return None


def start(*command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)


def exchange(port):
    """A message from one foreign client to another over the broker."""
    at = ["-h", "127.0.0.1", "-p", port, "-t", "smoke/test"]
    published = subprocess.run(["mosquitto_pub", *at, "-q", "1", "-r", "-m", "hello"], timeout=PATIENCE_SECONDS).returncode
    subscribed = subprocess.run(["mosquitto_sub", *at, "-C", "1", "-W", "10"], timeout=PATIENCE_SECONDS, text=True,
                                capture_output=True)
    return published == 0 and subscribed.stdout == "hello\n"


def cases(godwit):
    """Yields (name, whether it holds)."""
    version = subprocess.run([godwit, "version"], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    yield "godwit version prints a version", version.returncode == 0 and re.search(r"\d+\.\d+\.\d+", version.stdout)
    began = time.monotonic()
    broker = start(godwit, "serve", "--listen", "mqtt://127.0.0.1:0")
    try:
        ready = read_line(broker, r"^godwit ready")
        yield "it says that it is ready within a second", ready and time.monotonic() - began < READY_SECONDS_MAX
        port = re.search(r"mqtt://127\.0\.0\.1:([1-9]\d*)", ready or "")
        yield "the ready line names the port", port
        yield "a message goes from mosquitto_pub to mosquitto_sub", port and exchange(port.group(1))
        broker.send_signal(signal.SIGTERM)
        began = time.monotonic()
        status = broker.wait(PATIENCE_SECONDS)
        yield "SIGTERM ends it within two seconds", time.monotonic() - began < END_SECONDS_MAX
        yield "its exit status is 0", status == 0
    finally:
        broker.kill()


def main(godwit):
    tally = {True: 0, False: 0}
    for name, holds in cases(godwit):
        print(f"{'ok' if holds else 'not ok'} {name}", flush=True)
        tally[bool(holds)] += 1
    print(f"{tally[True]} passed, {tally[False]} failed")
    return 1 if tally[False] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
