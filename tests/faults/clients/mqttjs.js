// Load driver for MQTT.js; see README.md.
'use strict';
const readline = require('readline');
const mqtt = require('mqtt');

const WINDOW = 20;
const RETRY_MS = 100;
const EXPIRY_SECONDS = 3600;
const PADDING = 'x'.repeat(100);
const PACKET_ID_NOT_FOUND = 0x92;

function say(...words) {
  process.stdout.write(words.join(' ') + '\n');
}

function nowMs() {
  return Number(process.hrtime.bigint() / 1000000n);
}

// One session: its stores live as long as it does, whatever becomes of connections and of the library's client object.
class Client {
  constructor(name, host, port, version) {
    this.name = name;
    this.isOnline = false;
    const five = version === '5.0';
    this.options = {
      host,
      port: Number(port),
      clientId: name,
      protocolVersion: five ? 5 : 4,
      clean: false,
      resubscribe: false,
      reconnectPeriod: RETRY_MS,
      incomingStore: new mqtt.Store({ clean: false }),
      outgoingStore: new mqtt.Store({ clean: false }),
      ...(five ? { properties: { sessionExpiryInterval: EXPIRY_SECONDS } } : {}),
    };
    this.online();
  }

  online() {
    if (this.mqtt) return;
    const client = mqtt.connect(this.options);
    this.mqtt = client;
    client.on('connect', (connack) => {
      if (client === this.mqtt) this.onSession(connack.sessionPresent); // one that is leaving may still get there
    });
    client.on('message', (topic, payload, packet) => this.onMessage(payload, packet));
    client.on('close', () => {
      if (client === this.mqtt) this.onClose();
    });
    client.on('error', (problem) => {
      if (client === this.mqtt && !/ECONN|EPIPE/.test(problem.code)) say('fault', this.name, String(problem.message).replace(/\s+/g, ' '));
    });
  }

  async offline() {
    const leaving = this.mqtt;
    this.mqtt = null;
    this.isOnline = false;
    if (leaving) await leaving.endAsync();
    say('offline', this.name, nowMs());
  }

  onClose() {
    if (this.isOnline) say('cut', this.name, nowMs());
    this.isOnline = false;
  }

  saysOnline(present) {
    this.isOnline = true;
    say('online', this.name, present ? 1 : 0, nowMs());
  }

  onSession(present) {
    this.saysOnline(present);
  }

  onMessage() {}
}

class Subscriber extends Client {
  onSession(present) {
    if (present) return this.saysOnline(present);
    this.mqtt.subscribe('load/#', { qos: 2 }, (problem) => {
      if (!problem) this.saysOnline(false);
    });
  }

  onMessage(payload, packet) {
    const [publisher, seq] = payload.toString().split(' ', 2);
    say('got', this.name, publisher, seq, packet.qos, packet.dup ? 1 : 0, nowMs());
  }
}

class Publisher extends Client {
  constructor(name, host, port, version, qos) {
    super(name, host, port, version);
    this.qos = Number(qos);
    this.granted = 0;
    this.last = 0;
    this.inFlight = 0;
  }

  grant(count) {
    this.granted += Number(count);
    this.fillWindow();
  }

  onSession(present) {
    this.saysOnline(present);
    this.fillWindow();
  }

  fillWindow() {
    while (this.isOnline && this.last < this.granted && this.inFlight < WINDOW) this.publish(++this.last);
  }

  publish(seq) {
    this.inFlight += 1;
    say('sent', this.name, seq, nowMs());
    this.mqtt.publish(`load/${this.name}`, `${this.name} ${seq} ${PADDING}`, { qos: this.qos }, (problem) => {
      this.inFlight -= 1;
      const refused = problem && problem.code !== PACKET_ID_NOT_FOUND;
      say(...(refused ? ['refused', this.name, seq, problem.code || 'unknown'] : ['acked', this.name, seq]), nowMs());
      this.fillWindow();
    });
  }
}

async function main() {
  const kinds = { publisher: Publisher, subscriber: Subscriber };
  const clients = new Map();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [verb, name, ...rest] = line.split(' ');
    if (kinds[verb]) clients.set(name, new kinds[verb](name, ...rest));
    else await clients.get(name)[verb](...rest);
  }
  process.exit(0);
}

main();
