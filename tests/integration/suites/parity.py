"""Debian's mosquitto and Godwit with the same ACL file: who may publish and read what. Files and questions are made from a seed
(GODWIT_SEED; printed); where the answers differ, docs/policy.md must say so, and ours must be the stricter one."""
import json
import os
import random
import threading
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

import paho.mqtt.client as paho

from lib.brokers import Godwit, free_port, host_and_port
from lib.program import Program

FILES = 10
SECONDS = 20
LEVELS = ('a', 'b', 'u1', 'c1', 'c2')
USERS = (None, 'u1', 'u2')
ORDINARY = [(user, client) for user in USERS for client in ('c1', 'c2')]
HOSTILE = [('u1', '+'), (None, 'a/c1'), ('+', 'c1'), ('u1/a', 'c2'), ('#', '#')]
PATTERN_DENY, HOSTILE_NAME = 'pattern deny against an own topic', 'hostile name against a pattern'


def filters(dice, places):
    """A filter of one to three levels."""
    words = LEVELS[:2] + ('+', '+') + (places or LEVELS[2:])
    levels = [dice.choice(words) for _ in range(dice.randint(1, 3))]
    if len(levels) > 1 and dice.random() < 0.5:
        levels[-1] = '#'
    return '/'.join(levels)


def make_acl(dice):
    """Sections for everybody, and patterns. The fence and root's rules are what the test itself needs."""
    def rules(word, count, places=()):
        lines = []
        for _ in range(count):
            access = dice.choice(('read ', 'write ', 'readwrite ', '', 'deny '))
            rule = filters(dice, places)
            if access == 'deny ' and rule[0] not in LEVELS[:2]:  # the fence must come through
                rule = 'a/' + rule
            lines.append(f'{word} {access}{rule}')
        return lines
    lines = ['# anonymous clients', 'topic read fence/#', *rules('topic', dice.randint(2, 4))]
    for user in ('u1', 'u2', '+', 'u1/a', '#'):
        lines += [f'user {user}', 'topic read fence/#', *rules('topic', dice.randint(2, 5))]
    lines += ['user root', 'topic readwrite #', *rules('pattern', dice.randint(1, 5), ('%c', '%u', 'x%c'))]
    return '\n'.join(lines) + '\n'


# Where both brokers are known to differ: see justification().
KNOWN = 'topic read fence/#\n' + ''.join(
    f'user {user}\ntopic read fence/#\ntopic readwrite a/#\n' for user in ('u1', 'u2', '+', 'u1/a', '#')
) + 'user root\ntopic readwrite #\npattern deny a/%u\npattern readwrite b/%c\n'


def make_topics(dice):
    topics = ['/'.join(dice.choice(LEVELS) for _ in range(dice.randint(1, 3))) for _ in range(9)]
    return sorted({*topics, 'a', 'a/c1', 'a/u1', 'u1/a', 'xc1'})


class Mosquitto:
    def __init__(self, folder, acl):
        port = free_port()
        file = Path(folder) / 'mosquitto.conf'
        file.write_text(f'user root\nallow_anonymous true\nlistener {port} 127.0.0.1\nacl_file {acl}\n')
        self.program = Program(['/usr/sbin/mosquitto', '-c', file])
        self.program.err.wait_for(lambda line: line.endswith(' running'), SECONDS, 'mosquitto')
        self.where = ('127.0.0.1', port)

    def stop(self):
        self.program.stop()


class Ours:
    def __init__(self, context, folder, acl):
        config = f'[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[auth]\nacl_file = "{acl}"\n'
        self._broker = Godwit(context.broker, folder, (), context.shard_options(), config).start()
        self.where = host_and_port(self._broker.endpoints['tcp'])

    def line(self, client, action, topic):
        """The line that decides for a client that is there."""
        query = urllib.parse.urlencode({'client': client, 'action': action, 'topic': topic})
        with urllib.request.urlopen(f'{self._broker.endpoints["admin"]}/api/explain?{query}', timeout=5) as reply:
            return json.load(reply)['line']

    def stop(self):
        self._broker.stop()


class Peer:
    """A Paho client that keeps the payloads it got."""

    def __init__(self, where, user, client_id):
        self.got, self._changed, self._done = set(), threading.Condition(), 0
        self.client = paho.Client(client_id, clean_session=True, protocol=paho.MQTTv311)
        if user is not None:
            self.client.username_pw_set(user, 'any')
        self.client.on_message = lambda _client, _data, message: self._note(message.payload.decode())
        self.client.on_subscribe = lambda *_: self._count()
        self.client.on_publish = lambda *_: self._count()
        self.client.connect(*where)
        self.client.loop_start()
        self._await(1, lambda: self.client.subscribe('#', 0), 'SUBACK')

    def _note(self, payload):
        with self._changed:
            self.got.add(payload)
            self._changed.notify_all()

    def _count(self):
        with self._changed:
            self._done += 1
            self._changed.notify_all()

    def _await(self, count, act, what):
        with self._changed:
            wanted = self._done + count
        act()
        with self._changed:
            assert self._changed.wait_for(lambda: self._done >= wanted, SECONDS), f'{what}: not within {SECONDS} s'

    def publish(self, pairs):
        """At QoS 1, one by one acknowledged; both brokers acknowledge what they refuse."""
        self._await(len(pairs), lambda: [self.client.publish(topic, payload, 1) for topic, payload in pairs], 'PUBACK')

    def await_payload(self, payload):
        with self._changed:
            assert self._changed.wait_for(lambda: payload in self.got, SECONDS), f'{payload}: not within {SECONDS} s'

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


def answers(broker, who, topics):
    """{(user, client, action, topic)} of what is allowed. One client at a time: what the others read does not matter."""
    allowed = set()
    root = Peer(broker.where, 'root', 'root')
    lines = {}
    for number, (user, client_id) in enumerate(who):
        peer = Peer(broker.where, user, client_id)
        peer.publish([(topic, f'write {number} {topic}') for topic in topics])
        root.publish([(topic, f'read {number} {topic}') for topic in topics] + [('fence/all', f'fence {number}')])
        peer.await_payload(f'fence {number}')
        root.await_payload(f'fence {number}')
        for topic in topics:
            if f'write {number} {topic}' in root.got:
                allowed.add((user, client_id, 'publish', topic))
            if f'read {number} {topic}' in peer.got:
                allowed.add((user, client_id, 'receive', topic))
            if isinstance(broker, Ours):
                for action in ('publish', 'receive'):
                    lines[user, client_id, action, topic] = broker.line(client_id, action, topic)
        peer.stop()
    root.stop()
    return allowed, lines


def justification(question, line, acl):
    """Why Godwit may deny what mosquitto allows; None: it may not."""
    user, client_id, _, _ = question
    rule = acl.splitlines()[line - 1] if line else ''
    if any(set(name or '') & set('+#/') for name in (user, client_id)):
        return HOSTILE_NAME
    return PATTERN_DENY if rule.startswith('pattern deny') else None


def compare(context, folder, dice, acl, who, counts):
    """The questions that are answered otherwise without a good reason."""
    (folder / 'acl').write_text(acl)
    topics = make_topics(dice)
    said = []
    for make in (lambda: Mosquitto(folder, folder / 'acl'), lambda: Ours(context, folder, folder / 'acl')):
        broker = make()
        try:
            said.append(answers(broker, who, topics))
        finally:
            broker.stop()
    (theirs, _), (ours, lines) = said
    bad = []
    for user, client_id in who:
        for action in ('publish', 'receive'):
            for topic in topics:
                question = (user, client_id, action, topic)
                counts['questions'] += 1
                counts['allowed'] += question in ours
                if (question in theirs) == (question in ours):
                    continue
                reason = justification(question, lines[question], acl) if question in theirs else None
                if reason:
                    counts[reason] += 1
                else:
                    bad.append(f'{question}: mosquitto {question in theirs}, godwit {question in ours}, line {lines[question]}')
    return bad


def run(context):
    if not context.is_godwit:
        return context.report.skip('parity: ACL files', 'about godwit')
    seed = int(os.environ.get('GODWIT_SEED', '5'))
    for name, who in (('ordinary names', ORDINARY), ('hostile names', HOSTILE)):
        counts = Counter()
        dice = random.Random(f'{seed} {name}')
        fact = f'parity: an ACL file means the same to mosquitto and here, {name} (seed {seed})'
        problem = None
        for number in range(FILES):
            acl = make_acl(dice) if number else KNOWN
            try:
                bad = compare(context, context.folder(f'parity-{name.split()[0]}-{number}'), dice, acl, who, counts)
            except (AssertionError, OSError) as fault:
                bad = [str(fault)]
            if bad:
                problem = f'{len(bad)} of file {number}: {bad[0]}\n{acl}'
                break
        print(f'# parity, {name}: ' + ', '.join(f'{what} {count}' for what, count in sorted(counts.items())), flush=True)
        if problem:
            context.report.failed(fact, problem)
        else:
            context.report.ok(fact)
