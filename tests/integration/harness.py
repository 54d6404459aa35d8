"""Starts brokers for the integration tests, and waits for what they say. Every port is a free one of the loopback.

RINGLOG_BINARY names the program; RINGLOG_TEST_OVERRIDES adds "key=value" pairs, separated by spaces, to every start, so
that the same tests run with another backend or another number of cores.
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

BINARY = os.environ.get("RINGLOG_BINARY", "build/release/ringlog")
OVERRIDES = os.environ.get("RINGLOG_TEST_OVERRIDES", "").split()
PATIENCE_S = 60


class StartFailed(Exception):
    """The broker ended instead of being ready; the text is what it said."""


class Broker:
    """One broker process. `port` and `admin_port` are known when it is ready."""

    def __init__(self, directory, overrides=(), port=0, listeners=None):
        self.directory = directory
        self.lines = []
        self.ready = threading.Event()
        self.ports = {}
        self.admin_port = None
        listeners = listeners or f"PLAINTEXT://127.0.0.1:{port}"
        settings = [f"listeners={listeners}", f"log.dirs={directory}",
                    "ringlog.admin.listener=127.0.0.1:0", "ringlog.journal.bytes=64MiB",
                    "ringlog.window.bytes=16MiB", *OVERRIDES, *overrides]
        command = [BINARY, "start"]
        for setting in settings:
            command += ["--override", setting]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        deadline = time.monotonic() + PATIENCE_S
        while not self.ready.wait(0.01):
            if self.process.poll() is not None:
                self.reader.join()
                raise StartFailed(self.log())
            if time.monotonic() > deadline:
                self.kill()
                raise StartFailed("not ready in time\n" + self.log())

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            admin = re.search(r"admin: http://\S+:(\d+)", line)
            if admin:
                self.admin_port = int(admin.group(1))
            listener = re.search(r"listener (\w+): (\S+):(\d+), advertised", line)
            if listener:
                self.ports[listener.group(1)] = int(listener.group(3))
            if re.search(r" ready in \d+ ms ", line):
                self.ready.set()

    def log(self):
        return "".join(self.lines)

    @property
    def port(self):
        return next(iter(self.ports.values()))

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def stop(self, bound_s=PATIENCE_S):
        """SIGTERM; the status of the process."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(bound_s)
        self.reader.join()
        return status

    def kill(self):
        """kill -9, and wait until it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()

    def get(self, path):
        """(status, text) of a page of the admin port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """The sum of a metric over all cores and labels."""
        _, text = self.get("/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.split("{")[0].split(" ")[0] == name)

    def cores(self):
        """How many cores it runs on."""
        return self.get("/metrics")[1].count("\nringlog_connections{")


class BrokerTest(unittest.TestCase):
    """A directory per test, and brokers that end with it."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="ringlog-test-")
        self.brokers = []
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.addCleanup(self._end)

    def _end(self):
        for broker in self.brokers:
            broker.kill()
        if getattr(self._outcome, "result", None) and any(
                test is self for test, _ in self._outcome.result.failures + self._outcome.result.errors):
            for broker in self.brokers:
                print(f"--- {broker.directory}\n{broker.log()[-4000:]}")

    def start(self, *overrides, name="data", **options):
        broker = Broker(os.path.join(self.root, name), overrides, **options)
        self.brokers.append(broker)
        return broker

    def wait_for(self, what, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"{what} did not happen in time")
            time.sleep(0.005)
