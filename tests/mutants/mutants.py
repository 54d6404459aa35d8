"""The seeded bugs of base/mutant.h, and the checks that must catch them."""
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("base", "io", "engine", "kafka", "cluster", "broker")


@dataclass(frozen=True)
class Check:
    name: str
    command: tuple  # the program, below the build directory, and its arguments; {seconds} is what it may take
    seconds: float  # of its own at the most; one that ends with its bound has found nothing


# From the quick to the thorough. A seed is run once: what two runs would show, the simulation's own test shows.
CHECKS = (
    Check("unit", ("tests/unit_engine", "--gtest_fail_fast"), 20),
    Check("cluster", ("tests/unit_cluster", "--gtest_fail_fast"), 10),
    Check("server", ("tests/unit_broker_server", "--gtest_fail_fast"), 10),
    Check("regression", ("tests/regression", "--gtest_fail_fast"), 10),
    Check("simulation", ("ringlog_sim", "--once", "--count", "140"), 40),
    Check("fault", ("tests/fault", "--gtest_fail_fast"), 40),
    Check("crash", ("ringlog_crash", "--io", "simulated", "--seconds", "{seconds}"), 40),
)


def mutants():
    """Name and meaning of each, in order."""
    text = (ROOT / "base/mutant.h").read_text(encoding="utf-8")
    rows = re.findall(r"^    (\w+),\s*///< (.*(?:\n\s+///<.*)*)", text, re.MULTILINE)
    return {name: re.sub(r"\s*\n\s*///<\s*", " ", meaning) for name, meaning in rows}


def names_that_count():
    """The names that RINGLOG_MUTANT takes."""
    text = (ROOT / "base/mutant.cc").read_text(encoding="utf-8")
    return [name for name in re.findall(r'^ +"(\w+)"', text, re.MULTILINE) if name != "none"]


def uses():
    """How often each stands in the product."""
    counts = {}
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.cc")):
            for name in re.findall(r"mutant\(Mutant::(\w+)\)", path.read_text(encoding="utf-8")):
                counts[name] = counts.get(name, 0) + 1
    return counts


@dataclass
class Verdict:
    check: str
    caught: bool
    seconds: float
    said: str
    finished: bool = True


SAYS = (
    re.compile(r"FAILED seed \d+: .*"),
    re.compile(r"FAILED \S+: .*"),
    re.compile(r"assertion failed.*|.*RL_ASSERT.*", re.IGNORECASE),
    re.compile(r"\[  FAILED  \] [^\s,]+"),
)


def what_it_said(output):
    """The line of a failure that says most."""
    for pattern in SAYS:
        found = pattern.search(output)
        if found:
            return found.group(0).strip()
    begun = re.findall(r"^\[ RUN      \] (\S+)", output, re.MULTILINE)
    if begun:
        return f"{begun[-1]} ended the process"
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no word"


def the_same_alone(check, output):
    """The command that runs only what failed in `output`; None if it cannot be told."""
    seed = re.search(r"FAILED seed (\d+):", output)
    if seed:
        return (check.command[0], "--once", "--seed", seed.group(1))
    tests = re.findall(r"^\[ RUN      \] (\S+)", output, re.MULTILINE)
    if tests:
        # With --gtest_fail_fast, and where a test ends the process, the last that began is the one that failed.
        return (check.command[0], f"--gtest_filter={tests[-1]}")
    return None


def run_check(check, mutant, build, seconds, environment):
    """Runs one check against one mutant (or none of them), for so many seconds at the most. A failure counts if the
    same test or seed holds where nothing is wrong."""
    verdict, output = run_once(check, mutant, build, seconds, environment)
    alone = the_same_alone(check, output) if verdict.caught and mutant != "none" else None
    if alone is not None:
        again, _ = run_once(Check(check.name, alone, check.seconds), "none", build, check.seconds, environment)
        if again.caught or not again.finished:
            return Verdict(check.name, False, verdict.seconds, f"{verdict.said}, also without the bug")
    return verdict


def run_once(check, mutant, build, seconds, environment):
    bound = min(seconds, check.seconds)
    command = [part.format(seconds=f"{bound:.0f}") for part in check.command]
    command[0] = str(build / command[0])
    variables = {**environment, "RINGLOG_MUTANT": mutant}
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=variables, cwd=build, start_new_session=True) as process:
        try:
            # A run that was told its bound ends by itself, a little later.
            output, _ = process.communicate(timeout=bound + 20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the program, and the seeds that it runs in processes of their own
            process.communicate()
            return Verdict(check.name, False, time.monotonic() - begun, "did not end", finished=False), ""
    took = time.monotonic() - begun
    if process.returncode == 0:
        return Verdict(check.name, False, took, "held"), output
    return Verdict(check.name, True, took, what_it_said(output)), output
