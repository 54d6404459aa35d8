#!/usr/bin/env python3
"""Goal: the tests see what they claim to see. Method: turn on one seeded bug (base/mutant.h) at a time in a build that
has them, and run the checks from the quick to the thorough until one fails. First the same checks run with no bug at
all, and must hold. Prints a table; ends with status 1 if a bug was not caught or a check failed without one.
"""
import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mutants


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", help="mutants; all of them if none is named")
    parser.add_argument("--build", type=Path, default=mutants.ROOT / "build/mutants", help="a build with RINGLOG_MUTANTS")
    parser.add_argument("--budget", type=float, default=60, help="seconds for each mutant (60)")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once (1)")
    parser.add_argument("--checks", help="only these, separated by commas")
    parser.add_argument("--all", action="store_true", help="run each check on each mutant, also behind the first that fails")
    parser.add_argument("--skip-unmutated", action="store_true", help="do not show first that the checks hold without a bug")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    return parser.parse_args(arguments)


def try_mutant(name, checks, options):
    """What each check said, up to the first that failed."""
    verdicts = []
    left = options.budget
    for check in checks:
        verdict = mutants.run_check(check, name, options.build, check.seconds if options.all else left, os.environ)
        verdicts.append(verdict)
        left -= verdict.seconds
        if not options.all and (verdict.caught or left < 1):
            break
    return verdicts


def short(said):
    text = re.sub(r"\s+", " ", said).replace("|", "/")
    return text if len(text) <= 100 else text[:97] + "..."


def row(name, verdicts):
    caught = [verdict for verdict in verdicts if verdict.caught]
    spent = sum(verdict.seconds for verdict in verdicts)
    if not caught:
        held = ", ".join(f"{v.check}: {v.said}" for v in verdicts)
        return f"| `{name}` | **not caught** | {spent:.1f} | {short(held)} |"
    # Run on, each check's own time counts; else all that was spent until one failed.
    who = ", ".join(f"{v.check} ({v.seconds:.1f})" for v in caught) if len(caught) > 1 else caught[0].check
    return f"| `{name}` | {who} | {spent:.1f} | {short(caught[0].said)} |"


def unmutated_holds(checks, options):
    """The same checks, with the same bounds, where nothing is wrong."""
    good = True
    for check in checks:
        verdict = mutants.run_check(check, "none", options.build, min(check.seconds, options.budget), os.environ)
        print(f"without a bug: {check.name} {'FAILED' if verdict.caught else verdict.said}, {verdict.seconds:.1f} s"
              f"{': ' + verdict.said if verdict.caught else ''}", flush=True)
        good = good and not verdict.caught and verdict.finished
    return good


def commit():
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=mutants.ROOT, capture_output=True, text=True,
                          check=False)
    return said.stdout.strip() or "unknown"


def main(arguments):
    options = parse(arguments)
    options.build = options.build.resolve()
    known = mutants.mutants()
    if options.list:
        for name, meaning in known.items():
            print(f"{name:<34} {meaning}")
        return 0
    wrong = [name for name in options.names if name not in known]
    if wrong:
        print(f"no mutant {', '.join(wrong)}; --list names them", file=sys.stderr)
        return 2
    chosen = options.names or list(known)
    wanted = options.checks.split(",") if options.checks else [check.name for check in mutants.CHECKS]
    checks = [check for check in mutants.CHECKS if check.name in wanted]
    if not checks:
        print(f"no such check; there are {', '.join(check.name for check in mutants.CHECKS)}", file=sys.stderr)
        return 2
    good = options.skip_unmutated or unmutated_holds(checks, options)
    print(f"\ncommit {commit()}; at most {options.budget:.0f} s for each\n\n"
          "| mutant | caught by | seconds | what it said |\n|---|---|---|---|", flush=True)
    survivors = []
    with ThreadPoolExecutor(options.jobs) as pool:
        tried = pool.map(lambda name: (name, try_mutant(name, checks, options)), chosen)
        for name, verdicts in tried:
            print(row(name, verdicts), flush=True)
            if not any(verdict.caught for verdict in verdicts):
                survivors.append(name)
    print(f"\n{len(chosen) - len(survivors)} of {len(chosen)} mutants caught"
          f"{'; not: ' + ', '.join(survivors) if survivors else ''}")
    return 0 if good and not survivors else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
