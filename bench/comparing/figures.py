"""From what the rounds gave to the table: medians with their spread, and ratios of what ran in one round."""

import dataclasses
import statistics
from typing import Callable, Optional


class Round:
    """One round's results by target, for the rows to pick from. A figure that is missing is None."""

    def __init__(self, results: dict, ceilings: dict):
        self._results = results
        self._ceilings = ceilings

    def load(self, target: str, workload: str, *path: str) -> Optional[float]:
        found = self._results.get(target, {}).get("workloads", {}).get(workload, {})
        if "error" in found or not found.get("sound", False) or not found.get("kept_up", True):
            return None
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def measured(self, workload: str) -> bool:
        return any(workload in found.get("workloads", {}) for found in self._results.values())

    def device(self, target: str, figure: str) -> Optional[float]:
        """Of the raw loop that ran directly before this target."""
        return (self._results.get(target, {}).get("device") or {}).get(figure)

    def other(self, target: str, *path: str) -> Optional[float]:
        found = self._results.get(target, {})
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def ceiling(self, workload: str) -> Optional[float]:
        return self._ceilings.get(workload, {}).get("records_per_second")


def ratio(above: Optional[float], below: Optional[float]) -> Optional[float]:
    return above / below if above is not None and below else None


def plus(left: Optional[float], right: Optional[float]) -> Optional[float]:
    return left + right if left is not None and right is not None else None


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table: what, in which unit, wanted at least or at most what, and how it is found in a round."""

    title: str
    unit: str
    pick: Callable[[Round], Optional[float]]
    at_least: Optional[float] = None
    at_most: Optional[float] = None


def raw_row(target: str) -> Row:
    return Row(f"{target}: durable ack p50, 1 producer, against raw flushed 4 KiB write + round trip", "x",
               lambda r: ratio(r.load(target, "ack1", "ack", "p50_us"),
                               plus(r.device(target, "power_4k_p50_us"), r.device(target, "round_trip_p50_us"))),
               at_most=1.2)


def rate(target: str, workload: str) -> Callable[[Round], Optional[float]]:
    return lambda r: r.load(target, workload, "records_per_second")


def against(pick: str, ours: str, peer: str, workload: str) -> Callable[[Round], Optional[float]]:
    return lambda r: ratio(r.load(ours, workload, pick), r.load(peer, workload, pick))


RATIOS = (
    raw_row("power1"),
    raw_row("power2"),
    Row("power1: durable ack p50, 1 producer, against the floor server", "x",
        lambda r: ratio(r.load("power1", "ack1", "ack", "p50_us"), r.device("power1", "floor_power_p50_us"))),
    Row("power1: durable records/s, 64 producers, against the raw flush rate", "x",
        lambda r: ratio(r.load("power1", "fan64", "records_per_second"), r.device("power1", "power_4k_per_second")),
        at_least=8),
    Row("power2: durable records/s, 64 producers, against the raw flush rate", "x",
        lambda r: ratio(r.load("power2", "fan64", "records_per_second"), r.device("power2", "power_4k_per_second")),
        at_least=8),
    Row("power1: durable records/s, 64 producers, against Kafka flush.messages=1", "x",
        against("records_per_second", "power1", "kafka-flush", "fan64"), at_least=20),
    Row("crash1: records/s, 64 producers, against Kafka's default", "x",
        against("records_per_second", "crash1", "kafka", "fan64"), at_least=1.5),
    Row("crash1: ack p99 at 5,000/s, against Kafka's default", "x",
        lambda r: ratio(r.load("crash1", "open5k", "ack", "p99_us"), r.load("kafka", "open5k", "ack", "p99_us")),
        at_most=1 / 3),
    Row("power1: broker CPU per record, 64 producers", "us",
        lambda r: r.load("power1", "fan64", "broker_cpu_us_per_record"), at_most=10),
    Row("crash1: 1 MiB requests, MB/s, against Kafka's default", "x",
        against("mb_per_second", "crash1", "kafka", "big"), at_least=1.5),
    Row("power1: 1 MiB requests, MB/s, against Kafka flush.messages=1", "x",
        against("mb_per_second", "power1", "kafka-flush", "big"), at_least=2),
    Row("power1: start to first ack", "ms", lambda r: r.other("power1", "first_ack_ms"), at_most=200),
    Row("power1: resident memory, idle", "MiB", lambda r: r.other("power1", "idle", "rss_mib")),
    Row("client's ceiling, 1 connection, against power1", "x",
        lambda r: ratio(r.ceiling("ack1"), r.load("power1", "ack1", "records_per_second"))),
    Row("client's ceiling, 64 connections, against crash1", "x",
        lambda r: ratio(r.ceiling("fan64"), r.load("crash1", "fan64", "records_per_second"))),
)

DEVICE = (("raw write 4 KiB flushed, p50", "us", "power_4k_p50_us"),
          ("raw write 4 KiB flushed, p99", "us", "power_4k_p99_us"),
          ("raw write 4 KiB flushed, rate", "/s", "power_4k_per_second"),
          ("raw write 4 KiB unflushed, p50", "us", "crash_4k_p50_us"),
          ("raw write 1 MiB flushed", "MB/s", "power_1m_mb_per_second"),
          ("raw write 1 MiB unflushed", "MB/s", "crash_1m_mb_per_second"),
          ("loopback round trip 1 KiB, p50", "us", "round_trip_p50_us"),
          ("floor server flushed, p50", "us", "floor_power_p50_us"),
          ("floor server unflushed, p50", "us", "floor_crash_p50_us"),
          ("a CPU is away for over 200 us at a time, of all time", "%", "cpu_away_percent"),
          ("and at the longest", "us", "cpu_away_longest_us"))

# Columns of the table of absolute figures: title, workload, path.
ABSOLUTE = (("1 producer p50 us", "ack1", ("ack", "p50_us")),
            ("p99 us", "ack1", ("ack", "p99_us")),
            ("64 producers records/s", "fan64", ("records_per_second",)),
            ("broker CPU us/record", "fan64", ("broker_cpu_us_per_record",)),
            ("CPUs busy %", "fan64", ("cpu_busy_mean",)),
            ("1k/s p50 us", "open1k", ("ack", "p50_us")),
            ("1k/s p99 us", "open1k", ("ack", "p99_us")),
            ("5k/s p50 us", "open5k", ("ack", "p50_us")),
            ("5k/s p99 us", "open5k", ("ack", "p99_us")),
            ("1 MiB MB/s", "big", ("mb_per_second",)),
            ("end to end p50 us", "e2e", ("end_to_end", "p50_us")),
            ("end to end p99 us", "e2e", ("end_to_end", "p99_us")),
            ("drain MB/s", "drain", ("mb_per_second",)))


def number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def summary(values: list) -> dict:
    """Median and spread of what rounds gave; nothing is discarded but what is missing."""
    present = [value for value in values if value is not None]
    if not present:
        return {"n": 0}
    return {"n": len(present), "median": statistics.median(present), "min": min(present), "max": max(present)}


def cell(found: dict) -> str:
    if found["n"] == 0:
        return "-"
    if found["n"] == 1:
        return number(found["median"])
    return f"{number(found['median'])} ({number(found['min'])}..{number(found['max'])})"


def verdict(row: Row, found: dict) -> str:
    if found["n"] == 0 or (row.at_least is None and row.at_most is None):
        return ""
    met = found["median"] >= row.at_least if row.at_least is not None else found["median"] <= row.at_most
    return "met" if met else "MISSED"


def wanted(row: Row) -> str:
    if row.at_least is not None:
        return f">= {number(row.at_least)}"
    return f"<= {number(row.at_most)}" if row.at_most is not None else ""


def table(rounds: list, targets: list) -> tuple:
    """The Markdown, and the same figures for JSON. `rounds` holds {"results", "ceilings"}; `targets` are in order."""
    picked = [Round(each["results"], each["ceilings"]) for each in rounds]
    figures = {"ratios": [], "absolute": {}, "device": {}}
    lines = ["| what | wanted | median (min..max) of rounds | |", "|---|---|---|---|"]
    for row in RATIOS:
        found = summary([row.pick(each) for each in picked])
        if found["n"] == 0:
            continue
        found.update({"title": row.title, "unit": row.unit, "verdict": verdict(row, found)})
        figures["ratios"].append(found)
        lines.append(f"| {row.title} | {wanted(row)} | {cell(found)} {row.unit} | {found['verdict']} |")
    shown = [each for each in ABSOLUTE if any(run.measured(each[1]) for run in picked)]
    lines += ["", "| target | rung | first ack ms | idle MiB | " + "".join(f"{each[0]} | " for each in shown).rstrip(),
              "|---" * (len(shown) + 4) + "|"]
    for target in targets:
        found = {"first ack ms": summary([each.other(target.name, "first_ack_ms") for each in picked]),
                 "idle MiB": summary([each.other(target.name, "idle", "rss_mib") for each in picked])}
        for title, workload, path in shown:
            key = f"{workload}: {title}"
            found[key] = summary([each.load(target.name, workload, *path) for each in picked])
        figures["absolute"][target.name] = found
        cells = " | ".join(cell(each) for each in found.values())
        lines.append(f"| {target.title} | {target.rung} | {cells} |")
    lines += ["", "| the machine without a broker | median (min..max) |", "|---|---|"]
    for title, unit, figure in DEVICE:
        found = summary([each.device(target.name, figure) for each in picked for target in targets])
        figures["device"][figure] = found
        lines.append(f"| {title} | {cell(found)} {unit} |")
    return "\n".join(lines) + "\n", figures
