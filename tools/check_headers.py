"""Compiles each header alone: whoever includes one needs to know of no other. Called by check_tree.py.

What passed is remembered by content in build/lint/headers, so that only changed headers (and those that include them)
are compiled again.
"""

import json
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from source_files import PassedCache, content_hash, list_files

COMPILER = "clang++-19"
FLAGS = ["-std=c++23", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wno-missing-field-initializers",
         "-fsyntax-only", "-x", "c++"]


def definitions(root):
    """Macros of ours that the build defines for some of its targets (a directory of test data, for one)."""
    database = root / "build" / "release" / "compile_commands.json"
    if not database.exists():
        return []
    found = set()
    for entry in json.loads(database.read_text(encoding="utf-8")):
        found.update(word for word in shlex.split(entry["command"]) if word.startswith("-DRINGLOG_"))
    return sorted(found)


def compile_alone(root, header, defined=()):
    """Findings of one header: none, or the first error that the compiler names."""
    done = subprocess.run(
        [COMPILER, *FLAGS, *defined, "-I", str(root), "-"], input=f'#include "{header}"\n',
        cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    first = re.search(r"^(?:\./)?(.+?):(\d+):\d+: (?:fatal )?error: (.*)$", done.stderr, re.MULTILINE)
    if not first:
        return [(header, 1, "does not compile alone: " + done.stderr.strip()[:200])]
    where = first.group(1).removeprefix(f"{root}/")
    line = int(first.group(2)) if where == header else 1
    place = "" if where == header else f" ({where}:{first.group(2)})"
    return [(header, line, f"does not compile alone: {first.group(3)}{place}")]


def check_headers(root, jobs):
    """Findings of all headers of the project, as (path, line, message)."""
    if shutil.which(COMPILER) is None:
        return [("tools/check_headers.py", 1, f"{COMPILER} is not installed: ./dev lint installs it")]
    cache = PassedCache(root / "build" / "lint" / "headers")
    defined = definitions(root)
    salt = " ".join([COMPILER, *FLAGS, *defined])
    keys = {h: content_hash(root / h, root, salt) for h in list_files(root) if h.endswith(".h")}
    waiting = [h for h, key in keys.items() if key not in cache]
    findings = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for header, found in zip(waiting, pool.map(lambda h: compile_alone(root, h, defined), waiting)):
            if not found:
                cache.add(keys[header])
            findings += found
    return findings
