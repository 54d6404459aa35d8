"""The brokers that are compared: each is started on loopback with a fresh data directory and ended by its process id."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STOP_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Target:
    """One broker at one durability. `rung` is what an acked record survives: see docs/benchmarks.md, "Rungs"."""

    name: str
    title: str
    kind: str  # "ringlog" or "kafka"
    rung: str
    overrides: tuple = ()
    topic_configs: tuple = ()


def ringlog(name: str, durability: str, cores: int) -> Target:
    return Target(
        name,
        f"Ringlog, {durability}, {cores} core{'s' if cores > 1 else ''}",
        "ringlog",
        durability,
        (f"ringlog.durability={durability}", f"ringlog.cores={cores}", "ringlog.admin.listener=none"),
    )


# In the order of a round: what is compared with each other stands side by side.
TARGETS = {
    target.name: target
    for target in (
        ringlog("power1", "power", 1),
        ringlog("power2", "power", 2),
        Target("kafka-flush", "Apache Kafka, flush.messages=1", "kafka", "power",
               topic_configs=("flush.messages=1",)),
        ringlog("crash1", "crash", 1),
        Target("kafka", "Apache Kafka, default", "kafka", "page cache"),
        ringlog("crash2", "crash", 2),
    )
}


def free_port(first: int) -> int:
    """The first port from `first` on that is free together with the one behind it (Kafka's controller takes that)."""
    for port in range(first, first + 200, 2):
        try:
            with contextlib.ExitStack() as held:
                for each in (port, port + 1):
                    probe = held.enter_context(socket.socket())
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", each))
            return port
        except OSError:
            continue
    raise RuntimeError(f"no free pair of ports from {first} on")


def alive(pid: int) -> bool:
    """False also for a zombie, which has given back everything but its number."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Broker:
    """A running target. `started_ns` is CLOCK_MONOTONIC just before its process was made."""

    def __init__(self, target: Target, directory: pathlib.Path, port: int, ringlog_binary: pathlib.Path):
        self.target = target
        self.directory = directory
        self.port = port
        self._ringlog = ringlog_binary
        self._child = None
        self.pid = 0
        self.started_ns = 0

    def prepare(self) -> None:
        """What is not part of a start: Kafka's formatting."""
        self.directory.mkdir(parents=True)
        if self.target.kind == "kafka":
            subprocess.run([ROOT / "bench/kafka/start", "--format-only", self.directory, str(self.port)],
                           check=True, timeout=120)

    def start(self) -> None:
        if self.target.kind == "kafka":
            self.started_ns = time.monotonic_ns()
            out = subprocess.run([ROOT / "bench/kafka/start", self.directory, str(self.port)],
                                 check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout
            self.pid = int(out)
            return
        settings = (f"listeners=PLAINTEXT://127.0.0.1:{self.port}",
                    f"log.dirs={self.directory}/data") + self.target.overrides
        command = [str(self._ringlog), "start"]
        for setting in settings:
            command += ["--override", setting]
        with open(self.directory / "server.out", "wb") as output:
            self.started_ns = time.monotonic_ns()
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                           cwd=self.directory)
        self.pid = self._child.pid

    def stop(self) -> None:
        """Asks it to end, then insists; removes its data."""
        if self.pid:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, number)
                if self._ended(STOP_SECONDS):
                    break
        shutil.rmtree(self.directory, ignore_errors=True)

    def _ended(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._child is not None:
                self._child.poll()
            if not alive(self.pid):
                return True
            time.sleep(0.02)
        return False

    def last_words(self) -> str:
        try:
            return (self.directory / "server.out").read_text(errors="replace")[-2000:]
        except FileNotFoundError:
            return ""

    def resident_mib(self) -> float:
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
