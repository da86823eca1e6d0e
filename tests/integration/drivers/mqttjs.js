// Client driver for MQTT.js; see drivers/README.md.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const readline = require('readline');
const mqtt = require('mqtt');

const LEVELS = { '3.1': 3, '3.1.1': 4, '5.0': 5 };
const ca = fs.readFileSync(process.argv[2]);
const clients = new Map();

function say(...words) {
  process.stdout.write(words.join(' ') + '\n');
}

function connect(name, url, version) {
  const level = LEVELS[version];
  const client = mqtt.connect(url.replace(/^unix:/, 'mqtt+unix://'), {
    ca,
    clientId: name,
    protocolVersion: level,
    protocolId: level === 3 ? 'MQIsdp' : 'MQTT',
    clean: true,
    reconnectPeriod: 0,
  });
  clients.set(name, client);
  client.on('message', (topic, payload, packet) => {
    const digest = crypto.createHash('sha256').update(payload).digest('hex');
    say('message', name, topic, packet.qos, packet.retain ? 1 : 0, payload.length, digest);
  });
  return new Promise((resolve, reject) => {
    client.once('connect', resolve);
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed by the broker')));
  });
}

async function subscribe(name, topic, qos) {
  const granted = await clients.get(name).subscribeAsync(topic, { qos: Number(qos) });
  if (granted.some((one) => one.qos > 2)) throw new Error('SUBACK ' + granted[0].qos);
}

const verbs = {
  connect,
  subscribe,
  unsubscribe: (name, topic) => clients.get(name).unsubscribeAsync(topic),
  publish: (name, topic, qos, file) =>
    clients.get(name).publishAsync(topic, fs.readFileSync(file), { qos: Number(qos) }),
  disconnect: async (name) => {
    await clients.get(name).endAsync();
    clients.delete(name);
  },
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [verb, ...rest] = line.split(' ');
    try {
      await verbs[verb](...rest);
      say('done');
    } catch (problem) {
      say('failed', String(problem.message || problem).replace(/\s+/g, ' '));
    }
  }
  process.exit(0);
}

main();
