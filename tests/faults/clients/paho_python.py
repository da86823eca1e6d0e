#!/usr/bin/python3
"""Load driver for Eclipse Paho Python 1.6 (python3-paho-mqtt); see README.md."""
import sys
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

WINDOW = 20
RETRY_SECONDS = 0.1
TURN_SECONDS = 0.02
EXPIRY_SECONDS = 3600
PADDING = 'x' * 100
FAILURE = 0x80
PACKET_ID_NOT_FOUND = 0x92

output = threading.Lock()


def say(*words):
    with output:
        sys.stdout.write(' '.join(map(str, words)) + '\n')
        sys.stdout.flush()


def now_ms():
    return int(time.monotonic() * 1000)


class ReasonedClient(paho.Client):
    """Paho 1.6 reads the reason codes of PUBACK, PUBREC and PUBCOMP and tells nobody: here they are kept by packet id.
    And when two attempts to connect follow each other, it forgets that PUBREC had come: here it does not."""

    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        self.refusals = {}  # packet id -> reason code of failure

    def _keep_reason(self):
        packet = self._in_packet['packet']
        if len(packet) > 2 and packet[2] >= FAILURE and packet[2] != PACKET_ID_NOT_FOUND:
            self.refusals[int.from_bytes(packet[:2], 'big')] = packet[2]

    def _messages_reconnect_reset_out(self):
        released = [message for message in self._out_messages.values() if message.state == paho.mqtt_ms_resend_pubrel]
        super()._messages_reconnect_reset_out()
        for message in released:
            message.state = paho.mqtt_ms_resend_pubrel

    def _handle_pubrec(self):
        self._keep_reason()
        return super()._handle_pubrec()

    def _handle_pubackcomp(self, cmd):
        self._keep_reason()
        return super()._handle_pubackcomp(cmd)


def paho_client(name, host, port, version):
    """A client with a session that stays, not yet connected."""
    if version == '5.0':
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = EXPIRY_SECONDS
        client = ReasonedClient(name, protocol=paho.MQTTv5)
        client.connect_async(host, int(port), clean_start=False, properties=properties)
    else:
        client = ReasonedClient(name, clean_session=False, protocol=paho.MQTTv311)
        client.connect_async(host, int(port))
    client.max_inflight_messages_set(2 * WINDOW)  # the window is kept here
    return client


class Client:
    """One session. Everything of the library happens in its own thread, so that nothing overtakes a resend."""

    def __init__(self, name, host, port, version):
        self.name = name
        self.paho = paho_client(name, host, port, version)
        self.paho.on_connect = self._on_connect
        self._is_online = False
        self._wanted = True
        self._changed = threading.Condition()

    def start(self):
        threading.Thread(target=self._run, daemon=True).start()

    def want(self, online):
        with self._changed:
            self._wanted = online
            self._changed.notify_all()

    def _run(self):
        while True:
            self._serve_one_connection()
            was_online, self._is_online = self._is_online, False
            if was_online and self._wanted:
                say('cut', self.name, now_ms())
            with self._changed:
                left = self._changed.wait_for(lambda: not self._wanted, RETRY_SECONDS)
                if left:
                    say('offline', self.name, now_ms())
                self._changed.wait_for(lambda: self._wanted)

    def _serve_one_connection(self):
        try:
            self.paho.reconnect()
            while self.paho.loop(TURN_SECONDS) == paho.MQTT_ERR_SUCCESS:
                if not self._wanted:
                    self.paho.disconnect()
                elif self._is_online:
                    self.turn()
        except OSError:
            pass  # the broker is not there
        except Exception as problem:  # whatever the library does is to be seen, and the next connection is tried
            say('fault', self.name, type(problem).__name__, problem)

    def _on_connect(self, _client, _userdata, flags, code, *_):
        if getattr(code, 'value', code) == 0:
            self.on_session(flags['session present'])

    def says_online(self, present):
        self._is_online = True
        say('online', self.name, present, now_ms())

    def on_session(self, present):
        self.says_online(present)

    def turn(self):
        """Once a turn of the loop, while online."""


class Subscriber(Client):
    def __init__(self, name, host, port, version):
        super().__init__(name, host, port, version)
        self.paho.on_message = self._on_message
        self.paho.on_subscribe = lambda *_: self.says_online(0)

    def on_session(self, present):
        if present:
            self.says_online(1)
        else:
            self.paho.subscribe('load/#', 2)

    def _on_message(self, _client, _userdata, message):
        publisher, seq, _ = message.payload.decode().split(' ', 2)
        say('got', self.name, publisher, seq, message.qos, int(message.dup), now_ms())


class Publisher(Client):
    def __init__(self, name, host, port, version, qos):
        super().__init__(name, host, port, version)
        self._qos = int(qos)
        self._granted = 0
        self._last = 0
        self._seq_of = {}  # packet id -> sequence, in flight
        self.paho.on_publish = self._on_publish

    def grant(self, count):
        self._granted += count  # only the driver's main thread writes it

    def turn(self):
        while self._last < self._granted and len(self._seq_of) < WINDOW:
            self._last += 1
            say('sent', self.name, self._last, now_ms())
            sent = self.paho.publish(f'load/{self.name}', f'{self.name} {self._last} {PADDING}', self._qos)
            self._seq_of[sent.mid] = self._last

    def _on_publish(self, _client, _userdata, mid):
        seq, code = self._seq_of.pop(mid), self.paho.refusals.pop(mid, None)
        say(*(('refused', self.name, seq, code) if code else ('acked', self.name, seq)), now_ms())


def main():
    kinds = {'publisher': Publisher, 'subscriber': Subscriber}
    clients = {}
    for line in sys.stdin:
        verb, name, *rest = line.split()
        if verb in kinds:
            clients[name] = kinds[verb](name, *rest)
            clients[name].start()
        elif verb == 'grant':
            clients[name].grant(int(rest[0]))
        else:
            clients[name].want(verb == 'online')


main()
