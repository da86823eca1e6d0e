#!/usr/bin/python3
"""Client driver for Eclipse Paho Python 1.6 (python3-paho-mqtt); see drivers/README.md."""
import hashlib
import ssl
import sys
import threading
from urllib.parse import urlsplit

import paho.mqtt.client as paho

VERSIONS = {'3.1': paho.MQTTv31, '3.1.1': paho.MQTTv311, '5.0': paho.MQTTv5}
ANSWER_SECONDS = 60


class Failed(Exception):
    pass


class Client:
    def __init__(self, name, url, version, ca):
        where = urlsplit(url)
        if where.scheme == 'unix':
            raise Failed('Paho Python 1.6 has no Unix sockets')
        web = where.scheme in ('ws', 'wss')
        self._plain_web = where.scheme == 'ws'
        options = {} if version == '5.0' else {'clean_session': True}
        self._name = name
        self._answered = threading.Event()
        self._paho = paho.Client(name, protocol=VERSIONS[version],
                                 transport='websockets' if web else 'tcp', **options)
        if web:
            self._paho.ws_set_options(path=where.path or '/')
        if where.scheme in ('mqtts', 'wss'):
            self._paho.tls_set(ca, cert_reqs=ssl.CERT_REQUIRED)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_unsubscribe = lambda *_: self._answer(None)
        self._paho.on_message = self._on_message
        self._problem = None
        self._paho.connect(where.hostname, where.port)
        self._paho.loop_start()
        self._wait('CONNACK')

    def _answer(self, problem):
        self._problem = problem
        self._answered.set()

    def _wait(self, what):
        if not self._answered.wait(ANSWER_SECONDS):
            raise Failed(f'no {what}')
        self._answered.clear()
        if self._problem:
            raise Failed(self._problem)

    def _on_connect(self, _client, _userdata, _flags, code, *_):
        refused = code.is_failure if hasattr(code, 'is_failure') else getattr(code, 'value', code) != 0
        self._answer(f'CONNACK {code}' if refused else None)

    def _on_subscribe(self, _client, _userdata, _mid, granted, *_):
        codes = [getattr(code, 'value', code) for code in granted]
        self._answer(f'SUBACK {codes}' if max(codes) > 2 else None)

    def _on_message(self, _client, _userdata, message):
        digest = hashlib.sha256(message.payload).hexdigest()
        say('message', self._name, message.topic, message.qos, int(message.retain),
            len(message.payload), digest)

    def subscribe(self, topic, qos):
        self._paho.subscribe(topic, int(qos))
        self._wait('SUBACK')

    def unsubscribe(self, topic):
        self._paho.unsubscribe(topic)
        self._wait('UNSUBACK')

    def publish(self, topic, qos, file):
        if self._plain_web:
            # Paho Python forgets a packet that the socket takes in more than one piece; a blocking one takes it whole.
            self._paho.socket().setblocking(True)
        with open(file, 'rb') as payload:
            sent = self._paho.publish(topic, payload.read(), int(qos))
        sent.wait_for_publish(ANSWER_SECONDS)
        if not sent.is_published():
            raise Failed('no acknowledgement of PUBLISH')

    def disconnect(self):
        self._paho.disconnect()
        self._paho.loop_stop()


def say(*words):
    sys.stdout.write(' '.join(str(word) for word in words) + '\n')
    sys.stdout.flush()


def main():
    ca = sys.argv[1]
    clients = {}
    for line in sys.stdin:
        verb, name, *rest = line.split()
        try:
            if verb == 'connect':
                clients[name] = Client(name, rest[0], rest[1], ca)
            elif verb == 'disconnect':
                clients.pop(name).disconnect()
            else:
                getattr(clients[name], verb)(*rest)
            say('done')
        except Exception as problem:  # any fault of the client is the answer to the line
            say('failed', type(problem).__name__, problem)


main()
