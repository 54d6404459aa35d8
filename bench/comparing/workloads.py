"""What is measured on a broker, and on the machine without one: runs of the bench programs, each bounded in time."""

import dataclasses
import json
import pathlib
import subprocess
import time

from comparing.targets import Broker

IDLE_SECONDS = 2.0


class Failed(RuntimeError):
    """A run that gave no figure; the text says why."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long everything takes, and which programs are used."""

    programs: pathlib.Path  # where ringlog-bench-load and ringlog-bench-device are
    scratch: pathlib.Path   # on the file system that is measured
    seconds: float = 8.0
    warmup: float = 2.0
    jvm_warmup: float = 10.0
    device_seconds: float = 0.7
    workloads: tuple = ()


# Name -> what it asks for, and the arguments of ringlog-bench-load. Records are of 1 KiB, acks=all throughout.
WORKLOADS = {
    "ack1": ("1 producer, 1 in flight, closed loop", ["--connections", "1"]),
    "fan64": ("64 producers, unbatched, one partition, closed loop", ["--connections", "64"]),
    "open1k": ("open loop, 1,000/s over 16 connections", ["--connections", "16", "--rate", "1000"]),
    "open5k": ("open loop, 5,000/s over 16 connections", ["--connections", "16", "--rate", "5000"]),
    "big": ("requests of 1 MiB, 4 connections, 2 in flight",
            ["--connections", "4", "--in-flight", "2", "--batch-bytes", "1048576"]),
    "e2e": ("open loop, 2,000/s over 16 connections, to a consumer at the tail",
            ["--connections", "16", "--rate", "2000", "--end-to-end"]),
}
# Reads what `big` wrote, so it comes behind it.
DRAIN = "drain"
DEFAULT_WORKLOADS = ("ack1", "fan64", "open1k", "open5k", "big")
KNOWN_WORKLOADS = (*WORKLOADS, DRAIN)
# More than it can do: an open loop that is not kept up says nothing.
NOT_FOR = {"kafka-flush": ("open5k",)}


def call(command: list, timeout: float) -> dict:
    """Runs a program that prints one line of JSON."""
    command = [str(each) for each in command]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"no end within {timeout:.0f} s: {' '.join(command)}") from error
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise Failed(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}") from error


def device(plan: Plan) -> dict:
    """The raw loop: 4 KiB and 1 MiB writes at both rungs, the round trip and the floor servers."""
    found = call([plan.programs / "ringlog-bench-device", "--dir", plan.scratch, "--sizes", "4096,1048576",
                  "--seconds", plan.device_seconds, "--json"], timeout=60 + 20 * plan.device_seconds)
    figures = {"round_trip_p50_us": found["round_trip"][0]["latency"]["p50_us"]}
    for each in found["write"]:
        size = "1m" if each["bytes"] == 1 << 20 else "4k"
        for key in ("p50_us", "p99_us"):
            figures[f"{each['rung']}_{size}_{key}"] = each["latency"][key]
        figures[f"{each['rung']}_{size}_per_second"] = each["per_second"]
        figures[f"{each['rung']}_{size}_mb_per_second"] = each["mb_per_second"]
    for each in found["floor_server"]:
        figures[f"floor_{each['rung']}_p50_us"] = each["latency"]["p50_us"]
        figures[f"floor_{each['rung']}_p99_us"] = each["latency"]["p99_us"]
    figures["cpu_away_percent"] = max(each["share"] * 100 for each in found["cpu_away"])
    figures["cpu_away_longest_us"] = max(each["longest_us"] for each in found["cpu_away"])
    return figures


def ceiling(plan: Plan, name: str) -> dict:
    """The load client against its own null server: what it could have measured."""
    return call([plan.programs / "ringlog-bench-load", "produce", "--self-ceiling", "--json", *WORKLOADS[name][1],
                 "--seconds", max(plan.device_seconds, 0.3), "--warmup", 0.2], timeout=60)


def first_ack_ms(plan: Plan, broker: Broker) -> float:
    """Starts the broker with a client already asking, so that no start of a client is counted."""
    command = [str(plan.programs / "ringlog-bench-load"), "first-ack", "--json", "--target",
               f"127.0.0.1:{broker.port}", "--topic", "first", "--setup-seconds", "60"]
    asking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(0.1)  # it polls every millisecond by now
        broker.start()
        out, err = asking.communicate(timeout=90)
    except subprocess.TimeoutExpired as error:
        raise Failed("no first ack within 90 s") from error
    finally:
        if asking.poll() is None:
            asking.kill()
            asking.wait()
    if asking.returncode != 0:
        raise Failed(f"no first ack: {err.strip()}")
    return (json.loads(out)["acked_ns"] - broker.started_ns) / 1e6


def idle(broker: Broker, seconds: float) -> dict:
    before = broker.cpu_seconds()
    time.sleep(seconds)
    return {"rss_mib": broker.resident_mib(), "cpu_percent": 100 * (broker.cpu_seconds() - before) / seconds}


def produce(plan: Plan, broker: Broker, name: str, seconds: float, warmup: float, topic: str) -> dict:
    command = [plan.programs / "ringlog-bench-load", "produce", "--json", "--target", f"127.0.0.1:{broker.port}",
               "--broker-pid", broker.pid, "--seconds", seconds, "--warmup", warmup, "--topic", topic,
               *WORKLOADS[name][1]]
    for config in broker.target.topic_configs:
        command += ["--config", config]
    found = call(command, timeout=seconds + warmup + 120)
    found["foreign_cpu_percent"] = foreign_cpu(found)
    return found


def drain(plan: Plan, broker: Broker) -> dict:
    found = call([plan.programs / "ringlog-bench-load", "drain", "--json", "--target", f"127.0.0.1:{broker.port}",
                  "--broker-pid", broker.pid, "--topic", "big", "--seconds", plan.seconds], timeout=plan.seconds + 60)
    found["sound"] = found["gaps"] == 0
    return found


def foreign_cpu(found: dict) -> float:
    """Percent of the machine that neither broker nor client used: kernel threads, and whoever else was there."""
    records = found["records_per_second"]
    own = records * (found["client_cpu_us_per_record"] + found.get("broker_cpu_us_per_record", 0)) / 1e6
    cpus = max(len(found["cpu_busy_percent"]), 1)
    return max(sum(found["cpu_busy_percent"]) / cpus - 100 * own / cpus, 0.0)


def measure(plan: Plan, broker: Broker, say) -> dict:
    """Everything of one target in one round. A part that fails is an {"error": ...} and does not end the rest."""
    result = {"target": broker.target.name, "port": broker.port, "workloads": {}}
    broker.prepare()
    result["first_ack_ms"] = first_ack_ms(plan, broker)
    result["idle"] = idle(broker, IDLE_SECONDS if plan.seconds >= 1 else plan.seconds)
    say(f"  first ack {result['first_ack_ms']:.0f} ms, idle {result['idle']['rss_mib']:.0f} MiB")
    if broker.target.kind == "kafka" and plan.jvm_warmup > 0:
        produce(plan, broker, "fan64", seconds=0.1, warmup=plan.jvm_warmup, topic="warm")
    for name in plan.workloads:
        if name in NOT_FOR.get(broker.target.name, ()):
            continue
        try:
            if name == DRAIN:
                found = drain(plan, broker)
            else:
                found = produce(plan, broker, name, plan.seconds, plan.warmup, topic=name)
        except Failed as error:
            found = {"error": str(error)}
        result["workloads"][name] = found
        say(f"  {name}: {describe(found)}")
    return result


def describe(found: dict) -> str:
    if "error" in found:
        return f"FAILED: {found['error']}"
    if "ack" not in found:
        return f"{found['mb_per_second']:.0f} MB/s, broker CPU {found['broker_cpu_ns_per_byte']:.2f} ns per byte"
    ack = found["ack"]
    tail = f", p99 {ack['p99_us']:.0f}" if ack["p99_us"] is not None else ""
    verdict = "" if found["sound"] and found.get("kept_up", True) else "  NOT SOUND or not kept up"
    return (f"{found['records_per_second']:.0f} records/s, {found['mb_per_second']:.0f} MB/s, p50 {ack['p50_us']:.0f}"
            f"{tail} us, broker CPU {found['broker_cpu_us_per_record']:.1f} us per record{verdict}")
