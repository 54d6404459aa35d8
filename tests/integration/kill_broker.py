"""The broker of the kill test: always the same port and directory, started again and again, and killed at will."""
import os
import random
import signal
import socket
import statistics
import threading
import time

import harness

# Below the range from which the kernel takes ports for connections: nobody else gets it between two starts.
PORTS = range(26000, 26500)
HELD, HELD_S = "is in use by another program", 5


class BrokerEnded(Exception):
    """The broker ended by itself."""


class EarlyKilled(harness.Broker):
    """A broker that gets SIGKILL some time after its start, ready or not. How it ended is added to `statuses`."""

    def __init__(self, directory, overrides, port, kill_after_s, statuses):
        self.kill_after_s, self.statuses = kill_after_s, statuses
        super().__init__(directory, overrides, port)

    def _read(self):
        timer = threading.Timer(self.kill_after_s, self.process.kill)
        timer.start()
        super()._read()
        self.statuses.append(self.process.wait())
        timer.cancel()


def free_port():
    """A port of PORTS that nobody listens on; processes look at different ones first."""
    ports = list(PORTS)
    random.Random(os.getpid()).shuffle(ports)
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no free port")


class Killable:
    """`directory` has the data; the log of every life is appended to `log_path`."""

    def __init__(self, directory, log_path, overrides):
        self.directory, self.log_path, self.overrides = directory, log_path, list(overrides)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.broker = None
        self.start_count = self.recovery_kill_count = self.held_count = 0
        self.restart_s = []

    def start(self, cores):
        """Ready when it returns. Starts behind the first count as restarts."""
        self._log(f"start with {cores} cores")
        begin = time.monotonic()
        while True:
            try:
                self.broker = harness.Broker(self.directory, [*self.overrides, f"ringlog.cores={cores}"], self.port)
                break
            except harness.StartFailed as failed:
                self._log(str(failed))
                if not self._is_held(str(failed)) or time.monotonic() - begin > HELD_S:
                    raise
        if self.start_count > 0:
            self.restart_s.append(time.monotonic() - begin)
        self.start_count += 1

    def start_and_kill(self, cores, kill_after_s):
        """Whether the kill met it before it was ready."""
        self._log(f"start with {cores} cores, SIGKILL {kill_after_s * 1000:.1f} ms later")
        statuses = []
        try:
            broker = EarlyKilled(self.directory, [*self.overrides, f"ringlog.cores={cores}"], self.port, kill_after_s,
                                 statuses)
            broker.process.wait()
            broker.reader.join()
            early, text = False, broker.log()
        except harness.StartFailed as failed:
            early, text = True, str(failed)
        self._log(f"{text}ended with status {statuses[0]}")
        if self._is_held(text):
            return False
        if statuses[0] != -signal.SIGKILL:
            raise BrokerEnded(f"status {statuses[0]} before it was killed; the end of its log:\n{text[-3000:]}")
        self.recovery_kill_count += early
        return early

    def _is_held(self, text):
        """Whether a start was refused because the kernel has not yet taken the port from the process that was killed:
        its rings end a moment after it does."""
        held = HELD in text
        self.held_count += held
        return held

    def check(self):
        """Raises if it is not running any more."""
        status = self.broker.process.poll()
        if status is not None:
            self.broker.kill()
            raise BrokerEnded(f"status {status}; the end of its log:\n{self.broker.log()[-3000:]}")

    def kill(self):
        self.check()
        self.broker.kill()
        self._ended(self.broker.process.returncode, -signal.SIGKILL)

    def stop(self):
        """SIGTERM; it must end with status 0."""
        self.check()
        self._ended(self.broker.stop(), 0)

    def _ended(self, status, expected):
        self.broker.reader.join()
        self._log(f"{self.broker.log()}ended with status {status}")
        if status != expected:
            raise BrokerEnded(f"status {status} instead of {expected}; the end of its log:\n{self.broker.log()[-3000:]}")

    def end(self):
        """Whatever happened: nothing runs any more."""
        if self.broker is not None and self.broker.process.poll() is None:
            self.broker.kill()
            self._log(f"{self.broker.log()}killed at the end of the test")

    def _log(self, text):
        with open(self.log_path, "a", encoding="utf-8") as log:
            log.write(f"--- {time.monotonic_ns()} {text.rstrip()}\n")

    def restart_text(self):
        if not self.restart_s:
            return "no restart"
        return (f"{self.held_count} starts met a port that the dead broker still held; restart p50 {statistics.median(self.restart_s) * 1000:.0f} ms, "
                f"max {max(self.restart_s) * 1000:.0f} ms")
