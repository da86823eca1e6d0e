"""The clients of a loop: each library as publisher and subscriber, in both versions and at both QoS that are acknowledged."""
import threading

from lib import clients
from lib.program import Deadline, Program
from loop import HERE

DRIVERS = {
    'paho': ['/usr/bin/python3', HERE / 'clients' / 'paho_python.py'],
    'mqttjs': ['node', HERE / 'clients' / 'mqttjs.js'],
}
VERSIONS = ('3.1.1', '5.0')
DRIVER_SECONDS = 10 * 24 * 3600  # a driver says nothing for as long as it is asked nothing


class Fleet:
    """Starts the drivers; what they say goes to the ledger."""

    def __init__(self, ledger):
        clients.need_mqttjs()
        clients.need_paho_python()
        self._ledger = ledger
        self._drivers = {library: self._start(command) for library, command in DRIVERS.items()}
        self._driver_of = {}
        self.publishers = []
        self.subscribers = []

    def _start(self, command):
        driver = Program(command, env={'NODE_PATH': str(clients.NODE_MODULES)})
        threading.Thread(target=self._read, args=(driver,), daemon=True).start()
        return driver

    def _read(self, driver):
        try:
            while True:
                self._ledger.take(driver.out.wait_for(lambda _: True, DRIVER_SECONDS, 'a line'))
        except Deadline:
            pass  # it has ended

    def _ask(self, verb, name, *words):
        self._driver_of[name].write_line(' '.join(map(str, (verb, name, *words))))

    def connect(self, host, port):
        """Every client; returns when all sessions are there and subscribed, so that all that is published is for all of them."""
        for library, driver in self._drivers.items():
            for version in VERSIONS:
                for number in (1, 2):
                    self._add(self.subscribers, f'sub-{library}-{version}-{number}', driver)
                    self._ask('subscriber', self.subscribers[-1], host, port, version)
                for qos in (1, 2):
                    self._add(self.publishers, f'pub-{library}-{version}-qos{qos}', driver)
                    self._ask('publisher', self.publishers[-1], host, port, version, qos)
        self.await_online(self.publishers + self.subscribers)

    def _add(self, names, name, driver):
        names.append(name)
        self._driver_of[name] = driver

    def await_online(self, names):
        state = self._ledger.state
        self._ledger.wait_until(lambda: all(state.get(name) == 'online' for name in names), 'all clients online')

    def set_offline(self, offline):
        """These subscribers leave, all the others come back; returns when that is so."""
        state = self._ledger.state
        for name in self.subscribers:
            if (state[name] == 'offline') != (name in offline):
                self._ask('offline' if name in offline else 'online', name)
        self._ledger.wait_until(lambda: all(state[name] == 'offline' for name in offline), 'subscribers offline')
        self.await_online([name for name in self.subscribers if name not in offline])

    def grant(self, count):
        """Lets every publisher send that many messages more."""
        for name in self.publishers:
            self._ledger.granted[name] += count
            self._ask('grant', name, count)

    def stop(self):
        for driver in self._drivers.values():
            driver.close_stdin()
            driver.stop()
