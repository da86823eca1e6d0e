"""mosquitto_pub and mosquitto_sub behind the same calls as a Driver: a process per subscription and per publish."""
import hashlib
import os
import subprocess
import threading
from urllib.parse import urlsplit

from lib.driver import Inbox, Message, Refused
from lib.program import Deadline, run

VERSIONS = {'3.1': 'mqttv31', '3.1.1': 'mqttv311', '5.0': 'mqttv5'}
FORMAT = '=message %t %q %r %l\\n%p'


def address_options(url, ca):
    """The options of both programs that lead to `url`."""
    where = urlsplit(url)
    if where.scheme == 'unix':
        return ['--unix', where.path]
    options = ['-h', where.hostname, '-p', str(where.port)]
    return options + ['--cafile', ca] if where.scheme == 'mqtts' else options


class Subscriber:
    """One mosquitto_sub; its output is parsed by length, so payloads may hold any byte."""

    def __init__(self, options, inbox):
        self._inbox = inbox
        self._subscribed = threading.Event()
        self._popen = subprocess.Popen(['stdbuf', '-oL', 'mosquitto_sub', '-d', '-F', FORMAT, *options],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, daemon=True).start()
        if not self._subscribed.wait(10) or self._popen.poll() is not None:
            self.stop()
            raise Deadline('mosquitto_sub: no SUBACK in 10 s')

    def _read(self):
        lines = self._popen.stdout
        for line in lines:
            if line.startswith(b'Subscribed (mid'):
                self._subscribed.set()
            if line.startswith(b'=message '):
                _, topic, qos, retain, length = line.decode().split(' ')
                payload = lines.read(int(length))
                lines.read(1)
                self._inbox.put(Message(topic, int(qos), int(retain), len(payload),
                                        hashlib.sha256(payload).hexdigest()))
        self._subscribed.set()

    def stop(self):
        self._popen.terminate()
        self._popen.wait(5)


class MosquittoClients:
    name = 'mosquitto'

    def __init__(self, ca):
        self._ca = ca
        self._options = {}
        self._inboxes = {}
        self._subscribers = {}
        self._publish_count = 0

    def start(self):
        pass

    def stop(self):
        for subscriber in self._subscribers.values():
            subscriber.stop()
        self._subscribers.clear()

    def connect(self, name, url, version):
        self._options[name] = ['-V', VERSIONS[version], *address_options(url, self._ca)]
        self._inboxes[name] = Inbox()

    def subscribe(self, name, topic, qos):
        options = ['-i', name, '-t', topic, '-q', str(qos), *self._options[name]]
        self._subscribers[name, topic] = Subscriber(options, self._inboxes[name])

    def unsubscribe(self, name, topic):
        self._subscribers.pop((name, topic)).stop()

    def publish(self, name, topic, qos, file):
        payload = ['-f', file] if os.path.getsize(file) else ['-n']
        self._publish_count += 1  # one client id twice would be a takeover while the first is still read
        done = run(['mosquitto_pub', '-i', f'{name}-{self._publish_count}', '-t', topic, '-q', str(qos), *payload,
                    *self._options[name]], 60)
        if done.returncode != 0 or done.stderr:
            raise Refused(f'mosquitto_pub: status {done.returncode} {done.stderr.strip()}')

    def receive(self, name, count, seconds):
        return self._inboxes[name].take(count, seconds)

    def disconnect(self, name):
        for key in [key for key in self._subscribers if key[0] == name]:
            self.unsubscribe(*key)
