#!/usr/bin/env python3
"""Fails where the tree breaks a rule that a compiler does not check. Prints `path:line: message` per finding.

Usage: tools/check_tree.py [--root DIR] [--no-headers] [--jobs N]
Rules: include arrows between folders, sizes of files and functions, headers that compile alone, words that do not
belong, tests that sleep, folder READMEs. docs/architecture.md and CONTRIBUTING.md say why.
"""

import argparse
import ast
import os
import re
import sys
from pathlib import Path

import check_headers
import cpp_text
from source_files import INCLUDE, list_files

FILE_LINES = 600
FUNCTION_LINES = 70
README_LINES = 40

# Which folders each folder may include. tests, bench and tuning may include all.
ARROWS = {
    "base": {"base"},
    "io": {"base", "io"},
    "engine": {"base", "io", "engine"},
    "kafka": {"base", "kafka"},
    "cluster": {"base", "io", "kafka", "cluster"},
    "replication": {"base", "io", "engine", "kafka", "cluster", "replication"},
    "broker": {"base", "io", "engine", "kafka", "cluster", "replication", "broker"},
    "examples": {"base", "io", "engine"},
}
UNBOUND = {"tests", "bench", "tuning"}
FOLDERS = set(ARROWS) | UNBOUND
# The one file that may know the command headers of bench and tuning.
WIRING = {"broker/main.cc": {"bench", "tuning"}}
# base and kafka do no I/O and know no coroutines: what they may not include of the system.
FORBIDDEN_SYSTEM = {
    "base": re.compile(r"coroutine|liburing.*|sys/(socket|epoll|eventfd|stat|mman)\.h|netinet/.*|fcntl\.h|fstream"),
    "kafka": re.compile(r"coroutine|liburing.*|sys/.*|netinet/.*|fcntl\.h|unistd\.h|fstream|thread|mutex"),
}

SOURCE_SUFFIXES = (".h", ".cc", ".py", ".sh", ".cmake")
SCRIPTS = {"dev", ".ci/run", "tools/install_packages", "tools/lint"}
UNREAD_SUFFIXES = (".bin", ".png", ".svg", ".gz", ".zst", ".lz4", ".snappy", ".pem", ".lock")

_UNFINISHED = re.compile(r"\b(?:" + "TO" + "DO|FIX" + "ME|XX" + "X)\\b")
_HOMES = re.compile(r"(?<![\w.])/(?:home|Users)/\w+/|(?<![\w.])/ro[o]t/")
_SLEEP = re.compile(r"(?<![\w.>])(?:(?:std::)?this_thread::sleep_(?:for|until)|sleep_for|sleep_until|usleep|nanosleep|"
                    r"(?:::)?sleep)\s*\(")
_SLEEP_REASON = "// sleeps because "


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_includes(path, source):
    """Includes against the arrows of the folders."""
    folder = path.split("/", 1)[0]
    if folder not in FOLDERS:
        yield 1, f'C++ in folder "{folder}", which tools/check_tree.py does not know'
        return
    code = cpp_text.blank(source)
    if path.endswith(".h") and not re.search(r"^\s*#\s*pragma\s+once\b", code, re.MULTILINE):
        yield 1, "a header without #pragma once"
    for match in INCLUDE.finditer(source):
        at = source.index("#", match.start())
        if code[at] != "#":
            continue  # in a comment or a string
        line, bracket, name = line_of(source, at), match.group(1), match.group(2)
        target = name.split("/", 1)[0]
        if bracket == "<":
            yield from check_system_include(folder, line, name)
        elif "/" not in name or target not in FOLDERS:
            yield line, f'"{name}" is not a path from the root of the repository'
        elif folder not in UNBOUND and target not in ARROWS[folder] | WIRING.get(path, set()):
            yield line, f"{folder}/ may not include {target}/ ({name})"


def check_system_include(folder, line, name):
    if "/" in name and name.split("/", 1)[0] in FOLDERS:
        yield line, f"<{name}> is a header of ours: write it in quotes"
    elif folder in FORBIDDEN_SYSTEM and FORBIDDEN_SYSTEM[folder].fullmatch(name):
        yield line, f"{folder}/ may not include <{name}>"


def check_sizes(path, source):
    """Lines of files and of functions."""
    count = len(source.splitlines())
    if count > FILE_LINES:
        yield count, f"{count} lines; a file has at most {FILE_LINES}"
    if path.endswith((".h", ".cc")):
        found = [(f.name, f.first_line, f.line_count) for f in cpp_text.functions(source)]
    elif path.endswith(".py"):
        found = python_functions(source)
    else:
        found = []
    for name, line, lines in found:
        if lines > FUNCTION_LINES:
            yield line, f"function {name} has {lines} lines; at most {FUNCTION_LINES}"


def python_functions(source):
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [(f"that does not parse: {error.msg}", error.lineno or 1, FUNCTION_LINES + 1)]
    return [(node.name, node.lineno, node.end_lineno - node.lineno + 1) for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def machine_paths(root):
    """Prefixes that name this machine's checkout, where they are telling (not /tmp or the like)."""
    common = {"/", "/tmp", "/src", "/usr/src", "/opt", "/home", "/var/tmp", "/mnt", "/srv"}
    return [str(p) + "/" for p in (root, root.parent) if str(p) not in common] + [str(root)]


def check_words(source, prefixes):
    """Words of unfinished work, and paths of one machine."""
    for number, line in enumerate(source.splitlines(), 1):
        if match := _UNFINISHED.search(line):
            yield number, f"{match.group(0)}: finish it, or say in the documentation what is missing"
        if (match := _HOMES.search(line)) or any(prefix in line for prefix in prefixes):
            yield number, f"a path of one machine{': ' + match.group(0) if match else ''}"


def check_sleeps(path, source):
    """Tests wait for events. A member function of that name (a reactor's timer) is the thing tested, and allowed."""
    if not path.startswith("tests/") or not path.endswith((".h", ".cc")):
        return
    lines = source.splitlines()
    code = cpp_text.blank(source)
    for match in _SLEEP.finditer(code):
        line = line_of(code, match.start())
        if _SLEEP_REASON not in lines[line - 1]:
            yield line, f'a test that sleeps: wait for the event, or end the line with "{_SLEEP_REASON}..."'


def check_readmes(files, line_counts):
    """Every folder of code has a README, and each is short."""
    for path in files:
        if path.endswith("/README.md") and line_counts(path) > README_LINES:
            yield path, README_LINES + 1, f"a folder's README has at most {README_LINES} lines"
    for folder in sorted({p.split("/", 1)[0] for p in files if p.endswith(".cc")} & FOLDERS):
        if f"{folder}/README.md" not in files:
            yield folder, 1, "a folder of code without README.md"


def check_text(path, source, prefixes):
    """Every rule that looks at one file alone."""
    if path.endswith((".h", ".cc")):
        yield from check_includes(path, source)
        yield from check_sleeps(path, source)
    if path.endswith(SOURCE_SUFFIXES) or path in SCRIPTS:
        yield from check_sizes(path, source)
    if path != "LICENSE":
        yield from check_words(source, prefixes)


def check_tree(root):
    """All findings of the text rules, as (path, line, message)."""
    files = list_files(root)
    prefixes = machine_paths(root)
    sources = {}
    for path in files:
        if path.endswith(UNREAD_SUFFIXES):
            continue
        try:
            sources[path] = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # golden bytes and other binaries
    findings = [(path, line, message) for path, source in sources.items()
                for line, message in check_text(path, source, prefixes)]
    findings += check_readmes(files, lambda path: len(sources[path].splitlines()))
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--no-headers", action="store_true", help="do not compile each header alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    root = options.root.resolve()
    findings = check_tree(root)
    if not options.no_headers:
        findings += check_headers.check_headers(root, options.jobs)
    for path, line, message in sorted(findings):
        print(f"{path}:{line}: {message}")
    if findings:
        print(f"check_tree: {len(findings)} finding(s)", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
