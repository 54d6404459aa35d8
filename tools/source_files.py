"""Which files are the project's, and what a C++ file includes of it."""

import hashlib
import re
import subprocess
from functools import lru_cache
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def list_files(root):
    """Paths below `root`, relative and sorted: what git tracks or would track; without git, what is not built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.split("\0")
    else:
        names = [str(p.relative_to(root)) for p in root.rglob("*")
                 if p.parts[len(root.parts)] not in ("build", ".git", "ringlog-data")]
    return sorted({name for name in names if name and (root / name).is_file()})


@lru_cache(maxsize=None)
def _own_includes(path, root):
    text = path.read_text(encoding="utf-8", errors="replace")
    return tuple(root / name for _, name in INCLUDE.findall(text) if (root / name).is_file())


def closure(path, root):
    """`path` and every file of the project that it includes, directly or not, sorted."""
    seen, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(_own_includes(current, root))
    return sorted(seen)


@lru_cache(maxsize=None)
def _digest(path):
    return hashlib.sha256(path.read_bytes()).digest()


def content_hash(path, root, salt):
    """A hash of `path`, of all that it includes of the project, and of `salt`."""
    total = hashlib.sha256(salt.encode())
    for part in closure(path, root):
        total.update(str(part.relative_to(root)).encode() + b"\0" + _digest(part))
    return total.hexdigest()


class PassedCache:
    """Hashes of what has passed a slow check. Losing it costs time only. One process writes it."""

    def __init__(self, path):
        self.path = path
        self.passed = set(path.read_text(encoding="ascii").split()) if path.exists() else set()

    def __contains__(self, key):
        return key in self.passed

    def add(self, key):
        self.passed.add(key)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="ascii") as out:
            out.write(key + "\n")
