"""The clients that this project did not write: how each is built and started, and what it cannot do."""
import shutil
import subprocess
from pathlib import Path

from lib.driver import Driver
from lib.mosquitto_clients import MosquittoClients

HERE = Path(__file__).resolve().parent.parent
NODE_MODULES = HERE / 'node_modules'
TRANSPORTS = ('tcp', 'tls', 'ws', 'wss', 'unix')
VERSIONS = ('3.1', '3.1.1', '5.0')

# (client, transport) -> why there is no such cell. Each was tried, with the versions of Debian 12.
IMPOSSIBLE = {
    ('mosquitto', 'ws'): 'mosquitto_pub and mosquitto_sub 2.0.11 have no WebSocket',
    ('mosquitto', 'wss'): 'mosquitto_pub and mosquitto_sub 2.0.11 have no WebSocket',
    ('paho-c', 'unix'): 'Paho C 1.3.12 has no Unix sockets (unix:// came with 1.3.14)',
    ('paho-python', 'unix'): 'Paho Python 1.6.1 has no Unix sockets (they came with 2.1)',
}


class Missing(Exception):
    """A client is not installed; the message names the package."""


def _build_paho_c(folder):
    program = Path(folder) / 'paho_c'
    if program.exists():
        return program
    source = HERE / 'drivers' / 'paho_c.c'
    if not Path('/usr/include/MQTTClient.h').exists():
        raise Missing('MQTTClient.h is not there: install libpaho-mqtt-dev')
    built = subprocess.run(['cc', '-std=c11', '-O1', '-Wall', '-Wextra', '-o', program, source,
                            '-lpaho-mqtt3cs', '-lcrypto', '-lpthread'], capture_output=True, text=True)
    if built.returncode != 0:
        raise Missing(f'drivers/paho_c.c does not build: {built.stderr.strip()}')
    return program


def need_mqttjs():
    """Installs MQTT.js where it is missing; Node finds it in NODE_MODULES. Raises Missing."""
    if not shutil.which('node'):
        raise Missing('node is not there: install nodejs and npm')
    if not (NODE_MODULES / 'mqtt').exists():
        done = subprocess.run(['npm', 'ci', '--no-audit', '--no-fund'], cwd=HERE, capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise Missing(f'npm ci in tests/integration: {done.stderr.strip()[-300:]}')


def need_paho_python():
    """Raises Missing."""
    if subprocess.run(['/usr/bin/python3', '-c', 'import paho.mqtt.client'], capture_output=True).returncode != 0:
        raise Missing('the module paho is not there: install python3-paho-mqtt')


def make(name, folder, ca):
    """A client by its name; `folder` takes what is built. Raises Missing."""
    if name == 'mosquitto':
        if not shutil.which('mosquitto_sub'):
            raise Missing('mosquitto_sub is not there: install mosquitto-clients')
        return MosquittoClients(ca)
    if name == 'paho-c':
        return Driver(name, [_build_paho_c(folder), ca])
    if name == 'paho-python':
        need_paho_python()
        return Driver(name, ['/usr/bin/python3', HERE / 'drivers' / 'paho_python.py', ca])
    need_mqttjs()
    return Driver(name, ['node', HERE / 'drivers' / 'mqttjs.js', ca])


NAMES = ('mosquitto', 'paho-c', 'paho-python', 'mqttjs')
