#!/usr/bin/env python3
"""Runs clang-tidy over the C++ files that a build compiles, as .clang-tidy says. Prints what it found.

Usage: tools/check_tidy.py [--build DIR] [--jobs N] [FILE...]
What passed is remembered by content (the file, what it includes of the project, its command, .clang-tidy) in
build/lint/tidy, so that only what changed is looked at again.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from source_files import PassedCache, content_hash

TIDY = "clang-tidy-19"
# Test programs expand macros at every line: the checks that are worth it there.
TEST_CHECKS = ("-*,bugprone-use-after-move,cppcoreguidelines-avoid-capturing-lambda-coroutines,"
               "google-build-using-namespace,readability-braces-around-statements,readability-identifier-naming")


def compiled_files(build, root):
    """The project's files in the compilation database, with their commands: {path relative to root: command}."""
    database = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    commands = {}
    for entry in database:
        path = Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(root) and not path.is_relative_to(root / "build") and path.is_file():
            commands[str(path.relative_to(root))] = entry.get("command", "")
    return commands


def checks_of(path):
    return [f"--checks={TEST_CHECKS}"] if path.startswith("tests/") else []


def tidy(path, build, root):
    """What clang-tidy says about one file; nothing if it is content."""
    done = subprocess.run([TIDY, "--quiet", "-p", str(build), *checks_of(path), path],
                          cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    said = (done.stdout + done.stderr).replace(f"{root}/", "")
    return re.sub(r"^\d+ warnings?( and \d+ errors?)? generated\.\n", "", said, flags=re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--build", type=Path, default=root / "build" / "release")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    build = options.build.resolve()
    commands = compiled_files(build, root)
    wanted = [f for f in commands if not options.files or f in options.files]
    cache = PassedCache(root / "build" / "lint" / "tidy")
    config = (root / ".clang-tidy").read_text(encoding="utf-8")
    keys = {f: content_hash(root / f, root, f"{TIDY} {config} {checks_of(f)} {commands[f]}") for f in wanted}
    waiting = [f for f in wanted if keys[f] not in cache]
    failed = 0
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        for path, said in zip(waiting, pool.map(lambda f: tidy(f, build, root), waiting)):
            if said:
                failed += 1
                print(said)
            else:
                cache.add(keys[path])
    print(f"clang-tidy: {len(wanted)} files, {len(wanted) - len(waiting)} unchanged since they passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
